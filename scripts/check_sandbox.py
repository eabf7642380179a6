"""Say what a sandbox protects against, and put every promise of its contract to the test.

python scripts/check_sandbox.py local
python scripts/check_sandbox.py local --level B
python scripts/check_sandbox.py e2b

E2B is found by E2B_API_KEY and the other variables of its SDK, and is paid for: a few sandboxes for some minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from rewards.errors import RewardError
from rewards.sandboxes import choice
from rewards.sandboxes.base import Sandbox
from rewards.sandboxes.checks import run_checks
from rewards.sandboxes.local import LocalSandbox


async def check(sandbox: Sandbox) -> int:
    """Print the description and each check's result; return how many promises do not hold."""
    try:
        await sandbox.start()
        print(sandbox.describe(), end="\n\n", flush=True)
        results = await run_checks(sandbox, on_result=lambda result: print(result, flush=True))
    finally:
        await sandbox.close()
    broken = sum(not result.passed for result in results)
    made = sum(not result.skipped for result in results)
    print(f"\n{made - broken} of {made} promises hold, {sum(r.wall_s for r in results):.0f} s")
    return broken


def sandbox_for(options: argparse.Namespace) -> Sandbox:
    """Return the sandbox that was asked for; raises `ConfigurationError` for E2B without a key or its SDK."""
    if options.sandbox == "local":
        return LocalSandbox(level=options.level)
    choice.chosen_name("e2b")
    from rewards.sandboxes.e2b_cloud import E2BSandbox

    # Checks fill every slot, several times: a few sandboxes show what a hundred would.
    return E2BSandbox(plan=options.plan, max_sandboxes=options.sandboxes)


def main() -> int:
    """Return 0 when every promise holds, 1 when one does not, 2 when nothing here can run programs safely."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sandbox", nargs="?", default="local", choices=["local", "e2b"])
    parser.add_argument("--level", default="auto", choices=["auto", "A", "B"], help="a level of the local sandbox")
    parser.add_argument("--plan", default="hobby", choices=["hobby", "pro"], help="the plan of the E2B account")
    parser.add_argument("--sandboxes", type=int, default=2, help="how many sandboxes of E2B to use at most")
    options = parser.parse_args()
    try:
        return 1 if asyncio.run(check(sandbox_for(options))) else 0
    except RewardError as error:
        print(f"the {options.sandbox} sandbox cannot run here: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
