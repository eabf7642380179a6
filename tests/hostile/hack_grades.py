"""Grade hacks and their honest neighbours in one batch, as a training step would."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rewards import CodeReward, Limits
from rewards.grades import Grade
from rewards.sandboxes.base import Sandbox

from .hack import Hack

LIMITS = Limits(cpu_s=2.0, wall_s=8.0, memory_mb=512)
TOOLS = {"javascript": "node"}


class Graded(NamedTuple):
    """The grades of one row: of the hack, and of the honest program."""

    hostile: Grade
    honest: Grade


def grade_hacks(hacks: Sequence[Hack], sandbox: Sandbox, *, name: str) -> dict[str, Graded]:
    """Return the grades by id; each hack is followed by an honest program, in the same sandbox."""
    shared = [hack for hack in hacks if hack.kind == "appended"]
    others = [hack for hack in hacks if hack.kind != "appended"]
    found: dict[str, Graded] = {}
    with CodeReward(sandbox=sandbox, limits=LIMITS, name=name) as reward:
        found |= _grade(reward, others)
        with CodeReward(sandbox=sandbox, limits=LIMITS, name=f"{name}-shared", trust="shared") as trusting:
            found |= _grade(trusting, shared)
    return found


def missing_tool(hack: Hack) -> str:
    """Return what has to be installed here before *hack* can be run; nothing where all is there."""
    tool = TOOLS.get(hack.language)
    if tool and shutil.which(tool) is None:
        return f"install {tool} to run this row"
    if hack.kind == "cell" and importlib.util.find_spec("IPython") is None:
        return "pip install ipython to run this row"
    return ""


def _grade(reward: CodeReward, hacks: Iterable[Hack]) -> dict[str, Graded]:
    hacks = list(hacks)
    answers = [answer for hack in hacks for answer in hack.answers]
    columns = sorted({column for _, row in answers for column in row})
    batch = reward.grade(
        completions=[completion for completion, _ in answers],
        **{column: [row.get(column) for _, row in answers] for column in columns},
    )
    grades = zip(hacks, batch.grades[::2], batch.grades[1::2], strict=True)
    return {hack.id: Graded(hostile, honest) for hack, hostile, honest in grades}
