"""The sandbox contract as named checks, for any sandbox: ours, or one that you write.

    results = await run_checks(sandbox)
    assert all(result.passed for result in results), results

Each check is one promise. They find what a sandbox forgot; they do not prove that nobody can break out of it.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ..base import Sandbox
from . import answers, endings, files, languages, lifetime, limits, reach, sessions, state
from .probe import BrokenPromiseError, NotOfferedError

__all__ = ["CHECKS", "BrokenPromiseError", "Check", "CheckResult", "run_check", "run_checks"]

Check = Callable[[Sandbox], Awaitable[None]]

CHECKS: tuple[Check, ...] = (
    *state.CHECKS,
    *reach.CHECKS,
    *limits.CHECKS,
    *endings.CHECKS,
    *answers.CHECKS,
    *files.CHECKS,
    *languages.CHECKS,
    *lifetime.CHECKS,
    *sessions.CHECKS,
)
"""Each takes a sandbox that was started and raises `BrokenPromiseError` when it breaks its promise."""


@dataclass(frozen=True)
class CheckResult:
    """Whether one promise held."""

    name: str
    passed: bool
    """Also where it was not made."""
    reason: str = ""
    wall_s: float = 0.0
    skipped: bool = False

    def __str__(self) -> str:
        word = "skipped" if self.skipped else "ok" if self.passed else "FAILED"
        return f"{word:7} {self.name}" + (f": {self.reason}" if self.reason else "")


async def run_check(check: Check, sandbox: Sandbox) -> CheckResult:
    """Run one check, and tell what it saw."""
    start, reason, skipped = time.monotonic(), "", False
    try:
        await check(sandbox)
    except BrokenPromiseError as broken:
        reason = str(broken)
    except NotOfferedError as missing:
        reason, skipped = str(missing), True
    except Exception as error:  # noqa: BLE001 - the boundary under test: a sandbox that raises has broken its promise
        reason = f"the sandbox raised {type(error).__name__}: {error}"
    name = getattr(check, "__name__", str(check)).replace("_", " ")
    return CheckResult(name, skipped or not reason, reason, time.monotonic() - start, skipped)


async def run_checks(
    sandbox: Sandbox, *, on_result: Callable[[CheckResult], object] | None = None
) -> list[CheckResult]:
    """Start *sandbox*, run every check against it one after the other, and leave it open.

    `on_result` gets each result as it comes. `SandboxUnavailable` from the start goes through to the caller.
    """
    await sandbox.start()
    results = []
    for check in CHECKS:
        results.append(await run_check(check, sandbox))
        if on_result is not None:
            on_result(results[-1])
    return results
