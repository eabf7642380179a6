"""What the training scripts do with their command line, before the packages are imported that a run needs."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from .stopping import stopping_together
from .yaml_file import export_variables, read_yaml, separated

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # the tokenizer's threads and a fork do not go together
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")  # every trainer of TRL's reports itself otherwise

METHODS = ("grpo", "rloo", "ppo")
"""The names in `methods.METHODS`, which cannot be looked at without TRL."""


def main(method: str, arguments: Sequence[str] | None = None) -> None:
    """Run what the command line asks for, by *method*, and say what came of it; an error of the user's is one line."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    with stopping_together():
        path, _ = separated(given)
        if path is not None:
            export_variables(read_yaml(path).get("env"))
        from .command import run_command  # HF_HOME, HF_HUB_OFFLINE and the like are read when it is imported

        run_command(method, given)
