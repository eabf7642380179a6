"""How the reward model for PPO finds the row and the response in a sequence of token ids."""

import time

import pytest

pytest.importorskip("trl", reason="pip install 'code-rewards[train]' to test the trainers")

import datasets
import numpy as np
import torch
from ppo_asking import END, PAD, PROMPTS, TOKENIZER, Recorder, batch_of, ids_of, model_for, rows_of, scores_of
from tiny_policy import tiny_tokenizer
from trl.experimental.utils import get_reward

from rewards import ConfigurationError, DatasetError
from trainers.ppo import RewardModel
from trainers.ppo.rows import tokenized, without_repetitions


def test_a_pad_token_that_also_ends_turns_does_not_move_the_border():
    """It is masked wherever it stands: inside the prompt, at its end, and at the end of the response."""
    tokenizer = tiny_tokenizer()
    tokenizer.pad_token = tokenizer.eos_token
    conversations = [
        [{"role": "system", "content": "s"}, {"role": "user", "content": "u" * n}, {"role": "assistant", "content": ""}]
        for n in (1, 5)
    ]
    rows = [
        {"prompt": conversation, "input_ids": [*tokenizer.apply_chat_template(conversation)["input_ids"], END]}
        for conversation in conversations
    ]
    reward = Recorder([0.0, 1.0])
    model = RewardModel(reward, rows, tokenizer=tokenizer)
    width = max(len(row["input_ids"]) for row in rows)
    sequences = [
        [END] * (width - len(row["input_ids"])) + row["input_ids"] + ids_of(text) + [END] * (4 - len(text))
        for row, text in zip(rows, ["ab", "abcd"], strict=True)
    ]
    assert get_reward(model, torch.tensor(sequences), END, width)[1].tolist() == [0.0, 1.0]
    assert [completion[0]["content"] for completion in reward.calls[0]["completions"]] == ["ab", "abcd"]
    assert reward.calls[0]["prompts"] == conversations


def test_a_response_ends_where_padding_begins_as_it_does_for_trl():
    reward = Recorder()
    query_responses, context_length = batch_of([(PROMPTS[0], "ab"), (PROMPTS[1], "cdefg")], end=())
    query_responses[1, context_length + 2] = PAD  # a policy may write this token, too
    get_reward(model_for(reward), query_responses, PAD, context_length)
    assert reward.calls[0]["completions"] == ["ab", "cd"]


def test_a_token_zero_is_a_token_and_no_padding():
    zero = TOKENIZER.convert_ids_to_tokens(0)
    assert zero == TOKENIZER.pad_token, "so that this is about a tokenizer whose pad token is another one"
    tokenizer = tiny_tokenizer()
    tokenizer.pad_token = tokenizer.eos_token
    model = RewardModel(Recorder([1.0]), [{"input_ids": [0, 5, 0], "prompt": "p"}], tokenizer=tokenizer)
    sequence = torch.tensor([[END, 0, 5, 0, 7, 0, END]])
    assert get_reward(model, sequence, END, 4)[1].tolist() == [1.0]
    assert model.judge.metrics.drain()["completions/mean_length"] == (2.0, 1)


@pytest.mark.parametrize(
    "response",
    [
        pytest.param(PROMPTS[1], id="another prompt"),
        pytest.param(PROMPTS[0] * 3, id="the prompt again"),
        pytest.param("x" + PROMPTS[2] + "y", id="a prompt in the middle"),
        pytest.param("<|pad|><|turn|><|end|>", id="the names of special tokens"),
        pytest.param("\x00\U0001f600", id="bytes that few programs have"),
    ],
)
def test_a_response_cannot_pass_itself_off_as_a_prompt(response):
    reward = Recorder()
    model = model_for(reward, rows_of(answer=[1, 2, 3]))
    query_responses, context_length = batch_of([(PROMPTS[0], "")], end=())
    ids = torch.tensor([TOKENIZER(response, add_special_tokens=False, split_special_tokens=True)["input_ids"]])
    get_reward(model, torch.cat((query_responses, ids), 1), PAD, context_length)
    assert reward.calls[0]["prompts"] == [PROMPTS[0]]
    assert reward.calls[0]["completions"] == [response]
    assert reward.calls[0]["answer"] == [1]


def test_a_prompt_that_begins_another_is_refused_beforehand():
    with pytest.raises(DatasetError, match=r"row 1 of row 2.*end all prompts with the same mark"):
        model_for(Recorder(), rows_of(["Write f\n", "Print 1", "Print 12"]))


