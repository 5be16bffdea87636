"""The reports that `touchstone run` writes: where they go, when they cannot, and what a pipeline is told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from scenarios.cli.reporting import build_address

if TYPE_CHECKING:
    from tests.scenarios.cli.conftest import Touchstone

FILES = {
    "html": "<!doctype html>",
    "markdown": "## Touchstone",
    "sarif": "{",
    "code-quality": "[",
    "junit": "<?xml",
}


def test_every_report_is_written_and_names_the_command(touchstone: Touchstone) -> None:
    options = [word for name in FILES for word in (f"--{name}", f"out.{name}")]

    ended = touchstone.run("careless", *options, "--json", "-")

    for name, start in FILES.items():
        assert (touchstone.folder / f"out.{name}").read_text(encoding="utf-8").startswith(start)
    run = json.loads(ended.out)
    assert run["command"].startswith("touchstone run --only-catalog table.yaml --target ")
    assert run["wanted"] == 6
    assert run["results"][0]["table"] == "table.yaml:6"
    assert not list(touchstone.folder.glob(".*.part"))


def test_the_page_names_the_command_that_replays_a_result_from_its_file(touchstone: Touchstone) -> None:
    touchstone.run("careless", "--html", "x.html", "--json", "my results.json")

    page = (touchstone.folder / "x.html").read_text(encoding="utf-8")

    assert "touchstone replay &#39;my results.json&#39; &#39;demo/ids/late[RS256]&#39;" in page
    assert "--select" not in page


@pytest.mark.parametrize("place, why", [("no/such/x.html", "its folder must exist"), (".", "it is a folder")])
def test_a_report_that_cannot_be_written_is_one_line_before_anything_runs(
    touchstone: Touchstone, place: str, why: str
) -> None:
    ended = touchstone.run("careless", "--html", place)

    assert (ended.status, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert why in ended.err


def test_two_reports_do_not_share_a_place(touchstone: Touchstone) -> None:
    ended = touchstone.run("careless", "--html", "x", "--json", "./x")

    assert (ended.status, ended.out) == (2, "")
    assert "--html and --json needs a place of its own" in ended.err


def test_github_gets_a_summary_and_annotations(
    touchstone: Touchstone, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = touchstone.write("summary.md", "before\n")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", summary)

    ended = touchstone.run("careless")

    assert (
        (touchstone.folder / "summary.md").read_text(encoding="utf-8").startswith("before\n## Touchstone: ")
    )
    lines = ended.err.splitlines()
    assert lines[0].startswith("::error file=table.yaml,line=7,title=demo/ids/late[RS256]::")
    assert [line[:9] for line in lines].count("::warning") == 2
    assert touchstone.run("careless", "--annotations", "none").err == ""


@pytest.mark.parametrize(
    "environ, address",
    [
        (
            {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "o/r", "GITHUB_RUN_ID": "7"},
            "https://github.com/o/r/actions/runs/7",
        ),
        ({"CI_JOB_URL": "https://gitlab.example/j/7"}, "https://gitlab.example/j/7"),
        ({"BUILD_URL": "http://jenkins.example/job/7/"}, "http://jenkins.example/job/7/"),
        ({"BUILD_URL": "javascript:alert(1)"}, ""),
        ({"GITHUB_RUN_ID": "7"}, ""),
    ],
)
def test_a_report_names_the_build_that_made_it(environ: dict[str, str], address: str) -> None:
    assert build_address(environ) == address


def test_a_summary_that_cannot_be_written_is_said_and_changes_no_status(
    touchstone: Touchstone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "no/such/file")

    ended = touchstone.run("honest")

    assert ended.status == 0
    assert ended.err.startswith(
        "touchstone run: GITHUB_STEP_SUMMARY names 'no/such/file', which cannot be written"
    )


def test_the_page_of_an_interrupted_run_is_whole(touchstone: Touchstone) -> None:
    ended = touchstone.run("interrupting", "--html", "x.html")

    text = (touchstone.folder / "x.html").read_text(encoding="utf-8")
    assert ended.status == 130
    assert "Interrupted: 1 of 6 scenarios ran." in text
    assert text.rstrip().endswith("</html>")
