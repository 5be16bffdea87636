"""The reports that are files: page, Markdown, SARIF, annotations, JSON and its schema; and hostile text in each."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from msgspec.structs import replace

import scenarios
from scenarios import rulebook
from scenarios.reports.annotations import code_quality, github
from scenarios.reports.junit import junit_xml
from scenarios.reports.run_html import page
from scenarios.reports.run_json import run_json, schema_bytes
from scenarios.reports.run_markdown import markdown
from scenarios.reports.sarif import sarif
from scenarios.reports.stakes import STAKES
from scenarios.results import (
    Exchange,
    Kind,
    Moment,
    ProfileKind,
    ProfileRecord,
    Result,
    Run,
    Severity,
    TargetRecord,
    VerdictRecord,
    totals,
)

MARKUP = '</script></pre><script>alert(1)</script><img src=x onerror="alert(1)">\x00\x1b'
TOKEN = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImEifQ.eyJzdWIiOiJhbm4tc3ViIn0.AAAA"
LINE = (
    Moment(0.0, "onboard main", "onboarded", "onboarded", fetches=1, keys={"a": "active"}),
    Moment(0.0, "authenticate", "accepted as ann", "accept", "a"),
    Moment(0.0, "rotate keep: old", keys={"a": "retiring", "b": "active"}),
    Moment(3601.0, "authenticate", "rejected (unknown_key)", "reject", "b", fetches=1),
)


def result(name: str, outcome: Kind, severity: Severity | None = None, **more: Any) -> Result:
    plain: dict[str, Any] = {
        "rules": ("MAP-014",),
        "level": "MUST",
        "basis": "system",
        "expected": "reject (no_user)",
        "verdict": VerdictRecord("accept", "ann"),
        "message": "" if outcome is Kind.PASS else "expected reject (no_user); accepted as ann",
        "says": "A claim that matches nobody does not fall back",
        "exchanges": () if outcome is Kind.PASS else (Exchange("authenticate", "accepted", token=TOKEN),),
        "table": "catalog/mapping/custom.yaml:12",
    }
    return Result(id=name, outcome=outcome, severity=severity, **{**plain, **more})


def run_of(*results: Result, **more: Any) -> Run:
    return Run(
        tool="0.1.0",
        target=TargetRecord("Example", "1.2", "python", "in-process", "target.yaml"),
        profile={"scope": "system", "knobs": {"typ": "x"}},
        started="2026-01-01T00:00:00Z",
        duration_s=1.25,
        totals=totals(results),
        results=results,
        **{
            "command": "touchstone run --target target.yaml",
            "again": "touchstone run --target target.yaml",
            **more,
        },
    )


RUN = run_of(
    result("mapping/custom/unknown[ES256]", Kind.FAIL, Severity.FALSE_ACCEPT, timeline=LINE),
    result("mapping/custom/good", Kind.PASS),
    result("keys/rotation/slow", Kind.WARN, Severity.REQUESTS, table="mine/keys.yaml:7"),
    result("keys/rotation/known", Kind.XFAIL, known="a bug (link)"),
    result("keys/rotation/none", Kind.NOT_APPLICABLE, verdict=None, message="no clock", exchanges=()),
)


OTHERWISE = ProfileRecord(
    knob="exp_required",
    kind=ProfileKind.OTHER_VALUE,
    finding=True,
    held_to="true",
    declared=True,
    like={"false": ("claims/times/no-exp",)},
    message="declared true, and behaves like false",
)


class Page(HTMLParser):
    """The elements of a page, and its text by what stands in `summary` or elsewhere."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def test_the_page_tells_of_a_finding_all_that_explains_it() -> None:
    text = page(RUN)

    rule = rulebook.rules()["MAP-014"]
    for said in (
        "<h1>1 finding</h1>",
        "touchstone run --target target.yaml --select &#39;mapping/custom/unknown[ES256]&#39;",
        rule.id,
        STAKES[Severity.FALSE_ACCEPT],
        '<small>expected</small>reject</span><span class="sign yes"><small>target did</small>accept as ann',
        'class="state-retiring"',
        '<i class="k">&#34;alg&#34;</i>',
    ):
        assert said in text


def test_the_page_asks_nothing_of_anybody() -> None:
    parsed = Page(page(RUN))

    assert not {"link", "img", "iframe", "object"} & set(parsed.tags)
    assert {value for name, value in parsed.attributes if name in {"src", "href"}} <= {
        "#results",
        *(f"#{name}" for name in rulebook.rules()),
    }


