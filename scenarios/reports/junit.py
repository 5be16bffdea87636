"""JUnit XML: one suite a group, one case a scenario, rule and level as properties."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from scenarios import rulebook
from scenarios.decode import cut, decode
from scenarios.reports.run_words import verdict_of
from scenarios.results import Kind, Result, Run

if TYPE_CHECKING:
    from collections.abc import Mapping


def junit_xml(run: Run, *, strict: bool = False) -> bytes:
    """Return a run as JUnit XML (UTF-8); with `strict` a warning is a failure too."""
    suites: dict[str, list[Result]] = {}
    for result in run.results:
        suites.setdefault(result.id.rpartition("/")[0], []).append(result)
    counts = dict(_counts(run.results, strict=strict))
    del counts["skipped"]  # the schema has it at suites alone
    root = ET.Element("testsuites", {"name": f"touchstone {cut(run.target.name)}", **counts})
    _profile(root, run)
    _run_itself(root, run)
    for group, results in suites.items():
        attributes = {"name": group, "timestamp": run.started.removesuffix("Z"), "hostname": "localhost"}
        suite = ET.SubElement(root, "testsuite", {**attributes, **_counts(results, strict=strict)})
        for result in results:
            _case(suite, group, result, strict=strict)
    xml: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return xml


def _profile(root: ET.Element, run: Run) -> None:
    """Add what the target is by its own profile: a property for each knob, and a failed case for each finding."""
    if not run.policies:
        return
    findings = run.profile_findings()
    suite = _suite(root, "profile", failures=len(findings))
    properties = ET.SubElement(suite, "properties")
    for record in run.policies:
        ET.SubElement(
            properties, "property", {"name": f"knob {record.knob}", "value": cut(record.message, 1000)}
        )
    for record in findings:
        attributes = {"classname": "profile", "name": record.knob, "time": "0.000"}
        case = ET.SubElement(suite, "testcase", attributes)
        message = cut(record.message, 1000)
        ET.SubElement(case, "failure", {"message": message, "type": record.kind.value}).text = "\n".join(
            f"{value or 'none of its values'}: {' '.join(names)}" for value, names in record.like.items()
        )


def _run_itself(root: ET.Element, run: Run) -> None:
    """Add what no scenario can say: a run that ended early as an error, mistakes of its baseline as failures."""
    ended = [note for note in verdict_of(run).notes if note not in run.baseline_problems]
    if not (ended or run.baseline_problems):
        return
    suite = _suite(root, "run", failures=len(run.baseline_problems), errors=len(ended))
    for tag, kind, notes in (("error", "ended early", ended), ("failure", "baseline", run.baseline_problems)):
        for note in notes:
            attributes = {"classname": "run", "name": cut(note, 200), "time": "0.000"}
            case = ET.SubElement(suite, "testcase", attributes)
            ET.SubElement(case, tag, {"message": cut(note, 1000), "type": kind})


def _suite(root: ET.Element, name: str, *, failures: int, errors: int = 0) -> ET.Element:
    """Add a suite of cases that no scenario is, and count them at the top too."""
    counts = {"tests": failures + errors, "failures": failures, "errors": errors}
    for what, count in counts.items():
        root.set(what, str(int(root.get(what, "0")) + count))
    words = {what: str(count) for what, count in counts.items()}
    return ET.SubElement(root, "testsuite", {"name": name, **words, "skipped": "0", "time": "0.000"})


def _counts(results: tuple[Result, ...] | list[Result], *, strict: bool) -> Mapping[str, str]:
    tags = [_tag(result, strict=strict) for result in results]
    return {
        "tests": str(len(results)),
        "failures": str(tags.count("failure")),
        "errors": str(tags.count("error")),
        "skipped": str(tags.count("skipped")),
        "time": f"{sum(result.duration_s for result in results):.3f}",
    }


def _tag(result: Result, *, strict: bool) -> str | None:
    match result.outcome:
        case Kind.FAIL | Kind.UNPROVEN | Kind.XPASS:
            return "failure"
        case Kind.WARN:
            return "failure" if strict else None
        case Kind.ERROR:
            return "error"
        case Kind.NOT_APPLICABLE | Kind.XFAIL:
            return "skipped"
    return None


def _case(suite: ET.Element, group: str, result: Result, *, strict: bool) -> None:
    attributes = {"classname": group.replace("/", "."), "name": result.id, "time": f"{result.duration_s:.3f}"}
    case = ET.SubElement(suite, "testcase", attributes)
    properties = ET.SubElement(case, "properties")
    for name, value in (("rule", " ".join(result.rules)), ("level", result.level), ("basis", result.basis)):
        ET.SubElement(properties, "property", {"name": name, "value": value})
    tag = _tag(result, strict=strict)
    message = cut(result.known or result.message, 1000)
    if tag == "skipped":
        ET.SubElement(case, tag, {"message": message})
    elif tag is not None:
        kind = result.severity.value if result.severity else result.outcome.value
        ET.SubElement(case, tag, {"message": message, "type": kind}).text = _text(result)
    elif result.outcome is Kind.WARN:
        ET.SubElement(case, "system-out").text = f"warning: {message}\n{_text(result)}"


def _text(result: Result) -> str:
    rule = rulebook.rules()[result.rules[0]]
    lines = [
        f"scenario: {cut(result.says)}",
        f"rule:     {rule.id} {rule.statement}",
        f"source:   {rule.source} ({rulebook.basis_text(rule.basis)})",
        f"expected: {cut(result.expected)}",
        f"came:     {cut(result.message)}",
    ]
    for exchange in result.exchanges[-1:]:
        if exchange.token is not None:
            decoded = decode(exchange.token)
            lines += [
                f"header:   {decoded.header}",
                f"payload:  {decoded.payload}",
                f"token:    {cut(exchange.token, 4000)}",
            ]
    return "\n".join(lines)
