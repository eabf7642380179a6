"""How the model of the agent demo writes: a chat template of a few tokens, and a tokenizer that fits it."""

from __future__ import annotations

from collections.abc import Iterable

from transformers import PreTrainedTokenizerFast

from .programs_model import train_tokenizer

_ROLES = ("<|user|>", "<|assistant|>", "<|tool|>", "<|call|>")
_TEMPLATE = (
    "{%- for message in messages -%}"
    "{{- '<|' + message.role + '|>' -}}"
    "{%- if message.role == 'assistant' -%}"
    "{%- generation -%}"
    "{{- message.content -}}"
    "{%- for call in message.tool_calls or [] -%}"
    "{{- '<|call|>' + call.function.name + ' ' + (call.function.arguments | tojson) -}}"
    "{%- endfor -%}"
    "{{- eos_token -}}"
    "{%- endgeneration -%}"
    "{%- else -%}"
    "{{- message.content | trim -}}"
    "{%- endif -%}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}"
)
"""Earlier messages read the same whatever follows them, which TRL needs; the tools are not listed, as there is one."""

_RESPONSES = {
    "defaults": {"role": "assistant"},
    "start_anchor": "<|assistant|>",
    "fields": {
        "tool_calls": {
            "open_pattern": r"<\|call\|>(?P<name>\w+) ",
            "close_pattern": r"<\|end\|>",
            "repeats": True,
            "content": "json",
            "transform": {"type": "function", "function": {"name": "{name}", "arguments": "{content}"}},
        },
        "content": {"close_pattern": r"<\|end\|>", "content": "text"},
    },
}
"""The way back, from what the model wrote to a message with its calls."""

# A name with its bracket is a word, and so is what stands between brackets and numbers: a call is about ten tokens.
_WORDS = r"[0-9]|[^0-9(]*?\w+\(|[^0-9(]+|\("


def train_chat_tokenizer(texts: Iterable[str]) -> PreTrainedTokenizerFast:
    """Return a tokenizer with a chat template, whose tool calls TRL can parse."""
    tokenizer = train_tokenizer(texts, words=_WORDS, special_tokens=_ROLES)
    tokenizer.chat_template = _TEMPLATE
    tokenizer.response_template = _RESPONSES
    return tokenizer
