"""Signals as in a process where nobody has changed them: a child inherits what its host ignores or blocks."""

from __future__ import annotations

import signal

from .kernel import check, libc

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


SET_BYTES = 128
INTERRUPTION = (1 << signal.SIGINT - 1).to_bytes(SET_BYTES, "little")
"""SIGINT as a sigset_t."""
_BLOCK, _UNBLOCK = 0, 1


def block(signals: bytes) -> None:
    """Hold *signals* back in this process and in what it forks."""
    check(libc.sigprocmask(_BLOCK, signals, None), "sigprocmask")


UNBLOCK_INTERRUPTION = (libc.sigprocmask, (_UNBLOCK, INTERRUPTION, None))
"""The call that lets it through."""
