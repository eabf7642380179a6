"""Contest problems with programs that read and write: open-r1/codeforces, CodeContests, LiveCodeBench, SandboxFusion.

    {"official_tests": [{"input": "1 2\\n", "output": "3\\n"}], "input_mode": "stdio", "generated_checker": None}
    {"public_tests": {"input": ["1 2\\n"], "output": ["3\\n"]}, "time_limit": {"seconds": 2, "nanos": 0}}
    {"public_test_cases": '[{"input": "1 2\\n", "output": "3\\n", "testtype": "stdin"}]', "private_test_cases": "eJ..."}
    {"test": '[{"input": {"stdin": "1 2\\n"}, "output": {"stdout": "3\\n"}}]'}

A test that a row lists twice is run once. Each set has the comparison rule of its own evaluator (`rules.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..cases import Checker, StdinTest
from ..errors import DatasetError
from ..records import File
from .calls import SOLUTION_PREAMBLE
from .cases import read_cases
from .contents import Contents
from .fields import decoded, lines_of, list_of, mapping_of, text_of
from .packed import unpacked_text
from .rules import CODE_CONTESTS, CODEFORCES, LIVECODEBENCH, SANDBOX_FUSION

_CUT_OFF = "..."
"""Codeforces shows long tests up to about 400 characters, and writes this behind what it shows."""


def read_codeforces(row: Mapping[str, Any]) -> Contents:
    """Read `official_tests` and `examples`; a `generated_checker` decides where there is one.

    With `input_mode` "file" the program reads `input.txt` and writes `output.txt`. Tests that the site shows in part
    only are left out.
    """
    if isinstance(row.get("interaction_format"), str) and row["interaction_format"].strip():
        raise DatasetError("column 'interaction_format': a program that talks to the judge cannot be graded")
    mode = text_of(row.get("input_mode") or "stdio", "column 'input_mode'")
    if mode not in ("stdio", "file"):
        raise DatasetError(f"column 'input_mode': expected 'stdio' or 'file', found {mode[:40]!r}")
    files = ("input.txt", "output.txt") if mode == "file" else ("", "")
    source = text_of(row.get("generated_checker") or "", "column 'generated_checker'")
    checker = Checker(source) if source.strip() else None
    pairs = [pair for name in ("examples", "official_tests") for pair in _listed(row.get(name), f"column {name!r}")]
    whole = [pair for pair in pairs if not any(text.rstrip().endswith(_CUT_OFF) for text in pair)]
    return Contents(_tests(whole, files, checker), official=CODEFORCES)


def read_code_contests(row: Mapping[str, Any]) -> Contents:
    """Read `public_tests`, `private_tests` and `generated_tests`, and the names of files for input and output."""
    pairs: list[tuple[str, str]] = []
    for name in ("public_tests", "private_tests", "generated_tests"):
        found = mapping_of(row.get(name) or {}, f"column {name!r}")
        inputs = list_of(found.get("input", []), f"column {name!r}, input")
        outputs = list_of(found.get("output", []), f"column {name!r}, output")
        if len(inputs) != len(outputs):
            raise DatasetError(f"column {name!r}: {len(inputs)} inputs, but {len(outputs)} outputs")
        pairs += [_pair(given, output, f"{name}, test {i}") for i, (given, output) in _numbered(inputs, outputs)]
    files = (_file_name(row, "input_file"), _file_name(row, "output_file"))
    return Contents(_tests(pairs, files, None), official=CODE_CONTESTS)


def read_livecodebench(row: Mapping[str, Any]) -> Contents:
    """Read `public_test_cases` and `private_test_cases`, of which the latter may be packed (see `packed.py`).

    LiveCodeBench puts its star-imports before every program, hence so do we. Returned floats may be off by 1e-6.
    """
    cases: list[Any] = []
    for name in ("public_test_cases", "private_test_cases"):
        what = f"column {name!r}"
        cell = row.get(name) or []
        unpacked = decoded(unpacked_text(cell, what), what) if isinstance(cell, str) else cell
        for case in list_of([] if unpacked is None else unpacked, what):
            if case not in cases[:200]:  # of the public tests, which are few
                cases.append(case)
    contents = read_cases(cases, row, official=LIVECODEBENCH, may_be_wrapped=False)
    return Contents(
        contents.tests, entry_point=contents.entry_point, code_prompt=SOLUTION_PREAMBLE, official=LIVECODEBENCH
    )


def read_sandbox_fusion(row: Mapping[str, Any]) -> Contents:
    """Read the column `test` in SandboxFusion's form of an online judge."""
    pairs = []
    for i, found in enumerate(list_of(row["test"], "column 'test'"), start=1):
        case = mapping_of(found, f"test {i}")
        given, output = (mapping_of(case.get(name) or {}, f"test {i}, {name}") for name in ("input", "output"))
        if given.get("files") or output.get("files"):
            raise DatasetError(f"test {i}: tests with files are read from our own schema only")
        pairs.append(_pair(given.get("stdin", ""), output.get("stdout"), f"test {i}"))
    return Contents(_tests(pairs, ("", ""), None), official=SANDBOX_FUSION)


def lists_sandbox_fusion_tests(row: Mapping[str, Any]) -> bool:
    """Say whether the column `test` holds a list, be it as JSON text; other sets have source code there."""
    cell = row["test"]
    return isinstance(cell, list | tuple) or (isinstance(cell, str) and cell.lstrip().startswith("["))


def _listed(cell: object, what: str) -> Iterable[tuple[str, str]]:
    for i, found in enumerate(list_of(cell or [], what), start=1):
        case = mapping_of(found, f"{what}, test {i}")
        yield _pair(case.get("input", ""), case.get("output"), f"{what}, test {i}")


def _numbered(inputs: list[Any], outputs: list[Any]) -> Iterable[tuple[int, tuple[Any, Any]]]:
    return enumerate(zip(inputs, outputs, strict=True), start=1)


def _pair(given: object, output: object, what: str) -> tuple[str, str]:
    if output is None:
        raise DatasetError(f"{what}: no expected output; to expect that nothing is printed, say so with empty text")
    return lines_of("" if given is None else given, f"{what}, input"), lines_of(output, f"{what}, output")


def _file_name(row: Mapping[str, Any], column: str) -> str:
    name = text_of(row.get(column) or "", f"column {column!r}").strip()
    return "" if name in ("stdin", "stdout") else name


def _tests(pairs: Iterable[tuple[str, str]], files: tuple[str, str], checker: Checker | None) -> tuple[StdinTest, ...]:
    input_file, output_file = files
    if output_file:
        File(output_file, b"")  # raises on a path that leads elsewhere
    return tuple(
        StdinTest(
            given,
            output,
            checker=checker,
            files=(File(input_file, given.encode()),) if input_file else (),
            output_file=output_file,
        )
        for given, output in dict.fromkeys(pairs)
    )
