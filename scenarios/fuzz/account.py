"""What a hunt comes to, as JSON and for the report. The names are a contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from scenarios import rulebook
from scenarios.fuzz.differences import said
from scenarios.fuzz.row import NoRow, flow, name_of, table
from scenarios.fuzz.stand import Unmakeable
from scenarios.results import Severity
from scenarios.rulebook import Level

if TYPE_CHECKING:
    from scenarios.fuzz.case import Case
    from scenarios.fuzz.finding import Finding
    from scenarios.fuzz.hunt import Hunt
    from scenarios.fuzz.stand import Answer
    from scenarios.stage import Lab

SCHEMA: Final = "touchstone-fuzz-1"


class FindingRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One finding, or one question."""

    name: str
    severity: Severity
    rule: str | None = None
    """None for a question: no rule decides it."""
    level: str | None = None
    differs: tuple[str, ...]
    """What is not plain in the case, in the words of a table."""
    right: str
    """What the reference verifier says."""
    answers: dict[str, str]
    """What each target says, by its name."""
    times: int
    """How many cases showed it."""
    third: str | None = None
    """What the third target says."""
    row: str | None = None
    """The table that shows it."""
    no_row: str | None = None
    """Why there is no table."""

    @property
    def warning(self) -> bool:
        """Whether the rule is one that a verifier should or may keep."""
        return self.level in (Level.SHOULD, Level.MAY)


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A whole hunt, as `--json` writes it."""

    schema: str = SCHEMA
    tool: str
    targets: tuple[str, ...]
    third: str | None
    seed: int
    cases: int
    unmakeable: int
    """How many cases could not be made, of those."""
    duration_s: float
    interrupted: bool
    findings: tuple[FindingRecord, ...]
    questions: tuple[FindingRecord, ...]


def records(hunt: Hunt, names: tuple[str, ...], lab: Lab) -> tuple[FindingRecord, ...]:
    """Return what was found, the worst first, each with its row."""
    order = list(Severity)
    found = sorted(
        hunt.findings, key=lambda one: (one.rule is None, order.index(one.cause.severity), one.rule or "")
    )
    taken: dict[str, int] = {}
    made = []
    for finding in found:
        name = name_of(finding)
        taken[name] = taken.get(name, 0) + 1
        made.append(_record(hunt, finding, names, f"{name}-{taken[name]}" if taken[name] > 1 else name, lab))
    return tuple(made)


def _record(hunt: Hunt, finding: Finding, names: tuple[str, ...], name: str, lab: Lab) -> FindingRecord:
    row, no_row = None, None

    def right(case: Case) -> Answer:
        return hunt.referee.right(case)

    try:
        row = table(finding, name, right, lab)
    except (NoRow, Unmakeable) as why:
        no_row = str(why)
    parts = (*finding.case.parts, *finding.case.steps)
    return FindingRecord(
        name=name,
        severity=finding.cause.severity,
        rule=finding.rule,
        level=rulebook.rules()[finding.rule].level.value if finding.rule else None,
        differs=tuple(f"{part.dimension}: {flow(part.value)}" for part in parts)
        or ("nothing: the plain case",),
        right=said(finding.seen.right),
        answers=dict(zip(names, map(said, finding.seen.got), strict=True)),
        times=finding.times,
        third=finding.third,
        row=row,
        no_row=no_row,
    )
