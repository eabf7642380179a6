"""The tester's end of the channel to a program: it turns proxies into questions, and answers into values.

The other end is not to be trusted. It may only have functions called that the test has handed to it.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Collection, Iterator
from typing import Any

from .channel import ChannelBroken, Peer
from .crossing import ExceptionClasses, builtin_base
from .encoding import Opaque
from .lent import Attributes, is_plain_object
from .lent_files import LentFiles
from .mutation import mirror_changes
from .names import written_as_class
from .operations import OPERATORS
from .proxies import CoroutineProxy, Proxy
from .solution import message_of
from .streams import STREAMED, ask_with_streams, looks_at_streams
from .wire import MAX_ITERATED

MAX_PROXIES = 200_000
MAX_CALLBACKS = 50_000
_DATA = (int, float, complex, str, bytes, bytearray, list, tuple, set, frozenset, dict, Iterator)


class TesterPeer(Peer):
    """The tester's end of the channel. The other end is not to be trusted, and is asked nothing that decides."""

    def __init__(self, fd: int, *, sources: Collection[str] = ()) -> None:
        super().__init__(fd)
        self._streams = looks_at_streams(sources)
        self._proxies: dict[int, Any] = {}
        self._lock = threading.RLock()
        self._callable: set[int] = set()
        self._shown: set[int] = set()
        self._attributes = Attributes(self.pack, sources)
        self._callbacks = 0
        self._named: set[int] = set()
        self._shown_data: set[int] = set()
        self._exceptions = ExceptionClasses(lambda number, name: self.ask("getattr", self._proxy(number, ""), name))

    def wait_for_program(self) -> str | None:
        """Return why the program could not be loaded, or None when it is there."""
        match self.receive():
            case ["loaded"]:
                return None
            case ["load_raised", str(reason)]:
                return reason
        raise ChannelBroken("it sent what is no message")

    def call(self, function: Proxy, args: tuple[object, ...], kwargs: dict[str, object]) -> Any:
        """Call a function of the program's, and do to the arguments what it did to its copies of them."""
        files = LentFiles(self.ask)
        sent = {name: files.sent(value) for name, value in kwargs.items()}
        value, changed = self.exchange("call", function, [files.sent(value) for value in args], sent)
        files.bring_back()
        match changed:
            case [[*new_args], {**new_kwargs}] if len(new_args) == len(args):
                for old, new in zip(args, new_args, strict=True):
                    mirror_changes(old, new)
                for name in kwargs.keys() & new_kwargs.keys():
                    mirror_changes(kwargs[name], new_kwargs[name])
        return value

    def name_class(self, thing: object) -> None:
        """Take note that the test itself names this: if it is a class, its operators are part of what is tested."""
        if isinstance(thing, Proxy):
            self._named.add(thing._proxy_number)

    def attribute(self, thing: Proxy, name: str) -> Any:
        """Return an attribute; a class within a class that the test names is named with it."""
        value = self.ask("getattr", thing, name)
        if thing._proxy_number in self._named and written_as_class(name):
            self.name_class(value)
        self._attributes.add(thing, name, value)
        return value

    def exchange(self, operation: str, *operands: object) -> tuple[Any, Any]:
        """Ask the program; its exceptions end no loop of the test's, unless the loop goes through its iterator.

        Threads of the test's take turns.
        """
        try:
            with self._lock:
                for owner, name, value in self._attributes.changed():
                    super().exchange("refill", owner, name, value)
                if self._streams and operation in STREAMED:
                    return ask_with_streams(super().exchange, self._break, operation, operands)
                return super().exchange(operation, *operands)
        except (StopIteration, StopAsyncIteration, GeneratorExit) as error:
            if operation == "next" and isinstance(error, StopIteration):
                raise
            problem = RuntimeError(f"the program raised {type(error).__name__}")
            problem.__dict__["_raised_by_program"] = True
            raise problem from None

    def ordered(self, operation: str, left: Proxy, right: object) -> bool:
        """Return whether a proxy is less (or what *operation* says) than something."""
        if not (_is_opaque(left) or _is_opaque(right)):
            return bool(OPERATORS[operation](self._as_data(left), self._as_data(right)))
        if not (self._is_named(left) and self._is_named(right)):
            raise TypeError(f"a {left._proxy_type_name} object of the program is not data that could be ordered")
        return self.ask(operation, left, right) is True

    def contains(self, container: Proxy, item: object) -> bool:
        """Return whether an item is in a container of the program's."""
        if isinstance(item, Proxy) and self._is_named(container) and self._is_named(item):
            return self.ask("contains", container, item) is True
        if container._proxy_is_data:
            return item in self._as_data(container)
        return any(found is item or found == item for found in itertools.islice(container, MAX_ITERATED))

    def compute(self, operation: str, *operands: object) -> Any:
        """Return what an operator makes of its operands, of which at least one is a proxy."""
        among_named = len(operands) > 1 and all(map(self._is_named, operands))
        if not among_named and not any(map(_is_opaque, operands)):
            return OPERATORS[operation](*map(self._as_data, operands))
        for thing in operands:
            if _is_opaque(thing) and not self._is_named(thing):
                name = thing._proxy_type_name  # type: ignore[attr-defined]
                raise TypeError(f"a {name} object of the program is not data to compute with")
        if len(operands) == 1:
            self.refuse_what_was_shown_data(operands[0])
        answer = self.ask(operation, *operands)
        with_data = not all(isinstance(thing, Proxy) for thing in operands)
        if with_data and not _is_opaque(answer):
            # `f(x) - expected` would hand the expected value to the program, and it would say what the difference is.
            raise TypeError("an object of the program and data make no data")
        if isinstance(answer, Proxy) and (with_data or any(map(self._was_shown_data, operands))):
            self._shown_data.add(answer._proxy_number)
        return answer

    def refuse_what_was_shown_data(self, thing: object) -> None:
        """Raise TypeError for what came of an operator with data of the test's: as a number it may be any number."""
        if self._was_shown_data(thing):
            raise TypeError("what the program made of data with an operator does not turn into data")

    def _was_shown_data(self, thing: object) -> bool:
        return isinstance(thing, Proxy) and thing._proxy_number in self._shown_data

    def _as_data(self, thing: object) -> Any:
        if not (isinstance(thing, Proxy) and thing._proxy_is_data):
            return thing
        value = self.ask("data", thing)
        if isinstance(value, Proxy):
            raise self._break("it has no data where it said so")
        return value

    def _is_named(self, thing: object) -> bool:
        if not (self._named and isinstance(thing, Proxy)):
            return False
        # The program may say that its object is of a class that it is not, but not which classes the test names.
        kinds = self.ask("about", thing)
        return any(isinstance(kind, Proxy) and kind._proxy_number in self._named for kind in kinds[1:])

    def same_value(self, left: Proxy, right: object) -> bool:
        """Return whether a proxy equals something other than itself."""
        if left._proxy_is_data:
            value, other = self._as_data(left), self._as_data(right)
            return not isinstance(other, Proxy) and bool(value == other)
        if not isinstance(right, Proxy) or right._proxy_is_data:
            return False
        by_value, kind, *_ = self.ask("about", left)
        if by_value is not True or self.ask("about", right)[1] is not kind:
            return False
        state = self.ask("state", left)
        # Objects without attributes would all be the same, and a class need not keep what its objects were made with.
        return type(state) is dict and len(state) > 0 and bool(state == self.ask("state", right))

    def hash_of(self, proxy: Proxy) -> int:
        """Return a hash that fits `same_value`."""
        if proxy._proxy_is_data:
            return hash(self._as_data(proxy))
        if self.ask("about", proxy)[0] is not True:
            return hash(proxy._proxy_number)
        answer = self.ask("hash", proxy)
        if type(answer) is not int:
            raise TypeError("__hash__ of the program returned no integer")
        return answer

    def is_instance(self, instance: object, kind: Proxy) -> bool:
        """Return whether *instance* is an object of the program's class *kind*; data of this side's never is."""
        return isinstance(instance, Proxy) and self.ask("isinstance", instance, kind) is True

    def number(self, thing: object) -> int | None:
        """Return the number of an object of either side; only functions may be called by the program."""
        if isinstance(thing, Proxy):
            return -1 - thing._proxy_number
        theirs = self._exceptions.number_of(thing)
        if theirs is None and isinstance(thing, BaseException):
            theirs = thing.__dict__.get("_proxy_number")
        if theirs is not None:
            return -1 - theirs
        if isinstance(thing, _DATA) and not callable(thing):
            return None
        number = self.keep(thing)
        if callable(thing):
            self._callable.add(number)
        if is_plain_object(thing):
            self._shown.add(number)
        return number

    def found(self, type_name: str, number: int | None) -> object:
        """Return the proxy, or the exception class, or this side's own object, of that number."""
        if number is None:
            return Opaque(type_name)
        if number < 0:
            return self.own(number)
        if number not in self._proxies and type_name == "type":
            tree = self.ask("tree", self._proxy(number, type_name))
            if tree is not None:
                self._proxies[number] = self._checked(lambda: self._exceptions.build(tree))
        return self._proxies[number] if number in self._proxies else self._proxy(number, type_name)

    def found_subclass(self, value: object, type_name: str, number: int) -> object:
        """Return a proxy that compares as the data it has."""
        return self.own(number) if number < 0 else self._proxy(number, type_name, data_type=type(value))

    def perform(self, operation: str, operands: list[Any]) -> tuple[Any, Any]:
        """Call a function, or use an attribute of an object, that the test has handed to the program.

        That is all that a program may ask for.
        """
        self._callbacks += 1
        if self._callbacks > MAX_CALLBACKS:
            raise ChannelBroken("it called the test's functions too often")
        match operation, operands:
            case "call", [int(number), list(args), dict(kwargs)] if number in self._callable:
                function: Any = self._objects[number]
                return function(*args, **kwargs), None
            case "getattr", [int(number), "__name__" | "__qualname__" as name] if number in self._callable:
                return getattr(self._objects[number], name), None
            case "getattr", [int(number), str(name)]:
                return getattr(self._node(number, name), name), None
            case "setattr", [int(number), str(name), value]:
                setattr(self._node(number, name), name, value)
                return None, None
        raise ChannelBroken("it asked for what no program may ask")

    def _node(self, number: int, name: str) -> object:
        if number not in self._shown or name.startswith("__"):
            raise AttributeError(name)
        return self._objects[number]

    def describe(self, error: BaseException) -> list[Any]:
        """Return the builtin kind, the text and the number of an exception of the test's."""
        number = self.number(error)
        return [builtin_base(error), message_of(error), number]

    def rebuild(self, description: list[Any]) -> BaseException:
        """Return the exception that the program has raised, or the test's own on its way back."""
        match description:
            case [tree, [*arguments], int(number), str(text)]:
                if number < 0:
                    return self._own_exception(number)
                error: BaseException = self._checked(lambda: self._exceptions.instance(tree, arguments, number, text))
                error.__dict__["_raised_by_program"] = True
                return error
        raise self._break("it sent what is no message")

    def _own_exception(self, number: int) -> BaseException:
        error = self.own(number)
        if not isinstance(error, BaseException):
            raise self._break("it raised what is no exception")
        return error

    def _checked(self, make: Callable[[], Any]) -> Any:
        try:
            return make()
        except (TypeError, ValueError, RecursionError):
            raise self._break("it described an exception that cannot be") from None

    def _break(self, reason: str) -> ChannelBroken:
        self.broken = self.broken or reason
        return ChannelBroken(self.broken)

    def _proxy(self, number: int, type_name: str, *, data_type: type | None = None) -> Any:
        if number not in self._proxies:
            if len(self._proxies) >= MAX_PROXIES:
                raise ChannelBroken("too many objects have crossed")
            kind = CoroutineProxy if type_name == "coroutine" else Proxy
            self._proxies[number] = kind(self, number, type_name, data_type=data_type)
        return self._proxies[number]


def _is_opaque(thing: object) -> bool:
    return isinstance(thing, Proxy) and not thing._proxy_is_data
