"""Promise: a session keeps its state, nobody else's, for as long as its cells let it; whatever they do is an answer."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from ...errors import ConfigurationError
from ...records import CellStep, Ended, File, Limits, SandboxFailure, TestRun
from ..base import Interactive, Sandbox, Session
from .probe import PATIENCE_S, BrokenPromiseError, NotOfferedError, demand, run_on_every_slot, seen, together
from .reach import BREAKING_OUT, HARMLESS

LIMITS = Limits(cpu_s=1.5, wall_s=5.0, memory_mb=512, output_kb=64)
STOPPED = (Ended.CPU_LIMIT, Ended.WALL_LIMIT)
LIVES_ON = (Ended.RETURNED, Ended.RAISED)
FRESH = CellStep("import os\nprint('x' in globals(), os.path.exists('left'))")
ENDINGS = (
    "import os\nos._exit(0)",
    "import os\nos.kill(os.getpid(), 9)",
    "import sys\nsys.exit(1)",
    "import os\nos.fork()",
    "print('x' * (1 << 20))",
    "hoard = []\nwhile True:\n    hoard.append(bytearray(64 << 20))",
    "import os\nfor n in range(3, 200):\n    try:\n        os.write(n, b'junk' * 9)\n    except OSError:\n        pass",
    "import os\nos.closerange(3, 200)",
)
"""Cells after which the next one has to run all the same."""


@contextlib.asynccontextmanager
async def opened(
    sandbox: Sandbox, *, limits: Limits = LIMITS
) -> AsyncIterator[Callable[[str], asyncio.Future[TestRun]]]:
    """Yield what runs a cell in a session of its own; anything but a run, in time, breaks a promise."""
    session = await open_session(sandbox, limits=limits)
    try:
        yield lambda source: asyncio.ensure_future(run_cell(session, CellStep(source)))
    finally:
        await session.close()


async def open_session(sandbox: Sandbox, *, limits: Limits = LIMITS) -> Session:
    """Open a session; raises `NotOfferedError` where the sandbox has none."""
    if not isinstance(sandbox, Interactive):
        raise NotOfferedError("it has no sessions")
    try:
        async with asyncio.timeout(PATIENCE_S):
            session = await sandbox.open_session(limits)
    except ConfigurationError as missing:  # it has sessions, and not here
        raise NotOfferedError(str(missing)) from missing
    except TimeoutError:
        raise BrokenPromiseError(f"no session within {PATIENCE_S:.0f} s") from None
    if isinstance(session, SandboxFailure):
        raise BrokenPromiseError(f"no session was opened ({session.kind}: {session.detail})")
    return session


async def run_cell(session: Session, cell: CellStep) -> TestRun:
    """Return the run of a cell; an answer that does not come, or is none, breaks a promise."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            run = await session.run(cell)
    except TimeoutError:
        raise BrokenPromiseError(f"no answer within {PATIENCE_S:.0f} s to {cell.source!r:.80}") from None
    if isinstance(run, SandboxFailure):
        raise BrokenPromiseError(f"the session failed ({run.kind}: {run.detail}) in {cell.source!r:.80}")
    return run


def demand_printed(run: TestRun, expected: str) -> None:
    """Demand that a cell returned, and printed *expected*."""
    well = run.ended is Ended.RETURNED and run.stdout == expected
    demand(well, f"expected a cell to print {expected!r:.80}, saw {seen(run)}")


def _needs_sessions(sandbox: Sandbox, many: int) -> None:
    capacity = sandbox.session_capacity if isinstance(sandbox, Interactive) else 0
    if capacity is not None and capacity < many:
        raise NotOfferedError(f"it holds {capacity} sessions at once, and this takes {many}")


async def a_session_keeps_its_state(sandbox: Sandbox) -> None:
    """Names, modules and files are there in the next cell, after an exception as well."""
    session = await open_session(sandbox)
    try:
        files = (File("data/in.txt", b"brought along"),)
        demand_printed(
            await run_cell(session, CellStep("x = len(open('data/in.txt').read())\nprint(x)", files)), "13\n"
        )
        run = await run_cell(session, CellStep("x += 1\nopen('out.txt', 'w').write('left behind')\n1 / 0"))
        demand(run.ended is Ended.RAISED and "ZeroDivisionError" in run.stderr, f"an exception: {seen(run)}")
        demand_printed(await run_cell(session, CellStep("print(x, open('out.txt').read())")), "14 left behind\n")
        found = [await session.read(path, limit_bytes=4) for path in ("out.txt", "data/in.txt", "nothing", "data")]
        demand(found == [b"left", b"brou", None, None], f"files of a session were read as {found}")
    finally:
        await session.close()


async def a_stopped_cell_takes_the_state_with_it(sandbox: Sandbox) -> None:
    """A cell that never ends is stopped, whatever it catches; the next one finds a fresh interpreter."""
    endless = (
        "x = 1\nopen('left', 'w').close()\nwhile True:\n    try:\n        {}\n    except BaseException:\n        pass"
    )
    async with opened(sandbox) as run:
        for body in ("while True: pass", "import time; time.sleep(99)"):
            demand_printed(await run(FRESH.source), "False False\n")
            stopped = await run(endless.format(body))
            demand(stopped.ended in STOPPED, f"a cell without an end: {seen(stopped)}")
        demand_printed(await run(FRESH.source), "False False\n")


