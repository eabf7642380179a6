"""Programs whose verdict is known, graded at every level of the local sandbox."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"

pytestmark = pytest.mark.skipif(
    not (DATA / "datasets").is_dir(),
    reason=f"needs HumanEval, MBPP and model replies in {DATA}; see scripts/agreement.py for the files",
)


def run_suites(*arguments: str) -> None:
    command = [sys.executable, str(ROOT / "scripts/agreement.py"), "--data", str(DATA), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("level", ["A", "B"])
@pytest.mark.parametrize("suite", ["humaneval", "humaneval-emptied", "mbpp", "mbpp-emptied"])
def test_canonical_solutions_pass_and_emptied_ones_do_not(suite: str, level: str) -> None:
    run_suites("--level", level, suite)


@pytest.mark.parametrize("suite", ["llm_humaneval", "llm_check", "llm_lcb"])
def test_replies_of_models_get_their_official_verdict(suite: str) -> None:
    run_suites(suite)


@pytest.mark.long
def test_a_loaded_machine_changes_no_verdict() -> None:
    run_suites("--busy", "4", "humaneval", "mbpp", "llm_lcb")
