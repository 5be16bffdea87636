"""The reports of a run: terminal, JUnit and JSON, and what hostile text does to them: nothing."""

from __future__ import annotations

import io
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from scenarios import rulebook
from scenarios.reports.junit import junit_xml
from scenarios.reports.terminal import report
from scenarios.results import (
    Exchange,
    HealthRecord,
    Kind,
    ProfileKind,
    ProfileRecord,
    Result,
    Run,
    Severity,
    TargetRecord,
    VerdictRecord,
    totals,
)

TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbm4tc3ViIn0.AAAA"
HOSTILE = "]]></failure>\x00\x1b[2J<&\"'\ud800\u202e"


def result(name: str, outcome: Kind, severity: Severity | None = None, **more: Any) -> Result:
    plain: dict[str, Any] = {
        "rules": ("MAP-014", "MAP-015"),
        "level": "MUST",
        "basis": rulebook.rules()["MAP-014"].basis.value,
        "expected": "reject (no_user)",
        "verdict": VerdictRecord("accept", "ann"),
        "message": "expected reject (no_user); accepted as ann",
        "says": "A claim that matches nobody does not fall back",
        "exchanges": (
            Exchange(
                "onboard main", "onboarded", sent={"issuer": "https://idp.example.com", "audience": None}
            ),
            Exchange("authenticate", "accepted as ann", token=TOKEN, now=1.0),
        ),
        "duration_s": 0.25,
    }
    return Result(id=name, outcome=outcome, severity=severity, **{**plain, **more})


RESULTS = (
    result("mapping/custom/unknown[ES256]", Kind.FAIL, Severity.FALSE_ACCEPT),
    result("mapping/custom/good", Kind.PASS, message="", exchanges=()),
    result("mapping/custom/crash", Kind.ERROR, Severity.CRASH, message="it went"),
    result("keys/rotation/slow", Kind.WARN, Severity.REQUESTS),
    result("keys/rotation/none", Kind.NOT_APPLICABLE, message="the target does not declare a clock"),
    result("keys/rotation/known", Kind.XFAIL, known="a bug (link)"),
    result("keys/rotation/mended", Kind.XPASS, message="remove the entry"),
    result("keys/rotation/unproven", Kind.UNPROVEN, message="its control"),
)


def run_of(*results: Result, **more: Any) -> Run:
    return Run(
        tool="0.1.0",
        target=TargetRecord("Example", "1.2", "python", "in-process"),
        profile={
            "scope": "system",
            "keys": ["jwks_uri"],
            "algorithms": ["RS256"],
            "capabilities": [],
            "knobs": {"typ": "x"},
        },
        started="2026-01-01T00:00:00Z",
        duration_s=1.25,
        totals=totals(results),
        results=results,
        **more,
    )


def printed(run: Run, width: int = 80, **options: Any) -> str:
    out = Console(
        file=io.StringIO(), width=width, color_system=None, highlight=False, markup=False, emoji=False
    )
    report(run, out, **options)
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


def test_a_finding_says_everything_at_80_columns_without_colour() -> None:
    text = printed(run_of(RESULTS[0]), again="touchstone run --target my.yaml")

    rule = rulebook.rules()["MAP-014"]
    flat = " ".join(text.split())
    for said in (
        "1. FAIL mapping/custom/unknown[ES256] MUST · false accept",
        "A claim that matches nobody does not fall back",
        f"MAP-014: {' '.join(rule.statement.split())}",
        " ".join(rule.source.split()),
        f"{rule.basis.value}: {' '.join(rulebook.basis_text(rule.basis).split())}",
        'header {"alg": "RS256"}',
        'payload {"sub": "ann-sub"}',
        "expected reject (no_user)",
        "target accepted as ann",
    ):
        assert said in flat
    assert "touchstone run --target my.yaml --select 'mapping/custom/unknown[ES256]'\n" in text
    assert "\x1b" not in text


def test_nothing_but_the_command_to_copy_is_wider_than_the_terminal() -> None:
    text = printed(run_of(*RESULTS), again=f"touchstone run --target {'long/' * 20}t.yaml")

    wide = [line for line in text.splitlines() if len(line) > 80]
    assert wide
    assert all(line.lstrip().startswith("again ") for line in wide)


