"""Running the program of a response, and the result that its output gets."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from ..errors import ConfigurationError
from ..extraction import extract_program
from ..grader.trial import Outcome
from ..grades import TestGrade, Verdict, overall_verdict
from ..languages import canonical_language
from ..options import SECONDS, check_options, instance_of, or_none, whole
from ..records import Limits, Program
from ..sandboxes.base import Sandbox
from ..sandboxes.choice import KEY
from ..scoring import fraction_passed
from .conversation import Conversation
from .engine import Engine, e2b_sandbox, refuse_language
from .expectation import NOTHING, Expectation, Wanted
from .output import MetricRewardOutput, RewardOutput
from .similarity import NEAREST
from .similarity import similarity as similarity_of

OPTIONS = ("api_key", "environment", "sandbox", "fallback", "similarity", "comparison", "max_memory_mb")
"""What a dataset's column of that name is not meant for."""

_RULES = {
    "timeout": or_none(SECONDS),
    "max_memory_mb": or_none(whole(1)),
    "language": or_none(instance_of(str, wanted="the name of a language")),
    "similarity": instance_of(bool, wanted="True or False"),
}
CLEAN = (Verdict.ACCEPTED, Verdict.WRONG_ANSWER)
"""The verdicts on programs that came to their end."""
_TIMEOUT_S = 30.0
_SHOWN_CHARS = 2000
_SHOWN_TESTS = 20
_LIMITS = Limits()
_NO_KEY = "there is no E2B key (neither api_key nor E2B_API_KEY)"
_log = logging.getLogger("rewards")
_warned: set[str] = set()


@dataclass(frozen=True)
class Place:
    """The sandbox to run in, and what to say of it."""

    sandbox: str | Sandbox
    note: str = ""

    @classmethod
    def on_e2b(cls, api_key: str | None, fallback: str | Sandbox | None) -> Place:
        """Return E2B where there is a key, else *fallback*; raises `ConfigurationError` where that is None, too."""
        if not isinstance(api_key, str | None):  # its value is for nobody's eyes, not even where it is wrong
            raise ConfigurationError(f"api_key must be a text or None, found a {type(api_key).__name__}")
        sandbox = e2b_sandbox(api_key)
        if sandbox is not None:
            return cls(sandbox)
        if fallback is None:
            raise ConfigurationError(f"{_NO_KEY}: pass api_key, set {KEY}, or allow fallback='local'")
        _warn_once(f"{_NO_KEY}: programs run in the fallback sandbox, {_name(fallback)}; this is said once")
        return cls(fallback, f" (the fallback: {_NO_KEY})")


@dataclass(frozen=True)
class Execution:
    """How the program of a response is run and scored."""

    language: str = "python"
    timeout: float | None = None
    similarity: bool = True
    max_memory_mb: int | None = None

    def __post_init__(self) -> None:
        check_options(vars(self), _RULES)
        object.__setattr__(self, "language", canonical_language(self.language or "python"))

    @property
    def limits(self) -> Limits:
        """Return the limits of each run: `timeout` in CPU seconds, and a backstop by the clock."""
        timeout_s = _TIMEOUT_S if self.timeout is None else self.timeout
        return Limits(
            cpu_s=timeout_s,
            memory_mb=self.max_memory_mb or _LIMITS.memory_mb,
            job_cpu_s=max(_LIMITS.job_cpu_s, timeout_s),
        )

    async def grade(self, engine: Engine, messages: Conversation, wanted: Wanted, place: Place) -> RewardOutput:
        """Run the program of the response and return what it gets."""
        refuse_language(self.language, place.sandbox)  # ahead of the search: no response holds a program in `pyton`
        expectation, program = await asyncio.to_thread(self._read, messages, wanted)  # may take long: never on the loop
        if program is None:
            return _without_program(self.language, expectation)
        outcome = await engine.run(program, expectation.tests, sandbox=place.sandbox, limits=self.limits)
        metrics = {
            "extracted_code": MetricRewardOutput(1.0, program.source.encode("utf-8", "replace").decode()),
            "expected_output": expectation.metric,
            "execution_result": _execution_metric(outcome, place),
        }
        if unjudged := _unjudged_reason(outcome):
            return RewardOutput.unjudged(f"nothing is known about the program: {unjudged}", metrics)
        if not expectation.compares:
            return _by_clean_execution(outcome, metrics)
        match = await asyncio.to_thread(_match, outcome, expectation, with_similarity=self.similarity)
        return RewardOutput(match.score, match.reason.partition("\n")[0], {**metrics, "output_match": match})

    def _read(self, messages: Conversation, wanted: Wanted) -> tuple[Expectation, Program | None]:
        return wanted.read(), extract_program(messages.response, language=self.language)


