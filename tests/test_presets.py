"""Rewards by name for TRL's command line, made of environment variables."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import pickle
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from markdown_it import MarkdownIt

from rewards import CircuitBreaker, CodeReward, ConfigurationError, Extraction, Limits
from rewards.presets.variables import PREFIX, VARIABLES
from rewards.sandboxes.e2b_cloud.options import E2BOptions
from rewards.sandboxes.local import LocalSandbox

README = Path(__file__).resolve().parents[1] / "README.md"
OWNERS = {
    "reward": [CodeReward],
    "limits": [Limits],
    "extraction": [Extraction],
    "breaker": [CircuitBreaker],
    "local": [LocalSandbox],
    "e2b": [E2BOptions],
    "programs": [LocalSandbox, E2BOptions],
}
UNSAID = {"reward": {"name", "limits", "extraction", "breaker", "bounds"}}
"""What a preset is called is its own name; the others are made of variables, and bounds are for scorers in Python."""
PROGRAMS = ["print(1)", "print(2)", "while True: pass"]


@pytest.fixture
def presets(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The module as a fresh process sees it: presets are kept for the life of a process."""
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    import rewards.presets

    for name in rewards.presets.FIXED:
        monkeypatch.delitem(vars(rewards.presets), name, raising=False)
    yield rewards.presets
    for name in rewards.presets.FIXED:
        if name in vars(rewards.presets):
            getattr(rewards.presets, name).close()


