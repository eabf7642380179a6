"""What others do with E2B, for comparison: a sandbox for each completion, written on the SDK directly.

The pattern is that of open-r1's E2B provider, at its best: it paces its create calls, which open-r1 does not, has as
many sandboxes at a time as the account allows, and repeats what is refused. The script that goes into the sandbox holds
the expected outputs, and runs the tests one after another, each by a `python3` of its own.
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiolimiter import AsyncLimiter
from e2b import AsyncSandbox
from e2b.exceptions import RateLimitException
from tenacity import retry, retry_if_exception_type, wait_random_exponential

SANDBOX_S = 60
EVALUATION = """
import json
import subprocess

program, tests = json.loads(%r)
passed = 0
for given, expected in tests:
    done = subprocess.run(["python3", "-c", program], input=given, capture_output=True, text=True, timeout=5)
    passed += done.returncode == 0 and done.stdout.strip() == expected.strip()
print(passed / len(tests))
"""


@dataclass(frozen=True)
class Account:
    """Where to run, and what the account allows."""

    api_key: str
    url: str
    creates_per_s: float
    max_sandboxes: int

    @property
    def connection(self) -> dict[str, str]:
        """Return what every call that makes a sandbox is told."""
        return {"api_key": self.api_key, "api_url": self.url, "sandbox_url": self.url}


async def fractions_passed(
    programs: Sequence[str], tests: Sequence[tuple[str, str]], *, account: Account
) -> list[float]:
    """Return, for each program, the share of the (input, output) *tests* that it passes."""
    places, pace = asyncio.Semaphore(account.max_sandboxes), AsyncLimiter(1, 1 / account.creates_per_s)

    async def judged(program: str) -> float:
        async with places:
            sandbox = await created(account, pace)
            try:
                await sandbox.files.write("evaluate.py", EVALUATION % json.dumps([program, tests]))
                return float((await sandbox.commands.run("python3 evaluate.py", timeout=SANDBOX_S)).stdout)
            finally:
                await sandbox.kill()

    return await asyncio.gather(*(judged(program) for program in programs))


@retry(retry=retry_if_exception_type(RateLimitException), wait=wait_random_exponential(multiplier=1, max=30))
async def created(account: Account, pace: AsyncLimiter) -> Any:
    """Return a sandbox, as soon as the account allows another one."""
    await pace.acquire()
    return await AsyncSandbox.create(timeout=SANDBOX_S, allow_internet_access=False, **account.connection)
