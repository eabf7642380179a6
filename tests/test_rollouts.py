"""Agents inside TRL's own GRPO trainer: our parallel turns beside TRL's serial loop, with a scripted model."""

from __future__ import annotations

import dataclasses
from functools import partial
from pathlib import Path

import pytest

pytest.importorskip("trl", reason="pip install 'code-rewards[train]' to run agents inside TRL")

from scripted_trainer import chat_tokenizer, says, scripted_trainer

from rewards import ConfigurationError, Interpreters
from rewards.records import SandboxFailure
from rewards.sandboxes.fake import FakeSandbox, FakeSessions
from trainers.environments import CodeInterpreterEnvironment
from trainers.environments.context_budget import measured_budget
from trainers.environments.reward import AgentReward
from trainers.environments.rollouts import QuietEnvironment, Rollouts, tools_of

pytestmark = pytest.mark.filterwarnings(
    "ignore:`(is_)?gradient_checkpointing` is deprecated:FutureWarning",  # transformers renamed what TRL still sets
    "ignore:.*pin_memory.*:UserWarning",
)
GONE = SandboxFailure("died", "the machine is gone")
LONG = "0123456789" * 400


class Seen:
    """A reward that remembers the messages of its batches."""

    __name__ = "seen"

    def __init__(self) -> None:
        self.batches: list[list[list[dict]]] = []

    def __call__(self, completions, **columns):
        self.batches.append([list(messages) for messages in completions])
        return [0.5 * (i % 2) for i in range(len(completions))]


@dataclasses.dataclass
class Outcome:
    trainer: object
    conversations: list[list[dict]]
    sandbox: FakeSandbox

    @property
    def ids(self):
        return self.trainer.generated[0]

    def messages(self, role: str) -> list[dict]:
        return [message for said in self.conversations for message in said if message["role"] == role]

    @property
    def executed(self) -> list[str]:
        return [cell.source for session in self.sandbox.opened for cell in session.cells]


def run(script, folder: Path, *, is_parallel: bool, cells=None, turns: int = 3, output_chars: int = 2000, **options):
    """Train one step, and return what came of it."""
    cells = (lambda source: f"out of {source}") if cells is None else cells
    sandbox = FakeSandbox({}, sessions=FakeSessions(cells, **options.pop("sessions", {})))
    seen = Seen()
    length, context = options.get("max_completion_length", 1024), options.get("context", 4096)
    with Interpreters(sandbox) as interpreters:
        environment = partial(CodeInterpreterEnvironment, interpreters=interpreters, output_chars=output_chars)
        parts = {"environment_factory": partial(QuietEnvironment, environment), "rollout_func": Rollouts(turns)}
        if not is_parallel:
            tools = list(tools_of(CodeInterpreterEnvironment()).values())
            budget = measured_budget(chat_tokenizer(), tools=tools, completion_tokens=length, model_tokens=context)
            parts = {"environment_factory": partial(environment, budget=budget)}
        given = options | parts | {"max_tool_calling_iterations": turns}
        trainer = scripted_trainer(script, folder, rewards=AgentReward(seen), **given)
        trainer.train()
    return Outcome(trainer, seen.batches[0], sandbox)


def chatty(task, i, turn):
    """Two calls, one call or none in the first turn; one of the tasks asks once more."""
    if turn == 0:
        return says("let me see", *[f"{task}-{i}-{k}" for k in range(1 + i)])
    return says("once more", "x" * 50) if turn == 1 and task == "1" else says(f"the answer to {task}")


def endless(task, i, turn):
    return says("again", f"{turn}")


def faulty(task, i, turn):
    if turn == 0 and task == "0":
        return says("", "ls", tool="no_such_tool") if i else says("", "1", argument="cod")
    if turn == 0:
        return '<tool_call>\n{"name": "run_python", "argu\n</tool_call><|im_end|>' if i else says("no tools")
    return says("done")


def rambling(task, i, turn):
    return says("let me see", "1") if turn == 0 else "and so on " * 100 if i else says("short")


def sampling(task, i, turn):
    return says("", "1") if turn == 0 else None


SCRIPTS = {
    "several calls in a turn": (chatty, {}),
    "more turns than allowed": (endless, {"turns": 2}),
    "an answer that is cut off": (rambling, {"max_completion_length": 500}),
    "a call that is cut off": (lambda task, i, turn: says("look", "a" * 400), {"max_completion_length": 300}),
    "an answer that the model samples": (sampling, {"max_completion_length": 330, "with_logprobs": False}),
    "a long result": (chatty, {"cells": lambda source: LONG, "output_chars": 100}),
}


