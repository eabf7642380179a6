"""The scores of the reward model for PPO, asked as TRL's trainers ask one: by `get_reward`."""

import copy
import math
import pickle
from functools import partial
from types import SimpleNamespace

import pytest

pytest.importorskip("trl", reason="pip install 'code-rewards[train]' to test the trainers")

import datasets
import numpy as np
import torch
from ppo_asking import END, PAD, PROMPTS, Recorder, batch_of, ids_of, model_for, rows_of, scores_of
from tiny_policy import tiny_tokenizer
from trl.experimental.utils import get_reward

from rewards import CodeReward, ConfigurationError, combine
from rewards.sandboxes.fake import FakeSandbox
from trainers.ingredients import Ingredients
from trainers.ppo import RewardModel
from trainers.ppo.models import tokenizer_of


def test_one_call_a_batch_with_each_sequences_own_prompt_completion_and_columns():
    reward = Recorder()
    model = model_for(reward, rows_of(answer=[1, 2, 3], tests=["a", "b", "c"]))
    asked = [(PROMPTS[2], "xyz"), (PROMPTS[0], ""), (PROMPTS[1], "x" * 40), (PROMPTS[2], "é\n")]
    scores = scores_of(model, asked)
    assert scores.tolist() == [3.0, 0.0, 40.0, 2.0]
    (call,) = reward.calls
    assert call["prompts"] == [prompt for prompt, _ in asked]
    assert call["completions"] == [response for _, response in asked]
    assert call["answer"] == [3, 1, 2, 3]
    assert call["tests"] == ["c", "a", "b", "c"]
    assert call["completion_ids"] == [[*ids_of(response), END] for _, response in asked]
    assert "input_ids" not in call


def test_logits_have_the_shape_and_the_type_of_a_reward_models():
    query_responses, context_length = batch_of([(PROMPTS[0], "abc"), (PROMPTS[1], "a")])
    logits, scores, lengths = get_reward(model_for(Recorder([0.1, 1e-4])), query_responses, PAD, context_length)
    assert logits.shape == (*query_responses.shape, 1)
    assert (logits.dtype, scores.dtype, scores.device) == (torch.float32, torch.float32, query_responses.device)
    assert scores.tolist() == pytest.approx([0.1, 1e-4])
    assert lengths.tolist() == [context_length + 3, context_length + 1]
    assert not scores.requires_grad


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_a_model_cast_to_half_precision_still_gives_whole_scores(dtype):
    model = model_for(Recorder([0.1234567])).to(dtype).eval()
    with torch.no_grad():
        scores = scores_of(model, [(PROMPTS[0], "abc")])
    assert scores.dtype == torch.float32
    assert scores.item() == pytest.approx(0.1234567, abs=1e-7)


def test_it_has_a_place_but_nothing_to_train_or_to_save_of_the_reward():
    model = model_for(Recorder())
    assert [parameter.requires_grad for parameter in model.parameters()] == [False]
    assert sum(value.numel() for value in model.state_dict().values()) == 1
    model.load_state_dict(model.state_dict())
    assert getattr(model.config, "hidden_sizes", None) is None, "what TRL reads to set DeepSpeed up"
    meta = model.to("meta")
    assert next(meta.parameters()).device.type == "meta"


@pytest.mark.parametrize("nothing", [None, math.nan, np.float32("nan")], ids=repr)
@pytest.mark.parametrize(
    ("unjudged_value", "expected"), [(None, 0.5), (0.0, 0.0), (-1.0, -1.0)], ids=["mean", "zero", "minus one"]
)
def test_what_nobody_could_judge_gets_the_mean_of_the_others_or_the_given_number(nothing, unjudged_value, expected):
    model = model_for(Recorder([1.0, nothing, 0.0]), unjudged_value=unjudged_value)
    assert scores_of(model, [(prompt, "a") for prompt in PROMPTS]).tolist() == [1.0, expected, 0.0]
    sums = model.judge.metrics.drain()
    assert sums["reward"] == (0.5, 1), "the mean of what was judged"
    assert sums["rewards/recorder/unjudged"] == (pytest.approx(1 / 3), 1)


def test_a_batch_that_nobody_could_judge_gets_what_the_last_one_was_worth():
    reward = Recorder([None, None])
    model = model_for(reward)
    asked = [(PROMPTS[0], "a"), (PROMPTS[1], "b")]
    assert scores_of(model, asked).tolist() == [0.0, 0.0]
    reward.scores = [1.0, 0.5]
    scores_of(model, asked)
    reward.scores = [None, None]
    assert scores_of(model, asked).tolist() == [0.75, 0.75]
    assert model.judge.metrics.drain()["reward"] == (0.75, 1), "an unjudged batch is in no mean"


@pytest.mark.parametrize(
    ("scores", "complaint"),
    [
        pytest.param([math.inf, 0.0], "returned inf", id="infinite"),
        pytest.param([0.0, -1e39], "returned -1e[+]39", id="infinite as float32"),
        pytest.param([0.0], "1 scores for 2 completions", id="too few"),
        pytest.param(["1.0", 0.0], "list of numbers: found the text '1.0'", id="text"),
        pytest.param(None, "list of numbers", id="nothing"),
        pytest.param(1.0, "list of numbers", id="a number"),
    ],
)
def test_scores_that_are_none_are_errors(scores, complaint):
    with pytest.raises(ConfigurationError, match=complaint):
        scores_of(model_for(lambda **columns: scores), [(PROMPTS[0], "a"), (PROMPTS[1], "b")])


