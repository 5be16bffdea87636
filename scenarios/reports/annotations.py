"""Findings beside the code: workflow commands for GitHub, the Code Quality report for GitLab."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

import msgspec

from scenarios.decode import cut
from scenarios.reports.places import in_a_line, spot_of, target_spot, told
from scenarios.results import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scenarios.results import Result, Run

MAX_ANNOTATIONS: Final = 10
"""GitHub shows so many errors, and so many warnings, of one step."""
_BLOCKING: Final = frozenset({Severity.WRONG_USER, Severity.FALSE_ACCEPT})


def github(run: Run, *, strict: bool = False) -> Iterator[str]:
    """Yield a workflow command for each of the worst findings."""
    left = {"error": MAX_ANNOTATIONS, "warning": MAX_ANNOTATIONS}
    for result, counts in told(run, strict=strict):
        kind = "error" if counts else "warning"
        if not left[kind]:
            continue
        left[kind] -= 1
        spot = spot_of(result, run)
        where = f"file={_property(spot.file)},line={spot.line},title={_property(result.id)}"
        yield f"::{kind} {where}::{_escaped(cut(in_a_line(result), 1000))}"
    for record in run.profile_findings()[: left["error"]]:
        text = _escaped(cut(record.message, 1000))
        yield f"::error file={_property(target_spot(run).file)},line=1,title={_property(record.knob)}::{text}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(cut(text)).replace(":", "%3A").replace(",", "%2C")


def code_quality(run: Run, *, strict: bool = False) -> bytes:
    """Return the findings as GitLab's Code Quality JSON; an array, empty where there is none."""
    found = []
    for result, counts in told(run, strict=strict):
        spot = spot_of(result, run)
        found.append(
            _issue(
                result.id,
                result.rules[0],
                cut(in_a_line(result), 1000),
                _severity(result, counts=counts),
                spot,
            )
        )
    found += [
        _issue(f"profile/{one.knob}", one.knob, cut(one.message, 1000), "major", target_spot(run))
        for one in run.profile_findings()
    ]
    return msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n"


def _severity(result: Result, *, counts: bool) -> str:
    if not counts:
        return "minor"
    return "blocker" if result.severity in _BLOCKING else "major"


def _issue(name: str, rule: str, text: str, severity: str, spot: Any) -> dict[str, Any]:
    return {
        "description": text,
        "check_name": rule,
        "fingerprint": hashlib.sha256(f"{spot.file}\0{name}".encode("utf-8", "backslashreplace")).hexdigest(),
        "severity": severity,
        "location": {"path": spot.file, "lines": {"begin": spot.line}},
    }
