"""What travels between the host and an agent: what comes back is rebuilt exactly, or refused, whatever the bytes."""

from __future__ import annotations

import contextlib
import random
import secrets
import zlib
from collections import Counter, OrderedDict, deque
from collections.abc import Iterable
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rewards.records import (
    AssertStep,
    CallStep,
    CellStep,
    Ended,
    File,
    Job,
    JobResult,
    Limits,
    Program,
    RichResult,
    SandboxFailure,
    ScriptStep,
    TestRun,
)
from rewards.sandboxes.agent import lines, results
from rewards.sandboxes.agent.commands import AgentPaths, fits_inline, trip_command
from rewards.sandboxes.agent.errors import WireError
from rewards.sandboxes.agent.greeting import Greeting, read_greeting
from rewards.sandboxes.agent.results import result_from_bytes, result_to_bytes, stdout_allowance
from rewards.sandboxes.agent.trips import BlobCache, pack_trip, steps_blob, unpack_steps, unpack_trip
from rewards.sandboxes.runner.encoding import ArrayData, Iterated, Opaque, decode, encode

NONCE = "0123456789abcdef0123456789abcdef"

surrogates = st.text(alphabet=st.characters(min_codepoint=0xD700, max_codepoint=0xE010), max_size=5)
texts = st.one_of(st.text(max_size=20), surrogates)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(1 << 200), 1 << 200),
    st.floats(),
    texts,
    st.binary(max_size=20),
    st.complex_numbers(),
    st.decimals(allow_nan=True).filter(lambda number: not number.is_snan()),
    st.fractions(),
    st.sampled_from(
        [int, ValueError, ..., NotImplemented, range(3), date(2026, 1, 1), datetime(2026, 1, 1, tzinfo=UTC)]
    ),
    st.builds(Opaque, st.text(max_size=9), st.sampled_from([True, False, None])),
    st.builds(ArrayData, st.just("<i8"), st.just((2,)), st.tuples(st.integers(0, 9), st.integers(0, 9))),
)
keys = st.one_of(st.integers(), st.text(max_size=5), st.none(), st.tuples(st.integers(0, 9), st.text(max_size=3)))


def _containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.lists(inner, max_size=12),
        st.lists(inner, max_size=5).map(tuple),
        st.lists(inner, max_size=5).map(deque),
        st.dictionaries(keys, inner, max_size=5),
        st.sets(keys, max_size=5),
        st.frozensets(keys, max_size=5),
        st.builds(Iterated, st.sampled_from(["generator", "dict_keys"]), st.lists(inner).map(tuple), st.booleans()),
    )


FETCHED = ("out", "a/b", "ü\udc80")
values = st.recursive(scalars, _containers, max_leaves=20)
seconds = st.floats(0, 1e6)
rich_results = st.builds(
    RichResult, st.lists(st.tuples(st.text(max_size=5), texts), max_size=3).map(tuple), st.booleans()
)
runs = st.builds(
    TestRun,
    st.sampled_from(Ended),
    exit_code=st.none() | st.integers(0, 255),
    signal=st.none() | st.integers(1, 64),
    value=values,
    stdout=texts,
    stderr=texts,
    cpu_s=seconds,
    wall_s=seconds,
    peak_memory_mb=seconds,
    starved=st.booleans(),
    results=st.lists(rich_results, max_size=3).map(tuple),
    files=st.dictionaries(st.sampled_from(FETCHED), st.binary(max_size=9)).map(
        lambda found: tuple(File(path, content) for path, content in found.items())
    ),
)
outcomes = st.one_of(
    st.builds(JobResult, st.lists(runs, max_size=4).map(tuple), st.text(max_size=9), seconds, seconds),
    st.builds(SandboxFailure, st.text(max_size=9), texts, st.booleans()),
)


def _job(steps: int = 1) -> Job:
    return Job(Program("pass"), (ScriptStep(fetch=FETCHED),) * steps)


def _job_of(outcome: JobResult | SandboxFailure) -> Job:
    return _job(len(outcome.runs) if isinstance(outcome, JobResult) else 1)