@pytest.mark.parametrize(
    "scores",
    [torch.tensor([1, 0]), torch.tensor([1.0, 0.0], dtype=torch.bfloat16), np.array([1.0, 0.0]), (True, False)],
    ids=["tensor", "bf16", "array", "bools"],
)
def test_scores_may_be_anything_that_holds_numbers(scores):
    assert scores_of(model_for(Recorder(scores)), [(p, "a") for p in PROMPTS[:2]]).tolist() == [1.0, 0.0]


async def an_async_reward(**columns):
    return [0.0]


class AnAsyncReward:
    async def __call__(self, **columns):
        return [0.0]


@pytest.mark.parametrize(
    "reward",
    [an_async_reward, AnAsyncReward(), partial(an_async_reward, limit=1), CodeReward(sandbox=FakeSandbox({})).acall],
    ids=["function", "object", "partial", "method"],
)
def test_an_async_reward_is_refused_beforehand(reward):
    with pytest.raises(ConfigurationError, match="is async"):
        model_for(reward)


def test_a_plain_function_that_returns_a_coroutine_is_refused_without_a_warning():
    with pytest.raises(ConfigurationError, match="returned an awaitable"):
        scores_of(model_for(lambda **columns: an_async_reward()), [(PROMPTS[0], "a")])


def test_a_list_of_rewards_is_refused_and_a_combination_is_a_callable_like_any_other():
    with pytest.raises(ConfigurationError, match=r"rewards[.]combine makes one"):
        model_for([Recorder()])
    both = combine([Recorder([1.0, None]), Recorder([2.0, 3.0])], weights=[1.0, 10.0])
    model = model_for(both, unjudged_value=-5.0)
    assert scores_of(model, [(PROMPTS[0], "a"), (PROMPTS[1], "b")]).tolist() == [21.0, -5.0]


@pytest.mark.parametrize("unjudged_value", [math.nan, math.inf])
def test_what_stands_for_no_score_must_be_a_number(unjudged_value):
    with pytest.raises(ConfigurationError, match="would break the policy"):
        model_for(Recorder(), unjudged_value=unjudged_value)


def test_a_tokenizer_without_padding_is_refused():
    tokenizer = tiny_tokenizer()
    tokenizer.pad_token = None
    with pytest.raises(ConfigurationError, match="no pad token"):
        RewardModel(Recorder(), rows_of(), tokenizer=tokenizer)


def test_programs_are_run_and_graded_and_what_the_reward_logs_is_kept_for_the_trainer():
    rows = rows_of(tests=['[{"type": "stdin", "input": "", "output": "7"}]'] * 3)
    state = object()
    heard = []
    with CodeReward(sandbox=FakeSandbox({"print(7)": "7"}), name="ppo_graded") as reward:
        reward.listen(heard.append)
        model = model_for(reward, datasets.Dataset.from_list(rows))
        model.judge.trainer_state = state
        asked = [(PROMPTS[1], "```python\nprint(7)\n```"), (PROMPTS[0], "no program, sorry")]
        assert scores_of(model, asked).tolist() == [1.0, 0.0]
    (batch,) = heard
    assert list(batch.completions) == [response for _, response in asked]
    assert batch.columns["trainer_state"] is state
    sums = model.judge.metrics.drain()
    assert sums["ppo_graded/accepted"] == (0.5, 1)
    assert sums["reward"] == sums["rewards/ppo_graded/mean"] == (0.5, 1)
    assert model.judge.metrics.drain() == {}


def test_a_copy_asks_the_same_reward_and_an_unpickled_one_its_own():
    model = model_for(Recorder(), datasets.Dataset.from_list(rows_of()))
    model.judge.trainer_state = object()
    assert copy.deepcopy(model).judge is model.judge
    sent = pickle.loads(pickle.dumps(model))
    assert sent.judge is not model.judge
    assert sent.judge.trainer_state is None
    assert scores_of(sent, [(PROMPTS[0], "abc")]).tolist() == [3.0]
    assert scores_of(copy.deepcopy(model), [(PROMPTS[0], "abc")]).tolist() == [3.0]


def test_an_end_of_text_that_is_also_padding_is_told_of(caplog):
    """TRL's PPO masks padding, and with it the token by which a model would learn to end."""
    tokenizer = tiny_tokenizer()
    assert tokenizer_of(ingredients_of(tokenizer)).pad_token == "<|pad|>"
    assert not caplog.text
    tokenizer.pad_token = None
    assert tokenizer_of(ingredients_of(tokenizer)).pad_token == "<|end|>"
    assert "PPO learns nothing about where to end" in caplog.text


def ingredients_of(tokenizer) -> Ingredients:
    return Ingredients(SimpleNamespace(model=None), None, [], tokenizer=tokenizer)
