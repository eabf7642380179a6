"""Packages that a run asks for and that may not be installed, found out before a model is loaded."""

from __future__ import annotations

from importlib.util import find_spec

from rewards import ConfigurationError

from .arguments import RunArguments


def refuse_missing_packages(run: RunArguments) -> None:
    """Raise `ConfigurationError` for a package that is missing, with the command that installs it."""
    training, model = run.training, run.model
    wanted = {
        "vllm": ("use_vllm: true", getattr(training, "use_vllm", False)),
        "peft": ("use_peft: true", model.use_peft),
        "bitsandbytes": ("load_in_4bit and load_in_8bit", model.load_in_4bit or model.load_in_8bit),
        "deepspeed": ("deepspeed", bool(training.deepspeed)),
    }
    for package, (key, is_wanted) in wanted.items():
        if is_wanted and find_spec(package) is None:
            raise ConfigurationError(f"{key} needs the package {package}: pip install {package}")
