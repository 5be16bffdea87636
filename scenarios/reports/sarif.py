"""Findings as SARIF 2.1.0, for code-scanning pages: each rule with its text and source, each result at its place."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import msgspec

from scenarios import rulebook
from scenarios.decode import cut
from scenarios.reports.places import in_a_line, spot_of, target_spot, told
from scenarios.reports.stakes import stake
from scenarios.results import Kind

if TYPE_CHECKING:
    from scenarios.reports.places import Spot
    from scenarios.results import ProfileRecord, Result, Run

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS: Final = {"MUST": "error", "policy": "error", "SHOULD": "warning", "MAY": "note"}


def sarif(run: Run, *, strict: bool = False) -> bytes:
    """Return the findings of a run, and those that its baseline knows as suppressed; `strict` makes warnings errors."""
    known = [(one, True) for one in run.results if one.outcome is Kind.XFAIL]
    found = [*told(run, strict=strict), *known]
    names = list(dict.fromkeys(result.rules[0] for result, _ in found))
    rules = [_rule(name) for name in names]
    results = [_result(result, run, names.index(result.rules[0]), counts=counts) for result, counts in found]
    for record in run.profile_findings():
        results.append(_of_profile(record, run, len(rules)))
        rules.append(_knob(record.knob))
    driver = {
        "name": "Touchstone",
        "semanticVersion": run.tool or "0.0.0",
        "rules": rules,
    }
    invocation = {
        "executionSuccessful": not run.interrupted and run.health.abandoned is None,
        "startTimeUtc": run.started,
        **({"commandLine": run.command} if run.command else {}),
    }
    whole = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "automationDetails": {"id": f"touchstone/{cut(run.target.name, 100)}/"},
                "invocations": [invocation],
                "columnKind": "unicodeCodePoints",
                "results": results,
            }
        ],
    }
    return msgspec.json.format(msgspec.json.encode(whole), indent=1) + b"\n"


def _rule(name: str) -> dict[str, Any]:
    rule = rulebook.rules()[name]
    gists = "".join(f"\n{key}: {gist}" for key, gist in rulebook.source_gists(rule.source))
    authority = rulebook.basis_text(rule.basis)
    text = f"{rule.statement}\nSource: {rule.source}{gists}\nAuthority: {authority}\nIt catches: {rule.bug}."
    return {
        "id": rule.id,
        "shortDescription": {"text": cut(rule.statement, 1000)},
        "fullDescription": {"text": cut(rule.statement, 1000)},
        "help": {"text": text, "markdown": text.replace("\n", "\n\n")},
        "defaultConfiguration": {"level": _LEVELS[rule.level.value]},
        "properties": {"tags": ["security", f"level/{rule.level.value}", f"basis/{rule.basis.value}"]},
    }


def _result(result: Result, run: Run, index: int, *, counts: bool) -> dict[str, Any]:
    text = f"{in_a_line(result)}. {stake(result)} Again: {run.again} --select {shlex.quote(result.id)}"
    made = {
        "ruleId": result.rules[0],
        "ruleIndex": index,
        "level": "error" if counts else "warning",
        "message": {"text": cut(text, 2000)},
        "locations": [_location(spot_of(result, run), result.id)],
        "partialFingerprints": {"scenario/v1": result.id},
    }
    if result.outcome is Kind.XFAIL:
        made["suppressions"] = [{"kind": "external", "justification": cut(result.known or "known", 1000)}]
    return made


def _of_profile(record: ProfileRecord, run: Run, index: int) -> dict[str, Any]:
    return {
        "ruleId": f"profile/{record.knob}",
        "ruleIndex": index,
        "level": "error",
        "message": {"text": cut(record.message, 2000)},
        "locations": [_location(target_spot(run), f"profile/{record.knob}")],
        "partialFingerprints": {"scenario/v1": f"profile/{record.knob}"},
    }


def _knob(name: str) -> dict[str, Any]:
    about = rulebook.knobs()[name].about
    text = f"What the target does, beside what its profile says of this knob: {about}"
    return {"id": f"profile/{name}", "shortDescription": {"text": about}, "help": {"text": text}}


def _location(spot: Spot, name: str) -> dict[str, Any]:
    uri = Path(spot.file).as_uri() if Path(spot.file).is_absolute() else quote(spot.file)
    return {
        "physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": spot.line}},
        "logicalLocations": [{"fullyQualifiedName": name}],
    }
