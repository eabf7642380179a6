"""From the outcomes of units back to one grade for each completion."""

from __future__ import annotations

from collections.abc import Sequence

from .grader.trial import Outcome
from .grades import Grade, TestGrade, Verdict, overall_verdict
from .intake.samples import Sample
from .score_rule import ScoreRule


def grade_samples(samples: Sequence[Sample], outcomes: Sequence[Outcome], rule: ScoreRule) -> tuple[Grade, ...]:
    """Return what each sample gets; raises what the scorer raises, with a note that says for which."""
    grades = []
    for i, sample in enumerate(samples):
        try:
            grades.append(_grade(sample, outcomes, rule))
        except Exception as error:
            error.add_note(f"raised by the scorer {rule.scorer_name} for completion {i} of {len(samples)}")
            raise
    return tuple(grades)


def _grade(sample: Sample, outcomes: Sequence[Outcome], rule: ScoreRule) -> Grade:
    if sample.problem is None:
        return Grade(rule.unjudged, Verdict.UNJUDGED, program=sample.program, detail=f"bad row: {sample.bad_row}")
    if not sample.problem.tests:
        return Grade(rule.unjudged, Verdict.UNJUDGED, program=sample.program, detail="the row has no tests")
    if sample.unit is None:
        return Grade(rule.no_program, Verdict.NO_PROGRAM, detail="no program found in the completion")
    outcome = outcomes[sample.unit]
    return Grade(
        score=rule.score(outcome.tests),
        verdict=overall_verdict(outcome.tests),
        tests=outcome.tests,
        program=sample.program,
        detail=_first_reason(outcome.tests) or outcome.detail,
        sandbox=outcome.sandbox,
        duplicate=sample.duplicate,
    )


def _first_reason(tests: Sequence[TestGrade]) -> str:
    verdict = overall_verdict(tests)
    if verdict is Verdict.ACCEPTED:
        return ""
    number, test = next((i, test) for i, test in enumerate(tests, start=1) if test.verdict is verdict)
    label = f"test {number}" + (f" ({test.name})" if test.name else "")
    return f"{label}: {test.detail}" if test.detail else label
