"""The keys of a run's YAML file beside those of TRL's own dataclasses, each with its help.

The fields of all dataclasses here stand side by side in one flat file, so no two of them bear one name.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any

from rewards import ConfigurationError

from .data_arguments import DEMO, MIXTURE, DataArguments, DatasetPart

__all__ = [
    "DEMO",
    "MIXTURE",
    "AgentArguments",
    "DataArguments",
    "DatasetPart",
    "DemoArguments",
    "ReportArguments",
    "RewardArguments",
    "RunArguments",
    "said_in",
]


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
    sandbox_allow_unprotected: bool = field(
        default=False, metadata={"help": "Run programs locally even where nothing there can confine them."}
    )
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
    e2b_trip_jobs: int | None = field(
        default=None, metadata={"help": "Programs that travel together in one command; unset: 8."}
    )
    e2b_keep_warm: int | None = field(
        default=None, metadata={"help": "Idle sandboxes that all ranks together keep between batches; unset: 4."}
    )
    e2b_idle_s: float | None = field(
        default=None, metadata={"help": "Seconds until the other idle ones are killed; unset: 30."}
    )
    e2b_ttl_s: int | None = field(
        default=None, metadata={"help": "Seconds after which E2B kills what a dead trainer has left; unset: 300."}
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
    scoring: str = field(
        default="all_passed",
        metadata={"help": "all_passed, fraction_passed, weighted_passed, or a function's package.module.name."},
    )
    schema: str | None = field(default=None, metadata={"help": "The rows' schema; unset: found out for each row."})
    language: str | None = field(
        default=None,
        metadata={"help": "The language of all programs, whatever a row says; unset: the row's, else Python."},
    )
    comparison: str | None = field(default=None, metadata={"help": "How outputs are compared; a row's own goes first."})
    block_choice: str = field(default="auto", metadata={"help": "Which of several code blocks is the program."})
    opened_by_prompt: bool = field(default=False, metadata={"help": "The prompt ends inside an opened code block."})
    allow_unclosed: bool = field(default=False, metadata={"help": "Take a code block whose end is missing."})
    allow_bare: bool = field(default=True, metadata={"help": "Take an answer that is Python as a whole."})
    allow_unparsed: bool = field(
        default=False, metadata={"help": "Take any answer without a code block: bare programs in other languages."}
    )
    cpu_s: float = field(default=10.0, metadata={"help": "CPU seconds for one test."})
    wall_s: float | None = field(
        default=None, metadata={"help": "Seconds by the clock for one test; unset: 3 cpu_s + 2."}
    )
    memory_mb: int = field(default=1024, metadata={"help": "Memory of a program."})
    job_cpu_s: float = field(default=120.0, metadata={"help": "CPU seconds for all tests of one program."})
    output_kb: int = field(default=1024, metadata={"help": "Kilobytes kept of what a program prints."})
    disk_mb: int = field(default=64, metadata={"help": "Megabytes of files that a program may write."})
    processes: int = field(default=1, metadata={"help": "Processes of a program; 1: threads only."})
    max_tests: int | None = field(default=None, metadata={"help": "Tests used of each row, always the same ones."})
    trust: str = field(
        default="split", metadata={"help": "'shared' takes tests that stand in the program's own process, too."}
    )
    stop_at_first_failure: bool = field(default=False, metadata={"help": "Leave out what follows a failed test."})
    batch_deadline_s: float | None = field(
        default=None, metadata={"help": "Seconds for grading one batch; unset: half of ddp_timeout."}
    )
    unjudged_score: float | None = field(
        default=None,
        metadata={
            "help": "The score where no sandbox could judge; unset: none, which PPO takes for its unjudged_value."
        },
    )
    no_program_score: float = field(default=0.0, metadata={"help": "The score of a completion without a program."})
    program_bonus: float = field(default=0.0, metadata={"help": "Added to the score of every judged program."})
    retries: int = field(default=2, metadata={"help": "Times that a program is tried again where a sandbox failed."})
    breaker_batches: int | None = field(
        default=3,
        metadata={"help": "End the run after so many batches in a row that could not be judged; none: never."},
    )
    breaker_share: float = field(default=0.5, metadata={"help": "The share of a batch's programs that makes it one."})
    on_bad_row: str = field(
        default="raise",
        metadata={"help": "raise: a row that cannot be read ends the run at its start; none: no score."},
    )
    reward_name: str = field(default="code", metadata={"help": "The name that metrics and table columns begin with."})
    other_rewards: list[str] = field(
        default_factory=list, metadata={"help": "Further reward functions, as package.module.name."}
    )
    combine_rewards: bool = field(
        default=False, metadata={"help": "Add them up (with reward_weights) to one reward, None where any part is."}
    )


@dataclass(frozen=True)
class DemoArguments:
    """The run on generated exercises: its size, its small model, and the warm-up before it."""

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
    control: bool = field(default=False, metadata={"help": "Also spend the run's time on more warm-up, and compare."})


@dataclass(frozen=True)
class AgentArguments:
    """Tools for the model while it answers: an interpreter of its own for every rollout. GRPO only."""

    tools: list[str] = field(
        default_factory=list,
        metadata={"help": "run_python, run_shell, write_file, read_file: any of those; none: the model only writes."},
    )
    tool_turns: int = field(default=4, metadata={"help": "Turns with tool calls that a rollout may have."})
    tool_cpu_s: float = field(default=5.0, metadata={"help": "CPU seconds of one call."})
    tool_wall_s: float | None = field(default=None, metadata={"help": "Seconds by the clock; unset: 3 tool_cpu_s + 2."})
    tool_memory_mb: int = field(default=512, metadata={"help": "Memory of one interpreter."})
    tool_output_chars: int = field(
        default=2000, metadata={"help": "Characters of a call's result that the model sees."}
    )
    parallel_tools: bool = field(
        default=True, metadata={"help": "Run a turn's calls of the whole batch at once, where TRL runs one by one."}
    )

    def __post_init__(self) -> None:
        _refuse_below(self, tool_turns=1, tool_output_chars=40)
        if not self.tools and (given := said_in(self)):
            raise ConfigurationError(f"{', '.join(given)}: how tools are used, but `tools` names none")


@dataclass(frozen=True)
class ReportArguments:
    """What a run shows of itself in its folder."""

    report: bool = field(default=True, metadata={"help": "Write report.html and its pictures."})
    report_every: int = field(default=10, metadata={"help": "Logs between two versions of it; 0: at the end only."})
    report_samples: int = field(default=1000, metadata={"help": "Completions kept for its browser."})
    dry_run: bool = field(
        default=False, metadata={"help": "Load all but the weights, grade one known solution, say what would run, end."}
    )

    def __post_init__(self) -> None:
        _refuse_below(self, report_every=0, report_samples=0)


def said_in(arguments: Any) -> list[str]:
    """Return the fields of a dataclass that say something else than they do by themselves."""
    return [one.name for one in fields(arguments) if getattr(arguments, one.name) != _default(one)]


def _default(one: Field[Any]) -> Any:
    return one.default if one.default_factory is MISSING else one.default_factory()


def _refuse_below(arguments: object, **least: int) -> None:
    for name, lowest in least.items():
        found = getattr(arguments, name)
        if found < lowest:
            raise ConfigurationError(f"{name} must be at least {lowest}, found {found}")


@dataclass(frozen=True)
class RunArguments:
    """Everything that was said about one run."""

    reward: RewardArguments
    data: DataArguments
    demo: DemoArguments
    agent: AgentArguments
    report: ReportArguments
    training: Any
    """TRL's config for the method, such as `GRPOConfig`."""
    model: Any
    """TRL's `ModelConfig`."""
    method: str = "grpo"
    """`grpo`, `rloo` or `ppo`."""
