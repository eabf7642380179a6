"""The message rewards with real programs: in the local sandbox, and on a stand-in for the E2B service."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from e2b_service.handle import ServiceHandle, start_service

from rewards import CodeReward
from rewards.errors import ConfigurationError, SandboxUnavailable
from rewards.grader.workplace import languages_of
from rewards.message_rewards import e2b_code_execution_reward, fractional_code_reward, local_code_execution_reward
from rewards.message_rewards import execution as execution_module

ROOT = Path(__file__).resolve().parents[1]
FACTORIAL = [
    {"role": "user", "content": "Write a Python function to calculate the factorial of a number."},
    {
        "role": "assistant",
        "content": """Here is one:

```python
def factorial(n):
    return 1 if n < 2 else n * factorial(n - 1)

print(factorial(5))  # Should output 120
```

It multiplies.""",
    },
]


def fenced(source: str) -> str:
    return f"```python\n{source}\n```"


@pytest.fixture(scope="module", autouse=True)
def _local() -> Iterator[None]:
    try:
        local_code_execution_reward(fenced("print()"))
    except SandboxUnavailable as missing:
        pytest.skip(f"run these where the local sandbox works: {missing}")
    yield
    local_code_execution_reward.close()
    fractional_code_reward.close()
    e2b_code_execution_reward.close()


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[ServiceHandle]:
    with start_service() as handle:
        for name, value in handle.environment.items():
            monkeypatch.setenv(name, value)
        yield handle
        e2b_code_execution_reward.close()


def test_the_basic_example_of_the_guide() -> None:
    result = local_code_execution_reward(messages=FACTORIAL, expected_output="120", language="python", timeout=10)
    assert result.score == 1.0
    assert "sandbox local" in result.metrics["execution_result"].reason
    assert "120" in result.metrics["execution_result"].reason


@pytest.mark.skipif(shutil.which("node") is None, reason="apt install nodejs to run JavaScript")
def test_the_javascript_example_of_the_guide() -> None:
    if "javascript" not in (languages_of("local") or ()):
        pytest.skip("run it where the local sandbox can hold other languages: at level A")
    source = """function isPalindrome(text) {
    const clean = text.toLowerCase().replace(/[^a-z0-9]/g, '');
    return clean === clean.split('').reverse().join('');
}
console.log(isPalindrome("A man, a plan, a canal: Panama"));
console.log(isPalindrome("hello"));"""
    response = f"Here:\n```javascript\n{source}\n```"
    result = local_code_execution_reward(response, expected_output="true\nfalse", language="javascript", timeout=10)
    assert result.score == 1.0
    assert local_code_execution_reward(response, expected_output="true", language="js").score < 1.0


@pytest.mark.parametrize(
    ("source", "low", "high"),
    [
        pytest.param("print(120)", 1.0, 1.0, id="right"),
        pytest.param("print(119)", 0.9, 0.99, id="nearly right"),
        pytest.param("print('120 or so')", 0.3, 0.9, id="right and more"),
        pytest.param("print(float('nan'))", 0.0, 0.0, id="nan"),
        pytest.param("print(float('inf'))", 0.0, 0.0, id="infinity"),
        pytest.param("print(*range(1000))", 0.0, 0.01, id="every answer"),
        pytest.param("print('1' * 10**6)", 0.0, 0.0, id="a number of a million digits"),
        pytest.param("print('120 ' * 10**5)", 0.0, 0.01, id="a flood that is kept"),
        pytest.param("while True: print('120')", 0.0, 0.0, id="a flood without an end"),
        pytest.param("print(120); raise SystemExit(1)", 0.0, 0.0, id="right and failed"),
        pytest.param("print(120, flush=True)\nwhile True: pass", 0.0, 0.0, id="right and never ends"),
        pytest.param("print(120", 0.0, 0.0, id="no Python"),
        pytest.param("import os; os._exit(0)", 0.0, 0.0, id="silence and exit code 0"),
        pytest.param("import sys; sys.stderr.write('120')", 0.0, 0.0, id="on the wrong stream"),
    ],
)
def test_what_programs_get(source: str, low: float, high: float) -> None:
    result = local_code_execution_reward(fenced(source), expected_output="120", timeout=1)
    assert result.score is not None
    assert low <= result.score <= high, result


def test_the_expected_output_is_nowhere_in_the_programs_reach() -> None:
    spy = fenced("import os, sys\nprint(sys.argv, os.environ, os.listdir('.'), sys.stdin.read())")
    result = local_code_execution_reward(spy, expected_output="SECRET-42", similarity=False)
    assert result.score == 0.0
    assert "SECRET-42" not in result.metrics["execution_result"].reason


def test_test_cases_are_read_from_standard_input() -> None:
    cases = [{"input": f"{n}\n", "expected_output": str(n * n)} for n in range(4)]
    program = fenced("n = int(input())\nassert n < 3\nprint(n * n)")
    result = fractional_code_reward(program, test_cases=cases)
    assert result.score == 0.75
    assert "AssertionError" in result.metrics["output_match"].reason


def test_a_batch_is_graded_as_its_completions_are_one_by_one() -> None:
    outputs = [str(n % 3) for n in range(24)]
    completions = [fenced(f"print({n % 2})") for n in range(24)]
    scores = local_code_execution_reward(completions=completions, expected_output=outputs)
    single = [
        local_code_execution_reward(completion, expected_output=output).score
        for completion, output in zip(completions[:6], outputs[:6], strict=True)
    ]
    assert scores == single * 4


def test_rewards_share_one_local_sandbox_and_later_calls_are_quick() -> None:
    local_code_execution_reward(fenced("print(1)"))
    fractional_code_reward(fenced("print(1)"))
    sandboxes = {
        reward._engine._graders["local"][1].workplace.sandbox
        for reward in (local_code_execution_reward, fractional_code_reward)
    }
    with CodeReward(sandbox="local", name="shares") as reward:
        sandboxes.add(reward._grader.workplace.sandbox)
    assert len(sandboxes) == 1
    began = time.monotonic()
    for _ in range(10):
        local_code_execution_reward(fenced("print(1)"), expected_output="1")
    assert time.monotonic() - began < 5.0, "a sandbox of its own for each call would take longer"


def test_without_a_key_the_local_sandbox_stands_in_and_says_so_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution_module, "_warned", set())
    with caplog.at_level(logging.WARNING, logger="rewards"):
        results = [e2b_code_execution_reward(FACTORIAL, expected_output="120") for _ in range(2)]
        fractional = fractional_code_reward(FACTORIAL, expected_output="120", environment="e2b")
    assert [result.score for result in (*results, fractional)] == [1.0, 1.0, 1.0]
    assert "sandbox local (the fallback: there is no E2B key" in results[0].metrics["execution_result"].reason
    assert sum("E2B key" in record.getMessage() for record in caplog.records) == 1


@pytest.mark.parametrize("arguments", [{}, {"api_key": ""}])
def test_without_a_key_and_a_fallback_there_is_an_error(arguments: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="E2B_API_KEY"):
        e2b_code_execution_reward(FACTORIAL, expected_output="120", fallback=None, **arguments)
    with pytest.raises(ConfigurationError, match="E2B_API_KEY"):
        fractional_code_reward(FACTORIAL, expected_output="120", environment="e2b", fallback=None, **arguments)


@pytest.mark.parametrize("environment", ["cloud", "E2B", None])
def test_an_unknown_environment_is_an_error(environment: Any) -> None:
    with pytest.raises(ConfigurationError, match="environment"):
        fractional_code_reward(FACTORIAL, expected_output="120", environment=environment)


@pytest.mark.parametrize("key", ["from the environment", "as an argument"])
def test_programs_run_on_e2b_and_calls_share_its_sandboxes(
    key: str, service: ServiceHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("e2b", reason="pip install 'code-rewards[e2b]' to run on a stand-in for E2B")
    arguments = {"expected_output": "120"}
    if key == "as an argument":
        arguments["api_key"] = service.api_key
        monkeypatch.delenv("E2B_API_KEY")
    results = [e2b_code_execution_reward(FACTORIAL, **arguments) for _ in range(5)]
    assert [result.score for result in results] == [1.0] * 5
    assert "sandbox e2b" in results[0].metrics["execution_result"].reason
    assert fractional_code_reward(FACTORIAL, environment="e2b", **arguments).score == 1.0
    assert e2b_code_execution_reward(completions=[FACTORIAL[1:]] * 4, **arguments) == [1.0] * 4
    assert service.stats().creates <= 2, "one for each call would be seven"
    fractional_code_reward.close()
    e2b_code_execution_reward.close()
    assert service.alive() == ()


def test_a_process_that_ends_leaves_no_sandbox_alive(service: ServiceHandle) -> None:
    pytest.importorskip("e2b", reason="pip install 'code-rewards[e2b]' to run on a stand-in for E2B")
    code = (
        "from rewards.message_rewards import e2b_code_execution_reward as reward\n"
        "result = reward('```python\\nprint(5)\\n```', expected_output='5')\n"
        "assert result.score == 1.0, result\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, env=dict(os.environ), timeout=60)
    assert service.stats().creates == 1
    assert service.alive() == ()
