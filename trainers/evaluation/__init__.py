"""Evaluate data sets with the grader of training: the same engine, the same verdicts."""

from .comparison import compare_evaluations
from .completions import ColumnSource, FileSource, Source
from .dataset import EvaluationOptions, evaluate_dataset, read_summary
from .export import Evaluation
from .passing import pass_at_k
from .sample import Result, Sample
from .store import read_results
from .validation import validate_dataset

__all__ = [
    "ColumnSource",
    "Evaluation",
    "EvaluationOptions",
    "FileSource",
    "Result",
    "Sample",
    "Source",
    "compare_evaluations",
    "evaluate_dataset",
    "pass_at_k",
    "read_results",
    "read_summary",
    "validate_dataset",
]
