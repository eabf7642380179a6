"""A prompt as a model is given it: text as it stands, messages through the tokenizer's chat template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rewards import ConfigurationError

NO_OPTIONS: Mapping[str, Any] = {}


def rendered(prompt: Any, tokenizer: Any, *, options: Mapping[str, Any] = NO_OPTIONS) -> str:
    """Return the text of *prompt*; *options* are for the chat template, such as `enable_thinking`.

    Raises `ConfigurationError` for messages where the tokenizer has no template.
    """
    if isinstance(prompt, str):
        return prompt
    if not tokenizer.chat_template:
        raise ConfigurationError(
            "the prompts are messages, and the tokenizer has no chat template for them: conversational: false "
            "(--plain_text of evaluations) makes them text, chat_template_path names another template for training"
        )
    return str(tokenizer.apply_chat_template(prompt, tokenize=False, add_generation_prompt=True, **options))


def prompt_ids(prompt: Any, tokenizer: Any, *, options: Mapping[str, Any] = NO_OPTIONS) -> list[int]:
    """Return the token ids of *prompt*, with the tokenizer's own marks around text; a template writes them itself."""
    text = rendered(prompt, tokenizer, options=options)
    return list(tokenizer(text, add_special_tokens=isinstance(prompt, str))["input_ids"])
