"""A finding as a table: one group with the row that shows it and, for a no, the control that it differs from.

What is written has passed `lint`; `touchstone run --only-catalog` shows the difference again.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from scenarios.files.problems import TableErrors
from scenarios.files.yaml12 import ABSENT, Json
from scenarios.fuzz.case import OTHER, Case
from scenarios.fuzz.fate import Known
from scenarios.rehearse import mistakes
from scenarios.tables.load import load_table
from scenarios.tables.scenario import MAIN

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenarios.fuzz.course import Ask
    from scenarios.fuzz.finding import Finding
    from scenarios.fuzz.stand import Answer
    from scenarios.stage import Lab

GROUP: Final = "found"
"""The first word of every group."""
_NO_WORD = re.compile(r"[^a-z0-9]+")


class NoRow(ValueError):  # noqa: N818 - it says what there is not
    """A finding that cannot be written as a row, in one sentence."""


def name_of(finding: Finding) -> str:
    """Return a name for a finding that is good for a file and for a group: rule, kind and what decides."""
    what = (
        finding.part.dimension if finding.part is not None else "over time" if finding.case.steps else "plain"
    )
    words = f"{finding.rule or 'question'} {finding.cause.severity.value} {what}"
    return _NO_WORD.sub("-", words.lower()).strip("-")


def table(finding: Finding, name: str, right: Callable[[Case], Answer], lab: Lab) -> str:
    """Return the text of a table. `right` says what is right of a smaller case, to find the control.

    Raises `NoRow` when no rule is touched, or when `lint` would not have it.
    """
    if finding.rule is None:
        raise NoRow("no rule decides it")
    said = finding.seen.right
    rows = []
    row = _row(finding.case, "case", finding.rule, _says(finding)) | (
        {"steps": _steps(finding)} if finding.case.steps else {"expect": _expected(said)}
    )
    if said.verdict.kind != "accept" and not any(_lets_in(ask) for ask in finding.seen.asks):
        control = _control(finding, right)
        plain = _row(control, "control", finding.rule, "The plain case is accepted")
        rows.append({**plain, "expect": _expected(right(control))})
        row["control"] = "control"
    rows.append(row)
    title = f"Found by touchstone fuzz: {finding.cause.severity.value}"
    lines = [f"group: {GROUP}/{name}", f"title: {flow(title)}", "scenarios:"]
    for one in rows:
        lines += [
            f"  {'- ' if index == 0 else '  '}{key}: {flow(value)}"
            for index, (key, value) in enumerate(one.items())
        ]
    text = "\n".join(lines) + "\n"
    _check(text, name, lab)
    return text


def _check(text: str, name: str, lab: Lab) -> None:
    try:
        problems = list(mistakes(load_table(text, f"{name}.yaml"), lab))
    except TableErrors as errors:
        problems = list(errors.problems)
    if problems:
        raise NoRow(problems[0].message)


def _control(finding: Finding, right: Callable[[Case], Answer]) -> Case:
    """Return the case that differs in the decisive part alone, else the plain one."""
    if (
        finding.part is not None
        and right(near := finding.case.without(finding.part)).verdict.kind == "accept"
    ):
        return near
    return Case(
        tuple(part for part in finding.case.parts if part.dimension == "onboard alg"), finding.case.users
    )


def _steps(finding: Finding) -> list[dict[str, Any]]:
    """Return the steps as a table has them, each token with what is right for it."""
    asks = {ask.step: ask for ask in finding.seen.asks}
    return [
        {
            step.name: {**step.value, "expect": _expected_over_time(asks[index])}
            if index in asks
            else step.value
        }
        for index, step in enumerate(finding.case.steps)
    ]


def _expected_over_time(ask: Ask) -> Any:
    if ask.fate.known is not Known.OPEN:
        return _expected(ask.answers[0])
    known = ask.known
    return {"accept": known.user, "reject": "any"} if known is not None and known.user else {"reject": "any"}


def _lets_in(ask: Ask) -> bool:
    return ask.fate.known is not Known.OPEN and ask.answers[0].verdict.kind == "accept"


def _row(case: Case, name: str, rule: str, says: str) -> dict[str, Any]:
    row: dict[str, Any] = {"id": name, "says": says, "rules": [rule], "users": case.directory()}
    integrations = case.integrations()
    if main := integrations[MAIN]:
        row["onboard"] = main
    if other := integrations.get(OTHER):
        row["integrations"] = {OTHER: other}
    if token := case.token():
        row["token"] = token
    return row


def _expected(answer: Answer) -> Any:
    verdict = answer.verdict
    match verdict.kind:
        case "accept":
            return answer.user
        case "reject":
            return {"reject": "any"}
        case "asked":
            return {"asked": True}
    return {"refused": [verdict.reason]}


def _says(finding: Finding) -> str:
    part, yes = finding.part, finding.seen.right.verdict.kind == "accept"
    if finding.case.steps:
        return f"After {len(finding.case.steps) - 1} steps a token is {'accepted' if yes else 'rejected'}"
    what = "A plain case" if part is None else f"A case with another {part.where} {part.name}"
    return f"{what[:100]} is {'accepted' if yes else 'rejected'}"


def flow(value: Any) -> str:
    """Write a value in one line of YAML 1.2: as JSON, but for the tags of a table."""
    if value is ABSENT:
        return "!absent"
    match value:
        case Json():
            return f"!json {json.dumps(value.text, ensure_ascii=False)}"
        case dict():
            return "{" + ", ".join(f"{flow(name)}: {flow(item)}" for name, item in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(flow, value)) + "]"
        case str():
            return _text(value)
    return json.dumps(value)


def _text(value: str) -> str:
    """Write a text in quotes; what is not printable as an escape that YAML has too."""
    return '"' + "".join(_character(one) for one in value) + '"'


def _character(one: str) -> str:
    if one in '"\\':
        return "\\" + one
    if one.isprintable():
        return one
    number = ord(one)
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