def test_importing_needs_no_key_and_reads_no_variable():
    script = "import sys, rewards.presets as p; print(set(p.FIXED) & set(vars(p)), 'e2b' in sys.modules)"
    environment = {**os.environ, f"{PREFIX}NO_SUCH_THING": "1"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "set() False\n"


def test_a_preset_is_a_named_reward_and_one_object(presets):
    assert isinstance(presets.code, CodeReward)
    assert presets.code.__name__ == "code"
    assert presets.code is presets.code
    assert pickle.loads(pickle.dumps(presets.code_local)).__name__ == "code_local"


def test_each_preset_logs_under_a_name_of_its_own(presets):
    names = [getattr(presets, name).__name__ for name in presets.FIXED if "e2b" not in name]
    assert names == [name for name in presets.FIXED if "e2b" not in name]
    assert set(presets.__annotations__) >= set(presets.FIXED), "a type checker knows every preset"


def test_the_variables_reach_the_reward(presets, monkeypatch):
    monkeypatch.setenv(f"{PREFIX}SANDBOX", "local")
    monkeypatch.setenv(f"{PREFIX}SCORING", "fraction_passed")
    monkeypatch.setenv(f"{PREFIX}CPU_S", "0.5")
    monkeypatch.setenv(f"{PREFIX}SANDBOX_SLOTS", "1")
    monkeypatch.setenv(f"{PREFIX}BATCH_DEADLINE_S", "none")
    monkeypatch.setenv(f"{PREFIX}NO_PROGRAM_SCORE", "-0.5")
    monkeypatch.setenv(f"{PREFIX}MAX_TESTS", "")
    monkeypatch.setenv(f"{PREFIX}STOP_AT_FIRST_FAILURE", "True")  # as TRL writes a YAML's true
    tests = json.dumps([{"type": "output", "output": "1"}, {"type": "output", "output": "2"}])
    scores = presets.code(completions=[*PROGRAMS, "I cannot."], tests=[tests] * 4)
    assert scores == [0.5, 0.0, 0.0, -0.5], "stopped at the first failure, and fractions of two"


def test_presets_with_the_same_options_share_one_sandbox(presets, monkeypatch):
    monkeypatch.setenv(f"{PREFIX}SANDBOX_SLOTS", "1")
    assert presets.code_local._arguments["sandbox"] is presets.code_local_fraction._arguments["sandbox"]


BAD = [
    pytest.param("CPU_S", "fast", "CODE_REWARDS_CPU_S must be a number, found 'fast'", id="no number"),
    pytest.param("CPU_S", "-1", "CODE_REWARDS_CPU_S: limit cpu_s must be", id="a limit below zero"),
    pytest.param("MAX_TESTS", "2.5", "CODE_REWARDS_MAX_TESTS: max_tests must be a whole number", id="half a test"),
    pytest.param("MEMORY_MB", "none", "CODE_REWARDS_MEMORY_MB: limit memory_mb", id="no memory limit"),
    pytest.param("BATCH_DEADLINE_S", "nan", "CODE_REWARDS_BATCH_DEADLINE_S: batch_deadline_s", id="not a number"),
    pytest.param("STOP_AT_FIRST_FAILURE", "maybe", "CODE_REWARDS_STOP_AT_FIRST_FAILURE must be true or", id="no flag"),
    pytest.param("SANDBOX", "docker", "CODE_REWARDS_SANDBOX: sandbox 'docker' is unknown", id="no such sandbox"),
    pytest.param("SANDBOX", "e2b", "CODE_REWARDS_SANDBOX: sandbox 'e2b' needs a key", id="no key"),
    pytest.param("SCORING", "best", "CODE_REWARDS_SCORING: scorer 'best' is unknown", id="no such scoring"),
    pytest.param("FALLBACK", "docker", "CODE_REWARDS_FALLBACK: fallback must be", id="no such fallback"),
    pytest.param("TRUST", "blind", "CODE_REWARDS_TRUST: trust must be one of", id="no such trust"),
    pytest.param("LANGUAGE", "klingon", "CODE_REWARDS_LANGUAGE: language 'klingon'", id="no such language"),
    pytest.param("COMPARISON", "float:x", "CODE_REWARDS_COMPARISON: ", id="no such comparison"),
    pytest.param("BLOCK_CHOICE", "middle", "CODE_REWARDS_BLOCK_CHOICE: extraction: choice", id="no such block"),
    pytest.param("SANDBOX_LEVEL", "C", "CODE_REWARDS_SANDBOX_LEVEL: ", id="no such level"),
    pytest.param("BREAKER_SHARE", "2", "CODE_REWARDS_BREAKER_SHARE: breaker: share", id="a share of two"),
    pytest.param("CPU_SECONDS", "1", "did you mean CODE_REWARDS_CPU_S", id="a variable that nobody knows"),
    pytest.param("ZZZ", "1", "known are CODE_REWARDS_SANDBOX, ", id="nothing is near it"),
]


@pytest.mark.parametrize(("name", "text", "complaint"), BAD)
def test_a_bad_variable_is_named(presets, monkeypatch, name, text, complaint):
    monkeypatch.setenv(f"{PREFIX}{name}", text)
    monkeypatch.setenv(f"{PREFIX}WALL_S", "9")
    with pytest.raises(ConfigurationError) as caught:
        _ = presets.code
    assert complaint in str(caught.value)
    assert "code" not in vars(presets), "asked again, it is made again"


@pytest.mark.parametrize("name", ["CODE_REWARD_CPU_S", "code_rewards_cpu_s"])
def test_a_variable_that_is_nearly_ours_is_a_misspelt_one(presets, monkeypatch, name):
    monkeypatch.setenv(name, "5")
    with pytest.raises(ConfigurationError, match=f"{name} is none of ours, which begin CODE_REWARDS_"):
        _ = presets.code


def test_variables_that_do_not_go_together_are_all_named(presets, monkeypatch):
    monkeypatch.setenv(f"{PREFIX}ALLOW_UNPARSED", "true")
    monkeypatch.setenv(f"{PREFIX}ALLOW_BARE", "false")
    with pytest.raises(ConfigurationError, match=r"CODE_REWARDS_ALLOW_BARE, CODE_REWARDS_ALLOW_UNPARSED"):
        _ = presets.code


def test_what_a_preset_stands_for_is_not_overruled_in_silence(presets, monkeypatch):
    monkeypatch.setenv(f"{PREFIX}SCORING", "all_passed")
    with pytest.raises(ConfigurationError, match="'code_fraction' stands for 'fraction_passed'"):
        _ = presets.code_fraction
    assert presets.code.__name__ == "code"


def test_options_of_the_sandbox_that_is_not_used_are_refused_where_the_variables_chose_it(presets, monkeypatch):
    monkeypatch.setenv(f"{PREFIX}E2B_PLAN", "pro")
    assert presets.code_local.__name__ == "code_local", "the plan may be there for another preset"
    monkeypatch.setenv(f"{PREFIX}SANDBOX", "local")
    with pytest.raises(ConfigurationError, match="CODE_REWARDS_E2B_PLAN: no option of the sandbox 'local'"):
        _ = presets.code


def test_e2b_gets_its_options_and_the_fallback_those_of_the_local_one(presets, monkeypatch):
    pytest.importorskip("e2b", reason='pip install "code-rewards[e2b]"')
    monkeypatch.setenv("E2B_API_KEY", "e2b_" + "0" * 40)
    for name, text in {"E2B_PLAN": "pro", "E2B_KEEP_WARM": "2", "FALLBACK": "local", "SANDBOX_SLOTS": "3"}.items():
        monkeypatch.setenv(f"{PREFIX}{name}", text)
    arguments = presets.code_e2b._arguments
    assert (arguments["sandbox"]._options.plan, arguments["sandbox"]._options.keep_warm) == ("pro", 2)
    assert (arguments["fallback"].name, arguments["fallback"].capacity) == ("local", 3)


def test_e2b_without_a_key_is_an_error_when_the_preset_is_asked_for(presets):
    with pytest.raises(ConfigurationError, match="E2B_API_KEY"):
        _ = presets.code_e2b


def test_an_unknown_preset_is_answered_with_the_nearest(presets):
    with pytest.raises(AttributeError, match="did you mean 'code_local'"):
        _ = presets.code_locla
    assert not hasattr(presets, "__wrapped__")
    assert importlib.util.find_spec("rewards.presets.variables") is not None


@pytest.mark.parametrize("name", sorted(VARIABLES))
def test_every_variable_sets_an_option_that_exists(name):
    variable = VARIABLES[name]
    assert all(variable.option in inspect.signature(owner).parameters for owner in OWNERS[variable.part])


def test_every_option_of_a_reward_that_fits_a_line_of_text_has_a_variable():
    for part, (owner, *_) in OWNERS.items():
        options = set(inspect.signature(owner).parameters) - UNSAID.get(part, set())
        if part in ("reward", "limits", "extraction", "breaker"):
            assert {each.option for each in VARIABLES.values() if each.part == part} == options


def test_the_block_that_the_readme_shows_makes_a_reward(presets, monkeypatch):
    yaml = pytest.importorskip("yaml", reason="pip install pyyaml")
    (block,) = [token.content for token in MarkdownIt().parse(README.read_text()) if "CODE_REWARDS_" in token.content
                and token.type == "fence"]  # fmt: skip
    run = yaml.safe_load(block)
    for name, value in run["env"].items():
        monkeypatch.setenv(name, str(value))  # what TRL does with it
    (path,) = run["reward_funcs"]
    assert getattr(presets, path.removeprefix("rewards.presets."))._reading.limits.memory_mb == 512


def test_the_readme_names_every_preset_and_only_variables_that_exist(presets):
    text = README.read_text()
    assert all(f"`{name}`" in text for name in presets.FIXED)
    assert {name for name in re.findall(rf"{PREFIX}([A-Z0-9_]+)", text)} <= set(VARIABLES)
