"""What one YAML file, or the command line, says about a run.

The fields of every dataclass here, of TRL's `GRPOConfig` and of its `ModelConfig` stand side by side in one flat file.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from trl import GRPOConfig, ModelConfig, TrlParser

from rewards import ConfigurationError

DEMO = "demo"
"""The name of the generated dataset, which also brings its own small model."""


@dataclass(frozen=True)
class RewardArguments:
    """How completions are graded: the options of `rewards.CodeReward`, by the same names where they have one."""

    sandbox: str = field(
        default="auto", metadata={"help": "Where programs run: local, e2b, or auto: E2B where E2B_API_KEY is set."}
    )
    sandbox_slots: int | None = field(
        default=None,
        metadata={"help": "Programs that run at once on this machine; unset: this rank's share of the cores."},
    )
    sandbox_level: str = field(default="auto", metadata={"help": "The local sandbox's level: A, B or auto."})
    sandbox_preload: list[str] = field(
        default_factory=list, metadata={"help": "Modules that the sandbox imports once, before any program."}
    )
    sandbox_site_packages: bool = field(
        default=False, metadata={"help": "Let programs import the packages of this environment, on E2B the template's."}
    )
    fallback: str | None = field(
        default=None, metadata={"help": "local: go there for good when E2B judges nothing any more; unset: stop."}
    )
    e2b_plan: str | None = field(
        default=None, metadata={"help": "The plan of the E2B account, which limits all ranks: hobby (unset) or pro."}
    )
    e2b_template: str | None = field(default=None, metadata={"help": "The template of the sandboxes."})
    e2b_max_sandboxes: int | None = field(
        default=None, metadata={"help": "Sandboxes of all ranks together; unset: the plan's."}
    )
    e2b_creates_per_s: float | None = field(
        default=None, metadata={"help": "Sandboxes created a second, by all ranks together; unset: the plan's."}
    )
    e2b_jobs_per_sandbox: int | None = field(
        default=None, metadata={"help": "Programs that run at once in a sandbox; unset: one a virtual CPU."}
    )
    e2b_keep_warm: int | None = field(
        default=None, metadata={"help": "Idle sandboxes that all ranks together keep between batches; unset: 4."}
    )
    e2b_idle_s: float | None = field(
        default=None, metadata={"help": "Seconds until the other idle ones are killed; unset: 30."}
    )
    e2b_max_sandbox_seconds: float | None = field(
        default=None, metadata={"help": "End the run with an error when its sandboxes have lived so long in all."}
    )
    e2b_run: str | None = field(default=None, metadata={"help": "The name by which scripts/e2b_sweep.py finds them."})
    e2b_domain: str | None = field(default=None, metadata={"help": "Where the service is; unset: E2B_DOMAIN decides."})
    e2b_api_url: str | None = field(
        default=None, metadata={"help": "The address of its control plane; unset: E2B_API_URL decides."}
    )
    e2b_sandbox_url: str | None = field(
        default=None, metadata={"help": "The address of its sandboxes; unset: E2B_SANDBOX_URL decides."}
    )
    scoring: str = field(default="all_passed", metadata={"help": "all_passed, fraction_passed or weighted_passed."})
    schema: str | None = field(default=None, metadata={"help": "The rows' schema; unset: found out for each row."})
    comparison: str | None = field(default=None, metadata={"help": "How outputs are compared; a row's own goes first."})
    block_choice: str = field(default="auto", metadata={"help": "Which of several code blocks is the program."})
    opened_by_prompt: bool = field(default=False, metadata={"help": "The prompt ends inside an opened code block."})
    cpu_s: float = field(default=10.0, metadata={"help": "CPU seconds for one test."})
    wall_s: float | None = field(
        default=None, metadata={"help": "Seconds by the clock for one test; unset: 3 cpu_s + 2."}
    )
    memory_mb: int = field(default=1024, metadata={"help": "Memory of a program."})
    job_cpu_s: float = field(default=120.0, metadata={"help": "CPU seconds for all tests of one program."})
    max_tests: int | None = field(default=None, metadata={"help": "Tests used of each row, always the same ones."})
    trust: str = field(
        default="split", metadata={"help": "'shared' takes tests that stand in the program's own process, too."}
    )
    stop_at_first_failure: bool = field(default=False, metadata={"help": "Leave out what follows a failed test."})
    batch_deadline_s: float | None = field(
        default=None, metadata={"help": "Seconds for grading one batch; unset: half of ddp_timeout."}
    )
    no_program_score: float = field(default=0.0, metadata={"help": "The score of a completion without a program."})
    reward_name: str = field(default="code", metadata={"help": "The name that metrics and table columns begin with."})
    other_rewards: list[str] = field(
        default_factory=list, metadata={"help": "Further reward functions, as package.module.name."}
    )
    combine_rewards: bool = field(
        default=False, metadata={"help": "Add them up (with reward_weights) to one reward, None where any part is."}
    )


@dataclass(frozen=True)
class DataArguments:
    """Which rows to train on, and how a row becomes a prompt."""

    dataset: str = field(
        default=DEMO, metadata={"help": "A name on the Hub, a .jsonl, .json or .parquet file, a saved folder, or demo."}
    )
    dataset_config: str | None = field(default=None, metadata={"help": "The configuration of a dataset on the Hub."})
    train_split: str = field(default="train", metadata={"help": "The split to train on."})
    eval_split: str | None = field(default=None, metadata={"help": "The split to evaluate on."})
    eval_rows: int = field(default=0, metadata={"help": "Without eval_split: rows to hold out of the training split."})
    max_rows: int | None = field(default=None, metadata={"help": "Use the first rows of a split only."})
    prompt_column: str = field(default="prompt", metadata={"help": "The column that holds the problem's statement."})
    prompt_template: str = field(
        default="{prompt}", metadata={"help": "The user's message; {prompt} is the statement, {name} any column."}
    )
    system_prompt: str | None = field(default=None, metadata={"help": "A system message before the user's."})
    conversational: bool = field(default=True, metadata={"help": "Prompts are messages for a chat template, not text."})
    reward_columns: list[str] | None = field(
        default=None, metadata={"help": "Columns handed to the reward; unset: all that TRL can pass on."}
    )


@dataclass(frozen=True)
class DemoArguments:
    """The run on generated exercises: its size, its small model, and the warm-up before GRPO."""

    exercises: int = field(default=4200, metadata={"help": "Different prompts to train on."})
    held_out_exercises: int = field(default=256, metadata={"help": "Prompts that are never trained on."})
    held_out_samples: int = field(default=2, metadata={"help": "Completions sampled for each held-out prompt."})
    right_share: float = field(
        default=0.2, metadata={"help": "Share of warm-up examples that do what they were asked."}
    )
    sft_steps: int = field(default=300, metadata={"help": "Steps of the warm-up on those examples."})
    sft_batch_size: int = field(default=32, metadata={"help": "Examples in each of these steps."})
    sft_learning_rate: float = field(default=2e-3, metadata={"help": "Peak learning rate of the warm-up."})
    hidden_size: int = field(default=128, metadata={"help": "Width of the model; a multiple of 32."})
    layers: int = field(default=2, metadata={"help": "Layers of the model."})
    cpu_threads: int = field(
        default=1, metadata={"help": "Threads of torch; two win little here, and lose much on a busy machine."}
    )
    control: bool = field(default=False, metadata={"help": "Also spend the time of GRPO on more warm-up, and compare."})


@dataclass(frozen=True)
class RunArguments:
    """Everything that was said about one run."""

    reward: RewardArguments
    data: DataArguments
    demo: DemoArguments
    training: Any
    """TRL's `GRPOConfig`."""
    model: Any
    """TRL's `ModelConfig`."""


