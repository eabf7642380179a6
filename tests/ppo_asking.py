"""What PPOTrainer would ask a reward model, and a reward that remembers it."""

import torch
from tiny_policy import tiny_tokenizer
from trl.experimental.utils import get_reward

from trainers.ppo import RewardModel

TOKENIZER = tiny_tokenizer()
PAD = TOKENIZER.pad_token_id
END = TOKENIZER.eos_token_id
PROMPTS = ["one:\n", "two and more:\n", "three!\n"]


def ids_of(text):
    return TOKENIZER(text, add_special_tokens=False)["input_ids"]


def rows_of(prompts=tuple(PROMPTS), **columns):
    return [
        {"prompt": prompt, "input_ids": ids_of(prompt), **{name: values[i] for name, values in columns.items()}}
        for i, prompt in enumerate(prompts)
    ]


def batch_of(pairs, *, pad=PAD, end=(END,)):
    """Return what PPOTrainer makes of (prompt, response) texts: prompts padded left, responses right."""
    prompts = [ids_of(prompt) for prompt, _ in pairs]
    responses = [[*ids_of(response), *end] for _, response in pairs]
    left, right = max(map(len, prompts)), max(map(len, responses))
    rows = [
        [pad] * (left - len(prompt)) + prompt + response + [pad] * (right - len(response))
        for prompt, response in zip(prompts, responses, strict=True)
    ]
    return torch.tensor(rows), left


def scores_of(model, pairs, *, pad=PAD):
    query_responses, context_length = batch_of(pairs, pad=pad)
    return get_reward(model, query_responses, pad, context_length)[1]


class Recorder:
    """A reward that remembers its calls and returns what it was given, or the lengths of the completions."""

    __name__ = "recorder"

    def __init__(self, scores=None):
        self.scores, self.calls = scores, []

    def __call__(self, prompts, completions, **columns):
        self.calls.append({"prompts": prompts, "completions": completions, **columns})
        return [float(len(completion)) for completion in completions] if self.scores is None else self.scores


def model_for(reward, rows=None, **options):
    return RewardModel(reward, rows or rows_of(), tokenizer=TOKENIZER, **options)
