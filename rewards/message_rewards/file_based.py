"""The reward for programs that write files."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

from ..cases import FileTest
from ..comparison import Comparison
from ..errors import DatasetError
from ..options import shown
from ..records import File
from ..sandboxes.base import Sandbox
from .engine import Engine
from .execution import OPTIONS, Execution
from .output import RewardOutput
from .passed_tests import comparison_of, graded_by_share, listed, place_of, python_program, weight_of
from .reward import MessageReward

_CREATE, _EXISTS = "create", "exists"


async def _file_based_code_reward(
    engine: Engine,
    response: Any,
    file_operations: Any,
    timeout: float = 30,
    environment: str = "e2b",
    api_key: str | None = None,
    *,
    messages: Any = None,
    files: Any = None,
    comparison: str | Comparison | None = None,
    max_memory_mb: int | None = None,
    fallback: str | Sandbox | None = "local",
    sandbox: str | Sandbox | None = None,
) -> RewardOutput:
    """Run the response's program, and score the share of the files that it was to write and did.

    A file operation has `type`, `path` (relative to the directory in which the program runs) and, if it counts for more
    than others, `weight`. `create` wants the file with this `content`, compared line by line without trailing white
    space unless `comparison` says otherwise; `exists` wants a file of that name. A program that fails has written
    nothing that counts. It runs once for each operation, in an empty directory that holds *files* (content by path).

    What a file has to contain stays outside of the sandbox. The other arguments are those of `fractional_code_reward`;
    where a sandbox fails the score is None.
    """
    rule = comparison_of(comparison, Comparison("lines"))
    given = given_files(files)
    operations = listed(file_operations, "file_operations")
    tests = tuple(_test(each, f"file operation {i}", rule, given) for i, each in enumerate(operations, start=1))
    place = place_of(environment, api_key, fallback, sandbox)
    execution = Execution("python", timeout, max_memory_mb=max_memory_mb)
    return await graded_by_share(engine, python_program(response, messages), tests, place, execution)


def given_files(files: Any) -> tuple[File, ...]:
    """Return the files of a mapping from path to content, text or bytes; raises `DatasetError`."""
    if files is None:
        return ()
    if not isinstance(files, Mapping) or not all(isinstance(content, str | bytes) for content in files.values()):
        raise DatasetError(f"files must be contents by path, found {shown(files)}")
    return tuple(
        File(path, content.encode() if isinstance(content, str) else content) for path, content in files.items()
    )


def _test(operation: Any, what: str, comparison: Comparison | None, files: tuple[File, ...]) -> FileTest:
    if not isinstance(operation, Mapping) or not isinstance(operation.get("path"), str):
        raise DatasetError(f"{what} must have `type` and `path`, found {shown(operation)}")
    kind = operation.get("type") or _CREATE
    content = operation.get("content")
    if kind not in (_CREATE, _EXISTS):
        raise DatasetError(f"{what}: type must be {_CREATE!r} or {_EXISTS!r}, found {shown(kind)}")
    if kind == _CREATE and not isinstance(content, str):
        raise DatasetError(
            f"{what}: {_CREATE!r} needs the text `content`, found {shown(content)}; {_EXISTS!r} does not"
        )
    if kind == _EXISTS and content is not None:
        raise DatasetError(f"{what}: {_EXISTS!r} looks at no content: leave it out, or make it {_CREATE!r}")
    path = File(posixpath.normpath(operation["path"]), b"").path  # refuses what is not below the program's directory
    return FileTest(
        path,
        content if kind == _CREATE else None,
        comparison,
        files=files,
        weight=weight_of(operation, what),
        name=f"{kind} {path}",
    )


file_based_code_reward = MessageReward(_file_based_code_reward, name="file_based_code_reward", options=OPTIONS)
