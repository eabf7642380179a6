"""What a run leaves in numbers: the reward curve as a picture, and a summary as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .report.training import REWARD_KEYS, seconds_per_step

CURVE_FILE = "reward_curve.png"
SUMMARY_FILE = "summary.json"


def write_summary(trainer: Any, summary: Mapping[str, Any]) -> dict[str, Any]:
    """Write both files on the main process and return the summary with the curve and the seconds of a step in it."""
    curve = reward_curve(trainer.state.log_history)
    written = {**summary, "steps": trainer.state.global_step, "reward_curve": curve}
    seconds = seconds_per_step(trainer.state.log_history)
    if seconds:
        written["seconds_per_step"] = seconds
    if trainer.is_world_process_zero():
        folder = Path(trainer.args.output_dir)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / SUMMARY_FILE).write_text(json.dumps(written, indent=1) + "\n")
        draw_curve(curve, folder / CURVE_FILE, levels=summary.get("held_out_pass_rate", {}))
    return written


def reward_curve(log_history: Sequence[Mapping[str, Any]]) -> list[tuple[int, float]]:
    """Return (step, mean reward) for each logged step that could be scored."""
    found = [(entry["step"], next((entry[key] for key in REWARD_KEYS if key in entry), None)) for entry in log_history]
    return [(step, reward) for step, reward in found if reward is not None]


def draw_curve(curve: Sequence[tuple[int, float]], path: Path, *, levels: Mapping[str, float]) -> None:
    """Draw the reward by step, and a horizontal line for each of *levels*."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # needs no display, and leaves pyplot's state alone
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.plot([step for step, _ in curve], [reward for _, reward in curve], marker=".", label="reward while training")
    for i, (name, level) in enumerate(levels.items()):
        axes.axhline(level, color=f"C{i + 1}", linestyle="--", label=f"held-out pass rate {name}: {level:.0%}")
    axes.set(xlabel="step", ylabel="mean reward", ylim=(-0.02, 1.02) if levels else None)
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    figure.savefig(path, dpi=120)
