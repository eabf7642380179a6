"""What travels to a sandbox and back: programs, the steps of a job, and what was seen of them. Frozen and picklable."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, ClassVar

from .errors import DatasetError
from .options import SECONDS, as_whole, check_options, or_none, whole

_AMOUNTS = dict.fromkeys(("memory_mb", "output_kb", "processes", "disk_mb"), whole(1))
_LIMITS = {"cpu_s": SECONDS, "job_cpu_s": SECONDS, "wall_s": or_none(SECONDS), **_AMOUNTS}


@dataclass(frozen=True)
class Program:
    """Source code that a completion submitted."""

    source: str
    language: str = "python"


@dataclass(frozen=True)
class Limits:
    """What one test may use before the sandbox stops the program."""

    cpu_s: float = 10.0
    """CPU seconds of the program and everything it started."""
    wall_s: float | None = None
    """Seconds by the clock; unset means three times the CPU limit and two seconds, a backstop on a busy machine."""
    memory_mb: int = 1024
    output_kb: int = 1024
    """Bytes kept of stdout / 1024; a test that expects more gets at least four times the expected output."""
    processes: int = 1
    """1: threads only. More lets the program start processes of its own, where the sandbox can hold them."""
    disk_mb: int = 64
    job_cpu_s: float = 120.0
    """CPU seconds of all tests of one program together."""

    def __post_init__(self) -> None:
        for name in _AMOUNTS:
            object.__setattr__(self, name, as_whole(getattr(self, name)))
        check_options(vars(self), _LIMITS, owner="limit ")

    @property
    def wall_limit_s(self) -> float:
        """Seconds by the clock after which a test is stopped."""
        return 3 * self.cpu_s + 2 if self.wall_s is None else self.wall_s

    @property
    def job_idle_limit_s(self) -> float:
        """Seconds that all tests of one program may go by without the program using a CPU."""
        return max(3 * self.job_cpu_s, self.wall_limit_s)

    @property
    def job_wall_limit_s(self) -> float:
        """Seconds by the clock after which a process that answers many tests is stopped, if it had a CPU meanwhile."""
        return self.job_cpu_s + self.job_idle_limit_s


@dataclass(frozen=True)
class File:
    """A file in the working directory of a program, before or after it ran."""

    path: str
    """Relative, with `/` between its parts, and without `..`."""
    content: bytes

    def __post_init__(self) -> None:
        parts = self.path.split("/")
        if not self.path or "\0" in self.path or any(part in ("", ".", "..") for part in parts):
            raise DatasetError(f"a file's path must be relative and stay below its directory, found {self.path!r:.200}")


@dataclass(frozen=True)
class ScriptStep:
    """Run the program as `python main.py` does, or as its language is run, in a process of its own."""

    stdin: str = ""
    output_kb: int = 0
    """Output to keep where the job's limit would keep less (four times the expected output)."""
    files: tuple[File, ...] = ()
    """What lies in the working directory when the program starts."""
    fetch: tuple[str, ...] = ()
    """Paths of files to report as `TestRun.files`; those that are not there are left out."""
    args: tuple[str, ...] = ()
    """Words of the command line."""
    append: str = ""
    """Source that stands behind the program's, in the same file: tests that cannot stand anywhere else."""


@dataclass(frozen=True)
class CallStep:
    """Call a function of the program; calls that follow each other are answered by one process.

    `function` is a global name, or `Class().method`. Arguments are data: builtin types, and what `encoding` lists.
    """

    function: str
    args: tuple[Any, ...] = ()
    kwargs: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class AssertStep:
    """Run test code in a tester process beside the program's process.

    Steps that follow each other with the same set-up share both processes. A `source` that finishes has passed.
    """

    source: str
    setup: str = ""
    """Test code that runs once, in the tester, after the program and before the first `source`."""
    names: tuple[str, ...] = ()
    """Names that mean the program's own even where they hide a builtin (a program that defines `sum`)."""
    framework: str = ""
    """`pytest` or `unittest` where `source` is a file of tests, which passes when each of at least one test in it has
    passed: none skipped, none expected to fail. The program is the module `solution`."""


@dataclass(frozen=True)
class CellStep:
    """Run a cell of a notebook, in the state that the program and the cells before it left.

    The program is the first cell. A job is made of cells alone or has none.
    """

    source: str
    files: tuple[File, ...] = ()
    """Written into the working directory before the cell runs; those of the first one before the program does."""


Step = ScriptStep | CallStep | AssertStep | CellStep


@dataclass(frozen=True)
class Job:
    """One program and what it is to be asked, without anything that tells the right answers."""

    program: Program
    steps: tuple[Step, ...]
    limits: Limits = Limits()


class Ended(enum.Enum):
    """How the run of one step ended."""

    EXITED = "exited"
    """The program came to its end, with `exit_code`."""
    RETURNED = "returned"
    """A call returned `value`; or test code in the tester finished."""
    RAISED = "raised"
    """A call raised, or the program raised while it was loaded; or test code did for the program's fault."""
    FAILED = "failed"
    """An assertion in the tester did not hold."""
    SIGNALLED = "signalled"
    NOT_COMPILED = "not_compiled"
    """The compiler refused the program; what it said is in `stderr`."""
    CPU_LIMIT = "cpu_limit"
    WALL_LIMIT = "wall_limit"
    MEMORY_LIMIT = "memory_limit"
    OUTPUT_LIMIT = "output_limit"
    DISK_LIMIT = "disk_limit"
    NOT_RUN = "not_run"
    """Left out, because the caller had seen enough."""


@dataclass(frozen=True)
class RichResult:
    """What a cell displayed, or the value of its last expression, as notebooks show it."""

    data: tuple[tuple[str, str], ...]
    """Content by format, such as `text`, `html` or `png`; images in base64."""
    is_main: bool = False
    """The value of the cell's last expression."""


@dataclass(frozen=True)
class TestRun:
    """What was seen while one step ran. It holds no opinion about right and wrong.

    `value` is data rebuilt from bytes: exact builtin types, or an opaque placeholder that equals nothing.
    """

    __test__: ClassVar[bool] = False
    ended: Ended
    exit_code: int | None = None
    signal: int | None = None
    value: Any = None
    stdout: str = ""
    stderr: str = ""
    cpu_s: float = 0.0
    wall_s: float = 0.0
    peak_memory_mb: float = 0.0
    starved: bool = False
    """A wall limit that was reached because the program waited for a CPU: no fault of the program's."""
    results: tuple[RichResult, ...] = ()
    """What a cell showed; none of it is trusted more than `stdout`."""
    files: tuple[File, ...] = ()
    """What was found of the files that were asked for."""


@dataclass(frozen=True)
class JobResult:
    """One `TestRun` for each step of the job, in order."""

    runs: tuple[TestRun, ...]
    sandbox: str = ""
    queue_s: float = 0.0
    wall_s: float = 0.0


@dataclass(frozen=True)
class SandboxFailure:
    """The sandbox could not run a job: a value, because a broken sandbox says nothing about the program."""

    kind: str
    """`died`, `start`, `transport`, `unsupported`, `deadline` or `closed`."""
    detail: str
    retryable: bool = True
