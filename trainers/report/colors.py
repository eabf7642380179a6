"""Colours that are told apart on white and on near black."""

from __future__ import annotations

from rewards import Verdict

VERDICT_COLORS = {
    Verdict.ACCEPTED.value: "#2fa866",
    Verdict.WRONG_ANSWER.value: "#e0574f",
    Verdict.RUNTIME_ERROR.value: "#b06ad6",
    Verdict.TIME_LIMIT_EXCEEDED.value: "#e3a12f",
    Verdict.MEMORY_LIMIT_EXCEEDED.value: "#a9763f",
    Verdict.OUTPUT_LIMIT_EXCEEDED.value: "#2fa5b8",
    Verdict.NO_PROGRAM.value: "#8590a0",
    Verdict.SKIPPED.value: "#b4bcc8",
    Verdict.UNJUDGED.value: "#4f74e0",
}
REWARD, PASS_RATE, SLOW = "#4f7be0", "#2fa866", "#e07b39"
GENERATION, GRADING, UPDATE = "#4f7be0", "#e3a12f", "#8f7ae0"
