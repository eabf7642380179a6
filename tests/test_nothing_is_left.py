"""No process, descriptor, memory file, thread or folder is left, however the trainer's work ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).parent
LEVELS = ["A", "B"]


def _python(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": f"{TESTS.parent}:{TESTS}", "TMPDIR": str(folder)}
    command = [sys.executable, "-X", "utf8", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    if "SandboxUnavailable" in done.stderr:
        pytest.skip(f"run the tests where the level is to be had: {done.stderr.splitlines()[-1]}")
    return done


def _report(scenario: str, level: str, folder: Path) -> dict[str, Any]:
    done = _python("-m", "hostile.trainer", scenario, level, folder=folder)
    assert done.returncode == 0, done.stderr[-3000:]
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report


@pytest.fixture(scope="module", params=LEVELS)
def level(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize(
    "scenario",
    [
        "close_after_work",
        "close_in_the_middle",
        "raise_inside_a_batch",
        "cancel_many",
        "close_other_kinds_in_the_middle",
        "cancel_other_kinds",
    ],
)
def test_nothing_is_left_after(scenario: str, level: str, tmp_path: Path) -> None:
    report = _report(scenario, level, tmp_path)
    before, after = report["before"], report["after"]
    assert report["working"]["processes"], "the scenario started nothing, so it shows nothing"
    assert after["processes"] == []
    assert after["descriptors"] == before["descriptors"]
    assert after["threads"] == before["threads"]
    assert after["temporary"] == []
    assert not list(tmp_path.iterdir()), "something was left when the process had ended"


def test_the_trainer_is_never_forked_and_its_signals_are_its_own(level: str, tmp_path: Path) -> None:
    report = _report("close_after_work", level, tmp_path)
    assert report["forks"] == []
    for moment in ("working", "after"):
        assert report[moment]["handlers"] == report["before"]["handlers"]
        assert report[moment]["timers"] == report["before"]["timers"]


@pytest.mark.parametrize(
    ("scenario", "end"),
    [
        pytest.param("be_killed", "kill", id="after SIGKILL in the middle of jobs"),
        pytest.param(
            "be_killed_in_other_kinds", "kill", id="after SIGKILL in the middle of a compiler, cell and suite"
        ),
        pytest.param("be_killed", "terminate", id="after SIGTERM in the middle of jobs"),
        pytest.param("leave_without_closing", "wait", id="after an exception that ends the program"),
    ],
)
def test_nothing_outlives_the_trainer(scenario: str, end: str, level: str, tmp_path: Path) -> None:
    trainer = [sys.executable, "-X", "utf8", "-m", "hostile.trainer", scenario, level]
    done = _python("-m", "hostile.orphanage", end, *trainer, folder=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    report = json.loads(done.stdout.splitlines()[-1])
    running = json.loads(report["said"])
    assert len(running["processes"]) >= 4, "two slots and two programs were expected to be running"
    assert report["left"] == {}, f"still there after {report['took_s']:.1f} s"
    assert not list(tmp_path.iterdir()), "the trainer is gone, and folders of its sandbox are left"
