"""Where a batch may be asked for: any thread, any loop, a forked child, and what happens when the asker gives up."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from asking import fenced

from rewards import CodeReward
from rewards.grader.loop import background_loop
from rewards.sandboxes.fake import FakeSandbox

ONE = {"completions": [fenced("print(1)")], "expected_output": ["1"]}


class Cancellable(FakeSandbox):
    """A fake that hangs and notes that it was stopped."""

    def __init__(self, **options):
        super().__init__({}, otherwise="1\n", latency_s=float("inf"), **options)
        self.running = threading.Event()
        self.stopped = threading.Event()

    async def run(self, job, *, keep_going=None):
        self.running.set()
        try:
            return await super().run(job, keep_going=keep_going)
        except asyncio.CancelledError:
            self.stopped.set()
            raise


@pytest.fixture
def reward():
    with CodeReward(sandbox=FakeSandbox({"print(1)": "1\n"})) as reward:
        yield reward


def test_a_call_inside_a_running_loop_works(reward):
    async def notebook_cell():
        return reward(**ONE)

    assert asyncio.run(notebook_cell()) == [1.0]


def test_the_async_twin_works_on_one_loop_after_another(reward):
    for _ in range(3):
        assert asyncio.run(reward.acall(**ONE)) == [1.0]


def test_the_async_twin_leaves_the_callers_loop_free():
    async def count_while_waiting(reward):
        ticks = 0
        call = asyncio.ensure_future(reward.acall(**ONE))
        while not call.done():
            await asyncio.sleep(0.005)
            ticks += 1
        return ticks, call.result()

    with CodeReward(sandbox=FakeSandbox({}, otherwise="1\n", latency_s=0.2)) as reward:
        ticks, scores = asyncio.run(count_while_waiting(reward))
    assert ticks > 3
    assert scores == [1.0]


def test_many_threads_may_call_at_once(reward):
    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(reward, **ONE) for _ in range(40)]
    assert {tuple(call.result()) for call in calls} == {(1.0,)}


def test_many_async_calls_share_the_sandboxs_places():
    sandbox = FakeSandbox({}, otherwise="1\n", latency_s=0.001, capacity=2)

    async def ten_batches(reward):
        return await asyncio.gather(*(reward.acall(**ONE) for _ in range(10)))

    with CodeReward(sandbox=sandbox) as reward:
        assert asyncio.run(ten_batches(reward)) == [[1.0]] * 10
    assert sandbox.most_at_once == 2


def test_cancelling_the_async_twin_stops_the_programs():
    async def call_and_cancel(reward):
        call = asyncio.ensure_future(reward.acall(**ONE))
        await asyncio.to_thread(sandbox.running.wait, 5)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    sandbox = Cancellable()
    with CodeReward(sandbox=sandbox) as reward:
        asyncio.run(call_and_cancel(reward))
        assert sandbox.stopped.is_set()


@pytest.mark.usefixtures("interruptible")
def test_an_interrupted_call_stops_its_programs():
    """As Ctrl-C does in the main thread of a training script."""
    sandbox = Cancellable()

    def interrupt():
        sandbox.running.wait(5)
        os.kill(os.getpid(), signal.SIGINT)

    with CodeReward(sandbox=sandbox) as reward:
        threading.Thread(target=interrupt).start()
        with pytest.raises(KeyboardInterrupt):
            reward(**ONE)
        assert sandbox.stopped.is_set()


def test_a_wait_on_the_background_loop_itself_is_refused(reward):
    async def sandbox_code():
        return reward(**ONE)

    from rewards import ConfigurationError

    with pytest.raises(ConfigurationError, match="on its own background loop"):
        background_loop().begin(sandbox_code()).future.result(5)


@pytest.mark.filterwarnings(
    "ignore:This process .* is multi-threaded, use of fork:DeprecationWarning"  # forking with threads is the point here
)
def test_a_forked_child_gets_a_loop_and_a_sandbox_of_its_own(reward):
    assert reward(**ONE) == [1.0]
    child = os.fork()
    if child == 0:
        status = 1
        with contextlib.suppress(BaseException):
            status = 0 if reward(**ONE) == [1.0] and reward(**ONE) == [1.0] else 2
            reward.close()
        os._exit(status)
    deadline = time.monotonic() + 20
    while (ended := os.waitpid(child, os.WNOHANG)) == (0, 0) and time.monotonic() < deadline:
        time.sleep(0.01)
    if ended == (0, 0):
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert ended[1] == 0
    assert reward(**ONE) == [1.0]


def test_the_sandbox_that_auto_chose_is_named_once_in_the_log(caplog, capsys):
    from rewards.grader.workplace import announce

    sandbox = FakeSandbox({}, capacity=3)
    with caplog.at_level(logging.WARNING, "rewards"):
        announce(sandbox)
        announce(sandbox)
    assert caplog.text.count("fake sandbox, level none, 3 at a time") == 1
    assert capsys.readouterr().out == ""
