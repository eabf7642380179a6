"""The reward for TRL's trainers: completions in, one score for each out."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .assembly import grade_samples
from .cases import Problem
from .comparison import Comparison
from .errors import ConfigurationError
from .extraction import Extraction
from .grader.batch import BatchSettings
from .grader.breaker import CircuitBreaker
from .grader.engine import Grader
from .grader.trial import Outcome
from .grader.workplace import languages_of
from .grades import BatchFigures, BatchGrade
from .intake.columns import Call, read_call
from .intake.dataset_check import DatasetCheck, check_dataset
from .intake.row_warning import RowWarning
from .intake.samples import TRUST, ReadingOptions, Sample, read_samples
from .interpreters import Interpreters
from .options import FLAG, SECONDS, WORD, Rule, check_options, instance_of, one_of, or_none, whole
from .problems import SCHEMAS
from .records import Limits
from .reports.explanation import explain_grade
from .reports.listening import GradedBatch, Listener
from .reports.settings import told_as_json
from .reports.trainer_log import TrainerLog
from .reports.trouble import TroubleLog, trouble_of
from .sandboxes.base import Sandbox
from .sandboxes.choice import chosen_name
from .score_rule import ScoreRule
from .scoring import Scorer

_OPTIONS = {
    "sandbox": Rule(lambda value: not isinstance(value, type), "a name or a sandbox object, not its class"),
    "schema": or_none(one_of(SCHEMAS)),
    "language": or_none(WORD),
    "extraction": instance_of(Extraction, wanted="an Extraction; a choice or a dict becomes one by Extraction(...)"),
    "comparison": or_none(instance_of(str, Comparison, wanted="a text such as 'float:1e-6', or a Comparison")),
    "limits": instance_of(Limits, wanted="a Limits; a dict becomes one by Limits(**...)"),
    "max_tests": or_none(whole(1)),
    "trust": one_of(TRUST),
    "stop_at_first_failure": FLAG,
    "batch_deadline_s": or_none(SECONDS),
    "breaker": or_none(instance_of(CircuitBreaker, wanted="a CircuitBreaker")),
    "fallback": Rule(
        lambda value: value in (None, "local") if isinstance(value, str | None) else not isinstance(value, type),
        "None, 'local' or a sandbox object",
    ),
    "retries": whole(0),
    "on_bad_row": one_of(("raise", "none")),
    "name": WORD,
}
"""The rest is checked by what it is for: `ScoreRule`, the log, and the sandbox's own."""
_DECIDING = (
    *("scoring", "schema", "language", "extraction", "comparison", "limits", "max_tests", "trust"),
    *("stop_at_first_failure", "unjudged_score", "no_program_score", "program_bonus", "bounds"),
)


