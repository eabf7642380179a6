"""Attempts that came to no result, because something happened to their sandbox or to what led there."""

from __future__ import annotations

from ...records import TestRun
from .faults import classify
from .tickets import KILLED, Lost


class LostError(Exception):
    """Something happened to the sandbox."""

    def __init__(self, detail: str, *, cause: str, end: TestRun = KILLED, guilty: bool = True) -> None:
        super().__init__(detail)
        self.loss = Lost("died", detail, cause=cause, may_be_guilty=guilty, end=end)


def loss_of(error: Exception) -> Lost | None:
    """Return what *error*, met while something ran, makes of an attempt; None for a mistake of ours."""
    if isinstance(error, LostError):
        return error.loss
    fault = classify(error, during="run")
    if fault is None:
        return None
    return Lost(
        fault.failure.kind, f"{fault.kind}: {fault.detail}", cause=fault.kind, may_be_guilty=not fault.is_refusal
    )
