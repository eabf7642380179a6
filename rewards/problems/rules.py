"""The comparison rules of the evaluators that public sets come with.

They hold where neither the row nor the reward names a rule. What an official evaluator lets through by mistake is not
followed: open-r1 compares no more lines than both outputs have, and APPS and PRIME accept the same set of tokens in
any order, as well as integers that are off by a hundred-thousandth.
"""

from __future__ import annotations

from ..comparison import Comparison

LINE_BY_LINE = Comparison("tokens", tolerance=0.0, keeps_lines=True)
"""open-r1, genesys, code-r1: lines without white space at their ends are the same.

Beyond that, white space within a line may differ, and so may the spelling of one non-integer number (`0.50`, `0.5`).
"""
LIVECODEBENCH = Comparison("tokens", tolerance=0.0, floats_everywhere=True, keeps_lines=True)
"""LiveCodeBench and who took it over (DeepCoder, NeMo-Gym): line by line, numbers by their exact decimal value."""
VERIFIERS = Comparison("tokens", tolerance=1e-3, absolute=True, floats_everywhere=True, keeps_lines=True)
"""SYNTHETIC-2, INTELLECT-3: line by line, token by token, numbers within 0.001."""
CODEFORCES = Comparison("tokens", tolerance=0.0)
"""Token by token, where a problem has no checker."""
CODE_CONTESTS = Comparison("tokens", tolerance=1e-5, absolute=True, ignore_case=True)
"""Token by token, whatever the case; non-integer numbers within 0.00001."""
SANDBOX_FUSION = Comparison("tokens", tolerance=1e-5, ignore_case=True, keeps_lines=True)
"""Line by line, whatever the case; non-integer numbers within 0.00001, relative to large ones."""
REWARD_KIT = Comparison("tokens", tolerance=0.0)
"""The same text but for white space."""