def _same(left: Any, right: Any) -> bool:
    """Return whether two values are the same to the last bit; placeholders, which equal nothing, by what they hold."""
    if type(left) is not type(right):
        return False
    if isinstance(left, (JobResult, TestRun, SandboxFailure, RichResult, Iterated, Opaque, ArrayData)):
        return all(_same(getattr(left, field.name), getattr(right, field.name)) for field in fields(left))
    if isinstance(left, list | tuple | deque):
        return len(left) == len(right) and all(map(_same, left, right))
    if isinstance(left, dict):
        return _same(list(left.items()), list(right.items()))
    if isinstance(left, float | complex | Decimal):
        return repr(left) == repr(right)
    return bool(left == right)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(outcomes)
def test_a_result_comes_back_as_it_was(outcome: JobResult | SandboxFailure) -> None:
    job = _job_of(outcome)
    assert _same(result_from_bytes(result_to_bytes(outcome, job), job), outcome)


def test_what_a_program_returned_comes_back_as_the_local_sandbox_would_have_it() -> None:
    returned = [Counter("aab"), OrderedDict(a=1), {1: 2}.items(), iter([1, object()]), object(), numpy.arange(6)]
    value = decode(encode([*returned, Fraction(1, 3), timedelta(1), {"a": {"b": (1, [2.5])}}, 1 << 70]))
    outcome = JobResult((TestRun(Ended.RETURNED, value=value),))
    assert _same(result_from_bytes(result_to_bytes(outcome, _job()), _job()), outcome)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_result_or_a_wire_error(data: bytes) -> None:
    for bytes_of in (data, zlib.compress(data), zlib.compress(len(data).to_bytes(4, "little") + data)):
        _read_or_refused(bytes_of)


json_like = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 1 << 70), st.floats(), st.text(max_size=4), st.just("exited")),
    lambda inner: st.lists(inner, max_size=12) | st.dictionaries(st.sampled_from(list("stdoinq")), inner, max_size=1),
    max_leaves=20,
)
run_like = st.tuples(
    st.just("returned"), *[json_like] * 5, st.booleans(), *[st.integers(-1, 9)] * 3, *[json_like | st.just([])] * 2
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.one_of(json_like, st.tuples(st.just("result"), st.just("x"), seconds, seconds, st.tuples(run_like).map(list))),
    st.binary(max_size=40),
)
def test_any_header_is_a_result_or_a_wire_error(header: Any, rest: bytes) -> None:
    told = encode(list(header) if isinstance(header, tuple) else header)
    _read_or_refused(zlib.compress(len(told).to_bytes(4, "little") + told + rest))


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(outcomes, st.randoms(use_true_random=False))
def test_a_damaged_result_is_a_result_or_a_wire_error(
    outcome: JobResult | SandboxFailure, chance: random.Random
) -> None:
    whole = result_to_bytes(outcome, _job_of(outcome))
    damaged = bytearray(zlib.decompress(whole))
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(damaged) + 1)
        damaged[at : at + chance.randint(0, 3)] = chance.choice([b"", b'"', b"[", b"}", b"9", b"-", b"\xff", b"null"])
    _read_or_refused(zlib.compress(bytes(damaged)), _job_of(outcome))
    _read_or_refused(whole[: chance.randrange(len(whole))], _job_of(outcome))


def _read_or_refused(data: bytes, job: Job | None = None) -> None:
    with contextlib.suppress(WireError):
        result_from_bytes(data, job or _job())


def _header(told: Any, rest: bytes = b"") -> bytes:
    data = encode(told)
    return zlib.compress(len(data).to_bytes(4, "little") + data + rest)


_RUN = ["exited", 0, None, 0.1, 0.1, 1.0, False, 0, 0, 0, [], []]


def _with_files(files: Any, rest: bytes = b"") -> bytes:
    return _header(["result", "x", 0.0, 0.0, [[*_RUN[:-1], files]]], rest)