def test_the_worst_comes_first_and_the_rest_is_named_briefly() -> None:
    text = printed(run_of(*RESULTS), details=1)

    assert "1. FAIL  mapping/custom/unknown[ES256]" in text
    assert "\n2. " not in text
    assert "and 4 more (--details all explains each):" in text
    assert "ERROR    MAP-014  mapping/custom/crash" in text


def test_every_count_is_in_the_table_and_in_the_last_line() -> None:
    text = printed(run_of(*RESULTS))

    (footer,) = (line for line in text.splitlines() if line.startswith("8 scenarios"))
    assert footer.split()[2:] == ["1"] * 8
    assert text.splitlines()[-1] == "4 findings, 1 warning: 1 of 7 scenarios pass, in 1.2 s"
    assert "1 not applicable:" in text
    assert "the target does not declare a clock" in text
    assert "keys/rotation/known: a bug (link)" in text


def test_how_the_target_bore_up_is_told() -> None:
    health = HealthRecord(
        crashes=2, timeouts=1, restarts=3, abandoned="it was given up", stderr="one\nlast\x1b[2J"
    )

    text = printed(
        run_of(RESULTS[1], health=health, interrupted=True, baseline_problems=("b.yaml:1:1: stale",))
    )

    assert "the target's health: 2 crashes, 1 time-out, 3 restarts" in text
    assert "it was given up" in text
    assert "last\\x1b[2J" in text
    assert "interrupted: this is the report of what ran" in text
    assert "b.yaml:1:1: stale" in text


def test_a_run_that_asked_nothing_does_not_call_itself_good() -> None:
    assert printed(run_of(RESULTS[4])).splitlines()[-1] == "nothing was asked of this target"


def test_the_last_exchanges_of_a_long_scenario_are_shown() -> None:
    exchanges = tuple(Exchange("authenticate", f"answer {n}", token=TOKEN) for n in range(10))

    text = printed(run_of(result("a/b", Kind.FAIL, Severity.FALSE_ACCEPT, exchanges=exchanges)))

    assert "4 steps as expected" in text
    assert "answer 3" not in text
    assert "authenticate: answer 8" in text


def cases(xml: bytes) -> dict[str, ET.Element]:
    return {str(case.get("name")): case for case in ET.fromstring(xml).iter("testcase")}  # noqa: S314 - our own


@pytest.mark.parametrize("strict, failures", [(False, 3), (True, 4)])
def test_junit_counts_agree_with_its_cases(strict: bool, failures: int) -> None:  # noqa: FBT001 - parametrised
    root = ET.fromstring(junit_xml(run_of(*RESULTS), strict=strict))  # noqa: S314 - our own

    assert [root.get(name) for name in ("tests", "failures", "errors")] == ["8", str(failures), "1"]
    for suite in root.iter("testsuite"):
        for count, tag in (
            ("tests", "testcase"),
            ("failures", "failure"),
            ("errors", "error"),
            ("skipped", "skipped"),
        ):
            assert suite.get(count) == str(len(list(suite.iter(tag))))
    assert [suite.get("name") for suite in root] == ["mapping/custom", "keys/rotation"]


def test_a_junit_case_has_rule_and_level_and_says_what_came() -> None:
    case = cases(junit_xml(run_of(*RESULTS)))["mapping/custom/unknown[ES256]"]

    properties = {prop.get("name"): prop.get("value") for prop in case.iter("property")}
    failure = case.find("failure")
    assert properties == {"rule": "MAP-014 MAP-015", "level": "MUST", "basis": RESULTS[0].basis}
    assert failure is not None
    assert failure.get("message") == "expected reject (no_user); accepted as ann"
    assert failure.get("type") == "false accept"
    assert TOKEN in (failure.text or "")


def test_a_warning_is_told_in_junit_without_failing() -> None:
    case = cases(junit_xml(run_of(*RESULTS)))["keys/rotation/slow"]

    assert case.find("failure") is None
    assert "warning: expected reject" in (case.findtext("system-out") or "")


