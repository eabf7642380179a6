"""Under what conditions completions are made: those that the evaluation says, whatever the model brings with it."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

pytest.importorskip("trl", reason="pip install 'code-rewards[train]' to generate completions")

import torch
from tiny_policy import saved_policy, tiny_model, tiny_tokenizer
from tokenizers import Tokenizer, decoders, models, normalizers
from transformers import PreTrainedTokenizerFast

from rewards import ConfigurationError
from trainers.evaluation.generator import Generator
from trainers.evaluation.local_model import ModelSource, Sampling
from trainers.evaluation.prompts import Question
from trainers.evaluation.rows import Rows
from trainers.evaluation.written import WrittenCompletions

TEXTS = [{"task_id": i, "prompt": f"# print {i}\n", "expected_output": str(i)} for i in range(4)]
DRAWN = Sampling(max_new_tokens=12, temperature=1.0)


def made(folder: Path, *, sampling: Sampling, **own: object) -> list[str]:
    tokenizer = tiny_tokenizer()
    model = tiny_model(tokenizer)
    for name, value in own.items():
        setattr(model.generation_config, name, value)
    found = list(ModelSource(Rows(TEXTS), model, tokenizer, sampling=sampling).samples(folder))
    assert all(getattr(model.generation_config, name) == value for name, value in own.items()), "left as it was"
    return [sample.completion for sample in found]


OWN = [
    pytest.param({"repetition_penalty": 5.0}, id="Qwen2.5 punishes repetition"),
    pytest.param({"no_repeat_ngram_size": 1}, id="no token twice"),
    pytest.param({"num_beams": 3}, id="beams"),
    pytest.param({"return_dict_in_generate": True}, id="more than tokens"),
    pytest.param({"min_p": 0.9}, id="only likely tokens"),
    pytest.param({"max_length": 3}, id="a length of its own"),
]


@pytest.mark.parametrize("own", OWN)
@pytest.mark.parametrize("sampling", [Sampling(max_new_tokens=12), DRAWN], ids=["likeliest", "drawn"])
def test_a_models_own_settings_change_no_completion(own, sampling, tmp_path):
    (tmp_path / "plain").mkdir()
    (tmp_path / "own").mkdir()
    plain = made(tmp_path / "plain", sampling=sampling)
    assert made(tmp_path / "own", sampling=sampling, **own) == plain


def says(model: torch.nn.Module, tokens: list[int], begin: int) -> dict[str, int]:
    """Have *model* answer every prompt of *begin* tokens by *tokens*."""
    forward = model.forward
    told = {"at": begin}

    def answering(input_ids, **more):
        found = forward(input_ids=input_ids, **more)
        found.logits[:, -1] = -9.0
        found.logits[:, -1, tokens[min(told["at"] - begin, len(tokens) - 1)]] = 9.0
        told["at"] += 1
        return found

    model.forward = answering
    return told


def answer(
    text: str, *, prompt: str = "p", stop: tuple[str, ...] = (), own_end: int | None = None, most: int = 40
) -> tuple[str, str]:
    tokenizer = tiny_tokenizer()
    model = tiny_model(tokenizer)
    if own_end is not None:
        model.generation_config.eos_token_id = [own_end]
    says(model, tokenizer(text)["input_ids"], 1)
    generator = Generator(model, tokenizer, Sampling(max_new_tokens=most))
    (found,) = generator.answers([Question(0, "a", 0, prompt, {}, stop=stop)])
    return found.completion, found.finish_reason


def test_the_tokenizers_end_and_the_models_both_end_a_completion():
    """A chat model that was trained from a base model often has the one in its tokenizer and the other in its files."""
    x = tiny_tokenizer()("x")["input_ids"][0]
    assert answer("ab<|end|>cd", own_end=x) == ("ab", "stop")
    assert answer("abxcd", own_end=x) == ("abx", "stop")
    assert answer("abcde", own_end=x, most=3) == ("abc", "length")


def test_a_completion_ends_at_the_first_of_its_stops():
    assert answer("ab\nif c\ndef d", stop=("\ndef", "\nif")) == ("ab", "stop")
    assert answer("ab\néé\ndef d", stop=("\néé",)) == ("ab", "stop")
    assert answer("ab\ndef", most=5, stop=("\ndef",)) == ("ab\nde", "length")


def test_nothing_is_generated_behind_a_stop():
    tokenizer = tiny_tokenizer()
    model = tiny_model(tokenizer)
    told = says(model, tokenizer("a\ndef")["input_ids"], 1)
    asked = [Question(0, "a", i, "p", {}, stop=stop) for i, stop in enumerate([("\ndef",), ("x", "f")])]
    found = Generator(model, tokenizer, Sampling(max_new_tokens=400)).answers(asked)
    assert [each.completion for each in found] == ["a", "a\nde"]
    assert told["at"] == 1 + len("a\ndef")


def test_a_continuation_keeps_the_space_that_it_begins_with():
    """Llama 2's tokenizer and Mistral's take one away from what is decoded alone: three spaces of indentation."""
    pieces = ["<pad>", "<s>", "</s>", "▁", "▁▁▁", "▁return", "▁1", "def", "▁f():", "\n"]
    vocabulary = {piece: i for i, piece in enumerate(pieces)}
    backend = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<pad>"))
    backend.normalizer = normalizers.Replace(" ", "▁")
    strip = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    backend.decoder = decoders.Sequence(strip)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="</s>", pad_token="<pad>")
    generator = Generator(tiny_model(tokenizer), tokenizer, Sampling())
    prompt = [vocabulary[piece] for piece in ("def", "▁f():", "\n")]
    ids = [vocabulary[piece] for piece in ("▁▁▁", "▁return", "▁1", "</s>")]
    told = generator._written(Question(0, "a", 0, "def f():\n", {}), prompt, ids)
    assert told.completion == "    return 1"


def test_no_space_of_a_program_is_cleaned_away():
    """Llama 3's tokenizer asks for it, and transformers before 5 did it."""
    tokenizer = tiny_tokenizer()
    tokenizer.clean_up_tokenization_spaces = True
    tokenizer.clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output = True
    generator = Generator(tiny_model(tokenizer), tokenizer, Sampling())
    for prompt in ("p", [{"role": "user", "content": "p"}]):
        before, ids = (tokenizer(text)["input_ids"] for text in ("p", "' ,'"))
        told = generator._written(Question(0, "a", 0, prompt, {}), before, ids)
        assert told.completion == "' ,'"


