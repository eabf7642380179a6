"""Which of the known prompts a sequence of token ids begins with, and where that prompt ends."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rewards import DatasetError

_BYTES_PER_ID = 4
_SHOWN = 3


@dataclass(frozen=True)
class FoundPrompt:
    """Where a sequence's prompt is known from, and where it ends."""

    row: int
    border: int
    """The column of the sequence at which its response begins."""


class PromptIndex:
    """Token ids of many prompts, in which the one that a longer sequence begins with is found in O(log n).

    Padding is left out of them wherever it stands: the mask that comes with a sequence leaves out every pad token, also
    one that ends a turn in the middle of a prompt, as it does where the pad token is the end-of-text token.
    Raises `DatasetError` for a prompt without tokens, and where one prompt is how another begins: nothing in a sequence
    would tell a response to the first from a part of the second.
    """

    def __init__(self, prompts: Iterable[Any], *, pad_token_id: int) -> None:
        self._first: dict[bytes, tuple[int, int]] = {}
        self.repeated: list[tuple[int, int]] = []
        """For each prompt that is there more than once: its first row, and a later one."""
        for row, prompt in enumerate(prompts):
            self._add(row, np.asarray(prompt, dtype=np.int64), pad_token_id)
        self._keys = sorted(self._first)
        self._refuse_ambiguous()

    def find(self, ids: Any, mask: Any) -> FoundPrompt | None:
        """Return the prompt that the sequence *ids* begins with, or None; the boolean *mask* says what is no padding.

        Both are arrays of shape (sequence,).
        """
        columns = np.flatnonzero(mask)
        data = _bytes(ids[columns])
        # No key begins another one, so a key that begins `data` is the greatest of those that are not above it.
        at = bisect.bisect_right(self._keys, data) - 1
        if at < 0 or not data.startswith(self._keys[at]):
            return None
        row, trailing_pads = self._first[self._keys[at]]
        return FoundPrompt(row, int(columns[len(self._keys[at]) // _BYTES_PER_ID - 1]) + 1 + trailing_pads)

    def _add(self, row: int, ids: Any, pad_token_id: int) -> None:
        kept = np.flatnonzero(ids != pad_token_id)
        if not len(kept):
            raise DatasetError(f"row {row}: the prompt has no tokens, so that nothing could find it again")
        trailing_pads = len(ids) - 1 - int(kept[-1])
        known = self._first.setdefault(_bytes(ids[kept]), (row, trailing_pads))
        if known[0] != row:
            self.repeated.append((known[0], row))
        if known[1] != trailing_pads:
            raise DatasetError(f"rows {known[0]} and {row}: their prompts differ by padding at the end alone")

    def _refuse_ambiguous(self) -> None:
        pairs = [
            f"row {self._first[short][0]} of row {self._first[long][0]}"
            # Sorted, what begins with a prompt stands behind it without a gap.
            for short, long in zip(self._keys, self._keys[1:], strict=False)
            if long.startswith(short)
        ]
        if pairs:
            raise DatasetError(
                f"{len(pairs)} prompts are the beginning of another one: {'; '.join(pairs[:_SHOWN])}. A response could "
                "not be told from the rest of the longer prompt: end all prompts with the same mark, as a chat "
                "template does and prompt_template can, or drop one of each pair"
            )


def _bytes(ids: Sequence[int] | Any) -> bytes:
    return bytes(np.ascontiguousarray(ids, dtype=np.uint32).tobytes())
