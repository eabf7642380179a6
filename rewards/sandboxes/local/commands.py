"""Programs of other languages: compiled once for a job, then run by the machine's tools, in a worker made for that.

Both happen in the sandbox. A compiler that refuses a program, or that a program keeps busy without end, is the
program's fault; a tool that cannot even do a program that is known to be good is the machine's.
"""

from __future__ import annotations

import math
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace

from ...records import Ended, Job, Limits, ScriptStep, TestRun
from ...toolchains import COMPILE_CPU_S, COMPILE_WALL_S, TOOLCHAINS, Toolchain, advice
from ..runner.messages import Mode
from ..runner.parcel import PlacedFile, pack_parcel
from . import tools
from .builds import Builds, Built, key_of
from .outcomes import Sizes, order_for
from .scripts import encode_text, execute, fetching, whole_source
from .worker import Worker, WorkerDiedError

TASKS = 256
"""Processes and threads of one job together: virtual machines and compilers start dozens."""
DISK_MB = 512
"""The scratch file system: compilers need room for what they throw away again."""
COMPILING = Limits(cpu_s=COMPILE_CPU_S, wall_s=COMPILE_WALL_S, memory_mb=3072, disk_mb=DISK_MB - 64, output_kb=64)
MADE_BYTES = 64 << 20
"""What a compiler may leave for the run. It goes through the host's memory, and a line of C can ask for gigabytes."""
HELLO_LIMITS = Limits(cpu_s=20.0, wall_s=90.0, memory_mb=1024)
PROVEN_S = 10.0
"""How long ago the tools may have worked where a program has failed: they may break, or be replaced, while we train."""
KEPT_TEXT = 16 << 10
HEADERS = (".h", ".hh", ".hpp", ".hxx", ".inc")
OUT_OF_MEMORY = (
    "java.lang.OutOfMemoryError",
    "JavaScript heap out of memory",
    "std::bad_alloc",
    "cannot allocate vector",
)
KILLED_PART = "Killed signal terminated program"
"""What g++ says where a part of it was killed: the machine's own memory may have run out, and not the program's."""
STOPPED = (Ended.CPU_LIMIT, Ended.WALL_LIMIT, Ended.MEMORY_LIMIT, Ended.DISK_LIMIT)


class BrokenToolError(WorkerDiedError):
    """A tool is here and does not work in the sandbox."""

    kind = "start"