@pytest.mark.parametrize(
    ("data", "job"),
    [
        pytest.param(b"", _job(), id="nothing"),
        pytest.param(_header(["result", "local", 0.0, 0.0, []]), _job(), id="fewer runs than steps"),
        pytest.param(_header(["result", "local", 0.0, 0.0, [_RUN] * 2]), _job(), id="more runs than steps"),
        pytest.param(_header(["result", "local", 0.0, 0.0, [_RUN]], b"x"), _job(), id="bytes that nothing announces"),
        pytest.param(_header(["result", "local", float("nan"), 0.0, [_RUN]]), _job(), id="a time that is no number"),
        pytest.param(_header(["result", "local", 0.0, -1.0, [_RUN]]), _job(), id="a time before the beginning"),
        pytest.param(_header(["result", "x", 0.0, 0.0, [["won", *_RUN[1:]]]]), _job(), id="an end that is none"),
        pytest.param(_header(["result", "x", 0.0, 0.0, [["exited", "0", *_RUN[2:]]]]), _job(), id="a code in text"),
        pytest.param(_header(["result", "x", 0.0, 0.0, [[*_RUN[:7], 9, 0, 0, [], []]]]), _job(), id="a text too short"),
        pytest.param(
            _header(["result", "x", 0.0, 0.0, [[*_RUN[:7], True, 0, 0, [], []]]]), _job(), id="a length of True"
        ),
        pytest.param(
            _header(["result", "x", 0.0, 0.0, [[*_RUN[:7], 1, 0, 0, [], []]]], b"\xff"), _job(), id="no UTF-8"
        ),
        pytest.param(_header(["result", "x", 0.0, 0.0, [[*_RUN[:9], 2, [], []]]], b"[["), _job(), id="a value cut off"),
        pytest.param(_with_files([[3, 1]], b"outx"), Job(Program(""), (ScriptStep(),)), id="a file nobody asked for"),
        pytest.param(_with_files([[3, 1]], b"outx"), Job(Program(""), (CallStep("f"),)), id="a file of a call"),
        pytest.param(_with_files([[3, 1], [3, 1]], b"outxouty"), _job(), id="a file twice"),
        pytest.param(_with_files([[3, 9]], b"outx"), _job(), id="a file cut off"),
        pytest.param(_with_files([[3]], b"out"), _job(), id="a file without a length"),
        pytest.param(_with_files([[True, 1]], b"xy"), _job(), id="a name as long as True"),
        pytest.param(_with_files([[6, 1]], b"../xyz"), _job(), id="a path that leads elsewhere"),
        pytest.param(_with_files(7), _job(), id="files that are a number"),
        pytest.param(_header(["failure", "died", "", 1]), _job(), id="a failure that is neither final nor not"),
        pytest.param(zlib.compress(b"\xff\xff\xff\xff"), _job(), id="a header of four gigabytes"),
        pytest.param(result_to_bytes(SandboxFailure("a", "b"), _job()) + b"x", _job(), id="more after the end"),
        pytest.param(result_to_bytes(SandboxFailure("a", "b"), _job())[:-2], _job(), id="an end cut off"),
    ],
)
def test_what_no_agent_sends_is_refused(data: bytes, job: Job) -> None:
    with pytest.raises(WireError):
        result_from_bytes(data, job)


def test_data_that_grow_beyond_the_bound_are_not_unpacked() -> None:
    compressor = zlib.compressobj(9)
    bomb = b"".join(compressor.compress(bytes(1 << 20)) for _ in range(300)) + compressor.flush()
    assert len(bomb) < 1 << 20
    with pytest.raises(WireError):
        result_from_bytes(bomb, _job())


def test_output_beyond_the_bound_ends_the_run_at_the_output_limit() -> None:
    flood = TestRun(Ended.EXITED, exit_code=0, stdout="ä" * (10 << 20))
    job = _job(5)
    found = result_from_bytes(result_to_bytes(JobResult((flood,) * 5), job), job)
    assert isinstance(found, JobResult)
    assert [run.ended for run in found.runs] == [Ended.EXITED] * 3 + [Ended.OUTPUT_LIMIT] * 2
    assert sum(len(run.stdout.encode()) for run in found.runs) <= stdout_allowance(job)


def test_files_beyond_the_bound_are_left_out() -> None:
    job = Job(Program("pass"), (ScriptStep(fetch=("a", "b", "c")),))
    files = tuple(File(name, bytes(size << 20)) for name, size in (("a", 60), ("b", 5), ("c", 4)))
    found = result_from_bytes(result_to_bytes(JobResult((TestRun(Ended.EXITED, files=files),)), job), job)
    assert isinstance(found, JobResult)
    assert [file.path for file in found.runs[0].files] == ["a", "c"]


