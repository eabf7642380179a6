"""What a rollout needs of TRL's trainer that TRL does not offer to the public, in one place.

Checked against TRL 1.16: generation from token ids, the ids that its chat template puts around tool results, and the
parser of tool calls.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import trl
from transformers import ProcessorMixin
from trl import chat_template_utils

from rewards import ConfigurationError

from .markers import Markers
from .parsing import guard_parser

_METHODS = ("_generate_single_turn", "_get_tool_suffix_ids")
_ATTRIBUTES = ("environments", "processing_class", "chat_template", "chat_template_kwargs", "max_completion_length")
_FUNCTIONS = (
    *("add_response_schema", "parse_response"),
    *("is_chat_template_prefix_preserving", "get_training_chat_template"),
)


class TurnEngine:
    """Generates the turns of one batch, and turns messages into tokens and back, as a GRPO trainer's own loop does.

    Raises `ConfigurationError` for a TRL that has not what this needs, and for models that see images.
    """

    def __init__(self, trainer: Any) -> None:
        missing = [name for name in (*_METHODS, *_ATTRIBUTES) if not hasattr(trainer, name)]
        missing += [name for name in _FUNCTIONS if not hasattr(chat_template_utils, name)]
        if missing:
            raise ConfigurationError(
                f"TRL {trl.__version__} has no {', '.join(missing)}, which parallel turns need: "
                "parallel_tools: false uses TRL's own loop"
            )
        if isinstance(trainer.processing_class, ProcessorMixin):
            raise ConfigurationError("parallel turns are for models of text: parallel_tools: false uses TRL's own loop")
        self._trainer = trainer
        self._known: dict[str, list[int]] = {}
        """Tokens of what was rendered before: a group has one prompt, and its calls often have one result."""
        guard_parser(trainer.processing_class)
        self.markers = Markers(trainer.processing_class)
        self._parsing = _with_response_template(trainer.processing_class)
        _use_training_template(trainer)

    def prompt_ids(self, prompt: Any, tools: Sequence[Callable[..., Any]]) -> list[int]:
        """Return the tokens of the messages *prompt*, with the description of the tools."""
        key = f"prompt {[tool.__name__ for tool in tools]} {prompt!r}"
        if key not in self._known:
            found = self._trainer.processing_class.apply_chat_template(
                conversation=[prompt],
                tools=list(tools),
                chat_template=self._trainer.chat_template,
                add_generation_prompt=True,
                tokenize=True,
                return_dict=True,
                **self._trainer.chat_template_kwargs,
            )
            self._known[key] = list(found["input_ids"][0])
        return self._known[key]

    def first_turn(self, prompts: list[list[int]]) -> tuple[list[list[int]], list[list[float]] | None]:
        """Return the tokens that the model writes behind each prompt, of which groups are next to each other."""
        trainer = self._trainer
        count = trainer.num_generations if trainer.model.training else trainer.num_generations_eval
        return self._generate(prompts, count)

    def next_turn(self, prompts: list[list[int]]) -> tuple[list[list[int]], list[list[float]] | None]:
        """Return the tokens that the model writes behind each prompt, no two of which have to do with each other."""
        return self._generate(prompts, 1)

    def _generate(self, prompts: list[list[int]], count: int) -> tuple[list[list[int]], list[list[float]] | None]:
        ids, logprobs = self._trainer._generate_single_turn(prompts, None, {}, count)
        return [list(one) for one in ids], None if logprobs is None else [list(one) for one in logprobs]

    def parse(self, ids: list[int], *, prefix: list[int], tools: Sequence[Callable[..., Any]]) -> dict[str, Any]:
        """Return the message that *ids* behind *prefix* are, with `tool_calls` where there are any; {} for none."""
        if not ids:
            return {}
        parsed = chat_template_utils.parse_response(self._parsing, ids, prefix=prefix, tools=list(tools))
        return dict(parsed)

    def result_ids(self, messages: list[dict[str, Any]]) -> list[int]:
        """Return what stands between the model's turn and its next one: the messages of its tools."""
        key = f"results {messages!r}"
        if key not in self._known:
            self._known[key] = list(self._trainer._get_tool_suffix_ids(messages))
        return self._known[key]

    def room_for_turn(self, completion_ids: Sequence[int]) -> int:
        """Return how many tokens a completion may still get."""
        return max(0, int(self._trainer.max_completion_length) - len(completion_ids))

    def room_for_results(self, prompt_ids: Sequence[int], completion_ids: Sequence[int]) -> int:
        """Return how many tokens may stand behind these so that the model can still write."""
        room, longest = self.room_for_turn(completion_ids), context_tokens(self._trainer)
        return room if longest is None else min(room, longest - 1 - len(prompt_ids) - len(completion_ids))


def context_tokens(trainer: Any) -> int | None:
    """Return how long a sequence the model, or the server that generates for it, can hold; None where nobody says."""
    if getattr(trainer, "use_vllm", False) and trainer.vllm_mode == "colocate":
        return int(trainer.vllm_generation.llm.llm_engine.model_config.max_model_len)
    found: int | None = getattr(trainer.model.config.get_text_config(), "max_position_embeddings", None)
    return found


def _with_response_template(tokenizer: Any) -> Any:
    """Return a tokenizer that can parse tool calls.

    A copy where it has to be told how: TRL would take whole rollouts, with what the tools said, for one message.
    """
    if getattr(tokenizer, "response_template", None) or getattr(tokenizer, "response_schema", None):
        return tokenizer
    copied = copy.copy(tokenizer)
    guard_parser(copied)
    try:
        return chat_template_utils.add_response_schema(copied)
    except ValueError as error:
        raise ConfigurationError(f"the tool calls of this model cannot be parsed: {error}") from None


def _use_training_template(trainer: Any) -> None:
    """Take TRL's variant of the chat template that reads the same whatever follows, as TRL does itself for tools."""
    tokenizer = trainer.processing_class
    if trainer.chat_template is None and not chat_template_utils.is_chat_template_prefix_preserving(tokenizer):
        try:
            trainer.chat_template = chat_template_utils.get_training_chat_template(tokenizer)
        except ValueError as error:
            raise ConfigurationError(f"this model's chat template does not fit tools: {error}") from None
