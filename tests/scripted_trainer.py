"""A GRPO trainer whose model says what a script says, so that its rollouts call tools: TRL does all the rest."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import torch
from datasets import Dataset
from tiny_policy import tiny_model, tiny_tokenizer
from trl import GRPOConfig, GRPOTrainer
from trl.chat_template_utils import qwen3_chat_template

Script = Callable[[str, int, int], str | None]
"""What the model says: of the task (the user's message), the rollout's number among those of the task, and the turn.

None lets the model itself write, for the whole batch.
"""
END = "<|im_end|>"


def says(text: str = "", *codes: str, tool: str = "run_python", argument: str = "code") -> str:
    """Return a message of the model: a text, and a call for each code."""
    calls = [json.dumps({"name": tool, "arguments": {argument: code}}) for code in codes]
    return text + "".join(f"\n<tool_call>\n{call}\n</tool_call>" for call in calls) + END


def chat_tokenizer():
    """Return a tokenizer of bytes with the chat template of Qwen3."""
    tokenizer = tiny_tokenizer()
    tokenizer.add_special_tokens({"eos_token": END})
    tokenizer.chat_template = qwen3_chat_template
    return tokenizer


class ScriptedTrainer(GRPOTrainer):
    """Writes what its script says, with made-up log-probabilities.

    Batch by batch, `generated` is what TRL trains on, and `generation_s` how long its turns took.
    """

    script: Script
    with_logprobs: bool

    def _generate_single_turn(self, prompt_ids, images, multimodal_fields, num_generations, has_tool_images=False):
        self.turns_asked.append(len(prompt_ids))
        ids: list[list[int]] = []
        for i, prompt in enumerate(prompt_ids):
            text = self._tokenizer.decode(prompt)
            task = text.rpartition("<|im_start|>user\ntask ")[2].partition(END)[0]
            turn = text.count("<|im_start|>user\n<tool_response>")
            written = self.script(task, i % self.num_generations, turn)
            if written is None:
                return super()._generate_single_turn(prompt_ids, images, multimodal_fields, num_generations)
            ids.append(self._tokenizer.encode(written)[: self.max_completion_length])
        return ids, [[-0.5 - turn_ids / 1000 for turn_ids in one] for one in ids] if self.with_logprobs else None

    def _generate(self, prompts: list) -> Any:
        began = time.monotonic()
        result = super()._generate(prompts)
        self.generation_s.append(time.monotonic() - began)
        self.generated.append((*result[:3], result[4]))
        return result


def scripted_trainer(script: Script, folder: Any, *, tasks: int = 2, rewards: Any, columns=None, **options: Any):
    """Return a trainer for two rollouts of each of *tasks* tasks a step; TRL's config takes the other *options*."""
    torch.set_num_threads(1)
    parts = {name: options.pop(name) for name in ("environment_factory", "rollout_func") if name in options}
    context, with_logprobs = options.pop("context", 4096), options.pop("with_logprobs", True)
    tokenizer = chat_tokenizer()
    model = tiny_model(tokenizer)
    model.config.max_position_embeddings = context
    config = {
        "max_steps": 1,
        "max_completion_length": 1024,
        "max_tool_calling_iterations": 3,
        "use_vllm": False,
        **options,
    }
    trainer = ScriptedTrainer(
        model=model,
        reward_funcs=rewards,
        args=GRPOConfig(
            output_dir=str(folder),
            use_cpu=True,
            bf16=False,
            gradient_checkpointing=False,
            per_device_train_batch_size=2 * tasks,
            num_generations=2,
            beta=0.0,
            logging_steps=1,
            report_to="none",
            save_strategy="no",
            disable_tqdm=True,
            seed=0,
            **config,
        ),
        train_dataset=Dataset.from_dict(
            {"prompt": [[{"role": "user", "content": f"task {i}"}] for i in range(tasks)], **(columns or {})}
        ),
        processing_class=tokenizer,
        **parts,
    )
    trainer.with_logprobs = with_logprobs
    trainer.script = script
    trainer.generated, trainer.turns_asked, trainer.generation_s = [], [], []
    return trainer
