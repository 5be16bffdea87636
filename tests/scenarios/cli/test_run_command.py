"""`touchstone run`: exit status, streams, and what the JSON promises to scripts."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

if TYPE_CHECKING:
    from tests.scenarios.cli.conftest import Ended, Touchstone

ALL = [f"demo/ids/{name}[{alg}]" for alg in ("RS256", "ES256") for name in ("good", "late", "lax")]


def outcomes(ended: Ended) -> dict[str, str]:
    return {
        result["id"].removeprefix("demo/ids/"): result["outcome"]
        for result in json.loads(ended.out)["results"]
    }


@pytest.mark.parametrize(
    "function, status",
    [("honest", 0), ("careless", 1), ("mistaken", 1), ("crashing", 1), ("deaf", 1), ("garbled", 3)],
)
def test_the_exit_status_says_how_the_target_did(touchstone: Touchstone, function: str, status: int) -> None:
    ended = touchstone.run(function)

    assert (ended.status, ended.err) == (status, "")


def test_all_as_expected_is_said_in_the_last_line(touchstone: Touchstone) -> None:
    ended = touchstone.run("honest")

    assert ended.out.splitlines()[-1].startswith("no findings: 6 of 6 scenarios pass, in ")


def test_the_json_has_the_names_that_scripts_depend_on(touchstone: Touchstone) -> None:
    ended = touchstone.run("careless", "--json", "-")

    run = json.loads(ended.out)
    assert ended.status == 1
    assert {"schema", "target", "profile", "started", "duration_s", "totals", "results"} <= run.keys()
    assert run["schema"] == "touchstone-run-1"
    assert run["totals"] == {
        "pass": 2, "fail": 2, "warn": 2, "error": 0, "unproven": 0, "xfail": 0, "xpass": 0, "not_applicable": 0,
    }  # fmt: skip
    (late,) = (result for result in run["results"] if result["id"] == "demo/ids/late[RS256]")
    wanted = {"id", "rules", "level", "basis", "outcome", "expected", "verdict", "message"}
    assert wanted <= late.keys()
    assert late["verdict"].keys() == {"kind", "user", "reason", "detail"}
    assert (late["outcome"], late["expected"], late["message"]) == (
        "fail",
        "reject (expired)",
        "expected reject (expired); accepted as ann",
    )
    assert late["exchanges"][-1]["token"].count(".") == 2


def test_of_a_pass_only_the_verdict_is_kept(touchstone: Touchstone) -> None:
    run = json.loads(touchstone.run("honest", "--json", "-").out)

    assert [result["id"] for result in run["results"]] == ALL
    assert {result["verdict"]["kind"] for result in run["results"]} == {"accept", "reject"}
    assert all(result["exchanges"] == [] and result["message"] == "" for result in run["results"])


@pytest.mark.parametrize(
    "function, came",
    [
        ("careless", {"good": "pass", "late": "fail", "lax": "warn"}),
        ("mistaken", {"good": "fail", "late": "fail", "lax": "warn"}),
        ("crashing", {"good": "error", "late": "error", "lax": "error"}),
        ("deaf", {"good": "fail", "late": "unproven", "lax": "unproven"}),
    ],
)
def test_each_kind_of_target_comes_out_as_what_it_is(
    touchstone: Touchstone, function: str, came: dict[str, str]
) -> None:
    ended = touchstone.run(function, "--json", "-", "--select", "*[ES256]")

    assert outcomes(ended) == {f"{name}[ES256]": outcome for name, outcome in came.items()}


def test_a_warning_is_a_finding_only_with_strict(touchstone: Touchstone) -> None:
    select = ("--select", "demo/ids/lax", "--select", "demo/ids/good")

    assert touchstone.run("careless", *select).status == 0
    assert touchstone.run("careless", *select, "--strict").status == 1


def test_the_command_of_a_finding_runs_just_that_one_again(touchstone: Touchstone) -> None:
    report = touchstone.run("careless").out

    lines = [line.split(None, 1)[1] for line in report.splitlines() if line.lstrip().startswith("again ")]
    name, *arguments = shlex.split(lines[0])
    again = touchstone(*arguments, "--json", "-")

    assert name == "touchstone"
    assert outcomes(again) == {"late[RS256]": "fail"}


def test_no_line_of_the_report_but_the_commands_is_wider_than_the_terminal(touchstone: Touchstone) -> None:
    report = touchstone.run("careless", "--details", "all").out

    assert [line for line in report.splitlines() if len(line) > 80 and "again" not in line] == []
    assert "\x1b" not in report


@pytest.mark.parametrize("quiet", [("--plain",), ()])
def test_plain_and_no_color_take_all_styling_away(
    touchstone: Touchstone, quiet: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    styled = touchstone.run("careless").out
    if not quiet:
        monkeypatch.setenv("NO_COLOR", "1")

    plain = touchstone.run("careless", *quiet).out

    assert "\x1b[" in styled
    assert "\x1b" not in plain


def test_hostile_words_reach_neither_terminal_nor_json_raw(touchstone: Touchstone) -> None:
    ended = touchstone.run("crashing")

    assert "\x1b" not in ended.out
    assert "no\\x1b[2J" in ended.out


def test_only_one_result_can_go_to_stdout_and_then_it_is_alone(touchstone: Touchstone) -> None:
    xml = touchstone.run("honest", "--junit", "-")

    assert ET.fromstring(xml.out).get("tests") == "6"  # noqa: S314 - our own
    assert touchstone.run("honest", "--junit", "-", "--json", "-").status == 2


def test_results_are_written_to_files_beside_the_report(touchstone: Touchstone) -> None:
    ended = touchstone.run("careless", "--json", "run.json", "--junit", "run.xml")

    root = ET.parse(touchstone.folder / "run.xml").getroot()  # noqa: S314 - our own
    run = json.loads((touchstone.folder / "run.json").read_text())
    assert "2 findings, 2 warnings: 2 of 6 scenarios pass" in ended.out
    assert root.get("failures") == "2"
    assert run["totals"]["fail"] == 2


def test_findings_are_explained_up_to_a_number(touchstone: Touchstone) -> None:
    some, none = (
        touchstone.run("careless", "--details", "1").out,
        touchstone.run("careless", "--details", "0").out,
    )

    assert ("\n1. FAIL" in some, "and 3 more" in some) == (True, True)
    assert ("\n1. " in none, "and 4 more" in none) == (False, True)


WRONG_USE = [
    (("--select", "demo/ids/laet[RS256]"), "(did you mean 'demo/ids/late[RS256]'?)"),
    (("--select", "x"), "no scenario is called 'x'"),
    (("--rule", "MAP"), "no scenario tests the rule 'MAP'"),
    (("--level", "MAY"), "no scenario fits all of these options"),
    (("--level", "ought"), "'ought' is not one of"),
    (("--details", "many"), "neither a number nor 'all'"),
    (("--jobs", "0"), "0 is not in the range"),
    (("--json", "no/such/folder.json"), "'no/such/folder.json' cannot be written"),
    (("--baseline", "none.yaml"), "none.yaml:1:1: cannot be read: No such file or directory"),
    (("--only-catalog", "none.yaml"), "none.yaml:1:1: cannot be read: No such file or directory"),
    (("--target", "none.yaml"), "the target file 'none.yaml' cannot be read"),
    (("--nothing",), "No such option"),
]  # fmt: skip


@pytest.mark.parametrize("arguments, message", WRONG_USE, ids=[" ".join(case[0]) for case in WRONG_USE])
def test_wrong_use_ends_with_status_2_and_says_why_on_stderr(
    touchstone: Touchstone, arguments: tuple[str, ...], message: str
) -> None:
    ended = touchstone("run", "--only-catalog", "table.yaml", *arguments)

    assert (ended.status, ended.out) == (2, "")
    assert message in " ".join(ended.err.split())


def test_a_wrong_table_ends_with_status_2_and_names_each_mistake(touchstone: Touchstone) -> None:
    touchstone.write(
        "wrong.yaml", "group: a\ntitle: T\nscenarios:\n  - {id: x, says: A, rules: [MAP-0], expect: ann}\n"
    )

    ended = touchstone("run", "--only-catalog", "wrong.yaml")

    assert (ended.status, ended.out) == (2, "")
    assert [line.split(" ")[0] for line in ended.err.splitlines()] == ["wrong.yaml:4:30:", "wrong.yaml:4:38:"]


def test_what_nobody_can_make_ends_with_status_2(touchstone: Touchstone) -> None:
    table = (
        "group: a\ntitle: T\ngiven: {users: {ann: x}}\nscenarios:\n"
        "  - {id: x, says: A, rules: [FMT-001], expect: ann, onboard: {alg: ES384, published: [f]}}\n"
    )
    touchstone.write("odd.yaml", table)

    ended = touchstone("run", "--only-catalog", "odd.yaml")

    assert (ended.status, ended.out) == (2, "")
    assert "no fixed key 'f' for ES384" in ended.err


@pytest.mark.parametrize(
    "target, status, message",
    [
        ("adapter: in-process\npython: nothing.py:verify\n", 3, "nothing.py"),
        ("adapter: in-proces\n", 2, "'in-proces' is no adapter (did you mean 'in-process'?)"),
        ("adapter: json-lines\ncommand: [./no-such-program]\n", 3, "did not start"),
    ],
)
def test_a_target_that_cannot_be_used_says_why(
    touchstone: Touchstone, target: str, status: int, message: str
) -> None:
    path = touchstone.write("t.yaml", target)

    ended = touchstone("run", "--only-catalog", "table.yaml", "--target", path)

    assert (ended.status, ended.out) == (status, "")
    assert message in ended.err
    assert "Traceback" not in ended.err


BASELINE = "- {{id: 'demo/ids/{0}', reason: A known one, link: 'https://bugs.example/1'}}\n"


def test_a_baseline_excuses_what_still_fails(touchstone: Touchstone) -> None:
    touchstone.write("known.yaml", BASELINE.format("late[RS256]") + BASELINE.format("late[ES256]"))

    ended = touchstone.run("careless", "--baseline", "known.yaml")

    assert ended.status == 0
    assert "2 known failures (baseline):" in ended.out
    assert "A known one (https://bugs.example/1)" in " ".join(ended.out.split())


def test_a_baseline_entry_that_passes_is_a_finding(touchstone: Touchstone) -> None:
    touchstone.write("known.yaml", BASELINE.format("late[RS256]"))

    ended = touchstone.run("honest", "--baseline", "known.yaml", "--json", "-")

    assert ended.status == 1
    assert json.loads(ended.out)["totals"]["xpass"] == 1


def test_a_baseline_entry_without_its_scenario_is_wrong_usage_at_its_place(touchstone: Touchstone) -> None:
    touchstone.write("known.yaml", BASELINE.format("lat[RS256]"))

    ended = touchstone.run("honest", "--baseline", "known.yaml")

    assert (ended.status, ended.out) == (2, "")
    place, _, message = ended.err.partition(": ")
    assert place.startswith("known.yaml:")
    assert message.startswith(
        "no scenario is called 'demo/ids/lat[RS256]' (did you mean 'demo/ids/late[RS256]'?)"
    )


def test_without_a_target_the_reference_verifier_is_asked(touchstone: Touchstone) -> None:
    ended = touchstone("run", "--only-catalog", "table.yaml", "--select", "demo/ids/late", "--json", "-")

    run: dict[str, Any] = json.loads(ended.out)
    assert (ended.status, run["target"]["name"]) == (0, "Touchstone reference verifier")


def test_an_interrupt_leaves_the_report_of_what_ran(touchstone: Touchstone) -> None:
    ended = touchstone.run("interrupting", "--json", "run.json")

    run = json.loads((touchstone.folder / "run.json").read_text())
    assert ended.status == 130
    assert run["interrupted"] is True
    assert [result["id"] for result in run["results"]] == ALL[:1]
    assert "interrupted: this is the report of what ran" in ended.out


CHOICES = """\
group: demo/choices
title: Tokens whose verdict is a choice
given: {users: {ann: ann-sub}}
scenarios:
  - {id: good, says: Ann comes in, rules: [CLM-011], expect: ann}
  - {id: late, says: A token from the future is a choice, rules: [CLM-016], claim: {ver: x}, control: good,
     expect: {by: iat_future, reject: {reject: any}, accept: ann}}
