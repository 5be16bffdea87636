"""A difference, made small, and when two of them are one finding."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scenarios.fuzz.case import STEP
from scenarios.fuzz.differences import MASK
from scenarios.fuzz.rules import of_entries
from scenarios.results import Severity
from scenarios.tables.requirements import DEFAULT_ALG

if TYPE_CHECKING:
    from scenarios.fuzz.case import Case, Part
    from scenarios.fuzz.differences import Cause
    from scenarios.fuzz.seen import Seen

RAISED: Final = "it raised "
"""How the crash of a target in this process begins, which costs nothing and says what it was."""

_WORD = re.compile(r"[A-Za-z]{2,}")
_TELLING: Final = 3
"""A message of fewer words than this is no more than a status."""


@dataclass(slots=True)
class Finding:
    """One difference, made small, with how often its like was seen."""

    case: Case
    seen: Seen
    cause: Cause
    rule: str | None
    """The rule that it touches; None for a question."""
    part: Part | None
    """The part that decides, where there is one."""
    times: int = 1
    third: str | None = None
    """What the third target says, where one was asked."""

    @property
    def group(self) -> tuple[object, ...]:
        """What makes two differences one finding."""
        if RAISED in self.cause.reason or _tells(self.cause.reason):
            return (self.cause,)  # what it said of one case it says of another, but for what is quoted in it
        if self.case.steps:
            return (self.cause.severity, self.rule, STEP)
        beside = self.case.dimensions - {self.part.dimension if self.part else "", "onboard alg"}
        if self.part is not None and self.part.dimension == "onboard jwks":
            beside -= {"token key"}  # it is signed by the key that is looked at
        if self.rule is not None:
            return (self.cause.severity, self.rule, frozenset(beside))
        return (self.cause, frozenset(beside))


def _tells(reason: str) -> bool:
    """Whether a message with something quoted says what it is about: an HTTP status alone does not."""
    return MASK in reason and len(_WORD.findall(reason)) >= _TELLING


def kinds(case: Case) -> frozenset[str]:
    """Return what a case changes, told apart by what an odd entry of a JWKS breaks, and for which kind of key."""
    entries, alg = case.get("onboard", "jwks"), case.get("onboard", "alg")
    if entries is None:
        return case.dimensions
    family = str(DEFAULT_ALG if alg is None else alg.value)[:2]
    return case.dimensions | {of_entries(entries.value), family}


def is_one(found: Finding, other: Finding) -> bool:
    """Whether two differences are one finding."""
    return found.group == other.group or _is_echo(found, other) or _is_seen_at_once(found, other)


def _is_echo(found: Finding, other: Finding) -> bool:
    """Whether an answer could not be read only because of what the target should not have accepted, which is known."""
    accepted = found.seen.right.verdict.kind == "reject" and other.cause.severity is Severity.FALSE_ACCEPT
    return accepted and found.cause.severity is Severity.BROKEN and found.rule == other.rule


def _is_seen_at_once(found: Finding, other: Finding) -> bool:
    """Whether what time brought to light is known from a single token."""
    alike = (found.cause.severity, found.rule) == (other.cause.severity, other.rule)
    return alike and bool(found.case.steps) and not other.case.steps
