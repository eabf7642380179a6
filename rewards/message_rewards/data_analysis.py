"""The reward for code that analyses a data set."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from ..cases import CellTest
from ..errors import DatasetError
from ..extraction import extract_cells
from ..grader.trial import Outcome
from ..grades import Verdict
from ..options import check_options, number, shown
from ..records import File, Limits, Program
from ..sandboxes.base import Sandbox
from .engine import Engine
from .execution import CLEAN, OPTIONS, Execution, described
from .insights import Insight, Report, read_insights
from .output import MetricRewardOutput, RewardOutput
from .passed_tests import listed, place_of, python_program, run_metrics, without_program
from .reward import MessageReward

NAME = "dataset.csv"
"""Where the code finds the data, as in reward-kit's guide; a file is also there under its own name."""
PLOT_BONUS = 0.5
_BONUS = {"plot_bonus": number("a number from 0 to 1", lambda value: 0 <= value <= 1)}


async def _data_analysis_reward(
    engine: Engine,
    response: Any,
    dataset_path: Any = None,
    expected_insights: Any = None,
    timeout: float = 30,
    environment: str = "e2b",
    api_key: str | None = None,
    *,
    messages: Any = None,
    dataset: Any = None,
    plot_bonus: float = PLOT_BONUS,
    max_memory_mb: int | None = None,
    fallback: str | Sandbox | None = "local",
    sandbox: str | Sandbox | None = None,
) -> RewardOutput:
    """Run the response's code over a data set, and look for the expected insights in what it printed and showed.

    The data lie in the code's working directory as `dataset.csv`: those of the file `dataset_path`, which is read here
    and with your rights, or `dataset`, which is text, bytes, or a DataFrame (handed over by `configured`). The blocks
    of the response are the cells of a notebook. An insight is a phrase, a number, or a list of those of which one is
    enough; a number counts if it is found to the decimals that it is given with.

    Each insight found is worth the same share of 1.0, and a plot that is shown `plot_bonus` times that much, 1.0 in
    all at most. Code that fails scores 0.0. The other arguments are those of `fractional_code_reward`; where a sandbox
    fails the score is None. Code that prints every likely phrase finds insights, too: only the first 20,000 characters
    of a report are read, and for training this goes well beside a reward that cannot be guessed.
    """
    check_options({"plot_bonus": plot_bonus}, _BONUS)
    insights = read_insights(listed(expected_insights, "expected_insights"))
    files = await asyncio.to_thread(data_files, dataset_path, dataset)
    place = place_of(environment, api_key, fallback, sandbox)
    execution = Execution("python", timeout, max_memory_mb=max_memory_mb)
    if python_program(response, messages) is None:
        return without_program()
    cells = extract_cells(response)
    # What the first cell of a job shows is not reported: so that is an empty one.
    tests = tuple(CellTest(cell, "", files=() if i else files) for i, cell in enumerate(cells))
    outcome = await engine.run(Program(""), tests, sandbox=place.sandbox, limits=execution.limits)
    metrics = run_metrics("\n\n".join(cells), outcome, place)
    return _scored(outcome, insights, metrics, plot_bonus=plot_bonus)


def data_files(path: Any, data: Any) -> tuple[File, ...]:
    """Return the data set as the files that go in; raises `DatasetError` for what is no data set."""
    if (path is None) == (data is None):
        raise DatasetError("a data set comes as `dataset_path` or as `dataset`, one of the two")
    if isinstance(data, str | bytes):
        return (File(NAME, data.encode() if isinstance(data, str) else data),)
    if data is not None and hasattr(data, "to_csv"):
        return (File(NAME, str(data.to_csv(index=False)).encode()),)
    source = data if path is None else path
    if not isinstance(source, str | Path):
        raise DatasetError(f"a data set must be a path, text, bytes or a DataFrame, found {shown(source)}")
    return tuple(File(name, _content(Path(source))) for name in dict.fromkeys((NAME, Path(source).name)))


def _content(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise DatasetError(f"the data set {str(path)!r} is no file")
        if path.stat().st_size > Limits().disk_mb << 19:
            raise DatasetError(f"the data set {str(path)!r} is larger than {Limits().disk_mb // 2} MB")
        return path.read_bytes()
    except OSError as error:
        raise DatasetError(f"the data set {str(path)!r} cannot be read: {error}") from error


def _scored(
    outcome: Outcome, insights: tuple[Insight, ...], metrics: dict[str, MetricRewardOutput], *, plot_bonus: float
) -> RewardOutput:
    if any(test.verdict is Verdict.UNJUDGED for test in outcome.tests):
        return RewardOutput.unjudged(f"nothing is known about the analysis: {outcome.detail}", metrics)
    failed = next((test for test in outcome.tests if test.verdict not in CLEAN), None)
    if failed is not None:
        return RewardOutput(0.0, f"the analysis failed: {described(failed)}", metrics)
    report = Report(outcome.runs)
    found = [insight.is_in(report) for insight in insights]
    for i, (insight, is_found) in enumerate(zip(insights, found, strict=True), start=1):
        said = f"{'found' if is_found else 'not found'}: {insight.name[:200]}"
        metrics[f"insight_{i}"] = MetricRewardOutput(float(is_found), said)
    metrics["plot"] = MetricRewardOutput(float(report.has_plot), "shown" if report.has_plot else "none was shown")
    score = min(1.0, (sum(found) + plot_bonus * report.has_plot) / len(insights))
    with_plot = " and a plot" if report.has_plot else ""
    return RewardOutput(score, f"{sum(found)} of {len(insights)} insights{with_plot}", metrics)


data_analysis_reward = MessageReward(
    _data_analysis_reward, name="data_analysis_reward", options=(*OPTIONS, "plot_bonus")
)
