"""LiveCodeBench's packed cells: JSON text, pickled, compressed with zlib, in base64.

Nothing is unpickled. A pickle of one text is a handful of operations, of which none but those that put a text on the
stack and note it are read; a pickle with anything else in it, such as the name of a function, is refused.
"""

from __future__ import annotations

import base64
import binascii
import pickletools
import zlib

from ..errors import DatasetError
from .fields import describe

MAX_UNPACKED_BYTES = 1 << 28
"""Four times the largest tests of LiveCodeBench."""
_TEXTS = ("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8")
_NOTES = ("PROTO", "FRAME", "MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT", "STOP")


def unpacked_text(cell: str, what: str) -> str:
    """Return the JSON text in *cell*, which is that text itself or holds it packed."""
    if cell.lstrip()[:1] in ("[", "{", '"', ""):
        return cell
    try:
        data = base64.b64decode(cell.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise DatasetError(f"{what}: {describe(cell)} is neither JSON nor base64") from None
    return _pickled_text(_decompressed(data, what), what)


def _decompressed(data: bytes, what: str) -> bytes:
    stream = zlib.decompressobj()
    try:
        unpacked = stream.decompress(data, MAX_UNPACKED_BYTES)
    except zlib.error as error:
        raise DatasetError(f"{what}: cannot be decompressed: {error}") from None
    if stream.unconsumed_tail:
        raise DatasetError(f"{what}: more than {MAX_UNPACKED_BYTES >> 20} MB when decompressed")
    if not stream.eof:
        raise DatasetError(f"{what}: the compressed data are cut off")
    return unpacked


def _pickled_text(data: bytes, what: str) -> str:
    texts = []
    try:
        for operation, argument, _ in pickletools.genops(data):
            if operation.name in _TEXTS:
                texts.append(argument)
            elif operation.name not in _NOTES or len(texts) > 1:
                raise DatasetError(f"{what}: a pickle of more than a text ({operation.name}), which is not unpickled")
    except (ValueError, OverflowError, MemoryError) as error:
        raise DatasetError(f"{what}: not the pickle of a text: {str(error)[:100]}") from None
    if len(texts) != 1 or not isinstance(texts[0], str):
        raise DatasetError(f"{what}: expected the pickle of one text, found {len(texts)} texts")
    return texts[0]
