"""The steps of a job as bytes: builtin types pickled, and what is not builtin by the encoding that programs get.

Only the machine reads this, and it trusts the host. No class of this package is pickled by its name: it may be another
name there.
"""

from __future__ import annotations

import dataclasses
import pickle
from collections.abc import Sequence
from typing import Any

from ...records import AssertStep, CallStep, CellStep, File, ScriptStep, Step
from ..runner.encoding import encode
from ..runner.rebuilding import decode_live
from ..runner.wire import MAX_BYTES

_KINDS: dict[str, type[Step]] = {"s": ScriptStep, "a": AssertStep, "n": CellStep}
_NAMES = {kind: name for name, kind in _KINDS.items()}
_PLAIN = (type(None), bool, int, float, complex, str, bytes)


def steps_to_bytes(steps: Sequence[Step]) -> bytes:
    """Return *steps* as bytes; raises `TooLarge` for arguments beyond all bounds."""
    return pickle.dumps([_packed(step) for step in steps], 5)


def steps_from_bytes(data: bytes) -> tuple[Step, ...]:
    """Return the steps again."""
    return tuple(_unpacked(*fields) for fields in pickle.loads(data))


def _packed(step: Step) -> tuple[Any, ...]:
    if not isinstance(step, CallStep):
        return _NAMES[type(step)], *(_plain_field(name, value) for name, value in vars(step).items())
    given = [list(step.args), [list(pair) for pair in step.kwargs]]
    if _is_plain(given):
        return "c", step.function, *given
    return "x", step.function, encode(given, limit=MAX_BYTES)


def _unpacked(name: str, *fields: Any) -> Step:
    if name in _KINDS:
        named = zip((field.name for field in dataclasses.fields(_KINDS[name])), fields, strict=True)
        return _KINDS[name](**{field: _whole_field(field, value) for field, value in named})
    if name == "x":
        function, data = fields
        given: Any = decode_live(data)
        args, kwargs = given
    else:
        function, args, kwargs = fields
    return CallStep(function, tuple(args), tuple((key, value) for key, value in kwargs))


def _plain_field(name: str, value: Any) -> Any:
    return tuple((file.path, file.content) for file in value) if name == "files" else value


def _whole_field(name: str, value: Any) -> Any:
    return tuple(File(path, content) for path, content in value) if name == "files" else value


def _is_plain(value: object) -> bool:
    """Say whether pickle gives the very same value back on any machine."""
    left: list[Any] = [value]
    while left:
        thing = left.pop()
        if type(thing) in (list, tuple, set, frozenset):
            left.extend(thing)
        elif type(thing) is dict:
            left.extend(thing)
            left.extend(thing.values())
        elif type(thing) not in _PLAIN:
            return False
    return True
