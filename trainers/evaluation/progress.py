"""The bar of an evaluation: rate, shares of verdicts, and when it will be done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from types import TracebackType

from tqdm.auto import tqdm

from .sample import Result

_SHORT = {"accepted": "ok", "wrong_answer": "wrong", "runtime_error": "error", "time_limit_exceeded": "time"}


class EvaluationBar:
    """A progress bar that begins where an earlier run has stopped."""

    def __init__(self, *, total: int | None, judged: int, disable: bool | None = None) -> None:
        """Show *judged* of *total* as done; *disable* as tqdm has it: None hides it where there is no terminal."""
        self._counts: Counter[str] = Counter()
        self._bar = tqdm(total=total, initial=judged, unit="sample", disable=disable, dynamic_ncols=True)

    def add(self, results: Sequence[Result]) -> None:
        """Count a batch."""
        self._counts.update(result.verdict for result in results)
        counted = sum(self._counts.values())
        shares = {_SHORT.get(name, name): f"{count / counted:.1%}" for name, count in self._counts.most_common(4)}
        self._bar.set_postfix(shares, refresh=False)
        self._bar.update(len(results))

    def __enter__(self) -> EvaluationBar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()
