"""What is logged: always the same names, always finite, never what a logger chokes on."""

from __future__ import annotations

import pytest

from rewards.grades import BatchFigures, BatchGrade, Grade, TestGrade, Verdict
from rewards.records import Program
from rewards.reports.metrics import summarize, table_columns
from rewards.reports.suspicion import Suspicion, suspicions

PASS, FAIL = TestGrade(Verdict.ACCEPTED), TestGrade(Verdict.WRONG_ANSWER, "expected 1, found 2")
RIGHT = Grade(1.0, Verdict.ACCEPTED, (PASS, PASS), Program("print(1)"), sandbox="local")
WRONG = Grade(0.0, Verdict.WRONG_ANSWER, (PASS, FAIL), Program("print(2)"), detail="test 2", sandbox="local")
NOTHING = Grade(0.0, Verdict.NO_PROGRAM)
UNKNOWN = Grade(None, Verdict.UNJUDGED, (TestGrade(Verdict.UNJUDGED),), Program("print(3)"), detail="failed")
FIGURES = BatchFigures(2.0, 0.5, 1.5, (0.1, 0.2, 0.3, 4.0), retries=2, rescued=1, sandboxes=("local",))


def test_a_batch_is_summarized_in_shares_and_seconds():
    twin = Grade(1.0, Verdict.ACCEPTED, (PASS, PASS), Program("print(1)"), sandbox="local", duplicate=True)
    found = summarize(BatchGrade((RIGHT, WRONG, NOTHING, UNKNOWN, twin), FIGURES))
    expected = {
        "accepted": 0.4,
        "wrong_answer": 0.2,
        "no_program": 0.2,
        "unjudged": 0.2,
        "runtime_error": 0.0,
        "duplicates": 0.2,
        "tests_passed": 5 / 6,
        "seconds/wall": 2.0,
        "seconds/queue": 0.5,
        "seconds/cpu": 1.5,
        "job_latency/p50": 0.2,
        "job_latency/p95": 4.0,
        "retries": 2.0,
        "rescued_timeouts": 1.0,
        "backend/local": 1.0,
        "suspicious/early_exit": 0.0,
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected)


@pytest.mark.parametrize(
    "batch",
    [
        pytest.param(BatchGrade((), FIGURES), id="no completions"),
        pytest.param(BatchGrade((NOTHING,), BatchFigures(sandboxes=("local",))), id="no programs"),
        pytest.param(BatchGrade((UNKNOWN,), BatchFigures(float("nan"), sandboxes=("local",))), id="a clock gone mad"),
    ],
)
def test_the_names_are_the_same_for_every_batch_and_every_value_is_a_finite_float(batch):
    found = summarize(batch)
    assert found.keys() == summarize(BatchGrade((RIGHT, WRONG), FIGURES)).keys()
    assert all(type(value) is float and abs(value) < float("inf") for value in found.values())


