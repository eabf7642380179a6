"""Where the programs of message rewards run: the grader of all rewards, one for each sandbox that is asked for.

A sandbox belongs to no call. It starts with the first one that needs it, is shared with whatever else names it, and is
closed with the last reward that uses it, or at the end of the process.
"""

from __future__ import annotations

import os

from ..cases import Problem, TestCase
from ..errors import ConfigurationError
from ..grader.batch import BatchSettings
from ..grader.engine import Grader
from ..grader.trial import Outcome, Unit
from ..grader.workplace import languages_of
from ..records import Limits, Program
from ..sandboxes.base import Sandbox
from ..sandboxes.choice import KEY
from ..toolchains import advice

_with_key: dict[str, Sandbox] = {}
"""The E2B sandboxes of keys that are not in the environment: an account's limits hold for all rewards together."""


class Engine:
    """The sandboxes of one message reward. `run` is awaited on the background loop."""

    def __init__(self) -> None:
        self._graders: dict[object, tuple[str | Sandbox, Grader]] = {}

    async def run(
        self,
        program: Program,
        tests: tuple[TestCase, ...],
        *,
        sandbox: str | Sandbox,
        limits: Limits = Limits(),  # noqa: B008 - frozen
    ) -> Outcome:
        """Return the outcome of *tests*, with all that was seen of the program's runs; see `Outcome.runs`.

        *sandbox* is `local`, `e2b`, or an object. Raises what a wrong configuration raises, and nothing for whatever
        the program or the sandbox does: tests are then `UNJUDGED`.
        """
        refuse_language(program.language, sandbox)
        unit = Unit(program, Problem(tests, limits, language=program.language))
        outcomes, _ = await self._grader(sandbox).run_async([unit])
        return outcomes[0]

    def close(self) -> None:
        """Let go of the sandboxes; the next run starts anew."""
        for wanted, grader in [self._graders.pop(key) for key in tuple(self._graders)]:
            for key in [key for key, sandbox in _with_key.items() if sandbox is wanted]:
                _with_key.pop(key, None)
            grader.close()

    def _grader(self, sandbox: str | Sandbox) -> Grader:
        key = sandbox if isinstance(sandbox, str) else id(sandbox)
        if key not in self._graders:
            settings = BatchSettings(batch_deadline_s=None, keep_runs=True)  # the reward has a deadline for its batch
            self._graders[key] = sandbox, Grader(sandbox, settings=settings, breaker=None)
        return self._graders[key][1]


def e2b_sandbox(api_key: str | None) -> str | Sandbox | None:
    """Return the E2B sandbox of that key, or of the environment's; None where there is no key at all."""
    from_environment = os.environ.get(KEY)
    if not api_key and not from_environment:
        return None
    if not api_key or api_key == from_environment:
        return "e2b"
    if api_key not in _with_key:
        from ..sandboxes.e2b_cloud import E2BSandbox  # `rewards` imports without it

        _with_key[api_key] = E2BSandbox(api_key=api_key)
    return _with_key[api_key]


def refuse_language(language: str, sandbox: str | Sandbox) -> None:
    """Raise `ConfigurationError` for a language that *sandbox* does not run."""
    known = languages_of(sandbox)
    if known is not None and language not in known:
        only = ", ".join(sorted(known))
        raise ConfigurationError(f"language {language!r}: the sandbox runs {only} only{advice(language)}")
