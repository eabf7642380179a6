"""What a trainer has logged, as the figures and charts of a run's report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from operator import mul
from typing import Any

from rewards import Verdict

from .colors import GENERATION, GRADING, PASS_RATE, REWARD, SLOW, UPDATE, VERDICT_COLORS
from .content import Chart, KeyFigure, Series

REWARD_KEYS = ("reward", "objective/scores")
"""Of GRPO and RLOO; of PPO."""
PHASES = {"generation": GENERATION, "reward": GRADING, "update": UPDATE}
_COMPLETION_VERDICTS = [verdict.value for verdict in Verdict if verdict is not Verdict.SKIPPED]


@dataclass(frozen=True)
class StepFigures:
    """One log of a trainer about its reward."""

    step: int
    reward: float | None
    is_evaluation: bool = False
    of_reward: Mapping[str, float] = field(default_factory=dict)
    """What the reward logs under its own name, without the name."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """Mean seconds of a step in each of `PHASES`."""
    steps: int = 1
    """How many steps of training it is about: those since the log before."""


def figures_of(log_history: Iterable[Mapping[str, Any]], *, reward_name: str) -> list[StepFigures]:
    """Return the logs about a reward, in order; other logs, such as a run's last one, are left out."""
    found, last = [], 0
    for entry in log_history:
        for prefix in ("", "eval_"):
            reward = next((entry[prefix + key] for key in REWARD_KEYS if prefix + key in entry), None)
            of_reward = _numbers_under(entry, f"{prefix}{reward_name}/")
            if of_reward or reward is not None:
                seconds = {name: entry[f"time/{name}"] for name in PHASES if f"time/{name}" in entry and not prefix}
                step, steps = int(entry["step"]), 1 if prefix else max(1, int(entry["step"]) - last)
                last = last if prefix else step
                found.append(StepFigures(step, reward, bool(prefix), of_reward, seconds, steps))
    return found


def _numbers_under(entry: Mapping[str, Any], prefix: str) -> dict[str, float]:
    return {
        name.removeprefix(prefix): value
        for name, value in entry.items()
        if name.startswith(prefix) and isinstance(value, int | float)
    }


