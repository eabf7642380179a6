"""Run rows in a process of its own, which a test can start in any confinement: `python -m hostile.served --level B`.

One JSON line says what the sandbox is; then each line of standard input is the name of a row, with `+call` behind it
for the row inside a call, or `checks` for the contract; each is answered by one JSON line.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from dataclasses import asdict

from rewards.errors import SandboxUnavailable
from rewards.sandboxes.base import Sandbox
from rewards.sandboxes.checks import run_checks
from rewards.sandboxes.local import LocalSandbox

from .harness import Harness
from .host import Host
from .plain import PlainProcesses
from .processes import adopt_orphans
from .rows import BY_NAME
from .study import STUDY, study_rows


def say(**what: object) -> None:
    print(json.dumps(what), flush=True)


async def serve(sandbox: Sandbox, study: str) -> None:
    rows = {**BY_NAME, **({row.name: row for row in study_rows(study)} if study else {})}
    with Host() as host:
        try:
            await sandbox.start()
            say(level=sandbox.describe().level, text=str(sandbox.describe()))
            harness = Harness(sandbox, host)
            await harness.warm_up(scripts_only=isinstance(sandbox, PlainProcesses))
            while line := (await asyncio.to_thread(sys.stdin.readline)).strip():
                name, _, mode = line.partition("+")
                if name == "checks":
                    results = await run_checks(sandbox)
                    say(results=[asdict(result) for result in results])
                else:
                    say(**asdict(await harness.attempt(rows[name], in_a_call=mode == "call")))
        except SandboxUnavailable as error:
            say(unavailable=str(error))
        finally:
            await sandbox.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--level", default="auto")
    parser.add_argument("--study", default=str(STUDY) if STUDY.exists() else "")
    parser.add_argument("--allow-unprotected", action="store_true")
    parser.add_argument(
        "--plain", action="store_true", help="no sandbox at all: only harmless rows, as a user that is nobody"
    )
    options = parser.parse_args()
    adopt_orphans()
    local = LocalSandbox(slots=2, level=options.level, allow_unprotected=options.allow_unprotected)
    asyncio.run(serve(PlainProcesses() if options.plain else local, options.study))
