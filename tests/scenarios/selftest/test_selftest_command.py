"""`touchstone selftest` as a user meets it: exit status, both streams, and the files that it writes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from scenarios.cli import main
from scenarios.selftest import explained, mutant

if TYPE_CHECKING:
    from pathlib import Path

UNSEEN = """\
- {id: CLM-030/unseen, flaw: A word is another, edits: [{in: claims, old: exp has passed, new: exp is past}]}
"""


def status(*arguments: str) -> object:
    with pytest.raises(SystemExit) as ended:
        main(["selftest", *arguments])
    return ended.value.code


def test_mutants_that_are_all_killed_end_with_0_and_a_line_that_says_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = status("--plain", "--rule", "clm-030", "--jobs", "1")

    out = capsys.readouterr().out
    assert code == 0
    assert "the catalogue holds: 1 of 1 mutants killed" in out


def test_a_survivor_ends_with_1_and_says_what_to_look_at(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mutant, "mutants", lambda: mutant.load_mutants({"mine": UNSEEN}))

    code = status("--plain", "--mutant", "CLM-030/*", "--jobs", "1")

    out = capsys.readouterr().out
    assert code == 1
    assert "SURVIVED  CLM-030/unseen" in out
    assert "touchstone list --rule CLM-030" in out
    assert "the catalogue has holes: 0 of 1 mutants killed" in out


def test_a_stale_explanation_ends_with_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (name,) = (name for name in mutant.mutants() if name.startswith("CLM-030/"))
    stale = explained.Explained(mutants=(explained.Reason((name,), "a reason"),))
    monkeypatch.setattr(explained, "shipped", lambda: stale)

    code = status("--plain", "--mutant", name, "--jobs", "1")

    assert code == 1
    assert "remove the entry" in " ".join(capsys.readouterr().out.split())


def test_the_json_has_the_names_that_scripts_depend_on(capsys: pytest.CaptureFixture[str]) -> None:
    code = status("--rule", "CLM-030", "--json", "-")

    written = json.loads(capsys.readouterr().out)
    assert code == 0
    assert {"mutants", "killed", "survived", "scenarios", "idle_scenarios"} <= written["totals"].keys()
    assert (written["totals"]["mutants"], written["totals"]["killed"]) == (1, 1)
    (record,) = written["mutants"]
    assert record["rule"] == "CLM-030"
    assert record["killed_by"]


def test_the_page_is_written_where_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = status("--plain", "--rule", "CLM-030", "--html", str(tmp_path / "matrix.html"))

    assert (code, capsys.readouterr().err) == (0, "")
    assert "CLM-030/" in (tmp_path / "matrix.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "arguments,said",
    [
        (("--mutant", "CLM-030/scope-demandd"), "did you mean"),
        (("--rule", "CLM-999"), "no mutant breaks the rule 'CLM-999'"),
        (("--rule", "MAP", "--mutant", "CLM-030/*"), "no mutant fits all of these options"),
        (("--json", "-", "--html", "-"), "only one output can go to stdout"),
        (("--json", "no-such-folder/a.json"), "cannot be written"),
        (("--jobs", "0"), "--jobs"),
    ],
)
def test_wrong_usage_ends_with_2_and_one_line(
    arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = status(*arguments)

    err = capsys.readouterr().err
    assert code == 2
    assert said in err
    assert err.count("\n") == 1
