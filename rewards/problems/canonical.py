"""Our own schema: a column `tests` with JSON text, either a list of tests or an object around one.

    [{"type": "stdin",    "input": "1 2\\n", "output": "3\\n", "accepted": ["3.0\\n"]},
     {"type": "stdin",    "input": "", "files": {"in.txt": "1 2\\n"}, "output_file": "out.txt", "output": "3\\n"},
     {"type": "stdin",    "input": "7\\n", "output": "3 4\\n", "checker": {"source": "import sys\\n...",
                                                                        "language": "python", "style": "codeforces"}},
     {"type": "output",   "output": "hello", "accepted": ["Hello"]},
     {"type": "call",     "function": "add", "args": [1, 2], "kwargs": {}, "expected": 3, "accepted": [3.0]},
     {"type": "assert",   "source": "assert add(1, 2) == 3"},
     {"type": "suite",    "source": "from solution import add\\n\\ndef test_add(): ...", "framework": "pytest"},
     {"type": "file",     "path": "report.csv", "content": "a,b\\n", "input": "", "files": {"data.csv": "1,2\\n"}},
     {"type": "appended", "source": "console.assert(add(1, 2) === 3);"}]

    [{"type": "cell",     "source": "add(2, 3)", "output": "5", "files": {"logo.png": {"base64": "iVBORw0KGgo="}}}]

    {"tests": [...], "entry_point": "add", "setup": "import math", "comparison": "float:1e-4", "language": "python",
     "code_prompt": "", "limits": {"cpu_s": 2, "memory_mb": 256}}

Every test may have a `weight` (above 0, default 1), a `name` and a `group`: tests of one group are a subtask, have the
same weight, and bear it together where scores are weighted. What compares text may have a `comparison`, as
`Comparison.parse` reads it: `stdin`, `output`, `file` and `cell` tests. `output: ""` means that nothing may be printed.
`accepted` lists further outputs or values that are right. `files` are paths in the working directory with their text,
or `{"base64": ...}`.

- `stdin`: `input` may be left out. With `output_file` the output is looked for in that file, not on stdout. A `checker`
  decides instead of a comparison; `cases.Checker` says how it is called and what it answers.
- `call`: `args` and `kwargs` may be left out; `function` is a global name or `Class().method`. `expected: null` means
  that None must be returned, if the column is JSON text; in a column of lists and objects, where `datasets` writes None
  for whatever a test lacks, it means that it was forgotten, and is an error; so is NaN.
- `assert`: `setup` is Python that runs after the program and before every one of them.
- `suite`: a file of tests for `pytest` (the default) or `unittest`, which imports the program as `solution`.
- `file`: the program must write the file; without `content`, that it exists is enough.
- `cell`: run in the state that the program left, like a notebook's; `output` is the value of its last expression, or
  else what it printed. No tests of other kinds stand beside cells.
- `appended`: test code in the program's language, which runs behind it in its process. A program could fake its
  success, so a reward takes such rows with `trust="shared"` only. See `appended.py`.

Programs in other languages than Python can have `stdin`, `output`, `file` and `appended` tests. Keys that are not in
this list are errors.

Lists of cases and parallel lists as in `cases.py` are understood in this column as well (DeepCoder has them).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ..cases import AssertTest, CallTest, CellTest, FileTest, OutputTest, StdinTest, SuiteTest, TestCase
from ..comparison import Comparison
from ..errors import ConfigurationError, DatasetError
from ..records import File
from .appended import appended_test
from .asserts import lower_tests
from .attachments import checker_of, files_of, path_of
from .calls import entry_point_of, function_name
from .cases import read_cases
from .contents import Contents
from .fields import absent, as_data, decoded, lines_of, list_of, mapping_of, number_of, present, refuse_unknown, text_of
from .row_limits import limits_of_object
from .rules import LIVECODEBENCH
from .suites import parse_suite

_TOP_KEYS = ("tests", "limits", "comparison", "setup", "entry_point", "language", "code_prompt")
_ALONE = "column 'tests': expected a list of tests, found one object: put it into a list"
_SHARED_KEYS = ("type", "weight", "name", "group")
_FRAMEWORKS = ("pytest", "unittest")


def read_canonical(row: Mapping[str, Any]) -> Contents:
    """Read the column `tests`."""
    column = row["tests"]
    value = decoded(column, "column 'tests'")
    if value is None:
        return Contents(())
    if isinstance(value, Mapping) and not {"tests", "inputs", "outputs"} & value.keys():
        raise DatasetError(_ALONE)
    if isinstance(value, Mapping) and "tests" not in value:
        return read_cases(value, row, official=LIVECODEBENCH)
    top = mapping_of(value, "column 'tests'") if isinstance(value, Mapping) else {"tests": value}
    refuse_unknown(top, _TOP_KEYS, "column 'tests'")
    if isinstance(top.get("tests"), Mapping):
        raise DatasetError(_ALONE)
    found = list_of(top.get("tests"), "column 'tests'")
    if _is_foreign(found):
        return read_cases(found, row, official=LIVECODEBENCH)
    setup = text_of(top.get("setup", ""), "column 'tests', setup")
    language = text_of(top["language"], "language") if "language" in top else None
    spoken = language or text_of(row.get("language", "python"), "column 'language'")
    reader = _Reader(null_is_a_value=isinstance(column, str), setup=setup, language=spoken)
    tests: list[TestCase] = []
    for i, item in enumerate(found, start=1):
        tests += reader.read(item, f"test {i}")
    return Contents(
        tuple(tests),
        entry_point=text_of(top["entry_point"], "entry_point") if "entry_point" in top else _entry_point(tests),
        code_prompt=text_of(top.get("code_prompt", ""), "code_prompt"),
        language=language,
        comparison=text_of(top["comparison"], "comparison") if "comparison" in top else None,
        limits=limits_of_object(mapping_of(top["limits"], "limits"), "limits") if "limits" in top else {},
    )


def comparison_of(value: object, what: str) -> Comparison:
    """Return the comparison rule that text names."""
    try:
        return Comparison.parse(text_of(value, what))
    except ConfigurationError as error:
        raise DatasetError(f"{what}: {error}") from None


def _is_foreign(tests: list[Any]) -> bool:
    """Tell cases of other sets by their first: none of their types is one of ours, and ours always has a type."""
    if not tests or not isinstance(tests[0], Mapping):
        return False
    first = present(tests[0])
    return "testtype" in first or first.get("type") in ("stdin_stdout", "function_call", "functional")


def _entry_point(tests: list[TestCase]) -> str | None:
    functions = [test.function for test in tests if isinstance(test, CallTest)]
    functions += [call.function for test in tests if isinstance(test, AssertTest) for call in test.calls]
    return entry_point_of(functions)


class _Reader:
    """Reads one test after the other, under what the whole column says."""

    def __init__(self, *, null_is_a_value: bool, setup: str, language: str) -> None:
        self._null_is_a_value = null_is_a_value
        self._setup = setup
        self._language = language
        self._kinds: dict[str, Callable[[dict[str, Any], str], list[TestCase]]] = {
            "stdin": self._stdin,
            "output": self._output,
            "call": self._call,
            "assert": self._assert,
            "suite": self._suite,
            "file": self._file,
            "cell": self._cell,
            "appended": self._appended,
        }

    def read(self, item: object, what: str) -> list[TestCase]:
        item = decoded(item, what)
        fields = mapping_of(item, what)
        kind = text_of(fields.get("type"), f"{what}, type")
        if kind not in self._kinds:
            raise DatasetError(f"{what}: unknown type {kind[:40]!r}; known: {', '.join(self._kinds)}")
        if kind == "call" and self._null_is_a_value and isinstance(item, Mapping) and "expected" in item:
            fields["expected"] = item["expected"]
        weight = number_of(fields.get("weight", 1.0), f"{what}, weight", above=0, up_to=1e9)
        name = text_of(fields.get("name", ""), f"{what}, name")
        group = text_of(fields.get("group", ""), f"{what}, group")
        return [replace(test, weight=weight, name=name, group=group) for test in self._kinds[kind](fields, what)]

    def _stdin(self, fields: dict[str, Any], what: str) -> list[TestCase]:
        optional = ("input", "comparison", "accepted", "checker", "files", "output_file")
        _demand(fields, what, needed=("output",), optional=optional)
        test = StdinTest(
            lines_of(fields.get("input", ""), f"{what}, input"),
            lines_of(fields["output"], f"{what}, output"),
            _own_comparison(fields, what),
            accepted=_accepted_texts(fields, what),
            checker=checker_of(fields["checker"], f"{what}, checker") if "checker" in fields else None,
            files=_files(fields, what),
            output_file=path_of(fields.get("output_file", ""), f"{what}, output_file"),
        )
        if test.checker is not None and (test.accepted or test.comparison):
            raise DatasetError(f"{what}: the checker decides, so nothing would look at 'accepted' or 'comparison'")
        return [test]

    def _output(self, fields: dict[str, Any], what: str) -> list[TestCase]:
        _demand(fields, what, needed=("output",), optional=("comparison", "accepted"))
        output, accepted = lines_of(fields["output"], f"{what}, output"), _accepted_texts(fields, what)
        return [OutputTest(output, _own_comparison(fields, what), accepted=accepted)]

    def _call(self, fields: dict[str, Any], what: str) -> list[TestCase]:
        _demand(fields, what, needed=("function", "expected"), optional=("args", "kwargs", "accepted"))
        function = function_name(fields["function"], None, f"{what}, function")
        if absent(fields["expected"]) and not self._null_is_a_value:
            raise DatasetError(f"{what}, expected: found NaN, which stands for a missing value")
        args = as_data(list_of(fields.get("args", []), f"{what}, args"), f"{what}, args")
        kwargs = decoded(fields.get("kwargs", {}), f"{what}, kwargs")
        if not isinstance(kwargs, Mapping) or not all(isinstance(key, str) and key.isidentifier() for key in kwargs):
            raise DatasetError(f"{what}, kwargs: expected an object whose keys are names")
        as_data(dict(kwargs), f"{what}, kwargs")
        expected = as_data(fields["expected"], f"{what}, expected")
        accepted = as_data(list_of(fields.get("accepted", []), f"{what}, accepted"), f"{what}, accepted")
        return [CallTest(function, tuple(args), expected, tuple(kwargs.items()), accepted=tuple(accepted))]

    def _assert(self, fields: dict[str, Any], what: str) -> list[TestCase]:
        _demand(fields, what, needed=("source",), optional=())
        return list(lower_tests([_source(fields, what, "assert")], setup=self._setup))

    def _suite(self, fields: dict[str, Any], what: str) -> list[TestCase]:
        _demand(fields, what, needed=("source",), optional=("framework",))
        framework = text_of(fields.get("framework", "pytest"), f"{what}, framework")
        if framework not in _FRAMEWORKS:
            raise DatasetError(f"{what}: unknown framework {framework[:40]!r}; known: {', '.join(_FRAMEWORKS)}")
        source = _source(fields, what, "suite")
        parse_suite(source, framework)
        return [SuiteTest(source, framework)]

    def _file(self, fields: dict[str, Any], what: str) -> list[TestCase]:
        _demand(fields, what, needed=("path",), optional=("content", "comparison", "input", "files"))
        path = path_of(fields["path"], f"{what}, path")
        if not path:
            raise DatasetError(f"{what}, path: empty text names no file")
        if "comparison" in fields and "content" not in fields:
            raise DatasetError(f"{what}: a comparison, but no 'content' to compare with")
        return [
            FileTest(
                path,
                lines_of(fields["content"], f"{what}, content") if "content" in fields else None,
                _own_comparison(fields, what),
                stdin=lines_of(fields.get("input", ""), f"{what}, input"),
                files=_files(fields, what),
            )
        ]

    def _cell(self, fields: dict[str, Any], what: str) -> list[TestCase]:
        _demand(fields, what, needed=("source", "output"), optional=("comparison", "files"))
        source, output = _source(fields, what, "cell"), lines_of(fields["output"], f"{what}, output")
        return [CellTest(source, output, _own_comparison(fields, what), files=_files(fields, what))]

    def _appended(self, fields: dict[str, Any], what: str) -> list[TestCase]:
        _demand(fields, what, needed=("source",), optional=())
        return [appended_test(_source(fields, what, "appended"), self._language)]


def _source(fields: Mapping[str, Any], what: str, kind: str) -> str:
    source = text_of(fields["source"], f"{what}, source")
    if not source.strip():
        raise DatasetError(f"{what}: an empty {kind} would accept every program")
    return source


def _accepted_texts(fields: Mapping[str, Any], what: str) -> tuple[str, ...]:
    found = list_of(fields.get("accepted", []), f"{what}, accepted")
    return tuple(lines_of(text, f"{what}, accepted {i}") for i, text in enumerate(found, start=1))


def _files(fields: Mapping[str, Any], what: str) -> tuple[File, ...]:
    return files_of(fields.get("files", {}), f"{what}, files")


def _demand(fields: Mapping[str, Any], what: str, *, needed: tuple[str, ...], optional: tuple[str, ...]) -> None:
    refuse_unknown(fields, (*_SHARED_KEYS, *needed, *optional), what)
    for key in needed:
        if key not in fields:
            raise DatasetError(f"{what}: no {key!r}")


def _own_comparison(fields: Mapping[str, Any], what: str) -> Comparison | None:
    return comparison_of(fields["comparison"], f"{what}, comparison") if "comparison" in fields else None
