"""Run a command, kill it when it has said something, and tell which processes it left: `python -m hostile.orphanage`.

Orphans become children of this process, whatever group, session or namespace they went to.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

from .processes import adopt_orphans, descendants

GONE_WITHIN_S = 5.0


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def main() -> None:
    adopt_orphans()
    end, *command = sys.argv[1:]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    said = child.stdout.readline()
    if end == "kill":
        child.kill()
    elif end == "terminate":
        child.terminate()
    child.wait(120)
    start = time.monotonic()
    while descendants() and time.monotonic() < start + GONE_WITHIN_S:
        _reap()
        time.sleep(0.005)
    took = time.monotonic() - start
    print(json.dumps({"said": said, "left": descendants(), "took_s": took, "status": child.returncode}), flush=True)
    for pid in descendants():
        os.kill(pid, 9)


if __name__ == "__main__":
    main()
