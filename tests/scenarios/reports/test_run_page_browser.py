"""The page of a run in a real browser: filter, keyboard, a phone's width, print, dark and light, and axe's findings."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from scenarios.reports.run_html import page as written
from scenarios.results import (
    Exchange,
    Kind,
    Moment,
    Result,
    Run,
    Severity,
    TargetRecord,
    VerdictRecord,
    totals,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.browser

TOKEN = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImEifQ.eyJzdWIiOiJhbm4tc3ViIn0.AAAA"
LINE = (
    Moment(0.0, "onboard main", "onboarded", "onboarded", fetches=1, keys={"a": "active"}),
    Moment(0.0, "rotate keep: old", keys={"a": "retiring", "b": "active"}),
    Moment(3601.0, "authenticate", "accepted as ann", "accept", "b", fetches=1),
)
ROWS = (
    ("keys/x/bad", Kind.FAIL),
    ("keys/x/odd", Kind.WARN),
    ("keys/x/good", Kind.PASS),
    ("http/y/good", Kind.PASS),
)


def run() -> Run:
    results = tuple(
        Result(
            id=name,
            rules=("KEY-005",),
            level="MUST",
            basis="idp",
            outcome=outcome,
            severity=None if outcome is Kind.PASS else Severity.FALSE_ACCEPT,
            expected="reject (unknown_key)",
            verdict=VerdictRecord("accept", "ann"),
            message="" if outcome is Kind.PASS else "expected reject (unknown_key); accepted as ann",
            says="A retired key is unknown",
            exchanges=() if outcome is Kind.PASS else (Exchange("authenticate", "accepted", token=TOKEN),),
            timeline=LINE,
        )
        for name, outcome in ROWS
    )
    return Run(
        tool="0.1.0",
        target=TargetRecord("Example", "1.2"),
        profile={"scope": "system"},
        started="2026-01-01T00:00:00Z",
        duration_s=1.0,
        totals=totals(results),
        results=results,
    )


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=os.environ["TOUCHSTONE_CHROMIUM"], args=["--no-sandbox"]
        )
        yield launched
        launched.close()


def shown(browser: Browser, folder: Path, **how: Any) -> Page:
    """Open the page; it may ask for nothing but itself."""
    file = folder / "run.html"
    file.write_text(written(run()), encoding="utf-8")
    opened = browser.new_context(**how).new_page()
    opened.on("request", lambda request: pytest.fail(request.url) if request.url != file.as_uri() else None)
    opened.goto(file.as_uri())
    return opened


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_has_no_finding(browser: Browser, tmp_path: Path, scheme: str) -> None:
    page = shown(browser, tmp_path, color_scheme=scheme)
    for summary in page.locator("details > summary").all():
        summary.click()
    page.evaluate(Path(os.environ["TOUCHSTONE_AXE"]).read_text(encoding="utf-8"))

    found = page.evaluate("axe.run()")["violations"]

    assert [(one["id"], one["impact"], one["nodes"][0]["html"]) for one in found] == []


def test_results_are_filtered_by_words_outcome_and_level(browser: Browser, tmp_path: Path) -> None:
    page = shown(browser, tmp_path)

    page.keyboard.press("/")
    page.keyboard.type("keys")
    expect(page.get_by_role("status")).to_have_text("3 shown")
    page.get_by_role("button", name="pass 2").click()
    expect(page.get_by_role("status")).to_have_text("2 shown")


def test_the_list_is_walked_and_opened_by_keyboard(browser: Browser, tmp_path: Path) -> None:
    page = shown(browser, tmp_path)

    page.locator("#list summary").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")

    expect(page.locator("#list > details").nth(1)).to_have_attribute("open", "")


def test_nothing_is_wider_than_a_phone(browser: Browser, tmp_path: Path) -> None:
    page = shown(browser, tmp_path, viewport={"width": 360, "height": 740})
    page.locator("#list summary").first.click()

    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_findings_are_printed_open_and_passes_are_not(browser: Browser, tmp_path: Path) -> None:
    page = shown(browser, tmp_path)
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")

    expect(page.get_by_text("What an attacker gains").last).to_be_visible()
    expect(page.locator("#list > details").last).to_be_hidden()
