"""Measure the E2B pool against a sandbox for each completion: `python scripts/bench_e2b.py [--quick]`.

No account is needed: the stand-in service of the tests plays a Pro account, with its real limits and delays, and all of
its sandboxes are processes of this machine. What is counted is counted by the service. A period is a batch and the
pause after it, in which a trainer does other things and idle sandboxes are paid for.
"""

import argparse
import asyncio
import logging
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1] / "tests"))  # the service is a part of the tests

from bench_e2b_baseline import Account, fractions_passed
from e2b_service.handle import ServiceHandle, start_service
from e2b_service.settings import Settings

from rewards import CodeReward
from rewards.sandboxes.e2b_cloud import E2BSandbox

PRICE_PER_S = 0.000037
SETTLE_S = 3.0
"""After `idle_s`, by when the surplus of idle sandboxes has been killed."""


@dataclass(frozen=True)
class Scale:
    """How much there is to do, on what account."""

    completions: int = 256
    tests: int = 8
    sleep_s: float = 0.02
    pause_s: float = 60.0
    creates_per_s: float = 5.0
    pools: tuple[dict[str, Any], ...] = (
        {"keep_warm": 4, "idle_s": 30.0},
        {"keep_warm": 4, "idle_s": 5.0, "jobs_per_sandbox": 4},
        {"keep_warm": 10, "idle_s": 5.0},
    )
    """Options of the pools that have a second batch; the first are the defaults."""
    is_real: bool = False
    """Wait for the whole pause, also when nothing happens in it any more."""

    @property
    def account(self) -> Settings:
        """Return the account, which is a Pro account but for `creates_per_s`."""
        return Settings(create_latency_s=0.15, round_trip_s=0.03, creates_per_s=self.creates_per_s, max_sandboxes=100)

    def programs(self, batch: str) -> list[str]:
        """Return programs that are right, and all different."""
        source = f"import time\nn = int(input())\ntime.sleep({self.sleep_s})\nprint(n * n)\n"
        return [f"{source}# {batch} {i}\n" for i in range(self.completions)]

    @property
    def cases(self) -> list[tuple[str, str]]:
        """Return inputs and outputs."""
        return [(f"{n}\n", f"{n * n}\n") for n in range(self.tests)]


QUICK = Scale(completions=12, tests=2, pause_s=1.0, creates_per_s=20.0, pools=({"keep_warm": 2, "idle_s": 0.2},))


@dataclass(frozen=True)
class Count:
    """What the service has counted up to a moment."""

    time_s: float
    round_trips: int
    creates: int
    sandbox_s: float
    alive: int

    @classmethod
    def now(cls, service: ServiceHandle) -> "Count":
        """Ask the service."""
        stats = service.stats()
        return cls(time.monotonic(), stats.round_trips, stats.creates, stats.sandbox_seconds, len(stats.alive))


@dataclass(frozen=True)
class Period:
    """One batch, and the pause after it."""

    name: str
    wall_s: float
    round_trips: int
    creates: int
    batch_s: float
    """Sandbox-seconds until the batch was judged."""
    pause_s: float
    """Sandbox-seconds of the pause."""

    @property
    def sandbox_s(self) -> float:
        """Return all that is paid for."""
        return self.batch_s + self.pause_s


