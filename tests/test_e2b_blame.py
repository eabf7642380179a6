"""A program is guilty when chance does not explain what happened to its sandboxes, and not before."""

from __future__ import annotations

import pytest

from rewards.records import Ended, Job, Program, ScriptStep, TestRun
from rewards.sandboxes.e2b_cloud.blame import Blame, Convicts, Suspect


def test_three_deaths_alone_are_no_chance_in_a_service_that_works() -> None:
    blame, program = Blame(), Suspect()
    blame.record_survival()
    for _ in range(2):
        blame.record_death("dead", [program], alone=True)
        assert not blame.is_guilty(program)
    blame.record_death("dead", [program], alone=True)
    assert blame.is_guilty(program)


def test_deaths_in_company_prove_nothing() -> None:
    blame, program, other = Blame(), Suspect(), Suspect()
    for _ in range(50):
        blame.record_death("dead", [program, other], alone=False)
    assert not blame.is_guilty(program)


def test_deaths_of_different_causes_do_not_add_up() -> None:
    blame, program = Blame(), Suspect()
    for cause in ("dead", "silence", "wire", "kernel"):
        blame.record_death(cause, [program], alone=True)
    assert not blame.is_guilty(program)


def test_an_answer_clears_a_program_and_its_deaths_count_for_the_service() -> None:
    blame, program = Blame(), Suspect()
    before = blame.death_rate("dead")
    for _ in range(3):
        blame.record_death("dead", [program], alone=True)
    assert blame.death_rate("dead") == before
    blame.clear(program)
    assert blame.death_rate("dead") > before
    assert not blame.is_guilty(program)


@pytest.mark.parametrize("rate", [0.05, 0.2, 0.5])
def test_a_bad_service_takes_more_to_convince(rate: float) -> None:
    blame = Blame()
    for _ in range(1000):
        blame.record_survival()
    for _ in range(round(1000 * rate / (1 - rate))):
        blame.record_death("dead", [], alone=True)
    needed = blame.deaths_needed("dead")
    assert blame.death_rate("dead") ** needed < 1e-6 <= blame.death_rate("dead") ** (needed - 1)
    assert blame.deaths_needed("kernel") == 3


def test_a_batch_of_hostile_programs_does_not_make_the_service_look_bad() -> None:
    blame, programs = Blame(), [Suspect() for _ in range(100)]
    for _ in range(3):
        for program in programs:
            blame.record_death("dead", [program], alone=True)
    assert blame.deaths_needed("dead") <= 4
    blame.record_survival()
    for program in programs:
        assert blame.is_guilty(program)
        blame.convict(program)
        blame.clear(program)
    assert blame.death_rate("dead") < 0.01


def test_a_conviction_relieves_those_who_were_there() -> None:
    blame, guilty, bystander = Blame(), Suspect(), Suspect()
    blame.record_death("dead", [guilty, bystander], alone=False)
    blame.convict(guilty)
    before = blame.death_rate("dead")
    blame.clear(bystander)
    assert blame.death_rate("dead") == before


def test_a_convicted_job_is_known_again_and_another_one_is_not() -> None:
    convicts, end = Convicts(), TestRun(Ended.SIGNALLED, signal=9)
    job = Job(Program("kill()"), (ScriptStep("1"),))
    convicts.remember(job, end)
    assert convicts.end_of(Job(Program("kill()"), (ScriptStep("1"),))) is end
    assert convicts.end_of(Job(Program("kill()"), (ScriptStep("2"),))) is None
    assert convicts.end_of(Job(Program("live()"), (ScriptStep("1"),))) is None
