"""Who uses a sandbox, who closes it, and what cannot be one."""

from __future__ import annotations

import copy
import gc
import pickle
import subprocess
import sys
import time

import pytest
from asking import fenced

from rewards import CodeReward, ConfigurationError
from rewards.sandboxes.fake import FakeSandbox

ONE = {"completions": [fenced("print(1)")], "expected_output": ["1"]}


def test_rewards_share_a_sandbox_and_the_last_one_closes_it():
    sandbox = FakeSandbox({}, otherwise="1\n")
    first, second = CodeReward(sandbox=sandbox), CodeReward(sandbox=sandbox)
    assert first(**ONE) == second(**ONE) == [1.0]
    first.close()
    first.close()
    assert not sandbox.closed
    assert second(**ONE) == [1.0]
    second.close()
    assert sandbox.closed


def test_a_forgotten_reward_closes_its_sandbox():
    sandbox = FakeSandbox({}, otherwise="1\n")
    CodeReward(sandbox=sandbox)(**ONE)
    gc.collect()
    wait_until(lambda: sandbox.closed)


def wait_until(claim) -> None:
    deadline = time.monotonic() + 5
    while not claim():
        assert time.monotonic() < deadline
        time.sleep(0.01)


SCRIPT = """
import sys
from rewards import CodeReward
from rewards.sandboxes.fake import FakeSandbox

class Noting(FakeSandbox):
    async def close(self):
        sys.stdout.write("closed")
        sys.stdout.flush()

reward = CodeReward(sandbox=Noting({}, otherwise="1"))
print(reward(completions=["```python\\nprint(1)\\n```"], expected_output=["1"]))
"""


def test_a_process_that_just_ends_closes_its_sandbox_and_says_nothing():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[1.0]\nclosed", "")


def test_a_reward_uses_its_sandbox_from_its_construction_on():
    sandbox = FakeSandbox({}, otherwise="1\n")
    first, second = CodeReward(sandbox=sandbox), CodeReward(sandbox=sandbox)
    assert first(**ONE) == [1.0]
    first.close()
    assert not sandbox.closed
    assert second(**ONE) == [1.0]
    second.close()
    assert sandbox.closed


def test_a_reward_that_never_ran_holds_the_sandbox_no_longer_than_it_lives():
    sandbox = FakeSandbox({}, otherwise="1\n")
    first, second = CodeReward(sandbox=sandbox), CodeReward(sandbox=sandbox)
    first(**ONE)
    first.close()
    del second
    gc.collect()
    wait_until(lambda: sandbox.closed)


def test_a_process_that_ends_closes_a_sandbox_that_an_idle_reward_shares():
    script = SCRIPT.replace('CodeReward(sandbox=Noting({}, otherwise="1"))', "CodeReward(sandbox=shared)").replace(
        "reward = ", 'shared = Noting({}, otherwise="1")\nidle = CodeReward(sandbox=shared)\nreward = '
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[1.0]\nclosed", "")


def test_a_sandbox_that_was_closed_is_not_used_again():
    sandbox = FakeSandbox({}, otherwise="1\n")
    with CodeReward(sandbox=sandbox) as reward:
        reward(**ONE)
    with CodeReward(sandbox=sandbox) as late, pytest.raises(ConfigurationError, match="closed with the last reward"):
        late(**ONE)
    with CodeReward(sandbox=copy.copy(sandbox)) as reward:
        assert reward(**ONE) == [1.0]
    with CodeReward(sandbox=pickle.loads(pickle.dumps(sandbox))) as reward:
        assert reward(**ONE) == [1.0]


def test_a_sandbox_that_no_reward_ever_ran_anything_in_is_not_used_up():
    sandbox = FakeSandbox({}, otherwise="1\n")
    CodeReward(sandbox=sandbox).close()
    with CodeReward(sandbox=sandbox) as reward:
        assert reward(**ONE) == [1.0]


def test_what_lacks_a_part_of_a_sandbox_is_refused_and_told_which():
    class Half:
        name = "half"

        async def run(self, job, *, keep_going=None): ...

    with pytest.raises(ConfigurationError, match="found Half, which lacks start, describe, close, capacity:"):
        CodeReward(sandbox=Half())


def test_a_class_is_no_sandbox():
    with pytest.raises(ConfigurationError, match=r"class.*FakeSandbox"):
        CodeReward(sandbox=FakeSandbox, language="python")