class CodeReward:
    """Runs the programs of a batch of completions in a sandbox and scores what they did.

    Made for `GRPOTrainer(reward_funcs=[CodeReward()])` and its relatives, and for calls by hand: every keyword argument
    that is neither `prompts`, `completions` nor `completion_ids` is a column of the dataset, one value a completion.
    A score is None when nothing is known about the program: the sandbox failed, or the row has no tests.

    `sandbox` is `"local"`, `"e2b"`, `"auto"` (E2B where E2B_API_KEY is set and the local one where it is not; the log
    says which, and what it protects against) or a sandbox object. With `fallback="local"`, or a `LocalSandbox` with
    options of its own, a remote sandbox that judges nothing any more, as the breaker sees it, is left for that one, for
    good, and the batch runs again there.
    `scoring` is `"all_passed"`, `"fraction_passed"`, `"weighted_passed"` or a function of the tests' grades; `schema`
    and `language` override what the rows say, `comparison` and `limits` hold where the rows say nothing; `max_tests`
    draws the same tests of a problem every time. `trust="shared"` takes tests that stand behind the program in its own
    process (MultiPL-E, HumanEval-X), where it could fake their success; `"split"` refuses them. `unjudged_score` is
    for trainers that know no None (SDPO, PPO); `program_bonus` is added to the score of any program that was judged;
    `bounds` are checked for every score of a scorer. `on_bad_row` is `"raise"` or `"none"`. `name` is the reward's name
    in the trainer and the prefix of what it logs; two live rewards cannot log under one.

    Picklable; a copy, like a forked process, starts a sandbox of its own when first called. `close` ends the sandbox,
    also one that was passed in, unless another live reward uses it. An option that does not fit raises
    `ConfigurationError` at once.
    """

    def __init__(
        self,
        *,
        sandbox: str | Sandbox = "auto",
        scoring: str | Scorer = "all_passed",
        schema: str | None = None,
        language: str | None = None,
        extraction: Extraction = Extraction(),  # noqa: B008 - frozen, and the signature shows the defaults
        comparison: str | Comparison | None = None,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        max_tests: int | None = None,
        trust: str = "split",
        stop_at_first_failure: bool = False,
        batch_deadline_s: float | None = 900.0,
        breaker: CircuitBreaker | None = CircuitBreaker(),  # noqa: B008 - frozen
        fallback: str | Sandbox | None = None,
        retries: int = 2,
        unjudged_score: float | None = None,
        no_program_score: float = 0.0,
        program_bonus: float = 0.0,
        bounds: tuple[float, float] | None = None,
        on_bad_row: str = "raise",
        name: str = "code",
    ) -> None:
        self._arguments = {key: value for key, value in locals().items() if key != "self"}
        check_options(self._arguments, _OPTIONS)
        self.name = self.__name__ = name
        self._trainer_log = TrainerLog(name)
        self._rule = ScoreRule(scoring, unjudged_score, no_program_score, program_bonus, bounds)
        parsed = Comparison.parse(comparison) if isinstance(comparison, str) else comparison
        self._reading = ReadingOptions(
            schema, language, extraction, parsed, limits, max_tests, on_bad_row, languages_of(sandbox), trust
        )
        settings = BatchSettings(stop_at_first_failure, batch_deadline_s, retries)
        self._grader = Grader(sandbox, settings=settings, breaker=breaker, fallback=_fallback_for(sandbox, fallback))
        self._trouble = TroubleLog(name, unjudged_score=self._rule.unjudged)
        self._row_warning = RowWarning()
        self._listeners: list[Listener] = []
        self._interpreters: list[Interpreters] = []
        self._closed = False

    def __getstate__(self) -> dict[str, Any]:
        return self._arguments

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]  # a copy is made as the original was

    def __repr__(self) -> str:
        return f"{type(self).__name__}(name={self.name!r}, sandbox={self._arguments['sandbox']!r})"

    def __call__(
        self, prompts: Any = None, completions: Any = None, completion_ids: Any = None, **columns: Any
    ) -> list[float | None]:
        """Return one score for each completion, and log the batch where the trainer passes `log_metric` or `log_extra`.

        Raises `ConfigurationError` or `DatasetError` for what the caller did wrong, before anything runs, and
        `CircuitBreakerOpen` when batch after batch could not be judged.
        """
        self._prepare_to_log(columns)
        began_s = time.monotonic()
        batch = self.grade(prompts, completions, completion_ids, **columns)
        self._report(batch, prompts, completions, columns, began_s=began_s)
        return batch.scores

    async def acall(
        self, prompts: Any = None, completions: Any = None, completion_ids: Any = None, **columns: Any
    ) -> list[float | None]:
        """Do what a call does, for callers that await; cancelling it stops the programs."""
        self._prepare_to_log(columns)
        began_s = time.monotonic()
        batch = await self.agrade(prompts, completions, completion_ids, **columns)
        self._report(batch, prompts, completions, columns, began_s=began_s)
        return batch.scores

    def grade(
        self, prompts: Any = None, completions: Any = None, completion_ids: Any = None, **columns: Any
    ) -> BatchGrade:
        """Return everything that was found out about each completion, and log nothing."""
        began = time.monotonic()
        samples, units = read_samples(self._read(prompts, completions, columns), self._reading)
        batch = self._graded(samples, *self._grader.run(units), began=began)
        if self._grader.count(batch.grades, batch.figures):
            spent_s = time.monotonic() - began
            batch = self._graded(samples, *self._grader.run(units, spent_s=spent_s), began=began)
        self._trouble.see(trouble_of(batch), columns)
        return batch

    async def agrade(
        self, prompts: Any = None, completions: Any = None, completion_ids: Any = None, **columns: Any
    ) -> BatchGrade:
        """Do what `grade` does, for callers that await."""
        began = time.monotonic()
        call = self._read(prompts, completions, columns)
        samples, units = await asyncio.to_thread(read_samples, call, self._reading)  # parsing would hold up their loop
        batch = self._graded(samples, *await self._grader.run_async(units), began=began)
        if await asyncio.to_thread(self._grader.count, batch.grades, batch.figures):
            spent_s = time.monotonic() - began
            batch = self._graded(samples, *await self._grader.run_async(units, spent_s=spent_s), began=began)
        self._trouble.see(trouble_of(batch), columns)
        return batch

    def listen(self, listener: Listener) -> None:
        """Have *listener* called with every batch that is graded by a call, behind its log; copies have no listeners.

        What it raises ends the call.
        """
        self._listeners.append(listener)

    def but(self, **changed: Any) -> CodeReward:
        """Return another reward with the same options and the same sandbox, except for those that are *changed*."""
        return type(self)(**{**self._arguments, **changed})

    def settings(self) -> dict[str, Any]:
        """Return, as JSON, the options that verdicts and scores depend on; where programs run is none of them."""
        return told_as_json({name: self._arguments[name] for name in _DECIDING})

    def explain(self, completion: Any, **row: Any) -> str:
        """Return, as text for people, what one completion gets for one dataset row, test by test, and why."""
        prompt = row.pop("prompt", row.pop("prompts", None))
        columns = {name: [value] for name, value in row.items()}
        samples, units = read_samples(self._read([prompt], [completion], columns), self._reading)
        batch = self._graded(samples, *self._grader.run(units), began=time.monotonic())
        return explain_grade(batch.grades[0], samples[0].problem)

    def problem_of(self, row: Mapping[str, Any]) -> Problem:
        """Return what one dataset row asks, as this reward reads it; raises `DatasetError`."""
        prompt = row.get("prompt")
        told = {name: value for name, value in row.items() if name != "prompt"}
        return self._reading.problem_of({**told, **({"prompts": prompt} if isinstance(prompt, str) else {})})

    def check(self, dataset: Iterable[Mapping[str, Any]]) -> DatasetCheck:
        """Read every row of *dataset* and return what is in it; raises `DatasetError` that lists the first bad rows.

        Runs no program. Meant for the start of a run, which a bad row would otherwise end in its middle.
        """
        return check_dataset(dataset, self._reading)

    def describe(self) -> str:
        """Return what the sandbox protects against, for people; raises `SandboxUnavailable` where nothing can run."""
        self._refuse_if_closed()
        return str(self._grader.workplace.sandbox.describe())

    def interpreters(self, *, limits: Limits) -> Interpreters:
        """Return interpreters for agents, in the same sandbox, that are closed with this reward.

        Raises `ConfigurationError` where the sandbox has no sessions.
        """
        self._refuse_if_closed()
        self._interpreters.append(Interpreters(self._arguments["sandbox"], limits=limits))
        return self._interpreters[-1]

    @property
    def capacity(self) -> int:
        """Return how many programs its sandbox runs at once, in this process."""
        self._refuse_if_closed()
        return self._grader.workplace.sandbox.capacity

    def close(self) -> None:
        """Stop the sandbox, unless another reward uses it, and give the name free. May be called twice."""
        self._closed = True
        for interpreters in self._interpreters:
            interpreters.close()
        self._trainer_log.release()
        self._grader.close()

    def __enter__(self) -> CodeReward:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self, prompts: Any, completions: Any, columns: Mapping[str, Any]) -> Call:
        self._refuse_if_closed()
        return read_call(prompts, completions, columns)

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise ConfigurationError(f"the reward {self.name!r} is closed: make another one")

    def _graded(
        self, samples: Sequence[Sample], outcomes: Sequence[Outcome], figures: BatchFigures, *, began: float
    ) -> BatchGrade:
        self._row_warning.see(samples)
        grades = grade_samples(samples, outcomes, self._rule)
        return BatchGrade(grades, dataclasses.replace(figures, wall_s=time.monotonic() - began))

    def _prepare_to_log(self, columns: Mapping[str, Any]) -> None:
        self._trouble.see_caller(columns)
        if columns.get("log_metric") is not None or columns.get("log_extra") is not None:
            self._trainer_log.claim()

    def _report(
        self, batch: BatchGrade, prompts: Any, completions: Any, columns: Mapping[str, Any], *, began_s: float
    ) -> None:
        self._trainer_log.write(batch, log_metric=columns.get("log_metric"), log_extra=columns.get("log_extra"))
        asked, answered = (() if given is None else tuple(given) for given in (prompts, completions))
        graded = GradedBatch(asked, answered, columns, batch, began_s, time.monotonic())
        for listener in self._listeners:
            listener(graded)


def _fallback_for(sandbox: str | Sandbox, fallback: str | Sandbox | None) -> str | Sandbox | None:
    """Return the sandbox to move to; None where the programs run there anyway."""
    runs_there = isinstance(sandbox, str) and chosen_name(sandbox) == "local"
    return None if runs_there else fallback
