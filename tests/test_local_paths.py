"""What of the host's files programs get to see."""

from __future__ import annotations

import os
import site
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from rewards.errors import ConfigurationError
from rewards.sandboxes.local.paths import interpreter, site_directories, visible_paths

STANDARD = os.path.dirname(os.path.realpath(os.__file__))


def covered(path: str, readable: tuple[str, ...]) -> bool:
    return any(path == other or path.startswith(other + "/") for other in readable)


def test_the_standard_library_is_shown_and_no_packages() -> None:
    paths = visible_paths(())
    assert covered(STANDARD, paths.readable)
    environment = os.path.realpath(sysconfig.get_path("purelib"))
    assert not covered(environment, paths.readable) or environment in paths.hidden
    assert paths.search_path == ()


def test_nothing_of_the_users_home_or_of_etc_is_shown() -> None:
    shown = visible_paths(()).readable
    for path in ("/", "/etc", "/etc/passwd", "/home", "/root", "/tmp", "/var", str(Path.home()), "/proc", "/usr"):
        assert path not in shown
        assert path == "/usr" or not covered(path, shown), path


def test_listed_packages_are_shown_even_inside_the_standard_library(tmp_path: Path) -> None:
    inside = f"{STANDARD}/site-packages"
    paths = visible_paths([str(tmp_path), inside])
    assert covered(str(tmp_path), paths.readable)
    assert inside not in paths.hidden
    assert paths.search_path == (str(tmp_path), inside)


def test_true_stands_for_the_packages_of_this_interpreter() -> None:
    expected = [os.path.realpath(path) for path in site.getsitepackages() if os.path.isdir(path)]
    assert set(expected) <= set(site_directories(True))
    assert site_directories(False) == ()


def test_a_directory_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="missing"):
        site_directories([tmp_path / "missing"])
    with pytest.raises(ConfigurationError, match="list of directories"):
        site_directories(str(tmp_path))  # type: ignore[arg-type]


def test_the_interpreter_is_the_one_behind_the_environment() -> None:
    said = subprocess.run(
        [interpreter(), "-I", "-S", "-c", "import sys; print(sys.version, sys.prefix == sys.base_prefix)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == f"{sys.version} True\n"
