"""Promise: programs of the languages that a sandbox names run there, and others are refused without a verdict."""

from __future__ import annotations

from ...errors import ConfigurationError
from ...records import Ended, Job, JobResult, Program, SandboxFailure, ScriptStep, TestRun
from ..base import Sandbox
from .probe import BRIEF, ask, demand, demand_output, seen

QUICK = {"bash": "echo $((6 * 7))", "perl": "print 6 * 7, qq(\\n)", "lua": "print(6 * 7)"}
NOT_THERE = "no-such-language"
PEEPING = "cat /etc/passwd /etc/hostname; ls -A /root; ls -A /home; echo > /dev/tcp/127.0.0.1/22 && echo connected"
LISTING = """
import os
print("seen:")
for path in ("/root", "/home"):
    try:
        print(*os.listdir(path), sep="\\n")
    except OSError:
        pass
"""
REFUSED_BY_ITS_COMPILER = "int main(void) { return undeclared; }"


async def a_language_that_it_does_not_run_is_no_verdict(sandbox: Sandbox) -> None:
    """It is a failure that no repetition helps."""
    answer = await ask(sandbox, Job(Program("x", NOT_THERE), (ScriptStep(),), BRIEF))
    good = isinstance(answer, SandboxFailure) and answer.kind == "unsupported" and not answer.retryable
    demand(good, f"a program in {NOT_THERE} was answered with {answer!r:.200}")


async def its_languages_run(sandbox: Sandbox) -> None:
    """Those that start quickly are tried; Python is one of them."""
    demand_output(await _run(sandbox, "python", "print(6 * 7)") or TestRun(Ended.NOT_RUN), "42\n")
    for language in sorted(_named(sandbox) & set(QUICK)):
        run = await _run(sandbox, language, QUICK[language])
        if run is not None:
            demand_output(run, "42\n")


async def a_shell_sees_no_more_than_python(sandbox: Sandbox) -> None:
    """No host files and no network, with all the tools of the machine at hand."""
    listed = await _run(sandbox, "python", LISTING) or TestRun(Ended.NOT_RUN)
    demand(listed.stdout.startswith("seen:\n"), f"nothing was listed: {seen(listed)}")
    run = await _run(sandbox, "bash", PEEPING) if "bash" in _named(sandbox) else None
    if run is not None:
        is_no_more = set(run.stdout.split()) <= set(listed.stdout.split())
        demand(run.ended is Ended.EXITED and is_no_more, f"a shell saw the host: {seen(run)}")


async def a_compilers_refusal_is_told(sandbox: Sandbox) -> None:
    """As an end of its own, with what the compiler said."""
    demand_output(await _run(sandbox, "python", "print('on')") or TestRun(Ended.NOT_RUN), "on\n")
    run = await _run(sandbox, "c", REFUSED_BY_ITS_COMPILER) if "c" in _named(sandbox) else None
    if run is not None:
        demand(run.ended is Ended.NOT_COMPILED and "undeclared" in run.stderr, f"the refusal was not told: {seen(run)}")


def _named(sandbox: Sandbox) -> frozenset[str]:
    return getattr(sandbox, "languages", None) or frozenset()


async def _run(sandbox: Sandbox, language: str, source: str) -> TestRun | None:
    """Return the run of a program, or None where the language is refused for what this sandbox lacks here."""
    try:
        answer = await ask(sandbox, Job(Program(source, language), (ScriptStep(),), BRIEF))
    except ConfigurationError:
        return None
    if isinstance(answer, SandboxFailure) and answer.kind == "unsupported":
        return None
    demand(isinstance(answer, JobResult) and len(answer.runs) == 1, f"{language} was answered with {answer!r:.200}")
    assert isinstance(answer, JobResult)
    return answer.runs[0]


CHECKS = (
    a_language_that_it_does_not_run_is_no_verdict,
    its_languages_run,
    a_shell_sees_no_more_than_python,
    a_compilers_refusal_is_told,
)
