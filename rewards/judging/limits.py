"""How a condition refuses what would take too long."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

MAX_ITEMS = 1_000_000


class UnboundedError(ValueError):
    """The operation is not for values like these, or would take too long on them."""


def check(holds: bool, what: str) -> None:
    """Raise UnboundedError(*what*) unless it *holds*."""
    if not holds:
        raise UnboundedError(what)


def listed(values: Iterable[Any]) -> list[Any]:
    """Return the items of *values*, if they are not too many."""
    items: list[Any] = []
    for item in values:
        check(len(items) < MAX_ITEMS, "too many items")
        items.append(item)
    return items
