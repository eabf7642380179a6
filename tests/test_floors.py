"""The structure of the packages, checked on the packages themselves."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def test_each_module_imports_only_what_is_below_it() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_folder_works_under_another_name(tmp_path: Path) -> None:
    """People vendor such a library; relative imports let them."""
    shutil.copytree(ROOT / "rewards", tmp_path / "vendored_rewards", ignore=shutil.ignore_patterns("__pycache__"))
    names = [
        ".".join(path.relative_to(tmp_path).with_suffix("").parts)
        for path in (tmp_path / "vendored_rewards").rglob("*.py")
        if path.name not in ("__init__.py", "__main__.py")
    ]
    code = "import importlib, sys\n" + "\n".join(f"importlib.import_module({name!r})" for name in names)
    code += "\nassert 'rewards' not in sys.modules, 'an absolute import of rewards'"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("package", ["rewards", "trainers"])
def test_no_file_hides_a_module_of_the_standard_library(package: str) -> None:
    names = {path.stem for path in (ROOT / package).rglob("*.py")} - {"__init__", "__main__"}
    assert not names & set(sys.stdlib_module_names)


@pytest.mark.parametrize("package", ["rewards", "trainers", "scripts"])
def test_files_stay_small(package: str) -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in (ROOT / package).rglob("*.py")}
    generated = {ROOT / "rewards/sandboxes/runner/seccomp_filters.py"}
    assert not {path: n for path, n in lengths.items() if n > 320 and path not in generated}


def test_the_ci_script_runs_the_command_that_the_readme_shows() -> None:
    lines = [line for line in (ROOT / "README.md").read_text().splitlines() if line.startswith("python3 -m venv")]
    assert lines[1].endswith("-m pytest -n 2 --dist loadfile")
    assert "configs/grpo_cpu_demo.yaml" in lines[0]
    assert not [line for line in lines[2:] if "-m pytest" in line], "one command for the tests"
