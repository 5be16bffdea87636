"""One target and the reference verifier, held to each other token by token while time passes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from scenarios.fuzz.course import Ask, Course
from scenarios.fuzz.differences import Cause, difference
from scenarios.fuzz.fate import Known
from scenarios.fuzz.oracle import Oracle
from scenarios.fuzz.rules import rule_of
from scenarios.fuzz.seen import Seen, is_anothers
from scenarios.fuzz.stand import Answer, Unmakeable
from scenarios.results import Severity

if TYPE_CHECKING:
    from scenarios.fuzz.case import Case
    from scenarios.fuzz.live import Live
    from scenarios.stage import Lab

_OF_KEYS: Final = frozenset({"unknown_key", "bad_signature", "unavailable"})
"""The reasons of a no by which a verifier has no key that would do."""


class OverTime:
    """Plays what happens over time before one target, and holds it to what is right for its profile.

    Where a target may know a key or not (`fate.py`), either answer is right, as long as it says of the rest of the
    token what the reference verifier says once it knows the key.
    """

    def __init__(self, lab: Lab, target: Live) -> None:
        self._lab = lab
        self._target = target
        self._oracle, self._scout = Oracle(target.profile.knobs), Oracle(target.profile.knobs)

    def look(self, case: Case) -> Seen:
        """Play a case up to the first difference. Raises `Unmakeable`."""
        asked = (self._oracle, self._target)
        asks: list[Ask] = []
        for ask in Course(case, self._lab, self._target.profile, asked, self._scout).play():
            asks.append(ask)
            if (cause := self._differs(ask)) is not None:
                return _by_rule(Seen(*_apart(ask), cause, tuple(asks)))
        if not asks:
            raise Unmakeable("no token is sent")
        return Seen(*_apart(asks[-1]), None, tuple(asks))

    def _differs(self, ask: Ask) -> Cause | None:
        right, (got,) = _apart(ask)
        cause = difference(right, got)
        if cause is None or cause.severity in {Severity.CRASH, Severity.BROKEN}:
            return cause
        if is_anothers(right, got, self._target.profile):
            return None
        if ask.fate.known is not Known.OPEN:
            return cause
        if got.verdict.kind != "accept" or ask.known is None:
            return None
        return None if is_anothers(ask.known, got, self._target.profile) else difference(ask.known, got)


def _by_rule(seen: Seen) -> Seen:
    """Let the rule tell one difference from another: what is said of an unknown key is the same whatever the reason."""
    if seen.cause is None or seen.cause.severity in {Severity.CRASH, Severity.BROKEN}:
        return seen
    return replace(seen, cause=replace(seen.cause, about=rule_at(seen) or ""))


def _apart(ask: Ask) -> tuple[Answer, tuple[Answer, ...]]:
    right, *got = ask.answers
    return right, tuple(got)


def rule_at(seen: Seen) -> str | None:
    """Return the rule that decides the last token of a course; None for a question."""
    ask, verdict = seen.asks[-1], seen.right.verdict
    if ask.fate.rule is not None and (verdict.kind == "accept" or verdict.reason in _OF_KEYS):
        return ask.fate.rule
    if ask.fate.known is Known.OPEN and ask.known is not None:
        verdict = ask.known.verdict
    return rule_of(verdict, None)


def asked_at(case: Case, lab: Lab, who: Live, scout: Oracle) -> Answer:
    """Return what another target says of the last token of a case. Raises `Unmakeable`."""
    asks = list(Course(case, lab, who.profile, (who,), scout).play())
    if not asks or asks[-1].step != len(case.steps) - 1:
        raise Unmakeable("it was not asked to the end")
    return asks[-1].answers[0]
