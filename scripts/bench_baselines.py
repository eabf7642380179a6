"""What others do to run one program, for comparison: `bench_baselines.py NAME PROGRAMS BALLAST_MB` prints seconds.

None of these isolates anything; run them on the harmless programs of `bench.py` only.
"""

import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

WORKERS = len(os.sched_getaffinity(0))
CLEAN = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}


def by_subprocess(sources: Sequence[str]) -> float:
    """Start `python -I` for each program, as many at a time as there are cores, in an environment without packages."""
    folder = tempfile.mkdtemp(prefix="bench-venv-")
    venv.create(folder, with_pip=False)
    python = os.path.join(folder, "bin", "python")

    def run(source: str) -> None:
        done = subprocess.run([python, "-I", "-c", source], input=b"7\n", capture_output=True, timeout=10, env=CLEAN)
        assert done.stdout == b"49\n", done

    started = time.perf_counter()
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(run, sources))
    seconds = time.perf_counter() - started
    shutil.rmtree(folder)
    return seconds


def _run_in_process(source: str) -> None:
    read, write = os.pipe()
    os.write(write, b"7\n")
    os.close(write)
    os.dup2(read, 0)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - the process ends with it
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    exec(compile(source, "main.py", "exec"), {"__name__": "__main__"})
    sys.stdout.flush()


def _fork_each(sources: Sequence[str]) -> None:
    for source in sources:
        pid = os.fork()
        if pid == 0:
            try:
                _run_in_process(source)
            finally:
                os._exit(0)
        os.waitpid(pid, 0)


def by_bare_fork(sources: Sequence[str]) -> float:
    """Fork, `exec(code)`, `_exit`, one process a core: no isolation, nothing captured, nothing compared."""
    halves = [sources[i::WORKERS] for i in range(WORKERS)]
    children = [multiprocessing.get_context("fork").Process(target=_fork_each, args=(half,)) for half in halves]
    started = time.perf_counter()
    for child in children:
        child.start()
    for child in children:
        child.join()
    return time.perf_counter() - started


def _guarded(source: str, result: Any) -> None:
    try:
        _run_in_process(source)
        result.append("passed")
    except BaseException as error:  # noqa: BLE001 - whatever the program raises is its result, as in such graders
        result.append(repr(error))


def by_manager_and_fork(sources: Sequence[str]) -> float:
    """Start a manager process and fork a worker for each program, as the human-eval family of graders does."""
    context = multiprocessing.get_context("fork")

    def run(source: str) -> None:
        with context.Manager() as manager:
            result = manager.list()
            worker = context.Process(target=_guarded, args=(source, result))
            worker.start()
            worker.join(10)
            assert list(result) == ["passed"], list(result)

    started = time.perf_counter()
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(run, sources))
    return time.perf_counter() - started


BASELINES: dict[str, Callable[[Sequence[str]], float]] = {
    "subprocess": by_subprocess,
    "bare_fork": by_bare_fork,
    "manager_and_fork": by_manager_and_fork,
}


def main() -> None:
    """Run one baseline on so many programs, with so much memory held by the caller."""
    name, count, ballast_mb = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    ballast = bytearray(os.urandom(4096)) * (ballast_mb * 256)
    sources = [f"n = int(input())\nprint(n * n)  # {i}\n" for i in range(count)]
    print(json.dumps({"seconds": BASELINES[name](sources), "ballast_mb": len(ballast) >> 20}))


if __name__ == "__main__":
    main()
