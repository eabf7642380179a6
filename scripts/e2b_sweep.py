"""List the E2B sandboxes that this library has made, with age, run, rank, host and pid; kill those left behind.

python scripts/e2b_sweep.py
python scripts/e2b_sweep.py --kill --older-than 2h
python scripts/e2b_sweep.py --kill --run my-run

The key and the address come from the environment, as E2B_API_KEY and E2B_DOMAIN.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from rewards.errors import RewardError
from rewards.sandboxes.e2b_cloud import sdk, sweep
from rewards.sandboxes.e2b_cloud.faults import classify
from rewards.sandboxes.e2b_cloud.options import E2BOptions


async def run(options: argparse.Namespace) -> int:
    """Print what is found, and what became of it; return how many could not be killed."""
    loaded = sdk.load(E2BOptions())
    found = await sweep.find(loaded, older_than_s=options.older_than or 0.0, run=options.run)
    for sandbox in found:
        print(sandbox)
    print(f"{len(found)} sandboxes", flush=True)
    if not options.kill:
        return 0
    ends = await sweep.kill(loaded, found)
    for sandbox_id, end in ends.items():
        print(f"{sandbox_id}  {end}")
    return sum(end.startswith("not ") for end in ends.values())


def main() -> int:
    """Return 0 when everything went well, 1 when a sandbox could not be killed, 2 when nothing could be asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kill", action="store_true", help="needs --older-than or --run: others may be in use")
    parser.add_argument("--older-than", type=sweep.seconds, metavar="AGE", help="such as 90s, 15m, 2h or 1d")
    parser.add_argument("--run", help="only those of this run")
    options = parser.parse_args()
    if options.kill and options.older_than is None and options.run is None:
        parser.error("--kill needs --older-than or --run; --older-than 0 is every one, also of runs that go on")
    try:
        return min(asyncio.run(run(options)), 1)
    except RewardError as error:
        print(f"error: {error}", file=sys.stderr)
    except Exception as error:  # the boundary to the service: its faults are not ours, and need no traceback
        fault = classify(error, during="list")
        if fault is None:
            raise
        print(f"error: {fault.kind}: {fault.detail}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
