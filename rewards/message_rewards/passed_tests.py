"""A result that is the share of a response's tests that pass, with a metric for each of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ..cases import TestCase
from ..comparison import Comparison
from ..errors import ConfigurationError, DatasetError
from ..extraction import extract_program
from ..grader.trial import Outcome
from ..grades import Verdict
from ..options import check_options, number, one_of, shown
from ..records import Program
from ..sandboxes.base import Sandbox
from ..scoring import weighted_passed
from .conversation import Message
from .engine import Engine
from .execution import CLEAN, Execution, Place, described
from .output import MetricRewardOutput, RewardOutput

_WEIGHT = number("a number, 0 or more", lambda value: value >= 0)


def python_program(response: str, messages: Sequence[Message] | None) -> Program | None:
    """Return the program of the response; raises `ConfigurationError` for a conversation without a response."""
    if messages and all(message.role != "assistant" for message in messages):
        raise ConfigurationError("the conversation has no message of the assistant: there is no response to grade")
    return extract_program(response)


def place_of(environment: str, api_key: str | None, fallback: Any, sandbox: str | Sandbox | None) -> Place:
    """Return where to run: a sandbox that was handed over, or that of the environment `local` or `e2b`."""
    check_options({"environment": environment}, {"environment": one_of(("local", "e2b"))})
    if sandbox is not None:
        return Place(sandbox)
    return Place("local") if environment == "local" else Place.on_e2b(api_key, fallback)


def comparison_of(value: Any, default: Comparison | None = None) -> Comparison | None:
    """Return the comparison that is named or handed over, *default* where none is; raises `ConfigurationError`."""
    if isinstance(value, str):
        return Comparison.parse(value)
    if value is not None and not isinstance(value, Comparison):
        raise ConfigurationError(f"comparison must be a text such as 'float:1e-6', found {shown(value)}")
    return value or default


def listed(value: Any, name: str) -> list[Any]:
    """Return the entries of a list, which may be JSON text; raises `DatasetError` for what is none, or empty."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise DatasetError(f"{name} is text, but no JSON: {error}") from None
    if not isinstance(value, list | tuple) or not value:
        raise DatasetError(f"{name} must be a list with one entry at least, found {shown(value)}")
    return list(value)


def weight_of(entry: Any, what: str) -> float:
    """Return the weight that an entry gives its test, 1 where it gives none; raises `DatasetError`."""
    weight = 1.0 if entry.get("weight") is None else entry["weight"]
    if not _WEIGHT.fits(weight):
        raise DatasetError(f"{what}: weight must be {_WEIGHT.wanted}, found {shown(weight)}")
    return float(weight)


async def graded_by_share(
    engine: Engine, program: Program | None, tests: tuple[TestCase, ...], place: Place, execution: Execution
) -> RewardOutput:
    """Run *tests* and return the share of their weights that passed, 0.0 where there is no program."""
    if program is None:
        return without_program()
    outcome = await engine.run(program, tests, sandbox=place.sandbox, limits=execution.limits)
    metrics = run_metrics(program.source, outcome, place)
    for i, test in enumerate(outcome.tests, start=1):
        score = None if test.verdict is Verdict.UNJUDGED else float(test.verdict is Verdict.ACCEPTED)
        metrics[f"test_{i}"] = MetricRewardOutput(score, f"{test.name}: {described(test)}")
    if any(test.verdict is Verdict.UNJUDGED for test in outcome.tests):
        return RewardOutput.unjudged(f"nothing is known about the program: {outcome.detail}", metrics)
    passed = sum(test.verdict is Verdict.ACCEPTED for test in outcome.tests)
    return RewardOutput(weighted_passed(outcome.tests), f"{passed} of {len(outcome.tests)} tests passed", metrics)


def without_program() -> RewardOutput:
    """Return the result of a response that holds no program."""
    reason = "no python program in the response"
    return RewardOutput(0.0, reason, {"extracted_code": MetricRewardOutput(0.0, reason, is_score_valid=False)})


def run_metrics(source: str, outcome: Outcome, place: Place) -> dict[str, MetricRewardOutput]:
    """Return the metrics that tell what was run, and where, and whether it came to its end."""
    where = f"in the sandbox {outcome.sandbox or place.sandbox}{place.note}"
    failed = [test for test in outcome.tests if test.verdict not in CLEAN]
    if any(test.verdict is Verdict.UNJUDGED for test in failed):
        execution = MetricRewardOutput(None, f"could not be run {where}: {outcome.detail}")
    elif failed:
        clean = 1 - len(failed) / len(outcome.tests)
        execution = MetricRewardOutput(clean, f"failed {where}: {described(failed[0])}")
    else:
        execution = MetricRewardOutput(1.0, f"ran to its end {where}")
    return {"extracted_code": MetricRewardOutput(1.0, source), "execution_result": execution}
