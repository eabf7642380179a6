"""Finding and killing sandboxes that somebody has left behind."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from .faults import classify
from .sdk import SDK
from .tags import OURS, Tags, read_tags

_AT_ONCE = 16


@dataclass(frozen=True)
class Found:
    """One of our sandboxes, and whose it is."""

    sandbox_id: str
    age_s: float
    tags: Tags

    def __str__(self) -> str:
        whose = self.tags
        return (
            f"{self.sandbox_id}  {_duration(self.age_s):>7}  {whose.run}  rank {whose.rank}  {whose.host}:{whose.pid}"
        )


async def find(sdk: SDK, *, older_than_s: float = 0.0, run: str | None = None) -> list[Found]:
    """Return the account's sandboxes that this library has made, the oldest first."""
    now = datetime.now(UTC)
    found = []
    for listed in await sdk.list(OURS):
        tags = read_tags(listed.metadata)
        age_s = max((now - listed.started_at).total_seconds(), 0.0)
        if tags is not None and age_s >= older_than_s and run in (None, tags.run):
            found.append(Found(listed.sandbox_id, age_s, tags))
    return sorted(found, key=lambda sandbox: -sandbox.age_s)


async def find_strays(sdk: SDK, tags: Tags, known: Iterable[str], *, older_than_s: float) -> list[Found]:
    """Return the sandboxes of one pool that it does not know of: the answer to their create call was lost.

    One that is younger than a create call may take could still be on its way to the pool.
    """
    now, taken = datetime.now(UTC), set(known)
    found = [Found(one.sandbox_id, (now - one.started_at).total_seconds(), tags) for one in await sdk.list(tags.owned)]
    return [one for one in found if one.sandbox_id not in taken and one.age_s >= older_than_s]


async def kill(sdk: SDK, sandboxes: Iterable[Found]) -> dict[str, str]:
    """Kill them; return what became of each: `killed`, `gone already`, or why it could not be killed."""
    limit = asyncio.Semaphore(_AT_ONCE)

    async def kill_one(sandbox: Found) -> str:
        async with limit:
            try:
                return "killed" if await sdk.kill(sandbox.sandbox_id) else "gone already"
            except (
                Exception
            ) as error:  # the boundary to the service: one that cannot be killed does not keep the others
                fault = classify(error, during="kill")
                if fault is None:
                    raise
                return f"not killed: {fault.detail}"

    wanted = list(sandboxes)
    ends = await asyncio.gather(*map(kill_one, wanted))
    return {sandbox.sandbox_id: end for sandbox, end in zip(wanted, ends, strict=True)}


def seconds(text: str) -> float:
    """Return the seconds of `90`, `90s`, `15m`, `2h` or `1d`; raises `ValueError` for anything else."""
    number, unit = (text[:-1], text[-1]) if text[-1:] in _UNITS else (text, "s")
    found = json.loads(number or "null")  # a plain number: float() would take "nan" and "1_0"
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 <= found < 1e9:
        raise ValueError(f"no duration: {text!r}")
    return found * _UNITS[unit]


_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


def _duration(length_s: float) -> str:
    unit = next(name for name, size in reversed(_UNITS.items()) if length_s >= size or name == "s")
    return f"{length_s / _UNITS[unit]:.0f}{unit}" if unit == "s" else f"{length_s / _UNITS[unit]:.1f}{unit}"
