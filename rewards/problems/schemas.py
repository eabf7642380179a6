"""The table of schemas: by which columns each is known, and what reads it. The first that fits a row is its schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .assert_lists import lists_asserts, read_acecode, read_lbpp, read_mbpp, read_mbpp_plus
from .canonical import read_canonical
from .cases import read_collinear, read_input_output, read_inputs_and_outputs, read_verification_info
from .contents import Contents
from .contests import (
    lists_sandbox_fusion_tests,
    read_code_contests,
    read_codeforces,
    read_livecodebench,
    read_sandbox_fusion,
)
from .cruxeval import read_cruxeval
from .evalplus import read_evalplus
from .expected_output import read_expected_output
from .humaneval import read_humaneval
from .leetcode import asks_a_method, read_leetcode
from .nested import read_info, read_nemo_gym, read_reward_model
from .reward_kit import read_ground_truth, read_reward_kit
from .suites import is_file_of_tests, read_kodcode
from .translations import read_humaneval_x, read_multipl_e


@dataclass(frozen=True)
class Schema:
    """A form that rows have."""

    columns: tuple[tuple[str, ...], ...]
    """A row must have all columns of one of these."""
    read: Callable[[Mapping[str, Any]], Contents]
    looks_so: Callable[[Mapping[str, Any]], bool] | None = None
    """Tells it from other schemas with the same columns, by what is in them."""

    def fits(self, row: Mapping[str, Any]) -> bool:
        """Say whether *row* is to be read so when it names no schema."""
        return self.has_columns(row) and (self.looks_so is None or self.looks_so(row))

    def has_columns(self, names: Mapping[str, Any] | frozenset[str]) -> bool:
        """Say whether these columns are enough."""
        return any(all(column in names for column in needed) for needed in self.columns)

    @property
    def needs(self) -> str:
        """Name the columns, for messages."""
        return " or ".join("+".join(needed) for needed in self.columns)


def _needing(*columns: str) -> tuple[tuple[str, ...], ...]:
    return (columns,)


def _any_of(*columns: str) -> tuple[tuple[str, ...], ...]:
    return tuple((column,) for column in columns)


TABLE = {
    # What has more columns than another schema comes before it; what any set may have for other ends comes last.
    "multipl_e": Schema(_needing("tests", "stop_tokens", "language"), read_multipl_e),
    "collinear": Schema(_needing("tests", "verifier"), read_collinear),
    "tests": Schema(_needing("tests"), read_canonical),
    "verification_info": Schema(_needing("verification_info"), read_verification_info),
    "codeforces": Schema((("official_tests",), ("examples", "input_mode")), read_codeforces),
    "livecodebench": Schema(_any_of("public_test_cases", "private_test_cases"), read_livecodebench),
    "code_contests": Schema(_any_of("public_tests", "private_tests"), read_code_contests),
    "leetcode": Schema(_needing("test", "entry_point"), read_leetcode, asks_a_method),
    "input_output": Schema(_needing("input_output"), read_input_output),
    "evalplus": Schema(_needing("base_input", "canonical_solution", "entry_point"), read_evalplus),
    "mbpp_plus": Schema(_needing("test", "test_list"), read_mbpp_plus),
    "lbpp": Schema(_needing("test_setup", "test_list"), read_lbpp),
    "mbpp": Schema(_needing("test_list"), read_mbpp),
    "sandbox_fusion": Schema(_needing("test"), read_sandbox_fusion, lists_sandbox_fusion_tests),
    "kodcode": Schema(_any_of("test", "test_code"), read_kodcode, is_file_of_tests),
    "humaneval_x": Schema(_needing("test", "declaration"), read_humaneval_x),
    "humaneval": Schema(_needing("test", "entry_point"), read_humaneval),
    "acecode": Schema(_needing("test_cases"), read_acecode, lists_asserts),
    "reward_kit": Schema(_needing("test_cases"), read_reward_kit),
    "nemo_gym": Schema(_needing("verifier_metadata"), read_nemo_gym),
    "cruxeval": Schema(_needing("code", "input", "output"), read_cruxeval),
    "inputs_outputs": Schema(_needing("inputs", "outputs"), read_inputs_and_outputs),
    "expected_output": Schema(_needing("expected_output"), read_expected_output),
    "reward_model": Schema(_needing("reward_model"), read_reward_model),
    "info": Schema(_needing("info"), read_info),
    "ground_truth": Schema(_needing("ground_truth"), read_ground_truth),
}
"""By name, in the order in which a row is tried."""

READ_COLUMNS = frozenset(column for schema in TABLE.values() for needed in schema.columns for column in needed) | {
    *("test_setup_code", "test_imports", "prompts", "prompt", "code_prompt", "language", "comparison", "starter_code"),
    *(
        "metadata",
        "time_limit",
        "cpu_s",
        "wall_s",
        "memory_limit",
        "memory_limit_bytes",
        "memory_mb",
        "task_id",
        "data_source",
    ),
    *("generated_tests", "input_file", "output_file", "examples", "input_mode", "interaction_format"),
    *("generated_checker", "test_info", "plus_input", "atol", "func_name", "fn_name", "predict"),
    *("function_to_call", "target_function"),
}
"""Every column that a schema, or what all schemas share, looks at."""
