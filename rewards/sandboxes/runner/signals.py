"""Signals as in a process where nobody has changed them: a child inherits what its host ignores or blocks."""

from __future__ import annotations

import signal

PYTHON_IGNORES = {getattr(signal, name) for name in ("SIGPIPE", "SIGXFSZ") if hasattr(signal, name)}
"""The interpreter turns them into exceptions; that is how a program finds them everywhere."""


def reset_signals() -> None:
    """Give every ignored signal its usual effect back and block none.

    With SIGCHLD ignored, nobody could wait for a child; a blocked signal would stay blocked in every program.
    """
    for number in signal.valid_signals() - PYTHON_IGNORES - {signal.SIGKILL, signal.SIGSTOP}:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
