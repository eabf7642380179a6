"""Import once, in the zygote, what programs are likely to import, and leave every child the same fresh state."""

from __future__ import annotations

import gc
import importlib
import random
import sys

_STANDARD = (
    "math collections itertools functools heapq bisect re json random string typing datetime decimal fractions "
    "copy operator io contextlib dataclasses enum traceback linecache textwrap abc types array threading "
    "queue time numbers cmath ast inspect collections.abc atexit encodings.utf_8 encodings.latin_1 encodings.ascii"
)
OWN_FRAMES = 8


class PreloadError(Exception):
    """A module that the user has named cannot be imported here, or must not be."""


def preload(names: tuple[str, ...]) -> None:
    """Import the usual modules and *names*; raises `PreloadError` where one of *names* is not there."""
    for name in _STANDARD.split():
        importlib.import_module(name)
    for name in names:
        try:
            importlib.import_module(name)
        except Exception as error:
            # The boundary to the user's own packages: whatever they raise is told, and nothing starts.
            raise PreloadError(f"preload: {name} could not be imported: {type(error).__name__}: {error}") from error
    _add_site_builtins()
    # The same program must get the same answer whichever slot it runs in, and whenever.
    random.seed(0)
    if "numpy" in sys.modules:
        importlib.import_module("numpy.random").seed(0)


def _add_site_builtins() -> None:
    """Add `exit`, `quit` and the like: the interpreter was started without `site`, but programs call them."""
    site = importlib.import_module("site")
    site.setquit()
    site.setcopyright()
    site.sethelper()


def hide_runner(package: str) -> list[object]:
    """Take this package out of the programs' sight and return what must be kept alive."""
    kept: list[object] = []
    for name in [name for name in sys.modules if name == package or name.startswith(package + ".")]:
        kept.append(sys.modules.pop(name))
    sys.path_importer_cache = {key: value for key, value in sys.path_importer_cache.items() if key in sys.path}
    sys.modules.pop("__main__", None)
    sys.argv[:] = ["main.py"]
    sys.orig_argv[:] = ["python", "main.py"]
    return kept


def settle() -> None:
    """Move everything loaded so far out of the garbage collector's way: children then share its pages."""
    # Programs get the whole recursion limit, though they are called from a few frames of ours.
    sys.setrecursionlimit(sys.getrecursionlimit() + OWN_FRAMES)
    gc.collect()
    gc.freeze()
