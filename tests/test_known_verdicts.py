"""Programs whose verdict is known, graded at every level of the local sandbox."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rewards.sandboxes.local import LocalSandbox
from rewards.toolchains import TOOLCHAINS

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


@pytest.mark.parametrize("level", ["A", pytest.param("B", marks=pytest.mark.long)])
@pytest.mark.parametrize("suite", ["humaneval", "humaneval-emptied", "mbpp", "mbpp-emptied"])
def test_canonical_solutions_pass_and_emptied_ones_do_not(suite: str, level: str) -> None:
    run_suites("--level", level, suite)


@pytest.mark.parametrize("suite", ["llm_humaneval", "llm_check", "llm_lcb", "llm_lcb-calls", "sandboxfusion_submit"])
def test_replies_of_models_get_their_official_verdict(suite: str) -> None:
    run_suites(suite)


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node: apt install nodejs")
def test_canonical_javascript_passes_but_for_three_that_fail_their_own_tests() -> None:
    run_suites("humaneval_js")


@pytest.mark.long
@pytest.mark.parametrize("suite", ["kattis_stdio", "peers"])
def test_programs_get_the_verdict_of_the_jury_and_of_other_graders(suite: str) -> None:
    """Of `peers`, five do not: three fences are closed by an indented line, one answer has none, one wants a socket."""
    run_suites(suite)


@pytest.mark.long
@pytest.mark.parametrize("language", ["javascript", "typescript", "bash", "r", "java"])
def test_replies_in_other_languages_get_the_verdict_of_a_plain_run(language: str) -> None:
    """A third of those in Java import a library that is not the language's own: the bound leaves them out."""
    if language not in LocalSandbox().languages:
        pytest.skip(f"to run {language}: {TOOLCHAINS[language].install}")
    run_suites(f"multipl_e-{language}")


@pytest.mark.long
def test_programs_end_as_another_runner_saw_them_end() -> None:
    """In every language whose tool is here; what is left out is printed with the name of its package."""
    run_suites("sandboxfusion_run")


@pytest.mark.long
def test_our_program_is_the_one_that_official_extractors_take() -> None:
    """Half of SandboxFusion's rows that can be told ask for a rewritten program, or for one that was cut off."""
    run_suites("extract_lcb", "extract_sandboxfusion")


@pytest.mark.long
def test_a_loaded_machine_changes_no_verdict() -> None:
    run_suites("--busy", "4", "humaneval", "mbpp", "llm_lcb")