@dataclass
class Commands:
    """Runs the steps of one job."""

    start_worker: Callable[[], Awaitable[Worker]]
    job: Job
    builds: Builds
    _built: dict[str, Built] = field(default_factory=dict)
    """By source: what was refused is not kept longer than the job."""

    async def run(self, step: ScriptStep, left_s: float) -> TestRun:
        """Return what was seen of one run; raises `WorkerDiedError`."""
        worker, toolchain = await self.start_worker(), TOOLCHAINS[self.job.program.language]
        await self._prove(worker, toolchain)
        source = whole_source(self.job.program, step)
        if source not in self._built:
            self._built[source] = await self._build(worker, toolchain, source)
        built = self._built[source]
        run = built.refused
        if run is None:
            run = await self._run(worker, toolchain, built, step, self.job.limits, left_s=left_s)
        if run.ended is not Ended.EXITED or run.exit_code:
            await self._prove(worker, toolchain, within_s=PROVEN_S)
        return run

    async def _prove(self, worker: Worker, toolchain: Toolchain, *, within_s: float = math.inf) -> None:
        """Raise `WorkerDiedError` unless the tools, as they are now, have done a program that is known to be good."""
        language, state = self.job.program.language, tools.state_of(toolchain)
        if self.builds.is_proven(language, state, within_s=within_s):
            return
        step = ScriptStep()
        built = await self._build(worker, toolchain, toolchain.hello)
        run = built.refused
        if run is None:
            run = await self._run(worker, toolchain, built, step, HELLO_LIMITS, left_s=HELLO_LIMITS.job_cpu_s)
        if run.stdout.strip() != "ok":
            seen = f"{run.ended.value} {run.exit_code} {run.stdout.strip()[-300:]} {run.stderr.strip()[-500:]}"
            raise BrokenToolError(f"the tools for {language} do not work in the sandbox: {seen}")
        self.builds.prove(language, state)

    async def _build(self, worker: Worker, toolchain: Toolchain, source: str) -> Built:
        file, main = toolchain.names_for(source)
        placed = PlacedFile(file, encode_text(source))
        if not toolchain.compile:
            return Built((placed,), main, file)
        if source == toolchain.hello:  # which shows that the compiler works, so that it must be asked
            return await self._compile_anew(worker, toolchain, [placed], file, main)
        beside = self._headers(file)
        key = key_of(self.job.program.language, [*beside, placed])
        built = self.builds.find(key)
        if built is None:
            built = await self._compile_anew(worker, toolchain, [*beside, placed], file, main)
            self.builds.keep(key, built)
        return built

    async def _compile_anew(
        self, worker: Worker, toolchain: Toolchain, files: list[PlacedFile], file: str, main: str
    ) -> Built:
        run = await self._compile(worker, toolchain, files, file)
        made = tuple(PlacedFile(found.path, found.content, executable=True) for found in run.files)
        is_good = run.ended is Ended.EXITED and run.exit_code == 0 and made
        return Built(made, main, file) if is_good else Built(refused=_refusal(run))

    def _headers(self, file: str) -> list[PlacedFile]:
        """Return what the compiler may want of the first step's files, as checkers have a header: no data."""
        first = next((step for step in self.job.steps if isinstance(step, ScriptStep)), ScriptStep())
        wanted = (*HEADERS, os.path.splitext(file)[1])
        return [PlacedFile(given.path, given.content) for given in first.files if given.path.endswith(wanted)]

    async def _compile(self, worker: Worker, toolchain: Toolchain, files: list[PlacedFile], file: str) -> TestRun:
        job = self._parcel(worker, toolchain.compile, files=files, values={"file": file}, fetch=toolchain.artefacts)
        sizes = Sizes.of(COMPILING)
        order = fetching(order_for(Mode.COMMAND, COMPILING, sizes, left_s=COMPILING.cpu_s), toolchain.artefacts)
        step = ScriptStep(fetch=toolchain.artefacts)
        order = order._replace(processes=TASKS, fetch_bytes=MADE_BYTES)
        return await execute(worker, order, job, step, COMPILING, sizes)

    async def _run(
        self, worker: Worker, toolchain: Toolchain, built: Built, step: ScriptStep, limits: Limits, *, left_s: float
    ) -> TestRun:
        files = [*(PlacedFile(given.path, given.content) for given in step.files), *built.files]
        values = {"file": built.file, "main": built.main, "memory_mb": str(limits.memory_mb)}
        job = self._parcel(worker, toolchain.run, files=files, values=values, args=step.args, fetch=step.fetch)
        sizes = Sizes.of(limits, step.output_kb)
        order = fetching(order_for(Mode.COMMAND, limits, sizes, left_s=left_s), step.fetch)
        order = order._replace(
            processes=TASKS,
            memory_bytes=order.memory_bytes + (toolchain.overhead_mb << 20),
            # What the compiler has made lies there, too, and counts against no program.
            file_bytes=max(order.file_bytes, built.size),
            disk_bytes=order.disk_bytes + built.size,
        )
        return _memory_told(await execute(worker, order, job, step, limits, sizes))

    def _parcel(
        self,
        worker: Worker,
        command: tuple[str, ...],
        *,
        files: list[PlacedFile],
        values: Mapping[str, str],
        args: tuple[str, ...] = (),
        fetch: tuple[str, ...] = (),
    ) -> bytes:
        tool = tools.find_tool(command[0]) if not command[0].startswith("./") else command[0]
        if tool is None:
            raise WorkerDiedError(f"{command[0]} is not on this machine any more")
        words = [_filled_in(word, values) for word in command[1:]]
        environment = {**tools.environment(worker.setup.scratch), **worker.environment}
        return pack_parcel(b"", files=files, words=[tool, *words, *args], environment=environment, fetch=fetch)


def _filled_in(word: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        word = word.replace(f"{{{name}}}", value)
    return word


def _refusal(run: TestRun) -> TestRun:
    """Return what each step of a program gets that was not compiled."""
    if run.starved:
        return replace(run, ended=Ended.WALL_LIMIT, files=())
    said = "\n".join(text for text in (run.stderr.strip(), run.stdout.strip()) if text)
    if run.ended in STOPPED:
        said = f"the compiler was stopped: {run.ended.value}\n{said}"
    elif run.ended is Ended.EXITED and run.exit_code == 0:
        said = f"the compiler made no program of at most {MADE_BYTES >> 20} MB\n{said}"
    elif (run.ended is Ended.SIGNALLED and run.signal == signal.SIGKILL) or KILLED_PART in said:
        return TestRun(Ended.SIGNALLED, signal=signal.SIGKILL, stderr=said[:KEPT_TEXT])
    return TestRun(Ended.NOT_COMPILED, run.exit_code, run.signal, stderr=said[:KEPT_TEXT])


def _memory_told(run: TestRun) -> TestRun:
    """Return *run* as out of memory where its language's machinery says so: a program that lies has failed, too."""
    failed = run.ended is Ended.SIGNALLED or (run.ended is Ended.EXITED and run.exit_code != 0)
    if failed and any(words in run.stderr for words in OUT_OF_MEMORY):
        return replace(run, ended=Ended.MEMORY_LIMIT)
    return run


def reason_against(job: Job, languages: frozenset[str]) -> str:
    """Return why no sandbox with these *languages* runs *job*, or nothing where it does."""
    language = job.program.language
    if language not in languages:
        return f"this machine does not run {language}{advice(language)}"
    if language != "python" and not all(isinstance(step, ScriptStep) for step in job.steps):
        return f"calls, asserts and cells are for Python, not for {language}"
    return ""