@pytest.mark.parametrize("outcome", [Kind.FAIL, Kind.ERROR, Kind.WARN, Kind.NOT_APPLICABLE, Kind.XFAIL])
def test_hostile_text_survives_junit_as_readable_text(outcome: Kind) -> None:
    exchanges = (Exchange("authenticate", HOSTILE, token=HOSTILE),)
    hostile = result(
        "a/b/x", outcome, message=HOSTILE, expected=HOSTILE, says=HOSTILE, known=HOSTILE, exchanges=exchanges
    )

    (case,) = cases(junit_xml(run_of(hostile))).values()

    text = "".join(case.itertext()) + "".join(v for e in case.iter() for v in e.attrib.values())
    assert "]]></failure>\\x00\\x1b[2J<&\"'\\ud800\\u202e" in text


def test_hostile_text_survives_the_terminal_as_readable_text() -> None:
    exchanges = (Exchange("authenticate", HOSTILE, token=HOSTILE),)

    text = printed(run_of(result("a/b/x", Kind.FAIL, message=HOSTILE, exchanges=exchanges)))

    assert "\x1b" not in text
    assert "\x00" not in text
    assert "\\x1b[2J" in text


def record(knob: str, kind: ProfileKind, message: str, **more: Any) -> ProfileRecord:
    plain: dict[str, Any] = {"held_to": None, "declared": False, "like": {"x": ("a/b/c",)}}
    finding = kind not in (ProfileKind.CHOSEN, ProfileKind.VARIES)
    return ProfileRecord(knob=knob, kind=kind, message=message, **{"finding": finding, **plain, **more})


POLICIES = (
    record("nokid", ProfileKind.CHOSEN, "behaves like x"),
    record("iat_type", ProfileKind.VARIES, "varies: like x in a/b/c"),
    record("conflict", ProfileKind.OTHER_VALUE, "declares reject, behaves like claim_wins"),
    record("wrong_type", ProfileKind.INCONSISTENT, "is inconsistent: like x in a/b/c"),
    record("dup_kid", ProfileKind.INCONSISTENT, "known", finding=False, known="a bug (link)"),
)


def test_a_target_that_contradicts_its_profile_is_told_apart_from_a_choice_of_its_own() -> None:
    text = printed(run_of(RESULTS[1], policies=POLICIES))

    findings, _, choices = text.partition("choices that are the library's own, and no findings:")
    assert "2 findings of the target's own profile:\n   knob         wrong_type: is inconsistent" in findings
    assert "conflict: declares reject, behaves like claim_wins" in findings
    assert "behaves like nokid=x" in choices
    assert "varies       iat_type" in choices
    assert "1 known failure (baseline):\n   knob         dup_kid: a bug (link)" in choices
    assert "2 findings of its own profile, no other finding: 1 of 1 scenarios pass" in choices


@pytest.mark.parametrize(
    "scope, held",
    [("library", "a library: where the standards leave a choice"), ("system", "held to the default")],
)
def test_the_head_says_what_a_target_is_held_to_that_declares_nothing(scope: str, held: str) -> None:
    run = run_of(RESULTS[1])
    run.profile["scope"] = scope

    assert held in printed(run)


def test_junit_has_a_failed_case_for_each_finding_of_the_profile_and_all_as_properties() -> None:
    root = ET.fromstring(junit_xml(run_of(*RESULTS[:2], policies=POLICIES)))  # noqa: S314 - our own XML

    assert (root.get("tests"), root.get("failures")) == ("4", "3")
    suite = root.find("testsuite[@name='profile']")
    assert suite is not None
    told = {one.get("name"): one.get("value") for one in suite.iterfind("properties/property")}
    assert told == {f"knob {one.knob}": one.message for one in POLICIES}
    failed = {case.get("name"): case.find("failure") for case in suite.iterfind("testcase")}
    assert list(failed) == ["wrong_type", "conflict"]
    assert failed["wrong_type"] is not None
    assert failed["wrong_type"].get("type") == "inconsistent"
    assert failed["wrong_type"].text == "x: a/b/c"
