"""Print how often each choice among several blocks takes the code that the official extractor or reference took.

    python scripts/measure_extraction.py [folder with extract_lcb.jsonl and its neighbours]

A row agrees when the code is the same but for line ends and white space around it, or when neither finds a program.
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

from rewards.extraction import CHOICES, Extraction, extract_program
from rewards.extraction.fences import read_fences

FILES = ("extract_lcb", "extract_sandboxfusion", "llm_lcb", "multipl_e_llm", "llm_check", "llm_humaneval")
ANY_LANGUAGE = {"first fence, any language": 0, "last fence, any language": -1}


def rows_of(folder: Path, name: str) -> list[dict]:
    """Return the rows that have a reference; a reply without Markdown is its own."""
    with gzip.open(folder / "datasets" / "HumanEval.jsonl.gz", "rt") as lines:
        prompts = {row["task_id"]: row["prompt"] for row in map(json.loads, lines)}
    rows = [json.loads(line) for line in (folder / f"{name}.jsonl").read_text().splitlines()]
    for row in rows:
        row["completion"] = row["completion"].replace("\r\n", "\n")
        bare = row["completion"] if row.get("completion_form", "chat") != "chat" else None
        row["reference"] = row.get("expected_code", row.get("reference_code", bare))
        row["code_prompt"] = prompts.get(row.get("task_id")) or row.get("prompt") or ""
    known = [row for row in rows if row["reference"] is not None]
    return [row | {"reference": row["reference"].replace("\r\n", "\n").strip()} for row in known]


def chosen(row: dict, choice: str) -> str:
    """Return what *choice* takes from a reply, "" when it takes nothing."""
    if choice in ANY_LANGUAGE:
        fences = read_fences(row["completion"])
        return fences[ANY_LANGUAGE[choice]].source if fences else row["completion"]
    known = {name: row.get(name) for name in ("language", "entry_point")}
    options = Extraction(choice=choice)
    program = extract_program(row["completion"], **known, code_prompt=row["code_prompt"], extraction=options)
    return program.source if program else ""


def main(folder: Path) -> None:
    """Print the table in Markdown."""
    if not (folder / f"{FILES[0]}.jsonl").exists():
        sys.exit(f"no {FILES[0]}.jsonl in {folder.resolve()}: give the folder of the replies as the argument")
    files = {name: rows_of(folder, name) for name in FILES}
    print("| choice |", " | ".join(f"{name} ({len(rows)})" for name, rows in files.items()), "|")
    print("|---|" + "---:|" * len(files))
    for choice in (*CHOICES, *ANY_LANGUAGE):
        agreed = [[chosen(row, choice).strip() == row["reference"] for row in rows] for rows in files.values()]
        print(f"| {choice} |", " | ".join(str(sum(rows)) for rows in agreed), "|")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[2] / "shared" / "data")
