"""What a test brings along besides its input and output: files for the program, and a program that checks."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from ..cases import Checker
from ..errors import DatasetError
from ..languages import canonical_language, is_language
from ..records import File
from .fields import decoded, lines_of, mapping_of, refuse_unknown, text_of


def files_of(value: object, what: str) -> tuple[File, ...]:
    """Return the files in an object from paths to contents: text, or `{"base64": "..."}` for what is none."""
    found = decoded(value, what)
    if found is None:
        return ()
    return tuple(_file(path, content, what) for path, content in mapping_of(found, what).items())


def path_of(value: object, what: str) -> str:
    """Return a path in the program's working directory; empty text stands for none."""
    path = text_of(value, what)
    return _named(path, b"", what).path if path else ""


def checker_of(value: object, what: str) -> Checker:
    """Return the checker in an object with its `source`, and its `language` and `style` where they differ."""
    fields = mapping_of(value, what)
    refuse_unknown(fields, ("source", "language", "style"), what)
    if "source" not in fields:
        raise DatasetError(f"{what}: no 'source'")
    language = text_of(fields.get("language", "python"), f"{what}, language")
    if not is_language(language):
        raise DatasetError(f"{what}: language {language[:40]!r} is no known programming language")
    style = text_of(fields.get("style", "codeforces"), f"{what}, style")
    try:
        return Checker(text_of(fields["source"], f"{what}, source"), canonical_language(language), style)
    except DatasetError as error:
        raise DatasetError(f"{what}: {error}") from None


def _file(path: str, content: Any, what: str) -> File:
    if not isinstance(content, Mapping):
        return _named(path, lines_of(content, f"{what}, {path[:60]!r}").encode(), what)
    refuse_unknown(content, ("base64",), f"{what}, {path[:60]!r}")
    text = text_of(content.get("base64"), f"{what}, {path[:60]!r}, base64")
    try:
        return _named(path, base64.b64decode(text, validate=True), what)
    except (binascii.Error, ValueError):
        raise DatasetError(f"{what}, {path[:60]!r}: the text is not base64") from None


def _named(path: str, content: bytes, what: str) -> File:
    try:
        return File(text_of(path, what), content)
    except DatasetError as error:
        raise DatasetError(f"{what}: {error}") from None
