"""Tests inside of a column that holds more: SYNTHETIC-2, INTELLECT-3, NeMo-Gym, and verl's `reward_model`.

    {"info": '{"tests": "{\\"inputs\\": [\\"1 2\\"], \\"outputs\\": [\\"3\\"], \\"fn_name\\": null}"}'}
    {"verifier_metadata": {"unit_tests": {"inputs": ["1 2"], "outputs": ["3"], "fn_name": None}}}
    {"reward_model": {"style": "rule", "ground_truth": '{"inputs": ["1 2"], "outputs": ["3"]}'}}

A `ground_truth` (Eurus-2, PRIME, code-r1) holds `inputs` and `outputs`, with or without `fn_name`, or `assert_case`, a
list of asserts; or `functional`, source that calls `check(...)`; or `pytest`, a file of tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..cases import TestCase
from ..comparison import Comparison
from ..errors import DatasetError
from ..languages import canonical_language
from .appended import appended_test
from .asserts import lower_tests, read_check_script
from .calls import SOLUTION_PREAMBLE, entry_point_of
from .cases import read_cases
from .contents import Contents
from .fields import decoded, describe, list_of, mapping_of, text_of
from .rules import LINE_BY_LINE, LIVECODEBENCH, VERIFIERS
from .suites import suite_of

_GROUND_TRUTH = "reward_model, ground_truth"


def read_info(row: Mapping[str, Any]) -> Contents:
    """Read `tests`, `test_cases` or `verification_info` in the column `info`."""
    info = mapping_of(row["info"], "column 'info'")
    return _cases_within(info, ("tests", "test_cases", "verification_info"), row, what="info", official=VERIFIERS)


def read_nemo_gym(row: Mapping[str, Any]) -> Contents:
    """Read `unit_tests` in the column `verifier_metadata`."""
    metadata = mapping_of(row["verifier_metadata"], "column 'verifier_metadata'")
    return _cases_within(metadata, ("unit_tests",), row, what="verifier_metadata", official=LIVECODEBENCH)


def read_reward_model(row: Mapping[str, Any]) -> Contents:
    """Read `ground_truth` in the column `reward_model`."""
    model = mapping_of(row["reward_model"], "column 'reward_model'")
    value = decoded(model.get("ground_truth"), _GROUND_TRUTH)
    if isinstance(value, list | tuple):
        return read_cases(value, row)
    if value is None:
        return Contents(())
    truth = mapping_of(value, _GROUND_TRUTH)
    if "pytest" in truth:
        return suite_of(text_of(truth["pytest"], f"{_GROUND_TRUTH}, pytest"), "pytest")
    if "functional" in truth:
        return _functional(text_of(truth["functional"], f"{_GROUND_TRUTH}, functional"), row)
    if "assert_case" in truth:
        return _asserted(list_of(truth["assert_case"], f"{_GROUND_TRUTH}, assert_case"))
    if not {"inputs", "outputs", "tests", "test_cases"} & truth.keys():
        keys = ", ".join(repr(key[:40]) for key in list(truth)[:8]) or "nothing"
        raise DatasetError(f"{_GROUND_TRUTH}: no tests in it; it holds {keys}")
    found = truth if "inputs" in truth or "outputs" in truth else truth.get("tests", truth.get("test_cases"))
    official = LINE_BY_LINE if row.get("data_source") == "code" else None
    return read_cases(decoded(found, _GROUND_TRUTH), row, fn_name=truth.get("fn_name"), official=official)


def _cases_within(
    holder: dict[str, Any], names: tuple[str, ...], row: Mapping[str, Any], *, what: str, official: Comparison
) -> Contents:
    name = next((name for name in names if name in holder), None)
    if name is None and not {"inputs", "outputs"} & holder.keys():
        wanted = " or ".join(map(repr, names))
        keys = ", ".join(repr(key[:40]) for key in list(holder)[:8]) or "nothing"
        raise DatasetError(f"column {what!r}: no {wanted}; it holds {keys}")
    value = decoded(holder[name] if name else holder, f"{what}, {name}")
    if isinstance(value, Mapping) and "test_cases" in value:
        language = value.get("language")
        return read_cases(
            decoded(value["test_cases"], f"{what}, test_cases"),
            row,
            fn_name=value.get("fn_name"),
            language=None if language is None else text_of(language, f"{what}, language"),
            official=official,
        )
    if not isinstance(value, Mapping | list | tuple | None):
        raise DatasetError(f"column {what!r}, {name}: expected tests, found {describe(value)}")
    return read_cases(value, {**row, **_starter(holder)}, fn_name=holder.get("fn_name"), official=official)


def _starter(holder: Mapping[str, Any]) -> dict[str, Any]:
    return {"starter_code": holder["starter_code"]} if "starter_code" in holder else {}


def _asserted(found: list[Any]) -> Contents:
    sources = [text_of(source, f"assert_case {i}") for i, source in enumerate(found, start=1)]
    tests = lower_tests(sources)
    return Contents(tests, entry_point=entry_point_of([call.function for test in tests for call in test.calls]))


def _functional(source: str, row: Mapping[str, Any]) -> Contents:
    language = canonical_language(text_of(row.get("language") or "python", "column 'language'"))
    if language != "python":
        return Contents((appended_test(source, language),), language=language)
    if not source.strip():
        return Contents(())
    tests: tuple[TestCase, ...]
    tests, entry_point = read_check_script(source)
    preamble = SOLUTION_PREAMBLE if entry_point == "Solution" else ""
    return Contents(tests, entry_point=entry_point, code_prompt=preamble)