@pytest.mark.parametrize(
    "build, links",
    [
        ("https://ci.example/7", ["https://ci.example/7"]),
        ("javascript:alert(1)", []),
        (f"http://x/{MARKUP}", None),
    ],
)
def test_the_page_links_to_its_build_and_to_no_script(build: str, links: list[str] | None) -> None:
    parsed = Page(page(replace(RUN, build=build)))

    found = [
        value for name, value in parsed.attributes if name == "href" and value and not value.startswith("#")
    ]
    assert found == ([build] if links is None else links)
    assert parsed.tags.count("script") == 1


def test_nothing_hostile_becomes_markup_in_the_page() -> None:
    exchange = Exchange(
        MARKUP, MARKUP, token=MARKUP, sent={MARKUP: MARKUP}, published=MARKUP, request=MARKUP, http=MARKUP
    )
    moments = (*LINE, Moment(1.0, MARKUP, MARKUP, "accept", keys={MARKUP: MARKUP}))
    honest = Page(page(RUN))
    bad = result(
        "a/b/x",
        Kind.FAIL,
        Severity.CRASH,
        message=MARKUP,
        says=MARKUP,
        expected=MARKUP,
        verdict=VerdictRecord("accept", MARKUP),
        exchanges=(exchange,),
        timeline=moments,
        table=MARKUP,
    )
    run = run_of(bad, command=MARKUP, again=MARKUP)

    parsed = Page(page(run))

    assert parsed.tags.count("script") == honest.tags.count("script") == 1
    assert "img" not in parsed.tags
    assert not [name for name, _ in parsed.attributes if name.startswith("on")]


def test_two_thousand_findings_stay_below_three_megabytes() -> None:
    bad = [result(f"keys/many/r{n}", Kind.FAIL, Severity.FALSE_ACCEPT, table="") for n in range(2000)]
    long = [
        result(one.id, one.outcome, one.severity, exchanges=(Exchange("x", "y", token=TOKEN * 40),))
        for one in bad
    ]

    text = page(run_of(*long))

    assert len(text.encode()) < 3_000_000
    assert "has no room for more tokens" in text


def test_an_interrupted_run_says_so_first() -> None:
    run = run_of(RUN.results[1], interrupted=True, wanted=7)

    assert "Interrupted: 1 of 7 scenarios ran." in page(run)
    assert "**Interrupted: 1 of 7 scenarios ran.**" in markdown(run)
    assert json.loads(sarif(run))["runs"][0]["invocations"][0]["executionSuccessful"] is False
    root = ET.fromstring(junit_xml(run))  # noqa: S314 - our own
    assert (root.get("tests"), root.get("errors")) == ("2", "1")
    (case,) = root.iterfind("testsuite[@name='run']/testcase")
    assert case.get("name") == "Interrupted: 1 of 7 scenarios ran."


def test_a_mistake_of_the_baseline_fails_in_junit() -> None:
    run = run_of(RUN.results[1], baseline_problems=("a/b/c: passes by now", "profile/typ: is gone"))

    root = ET.fromstring(junit_xml(run))  # noqa: S314 - our own

    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("3", "2", "0")
    failures = root.findall("testsuite[@name='run']/testcase/failure")
    assert [one.get("message") for one in failures] == list(run.baseline_problems)


def test_the_markdown_names_the_verdict_the_score_and_the_findings() -> None:
    text = markdown(RUN)

    assert text.startswith("## Touchstone: Example 1.2: 1 finding\n")
    assert "| MUST | 1 | 1 | 0 | 0 | 1 | 1 |" in text
    assert "### FAIL `mapping/custom/unknown[ES256]` (MUST): false accept" in text


def test_no_markup_and_no_line_break_comes_into_the_markdown() -> None:
    text = markdown(run_of(result("a/b/x", Kind.FAIL, message=f"{MARKUP}\n# Title", says=MARKUP)))

    assert "<script" not in text
    assert "\n# Title" not in text


