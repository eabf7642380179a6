"""The measurement of the reward's overhead, on a batch that is over in a second."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def test_the_overhead_of_every_kind_of_test_is_measured():
    command = [sys.executable, "scripts/bench_overhead.py", "--rounds", "1", "--completions", "4", "--tests", "2"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*command, "--slots", "2"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    if "SandboxUnavailable" in done.stderr:
        pytest.skip(f"run the tests where the local sandbox can run: {done.stderr.splitlines()[-1]}")
    assert done.returncode == 0, done.stderr[-2000:]
    assert [line.split()[0] for line in done.stdout.splitlines()[-3:]] == ["stdin", "calls", "asserts"]
