"""The program's half of a split test: load the program, then do what the tester asks, until it is gone.

Everything here runs in one process with the program, and its word is the program's word.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any, cast

from .channel import ChannelBroken, Peer
from .crossing import BUILTIN_EXCEPTIONS, class_tree, describe_crossing
from .encoding import Opaque, encode
from .operations import OPERATIONS, public_names
from .solution import describe_exception, flush_output, load_solution
from .streams import CLOSE, OPEN, Streams

_MISSING = object()


def pack_program(source: str) -> bytes:
    """Return the job for `serve_program`."""
    return source.encode("utf-8", "surrogatepass")


def serve_program(job: bytes, channel_fd: int) -> None:
    """Load the program and answer the tester, over a connected stream socket, until it has hung up."""
    peer = ProgramPeer(channel_fd)
    try:
        try:
            peer.module = load_solution(job.decode("utf-8", "surrogatepass"))
        except BaseException as error:  # noqa: BLE001 - the boundary to the program: it may raise anything
            peer.send(encode(["load_raised", str(describe_exception(error))]))
        else:
            peer.send(encode(["loaded"]))
            peer.serve()
    except ChannelBroken:
        pass  # the tester has finished
    flush_output()


class TestObject:
    """An object of the test's, which the program may call if it is a function, and hand back.

    Of an instance of a class that the test has written it may use the attributes.
    """

    __test__ = False
    _peer: ProgramPeer
    _type_name: str
    _number: int

    def __init__(self, peer: ProgramPeer, type_name: str, number: int) -> None:
        object.__setattr__(self, "_peer", peer)
        object.__setattr__(self, "_type_name", type_name)
        object.__setattr__(self, "_number", number)

    def __call__(self, *args: object, **kwargs: object) -> object:
        """Call the function in the tester's process."""
        return self._peer.ask("call", self._number, list(args), kwargs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name not in ("__name__", "__qualname__"):
            raise AttributeError(name)
        return self._peer.ask("getattr", self._number, name)

    def __setattr__(self, name: str, value: object) -> None:
        self._peer.ask("setattr", self._number, name, value)

    def __repr__(self) -> str:
        return f"<{self._type_name} of the test>"


class ProgramPeer(Peer):
    """The program's end of the channel."""

    def __init__(self, fd: int) -> None:
        super().__init__(fd)
        self.module = ModuleType("solution")
        self._test_objects: dict[int, TestObject] = {}
        self._streams = Streams()
        self._lock = threading.RLock()

    def serve(self) -> None:
        """Answer questions until the tester hangs up."""
        while True:
            self.answer(self.receive())

    def exchange(self, operation: str, *operands: object) -> tuple[Any, Any]:
        """Ask the tester; threads of the program's take turns."""
        with self._lock:
            return super().exchange(operation, *operands)

    def number(self, thing: object) -> int | None:
        """Return the number of an object of either side."""
        if isinstance(thing, TestObject):
            return -1 - thing._number
        number = getattr(thing, "_number_in_test", None) if id(type(thing)) in _RAISABLE else None
        return -1 - number if isinstance(number, int) else self.keep(thing)

    def found(self, type_name: str, number: int | None) -> object:
        """Return the program's own object, or a stand-in for the test's."""
        if number is None:
            return Opaque(type_name)
        if number < 0:
            return self.own(number)
        if number not in self._test_objects:
            self._test_objects[number] = TestObject(self, type_name, number)
        return self._test_objects[number]

    def found_subclass(self, value: object, type_name: str, number: int) -> object:
        """Return the program's own object, or the data of the test's."""
        return self.own(number) if number < 0 else value

    def perform(self, operation: str, operands: list[Any]) -> tuple[Any, Any]:
        """Do what the tester asks for, and tell whether it changed the arguments of a call."""
        if operation == "call":
            return self._call(*operands)
        if operation == "names":
            return [self._named(name) for name in operands], None
        if operation == "public names":
            return public_names(self.module), None
        if operation == OPEN:
            self._streams.open(*operands)
            return None, None
        if operation == CLOSE:
            return self._streams.close(), None
        if operation == "tree":
            return class_tree(operands[0], self.keep) if _is_exception_class(operands[0]) else None, None
        return OPERATIONS[operation](*operands), None

    def describe(self, error: BaseException) -> list[Any]:
        """Return an exception of the program's as `ExceptionClasses` understands it."""
        return describe_crossing(error, self.keep, self.number)

    def rebuild(self, description: list[Any]) -> BaseException:
        """Return the builtin kind of what the test's function raised, or the program's own on its way back."""
        name, text, number = description
        if number < 0:
            return cast(BaseException, self.own(number))
        error = BUILTIN_EXCEPTIONS[name](text)
        error._number_in_test = number  # type: ignore[attr-defined]
        return error

    def _call(self, function: Callable[..., object], args: list[Any], kwargs: dict[str, Any]) -> tuple[Any, Any]:
        if all(id(type(value)) in _SCALARS for value in (*args, *kwargs.values())):
            return function(*args, **kwargs), None
        before = self.pack([args, kwargs])
        arguments = [list(args), dict(kwargs)]
        value = function(*args, **kwargs)
        # In one process the test would see what the program does to its arguments.
        return value, (arguments if self.pack(arguments) != before else None)

    def _named(self, name: str) -> list[Any]:
        value = self.module.__dict__.get(name, _MISSING)
        if value is _MISSING:
            return ["missing", None]
        if isinstance(value, ModuleType):
            return ["module", value.__name__]
        return ["value", value]


_RAISABLE = {id(kind) for kind in BUILTIN_EXCEPTIONS.values()}
_SCALARS = {id(kind) for kind in (int, float, bool, str, bytes, type(None))}


def _is_exception_class(thing: object) -> bool:
    return isinstance(thing, type) and issubclass(thing, BaseException)