"""


def choices(touchstone: Touchstone, knobs: str, *more: str) -> Ended:
    profile = f"{{scope: library, keys: [jwks], knobs: {{{knobs}}}}}"
    target = touchstone.write(
        "c.yaml", f"adapter: in-process\npython: target.py:careless\nprofile: {profile}\n"
    )
    table = touchstone.write("choices.yaml", CHOICES)
    return touchstone("run", "--only-catalog", table, "--target", target, *more)


def test_a_target_that_declares_one_thing_and_does_another_has_a_finding_of_its_profile(
    touchstone: Touchstone,
) -> None:
    ended = choices(touchstone, "iat_future: reject", "--json", "-")

    (record,) = json.loads(ended.out)["policies"]
    assert ended.status == 1
    assert (record["knob"], record["kind"], record["finding"]) == ("iat_future", "other value", True)
    assert record["message"] == "declares reject, behaves like accept"


def test_what_a_library_chooses_is_told_and_no_finding(touchstone: Touchstone) -> None:
    ended = choices(touchstone, "")

    assert (ended.status, ended.err) == (0, "")
    assert "behaves like iat_future=accept" in ended.out


def test_a_value_below_its_floor_is_named_before_anything_runs_and_is_a_finding(
    touchstone: Touchstone,
) -> None:
    ended = choices(touchstone, "leeway_s: 900", "--json", "-")

    said = "leeway_s: declares 900, below its floor (at most 300); held to 300"
    run = json.loads(ended.out)
    assert (ended.status, ended.err) == (1, f"touchstone run: {said}\n")
    assert run["profile"]["knobs"] == {"leeway_s": 900}
    assert [one["kind"] for one in run["policies"]] == ["below floor", "chosen"]
    assert run["totals"]["fail"] == 0
