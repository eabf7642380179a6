"""The test frameworks that files of tests are written for: `unittest` is always there, pytest where it is installed."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from importlib.machinery import PathFinder

from ...errors import ConfigurationError
from ...records import AssertStep, Job
from ..runner.unit_tests import FRAMEWORKS
from .paths import VisiblePaths, site_directories

PYTEST = "pytest"
_NEEDED = ("_pytest", "py.py", "iniconfig", "packaging", "pluggy", "pygments")
"""What pytest imports, where it stands beside it; not all of it does in all versions."""


def check_frameworks(job: Job) -> None:
    """Raise `ConfigurationError` for a file of tests whose framework is unknown or not installed here."""
    for name in {step.framework for step in job.steps if isinstance(step, AssertStep) and step.framework}:
        if name not in FRAMEWORKS:
            raise ConfigurationError(f"files of tests are for {' or '.join(FRAMEWORKS)}, not for {name!r}")
        if name == PYTEST:
            _home_of_pytest()


def with_pytest(paths: VisiblePaths) -> VisiblePaths:
    """Return *paths* with pytest and what it needs, and no other installed package."""
    home = _home_of_pytest()
    found = [f"{home}/{name}" for name in (PYTEST, *_NEEDED) if os.path.exists(f"{home}/{name}")]
    # Where they lie in a directory that is hidden as a whole, it has to be shown as a whole.
    hidden = tuple(path for path in paths.hidden if not f"{home}/".startswith(f"{path}/"))
    new = [path for path in found if not any(f"{path}/".startswith(f"{other}/") for other in paths.readable)]
    search_path = tuple(dict.fromkeys((*paths.search_path, home)))
    return replace(paths, readable=(*paths.readable, *new), hidden=hidden, search_path=search_path)


def _home_of_pytest() -> str:
    places = [*site_directories(True), *(path for path in sys.path if path)]
    spec = PathFinder.find_spec(PYTEST, places)
    if spec is None or spec.origin is None:
        raise ConfigurationError(
            f"a test is a pytest file, and pytest is not installed for {sys.executable}: pip install pytest"
        )
    return os.path.realpath(os.path.dirname(os.path.dirname(spec.origin)))
