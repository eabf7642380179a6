"""Programs that know nothing of a problem: none of them may pass its tests."""

from __future__ import annotations

import json
import keyword
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

from rewards.cases import AssertTest, CallTest, OutputTest, Problem, StdinTest

_RETURNED = "[str(random.random())]"


def probes(problem: Problem) -> dict[str, str]:
    """Return programs by what they do; for problems in Python only, and none where printing is all that is asked.

    `empty` does nothing, `constant` gives the likeliest of the expected answers, `printed` prints the expected answer
    of the first test, `echo` gives back what it was given, `random` gives random text.
    """
    if problem.language != "python" or not problem.tests or any(isinstance(test, OutputTest) for test in problem.tests):
        return {}
    if all(isinstance(test, StdinTest) for test in problem.tests):
        return _for_stdin([test for test in problem.tests if isinstance(test, StdinTest)])
    names = list(dict.fromkeys(_names(problem)))
    return {"empty": "pass"} if not names else _for_functions(problem, names)


def _for_stdin(tests: list[StdinTest]) -> dict[str, str]:
    likeliest = Counter(test.expected for test in tests).most_common(1)[0][0]
    found = {
        "empty": "pass",
        "echo": "import sys\nsys.stdout.write(sys.stdin.read())",
        "random": f"print({random.Random(0).random()!r}, 'abc', -7)",
    }
    found["constant"] = f"import sys\nsys.stdout.write({likeliest!r})"
    if tests[0].expected != likeliest:
        found["printed"] = f"import sys\nsys.stdout.write({tests[0].expected!r})"
    if all(not test.expected.strip() for test in tests):
        del found["empty"], found["constant"]  # nothing is to be printed: that is the right answer
    return found


def _names(problem: Problem) -> Iterator[str]:
    if problem.entry_point:
        yield problem.entry_point
    for test in problem.tests:
        if isinstance(test, CallTest):
            yield test.function
        elif isinstance(test, AssertTest):
            yield from (call.function for call in test.calls)
            yield from test.names


def _for_functions(problem: Problem, names: list[str]) -> dict[str, str]:
    expected = [test.expected for test in problem.tests if isinstance(test, CallTest)]
    shown = [json.dumps(value, default=repr) for value in expected]
    first = repr(expected[0]) if expected else "True"
    likeliest = repr(expected[shown.index(Counter(shown).most_common(1)[0][0])]) if expected else "True"
    bodies = {
        "empty": "return None",
        "echo": "return a[0] if a else None",
        "random": f"return {_RETURNED}",
        "constant": f"return {likeliest}",
        "printed": f"print({first})",
    }
    return {kind: _defining(names, body) for kind, body in bodies.items()}


def _defining(names: list[str], body: str) -> str:
    """Return a program in which every one of *names*, such as `f` or `Solution().f`, is a function with this body."""
    lines = ["import random"]
    methods: dict[str, list[str]] = {}
    for name in names:
        owner, dot, method = name.replace("()", "").partition(".")
        if dot:
            methods.setdefault(owner, []).append(method)
        elif owner.isidentifier() and not keyword.iskeyword(owner):
            lines.append(f"def {owner}(*a, **k):\n    {body}")
    for owner, members in methods.items():
        defined = [f"    def {member}(self, *a, **k):\n        {body}" for member in dict.fromkeys(members)]
        lines.append("\n".join([f"class {owner}:", *defined]))
    return "\n".join(lines)


def knows_answers(problem: Problem) -> bool:
    """Say whether all tests expect one and the same answer, which a constant program would rightly give."""
    answers: list[Any] = [test.expected for test in problem.tests if isinstance(test, StdinTest | CallTest)]
    return len(answers) == len(problem.tests) and len({json.dumps(each, default=repr) for each in answers}) == 1