def test_columns_are_full_and_can_be_written_to_parquet():
    odd = Grade(0.0, Verdict.RUNTIME_ERROR, program=Program("x = '\udc80\0'" + "y" * 100_000), detail="\ud800" * 9999)
    columns = table_columns([RIGHT, NOTHING, odd])
    assert sorted(columns) == ["detail", "program", "verdict"]
    for column in columns.values():
        assert len(column) == 3
        for text in column:
            assert len(text.encode("utf-8")) < 25_000


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("import sys\nsys.exit(0)", {Suspicion.EARLY_EXIT}, id="sys.exit"),
        pytest.param("import os\nos._exit(0)", {Suspicion.EARLY_EXIT}, id="os._exit"),
        pytest.param("quit()", {Suspicion.EARLY_EXIT}, id="quit"),
        pytest.param("raise SystemExit", {Suspicion.EARLY_EXIT}, id="raise SystemExit"),
        pytest.param("raise SystemExit(0)", {Suspicion.EARLY_EXIT}, id="raise SystemExit(0)"),
        pytest.param("class A:\n    def __eq__(self, o): return True", {Suspicion.EQ_OVERRIDE}, id="def __eq__"),
        pytest.param("A.__eq__ = lambda a, b: True", {Suspicion.EQ_OVERRIDE}, id="__eq__ assigned"),
        pytest.param("a.__eq__(b)", set(), id="__eq__ called is no override"),
        pytest.param("import sys\nsys._getframe(1).f_back", {Suspicion.INTROSPECTION}, id="frames"),
        pytest.param("import gc\ngc.get_objects()", {Suspicion.INTROSPECTION}, id="the collector"),
        pytest.param("().__class__.__base__.__subclasses__()", {Suspicion.INTROSPECTION}, id="subclasses"),
        pytest.param("import pytest\npytest.skip('x')", {Suspicion.SKIPPED_TESTS}, id="pytest.skip"),
        pytest.param("import unittest\nraise unittest.SkipTest", {Suspicion.SKIPPED_TESTS}, id="SkipTest"),
        pytest.param("import os\ngetattr(os, '_exit')(0)", {Suspicion.EARLY_EXIT}, id="_exit by its name"),
        pytest.param("from os import _exit as bye\nbye(0)", {Suspicion.EARLY_EXIT}, id="_exit under another name"),
        pytest.param("from sys import exit as e\ne(0)", {Suspicion.EARLY_EXIT}, id="exit under another name"),
        pytest.param("A = type('A', (int,), {'__eq__': f})", {Suspicion.EQ_OVERRIDE}, id="__eq__ in a made-up type"),
        pytest.param("setattr(A, '__ne__', f)", {Suspicion.EQ_OVERRIDE}, id="__ne__ by its name"),
        pytest.param("import inspect\ninspect.stack()", {Suspicion.INTROSPECTION}, id="inspect"),
        pytest.param("getattr(sys, '_getframe')(1)", {Suspicion.INTROSPECTION}, id="frames by their name"),
        pytest.param("from pytest import skip\nskip('x')", {Suspicion.SKIPPED_TESTS}, id="skip, imported"),
        pytest.param("import builtins\nbuiltins.sum = len", {Suspicion.PATCHING}, id="a builtin replaced"),
        pytest.param("__builtins__['sum'] = len", {Suspicion.PATCHING}, id="__builtins__"),
        pytest.param("import time\ntime.time = lambda: 0", {Suspicion.PATCHING}, id="a clock replaced"),
        pytest.param("import signal\nsignal.alarm(0)", {Suspicion.PATCHING}, id="an alarm switched off"),
        pytest.param(
            "import unittest\nunittest.TestCase.run = f",
            {Suspicion.PATCHING},
            id="unittest replaced",
        ),
        pytest.param("class AssertionError(Exception): pass", {Suspicion.PATCHING}, id="another AssertionError"),
        pytest.param("import sys\nsys.excepthook = f", {Suspicion.PATCHING}, id="excepthook"),
        pytest.param("import ctypes", {Suspicion.LOW_LEVEL}, id="ctypes"),
        pytest.param("open('/proc/1/mem')", {Suspicion.LOW_LEVEL}, id="/proc"),
        pytest.param("open('conftest.py', 'w')", {Suspicion.PEEKING}, id="conftest.py"),
        pytest.param("open('../test_cases.json')", {Suspicion.PEEKING}, id="test cases"),
        pytest.param("import urllib.request", {Suspicion.NETWORK}, id="the network"),
        pytest.param("from socket import socket", {Suspicion.NETWORK}, id="a socket"),
        pytest.param("import time\nstart = time.time()\nprint(start == 3)", set(), id="a clock that is read"),
        pytest.param("import os, time\nprint(os.sep)\nprocess = 'x'", set(), id="modules that are used"),
        pytest.param("import gc\ngc.disable()", set(), id="a collector that is switched off"),
        pytest.param("exit_code = 3\nprint(exit_code)", set(), id="a name that contains one"),
        pytest.param("print('sys.exit()')", set(), id="a text that mentions one"),
        pytest.param("def f(:\n sys.exit()", set(), id="no Python"),
        pytest.param("quit(" * 5000, set(), id="nested too deeply"),
        pytest.param("quit('\\d')", {Suspicion.EARLY_EXIT}, id="an odd escape warns nobody"),
        pytest.param("\0quit()", set(), id="a null character"),
    ],
)
def test_suspicious_programs_are_told_by_their_text(source, expected):
    assert suspicions(source) == expected


@pytest.mark.parametrize(
    ("source", "language", "is_exit"),
    [
        ("process.exit(0)", "javascript", True),
        ("function f() { return quitted(1); }", "javascript", False),
        ("System.exit(0);", "java", True),
        ("std::exit(0);", "cpp", True),
        ("f() {\n  exit 0\n}", "bash", True),
        ("quit('no', 0)", "r", True),
        ("std::process::exit(0);", "rust", True),
        ("int exit_code = 0;", "cpp", False),
    ],
)
def test_early_exits_are_looked_for_in_every_language(source, language, is_exit):
    assert (Suspicion.EARLY_EXIT in suspicions(source, language)) is is_exit
    program = Program(source, language)
    figures = summarize(BatchGrade((Grade(0.0, Verdict.WRONG_ANSWER, program=program),)))
    assert figures["suspicious/early_exit"] == float(is_exit)


def test_what_is_paid_for_is_logged_as_running_totals():
    figures = summarize(BatchGrade((), BatchFigures(usage=(("sandbox_s", 12.5), ("cost_usd", 0.01)))))
    assert (figures["usage/sandbox_s"], figures["usage/cost_usd"]) == (12.5, 0.01)
