"""The example programs of the guides, as a user without a key starts them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"
NEEDS_NODE = pytest.mark.skipif(shutil.which("node") is None, reason="JavaScript is run by node: apt install nodejs")
NO_KEY = "there is no E2B key (neither api_key nor E2B_API_KEY)"
EXAMPLES = [
    pytest.param("basic", ["score 1.0: ", "given:\n120", f"local (the fallback: {NO_KEY})"], id="basic"),
    pytest.param("javascript", ["score 1.0: ", "given:\ntrue\nfalse"], id="javascript", marks=NEEDS_NODE),
    pytest.param("stated_output", ["score 1.0: ", "stated in the user message:\n15"], id="stated output"),
    pytest.param("fallback", ["with a fallback: score 1.0, ", "local: score 1.0, ", NO_KEY], id="fallback"),
]


@pytest.mark.parametrize(("name", "promised"), EXAMPLES)
def test_an_example_scores_its_answer_without_a_key(name: str, promised: list[str]) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("E2B_")}
    script = SCRIPTS / f"example_{name}.py"
    done = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    for text in promised:
        assert text in done.stdout
    assert f"{NO_KEY}: programs run in the fallback sandbox, local" in done.stderr, "said in the log, too"


def test_every_example_is_among_these_and_short() -> None:
    found = {path.stem.removeprefix("example_"): path for path in SCRIPTS.glob("example_*.py")}
    assert sorted(found) == sorted(str(example.values[0]) for example in EXAMPLES)
    assert all(len(path.read_text().splitlines()) <= 60 for path in found.values())
