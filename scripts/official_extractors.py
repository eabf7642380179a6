"""Replies with the code that an official extractor took: how often ours is the same, and which of both passes."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from known_rows import columns_of, in_block, with_all_columns

from rewards import CodeReward
from rewards.extraction import Extraction, extract_program

Row = dict[str, Any]
_CLAIM = re.compile(r"'(?P<text>[^']*)' (?P<absent>not )?in \w+|\w+\.startswith\('(?P<start>[^']*)'\)|\w+ == 'fenced'")
_THEIR_OTHER = re.compile(r"== v2_result")
"""A comparison with what another extractor of theirs takes, which the row does not hold."""


def rows_of(path: Path) -> list[Row]:
    """Read the rows."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def ours(row: Row) -> str:
    """Return our program of a reply, "" where it submits none."""
    program = extract_program(row["completion"], language=row["language"], extraction=Extraction())
    return program.source.strip() if program else ""


def problem_of(row: Row) -> str:
    """Return what rows on one reply have in common in their ids: the model and the problem."""
    return str(row["id"]).partition("/")[2]


def extract_lcb(data: Path, reward: CodeReward) -> float:
    """Grade both programs of each reply whose tests are known; return the share of replies with the same program."""
    rows = rows_of(data / "extract_lcb.jsonl")
    graded = {problem_of(row): row for row in rows_of(data / "llm_lcb.jsonl")}
    theirs = [row["expected_code"].strip() for row in rows]
    same = [ours(row) == code for row, code in zip(rows, theirs, strict=True)]
    tested = [i for i, row in enumerate(rows) if problem_of(row) in graded]
    columns = with_all_columns([columns_of(graded[problem_of(rows[i])]) for i in tested])
    batch = reward.grade(
        completions=[rows[i]["completion"] for i in tested] + [in_block("python", theirs[i]) for i in tested],
        **{name: [column[name] for column in columns] * 2 for name in columns[0]},
    )
    scores = [grade.score for grade in batch.grades]
    passes = dict(zip(tested, zip(scores[: len(tested)], scores[len(tested) :], strict=True), strict=True))
    for i in range(len(rows)):
        if not same[i]:
            verdicts = "no tests are known" if i not in passes else "ours {}, theirs {}".format(*passes[i])
            print(f"  {rows[i]['id']}: another program than theirs ({len(theirs[i])} characters): {verdicts}")
    print("  | program | replies | with tests | both pass | ours alone | theirs alone | neither |")
    print("  |---|---:|---:|---:|---:|---:|---:|")
    for name, is_same in (("the same", True), ("another", False)):
        found = [passes[i] for i in tested if same[i] is is_same]
        counts = [found.count(pair) for pair in ((1.0, 1.0), (1.0, 0.0), (0.0, 1.0), (0.0, 0.0))]
        print(f"  | {name} | {same.count(is_same)} | {len(found)} | {' | '.join(map(str, counts))} |")
    print(f"extract_lcb: {sum(same)} of {len(rows)} programs are the same ({sum(same) / len(rows):.2%})", flush=True)
    return sum(same) / len(rows)


def unmet_claims(assertion: str, source: str) -> Iterator[str]:
    """Yield what upstream's own test claims of the code and does not hold for *source*, which comes from a block."""
    for claim in assertion.split(" and "):
        match = re.fullmatch(_CLAIM, claim.strip())
        if match is None:
            yield claim.strip()
        elif match["start"] is not None:
            if not source.startswith(match["start"]):
                yield claim.strip()
        elif match["text"] is not None and (match["text"] in source) is bool(match["absent"]):
            yield claim.strip()


def disagreements_of(row: Row) -> list[str]:
    """Return in which points our program is not what a row of SandboxFusion's tests expects."""
    source = ours(row)
    if row["expected_code"] is not None:
        same = source == row["expected_code"].strip()
        return [] if same else [f"{source or 'no program'!r}, not {row['expected_code']!r} ({row['note']})"]
    return list(unmet_claims(row["upstream_assert"], source)) if source else ["no program"]


def extract_sandboxfusion(data: Path) -> float:
    """Compare with the code, or what upstream's test claims of it; return the share that agrees of what can be told."""
    rows = rows_of(data / "extract_sandboxfusion.jsonl")
    agreed, told = 0, 0
    for row in rows:
        disagreements = disagreements_of(row)
        untold = any(_THEIR_OTHER.search(each) for each in disagreements)
        agreed += not disagreements
        told += not untold
        if disagreements:
            why = "cannot be told, the row lacks the other result" if untold else "ours is the block as it stands"
            why = why if row["expected_code"] is None else "ours leaves out what is cut off"
            print(f"  {row['id'].partition('completion')[2]} in {row['language']}: {why}: {'; '.join(disagreements)}")
    counts = f"{told} of {len(rows)} can be told, {agreed} agree ({agreed / told:.2%})"
    print(f"extract_sandboxfusion: {counts}", flush=True)
    return agreed / told
