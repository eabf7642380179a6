"""What the workers of each kind see of this machine's files."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ..runner.handshake import Kind
from .frameworks import with_pytest
from .paths import VisiblePaths, site_directories, visible_paths
from .tools import visible_to_tools


def paths_for(kind: Kind, chosen_packages: Sequence[str | os.PathLike[str]] | bool) -> VisiblePaths:
    """Return what a worker of this *kind* is shown, with the package directories that the user chose."""
    if kind is Kind.COMMANDS:
        return visible_to_tools()
    packages = site_directories(chosen_packages)
    if kind in (Kind.NOTEBOOKS, Kind.SESSIONS):  # IPython is there, and what notebooks use
        packages = tuple(dict.fromkeys((*packages, *site_directories(True))))
    paths = visible_paths(packages)
    return with_pytest(paths) if kind is Kind.PYTEST else paths