async def whatever_a_cell_does_the_next_one_runs(sandbox: Sandbox) -> None:
    """Ending the process, floods, forks, hoards of memory, junk on every descriptor: each is an answer."""
    async with opened(sandbox) as run:
        for n, source in enumerate(ENDINGS):
            await run("x = 1")
            end = await run(source)
            after = await run("print('x' in globals())")
            if after.ended not in LIVES_ON:  # what broke its channel without ending may show in the next cell alone
                after = await run("print('x' in globals())")
            demand_printed(after, f"{after.stdout.strip() == 'True'}\n")
            demand(end.ended not in (Ended.NOT_RUN, Ended.EXITED), f"cell {n}: {seen(end)}")
            kept = end.ended in LIVES_ON or after.stdout == "False\n"
            demand(kept, f"state was kept after {source!r:.80}, which ended by {end.ended.name}")


async def sessions_do_not_see_each_other(sandbox: Sandbox) -> None:
    """Neither names, nor files, nor processes of one are found in another."""
    _needs_sessions(sandbox, 2)
    needle = secrets.token_hex(12)
    search = (
        "import os\nfound = []\n"
        "for top in {'.', os.environ.get('HOME', '.'), os.environ.get('TMPDIR', '.'), '/tmp', '/dev/shm'}:\n"
        "    for folder, _, names in os.walk(top):\n"
        "        found += [folder + '/' + name for name in names if 'secret' in name]\n"
        f"found += [name for name in globals() if name[0] == 'n' and globals()[name] == {needle[::-1]!r}[::-1]]\n"
        "print(found)"
    )
    async with opened(sandbox) as one, opened(sandbox) as other:
        place = "for place in ('.', os.environ.get('TMPDIR', '.')):\n    open(place + '/secret', 'w').write(needle)"
        demand_printed(await one(f"import os\nneedle = {needle!r}\n{place}\nprint('hidden')"), "hidden\n")
        demand_printed(await other(search), "[]\n")
        demand_printed(await one("print(open('secret').read() == needle)"), "True\n")


async def a_session_that_waits_holds_no_place(sandbox: Sandbox) -> None:
    """As many sessions as programs may run at once, and one more, do not keep a program from running."""
    many = sandbox.capacity + 1
    _needs_sessions(sandbox, many + 1)
    async with contextlib.AsyncExitStack() as stack:
        runs = await together(stack.enter_async_context(opened(sandbox)) for _ in range(many))
        for n, run in enumerate(await together(run(f"x = {n}\nprint(x)") for n, run in enumerate(runs))):
            demand_printed(run, f"{n}\n")
        await run_on_every_slot(sandbox, "print(1)\n")
        for n, run in enumerate(await together(run("print(x)") for run in runs)):
            demand_printed(run, f"{n}\n")


async def a_session_reaches_nothing_of_the_host(sandbox: Sandbox) -> None:
    """No address, no variable of the calling process, no file of the host's, whatever state cells have built up."""
    with tempfile.TemporaryDirectory(prefix="reach-") as folder:
        path, needle = Path(folder, "readable"), secrets.token_hex(16)
        path.write_text(needle)
        Path(folder).chmod(0o755)
        shown = "import os\nprint(dict(os.environ))"
        tried = BREAKING_OUT + (
            "import socket\n"
            "attempt('outside', lambda: socket.create_connection(('1.1.1.1', 53), 1))\n"
            f"attempt('read', lambda: open({str(path)!r}).read())\n"
        )
        async with opened(sandbox) as run:
            environment, attempts = await run(shown), await run(tried)
    demand_printed(attempts, "")
    demand(attempts.stderr.count("blocked") == 2, f"not refused: {seen(attempts)}")
    told = [
        name
        for name, value in os.environ.items()
        if name not in HARMLESS and len(value) > 7 and repr(value)[1:-1] in environment.stdout
    ]
    demand(not told, f"a cell sees the values of {', '.join(sorted(told))}")


async def a_cancelled_cell_is_stopped(sandbox: Sandbox) -> None:
    """Nothing of it runs on, and the session answers the next one."""
    session = await open_session(sandbox, limits=Limits(cpu_s=50.0, wall_s=50.0))
    try:
        for source in ("import time\ntime.sleep(99)", "while True:\n    pass"):
            task = asyncio.create_task(session.run(CellStep(source)))
            await asyncio.sleep(0.3)
            task.cancel()
            await asyncio.wait([task], timeout=PATIENCE_S / 4)
            demand(task.done(), "a cancelled cell was still there")
            demand_printed(await run_cell(session, FRESH), "False False\n")
    finally:
        await session.close()


async def a_closed_session_is_gone(sandbox: Sandbox) -> None:
    """Also when it is closed twice, and while a cell runs; the next session finds nothing of it."""
    session = await open_session(sandbox)
    await run_cell(session, CellStep("x = 1\nopen('left', 'w').close()"))
    task = asyncio.create_task(session.run(CellStep("import time\ntime.sleep(99)")))
    await asyncio.sleep(0.3)
    await asyncio.wait_for(session.close(), PATIENCE_S / 4)
    await session.close()
    await asyncio.wait([task], timeout=PATIENCE_S / 4)
    demand(
        task.done() and isinstance(task.result(), SandboxFailure), "a cell was answered by a session that was closed"
    )
    demand(isinstance(await session.run(FRESH), SandboxFailure), "a closed session ran a cell")
    async with opened(sandbox) as run:
        demand_printed(await run(FRESH.source), "False False\n")


CHECKS = (
    a_session_keeps_its_state,
    a_stopped_cell_takes_the_state_with_it,
    whatever_a_cell_does_the_next_one_runs,
    sessions_do_not_see_each_other,
    a_session_that_waits_holds_no_place,
    a_session_reaches_nothing_of_the_host,
    a_cancelled_cell_is_stopped,
    a_closed_session_is_gone,
)
