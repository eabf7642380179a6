"""Find, kill and remove what was started in a folder; as a program, do it when asked and when stdin ends.

As a program it is the service's janitor: it outlives the service by a moment, whatever ended it.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

MARK = "E2B_FAKE_SANDBOX"
"""Every process of a machine has its folder in this variable of its environment."""

TOGETHER_S = 0.05
"""Orders of this long are done in one look at all processes: a look costs some milliseconds."""
PATIENCE_S = 5.0


def processes_of(folders: set[str]) -> set[int]:
    """Return the processes that are marked with one of *folders*, or work in there, and their descendants."""
    children: dict[int, list[int]] = {}
    found = set()
    for pid, parent, runs in _processes():
        children.setdefault(parent, []).append(pid)
        if runs and _belongs(pid, folders):
            found.add(pid)
    queue = list(found)
    while queue:
        below = [pid for pid in children.get(queue.pop(), ()) if pid not in found]
        found.update(below)
        queue.extend(below)
    return {pid for pid in found if _runs(pid)} - {os.getpid()}


def _processes() -> Iterator[tuple[int, int, bool]]:
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):  # it ended while we looked
            fields = _stat(int(name))
            yield int(name), int(fields[1]), fields[0] not in (b"Z", b"X")


def _stat(pid: int) -> list[bytes]:
    with open(f"/proc/{pid}/stat", "rb") as file:
        return file.read().rpartition(b")")[2].split()


def _runs(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return _stat(pid)[0] not in (b"Z", b"X")
    return False


def _belongs(pid: int, folders: set[str]) -> bool:
    with contextlib.suppress(OSError), open(f"/proc/{pid}/environ", "rb") as file:
        _, marked, rest = (b"\0" + file.read()).partition(f"\0{MARK}=".encode())
        if marked:
            return _is_in(os.fsdecode(rest.partition(b"\0")[0]), folders)
    with contextlib.suppress(OSError):
        return _is_in(os.readlink(f"/proc/{pid}/cwd"), folders)
    return False


def _is_in(place: str, folders: set[str]) -> bool:
    return place in folders or any(str(parent) in folders for parent in Path(place).parents)


def remove(folders: set[str]) -> None:
    """Kill what runs in *folders*, until none is left: one that was just forking has a child by the next look."""
    ends = time.monotonic() + PATIENCE_S
    while (living := processes_of(folders)) and time.monotonic() < ends:
        for pid in living:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def main(base: str) -> None:
    """Remove the folders that stdin names, a line each, and say so; at its end remove *base*."""
    orders = b""
    while more := os.read(0, 1 << 16):
        time.sleep(TOGETHER_S)
        while select.select([0], [], [], 0)[0] and (again := os.read(0, 1 << 16)):
            more += again
        *lines, orders = (orders + more).split(b"\n")
        remove({os.fsdecode(line) for line in lines})
        with contextlib.suppress(OSError):  # the service is dead: its end of stdin is next
            os.write(1, b"".join(line + b"\n" for line in lines))
    remove({base})


if __name__ == "__main__":
    main(sys.argv[1])