def test_a_job_that_expects_more_output_gets_more() -> None:
    job = Job(Program("pass"), (ScriptStep(output_kb=100 << 10),))
    run = TestRun(Ended.EXITED, stdout="x" * (70 << 20))
    found = result_from_bytes(result_to_bytes(JobResult((run,)), job), job)
    assert isinstance(found, JobResult)
    assert found.runs[0] == run


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("x" * (17 << 20), id="a long text"),
        pytest.param([[] for _ in range(2_000_000)], id="many small objects"),
    ],
)
def test_values_beyond_the_bound_end_the_run_at_the_output_limit(value: object) -> None:
    runs = (TestRun(Ended.RETURNED, value=1), TestRun(Ended.RETURNED, value=value))
    found = result_from_bytes(result_to_bytes(JobResult(runs), _job(2)), _job(2))
    assert isinstance(found, JobResult)
    assert found.runs == (runs[0], replace(runs[1], ended=Ended.OUTPUT_LIMIT, value=None))


def test_a_value_that_only_crafted_bytes_make_is_no_reason_to_doubt_the_machine() -> None:
    """Its shortest text has more digits than the bound: a program that sends it must not come back unjudged."""
    crafted = decode(b'{"D":"' + b"1" * 994 + b'e-999"}')
    found = result_from_bytes(result_to_bytes(JobResult((TestRun(Ended.RETURNED, value=crafted),)), _job()), _job())
    assert isinstance(found, JobResult)
    assert isinstance(found.runs[0].value, Opaque)


def test_a_long_complaint_is_kept_at_its_end() -> None:
    run = TestRun(Ended.RAISED, stderr="é" * 100_000 + "end")
    found = result_from_bytes(result_to_bytes(JobResult((run,)), _job()), _job())
    assert isinstance(found, JobResult)
    assert found.runs[0].stderr == run.stderr[-results.STDERR_CHARACTERS :]


STEPS = (
    ScriptStep("1 2\n", output_kb=9),
    CallStep("f", (1, [2.5, {"a": (None, b"x")}], {1, 2}), (("key", True),)),
    AssertStep("assert f(1)", "import math", ("sum",), framework="pytest"),
    CellStep("1 + 1", files=(File("data.csv", b"1"),)),
    ScriptStep(
        files=(File("a/b", b"\0\xff"), File("c", b"")), fetch=("out", "x/y"), args=("-x", "ü"), append="print()"
    ),
)


def test_a_trip_brings_the_jobs_as_they_were() -> None:
    jobs = [
        Job(Program("pass", "python"), STEPS, Limits(cpu_s=1.5, processes=3)),
        Job(Program("ä\ud800", "bash"), STEPS[:1]),
    ]
    blobs = [steps_blob(job.steps) for job in jobs]
    trip = unpack_trip(pack_trip(jobs, blobs))
    assert trip.jobs({blob.digest: unpack_steps(blob)[0] for blob in blobs}) == jobs
    assert set(trip.inline) == {blob.digest for blob in blobs}


def test_arguments_that_are_no_builtin_types_arrive_as_the_program_gets_them() -> None:
    class Ours(dict[str, int]):
        pass

    steps = (CallStep("f", (Counter("aab"), deque([1]), Ours(a=1), numpy.arange(3))),)
    ((step,), _) = unpack_steps(steps_blob(steps))
    assert isinstance(step, CallStep)
    assert [type(argument) for argument in step.args[:3]] == [Counter, deque, dict]
    assert step.args[:2] == steps[0].args[:2]


def test_large_inputs_stay_behind_and_are_packed_once() -> None:
    text = "".join(map(str, range(30_000)))
    jobs = [Job(Program(str(n)), (ScriptStep(text),)) for n in range(8)]
    cache = BlobCache()
    blobs = [cache.blob_of(job) for job in jobs]
    assert blobs[0].is_large
    assert all(blob is blobs[0] for blob in blobs)
    assert unpack_trip(pack_trip(jobs, blobs)).inline == {}
    assert fits_inline(pack_trip(jobs, blobs))


def test_the_cache_of_blobs_is_bounded() -> None:
    cache = BlobCache(largest=1)
    first, second = _job(), Job(Program("pass"), (ScriptStep("x"),))
    kept = cache.blob_of(first)
    cache.blob_of(second)
    assert cache.blob_of(first) is not kept
    assert cache.blob_of(first) == kept


