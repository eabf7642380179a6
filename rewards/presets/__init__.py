"""Ready rewards for TRL's command line, which can name a reward but hand it no arguments.

    trl grpo --config run.yaml --reward_funcs rewards.presets.code

`code` takes everything from environment variables, which the YAML's `env:` block can set; the others hold one option
fast and are otherwise the same. Two of them in one run log under their own names and share their sandbox.

A preset is made when it is first asked for, from the environment of that moment, and is the same object from then on:
importing this module reads nothing, needs no key, and starts nothing. What the variables are called is in `variables`.
"""

from __future__ import annotations

import difflib
import os

from ..code_reward import CodeReward
from .building import build_reward

FIXED: dict[str, dict[str, str]] = {
    "code": {},
    "code_fraction": {"SCORING": "fraction_passed"},
    "code_weighted": {"SCORING": "weighted_passed"},
    "code_local": {"SANDBOX": "local"},
    "code_local_fraction": {"SANDBOX": "local", "SCORING": "fraction_passed"},
    "code_e2b": {"SANDBOX": "e2b"},
    "code_e2b_fraction": {"SANDBOX": "e2b", "SCORING": "fraction_passed"},
}
"""What each preset holds fast, as the variables would say it."""

code: CodeReward
code_fraction: CodeReward
code_weighted: CodeReward
code_local: CodeReward
code_local_fraction: CodeReward
code_e2b: CodeReward
code_e2b_fraction: CodeReward


def __getattr__(name: str) -> CodeReward:
    """Make the preset *name*; raises `ConfigurationError` that names the variable that does not fit."""
    if name not in FIXED:
        nearest = "" if name.startswith("_") else "".join(difflib.get_close_matches(name, FIXED, n=1))
        hint = f": did you mean {nearest!r}?" if nearest else f"; there are {', '.join(FIXED)}"
        raise AttributeError(f"rewards.presets has no {name!r}{hint}", name=name)
    reward = build_reward(name, FIXED[name], os.environ)
    globals()[name] = reward
    return reward
