"""How the ranks of a run stop together when one of them cannot go on.

torchrun and `accelerate launch` end the other ranks as soon as one has ended, but not before, and whatever those say on
their way out buries why. So the rank that fails says it at once, hands it to the launcher for its last words, and may
take a minute to end; the others say nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from rewards import RewardError

ERROR_FILE = "TORCHELASTIC_ERROR_FILE"
"""Where torch's launcher looks for what a rank has to say (`torch.distributed.elastic.multiprocessing.errors`)."""

TO_END_S = 60
"""Closing sandboxes takes seconds; a rank that hangs on its way out would hold up all the others."""

_OTHERS_MESSAGE_S = 3.0


@contextlib.contextmanager
def stopping_together() -> Iterator[None]:
    """Run a rank's work so that its error is the one thing people read; an error of the user's is one line.

    For the outermost block of a script. Ends the process by `SystemExit` for a `RewardError`, and for whatever another
    rank's end has caused here.
    """
    try:
        yield
    except RewardError as error:
        tell(error)
        sys.exit(1 if _is_launched() else f"error: {error}")
    except Exception as error:  # the boundary of the process: what it raises is its end, told in full
        if _is_launched() and not _was_told() and _another_rank_has_failed():
            sys.exit(1)
        tell(error)
        raise


def tell(error: BaseException) -> None:
    """Say on a rank among several that *error* ends the run, and leave this rank a minute to end; said once."""
    if not _is_launched() or _was_told():
        return
    if isinstance(error, RewardError):
        last_words = f"error: {error}"
        sys.stderr.write(f"{last_words}\n")
        sys.stderr.flush()
    else:
        last_words = f"{type(error).__name__}: {error} (its traceback is above)"
    details = {"py_callstack": last_words, "timestamp": str(int(time.time()))}
    message = {"message": last_words, "extraInfo": details}
    Path(os.environ[ERROR_FILE]).write_text(json.dumps({"message": message}))
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(TO_END_S)


def _is_launched() -> bool:
    return ERROR_FILE in os.environ and int(os.environ.get("WORLD_SIZE", "1")) > 1


def _was_told() -> bool:
    return Path(os.environ[ERROR_FILE]).exists()


def _another_rank_has_failed() -> bool:
    """Say whether a rank of this node has left its message; it may be a moment behind its closed connections."""
    own = Path(os.environ[ERROR_FILE])
    until = time.monotonic() + _OTHERS_MESSAGE_S
    while time.monotonic() < until:
        if any(path != own for path in own.parent.parent.glob(f"*/{own.name}")):
            return True
        time.sleep(0.1)
    return False
