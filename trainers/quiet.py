"""What TRL prints of completions without a reward, made fit for a console.

GRPO and RLOO print the whole row of the first such completion of every batch: the prompt, the completion as it is, and
all tests. Test cases of a contest problem are megabytes, and a completion may hold what a terminal obeys.
"""

from __future__ import annotations

import logging

_WORDS = "All reward functions returned None"
_LOGGERS = ("trl.trainer.grpo_trainer", "trl.trainer.rloo_trainer")
_INSTEAD = (
    "a completion got no reward from any reward function, and the trainer leaves it out; the reward's own line says "
    "why. TRL's message with the whole row is left out here, each time, and this is said once"
)


class _RowsWithoutReward(logging.Filter):
    def __init__(self) -> None:
        super().__init__()
        self._was_said = False

    def filter(self, record: logging.LogRecord) -> bool:
        """Let everything else pass."""
        if _WORDS not in str(record.msg)[:200]:  # the rank stands before them
            return True
        record.msg, record.args = _INSTEAD, ()
        said, self._was_said = self._was_said, True
        return not said


def quiet_rows_without_reward() -> None:
    """Have TRL's trainers say once from here on, in a line, that a completion got no reward, and not print the row."""
    fresh = _RowsWithoutReward()
    for logger in map(logging.getLogger, _LOGGERS):
        for old in [one for one in logger.filters if isinstance(one, _RowsWithoutReward)]:
            logger.removeFilter(old)
        logger.addFilter(fresh)
