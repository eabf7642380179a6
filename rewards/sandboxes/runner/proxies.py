"""The program's objects as a test sees them: whatever is done to a proxy is sent on to the program's process.

Against hostile objects, what decides is decided here. A proxy is never equal to data, whatever the program's `__eq__`
says, unless it stands for an instance of a subclass of a builtin type: then the data in it is compared. Two proxies
are equal when they stand for the same object, or when their class defines an equality and they have the same
attributes, compared on this side. Order and arithmetic of data are done here. The program's own operators are asked
only between instances of classes that the test itself names, and with data only for another such instance; elsewhere
`in` goes through the items, and there is no order and no arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from types import GeneratorType
from typing import TYPE_CHECKING, Any

from .crossing import builtin_base
from .operations import BINARY, ORDER, UNARY
from .solution import message_of

if TYPE_CHECKING:
    from .tester_peer import TesterPeer


class Proxy:
    """An object of the program's."""

    __slots__ = ("_proxy_class", "_proxy_is_data", "_proxy_number", "_proxy_peer", "_proxy_type_name")
    _proxy_peer: TesterPeer
    _proxy_number: int
    _proxy_type_name: str
    _proxy_is_data: bool
    _proxy_class: type
    """What `isinstance` takes it for: the builtin type of its data."""

    def __init__(self, peer: TesterPeer, number: int, type_name: str, *, data_type: type | None = None) -> None:
        put = object.__setattr__
        put(self, "_proxy_peer", peer)
        put(self, "_proxy_number", number)
        put(self, "_proxy_type_name", type_name)
        put(self, "_proxy_is_data", data_type is not None)
        put(self, "_proxy_class", data_type or (GeneratorType if type_name == "generator" else Proxy))

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return self._proxy_class

    def __call__(self, *args: object, **kwargs: object) -> Any:
        """Call the function in its own process."""
        return self._proxy_peer.call(self, args, kwargs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__array"):  # numpy would read the memory that these point to, which is this process's
            raise AttributeError(name)
        return self._proxy_peer.attribute(self, name)

    def __setattr__(self, name: str, value: object) -> None:
        self._proxy_peer.ask("setattr", self, name, value)

    def __delattr__(self, name: str) -> None:
        self._proxy_peer.ask("delattr", self, name)

    def __eq__(self, other: object) -> bool:
        return self is other or self._proxy_peer.same_value(self, other)

    def __hash__(self) -> int:
        return self._proxy_peer.hash_of(self)

    def __instancecheck__(self, instance: object) -> bool:
        return self._proxy_peer.is_instance(instance, self)

    def __subclasscheck__(self, subclass: object) -> bool:
        return isinstance(subclass, Proxy) and self._proxy_peer.ask("issubclass", subclass, self) is True

    def __enter__(self) -> Any:
        return self._proxy_peer.ask("enter", self)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: object) -> bool:
        if error is None:
            return self._proxy_peer.ask("exit", self, None, "") is True
        return self._proxy_peer.ask("exit", self, builtin_base(error), message_of(error)) is True

    def __mro_entries__(self, bases: object) -> tuple[type, ...]:
        raise TypeError("a class of the program's cannot be subclassed in a test")

    def __deepcopy__(self, memo: object) -> Any:
        return self._proxy_peer.ask("deepcopy", self)

    def __contains__(self, item: object) -> bool:
        return self._proxy_peer.contains(self, item)

    def __dir__(self) -> Any:
        return self._proxy_peer.ask("dir", self)


class CoroutineProxy(Proxy):
    """A coroutine of the program's: it runs to its end in its own process, in a loop of its own, when it is awaited."""

    __slots__ = ()

    def __await__(self) -> Generator[None, None, Any]:
        return self._proxy_peer.ask("await", self)
        yield

    def send(self, value: object) -> Any:
        """Run it, as a task of this side's does with its coroutine."""
        raise StopIteration(self._proxy_peer.ask("await", self))

    def __next__(self) -> Any:  # by this name, since a proxy looks like an iterator
        return self.send(None)

    def throw(self, *error: Any) -> Any:
        """Raise what a task of this side's was cancelled with."""
        raise error[-1]

    def close(self) -> None:
        """Do nothing: it was never begun."""


def _ordered(operation: str) -> Callable[[Proxy, object], bool]:
    def method(self: Proxy, other: object) -> bool:
        return self._proxy_peer.ordered(operation, self, other)

    return method


def _asking(operation: str, kind: type | None = None) -> Callable[..., Any]:
    def method(self: Proxy, *operands: object) -> Any:
        if operation in _CONVERSIONS:
            self._proxy_peer.refuse_what_was_shown_data(self)
        answer = self._proxy_peer.ask(operation, self, *operands)
        if kind is not None and type(answer) is not kind:
            raise TypeError(f"__{operation}__ of the program returned {type(answer).__name__}")
        return answer

    return method


def _computing(operation: str) -> Callable[..., Any]:
    def method(self: Proxy, *operands: object) -> Any:
        return self._proxy_peer.compute(operation, self, *operands)

    return method


def _reflected(operation: str) -> Callable[..., Any]:
    def method(self: Proxy, left: object) -> Any:
        return self._proxy_peer.compute(operation, left, self)

    return method


_CONVERSIONS = ("round", "len", "bool", "int", "float")
for _name in ("getitem", "setitem", "delitem", "iter", "next", "reversed", "round", "copy"):
    setattr(Proxy, f"__{_name}__", _asking(_name))
for _name in (*UNARY, "divmod", *BINARY, *(f"i{name}" for name in BINARY)):
    setattr(Proxy, f"__{_name}__", _computing(_name))
for _name in ORDER:
    setattr(Proxy, f"__{_name}__", _ordered(_name))
for _name in ("divmod", *BINARY):
    setattr(Proxy, f"__r{_name}__", _reflected(_name))
for _name, _kind in {
    "len": int,
    "bool": bool,
    "int": int,
    "float": float,
    "str": str,
    "repr": str,
    "format": str,
}.items():
    setattr(Proxy, f"__{_name}__", _asking(_name, _kind))
