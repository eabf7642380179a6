"""Servers that speak OpenAI's protocol each in their own way: what they refuse is told from what they cannot answer."""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path

import pytest

pytest.importorskip("trl", reason="pip install 'code-rewards[train]' to evaluate data sets")
pytest.importorskip("openai", reason="pip install 'code-rewards[endpoint]' to ask a server")

from openai_server import OpenAIServer

from rewards import CodeReward, ConfigurationError
from rewards.sandboxes.fake import FakeSandbox
from trainers.evaluation import EvaluationOptions, evaluate_dataset
from trainers.evaluation.endpoint import Client, EndpointSource
from trainers.evaluation.rows import Rows
from trainers.evaluation.sampling import Sampling

QUIET = EvaluationOptions(report=False, progress=False, batch_size=4)
PROBLEMS = [
    {"task_id": i, "prompt": [{"role": "user", "content": f"Print {i}."}], "expected_output": str(i)} for i in range(8)
]
TEXTS = [{**problem, "prompt": f"# print {i}\n"} for i, problem in enumerate(PROBLEMS)]


def solving(prompt: str, seed: int) -> str:
    number = prompt.rstrip(".\n").split()[-1]
    return f"```python\nprint({number})\n```"


def unjudged(completions, **columns):
    return [None] * len(completions)


def printed(job) -> str:
    return job.program.source.strip().removeprefix("print(").removesuffix(")")


def evaluated(server: OpenAIServer, folder: Path, rows: list = PROBLEMS, **options):
    source = EndpointSource(Rows(rows), "solver", base_url=server.base_url, **options)
    with CodeReward(sandbox=FakeSandbox(printed, otherwise="?")) as reward:
        return evaluate_dataset(reward, rows, completions=source, output_dir=folder, options=QUIET)


@pytest.mark.parametrize("problems", [pytest.param(PROBLEMS, id="messages"), pytest.param(TEXTS, id="text")])
@pytest.mark.parametrize("concurrency", [1, 8])
def test_a_first_prompt_that_is_too_long_does_not_end_the_evaluation(problems, concurrency, tmp_path, caplog):
    """It is refused at once, while the others are still being answered."""

    def too_long(told: dict) -> str | None:
        asked = told.get("prompt") or told["messages"][-1]["content"]
        return "maximum context length is 10 tokens" if "rint 0" in asked else None

    with OpenAIServer(solving, latency_s=0.2) as server, caplog.at_level(logging.WARNING):
        server.refuses = too_long
        found = evaluated(server, tmp_path, problems, concurrency=concurrency)
    assert found.summary["verdicts"] == {"accepted": 7, "no_program": 1}
    assert server.requests <= len(problems) + 1, "one more question tells whether it is the prompt"
    assert "1 of 8 completions are empty, because the prompt was refused" in caplog.text


REFUSING = [
    pytest.param(
        "max_tokens",
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        id="OpenAI's reasoning models",
    ),
    pytest.param("seed", 'Invalid JSON payload received. Unknown name "seed": Cannot find field.', id="Gemini"),
    pytest.param("seed", "[{'type': 'extra_forbidden', 'loc': ['body', 'seed']}]", id="Mistral"),
    pytest.param("top_p", "`temperature` and `top_p` cannot both be specified for this model.", id="Claude"),
]


@pytest.mark.parametrize(("option", "complaint"), REFUSING)
@pytest.mark.parametrize("concurrency", [1, 8])
def test_an_option_that_a_server_does_not_take_is_left_out_or_has_its_other_name(
    option, complaint, concurrency, tmp_path
):
    with OpenAIServer(solving, latency_s=0.01) as server:
        server.refuses = lambda told: complaint if option in told else None
        found = evaluated(server, tmp_path, concurrency=concurrency, sampling=Sampling(max_new_tokens=77))
    assert found.summary["passed"] == 8
    assert server.last.get("max_completion_tokens", server.last.get("max_tokens")) == 77


