"""What came of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Figures:
    """Everything that a run of the chaos has to be judged by."""

    asked: int
    wrong: tuple[str, ...]
    """What was answered where something else is true."""
    unjudged: Mapping[str, int]
    """By kind of completion or notebook."""
    uncounted: int
    """By how many the None among the scores and the unjudged in what the trainer would log disagree."""
    faults: Mapping[str, int]
    wall_s: float
    deadline_s: float
    alive: int
    """Sandboxes that were left when the reward had been closed and some seconds had gone by."""
    gone_after_s: float
    """From the end of `close` to the last sandbox's end."""
    close_s: float
    used: str
    """The pool's own words on what it has used."""

    @property
    def silent_faults(self) -> list[str]:
        """Return the faults that never struck: nothing was learned about them."""
        return [fault for fault, times in self.faults.items() if not times]

    @property
    def is_good(self) -> bool:
        """Say whether everything held that has to."""
        in_time = self.wall_s <= self.deadline_s
        return not self.wrong and not self.uncounted and not self.silent_faults and in_time and not self.alive

    def __str__(self) -> str:
        faults = ", ".join(f"{name} {times}" for name, times in self.faults.items())
        none = sum(self.unjudged.values())
        kinds = ", ".join(f"{kind} {times}" for kind, times in Counter(self.unjudged).most_common())
        lines = [
            f"faults that struck: {sum(self.faults.values())}, of {len(self.faults)} kinds: {faults}",
            f"faults that never struck: {', '.join(self.silent_faults) or 'none'}",
            f"completions: {self.asked}, wrong scores: {len(self.wrong)}, None: {none} ({none / self.asked:.1%})",
            f"None by kind: {kinds or 'none'}; not counted as unjudged: {self.uncounted}",
            f"wall time: {self.wall_s:.1f} s of {self.deadline_s:g} s, and {self.close_s:.1f} s to close",
            f"sandboxes alive at the end: {self.alive} (the last one went {self.gone_after_s:.1f} s after the close)",
            f"used: {self.used}",
        ]
        return "\n".join([*lines, *(f"WRONG: {wrong}" for wrong in self.wrong)])
