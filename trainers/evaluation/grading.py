"""One way to grade a batch of samples, whatever kind of reward it is: whole results, and no deadline."""

from __future__ import annotations

import asyncio
import inspect
import json
import math
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from rewards import CodeReward, ConfigurationError
from rewards.intake.columns import NOT_COLUMNS
from rewards.message_rewards import MessageReward

from ..report import SampleTest, text_of
from .prompts import without_answer
from .sample import Result, Sample

MOST_TESTS = 200
"""Tests of which a result tells each; more are counted only."""
LONGEST_DETAIL = 2_000
LONGEST_PROMPT = 8_000


class Grader(Protocol):
    """What grades samples."""

    async def grade(self, samples: Sequence[Sample]) -> list[Result]:
        """Return one result for each sample, in order; raises what the reward raises for a user's error."""

    def settings(self) -> dict[str, Any]:
        """Return, as JSON, all that a result depends on beside the sample."""

    def close(self) -> None:
        """Let go of what was made for this evaluation."""


def grader_for(reward: Any, *, fields: Sequence[str] | None, pass_score: float) -> Grader:
    """Return a grader for a `CodeReward`, a message reward, or a function of TRL's form.

    *fields* are the columns that a message reward or a function is handed; unset: all. A score of at least
    *pass_score* counts as right where there is no verdict. Raises `ConfigurationError` for anything else.
    """
    if isinstance(reward, CodeReward):
        return CodeGrader(reward)
    if isinstance(reward, MessageReward):
        return MessageGrader(reward, fields, pass_score)
    if isinstance(getattr(reward, "__self__", None), CodeReward):
        return CodeGrader(reward.__self__)
    if callable(reward) and not isinstance(reward, type):
        return FunctionGrader(reward, fields, pass_score)
    raise ConfigurationError(f"reward must be a CodeReward or a callable, found {_kind(reward)}")


def _kind(reward: Any) -> str:
    return f"the class {reward.__name__}: make one" if isinstance(reward, type) else type(reward).__name__


class CodeGrader:
    """Grades by a copy of a `CodeReward` that has no batch deadline and works in the same sandbox."""

    def __init__(self, reward: CodeReward) -> None:
        self._reward = reward.but(batch_deadline_s=None)

    async def grade(self, samples: Sequence[Sample]) -> list[Result]:
        """Return one result for each sample."""
        columns = columns_of(samples, left_out=("prompt",))
        prompts = [sample.row.get("prompt") for sample in samples]
        completions = [sample.completion for sample in samples]
        batch = await self._reward.agrade(prompts, completions, **columns)
        return [_result(sample, grade) for sample, grade in zip(samples, batch.grades, strict=True)]

    def settings(self) -> dict[str, Any]:
        """Return the reward's options, less what cannot change a verdict."""
        return {"reward": "CodeReward", **self._reward.settings()}

    def close(self) -> None:
        """Close the copy."""
        self._reward.close()


def _result(sample: Sample, grade: Any) -> Result:
    verdict = grade.verdict.value
    known = grade.score is not None and verdict != "unjudged"
    return Result(
        problem=sample.problem,
        number=sample.number,
        digest=sample.digest,
        score=grade.score,
        verdict=verdict,
        passed=verdict == "accepted" if known else None,
        detail=grade.detail[:LONGEST_DETAIL],
        program=grade.program.source if grade.program else "",
        prompt=_shown_prompt(sample),
        completion=_as_json(sample.completion),
        tests=tuple(
            SampleTest(
                test.verdict.value, test.name, test.detail[:LONGEST_DETAIL], test.stderr, test.cpu_s, test.wall_s
            )
            for test in grade.tests[:MOST_TESTS]
        ),
        tests_passed=sum(test.verdict.value == "accepted" for test in grade.tests),
        tests_total=len(grade.tests),
        cpu_s=sum(test.cpu_s for test in grade.tests),
        wall_s=sum(test.wall_s for test in grade.tests),
        sandbox=grade.sandbox,
        labels=dict(sample.labels),
    )


class MessageGrader:
    """Grades by a message reward, one conversation a sample."""

    def __init__(self, reward: MessageReward, fields: Sequence[str] | None, pass_score: float) -> None:
        self._reward, self._fields, self._pass_score = reward, fields, pass_score

    async def grade(self, samples: Sequence[Sample]) -> list[Result]:
        """Return one result for each sample."""
        columns = columns_of(samples, left_out=("prompt", "messages"), only=self._fields)
        outputs = await self._reward.aevaluate(
            [_prompt(sample) for sample in samples], [sample.completion for sample in samples], **columns
        )
        return [self._result(sample, output) for sample, output in zip(samples, outputs, strict=True)]

    def _result(self, sample: Sample, output: Any) -> Result:
        extracted = output.metrics.get("extracted_code")
        found = _scored(sample, output.reward, self._pass_score, detail=output.reason)
        metrics = tuple(
            SampleTest(_verdict(metric.score, self._pass_score), name, metric.reason[:LONGEST_DETAIL])
            for name, metric in list(output.metrics.items())[:MOST_TESTS]
        )
        program = extracted.reason if extracted is not None and extracted.is_score_valid else ""
        return Result(**{**vars(found), "tests": metrics, "program": program})

    def settings(self) -> dict[str, Any]:
        """Return the reward's name and the arguments that it was configured with."""
        return {
            "reward": f"{self._reward.__module__}.{self._reward.__qualname__}",
            "arguments": {name: repr(value) for name, value in self._reward.given.items()},
            "pass_score": self._pass_score,
            "fields": self._fields,
        }

    def close(self) -> None:
        """Do nothing: the reward is its owner's."""


