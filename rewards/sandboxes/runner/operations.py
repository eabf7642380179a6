"""What a tester may ask to be done with an object of the program's: what Python's syntax and builtins do with it."""

from __future__ import annotations

import copy
import operator
from collections import deque
from collections.abc import Callable
from types import ModuleType
from typing import Any

from .crossing import BUILTIN_EXCEPTIONS
from .decoding import decode
from .encoding import encode, mro_of, namespace_of
from .lent_files import COLLECT, PLACE, collect_files, place_files
from .mutation import mirror_changes
from .readers import SUBCLASSED

BINARY = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "lshift", "rshift", "and", "or", "xor")
ORDER = ("lt", "le", "gt", "ge")
UNARY = ("neg", "pos", "abs", "invert", "index")


def _operators() -> dict[str, Callable[..., Any]]:
    found = {name: getattr(operator, f"__{name}__") for name in (*BINARY, *ORDER, *UNARY)}
    in_place = {f"i{name}": getattr(operator, f"__i{name}__") for name in BINARY}
    return found | in_place | {"divmod": divmod, "pow": pow}


OPERATORS = _operators()


def _enter(manager: Any) -> Any:
    return type(manager).__enter__(manager)


def _exit(manager: Any, exception: str | None, text: str) -> bool:
    if exception is None:
        return bool(type(manager).__exit__(manager, None, None, None))
    error = BUILTIN_EXCEPTIONS[exception](text)
    return bool(type(manager).__exit__(manager, type(error), error, None))


def _about(thing: object) -> list[Any]:
    """Return whether the object's class compares by value, then the class and its bases, without `object`."""
    line = [kind for kind in mro_of(type(thing)) if kind is not object]
    return [any("__eq__" in namespace_of(kind) for kind in line), *line]


def _refill(owner: object, name: str, value: object) -> None:
    mirror_changes(getattr(owner, name), value)


def _await(coroutine: Any) -> object:
    import asyncio  # here: the program that has coroutines has mostly imported it, and others do not need it

    async def finished() -> object:
        return await coroutine

    return asyncio.run(finished())


_COPIES: dict[type, Callable[[Any], object]] = {
    list: list.copy,
    tuple: lambda value: tuple.__getitem__(value, slice(None)),
    dict: lambda value: dict(dict.items(value)),
    set: lambda value: set(set.__iter__(value)),
    frozenset: lambda value: frozenset(frozenset.__iter__(value)),
    deque: lambda value: deque(deque.__iter__(value)),
}


def _data(thing: object) -> object:
    """Return the data in an instance of a subclass of a builtin type; the objects in a container stay themselves."""
    for kind in mro_of(type(thing)):
        if kind in _COPIES:
            return _COPIES[kind](thing)
        if id(kind) in SUBCLASSED:
            break
    return decode(encode(thing))


def _state(thing: object) -> dict[str, object]:
    """Return an object's attributes, from its dictionary and its slots, without asking its own methods."""
    state: dict[str, object] = {}
    for kind in mro_of(type(thing)):
        for name, member in namespace_of(kind).items():
            if type(member).__name__ == "member_descriptor":
                state[name] = getattr(thing, name, None)
    try:
        state.update(object.__getattribute__(thing, "__dict__"))
    except AttributeError:  # it has slots only
        return state
    return state


def public_names(module: ModuleType) -> list[str]:
    """Return the names that `from module import *` gives."""
    listed = module.__dict__.get("__all__")
    return list(listed) if listed is not None else [name for name in module.__dict__ if not name.startswith("_")]


OPERATIONS: dict[str, Callable[..., Any]] = OPERATORS | {
    "getattr": getattr,
    "setattr": setattr,
    "delattr": delattr,
    "getitem": operator.getitem,
    "setitem": operator.setitem,
    "delitem": operator.delitem,
    "contains": operator.contains,
    "len": len,
    "iter": iter,
    "next": next,
    "reversed": reversed,
    "bool": bool,
    "hash": hash,
    "int": int,
    "float": float,
    "complex": complex,
    "round": round,
    "str": str,
    "repr": repr,
    "format": format,
    "dir": dir,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "isinstance": isinstance,
    "issubclass": issubclass,
    "enter": _enter,
    "exit": _exit,
    "await": _await,
    PLACE: place_files,
    COLLECT: collect_files,
    "refill": _refill,
    "about": _about,
    "data": _data,
    "state": _state,
}