def test_sarif_has_rules_with_help_and_results_with_places() -> None:
    (made,) = json.loads(sarif(RUN))["runs"]

    (rule,) = made["tool"]["driver"]["rules"]
    assert rulebook.rules()["MAP-014"].source in rule["help"]["text"]
    found = [(one["level"], one["locations"][0]["physicalLocation"]) for one in made["results"]]
    assert found[0] == ("error", {"artifactLocation": {"uri": "target.yaml"}, "region": {"startLine": 1}})
    assert found[1] == (
        "warning",
        {"artifactLocation": {"uri": "mine/keys.yaml"}, "region": {"startLine": 7}},
    )
    assert made["results"][2]["suppressions"] == [{"kind": "external", "justification": "a bug (link)"}]
    assert all(
        made["tool"]["driver"]["rules"][one["ruleIndex"]]["id"] == one["ruleId"] for one in made["results"]
    )


@pytest.mark.parametrize(
    "run",
    [
        RUN,
        run_of(),
        run_of(RUN.results[1], interrupted=True, wanted=7, again=""),
        run_of(result("a/b/x", Kind.FAIL, Severity.CRASH, message=MARKUP, says=MARKUP, table=MARKUP)),
        run_of(policies=(OTHERWISE,)),
    ],
    ids=["every outcome", "nothing", "interrupted", "hostile", "profile"],
)
def test_sarif_holds_to_the_schema_of_oasis(run: Run) -> None:
    schema = json.loads(Path(__file__).with_name("sarif-schema-2.1.0.json").read_bytes())

    errors = jsonschema.Draft4Validator(schema).iter_errors(json.loads(sarif(run)))

    assert [error.message for error in errors] == []


def test_github_gets_a_line_a_finding_that_nothing_hostile_ends() -> None:
    bad = result("a/b/x,y:z", Kind.FAIL, message="one\n::error::two%")
    (line,) = github(run_of(bad))

    assert line.startswith("::error file=target.yaml,line=1,title=a/b/x%2Cy%3Az::A claim")
    assert "\n" not in line
    assert "two%25" in line
    assert len(list(github(run_of(*[bad] * 30)))) == 10


def test_gitlab_gets_issues_with_fingerprints_of_their_own() -> None:
    issues = json.loads(code_quality(RUN))

    assert [one["severity"] for one in issues] == ["blocker", "minor"]
    assert len({one["fingerprint"] for one in issues}) == 2
    assert issues[1]["location"] == {"path": "mine/keys.yaml", "lines": {"begin": 7}}
    assert all(one["description"] and one["check_name"] for one in issues)


def test_the_json_holds_to_the_schema_that_ships() -> None:
    shipped = Path(scenarios.__file__).with_name("run.schema.json").read_bytes()

    assert shipped == schema_bytes()
    jsonschema.validate(json.loads(run_json(RUN)), json.loads(shipped))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**json.loads(run_json(RUN)), "results": 1}, json.loads(shipped))


CHILDREN = {
    "testsuites": {"testsuite"},
    "testsuite": {"testsuite", "properties", "testcase", "system-out", "system-err"},
    "testcase": {"skipped", "error", "failure", "system-out", "system-err", "properties"},
    "properties": {"property"},
}
ATTRIBUTES = {
    "testsuites": {"name", "time", "tests", "failures", "errors"},
    "testsuite": {"name", "tests", "failures", "errors", "time", "skipped", "timestamp", "hostname"},
    "testcase": {"name", "time", "classname"},
    "failure": {"type", "message"},
    "error": {"type", "message"},
    "skipped": {"type", "message"},
    "property": {"name", "value"},
}
"""What the schema of Jenkins's xunit plugin (junit-10.xsd) allows of what is written here, and needs of suites.

But for `properties` of a case, which pytest writes too and Jenkins's JUnit plugin reads.
"""


@pytest.mark.parametrize("problems", [(), ("a/b/c: passes by now",)])
def test_junit_holds_to_the_schema_of_jenkins(problems: tuple[str, ...]) -> None:
    run = replace(RUN, interrupted=bool(problems), wanted=9, baseline_problems=problems)
    root = ET.fromstring(junit_xml(run))  # noqa: S314 - our own

    for element in root.iter():
        assert {child.tag for child in element} <= CHILDREN.get(element.tag, set())
        assert set(element.attrib) <= ATTRIBUTES.get(element.tag, set())
        if "time" in element.attrib:
            assert re.fullmatch(r"\d+\.\d{3}", element.attrib["time"])
    for suite in root.iter("testsuite"):
        assert {"name", "tests", "failures", "errors"} <= set(suite.attrib)
    assert len(list(root.iter("testcase"))) == len(RUN.results) + 2 * len(problems)
