"""The last SDKs that speak the older create call, which many backends know alone, work as the newest ones do."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from e2b_service.handle import start_service
from e2b_service.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
PYTHON = ROOT / ".venv-e2b-v1/bin/python"


@pytest.mark.long
@pytest.mark.skipif(not PYTHON.exists(), reason=f"needs e2b<2.51 in {PYTHON.parents[1].name}, which .ci/long makes")
def test_the_last_pair_with_the_older_create_call_makes_sandboxes_runs_jobs_and_kills() -> None:
    with start_service(Settings(versions="v1")) as service:
        done = subprocess.run(
            [PYTHON, "tests/e2b_v1_job.py"],
            cwd=ROOT,
            env={**os.environ, **service.environment},
            capture_output=True,
            text=True,
            timeout=120,
        )
        stats = service.stats()
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["versions"]["e2b-code-interpreter"] == "2.10.0"
    assert tuple(map(int, found["versions"]["e2b"].split(".")[:2])) < (2, 51)
    assert found["program"] == ["aa\n", "bb\n"]
    assert found["cell"] == ["[{'text': '42'}]"]
    assert "inside it" in found["level"][0]
    assert stats.creates >= 1
    assert stats.requests["rest/kill"] >= stats.creates
    assert stats.alive == ()
