"""A handful of jobs on their way to the machine; large inputs travel apart, once for all programs they are fed to.

Only the machine reads this, and it trusts the host: there is pickle here, of builtin types alone.
"""

from __future__ import annotations

import hashlib
import pickle
import zlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...records import Job, Limits, Program, ScriptStep, Step
from .steps import steps_from_bytes, steps_to_bytes

LARGE_STEPS = 16 << 10
"""Bytes of inputs beyond which they are uploaded once, rather than sent with each program."""
REMEMBERED_BLOBS = 64 << 20
"""Bytes of inputs that the host keeps ready to be sent again."""
REMEMBERED_OBJECTS = 64
"""Sets of inputs that are known again by being the same objects."""


@dataclass(frozen=True)
class StepsBlob:
    """The steps of a job, compressed, under the name that trips refer to them by."""

    digest: str
    data: bytes

    @property
    def is_large(self) -> bool:
        """Whether it is to be uploaded to `AgentPaths.blob(digest)` before the first trip that refers to it."""
        return len(self.data) > LARGE_STEPS


def steps_blob(steps: Sequence[Step]) -> StepsBlob:
    """Return what a program is asked, as it travels.

    Raises `runner.encoding.TooLarge` for arguments beyond all bounds, to which the local sandbox says `unsupported`.
    """
    data = steps_to_bytes(steps)
    return StepsBlob(_digest_of(data), zlib.compress(data, 1))


def _digest_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class BlobCache:
    """Blobs that were made lately: compressing inputs is most of the work, and a group of completions shares them."""

    def __init__(self, *, largest: int = REMEMBERED_BLOBS) -> None:
        self._left = largest
        self._made: OrderedDict[str, StepsBlob] = OrderedDict()
        # The steps are kept with their blob: as long as they are, nothing else can have their ids.
        self._seen: OrderedDict[tuple[int, ...], tuple[tuple[Step, ...], StepsBlob]] = OrderedDict()

    def blob_of(self, job: Job) -> StepsBlob:
        """Return `steps_blob(job.steps)`."""
        if not all(type(step) is ScriptStep for step in job.steps):
            return self._make(job.steps)  # arguments may be changed in place, and are another input then
        key = tuple(map(id, job.steps))
        seen = self._seen.get(key)
        if seen is not None:
            self._seen.move_to_end(key)
            return seen[1]
        blob = self._make(job.steps)
        self._seen[key] = job.steps, blob
        if len(self._seen) > REMEMBERED_OBJECTS:
            self._seen.popitem(last=False)
        return blob

    def _make(self, steps: Sequence[Step]) -> StepsBlob:
        data = steps_to_bytes(steps)
        digest = _digest_of(data)
        known = self._made.get(digest)
        if known is not None:
            self._made.move_to_end(digest)
            return known
        blob = StepsBlob(digest, zlib.compress(data, 1))
        self._made[digest] = blob
        self._left -= len(blob.data)
        while self._left < 0 and len(self._made) > 1:
            _, oldest = self._made.popitem(last=False)
            self._left += len(oldest.data)
            self._seen = OrderedDict((key, seen) for key, seen in self._seen.items() if seen[1] is not oldest)
        return blob


def pack_trip(jobs: Sequence[Job], blobs: Sequence[StepsBlob]) -> bytes:
    """Return a trip for `commands.trip_command`; each job's blob is at its place, and small ones are taken along."""
    told = [
        (job.program.source, job.program.language, dict(vars(job.limits)), blob.digest)
        for job, blob in zip(jobs, blobs, strict=True)
    ]
    inline = {blob.digest: blob.data for blob in blobs if not blob.is_large}
    return zlib.compress(pickle.dumps((told, inline), 5), 1)


@dataclass(frozen=True)
class Trip:
    """What came out of a trip: jobs that still lack their steps."""

    told: tuple[tuple[Program, Limits, str], ...]
    """Program, limits and the digest of the steps."""
    inline: dict[str, bytes]
    """Compressed steps by their digests."""

    @property
    def digests(self) -> tuple[str, ...]:
        """Return the names of the steps that the jobs need, each once."""
        return tuple(dict.fromkeys(digest for _, _, digest in self.told))

    def jobs(self, steps: Mapping[str, tuple[Step, ...]]) -> list[Job]:
        """Return the jobs, with the *steps* of each digest."""
        return [Job(program, steps[digest], limits) for program, limits, digest in self.told]


def unpack_trip(data: bytes) -> Trip:
    """Read what `pack_trip` wrote."""
    told, inline = pickle.loads(zlib.decompress(data))
    jobs = tuple((Program(source, language), Limits(**limits), digest) for source, language, limits, digest in told)
    return Trip(jobs, inline)


def unpack_steps(blob: StepsBlob) -> tuple[tuple[Step, ...], int]:
    """Return the steps in a blob and how many bytes they were; raises ValueError for data of another name."""
    try:
        data = zlib.decompress(blob.data)
    except zlib.error as error:
        raise ValueError(f"not a blob: {error}") from None
    if _digest_of(data) != blob.digest:
        raise ValueError("a blob of another name")
    return steps_from_bytes(data), len(data)