def test_a_model_is_loaded_in_the_precision_that_it_was_saved_in(tmp_path):
    saved_policy(tmp_path / "model")
    tiny_model(tiny_tokenizer()).to(torch.bfloat16).save_pretrained(tmp_path / "model")
    from trainers.evaluation.local_model import _loaded

    model, _ = _loaded(ModelSource(Rows(TEXTS), tmp_path / "model"))
    assert model.dtype == torch.bfloat16
    model, _ = _loaded(ModelSource(Rows(TEXTS), tmp_path / "model", model_arguments={"dtype": torch.float32}))
    assert model.dtype == torch.float32


def test_a_prompt_that_is_too_long_for_the_positions_of_a_model_does_not_end_the_evaluation(tmp_path, caplog):
    from transformers import GPT2Config, GPT2LMHeadModel

    tokenizer = tiny_tokenizer()
    ends = {"bos_token_id": None, "eos_token_id": tokenizer.eos_token_id}
    config = GPT2Config(vocab_size=len(tokenizer), n_positions=64, n_embd=16, n_layer=1, n_head=2, **ends)
    rows = [{"task_id": i, "prompt": "x" * length} for i, length in enumerate((5, 34, 35, 99))]
    source = ModelSource(Rows(rows), GPT2LMHeadModel(config), tokenizer, sampling=Sampling(max_new_tokens=30))
    with caplog.at_level(logging.WARNING):
        list(source.samples(tmp_path))
    reasons = [found.finish_reason.partition(":")[0] for found in WrittenCompletions(tmp_path).read()]
    assert [reason == "refused" for reason in reasons] == [False, False, True, True]
    assert "2 of 4 completions are empty, because the prompt was refused: a prompt of 35 tokens" in caplog.text
    with pytest.raises(ConfigurationError, match="leaves no room"):
        Generator(GPT2LMHeadModel(config), tokenizer, Sampling(max_new_tokens=64))


def test_completions_that_were_cut_off_are_told_about(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        made(tmp_path, sampling=Sampling(max_new_tokens=2))
    cut = sum(found.finish_reason == "length" for found in WrittenCompletions(tmp_path).read())
    assert cut
    assert f"{cut} of 4 completions were cut off at max_new_tokens=2" in caplog.text


def test_evaluations_by_neighbouring_seeds_share_no_seed():
    seeds = [{Sampling(seed=seed).seed_of(i) for i in range(1000)} for seed in range(-1, 9)]
    assert len(set().union(*seeds)) == 10 * 1000
    assert all(0 <= seed < 2**31 for each in seeds for seed in each)


@pytest.mark.parametrize("stop", ["\ndef", ("a", "")])
def test_stops_that_cannot_be_are_refused(stop):
    with pytest.raises(ConfigurationError, match="stop"):
        Sampling(stop=stop)
