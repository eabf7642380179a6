"""The talk between a program's process and the tester's: each asks, and answers while it waits for an answer.

One message is a frame with an encoded list. `["ask", operation, operands]` wants `["value", value, changed]` or
`["raised", ...]`, and may be followed by questions in the other direction first. Objects stay where they are; the
other side knows them by number. A number that is not negative is an object of the sender's, `-1 - n` the receiver's
number `n`.
"""

from __future__ import annotations

from typing import Any

from .encoding import DEFAULT_LIMIT, EncodingError, TooLarge, encode, read_frame, write_frame
from .rebuilding import decode_live

MAX_OBJECTS = 1_000_000


class ChannelBroken(BaseException):
    """The other side is gone, or said something that no honest program says.

    Not an `Exception`: a test that expects some exception must not take this for it.
    """


class Peer:
    """One end of the channel. Only plain reads and writes are done on its descriptor, a stream socket."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._objects: list[object] = []
        self._numbers: dict[int, int] = {}
        self.broken: str | None = None
        """Why nothing more can be asked: it stays, whatever a test has caught."""

    def ask(self, operation: str, *operands: object) -> Any:
        """Return what the other side answers; raises what it raised."""
        return self.exchange(operation, *operands)[0]

    def exchange(self, operation: str, *operands: object) -> tuple[Any, Any]:
        """Return the answer, and the operands where answering has changed them (else None)."""
        if self.broken is not None:
            raise ChannelBroken(self.broken)
        try:
            question = self.pack(["ask", operation, list(operands)])
        except TooLarge as size:
            raise ValueError(f"arguments of more than {size} bytes do not cross to the program") from None
        try:
            self.send(question)
            reply = self._next_reply()
        except BaseException as problem:  # noqa: BLE001 - a question without its answer: the next would be misunderstood
            self.broken = self.broken or str(problem) or type(problem).__name__
            raise ChannelBroken(self.broken) from None
        return self._understand(reply)

    def answer(self, message: list[Any]) -> None:
        """Do what *message* asks for and send back what came of it."""
        if len(message) != 3 or message[0] != "ask" or type(message[1]) is not str or type(message[2]) is not list:
            raise ChannelBroken("it sent what is no message")
        try:
            reply = self.pack(["value", *self.perform(message[1], message[2])])
        except TooLarge as size:
            reply = self.pack(["too_large", size.args[0]])
        except ChannelBroken:
            raise
        except BaseException as error:  # noqa: BLE001 - the boundary to the code that was called: it may raise anything
            reply = self.pack(["raised", *self.describe(error)])
        self.send(reply)

    def send(self, payload: bytes) -> None:
        """Write one message."""
        try:
            write_frame(self._fd, payload)
        except OSError:
            raise ChannelBroken("its process has ended") from None

    def receive(self) -> list[Any]:
        """Return the next message."""
        try:
            frame = read_frame(self._fd, largest=2 * DEFAULT_LIMIT)
        except OSError:
            frame = None
        if frame is None:
            raise ChannelBroken("its process has ended")
        try:
            message = decode_live(frame, opaque=self.found, subclass=self.found_subclass)
        except EncodingError as error:
            raise ChannelBroken(f"it sent what is no message: {error}") from None
        if type(message) is not list or not message or type(message[0]) is not str:
            raise ChannelBroken("it sent what is no message")
        return message

    def pack(self, message: list[Any]) -> bytes:
        """Return *message* as bytes, with numbers for what is not data."""
        return encode(message, handle=self.number)

    def keep(self, thing: object) -> int:
        """Return the number of an object of this side's, which stays alive from here on."""
        number = self._numbers.get(id(thing))
        if number is None:
            if len(self._objects) >= MAX_OBJECTS:
                raise ChannelBroken("too many objects have crossed")
            number = self._numbers[id(thing)] = len(self._objects)
            self._objects.append(thing)
        return number

    def own(self, number: int) -> object:
        """Return the object of this side's that a negative *number* from the other side means."""
        if -1 - number >= len(self._objects):
            raise ChannelBroken("it named an object that it never got")
        return self._objects[-1 - number]

    def number(self, thing: object) -> int | None:
        """Return the number to send for what is not data, or None to do without."""
        raise NotImplementedError

    def found(self, type_name: str, number: int | None) -> object:
        """Return what to put for an object that the other side named."""
        raise NotImplementedError

    def found_subclass(self, value: object, type_name: str, number: int) -> object:
        """Return what to put for data that the other side has as an instance of a subclass."""
        raise NotImplementedError

    def perform(self, operation: str, operands: list[Any]) -> tuple[Any, Any]:
        """Return the value that was asked for, and the arguments if they have changed meanwhile."""
        raise NotImplementedError

    def describe(self, error: BaseException) -> list[Any]:
        """Return what to send of an exception."""
        raise NotImplementedError

    def rebuild(self, description: list[Any]) -> BaseException:
        """Return the exception that the other side has described."""
        raise NotImplementedError

    def _next_reply(self) -> list[Any]:
        while True:
            message = self.receive()
            if message[0] != "ask":
                return message
            self.answer(message)

    def _understand(self, reply: list[Any]) -> tuple[Any, Any]:
        match reply:
            case ["value", value, changed]:
                return value, changed
            case ["raised", *description]:
                raise self.rebuild(description)
            case ["too_large", int()]:
                self.broken = "it returned more than can be sent"
            case _:
                self.broken = "it sent what is no message"
        raise ChannelBroken(self.broken)