def parse_arguments(arguments: Sequence[str] | None = None) -> RunArguments:
    """Read `--config file.yaml` and the command line, which wins; raises `ConfigurationError` for keys nobody knows."""
    given = _separated(sys.argv[1:] if arguments is None else arguments)
    # Without allow_abbrev=False `--max_step 3` would silently be `--max_steps 3`, or another option's beginning.
    parser = TrlParser((RewardArguments, DataArguments, DemoArguments, GRPOConfig, ModelConfig), allow_abbrev=False)
    reward, data, demo, training, model, unknown = parser.parse_args_and_config(given, return_remaining_strings=True)
    if unknown:
        known = [action.dest for action in parser._actions]
        raise ConfigurationError(
            "\n".join(_complaint(word, known) for word in unknown if word.startswith("-")) or str(unknown)
        )
    return RunArguments(reward, data, demo, training, model)


def _separated(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with `--config=x` as two words, the only form that TrlParser sees."""
    words: list[str] = []
    for word in arguments:
        words += word.split("=", 1) if word.startswith("--config=") else [word]
    return words


def _complaint(word: str, known: Sequence[str]) -> str:
    name = word.lstrip("-").split("=", 1)[0].replace("-", "_")
    nearest = difflib.get_close_matches(name, known, n=1)
    return f"unknown option {name!r}" + (f": did you mean {nearest[0]!r}?" if nearest else "")
