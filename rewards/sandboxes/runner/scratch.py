"""The one directory that a program may write to: how full it is, and how it is emptied."""

from __future__ import annotations

import contextlib
import os
import stat

INODES = 2000
"""Files and directories that a program may make."""
TOOL_INODES = 20_000
"""The same where compilers keep their caches, too."""
BLOCK = 512


def wipe(top: str) -> None:
    """Empty *top*, whatever the depth and the modes below it, without following a link.

    Nothing of the program may live any more. It walks by chdir, because paths get longer than the kernel takes.
    """
    os.chmod(top, 0o700)
    os.chdir(top)
    pending = [("", os.listdir("."))]
    while pending:
        name, entries = pending[-1]
        if entries:
            entry = entries.pop()
            if _is_directory(entry):
                os.chmod(entry, 0o700)
                os.chdir(entry)
                pending.append((entry, os.listdir(".")))
            else:
                os.unlink(entry)
            continue
        pending.pop()
        if pending:
            os.chdir("..")
            os.rmdir(name)


def _is_directory(name: str) -> bool:
    return stat.S_ISDIR(os.lstat(name).st_mode)


def remove(top: str) -> None:
    """Remove *top* and what is in it; it may be gone already."""
    with contextlib.suppress(FileNotFoundError):
        wipe(top)
        os.chdir("/")
        os.rmdir(top)


def holds_more(top: str, limit: int) -> bool:
    """Tell whether *top* holds more bytes than *limit*, or more than `INODES` entries.

    A directory that the program made unreadable counts as empty: it cannot be written to either.
    """
    inodes, pending = INODES, [top]
    while pending:
        with (
            contextlib.suppress(FileNotFoundError, PermissionError, NotADirectoryError),
            os.scandir(pending.pop()) as entries,
        ):
            for entry in entries:
                limit -= entry.stat(follow_symlinks=False).st_blocks * BLOCK
                inodes -= 1
                if limit < 0 or inodes < 0:
                    return True
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
    return False


def fills(top: str, limit: int) -> bool:
    """Tell whether the file system at *top*, which holds nothing else, is full or holds more than *limit* bytes."""
    state = os.statvfs(top)
    used = (state.f_blocks - state.f_bfree) * state.f_frsize
    return used > limit or state.f_bfree == 0 or state.f_ffree == 0
