"""What the package promises, and that it is light."""

from __future__ import annotations

import subprocess
import sys

import rewards

PUBLIC = [
    "BatchGrade",
    "CircuitBreaker",
    "CircuitBreakerOpen",
    "CodeReward",
    "Comparison",
    "ConfigurationError",
    "DatasetError",
    "Extraction",
    "Interpreter",
    "Interpreters",
    "Limits",
    "RewardError",
    "SandboxUnavailable",
    "Verdict",
    "combine",
]
HEAVY = ["torch", "trl", "transformers", "datasets", "accelerate", "e2b", "ray", "numpy", "rich"]


def test_the_public_names_are_these():
    assert rewards.__all__ == PUBLIC
    assert all(hasattr(rewards, name) for name in PUBLIC)


def test_every_public_name_says_what_it_is():
    assert [name for name in PUBLIC if not getattr(rewards, name).__doc__] == []


def test_importing_brings_nothing_heavy_along():
    script = f"import sys, rewards; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"


def test_importing_starts_no_thread_and_is_quick_enough():
    """Tens of milliseconds of CPU where nothing else runs; the bound is loose because machines differ."""
    script = (
        "import threading, time; began = time.process_time(); import rewards\n"
        "print(time.process_time() - began, threading.active_count())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    seconds, threads = done.stdout.split()
    assert float(seconds) < 1.0
    assert threads == "1"
