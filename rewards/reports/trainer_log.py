"""What a reward tells a trainer's log, under its own name."""

from __future__ import annotations

import gc
import re
import threading
import weakref
from collections.abc import Callable
from typing import Any

from ..errors import ConfigurationError
from ..grades import BatchGrade
from .metrics import summarize, table_columns

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.+-]*")
_TAKEN_BY_TRL = frozenset({"prompt", "completion", "step", "advantage", "image", "reward", "reward_std", "loss"})
_lock = threading.Lock()
_claims: weakref.WeakValueDictionary[str, TrainerLog] = weakref.WeakValueDictionary()


class TrainerLog:
    """The metrics and table columns of one reward.

    Two rewards that log under one name would average their figures into each other, so the second one is refused when
    it is first asked to log. Rewards that never log, were closed, or are garbage take no name.
    """

    def __init__(self, name: str) -> None:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ConfigurationError(f"name must be a letter, then letters, digits and any of _.+-, found {name!r}")
        if name in _TAKEN_BY_TRL:
            raise ConfigurationError(f"name {name!r} is a column or metric of TRL's own: choose another one")
        self.name = name

    def claim(self) -> None:
        """Take the name; raises `ConfigurationError` when another live reward logs under it."""
        with _lock:
            if _claims.setdefault(self.name, self) is self:
                return
        gc.collect()  # a trainer of an earlier notebook cell is garbage in a cycle, and holds its reward
        with _lock:
            if _claims.setdefault(self.name, self) is not self:
                raise ConfigurationError(
                    f"another live reward logs under the name {self.name!r}: give one of them a `name=` of its own, "
                    "or close the other one"
                )

    def release(self) -> None:
        """Give the name up."""
        with _lock:
            if _claims.get(self.name) is self:
                del _claims[self.name]

    def write(
        self,
        batch: BatchGrade,
        *,
        log_metric: Callable[[str, float], Any] | None,
        log_extra: Callable[[str, list[str]], Any] | None,
    ) -> None:
        """Log the figures and the table columns of *batch*, where the trainer has a log for them."""
        if log_metric is not None:
            for name, value in summarize(batch).items():
                log_metric(f"{self.name}/{name}", value)
        if log_extra is not None:
            for column, values in table_columns(batch.grades).items():
                log_extra(f"{self.name}/{column}", values)
