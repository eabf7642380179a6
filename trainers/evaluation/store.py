"""The results of an evaluation on disk: one line a sample, in the samples' order, never two for one.

What was judged stays judged whenever the process is killed: lines are appended batch by batch, and a line that was cut
off is taken away at the next start. The settings lie beside them, and other settings are refused.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import filelock

from rewards import ConfigurationError

from ..report import SampleTest
from .sample import Result

T = TypeVar("T")
RESULTS, SETTINGS, LOCK = "results.jsonl", "evaluation.json", ".lock"


class ResultStore:
    """The folder of one evaluation, held by one process at a time."""

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        """Take *folder*; raises `ConfigurationError` where it is in use or holds results of other *settings*."""
        self.folder = folder
        self._lock = filelock.FileLock(folder / LOCK)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=0)
        except filelock.Timeout:
            raise ConfigurationError(
                f"{folder} is in use by another evaluation: wait for it, or name another"
            ) from None
        except OSError as error:
            raise ConfigurationError(f"{folder} cannot be an output folder: {error}") from error
        try:
            _agree(folder, settings)
            self._file = open(folder / RESULTS, "ab")  # noqa: SIM115 - closed by `close`
            cut_torn_line(folder / RESULTS)
        except BaseException:
            self._lock.release()
            raise

    def results(self) -> Iterator[Result]:
        """Read what was judged so far, in order."""
        return read_lines(self.folder / RESULTS, read_result)

    def digests(self) -> Iterator[str]:
        """Read the digests of the samples that were judged so far, in order."""
        return read_lines(self.folder / RESULTS, lambda told: str(told["digest"]))

    def append(self, results: Sequence[Result]) -> None:
        """Add the results of the next samples; they are on disk when this returns."""
        self._file.write(_lines(results))
        self._file.flush()
        os.fsync(self._file.fileno())

    @contextlib.contextmanager
    def rewriting(self) -> Iterator[Callable[[Sequence[Result]], object]]:
        """Give a function that takes results in order, which take the place of all that are there at the end."""
        with replacing(self.folder / RESULTS) as path, open(path, "wb") as file:
            yield lambda results: file.write(_lines(results))
        self._file.close()
        self._file = open(self.folder / RESULTS, "ab")  # noqa: SIM115 - closed by `close`

    def close(self) -> None:
        """Give the folder back. May be called twice."""
        try:
            self._file.close()  # on a full disk this fails once more
        finally:
            self._lock.release()

    def __enter__(self) -> ResultStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _lines(results: Sequence[Result]) -> bytes:
    lines = [json.dumps(dataclasses.asdict(result), ensure_ascii=True, allow_nan=False) for result in results]
    return "".join(line + "\n" for line in lines).encode("ascii")


def read_result(told: Mapping[str, Any]) -> Result:
    """Return the result that one line holds."""
    return Result(**{**told, "tests": tuple(SampleTest(**test) for test in told["tests"])})


def read_results(folder: str | Path) -> Iterator[Result]:
    """Read the results of an evaluation, in order, from its folder; raises `ConfigurationError` without any."""
    path = Path(folder) / RESULTS
    if not path.is_file():
        raise ConfigurationError(f"no evaluation in {folder}: {RESULTS} is missing")
    yield from read_lines(path, read_result)


def read_settings(folder: str | Path) -> dict[str, Any]:
    """Read by what settings the results in *folder* were judged; nothing where that is not known."""
    try:
        return dict(json.loads((Path(folder) / SETTINGS).read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return {}


def read_lines(path: Path, parse: Callable[[Any], T]) -> Iterator[T]:
    """Return what *parse* makes of each whole line of JSON; raises `ConfigurationError` for one that was damaged."""
    with open(path, "rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                return  # an evaluation that was killed, or is writing now
            try:
                parsed = parse(json.loads(line))
            except (ValueError, TypeError, KeyError) as error:
                raise ConfigurationError(
                    f"{path}, line {number}, is damaged ({error!r:.100}): take it and all lines behind it away, and "
                    "what they held is made again; or name another output folder"
                ) from error
            yield parsed


def _agree(folder: Path, settings: Mapping[str, Any]) -> None:
    """Write *settings*, or see that those of an earlier start are the same."""
    path, results = folder / SETTINGS, folder / RESULTS
    wanted = json.loads(json.dumps(settings, sort_keys=True))
    if not path.exists() and not (results.exists() and results.stat().st_size):
        with replacing(path) as beside:
            beside.write_text(json.dumps(wanted, indent=1, sort_keys=True) + "\n")
        return
    try:
        found = dict(json.loads(path.read_text()))
    except (FileNotFoundError, ValueError, TypeError) as error:
        raise ConfigurationError(
            f"{path} is damaged or missing, so that nobody knows by what settings the results beside it were judged: "
            "name another output folder, or remove this one"
        ) from error
    differing = sorted(name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name))
    if differing:
        lines = [f"  {name}: {found.get(name)!r:.200} there, {wanted.get(name)!r:.200} now" for name in differing]
        raise ConfigurationError(
            f"{path.parent} holds results of other settings, which are not to be mixed:\n"
            + "\n".join(lines)
            + "\nname another output folder, or remove this one"
        )


def cut_torn_line(path: Path) -> None:
    """Take away what a killed process has left behind the last whole line of *path*."""
    with open(path, "rb") as file:
        end = file.seek(0, os.SEEK_END)
        whole = _end_of_last_line(file, end)
    if whole != end:
        os.truncate(path, whole)


def _end_of_last_line(file: Any, end: int) -> int:
    """Return where the last whole line ends."""
    at = end
    while at > 0:
        start = max(0, at - (1 << 16))
        file.seek(start)
        newline = file.read(at - start).rfind(b"\n")
        if newline >= 0:
            return start + int(newline) + 1
        at = start
    return 0


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a path to write to that takes the place of *path* at the end, so that nobody sees half a file."""
    beside = path.with_name(path.name + ".new")
    try:
        yield beside
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