@pytest.mark.parametrize("case", SCRIPTS)
def test_parallel_turns_train_on_the_very_tokens_of_trls_own_loop(case, tmp_path):
    script, options = SCRIPTS[case]
    serial = run(script, tmp_path, is_parallel=False, **options)
    parallel = run(script, tmp_path, is_parallel=True, **options)
    assert parallel.ids == serial.ids
    assert parallel.conversations == serial.conversations
    assert parallel.trainer.turns_asked == serial.trainer.turns_asked
    assert parallel.executed == serial.executed
    for name, figure in serial.trainer.state.log_history[0].items():
        if name.startswith(("tools/", "agent/", "completions/", "reward", "loss")):
            assert parallel.trainer.state.log_history[0][name] == pytest.approx(figure), name


def test_masks_and_logprobs_fit_the_tokens(tmp_path):
    prompts, completions, masks, logprobs = run(chatty, tmp_path, is_parallel=True).ids
    text = chat_tokenizer().decode
    for i, (prompt, ids, mask, log) in enumerate(zip(prompts, completions, masks, logprobs, strict=True)):
        assert len(ids) == len(mask) == len(log)
        assert "run_python" in text(prompt)
        own = text([token for token, is_own in zip(ids, mask, strict=True) if is_own])
        others = text([token for token, is_own in zip(ids, mask, strict=True) if not is_own])
        assert f"the answer to {i // 2}" in own
        assert "out of" not in own
        assert others.count("out of") == own.count("<tool_call>")
        assert all((value == 0.0) != is_own for value, is_own in zip(log, mask, strict=True))


def test_what_no_model_should_write_is_answered_with_an_error(tmp_path):
    """TRL's own words for the errors differ, and so would the tokens."""
    outcome = run(faulty, tmp_path, is_parallel=True)
    misused, unknown = (message["content"] for message in outcome.messages("tool"))
    assert "there is no tool 'no_such_tool': use run_python" in unknown
    assert "unexpected keyword argument 'cod'" in misused
    assert outcome.executed == []
    assert outcome.trainer.state.log_history[0]["tools/failure_frequency"] == 1.0
    assert [said[-1]["content"] for said in outcome.conversations][:3] == ["done", "done", "no tools"]


@pytest.mark.parametrize("is_parallel", [True, False])
@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"max_completion_length": 1024}, id="the completion is the limit"),
        pytest.param({"max_completion_length": 3000, "context": 2200}, id="the model is the limit"),
        pytest.param(
            {"max_completion_length": 700, "cells": lambda source: "é€" * 900}, id="characters of many tokens"
        ),
    ],
)
def test_no_result_of_a_call_that_has_run_is_lost(options, is_parallel, tmp_path):
    """TRL leaves out results that do not fit, without a word, after the calls have run."""
    options = {"cells": lambda source: LONG} | options
    outcome = run(endless, tmp_path, is_parallel=is_parallel, turns=9, output_chars=4000, **options)
    assert len(outcome.executed) >= 4
    ran = [message for message in outcome.messages("tool") if "not run" not in message["content"]]
    assert len(ran) == len(outcome.executed)
    assert any("characters left out" in message["content"] for message in ran)
    _, completions, masks, _ = outcome.ids
    assert all(
        len(ids) == len(mask) <= options["max_completion_length"] for ids, mask in zip(completions, masks, strict=True)
    )


def test_a_call_without_room_for_its_result_is_not_run(tmp_path):
    outcome = run(lambda task, i, turn: says("", "a" * 400), tmp_path, is_parallel=True, max_completion_length=540)
    assert outcome.executed == []
    assert outcome.messages("tool") == []
    assert all(said[-1]["tool_calls"] for said in outcome.conversations)


def test_the_calls_of_a_turn_run_at_once(tmp_path):
    at_once = [0]

    def begin(source: str) -> float:
        at_once.append(at_once[-1] + 1)
        return 0.5

    def end(source: str) -> str:
        at_once.append(at_once[-1] - 1)
        return "done"

    def script(task, i, turn):
        return says("", "1") if turn == 0 else says("done")

    run(script, tmp_path, is_parallel=True, tasks=4, cells=end, sessions={"latency_s": begin})
    assert max(at_once) == 8


def test_trls_table_shows_what_was_said(tmp_path):
    outcome = run(chatty, tmp_path, is_parallel=True)
    assert [list(said) for said in outcome.trainer._logs["completion"]] == outcome.conversations


def test_another_trl_that_lacks_what_is_needed_is_named(tmp_path):
    class Bare:
        processing_class = None

    with pytest.raises(ConfigurationError, match=r"no _generate_single_turn.*parallel_tools: false"):
        Rollouts(1)([[{"role": "user", "content": "go"}]], Bare())


def test_other_environments_are_refused(tmp_path):
    trainer = scripted_trainer(
        chatty, tmp_path, rewards=Seen(), environment_factory=CodeInterpreterEnvironment, rollout_func=Rollouts(1)
    )
    trainer.environments = []
    with pytest.raises(ConfigurationError, match="makes a QuietEnvironment"):
        trainer.rollout_func([[{"role": "user", "content": "go"}]], trainer)
