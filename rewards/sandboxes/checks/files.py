"""Promise: a program finds the files of its step, and what is asked for of those it left comes back, and no more."""

from __future__ import annotations

from ...records import File, ScriptStep
from ..base import Sandbox
from .probe import demand, demand_output, run_steps, seen

READER = "import sys\nprint(open('folder/given', 'rb').read(), sys.argv[1:], input())\n"
WRITER = "import os\nos.makedirs('a/b')\nopen('a/b/c', 'wb').write(bytes(range(256)))\nopen('empty', 'w')\n"
TRICKSTER = """
import os
os.symlink('/etc/hostname', 'link')
open('real', 'w').write('x')
os.symlink('real', 'inner')
os.symlink('/etc', 'folder')
os.mkdir('directory')
"""


async def a_program_finds_its_files_and_words(sandbox: Sandbox) -> None:
    """What a step brings lies in the working directory, byte for byte; its words are on the command line."""
    given = File("folder/given", b"\0\xff\n")
    (run,) = await run_steps(sandbox, READER, [ScriptStep("in\n", files=(given,), args=("-x", "é"))])
    demand_output(run, "b'\\x00\\xff\\n' ['-x', 'é'] in\n")


async def files_that_were_asked_for_come_back(sandbox: Sandbox) -> None:
    """By their names, byte for byte; those that are not there are left out, and those nobody asked for, too."""
    (run,) = await run_steps(sandbox, WRITER, [ScriptStep(fetch=("a/b/c", "nowhere", "empty"))])
    found = {file.path: file.content for file in run.files}
    demand(found == {"a/b/c": bytes(range(256)), "empty": b""}, f"came back: {sorted(found)}, {seen(run)}")


async def a_link_is_no_file(sandbox: Sandbox) -> None:
    """What leads elsewhere is not followed, and a directory is no file: else a program would read with our eyes."""
    names = ("link", "inner", "folder/hostname", "directory", "real")
    (run,) = await run_steps(sandbox, TRICKSTER, [ScriptStep(fetch=names)])
    found = [file.path for file in run.files]
    demand(found == ["real"], f"came back: {found}, {seen(run)}")


async def files_of_one_step_are_gone_in_the_next(sandbox: Sandbox) -> None:
    """Given or left: each step begins with its own files and no others."""
    first = ScriptStep(files=(File("given", b"x"),), fetch=("left",))
    source = "import os\nprint(sorted(os.listdir()))\nopen('left', 'w')\n"
    runs = await run_steps(sandbox, source, [first, ScriptStep()])
    demand_output(runs[0], "['given']\n")
    demand_output(runs[1], "[]\n")


async def appended_source_stands_behind_the_program(sandbox: Sandbox) -> None:
    """In the same file, on a line of its own."""
    (run,) = await run_steps(sandbox, "x = 4  # no line end", [ScriptStep(append="print(x)")])
    demand_output(run, "4\n")


CHECKS = (
    a_program_finds_its_files_and_words,
    files_that_were_asked_for_come_back,
    a_link_is_no_file,
    files_of_one_step_are_gone_in_the_next,
    appended_source_stands_behind_the_program,
)
