"""What is put into a notebook's kernel before the program: it tells of each cell that it has begun and has ended.

The end of a cell's answer is no proof that the cell came to its end: a stream that was cut off in good order looks like
a program that has printed nothing. So the kernel shows a mark after each cell, behind everything else of it, and writes
into a file how far it is, which is asked for when the time is up. Before each cell it shows a mark, too: where not even
that was heard, the answer's stream is dead, and what the cell does is not known. A program could forge any of these, or
leave them out: it would be to its own harm, because a cell without its marks is run again elsewhere, and is blamed in
the end.
"""

from __future__ import annotations

import enum

_SOURCE = """
def _hooks(mark, path):
    import os
    import sys
    import IPython
    shell = IPython.get_ipython()
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    cells, write, show, flush = [0], os.pwrite, shell.display_pub.publish, sys.stdout.flush
    def told(word):
        write(file, ("%08d %s" % (cells[0], word)).encode(), 0)
    def begin(*_):
        cells[0] += 1
        told("began")
        show({"text/plain": "%s+%d" % (mark, cells[0])})
        flush()
    def end(*_):
        told("ended")
        show({"text/plain": "%s-%d" % (mark, cells[0])})
    shell.events.register("pre_run_cell", begin)
    shell.events.register("post_run_cell", end)
_hooks(%r, %r)
del _hooks
"""


class Progress(enum.Enum):
    """How far the kernel has got with a cell, by its own word."""

    UNKNOWN = enum.auto()
    BEGAN = enum.auto()
    ENDED = enum.auto()


def hooks(mark: str, path: str) -> str:
    """Return the cell that puts the hooks in; its own end is marked, too, as that of cell 0."""
    return _SOURCE.replace("%r, %r", f"{mark!r}, {path!r}")


def mark_of(mark: str, number: int) -> str:
    """Return what is shown after cell *number*."""
    return f"{mark}-{number}"


def first_mark_of(mark: str, number: int) -> str:
    """Return what is shown before cell *number*, for every cell behind that with the hooks."""
    return f"{mark}+{number}"


def read_progress(text: str, number: int) -> Progress:
    """Return how far cell *number* is, by what the file says."""
    found, _, word = text.partition(" ")
    if found != f"{number:08d}":
        return Progress.UNKNOWN
    return {"began": Progress.BEGAN, "ended": Progress.ENDED}.get(word, Progress.UNKNOWN)
