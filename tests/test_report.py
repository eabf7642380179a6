"""The page of a run or an evaluation, as text; tests/test_report_browser.py opens it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import pairwise

import pytest
from hostile_texts import HIDDEN, MARKUP

pytest.importorskip("matplotlib", reason="pip install 'code-rewards[train]' to write reports")

from rewards import Verdict
from rewards.grades import Grade, TestGrade
from rewards.records import Program
from trainers.report import Chart, KeyFigure, ReportData, Sample, SampleTest, Series, Table, sample_of, write_report
from trainers.report.drawing import MOST_POINTS, draw_png, draw_svg, thinned
from trainers.report.packing import pack_samples, visible
from trainers.report.training import figures_of, key_figures, seconds_per_step

SAMPLE = Sample("add two numbers", "print(1)", "wrong_answer", program="print(1)", score=0.0, step=3)


def page(tmp_path, **parts) -> str:
    return write_report(ReportData(**{"title": "a run", **parts}), tmp_path, pictures=False).read_text()


def data_in(text: str) -> dict:
    return json.loads(re.search(r'id="sample-data">(.*?)</script>', text).group(1))


def test_what_a_model_wrote_is_no_markup_anywhere(tmp_path):
    hostile = "\n".join(row.values[0] for row in MARKUP)
    sample = Sample(
        hostile, hostile, "wrong_answer", program=hostile, detail=hostile, labels=((hostile, hostile),),
        tests=(SampleTest("wrong_answer", hostile, hostile, hostile),),
    )  # fmt: skip
    text = page(
        tmp_path,
        title=hostile,
        subtitle=hostile,
        alert=hostile,
        figures=(KeyFigure(hostile, hostile, hostile),),
        tables=(Table(hostile, (hostile,), ((hostile,),), hostile),),
        charts=(Chart("one", hostile, (Series(hostile, ((1, 0.5),), "#4f7be0"),), x_label=hostile, note=hostile),),
        samples=(sample,),
        samples_note=hostile,
    )
    assert not re.search(r"<(img|iframe|!--|svg onload)|window\.owned = 1</script>", text)
    assert text.count("<script") == text.count("</script>") == 3
    assert "{{ 7 * 7 }}" in text, "no template of ours"
    assert data_in(text)["samples"][0]["program"] == hostile


@pytest.mark.parametrize(("text", "shown"), HIDDEN)
def test_what_a_reader_could_not_see_gets_a_sign(tmp_path, text, shown):
    assert visible(text) == shown
    written = page(tmp_path, title=text, samples=(replace(SAMPLE, completion=text),))
    assert f"<title>{shown}</title>" in written
    assert data_in(written)["samples"][0]["completion"] == shown


def test_the_page_asks_nothing_of_the_network_and_runs_no_script_but_its_own(tmp_path):
    text = page(tmp_path, samples=(SAMPLE,), charts=(Chart("c", "c", (Series("s", ((1, 1), (2, 2)), "#2fa866"),)),))
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text).group(1)
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-inline" not in policy.replace("style-src 'unsafe-inline'", "")
    links = set(re.findall(r"""(?:href|src|url\()=?["']?((?:https?:)?//[^"')\s]+)""", text))
    assert not links
    assert not re.search(r"\son[a-z]+\s*=", text.split("<script")[0])


def test_many_long_samples_make_no_page_that_cannot_be_opened():
    samples = [replace(SAMPLE, completion=str(i) + "x" * 20_000) for i in range(300)]
    packed = pack_samples(samples, most_characters=500_000)
    assert len(packed.json) <= 500_000
    assert packed.n_cut == 300
    assert packed.n_left_out == 0
    fewer = pack_samples(samples, most_characters=50_000)
    assert len(fewer.json) <= 50_000
    kept = [int(row["completion"][:3].rstrip("x")) for row in json.loads(fewer.json)["samples"]]
    assert len(kept) == 300 - fewer.n_left_out > 30
    assert max(b - a for a, b in pairwise(kept)) < 12, "they are left out evenly"


def test_the_page_says_what_is_cut_and_what_is_left_out(tmp_path):
    text = page(tmp_path, samples=(replace(SAMPLE, completion="y" * 20_007),), samples_note="Some of them.")
    assert "Some of them. Texts of 1 samples are cut to 20,000 characters." in text
    assert data_in(text)["samples"][0]["completion"].endswith("y\n… 7 more characters")


def test_a_prompt_that_a_group_shares_is_written_once():
    packed = json.loads(pack_samples([SAMPLE] * 8).json)
    assert packed["prompts"] == ["add two numbers"]
    assert {row["prompt"] for row in packed["samples"]} == {0}


def test_a_score_that_is_no_number_does_not_break_the_data():
    assert json.loads(pack_samples([replace(SAMPLE, score=float("nan"))]).json)["samples"][0]["score"] is None


def test_a_sample_keeps_the_tests_that_failed_and_says_how_many_there_were():
    tests = [TestGrade(Verdict.ACCEPTED) for _ in range(60)]
    tests[50] = TestGrade(Verdict.RUNTIME_ERROR, "raised: KeyError", name="last", stderr="KeyError: 1", group="big")
    grade = Grade(0.0, Verdict.RUNTIME_ERROR, tuple(tests), Program("x"), "test 51")
    sample = sample_of([{"role": "user", "content": "hi"}], "x", grade=grade, step=1)
    assert (sample.prompt, sample.n_tests, sample.n_passed, len(sample.tests)) == ("hi", 60, 59, 25)
    assert sample.tests[-1].name == "51 last [big]"
    assert sample.tests[-1].stderr == "KeyError: 1"


def test_a_conversation_is_shown_with_its_roles_and_calls():
    grade = Grade(None, Verdict.UNJUDGED)
    call = {"type": "function", "function": {"name": "run_python", "arguments": {"code": "1"}}}
    messages = [
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "name": "run_python", "content": "1"},
        {"role": "assistant", "content": [{"type": "text", "text": "one"}]},
    ]
    shown = sample_of("p", messages, grade=grade).completion
    assert "— tool —\n1\n\n— assistant —\none" in shown
    assert '"name": "run_python"' in shown


CHARTS = [
    pytest.param(Chart("none", "nothing", ()), id="nothing"),
    pytest.param(
        Chart("one", "one", (Series("a", ((5, 0.5),), "#4f7be0"),), stacked=True, is_share=True), id="a point"
    ),
    pytest.param(Chart("flat", "$x_{", (Series("$y^", ((1, 0.0), (2, 0.0)), "#4f7be0"),), x_label="$"), id="zeros"),
    pytest.param(Chart("neg", "n", (Series("a", ((1, -3.0), (2, 1e6)), "#4f7be0", dashed=True),)), id="below zero"),
]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("chart", CHARTS)
def test_any_chart_can_be_drawn(chart):
    assert draw_png(chart).startswith(b"\x89PNG")
    picture = draw_svg(chart)
    assert picture.svg.startswith("<svg")
    assert "var(--ink)" in picture.svg or "var(--muted)" in picture.svg


def test_a_run_of_many_steps_is_drawn_by_means_of_stretches():
    (one,) = thinned([Series("a", tuple((i, float(i % 2)) for i in range(10_000)), "#4f7be0")])
    assert len(one.points) == MOST_POINTS
    assert one.points[-1][0] == 9_999
    assert all(y == pytest.approx(0.5, abs=0.02) for _, y in one.points)


def test_a_page_appears_whole_or_not_at_all(tmp_path):
    before = page(tmp_path)
    broken = Chart("bad", "bad", (Series("a", ((1, 1.0),), "no colour"),))
    with pytest.raises(ValueError, match="no colour"):
        page(tmp_path, charts=(broken,))
    assert (tmp_path / "report.html").read_text() == before
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_a_log_counts_as_often_as_it_is_about_steps():
    """With `logging_first_step` the first one is about one step, and that is the slowest."""
    logs = [
        log_of(1, 1.0, generation=20.0, reward=10.0, update=0.0),
        {"step": 1, "eval_reward": 0.5, "eval_code/unjudged": 1.0},
        log_of(10, 0.0, generation=0.1, reward=0.8, update=0.1),
        log_of(20, 0.0, generation=0.1, reward=0.8, update=0.1),
        {"step": 20, "train_runtime": 49.0},
    ]
    assert seconds_per_step(logs) == pytest.approx({"generation": 21.9 / 20, "reward": 25.2 / 20, "update": 1.9 / 20})
    found = {one.name: (one.value, one.note) for one in key_figures(figures_of(logs, reward_name="code"))}
    assert found["unjudged"] == ("5.00%", "of completions, whole run")
    assert found["seconds per step"] == ("2.45", "51% of them for the reward")


def log_of(step: int, unjudged: float, **seconds: float) -> dict[str, float]:
    return {"step": step, "code/unjudged": unjudged, **{f"time/{name}": value for name, value in seconds.items()}}
