"""Tables of completions: those of an evaluation in mid-run apart from those of training.

TRL collects both in the same buffers and writes them under the same name, the step's: an evaluation overwrites what
was trained on, and shows it mixed with its own.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

MOST_ROWS = 4096
"""Completions that the table of an evaluation holds at most, its last ones."""
_MAPS = ("rewards", "extra")
"""Buffers that hold one more buffer for each name."""


def keep_tables_apart(trainer: Any) -> None:
    """Have *trainer* write the table of an evaluation as `eval_completions_<step>.parquet`, training's as before."""
    plain: Callable[..., Any] = trainer.evaluate

    @functools.wraps(plain)
    def evaluate(eval_dataset: Any = None, ignore_keys: Any = None, metric_key_prefix: str = "eval") -> Any:
        with _buffers_of_its_own(trainer), _table_of_its_own(trainer, metric_key_prefix):
            return plain(eval_dataset, ignore_keys, metric_key_prefix)

    trainer.evaluate = evaluate


@contextlib.contextmanager
def _buffers_of_its_own(trainer: Any) -> Iterator[None]:
    trained = getattr(trainer, "_logs", None)
    if not isinstance(trained, dict):  # a trainer that keeps no completions, or keeps them in another way
        yield
        return
    empty: Callable[[], deque[Any]] = functools.partial(deque, maxlen=MOST_ROWS)
    trainer._logs = {name: defaultdict(empty) if name in _MAPS else empty() for name in trained}
    try:
        yield
    finally:
        trainer._logs = trained


@contextlib.contextmanager
def _table_of_its_own(trainer: Any, prefix: str) -> Iterator[None]:
    folder, step = Path(trainer.args.output_dir) / "completions", trainer.state.global_step
    written, aside = folder / f"completions_{step:05d}.parquet", folder / f"completions_{step:05d}.train"
    is_writer = trainer.is_world_process_zero()
    if is_writer and written.exists():
        os.replace(written, aside)
    try:
        yield
    finally:
        if is_writer and written.exists():
            os.replace(written, folder / f"{prefix}_completions_{step:05d}.parquet")
        if is_writer and aside.exists():
            os.replace(aside, written)
