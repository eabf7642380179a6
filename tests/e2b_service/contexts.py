"""Contexts of the code interpreter: a kernel each, one cell at a time, and what becomes of a kernel's messages."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from .kernels import Kernel, KernelParent
from .machine import USER_HOME, Machine
from .processes import search_path
from .results import result_line

Line = Mapping[str, Any]
INTERRUPT_S = 0.1
"""How long the real server takes to interrupt a kernel after it has let the next cell in."""
LANGUAGE = "python"
BYTES_AHEAD = 8 << 20
"""Output that may wait for a slow client; then the kernel's waits, and is dropped where it cannot."""

_parent: list[KernelParent] = []


class ContextError(Exception):
    """A context that is not there or cannot be made."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Run:
    """One cell that runs: its lines, None after the last."""

    def __init__(self) -> None:
        self._lines: asyncio.Queue[Line | None] = asyncio.Queue()
        self.waiting_bytes = 0
        self.is_accepted = False
        self.has_failed = False
        self.was_aborted = False
        self.has_restarted = False
        """Its kernel died."""
        self.is_doomed = False
        """Its kernel is being killed: what it still says comes from a cell that has no result."""

    def put(self, line: Line | None) -> None:
        """Add a line, or the end."""
        self.waiting_bytes += _weight(line)
        self._lines.put_nowait(line)

    async def next_line(self) -> Line | None:
        """Return the next line, None after the last."""
        line = await self._lines.get()
        self.waiting_bytes -= _weight(line)
        return line

    def fail(self, name: str, value: str, traceback: str = "") -> None:
        """Add an error line, unless there was one."""
        if not self.has_failed:
            self.has_failed = True
            self.put({"type": "error", "name": name, "value": value, "traceback": traceback})


class Context:
    """A kernel with a name, replaced by a new one when it dies."""

    def __init__(self, machine: Machine, *, cwd: str) -> None:
        self.id = str(uuid.uuid4())
        self.cwd = cwd
        self.lock = asyncio.Lock()
        self._machine = machine
        self._folder = machine.path(cwd)
        self._runs: dict[str, Run] = {}
        self._kernel: Kernel | None = None
        self._starting: asyncio.Task[Kernel] | None = None

    def described(self) -> dict[str, str]:
        """Return the context as the API shows it."""
        return {"id": self.id, "language": LANGUAGE, "cwd": self.cwd}

    async def ready(self) -> Kernel:
        """Return the kernel when it answers, started if there is none."""
        if not self._folder.is_dir():
            raise ContextError(500, "Failed to set working directory")
        if self._starting is None:
            self._starting = asyncio.create_task(self._start())
        starting = self._starting
        try:
            return await asyncio.shield(starting)
        finally:
            if self._starting is starting and starting.done() and (starting.cancelled() or starting.exception()):
                self._starting = None  # the next cell tries again

    async def run(self, code: str, variables: Mapping[str, str]) -> tuple[str, Run]:
        """Send a cell, with the variables that it alone sees; the caller holds the lock."""
        kernel = await self.ready()
        # Not escaped: the real server puts them into the code as they are.
        setting = "".join(f"import os; os.environ['{name}'] = '{value}'\n" for name, value in variables.items())
        key = await kernel.execute(setting + code)
        self._runs[key] = run = Run()
        return key, run

    async def forget(self, key: str, variables: Mapping[str, str]) -> None:
        """Drop what the cell still says, and its variables."""
        self._runs.pop(key, None)
        if variables and self._kernel is not None:
            removal = "".join(f"import os; os.environ.pop('{name}', None)\n" for name in variables)
            await self._kernel.execute(removal, is_silent=True)

    def interrupt_soon(self) -> None:
        """Interrupt the kernel a moment after the next cell may have come: one that did is then aborted in silence."""
        if self._kernel is not None:
            asyncio.get_running_loop().call_later(INTERRUPT_S, self._kernel.interrupt)

    def kill_kernel(self) -> None:
        """Let the kernel die now, in the middle of whatever runs."""
        for run in self._runs.values():
            run.is_doomed = True
        if self._kernel is not None:
            self._kernel.kill()

    async def restart(self) -> None:
        """Put a new kernel in the place of the old one; who waits for a cell is told."""
        self.close()
        self.lock = asyncio.Lock()
        await self.ready()

    def close(self) -> None:
        """End the kernel, and every run."""
        self.abandon()
        self._end_runs("UnexpectedEndOfExecution", "The connection to the kernel was closed before the cell had ended")

    def abandon(self) -> None:
        """End the kernel, and tell nobody."""
        if self._starting is not None:
            self._starting.cancel()
        if self._kernel is not None:
            self._kernel.close()
        self._kernel = self._starting = None

    async def _start(self) -> Kernel:
        environment = {
            **self._machine.environment,
            "PATH": search_path(),
            "IPYTHONDIR": str(self._machine.path("/root/.ipython")),
            "MPLCONFIGDIR": str(self._machine.home.parent / "matplotlib"),  # its list of fonts takes seconds to make
            **self._machine.variables,
        }
        folder = self._machine.path("/run/kernels")
        folder.mkdir(parents=True, exist_ok=True)
        kernel = Kernel(kernel_parent(), on_message=self._take, on_death=self._died, is_full=self._is_full)
        try:
            memory_mb = self._machine.settings.memory_mb
            await kernel.start(folder, cwd=self._folder, environment=environment, memory_mb=memory_mb)
        except BaseException:  # also when the start is cancelled: nobody else knows this kernel
            kernel.close()
            raise
        self._kernel = kernel
        return kernel

    def _died(self) -> None:
        for run in self._runs.values():
            run.has_restarted = True
        if self._kernel is None:
            return  # it never answered, and who waits for that is told
        self._kernel.close()
        self._kernel = None
        self._starting = asyncio.create_task(self._start())
        self._end_runs("ContextRestarting", "Context was restarted")

    def _is_full(self) -> bool:
        return any(run.waiting_bytes > BYTES_AHEAD for run in self._runs.values())

    def _end_runs(self, name: str, value: str) -> None:
        for run in self._runs.values():
            run.fail(name, value)
            run.put(None)

    def _take(self, message: Mapping[str, Any]) -> None:
        run = self._runs.get(message["parent_header"].get("msg_id"))
        handle = HANDLERS.get(message["msg_type"])
        if run is not None and handle is not None and not run.is_doomed:
            handle(run, message["content"], message["header"]["date"].isoformat())


def _weight(line: Line | None) -> int:
    return len((line or {}).get("text", "")) + 1


def _on_input(run: Run, content: Line, _: str) -> None:
    run.is_accepted = True
    run.put({"type": "number_of_executions", "execution_count": content["execution_count"]})


def _on_stream(run: Run, content: Line, date: str) -> None:
    run.put({"type": content["name"], "text": content["text"], "timestamp": date})


def _on_display(run: Run, content: Line, _: str) -> None:
    run.put(result_line(content["data"], is_main=False))


def _on_result(run: Run, content: Line, _: str) -> None:
    run.put(result_line(content["data"], is_main=True))


def _on_error(run: Run, content: Line, _: str) -> None:
    run.fail(content.get("ename", ""), content.get("evalue", ""), "".join(content.get("traceback", [])))


def _on_reply(run: Run, content: Line, date: str) -> None:
    if content["status"] == "error":
        _on_error(run, content, date)
    # The server knows "abort" and the kernel says "aborted", so that nobody is told and the run never ends.
    run.was_aborted = content["status"] == "aborted"


def _on_status(run: Run, content: Line, _: str) -> None:
    if content["execution_state"] == "idle" and run.is_accepted:
        run.put(None)


HANDLERS: Mapping[str, Callable[[Run, Line, str], None]] = {
    "execute_input": _on_input,
    "stream": _on_stream,
    "display_data": _on_display,
    "execute_result": _on_result,
    "error": _on_error,
    "execute_reply": _on_reply,
    "status": _on_status,
}


class Contexts:
    """The contexts of one machine; the default one is there from the start, and gets its kernel when it is used."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.default = Context(machine, cwd=USER_HOME)
        self._all = {self.default.id: self.default}
        machine.closers.append(self.close)

    @classmethod
    def of(cls, machine: Machine) -> Contexts:
        """Return the contexts of *machine*, made when they are first asked for."""
        contexts = machine.kept.get("contexts")
        if not isinstance(contexts, cls):
            contexts = machine.kept["contexts"] = cls(machine)
        return contexts

    def all(self) -> list[Context]:
        """Return them, the default one first."""
        return list(self._all.values())

    def find(self, context_id: str) -> Context:
        """Return the context of that name."""
        if context_id not in self._all:
            raise ContextError(404, f"Context {context_id} not found")
        return self._all[context_id]

    async def create(self, language: str, cwd: str) -> Context:
        """Return a new context whose kernel answers."""
        require_kernel(language)
        context = Context(self._machine, cwd=cwd)
        self._all[context.id] = context
        try:
            await context.ready()
        except BaseException:  # also when the client has gone: a context that nobody knows is of no use
            self.remove(context)
            raise
        return context

    def remove(self, context: Context) -> None:
        """End a context."""
        self._all.pop(context.id, None)
        context.close()

    async def close(self) -> None:
        """End them all as the machine does when it ends: nobody is told, the connections are cut."""
        for context in self.all():
            context.abandon()


def require_kernel(language: str) -> None:
    """Refuse a language that has no kernel here."""
    if language != LANGUAGE:
        raise ContextError(500, f"Failed to create context: the {language} kernel is not available")


def kernel_parent() -> KernelParent:
    """Return the one parent of all kernels."""
    if not _parent:
        _parent.append(KernelParent())
    return _parent[0]
