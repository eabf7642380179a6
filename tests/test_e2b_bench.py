"""The benchmark of the E2B pool runs to its end; its figures are for quiet machines and are not judged here."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("e2b", reason="pip install code-rewards[e2b]")

SCRIPT = Path(__file__).parents[1] / "scripts" / "bench_e2b.py"


@pytest.mark.long
@pytest.mark.timeout(180)
def test_the_benchmark_measures_every_way_to_use_the_account() -> None:
    done = subprocess.run([sys.executable, str(SCRIPT), "--quick"], capture_output=True, text=True, timeout=150)
    assert done.returncode == 0, done.stderr
    rows = re.findall(r"^(ours, \w+|a sandbox for each completion)", done.stdout, re.MULTILINE)
    assert rows == ["ours, cold", "ours, warm", "ours, cold", "a sandbox for each completion"]
