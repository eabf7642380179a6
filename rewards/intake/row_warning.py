"""What is said, once, of rows whose completions can never score."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from .samples import Sample

_log = logging.getLogger("rewards")


class RowWarning:
    """Warns once in a reward's life that some completions can never score, and why."""

    def __init__(self) -> None:
        self._was_given = False

    def see(self, samples: Sequence[Sample]) -> None:
        """Look at the samples of a batch."""
        without_tests = sum(sample.problem is not None and not sample.problem.tests for sample in samples)
        bad = [sample.bad_row for sample in samples if sample.bad_row]
        if self._was_given or not (without_tests or bad):
            return
        self._was_given = True
        _log.warning(
            "of %d rows in this batch %d have no tests and %d cannot be graded%s. Their completions score None and "
            "teach nothing. `check(dataset)` finds such rows before a run; this is said once",
            len(samples),
            without_tests,
            len(bad),
            f" (the first: {bad[0]})" if bad else "",
        )
