"""The shell commands that the host runs on the machine, and where they expect uploaded files.

Paths are relative to the home directory that both the commands and the uploads start in, or absolute.
"""

from __future__ import annotations

import base64
import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from .greeting import Greeting
from .lines import failed

LONGEST_INLINE = 100_000
"""Characters of a trip in base64 that go into the command itself: the kernel takes 128 KiB as one argument."""
SETUP_WAIT_S = 60.0
SOCKET, BLOBS, TRIPS = "s", "blobs", "trips"
"""In the private directory of the agent."""
NONCE = re.compile(r"[0-9a-f]{16,64}")
_CANDIDATES = ("python3", "python3.14", "python3.13", "python3.12", "python3.11", "python")
_TOO_OLD = "no Python 3.11 or newer was found on the machine (looked for {names}): use a template that has one"
_BROKEN = "the archive could not be run; what Python said of it is on stderr"
_BOOT = "import sys; sys.path.insert(0, sys.argv[1]); from rewards.sandboxes.agent.starting import main; main()"


@dataclass(frozen=True)
class AgentOptions:
    """How the `LocalSandbox` on the machine is made; the fields but the third are its own options."""

    slots: int | None = None
    """Unset: as many as the machine has cores."""
    level: str = "auto"
    allow_unprotected_inside: bool = False
    """Run programs without protection from each other where the machine's kernel gives no level; the machine's own
    walls are then all there is, and a program can reach the agent."""
    preload: tuple[str, ...] = ()
    site_packages: tuple[str, ...] | bool = ()
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class AgentPaths:
    """Where the agent's files lie on the machine."""

    digest: str
    """Of the archive."""
    directory: str = "code-rewards"

    @property
    def archive(self) -> str:
        """Return where to upload the archive."""
        return f"{self.directory}/{self.digest}.zip"

    @property
    def run(self) -> str:
        """Return the private directory of the running agent; one of another version has another."""
        return f"{self.directory}/{self.digest}-run"

    def blob(self, digest: str) -> str:
        """Return where to upload the inputs of this digest, before a trip that refers to them."""
        return f"{self.run}/{BLOBS}/{digest}"

    def trip(self, nonce: str) -> str:
        """Return where to upload a trip that is too large for a command; the agent deletes it."""
        return f"{self.run}/{TRIPS}/{nonce}"


def setup_command(paths: AgentPaths, *, nonce: str, options: AgentOptions = AgentOptions()) -> str:
    """Return the command that unpacks the uploaded archive, starts the agent and prints its greeting.

    It ends within `SETUP_WAIT_S` and some seconds, also where the agent does not come up; run again, it finds the agent
    that is there. Read its output with `greeting.read_greeting`.
    """
    names = " ".join(_CANDIDATES)
    told = json.dumps(asdict(options))
    arguments = shlex.join([paths.archive, paths.digest, paths.directory, _checked(nonce), told])
    too_old = shlex.quote(Greeting(_TOO_OLD.format(names=names), "start").line(nonce))
    broken = shlex.quote(Greeting(_BROKEN, "start").line(nonce))
    fits = shlex.quote("import sys; sys.exit(sys.version_info < (3, 11))")
    return (
        f'for p in {names}; do if "$p" -I -S -c {fits} 2>/dev/null; '
        f'then "$p" -I -S -c {shlex.quote(_BOOT)} {arguments} || echo {broken}; exit; fi; done; echo {too_old}'
    )


def fits_inline(trip: bytes) -> bool:
    """Tell whether a trip can be a part of its command; otherwise upload it to `AgentPaths.trip` first."""
    return len(trip) * 4 / 3 + 4 <= LONGEST_INLINE


def trip_command(paths: AgentPaths, greeting: Greeting, trip: bytes | None, *, nonce: str) -> str:
    """Return the command that takes a trip of `trips.pack_trip` to the agent and prints lines for `lines.read_line`.

    None stands for a trip that was uploaded to `paths.trip(nonce)`. Killing the command cancels the trip's jobs.
    """
    content = "-" if trip is None else base64.b64encode(trip).decode()
    return _client(paths, greeting, f"trip {_checked(nonce)} {content}")


def stop_command(paths: AgentPaths, greeting: Greeting, *, nonce: str) -> str:
    """Return the command that ends the agent and everything that it runs; prints an `End` line."""
    return _client(paths, greeting, f"stop {_checked(nonce)}")


def _client(paths: AgentPaths, greeting: Greeting, request: str) -> str:
    # `exec`: the shell is not to stay, and what is killed is the client itself.
    client = f"../{paths.digest}/rewards/sandboxes/agent/client.py"
    started = f"cd {shlex.quote(paths.run)} && exec {shlex.quote(greeting.executable)} -I -S {client} {request}"
    complaint = failed(request.split(" ")[1], None, "gone", "the agent's directory is not there").decode().strip()
    return f"{started} || echo {shlex.quote(complaint)}"


def _checked(nonce: str) -> str:
    if not NONCE.fullmatch(nonce):
        raise ValueError("a nonce is 16 to 64 hexadecimal digits, such as secrets.token_hex(16)")
    return nonce
