"""Start the process that runs hostile rows in a surrounding, and ask it for one row after the other."""

from __future__ import annotations

import importlib.util
import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from confinement import ORDINARY_USER, SURROUNDINGS
from hostile.study import STUDY

ROOT = Path(__file__).parents[1]
ANSWER_WITHIN_S = 150.0
CHECKS_WITHIN_S = 280.0

NAMESPACES_PROBE = "import ctypes, sys; sys.exit(ctypes.CDLL(None).unshare(0x10000000 | 0x20000) != 0)"
LANDLOCK_PROBE = "import ctypes, sys; sys.exit(ctypes.CDLL(None).syscall(444, 0, 0, 1) < 1)"


class ConfinedRows:
    """A process in *surrounding* that holds a local sandbox and answers names of rows."""

    def __init__(self, surrounding: str, *options: str) -> None:
        skip_unless_possible(surrounding)
        self.surrounding, self.options = surrounding, options
        self.hello: dict[str, Any] = {}
        self._start()

    def _start(self) -> None:
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the process that writes to it
        study = ["--study", str(everything() / STUDY.name)] if STUDY.exists() else []
        self.process = subprocess.Popen(
            confined_command(self.surrounding, "-m", "hostile.served", *study, *self.options),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env=environment(),
            cwd=everything(),
        )
        self.lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.hello = self._answer(ANSWER_WITHIN_S)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put("")

    def ask(self, name: str, *, within_s: float = ANSWER_WITHIN_S) -> dict[str, Any]:
        """Return what came of a row; a process that died in it is started again for the next one."""
        assert self.process.stdin is not None
        self.process.stdin.write(name + "\n")
        self.process.stdin.flush()
        try:
            return self._answer(within_s)
        except AssertionError:
            self.close()
            self._start()
            raise

    def _answer(self, within_s: float) -> dict[str, Any]:
        try:
            line = self.lines.get(timeout=within_s)
        except queue.Empty:
            line = ""
        if not line:
            self.errors.seek(0)
            told = self.errors.read().decode(errors="replace")[-3000:]
            raise AssertionError(f"the process in {self.surrounding} did not answer within {within_s} s:\n{told}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """End the process; its sandbox is closed first."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.errors.close()


def skip_unless_possible(surrounding: str) -> None:
    """Skip, saying what would un-skip, where this machine cannot be made to look like *surrounding*."""
    wanted = SURROUNDINGS[surrounding]
    if sys.platform != "linux":
        pytest.skip("the local sandbox is for Linux")
    if wanted.as_root and os.geteuid() != 0:
        pytest.skip("run the tests as root to see what root can do here")
    if surrounding.startswith("moby") and not (everything() / "moby_filter").exists():
        pytest.skip("put Docker's profile at ../shared/examples/moby_default_seccomp.json and install pyseccomp")
    _interpreter_for(wanted.as_root)
    if wanted.level == "A" and not _works(surrounding, NAMESPACES_PROBE):
        pytest.skip("run the tests where this user may make namespaces (a host, a virtual machine)")
    if wanted.level == "B" and not _works(surrounding, LANDLOCK_PROBE):
        pytest.skip("run the tests on a kernel with Landlock (5.13 or later, and switched on)")


def confined_command(surrounding: str, *arguments: str) -> list[str]:
    """Return the command that runs a Python in *surrounding*; start it with `environment()`."""
    confinement = str(everything() / "tests" / "confinement.py")
    interpreter = _interpreter_for(SURROUNDINGS[surrounding].as_root)
    return [sys.executable, confinement, surrounding, "--", interpreter, "-X", "utf8", *arguments]


def environment() -> dict[str, str]:
    """Return what a confined Python needs to find its modules."""
    folder = everything()
    return {
        **os.environ,
        "PYTHONPATH": f"{folder}:{folder}/tests",
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": "/nonexistent",
        "MOBY_FILTER": str(folder / "moby_filter"),
    }


@cache
def _works(surrounding: str, probe: str) -> bool:
    return subprocess.run(confined_command(surrounding, "-c", probe), env=environment(), cwd="/").returncode == 0


@cache
def _interpreter_for(as_root: bool) -> str:
    """Return a Python that can be run: a user who is not root cannot run one below /root."""
    if as_root or os.geteuid() != 0:
        return sys.executable
    for candidate in (sys.executable, *map(shutil.which, ("python3.13", "python3.12", "python3.11", "python3"))):
        for path in {candidate, f"/usr/bin/{Path(candidate).name}" if candidate else None} - {None}:
            assert path is not None
            test = [path, "-I", "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
            try:
                done = subprocess.run(test, user=ORDINARY_USER, group=ORDINARY_USER, extra_groups=[], cwd="/")
            except OSError:
                continue
            if done.returncode == 0:
                return path
    pytest.skip("install a Python 3.11 or later that every user may run, or run the tests as an ordinary user")


@cache
def everything() -> Path:
    """Copy what the process imports to where every user can read it; taken away when the tests end."""
    keeper = tempfile.TemporaryDirectory(prefix="confined-", dir="/var/tmp")
    _KEEPERS.append(keeper)
    folder = Path(keeper.name)
    folder.chmod(0o755)
    ignore = shutil.ignore_patterns("__pycache__")
    for name in ("rewards", "scripts", "tests/hostile"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignore)
    shutil.copy(ROOT / "tests" / "confinement.py", folder / "tests")
    for package in ("markdown_it", "mdurl"):
        spec = importlib.util.find_spec(package)
        assert spec is not None
        assert spec.origin is not None
        shutil.copytree(Path(spec.origin).parent, folder / package, ignore=ignore)
    if STUDY.exists():
        shutil.copy(STUDY, folder)
    _compile_moby_profile(STUDY.with_name("moby_default_seccomp.json"), folder / "moby_filter")
    subprocess.run(["chmod", "-R", "a+rX", str(folder)], check=True)
    return folder


_KEEPERS: list[tempfile.TemporaryDirectory[str]] = []


def _compile_moby_profile(profile: Path, target: Path) -> None:
    if not profile.exists():
        return
    try:
        from moby_profile import compile_profile
    except (ImportError, RuntimeError):  # pyseccomp raises RuntimeError without libseccomp
        return
    target.write_bytes(compile_profile(profile))