def seconds_per_step(log_history: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Return the mean seconds of a step in each phase, over the logs that say; nothing where none does.

    A log counts as often as it is about steps: the first one may be about the slowest step alone.
    """
    logged = [entry for entry in log_history if all(f"time/{name}" in entry for name in PHASES)]
    steps = [0, *(int(entry["step"]) for entry in logged)]
    weights = [max(1, step - before) for before, step in pairwise(steps)]
    return {name: _mean([entry[f"time/{name}"] for entry in logged], weights) for name in PHASES} if logged else {}


def key_figures(figures: Sequence[StepFigures]) -> tuple[KeyFigure, ...]:
    """Return what a reader of a run looks for first."""
    training = [one for one in figures if not one.is_evaluation]
    if not training:
        return (KeyFigure("steps", "0", "nothing logged yet"),)
    rewards = [one.reward for one in training if one.reward is not None]
    found = [KeyFigure("steps", f"{training[-1].step:,}")]
    found += _first_to_last("reward", rewards, "{:.3f}")
    found += _first_to_last("accepted", _values(training, "accepted"), "{:.1%}")
    evaluated = _values([one for one in figures if one.is_evaluation], "accepted")
    found += [KeyFigure("accepted in evaluation", f"{evaluated[-1]:.1%}", "the last one")] if evaluated else []
    unjudged = _over_steps(training, lambda one: one.of_reward.get("unjudged"))
    found += [KeyFigure("unjudged", f"{unjudged:.2%}", "of completions, whole run")] if unjudged is not None else []
    total = _over_steps(training, lambda one: sum(one.seconds.values()) if one.seconds else None)
    graded = _over_steps(training, lambda one: one.seconds.get("reward"))
    if total and graded is not None:
        found.append(KeyFigure("seconds per step", f"{total:.3g}", f"{graded / total:.0%} of them for the reward"))
    latency = [seconds for seconds in _values(training, "job_latency/p95") if seconds]
    found += [KeyFigure("sandbox latency, p95", f"{_mean(latency):.3g} s", "mean over logs")] if latency else []
    return tuple(found)


def _first_to_last(name: str, values: Sequence[float], form: str) -> list[KeyFigure]:
    if not values:
        return []
    n = max(1, len(values) // 10)
    first, last = _mean(values[:n]), _mean(values[-n:])
    stretch = "first log" if n == 1 else f"first {n} logs"
    return [KeyFigure(name, form.format(last), f"from {form.format(first)} in the {stretch}")]


def run_charts(figures: Sequence[StepFigures]) -> tuple[Chart, ...]:
    """Return the charts of a run; those about which nothing was logged are left out."""
    training = [one for one in figures if not one.is_evaluation]
    evaluation = [one for one in figures if one.is_evaluation]
    charts = (_learning(training, evaluation), _verdicts(training), _latency(training), _time(training))
    return tuple(chart for chart in (*charts, *_trouble(training)) if any(one.points for one in chart.series))


def _learning(training: Sequence[StepFigures], evaluation: Sequence[StepFigures]) -> Chart:
    lines = []
    for name, figures in (("", training), (" in evaluation", evaluation)):
        rewards = tuple((one.step, one.reward) for one in figures if one.reward is not None)
        accepted = _points(figures, "accepted")
        lines.append(Series(f"pass rate{name}", accepted, PASS_RATE, dashed=bool(name)))
        if rewards != accepted:  # a reward of 0 and 1 is its pass rate
            lines.append(Series(f"reward{name}", rewards, REWARD, dashed=bool(name)))
    return Chart("reward", "Reward and pass rate", tuple(line for line in lines if line.points))


def _verdicts(training: Sequence[StepFigures]) -> Chart:
    known = [one for one in training if "accepted" in one.of_reward]
    layers = []
    for verdict in _COMPLETION_VERDICTS:
        points = tuple((one.step, one.of_reward.get(verdict, 0.0)) for one in known)
        if any(share for _, share in points):
            layers.append(Series(verdict.replace("_", " "), points, VERDICT_COLORS[verdict]))
    return Chart("verdicts", "Verdicts, share of completions", tuple(layers), stacked=True, is_share=True)


def _latency(training: Sequence[StepFigures]) -> Chart:
    lines = [("p50", REWARD, "job_latency/p50"), ("p95", SLOW, "job_latency/p95")]
    ran = [one for one in training if one.of_reward.get("job_latency/p95")]  # it is 0 where no program was run
    series = tuple(Series(name, _points(ran, key), color) for name, color, key in lines)
    return Chart("latency", "Sandbox: seconds from a job's start to its result", series, y_label="seconds")


def _time(training: Sequence[StepFigures]) -> Chart:
    timed = [one for one in training if sum(one.seconds.values()) > 0]
    layers = tuple(
        Series(name, tuple((one.step, one.seconds[name] / sum(one.seconds.values())) for one in timed), color)
        for name, color in PHASES.items()
    )
    note = "On the main process. Waiting for other processes counts for what comes next, other rewards for generation."
    return Chart("time", "Where the time of a step goes", layers, stacked=True, is_share=True, note=note)


def _trouble(training: Sequence[StepFigures]) -> tuple[Chart, Chart]:
    unjudged = Series("unjudged", _points(training, "unjudged"), VERDICT_COLORS[Verdict.UNJUDGED.value])
    retries = Series("retries", _points(training, "retries"), SLOW)
    rescued = Series("rescued time-outs", _points(training, "rescued_timeouts"), GRADING)
    is_rescued = any(y for _, y in rescued.points)
    return (
        Chart("unjudged", "Unjudged completions", (unjudged,), is_share=True),
        Chart("retries", "Retries in a batch", (retries, rescued) if is_rescued else (retries,)),
    )


def _points(figures: Sequence[StepFigures], name: str) -> tuple[tuple[float, float], ...]:
    return tuple((one.step, one.of_reward[name]) for one in figures if name in one.of_reward)


def _values(figures: Sequence[StepFigures], name: str) -> list[float]:
    return [one.of_reward[name] for one in figures if name in one.of_reward]


def _over_steps(figures: Sequence[StepFigures], value_of: Callable[[StepFigures], float | None]) -> float | None:
    """Return the mean over all steps, of which a log may stand for one or for many; None where no log says."""
    known = [(value, one.steps) for one in figures if (value := value_of(one)) is not None]
    return _mean([value for value, _ in known], [steps for _, steps in known]) if known else None


def _mean(values: Sequence[float], weights: Sequence[int] = ()) -> float:
    weights = weights or [1] * len(values)
    return sum(map(mul, values, weights)) / sum(weights) if values else 0.0