def test_prompts_that_share_a_long_beginning_are_told_apart():
    reward = Recorder([0.0] * 3)
    prompts = ["Print 1.", "Print 12.", "Print 1 2."]
    model = model_for(reward, rows_of(prompts, answer=[1, 12, 2]))
    scores_of(model, [(prompts[1], "1."), (prompts[0], "2."), (prompts[2], " 2.")])
    assert reward.calls[0]["answer"] == [12, 1, 2]
    assert reward.calls[0]["completions"] == ["1.", "2.", " 2."]


def test_one_prompt_with_two_answers_is_refused_and_a_mere_repetition_is_not():
    with pytest.raises(DatasetError, match="rows 0 and 2 have the same prompt, but another 'answer'"):
        model_for(Recorder(), rows_of(["a\n", "b\n", "a\n"], answer=[1, 2, 3]))
    model = model_for(Recorder(), rows_of(["a\n", "b\n", "a\n"], answer=[1, 2, 1]))
    assert scores_of(model, [("a\n", "xy")]).tolist() == [2.0]


def test_a_prompt_without_tokens_is_refused():
    with pytest.raises(DatasetError, match="row 1: the prompt has no tokens"):
        model_for(Recorder(), [{"input_ids": [5]}, {"input_ids": [PAD, PAD]}])


@pytest.mark.parametrize(
    "prompt", [pytest.param("four:\n", id="unknown"), pytest.param(PROMPTS[1][3:], id="cut off"), ""]
)
def test_an_unknown_prompt_is_an_error_that_says_what_to_do(prompt):
    with pytest.raises(DatasetError, match=r"no prompt of the reward model's rows.*not cut off"):
        scores_of(model_for(Recorder()), [(prompt, "a response")])


def test_prompts_padded_on_the_right_are_an_error_that_says_what_to_do():
    rows = [ids_of(prompt) for prompt in PROMPTS[:2]]
    width = max(map(len, rows))
    query_responses = torch.tensor([row + [PAD] * (width - len(row)) + ids_of("abc") for row in rows])
    with pytest.raises(ConfigurationError, match=r"padding_side = 'left'"):
        get_reward(model_for(Recorder()), query_responses, PAD, width)


def test_rows_without_a_prompt_show_the_reward_the_decoded_one():
    reward = Recorder()
    scores_of(model_for(reward, [{"input_ids": ids_of(PROMPTS[0])}]), [(PROMPTS[0], "a")])
    assert reward.calls[0]["prompts"] == [PROMPTS[0]]


def test_one_hundred_thousand_prompts_are_searched_in_no_time():
    rng = np.random.default_rng(0)
    prompts = [[*rng.integers(3, 250, size=n).tolist(), 2] for n in rng.integers(20, 60, size=100_000)]
    model = RewardModel(lambda completions, **_: [0.0] * len(completions), _Ids(prompts), tokenizer=tiny_tokenizer())
    batch = torch.tensor([[PAD] * (80 - len(prompts[i])) + prompts[i] + [9] * 20 for i in range(0, 100_000, 1000)])
    began = time.process_time()
    get_reward(model, batch, PAD, 80)
    assert time.process_time() - began < 0.5, "100 sequences"


class _Ids:
    """Rows that are made when they are asked for, as those of a data set are."""

    def __init__(self, prompts):
        self.prompts = prompts

    def __len__(self):
        return len(self.prompts)

    def __getitem__(self, i):
        return {"input_ids": self.prompts[i]}


@pytest.mark.parametrize("conversational", [False, True], ids=["text", "messages"])
def test_prompts_are_tokenized_as_other_trainers_do(conversational):
    prompts = [[{"role": "user", "content": text}] if conversational else text for text in PROMPTS]
    rows = tokenized(datasets.Dataset.from_dict({"prompt": prompts, "answer": [1, 2, 3]}), tokenizer=TOKENIZER)
    text = TOKENIZER.decode(rows[0]["input_ids"])
    assert text == ("<|turn|>user\none:\n<|end|>\n<|turn|>assistant\n" if conversational else "one:\n")
    assert rows["answer"][:] == [1, 2, 3]


def test_messages_need_a_chat_template():
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = None
    rows = datasets.Dataset.from_dict({"prompt": [[{"role": "user", "content": "a"}]]})
    with pytest.raises(ConfigurationError, match="conversational: false"):
        tokenized(rows, tokenizer=tokenizer)


def test_a_runs_repeated_prompts_are_left_out_with_a_warning(caplog):
    rows = datasets.Dataset.from_list(rows_of(["a\n", "b\n", "a\n"], answer=[1, 2, 3]))
    assert without_repetitions(rows)["answer"][:] == [1, 2]
    assert "1 of 3 rows have the prompt of an earlier one" in caplog.text
