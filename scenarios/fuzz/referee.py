"""Whether a case shows a difference: of a target from what is right, or of two targets from each other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from scenarios.fuzz.differences import Cause, difference
from scenarios.fuzz.knobs import Reading, readings
from scenarios.fuzz.oracle import Oracle
from scenarios.fuzz.over_time import OverTime
from scenarios.fuzz.rules import EITHER, rule_of
from scenarios.fuzz.seen import Seen, is_anothers
from scenarios.fuzz.stand import Answer, Stand, Unmakeable
from scenarios.results import Severity
from scenarios.targets.protocol import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scenarios.fuzz.case import Case
    from scenarios.fuzz.live import Live
    from scenarios.stage import Lab

_NO = Answer(Verdict("reject", reason="other"), None, onboarding=False)


class Referee(Protocol):
    """Plays cases and compares the answers."""

    def look(self, case: Case) -> Seen:
        """Play a case. Raises `Unmakeable`."""

    def right(self, case: Case) -> Answer:
        """Return what the reference verifier says of a case without steps. Raises `Unmakeable`."""

    def close(self) -> None:
        """Take down what stands."""


class AgainstReference:
    """One target, held to what is right for its profile."""

    def __init__(self, lab: Lab, target: Live) -> None:
        self._target = target
        self._profile = target.profile
        self._main = Stand(lab, [self._profile])
        self._side = Stand(
            lab, [self._profile]
        )  # other readings: their settings must not take down the main one
        self._oracles: dict[tuple[int, str], Oracle] = {}
        self._courses = OverTime(lab, target)

    def look(self, case: Case) -> Seen:
        """Play a case before the target and, as often as it may be read in several ways, before the reference."""
        if case.steps:
            self._main.forget(self._target)
            return self._courses.look(case)
        token = self._main.token(case)
        ways = readings(case, self._profile)
        right = self._held_to(self._answer(next(ways), case, token))
        got = _asked(self._main, self._target, token)
        cause = difference(right, got)
        if cause is not None and cause.severity not in {Severity.CRASH, Severity.BROKEN}:
            right, cause = self._judged(ways, case, token, (right, got))
        return Seen(right, (got,), cause)

    def right(self, case: Case) -> Answer:
        """Return what is right for the target's profile."""
        token = self._side.token(case)
        return self._held_to(self._answer(next(readings(case, self._profile)), case, token, self._side))

    def close(self) -> None:
        """Take down what stands."""
        self._main.close()
        self._side.close()

    def _held_to(self, right: Answer) -> Answer:
        """Return what is asked of the target: one that judges no records rejects the token of a bad one."""
        if not right.onboarding or self._profile.can("onboarding"):
            return right
        return Answer(replace(right.verdict, kind="reject"), None, onboarding=False)

    def _judged(
        self, ways: Iterator[Reading], case: Case, token: str | bytes, said: tuple[Answer, Answer]
    ) -> tuple[Answer, Cause | None]:
        """Return how an answer differs whichever way the case is read; None where one way is open to the target.

        The way that leaves the least in the case says best why: what the others mind is the target's to choose.
        """
        right, got = said
        if is_anothers(right, got, self._profile):
            return right, None
        least = len(case.parts)
        for way in ways:
            try:
                answer = self._held_to(self._answer(way, case, token))
            except Unmakeable:
                continue
            either = rule_of(answer.verdict, None) in EITHER
            if either or is_anothers(answer, got, self._profile) or difference(answer, got) is None:
                return right, None
            if way.case is not None and len(way.case.parts) < least:
                right, least = answer, len(way.case.parts)
        return right, difference(right, got)

    def _answer(self, way: Reading, case: Case, token: str | bytes, stand: Stand | None = None) -> Answer:
        if way.case is None:
            return _NO
        if way.case is case:
            stand = stand or self._main
            return stand.ask(self._oracle(way, stand), token)
        return self._side.ask(self._oracle(way, self._side), self._side.token(way.case))

    def _oracle(self, way: Reading, stand: Stand) -> Oracle:
        """Return the verifier of a reading at a stand: it holds what stands there, and nothing of the other one."""
        key = id(stand), repr(sorted(way.knobs.items()))
        if key not in self._oracles:
            self._oracles[key] = Oracle({**self._profile.knobs, **way.knobs})
        return self._oracles[key]


class AgainstEachOther:
    """Two targets of one chain, held to each other: what one lets in as ann, the other must."""

    def __init__(self, lab: Lab, first: Live, second: Live) -> None:
        self._pair = first, second
        self._stand = Stand(lab, [first.profile, second.profile])
        self._oracle = Oracle(first.profile.knobs)

    def look(self, case: Case) -> Seen:
        """Play a case before both, and before the reference to know which rule it touches; none in which time passes.

        Two targets of one chain may know other keys at other times, each within its rights.
        """
        if case.steps:
            raise Unmakeable("over time the two may differ within their rights")
        token = self._stand.token(case)
        right = self._stand.ask(self._oracle, token)
        one, other = (_asked(self._stand, who, token) for who in self._pair)
        cause = difference(one, other)
        if one.verdict.kind == "error":
            cause = difference(right, one)
        elif cause is not None and cause.severity not in (Severity.CRASH, Severity.BROKEN):
            # Neither needs to be right: what tells two such differences apart is why a no would be.
            reason, about = right.verdict.reason or "", right.verdict.about or ""
            cause = Cause(cause.severity, reason, about)
        return Seen(right, (one, other), cause)

    def right(self, case: Case) -> Answer:
        """Return what the reference verifier says."""
        token = self._stand.token(case)
        return self._stand.ask(self._oracle, token)

    def close(self) -> None:
        """Take down what stands."""
        self._stand.close()


def _asked(stand: Stand, who: Live, token: str | bytes) -> Answer:
    answer = stand.ask(who, token)
    if who.renewed():
        stand.forget(who)
    return answer
