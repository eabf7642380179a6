"""What a dataset row wants to lie ready in the interpreter of a rollout."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rewards import DatasetError
from rewards.records import File

from ..data_arguments import FILES_COLUMN, SOURCE_COLUMN


@dataclass(frozen=True)
class EnvironmentSetup:
    """A first cell, whose output nobody sees, and the files that lie there when it runs."""

    source: str = ""
    files: tuple[File, ...] = ()

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> EnvironmentSetup:
        """Return what *row* says; raises `DatasetError` where that cannot be had."""
        source = row.get(SOURCE_COLUMN) or ""
        if not isinstance(source, str):
            raise DatasetError(f"{SOURCE_COLUMN} must be Python source, found {type(source).__name__}")
        return cls(source, _files(row.get(FILES_COLUMN)))

    def __bool__(self) -> bool:
        return bool(self.source or self.files)


def _files(value: Any) -> tuple[File, ...]:
    if isinstance(value, str) and value:
        try:
            value = json.loads(value)
        except ValueError as error:
            raise DatasetError(f"{FILES_COLUMN} is no JSON object of paths and texts: {error}") from None
    if not value:
        return ()
    if not isinstance(value, Mapping) or not all(isinstance(text, str) for text in value.values()):
        raise DatasetError(f"{FILES_COLUMN} must be a JSON object of paths and texts, found {value!r:.100}")
    return tuple(File(path, text.encode()) for path, text in value.items())
