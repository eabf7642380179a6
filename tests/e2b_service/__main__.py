"""Start the service by hand: `python -m tests.e2b_service`, from a checkout, and paste what it prints."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import sys

from .handle import environment_for
from .serving import serve
from .settings import Settings

PLANS = {"hobby": {"creates_per_s": 1.0, "max_sandboxes": 20}, "pro": {"creates_per_s": 5.0, "max_sandboxes": 100}}


def parse(arguments: list[str]) -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2b_service", description=__doc__)
    parser.add_argument("--port", type=int, default=3000, help="0 means any free one")
    parser.add_argument("--plan", choices=sorted(PLANS), help="the create rate and the cap of this plan")
    parser.add_argument("--settings", type=json.loads, default={}, help="fields of Settings, as a JSON object")
    parser.add_argument("--under-parent", action="store_true", help="print one JSON line; end when stdin does")
    return parser.parse_args(arguments)


def main() -> None:
    """Serve until Ctrl-C."""
    options = parse(sys.argv[1:])
    settings = dataclasses.replace(Settings(), **{**PLANS.get(options.plan, {}), **options.settings})

    def announce(url: str) -> None:
        if options.under_parent:
            print(json.dumps({"url": url}), flush=True)
            return
        for name, value in environment_for(url, settings.api_key).items():
            print(f"export {name}={value}", flush=True)

    asyncio.run(serve(settings, port=options.port, announce=announce, under_parent=options.under_parent))


if __name__ == "__main__":
    main()