def _warn_once(text: str) -> None:
    if text not in _warned:
        _warned.add(text)
        _log.warning(text)


def _name(sandbox: str | Sandbox) -> str:
    return sandbox if isinstance(sandbox, str) else sandbox.name


def _without_program(language: str, expectation: Expectation) -> RewardOutput:
    reason = f"no {language} program in the response"
    metrics = {
        "extracted_code": MetricRewardOutput(0.0, reason, is_score_valid=False),
        "expected_output": expectation.metric,
    }
    return RewardOutput(0.0, reason, metrics)


def _execution_metric(outcome: Outcome, place: Place) -> MetricRewardOutput:
    where = f"in the sandbox {outcome.sandbox or _name(place.sandbox)}{place.note}"
    if overall_verdict(outcome.tests) is Verdict.UNJUDGED:
        return MetricRewardOutput(None, f"could not be run {where}: {_unjudged_reason(outcome)}")
    clean = sum(test.verdict in CLEAN for test in outcome.tests)
    score = clean / len(outcome.tests)
    if score == 1.0:
        return MetricRewardOutput(score, f"ran to its end {where}{_printed(outcome)}")
    failed = next(test for test in outcome.tests if test.verdict not in CLEAN)
    return MetricRewardOutput(score, f"failed {where}: {described(failed)}{_printed(outcome)}")


def _unjudged_reason(outcome: Outcome) -> str:
    """Return why something about the program is not known; "" where all is."""
    unjudged = [test for test in outcome.tests if test.verdict is Verdict.UNJUDGED]
    return outcome.detail or unjudged[0].detail or "the sandbox did not say why" if unjudged else ""


def _printed(outcome: Outcome) -> str:
    if len(outcome.runs) != 1:
        return ""
    output = outcome.runs[0].stdout
    return f"; it printed:\n{_shortened(output)}" if output else "; it printed nothing"


def _by_clean_execution(outcome: Outcome, metrics: dict[str, MetricRewardOutput]) -> RewardOutput:
    """Score a program that nothing is known to compare with: a weak signal, and the reason says so."""
    nothing = MetricRewardOutput(0.0, "nothing to compare with", is_score_valid=False)
    metrics = {**metrics, "output_match": nothing}
    (test,) = outcome.tests
    _warn_once(f"{NOTHING} but how the program ended (is a column missing?); this is said once")
    if test.verdict in CLEAN:
        return RewardOutput(1.0, "the program ran to its end; no expected output, so nothing was compared", metrics)
    return RewardOutput(0.0, f"the program failed: {described(test)}; no expected output to compare with", metrics)


def _match(outcome: Outcome, expectation: Expectation, *, with_similarity: bool) -> MetricRewardOutput:
    if not expectation.is_one_output:
        return _share_of_cases(outcome)
    ((test,), expected) = outcome.tests, expectation.tests[0].expected
    if test.verdict is Verdict.ACCEPTED:
        return MetricRewardOutput(1.0, "the output is the expected one")
    if test.verdict is not Verdict.WRONG_ANSWER:
        return MetricRewardOutput(0.0, f"the program failed: {described(test)}")
    if not with_similarity:
        return MetricRewardOutput(0.0, f"the output differs: {test.detail}")
    score = min(NEAREST, similarity_of(expected, outcome.runs[0].stdout))  # equal but for white space may be wrong, too
    return MetricRewardOutput(score, f"the output differs, and its similarity is {score:.2f}: {test.detail}")


def _share_of_cases(outcome: Outcome) -> MetricRewardOutput:
    score = fraction_passed(outcome.tests)
    passed = sum(test.verdict is Verdict.ACCEPTED for test in outcome.tests)
    lines = [f"test {i}: {described(test)}" for i, test in enumerate(outcome.tests[:_SHOWN_TESTS], start=1)]
    left_out = [f"and {len(outcome.tests) - _SHOWN_TESTS} more"] if len(outcome.tests) > _SHOWN_TESTS else []
    head = f"{passed} of {len(outcome.tests)} test cases passed"
    return MetricRewardOutput(score, "\n".join([head, *lines, *left_out]))


def described(test: TestGrade) -> str:
    """Return the verdict in words, and why."""
    words = test.verdict.value.replace("_", " ")
    return f"{words}: {test.detail}" if test.detail else words


def _shortened(text: str) -> str:
    """Return the beginning of what a program printed, without what no terminal and no table can show."""
    shown = "".join(letter if letter.isprintable() or letter in "\n\t" else "\ufffd" for letter in text[:_SHOWN_CHARS])
    return shown if len(text) <= _SHOWN_CHARS else f"{shown}... ({len(text)} characters)"
