"""What one YAML file, or the command line, says about a run.

The fields of every dataclass in `arguments`, of TRL's config for the method and of its `ModelConfig` stand side by side
in one flat file.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from typing import Any, NoReturn, get_type_hints

from trl import ModelConfig, TrlParser

from rewards import ConfigurationError

from .arguments import AgentArguments, DataArguments, DemoArguments, ReportArguments, RewardArguments, RunArguments
from .methods import method_called
from .values import checked, unknown_key
from .yaml_file import export_variables, read_yaml, separated

_OURS = (RewardArguments, DataArguments, DemoArguments, AgentArguments, ReportArguments)


def parse_arguments(arguments: Sequence[str] | None = None, *, method: str = "grpo") -> RunArguments:
    """Read `--config file.yaml` and the command line, which wins.

    *method* is `grpo`, `rloo` or `ppo`; the keys of its trainer are those of TRL's config for it. Raises
    `ConfigurationError` for keys that nobody knows, for values of another type, and for what TRL itself refuses.
    """
    kinds = (*_OURS, method_called(method).config(), ModelConfig)
    path, given = separated(sys.argv[1:] if arguments is None else arguments)
    # Without allow_abbrev=False `--max_step 3` would silently be `--max_steps 3`, or another option's beginning.
    parser = _Parser(kinds, allow_abbrev=False)
    if path is not None:
        parser.set_defaults_with_config(**_settings(read_yaml(path), parser, kinds))
    try:
        parts = parser.parse_args_into_dataclasses(given, return_remaining_strings=True, look_for_args_file=False)
    except ValueError as error:  # TRL's and transformers' own word on arguments that do not fit each other
        raise ConfigurationError(str(error)) from error
    reward, data, demo, agent, report, training, model, unknown = parts
    _refuse(unknown, [action.dest for action in parser._actions])
    return RunArguments(reward, data, demo, agent, report, training, model, method)


class _Parser(TrlParser):  # type: ignore[misc]  # trl is not type-checked here
    def error(self, message: str) -> NoReturn:
        """Raise, where argparse would print two hundred options and exit."""
        raise ConfigurationError(message)


def _settings(found: dict[str, Any], parser: TrlParser, kinds: Collection[type[Any]]) -> dict[str, Any]:
    """Return what the file sets, each value as its key wants it; exports what stands in `env`."""
    export_variables(found.pop("env", None))
    hints = {name: hint for kind in kinds for name, hint in get_type_hints(kind).items()}
    choices = {action.dest: action.choices for action in parser._actions}
    settings = {}
    for key, value in found.items():
        if key not in choices or key not in hints:
            raise ConfigurationError(unknown_key(str(key), [*hints, "env"]))
        settings[key] = checked(_resumed(value) if key == "resume_from_checkpoint" else value, hints[key], what=key)
        if choices[key] and settings[key] is not None and settings[key] not in choices[key]:
            raise ConfigurationError(f"{key}: expected one of {', '.join(map(str, choices[key]))}, found {value!r:.60}")
    return settings


def _resumed(value: Any) -> Any:
    """Return TRL's path to a checkpoint; `true` stands for the last one, if there is one."""
    return {True: "true", False: None}[value] if isinstance(value, bool) else value


def _refuse(unknown: Sequence[str], known: Collection[str]) -> None:
    options = [word.lstrip("-").split("=", 1)[0].replace("-", "_") for word in unknown if word.startswith("-")]
    if unknown:
        raise ConfigurationError("\n".join(unknown_key(name, known) for name in options) or f"no options: {unknown}")
