"""A run from its command line: trained, tried out, or demonstrated."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from typing import Any

from rewards import ConfigurationError

from .arguments import RunArguments, said_in
from .config import parse_arguments
from .demos import DEMOS, Demo
from .dry_run import dry_run
from .quiet import quiet_rows_without_reward
from .training import leave_process_group, train


def run_command(method: str, arguments: Sequence[str]) -> None:
    """Run what the command line asks for, by *method*, and say what came of it."""
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")  # about options that TRL sets
    quiet_rows_without_reward()
    run_from(parse_arguments(arguments, method=method))
    leave_process_group()


def run_from(run: RunArguments) -> None:
    """Train, try out, or demonstrate, as the arguments say."""
    demo = DEMOS.get(run.data.dataset)
    _refuse_what_would_be_left_aside(run, is_demo=demo is not None)
    say = _say if run.training.process_index == 0 else _say_nothing
    if run.report.dry_run:
        dry_run(run, say=say, material=None if demo is None else demo.material(run))
        say("dry run: all of this is in order, and nothing was trained")
    elif demo is None:
        train(run, say=say)
    else:
        _demonstrate(run, demo)


def _refuse_what_would_be_left_aside(run: RunArguments, *, is_demo: bool) -> None:
    """Refuse a model and options of rows beside a demo, as a run without `dataset` is, and a demo's beside others."""
    if not is_demo:
        if given := said_in(run.demo):
            raise ConfigurationError(f"{', '.join(given)}: for demos alone, and `dataset` is {run.data.dataset!r}")
        return
    given = [name for name in said_in(run.data) if name != "dataset"]
    given += ["model_name_or_path"] if run.model.model_name_or_path is not None else []
    if given:
        raise ConfigurationError(
            f"{', '.join(given)}: the run {run.data.dataset!r} makes its own rows and model; `dataset` names others"
        )


def _demonstrate(run: RunArguments, demo: Demo) -> None:
    if run.training.resume_from_checkpoint is not None:
        raise ConfigurationError("resume_from_checkpoint: a demo takes minutes, and always begins with its warm-up")
    began = time.monotonic()
    _show(run, demo.run(run, say=_say))
    _say(f"{time.monotonic() - began:.0f} s in all; report.html, reward curve and summary in {run.training.output_dir}")


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - what a script is for


def _say_nothing(line: str) -> None:
    """Leave the talking to the first rank."""


def _show(run: RunArguments, summary: dict[str, Any]) -> None:
    rates, seconds, method = summary["held_out_pass_rate"], summary["seconds"], run.method.upper()
    said = {"before": f"before {method}", "after": f"after {method}", "control": "more warm-up instead"}
    took = {"after": f"   ({seconds[run.method]:.0f} s, {summary['steps']} steps)"}
    took |= {name: f"   ({seconds[name]:.0f} s)" for name in seconds if name == "control"}
    _say(f"\nheld-out pass rate, {run.demo.held_out_exercises} prompts never trained on, sampled as in training:")
    for name, rate in rates.items():
        _say(f"  {said.get(name, name):20} {rate:7.1%}{took.get(name, '')}")
