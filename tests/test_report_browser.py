"""The report in a real browser, from the file system: hostile completions, filters, keys, and how quick it is."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hostile_texts import HIDDEN, MARKUP

from trainers.report import Chart, KeyFigure, ReportData, Sample, SampleTest, Series, Table, write_report

pytest.importorskip("matplotlib", reason="pip install 'code-rewards[train]' to write reports")
playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright to open reports in a browser")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="apt-get install chromium to open reports in a browser")


N_SAMPLES = 5_000
SWITCHES = (
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-quic",
)  # fmt: skip
VERDICTS = ("accepted", "wrong_answer", "runtime_error", "time_limit_exceeded", "no_program")
HOSTILE = [row.values[0] for row in [*MARKUP, *HIDDEN]] + ["x" * 20_000]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        running = started.chromium.launch(executable_path=CHROMIUM, args=list(SWITCHES))
        yield running
        running.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("report")
    lines = (Series("pass rate", ((1, 0.1), (100, 0.9)), "#2fa866"), Series("reward", ((1, 0), (100, 1)), "#4f7be0"))
    layers = tuple(Series(name, ((1, 0.5), (100, 0.5)), color) for name, color in (("a", "#2fa866"), ("b", "#e0574f")))
    charts = (Chart("reward", "Reward", lines), Chart("verdicts", "Verdicts", layers, stacked=True, is_share=True))
    table = Table("pass@k", ("model", "pass@1"), (("a", "0.31"), ("b", "0.35")))
    samples = tuple(sample(i) for i in range(N_SAMPLES))
    write_report(ReportData("A run", "done", "", (KeyFigure("steps", "100"),), charts, (table,), samples), made)
    return made


def sample(i: int) -> Sample:
    """Return one of `N_SAMPLES`; the first ones are hostile, every 997th has a needle in what it wrote to stderr."""
    verdict = VERDICTS[i % len(VERDICTS)]
    if i < len(HOSTILE):
        text = HOSTILE[i]
        test = SampleTest("runtime_error", text[:200], text, text)
        return Sample(text, text, "unjudged", text, None, 1, text, (test,), 1, 0, (("phase", text[:50]),))
    program = (
        f"import sys\n\ndef solve(n):\n    return n * {i}\n\nprint(solve(int(sys.stdin.read())))\n" + "# why\n" * 90
    )
    tests = tuple(
        SampleTest(verdict, str(k), "expected '1', found '2'", f"Traceback\nneedle-{i}" if i % 997 == 0 else "")
        for k in range(1, 9)
    )
    phase = "evaluation" if i % 10 == 0 else "training"
    return Sample(
        f"Task {i % 250}: multiply.", f"Well.\n```python\n{program}```", verdict, program, float(verdict == "accepted"),
        1 + i // 50, "test 1", tests, 8, 3, (("phase", phase),),
    )  # fmt: skip


@pytest.fixture(scope="module")
def opened(browser: Any, folder: Path) -> Iterator[tuple[Any, list[str]]]:
    page = browser.new_page(viewport={"width": 1360, "height": 900})
    heard: list[str] = []
    page.on("console", lambda message: heard.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: heard.append(f"error: {error}"))
    page.on("request", lambda request: heard.append(request.url) if not request.url.startswith("file:") else None)
    page.goto((folder / "report.html").as_uri())
    yield page, heard
    page.close()


@pytest.fixture
def page(opened: tuple[Any, list[str]]) -> Iterator[Any]:
    shown, heard = opened
    shown.click("#reset")
    yield shown
    assert heard == [], "the console stays silent, and nothing is asked of the network"


def count(page: Any) -> str:
    return page.inner_text("#count")


def wait_for_count(page: Any, beginning: str) -> None:
    """Wait until the page, which lets a typist finish a word, has filtered."""
    playwright.expect(page.locator("#count")).to_have_text(re.compile(f"^{beginning}"), timeout=10_000)


def test_what_hostile_completions_say_is_shown_and_never_run(page):
    page.click('.chip[data-verdict="unjudged"]')
    page.select_option("#order", "oldest")
    assert count(page) == f"{len(HOSTILE)} of 5,000 samples"
    for i, text in enumerate(HOSTILE):
        page.locator(".row").nth(i).click()
        shown = page.text_content(".detail .completion")
        assert page.text_content(".source .code") == shown
        if not any(mark in shown for mark in "␀␛⟨␍"):
            assert shown == text
        assert page.locator(".detail .stderr").text_content() == shown
    assert page.evaluate("window.owned") is None
    assert page.evaluate("document.querySelectorAll('iframe, img, script:not([id])').length") == 1
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "no line makes the page wider"


def test_samples_are_found_by_verdict_step_label_and_text(page):
    page.click('.chip[data-verdict="accepted"]')
    assert count(page) == "997 of 5,000 samples"
    page.fill("#first-step", "90")
    page.fill("#last-step", "91")
    wait_for_count(page, "20 of")
    page.select_option('select[data-label="phase"]', "=training")
    assert count(page) == "10 of 5,000 samples"
    page.click("#reset")
    assert count(page) == "5,000 of 5,000 samples"
    page.fill("#text", "NEEDLE-2991")
    wait_for_count(page, "1 of")
    assert "needle-2991" in page.inner_text(".detail")
    page.fill("#text", "nothing like this")
    wait_for_count(page, "0 of")
    assert "Reset brings all of them back" in page.inner_text(".detail")


def test_keys_and_pages_lead_through_all_samples(page):
    page.select_option("#order", "oldest")
    page.fill("#first-step", "50")
    wait_for_count(page, "2,550 of")
    page.locator(".row").first.click()
    page.keyboard.press("j")
    page.keyboard.press("ArrowDown")
    assert page.locator(".row").nth(2).get_attribute("aria-current") == "true"
    page.keyboard.press("k")
    assert page.locator(".row").nth(1).get_attribute("aria-current") == "true"
    page.keyboard.press("n")
    assert page.inner_text("#page").startswith("2 of ")
    page.click("#previous")
    assert page.inner_text("#page").startswith("1 of ")
    assert page.locator(".row").nth(49).get_attribute("aria-current") == "true"
    page.click("#page-on")
    page.keyboard.press("p")
    assert page.inner_text("#page").startswith("1 of ")
    page.keyboard.press("/")
    page.keyboard.type("jjj")
    assert page.input_value("#text") == "jjj", "keys are text in a field"


def test_five_thousand_samples_stay_responsive(page):
    page.fill("#text", "warm up the index")
    wait_for_count(page, "0 of")
    began = time.monotonic()
    page.fill("#text", "n * 4321")
    wait_for_count(page, "1 of")
    page.click("#reset")
    page.click('.chip[data-verdict="runtime_error"]')
    page.click("#next")
    assert time.monotonic() - began < 4, "four actions"


def test_a_chart_tells_what_is_under_the_pointer(page):
    page.locator("#chart-0 .plot").hover(position={"x": 400, "y": 90})
    told = page.inner_text("#chart-0 .tip")
    assert "step 100" in told
    assert "pass rate" in told
    assert "0.9" in told


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_in_a_narrow_window_and_by_night(browser, folder, scheme):
    page = browser.new_page(viewport={"width": 390, "height": 800}, color_scheme=scheme)
    page.goto((folder / "report.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    colors = page.evaluate("[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]")
    ink, paper = (sum(int(part) for part in color[4:-1].split(",")) for color in colors)
    assert abs(ink - paper) > 450
    assert (ink < paper) == (scheme == "light")
    page.close()
