"""The model of the CPU demo: a Llama of half a million parameters and a tokenizer, both made in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from tokenizers.trainers import BpeTrainer
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

_PAD, _END = "<|pad|>", "<|end|>"


# Words are pieces of lines between numbers, so that a program is a dozen tokens and a step takes a fraction of a
# second; bytes remain for everything else that a model may want to write.
_WORDS = r"[0-9]|\n *|[^0-9\n]+"


def train_tokenizer(
    texts: Iterable[str], *, words: str = _WORDS, special_tokens: Sequence[str] = ()
) -> PreTrainedTokenizerFast:
    """Return a byte-level BPE tokenizer: any text round-trips, common *words* (a pattern) are one token each."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(words), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = BpeTrainer(
        vocab_size=512,
        special_tokens=[_PAD, _END, *special_tokens],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=_PAD,  # another token than the end, so that a program's own end is not taken for padding
        eos_token=_END,
        padding_side="left",
        clean_up_tokenization_spaces=False,  # spaces before `:` or `.` are part of a program
    )


def build_model(tokenizer: PreTrainedTokenizerFast, *, hidden_size: int, layers: int, seed: int) -> LlamaForCausalLM:
    """Return a freshly initialised causal language model that fits *tokenizer*."""
    torch.manual_seed(seed)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=hidden_size,
            intermediate_size=2 * hidden_size,
            num_hidden_layers=layers,
            num_attention_heads=hidden_size // 32,
            num_key_value_heads=hidden_size // 32,
            attention_bias=True,  # a model of this size learns faster with it
            max_position_embeddings=256,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
