"""Completions that are made for an evaluation: by a model in this process, and by a server."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

pytest.importorskip("trl", reason="pip install 'code-rewards[train]' to generate completions")
pytest.importorskip("openai", reason="pip install 'code-rewards[endpoint]' to ask a server")

from openai_server import OpenAIServer

from rewards import CodeReward, ConfigurationError, DatasetError
from rewards.sandboxes.fake import FakeSandbox
from trainers.evaluation import EvaluationOptions, evaluate_dataset
from trainers.evaluation.endpoint import EndpointSource, EndpointUnavailable
from trainers.evaluation.local_model import ModelSource, Sampling
from trainers.evaluation.rows import Rows

QUIET = EvaluationOptions(report=False, progress=False, batch_size=4)
PROBLEMS = [
    {"task_id": i, "prompt": [{"role": "user", "content": f"Print {i}."}], "expected_output": str(i)} for i in range(12)
]
TEXTS = [{**problem, "prompt": f"# print {i}\n"} for i, problem in enumerate(PROBLEMS)]
DRAWN = Sampling(n=2, max_new_tokens=6, temperature=1.0, seed=3)


def printed(job) -> str:
    return job.program.source.strip().removeprefix("print(").removesuffix(")")


def evaluated(source, folder: Path):
    with CodeReward(sandbox=FakeSandbox(printed, otherwise="?")) as reward:
        return evaluate_dataset(reward, source.rows, completions=source, output_dir=folder, options=QUIET)


def tiny_source(**changed) -> ModelSource:
    from tiny_policy import tiny_model, tiny_tokenizer

    tokenizer = tiny_tokenizer()
    options = {"sampling": DRAWN, "batch_size": 5, **changed}
    return ModelSource(Rows(PROBLEMS), tiny_model(tokenizer), tokenizer, **options)


def test_a_local_model_answers_the_same_again_and_is_not_asked_twice(tmp_path):
    first = evaluated(tiny_source(), tmp_path / "a")
    assert first.summary["samples"] == 24
    again = evaluated(tiny_source(), tmp_path / "b")
    told = [result.completion for result in first.results]
    assert told == [result.completion for result in again.results]
    assert len(set(told)) > 12, "drawn, not the same one each time"
    # What is left of a run that was killed while it generated: whole lines, and half a line.
    path = tmp_path / "b/completions.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:7]) + lines[7][:9])
    (tmp_path / "b/results.jsonl").write_bytes(b"")
    assert [result.completion for result in evaluated(tiny_source(), tmp_path / "b").results] == told


def test_another_seed_is_another_evaluation(tmp_path):
    evaluated(tiny_source(), tmp_path)
    with pytest.raises(ConfigurationError, match="completions"):
        evaluated(tiny_source(sampling=Sampling(n=2, max_new_tokens=6, temperature=1.0, seed=4)), tmp_path)


SEEN = [
    pytest.param("abc", {}, ["<|turn|>", "a", "b", "c"], id="text begins as the tokenizer begins it"),
    pytest.param([{"role": "user", "content": "a"}], {}, ["<|turn|>", "a"], id="a template writes its own marks"),
    pytest.param(
        [{"role": "user", "content": "a"}], {"shout": True}, ["<|turn|>", "a", "!"], id="options for the template"
    ),
]


@pytest.mark.parametrize(("prompt", "options", "tokens"), SEEN)
def test_a_local_model_is_given_what_training_would_give_it(prompt, options, tokens, tmp_path):
    from tiny_policy import tiny_model, tiny_tokenizer
    from tokenizers.processors import TemplateProcessing

    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = "<|turn|>{{ messages[0]['content'] }}{% if shout %}!{% endif %}"
    begins = TemplateProcessing(
        single="<|turn|> $A", special_tokens=[("<|turn|>", tokenizer.convert_tokens_to_ids("<|turn|>"))]
    )
    tokenizer.backend_tokenizer.post_processor = begins
    model, given = tiny_model(tokenizer), []
    generate = model.generate
    model.generate = lambda **told: given.append(told) or generate(**told)
    rows = [
        {"task_id": 1, "prompt": "abcdefg", "expected_output": "1"},
        {"task_id": 2, "prompt": prompt, "expected_output": "1"},
    ]
    sampling = Sampling(max_new_tokens=2, chat_template_kwargs=options)
    evaluated(ModelSource(Rows(rows), model, tokenizer, sampling=sampling), tmp_path)
    (told,) = given
    ids, mask = told["input_ids"][1], told["attention_mask"][1].bool()
    assert tokenizer.convert_ids_to_tokens(ids[mask]) == tokens
    assert set(tokenizer.convert_ids_to_tokens(ids[~mask])) == {"<|pad|>"}
    assert mask[-1], "padded on the left"


def test_options_for_the_template_reach_a_server(tmp_path):
    with OpenAIServer(solving) as server:
        sampling = Sampling(chat_template_kwargs={"enable_thinking": False})
        evaluated(EndpointSource(Rows(PROBLEMS), "solver", base_url=server.base_url, sampling=sampling), tmp_path)
    assert server.last["chat_template_kwargs"] == {"enable_thinking": False}


@pytest.mark.parametrize("wrong", [{"n": 0}, {"temperature": -1.0}, {"n": 4, "temperature": 0.0}, {"top_p": 0.0}])
def test_sampling_that_cannot_be_is_refused(wrong):
    with pytest.raises(ConfigurationError):
        Sampling(**wrong)


def solving(prompt: str, seed: int) -> str:
    number = prompt.rstrip(".\n").split()[-1]
    return f"```python\nprint({number if seed % 2 else 99})\n```"


@pytest.mark.parametrize("problems", [pytest.param(PROBLEMS, id="messages"), pytest.param(TEXTS, id="text")])
def test_a_server_is_asked_at_most_so_much_at_once_and_its_faults_are_waited_out(problems, tmp_path):
    faults = {1: 500, 3: 429, 5: 0, 7: 503, 9: 429}
    with OpenAIServer(solving, faults=faults, latency_s=0.01) as server:
        source = EndpointSource(
            Rows(problems), "solver", base_url=server.base_url, sampling=Sampling(n=2, temperature=1.0), concurrency=5
        )
        found = evaluated(source, tmp_path)
        assert found.summary["samples"] == 24
        assert found.summary["passed"] == 12, "every second seed solves it"
        assert server.most_at_once <= 5
        assert server.requests == 24 + len(faults)
        assert max(server.asked.values()) == 1


def test_answers_that_came_before_are_not_asked_for_again(tmp_path):
    with OpenAIServer(solving) as server:
        source = EndpointSource(Rows(PROBLEMS), "solver", base_url=server.base_url)
        first = evaluated(source, tmp_path)
        lines = (tmp_path / "completions.jsonl").read_bytes().splitlines(keepends=True)
        (tmp_path / "completions.jsonl").write_bytes(b"".join(lines[:8]))
        (tmp_path / "results.jsonl").write_bytes(b"")
        asked = server.requests
        again = evaluated(source, tmp_path)
        assert server.requests - asked == 4
    assert [r.digest for r in again.results] == [r.digest for r in first.results]


@pytest.mark.parametrize(("status", "complaint"), [(401, "refuses"), (404, "refuses"), (400, "first question")])
def test_what_the_server_refuses_from_the_start_is_the_users_error(status, complaint, tmp_path):
    with OpenAIServer(solving, faults=dict.fromkeys(range(100), status)) as server:
        source = EndpointSource(Rows(PROBLEMS), "solver", base_url=server.base_url, concurrency=1)
        with pytest.raises(ConfigurationError, match=complaint):
            evaluated(source, tmp_path)


@pytest.mark.parametrize("status", [400, 413, 422])
def test_one_prompt_that_is_refused_is_an_empty_answer_and_the_others_go_on(status, tmp_path):
    with OpenAIServer(lambda prompt, seed: solving(prompt, 1), faults={6: status}) as server:
        source = EndpointSource(Rows(PROBLEMS), "solver", base_url=server.base_url, concurrency=1)
        found = evaluated(source, tmp_path)
    assert found.summary["verdicts"] == {"accepted": 11, "no_program": 1}


def test_a_server_that_stays_away_keeps_what_was_answered(tmp_path):
    with OpenAIServer(solving, faults=dict.fromkeys(range(5, 99), 500)) as server:
        source = EndpointSource(Rows(PROBLEMS), "solver", base_url=server.base_url, concurrency=1, retries=1)
        with pytest.raises(EndpointUnavailable, match="500"):
            evaluated(source, tmp_path)
    assert len((tmp_path / "completions.jsonl").read_text().splitlines()) == 5


NO_ANSWERS = [
    pytest.param('{"id": "x", "choi', id="half a body"),
    pytest.param("<html>bad gateway</html>", id="a gateway's page"),
    pytest.param('{"error": {"message": "overloaded"}}', id="an error with the status of a success"),
    pytest.param('{"choices": []}', id="no choice"),
    pytest.param('{"choices": [{"message": null}]}', id="no message"),
    pytest.param('{"choices": [{"message": {"content": [{"type": "text"}]}}]}', id="content that is no text"),
    pytest.param("null", id="nothing"),
]


@pytest.mark.parametrize("body", NO_ANSWERS)
def test_a_body_that_is_no_answer_is_asked_for_again(body, tmp_path):
    with OpenAIServer(lambda prompt, seed: solving(prompt, 1), faults={3: body}) as server:
        source = EndpointSource(Rows(PROBLEMS), "solver", base_url=server.base_url, concurrency=1)
        assert evaluated(source, tmp_path).summary["passed"] == 12


def test_a_server_that_sends_no_answers_is_said_to_fail(tmp_path):
    with OpenAIServer(solving, faults=dict.fromkeys(range(5, 99), '{"error": "overloaded"}')) as server:
        source = EndpointSource(Rows(PROBLEMS), "solver", base_url=server.base_url, concurrency=1, retries=0)
        with pytest.raises(EndpointUnavailable, match="no answer"):
            evaluated(source, tmp_path)
    assert len((tmp_path / "completions.jsonl").read_text().splitlines()) == 5
    assert "evaluation-endpoint" not in [thread.name for thread in threading.enumerate()]


def test_an_evaluation_that_ends_does_not_wait_for_answers_that_nobody_wants(tmp_path):
    """As at Ctrl-C: the server may take ten minutes for each."""

    def failing(completions, **columns):
        raise DatasetError("not to be had")

    first_four = [problem["prompt"][-1]["content"] for problem in PROBLEMS[:4]]
    with OpenAIServer(solving) as server:
        server.latency_of = lambda prompt: 0.0 if prompt in first_four else 600.0
        source = EndpointSource(Rows(PROBLEMS), "solver", base_url=server.base_url)
        began = time.monotonic()
        with pytest.raises(DatasetError, match="not to be had"):
            evaluate_dataset(failing, source.rows, completions=source, output_dir=tmp_path, options=QUIET)
        assert time.monotonic() - began < 60
