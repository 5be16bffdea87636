"""The page of a run in a real browser: filter, keyboard, a phone's width, print, no scripts, and axe's findings."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from scenarios.compare import compare
from scenarios.reports.compare_html import page as comparison
from scenarios.reports.run_html import page as written
from scenarios.reports.run_json import run_json
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

TOLD = (Kind.FAIL, Kind.WARN)
TOKEN = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImEifQ.eyJzdWIiOiJhbm4tc3ViIn0.AAAA"
LINE = (
    Moment(0.0, "onboard main", "onboarded", "onboarded", fetches=1, keys={"a": "active"}),
    Moment(0.0, "rotate keep: old", keys={"a": "retiring", "b": "active"}),
    Moment(3601.0, "authenticate", "accepted as ann", "accept", "b", fetches=1),
)
BAD, ODD, GOOD, ELSE = "keys/x/bad", "keys/x/odd", "keys/x/good", "http/y/good"
ROWS = ((BAD, Kind.FAIL), (ODD, Kind.WARN), (GOOD, Kind.PASS), (ELSE, Kind.PASS))
WHOLE = tuple(
    (f"group{n % 60}/of/row-{n}", (Kind.FAIL, Kind.WARN, Kind.PASS, Kind.NOT_APPLICABLE)[n % 4])
    for n in range(2_657)
)
"""As many rows as a run of the whole catalogue has, and more findings than any target of the examples."""
EXCHANGE = Exchange(
    "authenticate", "accepted", token=TOKEN, sent={"id": "i-1", "tls": {"on": True}}, published='{"keys": []}'
)


def run(rows: tuple[tuple[str, Kind], ...]) -> Run:
    results = tuple(
        Result(
            id=name,
            rules=("KEY-005",),
            level="MUST",
            basis="idp",
            outcome=outcome,
            severity=Severity.FALSE_ACCEPT if outcome in TOLD else None,
            expected="reject (unknown_key)",
            verdict=VerdictRecord("accept", "ann"),
            message="expected reject (unknown_key); accepted as ann" if outcome in TOLD else "",
            says="A `kid` that was retired is unknown",
            exchanges=(EXCHANGE,) if outcome in TOLD else (),
            timeline=LINE,
        )
        for name, outcome in rows
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


def shown(
    browser: Browser,
    folder: Path,
    rows: tuple[tuple[str, Kind], ...] = ROWS,
    fragment: str = "",
    **how: Any,
) -> Page:
    """Open the page; it may ask for nothing but itself."""
    file = folder / "run.html"
    file.write_text(written(run(rows)), encoding="utf-8")
    opened = browser.new_context(**how).new_page()
    opened.on("request", lambda request: pytest.fail(request.url) if request.url != file.as_uri() else None)
    opened.on("pageerror", lambda error: pytest.fail(str(error)))
    opened.goto(file.as_uri() + fragment)
    return opened


def listed(page: Page) -> list[str]:
    """Return the ids of the rows that are in the list."""
    ids: list[str] = page.locator("#list > details").evaluate_all("rows => rows.map(row => row.id)")
    return ids


def row(page: Page, name: str) -> Locator:
    return page.locator(f'[id="{name}"]')


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("rows", [ROWS, WHOLE], ids=["few", "whole"])
def test_axe_has_no_finding(
    browser: Browser, tmp_path: Path, rows: tuple[tuple[str, Kind], ...], scheme: str
) -> None:
    page = shown(browser, tmp_path, rows, color_scheme=scheme)
    for summary in page.locator("details > summary").all()[:10]:
        summary.click()
    page.evaluate(Path(os.environ["TOUCHSTONE_AXE"]).read_text(encoding="utf-8"))

    found = page.evaluate("axe.run()")["violations"]

    assert [(one["id"], one["impact"], one["nodes"][0]["html"]) for one in found] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_has_no_finding_in_a_comparison(
    browser: Browser, tmp_path: Path, scheme: Literal["light", "dark"]
) -> None:
    files = [tmp_path / "one.json", tmp_path / "two.json"]
    for file, rows in zip(files, (ROWS, ROWS[::-1]), strict=True):
        file.write_bytes(run_json(run(rows)))
    (tmp_path / "page.html").write_text(comparison(compare(list(map(str, files))), everything=True))
    page = browser.new_context(color_scheme=scheme).new_page()
    page.goto((tmp_path / "page.html").as_uri())
    page.evaluate(Path(os.environ["TOUCHSTONE_AXE"]).read_text(encoding="utf-8"))

    found = page.evaluate("axe.run()")["violations"]

    assert [(one["id"], one["impact"], one["nodes"][0]["html"]) for one in found] == []
    expect(page.get_by_role("rowheader").get_by_text("kid", exact=True).first).to_be_visible()


def test_results_are_filtered_by_words_outcome_and_level(browser: Browser, tmp_path: Path) -> None:
    page = shown(browser, tmp_path)
    assert listed(page) == [BAD, ODD, GOOD, ELSE]

    page.keyboard.press("/")
    page.keyboard.type("keys")
    assert listed(page) == [BAD, ODD, GOOD]
    page.get_by_role("button", name="pass 2").click()
    assert listed(page) == [BAD, ODD]
    expect(page.get_by_role("status")).to_have_text("2 shown")


def test_a_long_list_is_shown_a_part_at_a_time(browser: Browser, tmp_path: Path) -> None:
    page = shown(browser, tmp_path, WHOLE)

    expect(page.get_by_role("status")).to_have_text("50 of 2664 shown")
    page.get_by_role("button", name="Show 50 more").click()

    assert len(listed(page)) == 100
    assert page.evaluate("document.activeElement.parentElement.id") == listed(page)[50]
    page.keyboard.press("/")
    page.keyboard.type("row-2655")
    assert listed(page) == ["group15/of/row-2655"]
    expect(page.get_by_role("status")).to_have_text("1 shown")


def test_the_list_is_walked_and_opened_by_keyboard(browser: Browser, tmp_path: Path) -> None:
    page = shown(browser, tmp_path)

    row(page, BAD).locator("summary").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")

    expect(row(page, ODD).get_by_text("Why the verdict is wrong")).to_be_visible()
    assert row(page, BAD).get_attribute("open") is None


def test_an_opened_finding_tells_what_was_sent_as_json(browser: Browser, tmp_path: Path) -> None:
    page = shown(browser, tmp_path)

    row(page, BAD).locator("summary").click()

    expect(row(page, BAD).get_by_text('{"on":true}')).to_be_visible()
    expect(row(page, BAD).locator("summary code").first).to_have_text("kid")


def test_an_address_leads_to_a_result_and_to_a_rule(browser: Browser, tmp_path: Path) -> None:
    page = shown(browser, tmp_path, WHOLE, "#group15/of/row-2655")

    expect(row(page, "group15/of/row-2655").get_by_text("Expected: reject (unknown_key)")).to_be_visible()
    assert listed(page) == ["group15/of/row-2655"]
    row(page, "group15/of/row-2655").get_by_role("link", name="KEY-005").click()
    expect(page.locator("#KEY-005")).to_be_in_viewport()


def test_nothing_is_wider_than_a_phone(browser: Browser, tmp_path: Path) -> None:
    page = shown(browser, tmp_path, viewport={"width": 360, "height": 740})
    row(page, BAD).locator("summary").click()
    expect(row(page, BAD).get_by_text("What an attacker gains")).to_be_visible()

    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_findings_are_printed_open_and_passes_are_not(browser: Browser, tmp_path: Path) -> None:
    page = shown(browser, tmp_path, WHOLE)
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")

    worst, last = listed(page)[0], "group12/of/row-2652"  # fails, far below what was shown
    for name in (worst, last):
        expect(row(page, name).get_by_text("Expected: reject (unknown_key)")).to_be_visible()
    expect(row(page, "group14/of/row-2654")).to_be_hidden()  # a pass
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert len(listed(page)) == 50
    assert row(page, worst).get_attribute("open") is None


def test_without_scripts_the_verdict_the_scores_and_every_result_are_there(
    browser: Browser, tmp_path: Path
) -> None:
    page = shown(browser, tmp_path, java_script_enabled=False)

    expect(page.get_by_role("heading", name="1 finding")).to_be_visible()
    expect(page.get_by_text("2 of 4", exact=True).first).to_be_visible()
    expect(page.locator(".tools")).to_be_hidden()
    row(page, BAD).locator("summary").click()
    expect(row(page, BAD).get_by_text("What an attacker gains")).to_be_visible()
    expect(row(page, ELSE)).to_be_visible()
    expect(page.locator("#KEY-005")).to_be_visible()