class FunctionGrader:
    """Grades by any function of TRL's form: `completions`, `prompts` and columns in, scores out."""

    def __init__(self, function: Callable[..., Any], fields: Sequence[str] | None, pass_score: float) -> None:
        self._function, self._fields, self._pass_score = function, fields, pass_score
        self._calling = threading.Lock()

    async def grade(self, samples: Sequence[Sample]) -> list[Result]:
        """Return one result for each sample; a function that is not async runs in a thread, one call at a time."""
        asked = {
            "prompts": [_prompt(sample) for sample in samples],
            "completions": [_as_trl_has_it(sample) for sample in samples],
            **columns_of(samples, left_out=("prompt",), only=self._fields),
        }
        call = self._function
        is_async = inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(type(call).__call__)
        scores = await call(**asked) if is_async else await asyncio.to_thread(self._call, asked)
        if not hasattr(scores, "__len__") or isinstance(scores, str | Mapping):
            raise ConfigurationError(f"the reward must return a list of scores, found {type(scores).__name__}")
        if len(scores) != len(samples):
            raise ConfigurationError(f"the reward returned {len(scores)} scores for {len(samples)} completions")
        return [_scored(s, _number(score), self._pass_score) for s, score in zip(samples, scores, strict=True)]

    def _call(self, asked: Mapping[str, Any]) -> Any:
        with self._calling:  # as trainers do: it may keep what two calls at once would spoil
            return self._function(**asked)

    def settings(self) -> dict[str, Any]:
        """Return the function's name."""
        function = self._function
        name = getattr(function, "__qualname__", type(function).__qualname__)
        return {
            "reward": f"{getattr(function, '__module__', '')}.{name}",
            "pass_score": self._pass_score,
            "fields": self._fields,
        }

    def close(self) -> None:
        """Do nothing: the function is its owner's."""


_NO_COLUMNS = ("prompts", "completions", "completion_ids", *NOT_COLUMNS)
"""Names by which a reward is handed something else than a column; of rows TRL takes them as we do."""


def columns_of(
    samples: Sequence[Sample], *, left_out: Sequence[str], only: Sequence[str] | None = None
) -> dict[str, list[Any]]:
    """Return the samples' rows as columns, None where a row has no such field.

    Raises `ConfigurationError` for a field in *only* that no row has.
    """
    names = dict.fromkeys(name for sample in samples for name in sample.row if name not in (*left_out, *_NO_COLUMNS))
    for name in only or ():
        if name not in names:
            raise ConfigurationError(f"no column {name!r} for the reward; found: {', '.join(names)}")
    wanted = names if only is None else only
    return {name: [sample.row.get(name) for sample in samples] for name in wanted}


def _prompt(sample: Sample) -> Any:
    messages = sample.row.get("messages")
    if sample.row.get("prompt") is None and isinstance(messages, list):
        return without_answer(messages)
    return sample.row.get("prompt")


def _as_trl_has_it(sample: Sample) -> Any:
    """Return the completion, as a message where the prompt is messages."""
    if isinstance(sample.completion, str) and isinstance(_prompt(sample), list):
        return [{"role": "assistant", "content": sample.completion}]
    return sample.completion


def _shown_prompt(sample: Sample) -> str:
    """Return what a reader sees of the prompt; rows may ask in a column of any name."""
    asked = _prompt(sample)
    names = ("question", "problem", "description", "text", "question_content", "code_prompt")
    if asked is None:
        asked = next((sample.row[name] for name in names if sample.row.get(name)), "")
    return text_of(asked)[:LONGEST_PROMPT]


def _as_json(completion: Any) -> Any:
    """Return what a file of JSON can hold of *completion*: arguments of its calls may be anything, NaN included."""
    if isinstance(completion, str):
        return completion
    return json.loads(json.dumps(completion, default=repr), parse_constant=str)


def _number(score: Any) -> float | None:
    try:
        number = None if score is None else float(score)
    except (TypeError, ValueError):
        raise ConfigurationError(f"the reward returned {score!r:.50}, which is neither a number nor None") from None
    if number is None or math.isnan(number):
        return None
    if math.isinf(number):
        raise ConfigurationError("the reward returned an infinite score")
    return number


def _scored(sample: Sample, score: float | None, pass_score: float, *, detail: str = "") -> Result:
    return Result(
        problem=sample.problem,
        number=sample.number,
        digest=sample.digest,
        score=score,
        verdict=_verdict(score, pass_score),
        passed=None if score is None else score >= pass_score,
        detail=detail[:LONGEST_DETAIL],
        prompt=_shown_prompt(sample),
        completion=_as_json(sample.completion),
        labels=dict(sample.labels),
    )


def _verdict(score: float | None, pass_score: float) -> str:
    if score is None:
        return "unjudged"
    return "accepted" if score >= pass_score else "wrong_answer"