def test_an_option_that_changes_the_answers_is_never_left_out(tmp_path):
    with OpenAIServer(solving) as server:
        server.refuses = lambda told: "temperature and top_p cannot both be specified" if "top_p" in told else None
        with pytest.raises(ConfigurationError, match="cannot both"):
            evaluated(server, tmp_path / "a", sampling=Sampling(temperature=1.0, top_p=0.9))
        server.refuses = lambda told: "Unsupported value: 'temperature' does not support 0.0 with this model."
        with pytest.raises(ConfigurationError, match="does not support"):
            evaluated(server, tmp_path / "b")


def test_fields_that_a_table_has_for_all_messages_are_not_sent_where_they_are_empty(tmp_path):
    rows = [{**PROBLEMS[1], "prompt": [{"role": "user", "content": "Print 1.", "name": None, "tool_calls": None}]}]
    with OpenAIServer(solving) as server:
        assert evaluated(server, tmp_path, rows).pass_at_1 == 1.0
        assert server.last["messages"] == [{"role": "user", "content": "Print 1."}]


def test_a_limit_of_requests_by_the_minute_is_waited_out(tmp_path):
    with OpenAIServer(solving, faults=dict.fromkeys(range(2, 6), 429)) as server:
        assert evaluated(server, tmp_path, concurrency=1, retries=2).summary["passed"] == 8


def test_trying_the_unjudged_again_asks_for_nothing_that_is_not_judged_yet(tmp_path):
    with OpenAIServer(solving) as server:
        source = EndpointSource(Rows(PROBLEMS), "solver", base_url=server.base_url, concurrency=1)
        evaluate_dataset(unjudged, PROBLEMS, completions=source, output_dir=tmp_path, options=QUIET)
        for name in ("completions.jsonl", "results.jsonl"):
            (tmp_path / name).write_bytes(b"".join((tmp_path / name).read_bytes().splitlines(keepends=True)[:4]))
        before = server.requests
        again = dataclasses.replace(QUIET, retry_unjudged=True)
        evaluate_dataset(unjudged, PROBLEMS, completions=source, output_dir=tmp_path, options=again)
        assert server.requests - before == 4


def test_seeds_of_two_evaluations_are_others(tmp_path):
    asked = []
    for seed in (0, 1):
        with OpenAIServer(solving) as server:
            sampling = Sampling(n=4, temperature=1.0, seed=seed)
            evaluated(server, tmp_path / str(seed), sampling=sampling)
            asked.append(set(server.asked))
    assert not asked[0] & asked[1]


def test_a_continuation_is_cut_at_its_stops_whatever_the_server_does(tmp_path):
    row = {"task_id": 0, "prompt": "# 0\n", "expected_output": "0", "stop_tokens": ["\n#", "\nif", "\na", "\nb", "\nc"]}
    with OpenAIServer(lambda prompt, seed: "print(0)\nc = 'cut off he") as server:
        assert evaluated(server, tmp_path / "row", [row]).pass_at_1 == 1.0
        assert server.last["stop"] == ["\n#", "\nif", "\na", "\nb"], "OpenAI takes four"
        chosen = Sampling(stop=(" = ",))
        assert evaluated(server, tmp_path / "chosen", [row], sampling=chosen).pass_at_1 == 0.0
        assert server.last["stop"] == [" = "]
        assert evaluated(server, tmp_path / "none", [row], sampling=Sampling(stop=())).pass_at_1 == 0.0
        assert "stop" not in server.last


def test_a_long_answer_has_the_time_that_it_takes():
    def waited_s(**options) -> float:
        with Client(EndpointSource(Rows([]), "m", base_url="http://127.0.0.1:9/v1", **options)) as client:
            return client._client.timeout

    assert waited_s() == 600.0
    assert waited_s(sampling=Sampling(max_new_tokens=32_768)) > 3000.0
    assert waited_s(timeout_s=7.0) == 7.0
