"""Say what the sandbox on this machine protects against, and put every promise of its contract to the test.

python scripts/check_sandbox.py local
python scripts/check_sandbox.py local --level B
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from rewards.errors import RewardError
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
    print(f"\n{len(results) - broken} of {len(results)} promises hold, {sum(r.wall_s for r in results):.0f} s")
    return broken


def main() -> int:
    """Return 0 when every promise holds, 1 when one does not, 2 when nothing here can run programs safely."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sandbox", nargs="?", default="local", choices=["local"])
    parser.add_argument("--level", default="auto", choices=["auto", "A", "B"], help="a level of the local sandbox")
    options = parser.parse_args()
    try:
        return 1 if asyncio.run(check(LocalSandbox(level=options.level))) else 0
    except RewardError as error:
        print(f"the {options.sandbox} sandbox cannot run here: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
