"""What one YAML file, or the command line, says about a run.

The fields of every dataclass in `arguments`, of TRL's config for the method and of its `ModelConfig` stand side by side
in one flat file.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Sequence

from trl import ModelConfig, TrlParser

from rewards import ConfigurationError

from .arguments import AgentArguments, DataArguments, DemoArguments, ReportArguments, RewardArguments, RunArguments
from .methods import method_called


def parse_arguments(arguments: Sequence[str] | None = None, *, method: str = "grpo") -> RunArguments:
    """Read `--config file.yaml` and the command line, which wins; raises `ConfigurationError` for keys nobody knows.

    *method* is `grpo`, `rloo` or `ppo`; the keys of its trainer are those of TRL's config for it.
    """
    chosen = method_called(method)
    given = _separated(sys.argv[1:] if arguments is None else arguments)
    # Without allow_abbrev=False `--max_step 3` would silently be `--max_steps 3`, or another option's beginning.
    ours = (RewardArguments, DataArguments, DemoArguments, AgentArguments, ReportArguments)
    parser = TrlParser((*ours, chosen.config(), ModelConfig), allow_abbrev=False)
    reward, data, demo, agent, report, training, model, unknown = parser.parse_args_and_config(
        given, return_remaining_strings=True
    )
    if unknown:
        known = [action.dest for action in parser._actions]
        raise ConfigurationError(
            "\n".join(_complaint(word, known) for word in unknown if word.startswith("-")) or str(unknown)
        )
    return RunArguments(reward, data, demo, agent, report, training, model, method)


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
