"""Work that would hold the event loop up, done beside it where that is possible."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


async def beside_the_loop(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Return what *function* returns; it runs in a thread, or at once where none can be had.

    None can be had while the interpreter shuts down, or where the number of threads is at its limit.
    """
    loop = asyncio.get_running_loop()
    try:
        working = loop.run_in_executor(None, lambda: function(*args, **kwargs))
    except RuntimeError:
        return function(*args, **kwargs)
    return await working