class Bench:
    """Measures one method after the other on one service."""

    def __init__(self, service: ServiceHandle, scale: Scale) -> None:
        self._service, self._scale = service, scale

    def pattern(self) -> Period:
        """Measure the others' pattern."""
        settings = self._scale.account
        assert settings.creates_per_s is not None
        assert settings.max_sandboxes is not None
        account = Account(self._service.api_key, self._service.url, settings.creates_per_s, settings.max_sandboxes)
        programs = self._scale.programs("pattern")
        before = Count.now(self._service)
        fractions = asyncio.run(fractions_passed(programs, self._scale.cases, account=account))
        after = Count.now(self._service)
        assert fractions == [1.0] * len(programs), fractions
        assert not after.alive
        return self._period("a sandbox for each completion", before, after, 0.0)

    def ours(self, kinds: Sequence[str], *, keep_warm: int, idle_s: float, **options: Any) -> Iterator[Period]:
        """Measure a batch for each of *kinds*, one after the other on one pool."""
        told = {"keep_warm": keep_warm, "idle_s": idle_s, **options}
        names = [", ".join(["ours", kind, *(f"{name}={value:g}" for name, value in told.items())]) for kind in kinds]
        sandbox = E2BSandbox(
            plan="pro",
            creates_per_s=self._scale.creates_per_s,
            api_key=self._service.api_key,
            api_url=self._service.url,
            sandbox_url=self._service.url,
            **told,
        )
        with CodeReward(sandbox=sandbox, name="bench") as reward:
            for name in names:
                completions = [f"```python\n{program}```" for program in self._scale.programs(name)]
                tests = [{"type": "stdin", "input": given, "output": wanted} for given, wanted in self._scale.cases]
                before = Count.now(self._service)
                scores = reward(completions=completions, tests=[tests] * len(completions))
                after = Count.now(self._service)
                assert scores == [1.0] * len(completions), scores
                yield self._period(name, before, after, self._pause(after, keep_warm, idle_s))

    def _pause(self, began: Count, keep_warm: int, idle_s: float) -> float:
        """Wait for the pause, and return the sandbox-seconds in it; what is constant in it is not waited for."""
        pause_s = self._scale.pause_s
        time.sleep(pause_s if self._scale.is_real else min(idle_s + SETTLE_S, pause_s))
        ended = Count.now(self._service)
        if ended.alive > keep_warm:  # some may still be killed
            time.sleep(max(0.0, began.time_s + pause_s - ended.time_s))
            ended = Count.now(self._service)
        rest_s = max(0.0, began.time_s + pause_s - ended.time_s)
        return ended.sandbox_s - began.sandbox_s + ended.alive * rest_s

    def _period(self, name: str, before: Count, after: Count, pause_s: float) -> Period:
        period = Period(
            name=name,
            wall_s=after.time_s - before.time_s,
            round_trips=after.round_trips - before.round_trips,
            creates=after.creates - before.creates,
            batch_s=after.sandbox_s - before.sandbox_s,
            pause_s=pause_s,
        )
        print(f"  {name}: {period.wall_s:.1f} s", file=sys.stderr, flush=True)
        return period


def measured(scale: Scale) -> list[Period]:
    """Return all periods; the last one is the others' pattern."""
    with start_service(scale.account) as service:
        bench = Bench(service, scale)
        periods: list[Period] = []
        for options in scale.pools:
            periods += bench.ours(["cold", "warm"], **options)
        periods += bench.ours(["cold"], keep_warm=0, idle_s=0.0)
        return [*periods, bench.pattern()]


def missed(periods: Sequence[Period]) -> list[str]:
    """Return what was to be shown and was not."""
    *ours, pattern = periods
    found = [f"{one.name} is not 3 times faster" for one in ours if pattern.wall_s < 3 * one.wall_s]
    if pattern.wall_s < 10 * min(one.wall_s for one in ours):
        found.append("no warm pool is 10 times faster")
    cheapest = ours[-1]  # the one that keeps nothing warm
    if cheapest.sandbox_s > pattern.sandbox_s:
        found.append(f"{cheapest.name} costs more than {pattern.name}")
    return found


def show(periods: Sequence[Period]) -> None:
    """Print the table."""
    pattern = periods[-1]
    print(f"{'':<56}{'wall':>8}{'faster':>8}{'round':>8}{'creates':>9}{'sandbox-seconds':>26}{'cost':>10}")
    print(f"{'':<56}{'s':>8}{'':>8}{'trips':>8}{'':>9}{'batch':>8}{'pause':>8}{'all':>10}{'$':>10}")
    for period in periods:
        print(
            f"{period.name:<56}{period.wall_s:>8.1f}{pattern.wall_s / period.wall_s:>7.1f}x{period.round_trips:>8}"
            f"{period.creates:>9}{period.batch_s:>8.0f}{period.pause_s:>8.0f}{period.sandbox_s:>10.0f}"
            f"{period.sandbox_s * PRICE_PER_S:>10.4f}"
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="very little work, short pauses: a smoke test")
    parser.add_argument("--real-pauses", action="store_true", help="wait for every pause to its end")
    arguments = parser.parse_args()
    logging.getLogger("rewards").setLevel(logging.WARNING)
    scale = QUICK if arguments.quick else Scale(is_real=arguments.real_pauses)
    print(
        f"{scale.completions} completions, {scale.tests} tests each that sleep {1000 * scale.sleep_s:.0f} ms, "
        f"{scale.pause_s:.0f} s between batches; {scale.creates_per_s:g} creates/s, 100 sandboxes at most\n",
        flush=True,
    )
    periods = measured(scale)
    show(periods)
    if not arguments.quick and (failures := missed(periods)):
        sys.exit("\n".join(failures))


if __name__ == "__main__":
    main()
