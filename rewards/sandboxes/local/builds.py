"""What compilers have made lately, for jobs that bring the same source again: a checker comes with every program."""

from __future__ import annotations

import hashlib
import math
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from ...records import TestRun
from ..runner.parcel import PlacedFile

KEPT_BYTES = 64 << 20


@dataclass(frozen=True)
class Built:
    """A program ready to be run, or the run that every step gets because it is not."""

    files: tuple[PlacedFile, ...] = ()
    main: str = ""
    file: str = ""
    refused: TestRun | None = None

    @property
    def size(self) -> int:
        """Return how many bytes are kept with it."""
        return sum(len(file.content) for file in self.files)


@dataclass(frozen=True)
class _Proof:
    state: object
    at_s: float


class Builds:
    """Shared by all slots of a sandbox. A source is compiled by itself, so that what it became is good for no other."""

    def __init__(self, *, kept_bytes: int = KEPT_BYTES) -> None:
        self._proofs: dict[str, _Proof] = {}
        self._left = kept_bytes
        self._kept: OrderedDict[str, Built] = OrderedDict()

    def is_proven(self, language: str, state: object, *, within_s: float = math.inf) -> bool:
        """Say whether the tools for *language*, in this *state*, have run a program known to be good, and lately."""
        proof = self._proofs.get(language)
        return proof is not None and proof.state == state and time.monotonic() - proof.at_s <= within_s

    def prove(self, language: str, state: object) -> None:
        """Remember that they have, just now."""
        self._proofs[language] = _Proof(state, time.monotonic())

    def find(self, key: str) -> Built | None:
        """Return what was kept under *key*."""
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def keep(self, key: str, built: Built) -> None:
        """Keep what came to a good end; the least used goes first."""
        if built.refused is not None or key in self._kept:
            return
        self._kept[key] = built
        self._left -= built.size
        while self._left < 0:
            _, oldest = self._kept.popitem(last=False)
            self._left += oldest.size


def key_of(language: str, files: Sequence[PlacedFile]) -> str:
    """Return a name that only the same *files* of the same *language* have."""
    digest = hashlib.sha256(language.encode())
    for file in files:
        for part in (file.path.encode("utf-8", "surrogatepass"), file.content):
            digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()
