"""A program is guilty when chance does not explain what happened to its sandboxes, and not before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import cast

import pytest
from e2b_pools import echo

from rewards.records import Ended, Job, JobResult, Program, SandboxFailure, ScriptStep, TestRun
from rewards.sandboxes.agent.commands import AgentPaths
from rewards.sandboxes.agent.greeting import Greeting
from rewards.sandboxes.agent.lines import end, result
from rewards.sandboxes.agent.results import result_to_bytes
from rewards.sandboxes.agent.trips import steps_blob
from rewards.sandboxes.e2b_cloud import E2BOptions, attempts
from rewards.sandboxes.e2b_cloud.attempts import Attempts
from rewards.sandboxes.e2b_cloud.blame import REMEMBERED_S, Blame, Convicts, Suspect
from rewards.sandboxes.e2b_cloud.dispatch import Dispatcher
from rewards.sandboxes.e2b_cloud.ledger import Ledger
from rewards.sandboxes.e2b_cloud.machine import Machine
from rewards.sandboxes.e2b_cloud.tickets import Lost, Ticket
from rewards.sandboxes.e2b_cloud.trip import Trip


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


def test_a_verdict_does_not_stand_for_ever() -> None:
    now = [0.0]
    convicts, job = Convicts(now=lambda: now[0]), Job(Program("kill()"), (ScriptStep("1"),))
    convicts.remember(job, TestRun(Ended.SIGNALLED, signal=9))
    now[0] = REMEMBERED_S - 1.0
    assert convicts.end_of(job) is not None
    now[0] = REMEMBERED_S + 1.0
    assert convicts.end_of(job) is None


class _Deadly:
    """A dispatcher whose sandboxes die under the program after so many seconds, and run the known-good job."""

    def __init__(self, *lives_s: float) -> None:
        self.controls: list[Job] = []
        self._blame, self._lives_s = Blame(), list(lives_s)

    def blame_for(self, ticket: Ticket) -> Blame:
        return self._blame

    def add(self, ticket: Ticket) -> None:
        if ticket.suspect is None:
            self.controls.append(ticket.job)
            ticket.settle(JobResult((TestRun(Ended.EXITED, exit_code=0, stdout="nothing that it should say\n"),)))
            return
        self._blame.record_death("dead", [ticket.suspect], alone=ticket.alone)
        ticket.settle(Lost("died", "gone", cause="dead", may_be_guilty=True, lived_s=self._lives_s.pop(0)))

    def withdraw(self, ticket: Ticket) -> None: ...


def _answer(dispatcher: _Deadly, monkeypatch: pytest.MonkeyPatch) -> JobResult | SandboxFailure:
    monkeypatch.setattr(attempts, "PAUSE_S", 0.0)

    async def ask() -> JobResult | SandboxFailure:
        pool = Attempts(E2BOptions(), cast(Dispatcher, dispatcher), Ledger(0.0))
        return (await pool.answer(echo("a")))[0]

    return asyncio.run(ask())


def test_the_known_good_job_outlives_every_life_of_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    dispatcher = _Deadly(99.0, 2.0, 40.0, 3.0, 4.0, 5.0, 6.0)
    assert isinstance(_answer(dispatcher, monkeypatch), SandboxFailure), "the known-good job did not do well"
    assert dispatcher.controls
    assert all("time.sleep(45.000)" in job.program.source for job in dispatcher.controls)


def test_a_program_that_lived_too_long_to_be_compared_is_not_blamed(monkeypatch: pytest.MonkeyPatch) -> None:
    dispatcher = _Deadly(1.0, 2.0, 61.0, 3.0, 4.0, 5.0, 6.0)
    assert isinstance(_answer(dispatcher, monkeypatch), SandboxFailure)
    assert not dispatcher.controls


class _Silent:
    """A sandbox's machine that starts trips, of which nothing is heard but what the test says."""

    def __init__(self, *, lives: bool = True) -> None:
        self.silence_s = 0.3
        self.paths, self.greeting = AgentPaths("0" * 8), Greeting()
        self.hear: Callable[[str], None] = print
        self._lives = lives

    async def start_command(self, command: str, *, on_stdout: Callable[[str], None], timeout_s: float) -> object:
        if command == "true" and not self._lives:
            raise ConnectionResetError("nobody is there")
        over = asyncio.Event()
        if command == "true":
            over.set()
        else:
            self.hear = on_stdout
        return SimpleNamespace(wait=over.wait, disconnect=lambda: None, kill=lambda: None)

    def do_aside(self, call: object) -> None: ...


@pytest.mark.parametrize("lives", [True, False])
def test_silence_is_held_against_a_program_only_where_its_sandbox_is_gone(*, lives: bool) -> None:
    async def ask() -> None:
        ticket = Ticket(echo("a"), steps_blob(echo("a").steps), alone=True)
        trip = Trip(cast(Machine, _Silent(lives=lives)), [ticket])
        await trip.travel(ahead_s=0.0)
        cause, lost = trip.settle_lost()
        report = await ticket.report
        assert isinstance(report, Lost)
        assert (cause, report.kind) == ("silence", "transport")
        assert report.may_be_guilty is not lives
        assert lost == ([] if lives else [ticket])
        assert 0.2 < report.lived_s < 2.0

    asyncio.run(ask())


def test_a_line_that_takes_long_to_come_is_a_sign_of_life() -> None:
    async def ask() -> None:
        machine, ticket = _Silent(), Ticket(echo("a"), steps_blob(echo("a").steps))
        trip = Trip(cast(Machine, machine), [ticket])
        answer = result_to_bytes(JobResult((TestRun(Ended.EXITED, exit_code=0, stdout="aa\n"),)), ticket.job)
        travelling = asyncio.create_task(trip.travel(ahead_s=0.0))
        text = (result(trip.nonce, 0, answer) + end(trip.nonce)).decode()
        for i in range(0, len(text), len(text) // 8):
            await asyncio.sleep(0.1)
            machine.hear(text[i : i + len(text) // 8])
        report = await asyncio.wait_for(ticket.report, 1.0)
        assert isinstance(report, JobResult)
        travelling.cancel()

    asyncio.run(ask())
