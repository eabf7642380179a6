"""The reward that runs test cells in the state that a response's code has left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..cases import CellTest
from ..comparison import Comparison
from ..errors import DatasetError
from ..options import shown
from ..sandboxes.base import Sandbox
from .engine import Engine
from .execution import OPTIONS, Execution
from .output import RewardOutput
from .passed_tests import comparison_of, graded_by_share, listed, place_of, python_program, weight_of
from .reward import MessageReward

_CODE = ("code", "cell", "input")
_EXPECTED = ("expected", "expected_output", "output")


async def _multi_test_code_reward(
    engine: Engine,
    response: Any,
    test_cases: Any,
    timeout: float = 30,
    environment: str = "e2b",
    api_key: str | None = None,
    *,
    messages: Any = None,
    comparison: str | Comparison | None = None,
    max_memory_mb: int | None = None,
    fallback: str | Sandbox | None = "local",
    sandbox: str | Sandbox | None = None,
) -> RewardOutput:
    """Run the response's code as a notebook's first cell, and a cell for each test in the state that it left.

    A test case has `code`, `expected` and, if it counts for more than others, `weight`. What counts is the value of the
    cell's last expression as a notebook shows it, or else what the cell printed, or else the value that its last line
    assigned to a name: `result = add_numbers(2, 3)` passes where `5` is expected. An empty `expected` means that there
    is nothing to see. The score is the share of the tests that pass, and each of them is a metric.

    The cells share one process with the response's code, so later cells see what earlier ones did, and the code can
    see a cell's source while it runs, though never what is expected of it. The other arguments are those of
    `fractional_code_reward`; where a sandbox fails the score is None.
    """
    rule = comparison_of(comparison)
    cases = listed(test_cases, "test_cases")
    tests = tuple(_cell(case, f"test case {i}", rule) for i, case in enumerate(cases, start=1))
    place = place_of(environment, api_key, fallback, sandbox)
    execution = Execution("python", timeout, max_memory_mb=max_memory_mb)
    return await graded_by_share(engine, python_program(response, messages), tests, place, execution)


def _cell(case: Any, what: str, comparison: Comparison | None) -> CellTest:
    if not isinstance(case, Mapping):
        raise DatasetError(f"{what} must have `code` and `expected`, found {shown(case)}")
    code = _first_of(case, _CODE, what)
    if not isinstance(code, str) or not code.strip():
        raise DatasetError(f"{what}: code must be the text of a cell, found {shown(code)}")
    expected = _first_of(case, _EXPECTED, what)
    return CellTest(
        code,
        expected if isinstance(expected, str) else repr(expected),  # as a notebook shows that value
        comparison,
        weight=weight_of(case, what),
        name=code.strip().splitlines()[-1][:80],
    )


def _first_of(case: Mapping[str, Any], names: tuple[str, ...], what: str) -> Any:
    found = next((case[name] for name in names if case.get(name) is not None), None)
    if found is None:
        raise DatasetError(f"{what} has no {names[0]!r}, found {', '.join(map(str, case)) or 'nothing'}")
    return found


multi_test_code_reward = MessageReward(_multi_test_code_reward, name="multi_test_code_reward", options=OPTIONS)
advanced_code_evaluation = multi_test_code_reward
"""The name that reward-kit's guide gives it."""