def test_a_blob_of_another_name_is_refused() -> None:
    blob = steps_blob(STEPS)
    for damaged in (replace(blob, digest="0" * 64), replace(blob, data=blob.data[:-5]), replace(blob, data=b"")):
        with pytest.raises(ValueError, match="blob"):
            unpack_steps(damaged)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (lines.heartbeat(NONCE), lines.Heartbeat()),
        (lines.end(NONCE), lines.End()),
        (lines.result(NONCE, 7, b"\0\xff"), lines.Result(7, b"\0\xff")),
        (lines.missing(NONCE, ("0" * 64, "f" * 64)), lines.MissingBlob(("0" * 64, "f" * 64))),
        (lines.failed(NONCE, 3, "configuration", "no\n such"), lines.Failed(3, "configuration", "no\n such")),
        (lines.failed(NONCE, None, "agent", "x" * 9999), lines.Failed(None, "agent", "x" * lines.LARGEST_TEXT)),
    ],
)
def test_a_line_says_what_was_put_into_it(line: bytes, told: lines.Line) -> None:
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert lines.read_line(line.decode()[:-1], NONCE) == told


@pytest.mark.parametrize("line", ["", "Welcome to Ubuntu", "h", f"{NONCE[:-1]} h", f"x{NONCE} e", f"r 0 {NONCE}"])
def test_a_line_without_the_nonce_is_nobodys(line: str) -> None:
    assert lines.read_line(line, NONCE) is None


@pytest.mark.parametrize(
    "rest", ["", "z", "r", "r x eA==", "r 1 e", "r -1 eA==", "r 1.0 eA==", "m", "m ../x", "f - won eA==", "f 1 agent é"]
)
def test_a_line_with_the_nonce_that_says_nothing_known_is_refused(rest: str) -> None:
    with pytest.raises(WireError):
        lines.read_line(f"{NONCE} {rest}", NONCE)


@given(st.text(max_size=60))
def test_any_line_is_read_or_refused(rest: str) -> None:
    for line in (rest, f"{NONCE} {rest}", f"{NONCE} r 0 {rest}", f"{NONCE} f - agent {rest}"):
        try:
            lines.read_line(line, NONCE)
        except WireError:
            continue


GREETING = Greeting(python="3.13.1", executable="/usr/bin/python3", slots=2, level="A", protects_against=("all",))


def test_a_greeting_is_found_among_other_output() -> None:
    assert read_greeting(f"motd\n{GREETING.line(NONCE)}\nbye\n", NONCE) == GREETING
    assert read_greeting(f"motd\n{GREETING.line(NONCE)}\n", "f" * 32) is None


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "7", '{"slots": "2"}', '{"slots": 1e9, "executable": "x"}', "[" * 9999, '{"error": 1}']
)
def test_what_is_no_greeting_is_refused(text: str) -> None:
    with pytest.raises(WireError):
        read_greeting(f"{NONCE} g {text}", NONCE)


def test_a_command_with_the_largest_trip_is_one_that_the_kernel_takes() -> None:
    trip = secrets.token_bytes(74_000)
    assert fits_inline(trip)
    assert not fits_inline(trip + bytes(2_000))
    assert len(trip_command(AgentPaths("0" * 32), GREETING, trip, nonce=NONCE)) < 128 << 10


@pytest.mark.parametrize("nonce", ["", "x" * 32, "0" * 15, "$(touch x)" * 3, f"{NONCE}\n"])
def test_a_nonce_that_a_shell_could_misread_is_refused(nonce: str) -> None:
    with pytest.raises(ValueError, match="nonce"):
        trip_command(AgentPaths("0" * 32), GREETING, b"", nonce=nonce)


def test_texts_of_all_kinds_survive_in_values() -> None:
    strange: Iterable[str] = ("\0", "\ud800", "\ud83d\ude00", "\u2028", '"\\')
    outcome = JobResult(tuple(TestRun(Ended.RETURNED, value=text, stdout=text, stderr=text) for text in strange))
    assert result_from_bytes(result_to_bytes(outcome, _job(5)), _job(5)) == outcome
