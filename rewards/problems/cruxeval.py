"""CRUXEval: what does `code` make of `input`, and which input gives `output`?

    {"code": "def f(x):\\n    return x + 1", "input": "1", "output": "2"}

The completion is a Python expression, in a fenced block or, with `Extraction(allow_unparsed=True)`, alone: the value
of `f(input)`; or, in a row whose column `predict` is `input`, a call such as `f(1)` that would return `output`. The
official evaluator takes both the same way, and refuses a prediction of the output that calls `f`. Here a program never
gets the `code`: the call that it writes is only noted, and made by the tester.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..cases import AssertTest
from ..errors import DatasetError
from .asserts import parse_test
from .contents import Contents
from .fields import text_of

_NOTED = "def f(*args, **kwargs):\n    return [list(args), kwargs]\n\n"
_ANSWER = "answer = "


def read_cruxeval(row: Mapping[str, Any]) -> Contents:
    """Read the columns `code`, `input`, `output` and `predict`."""
    code, given, output = (text_of(row[name], f"column {name!r}") for name in ("code", "input", "output"))
    wanted = text_of(row.get("predict", "output"), "column 'predict'")
    if wanted not in ("input", "output"):
        raise DatasetError(f"column 'predict': expected 'input' or 'output', found {wanted[:40]!r}")
    parse_test(f"{code}\nf({given})\n({output})")
    if wanted == "output":
        source = f"_found = answer\nassert type(_found) is type({output}) and _found == ({output})"
        return Contents((AssertTest(source, names=("answer",)),), code_prompt=_ANSWER)
    setup = f"_of_code = {{}}\nexec({code!r}, _of_code)"
    source = f"_args, _kwargs = answer\nassert _of_code['f'](*_args, **_kwargs) == ({output})"
    return Contents((AssertTest(source, setup=setup, names=("answer",)),), code_prompt=_NOTED + _ANSWER)
