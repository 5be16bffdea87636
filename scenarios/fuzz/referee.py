"""Whether a case shows a difference: of a target from what is right, or of two targets from each other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from scenarios.fuzz.differences import Cause, difference
from scenarios.fuzz.knobs import Reading, readings
from scenarios.fuzz.oracle import Oracle
from scenarios.fuzz.rules import binds, rule_of
from scenarios.fuzz.stand import Answer, Stand, Unmakeable
from scenarios.results import Severity
from scenarios.rulebook import Scope
from scenarios.targets.protocol import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scenarios.fuzz.case import Case
    from scenarios.fuzz.live import Live
    from scenarios.stage import Lab

_NO = Answer(Verdict("reject", reason="other"), None, onboarding=False)


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of one case."""

    right: Answer
    """What the reference verifier says, under the knobs of the target."""
    got: tuple[Answer, ...]
    """What each of the targets says."""
    cause: Cause | None
    """How they differ; None where they do not."""


class Referee(Protocol):
    """Plays cases and compares the answers."""

    def look(self, case: Case) -> Seen:
        """Play a case. Raises `Unmakeable`."""

    def right(self, case: Case) -> Answer:
        """Return what the reference verifier says of a case. Raises `Unmakeable`."""

    def close(self) -> None:
        """Take down what stands."""


class AgainstReference:
    """One target, held to what is right for its profile."""

    def __init__(self, lab: Lab, target: Live) -> None:
        self._target = target
        self._profile = target.profile
        self._scope = Scope(self._profile.scope)
        self._main = Stand(lab, [self._profile])
        self._side = Stand(
            lab, [self._profile]
        )  # other readings: their settings must not take down the main one
        self._oracles: dict[tuple[int, str], Oracle] = {}

    def look(self, case: Case) -> Seen:
        """Play a case before the target and, as often as it may be read in several ways, before the reference."""
        token = self._main.token(case)
        ways = readings(case, self._profile)
        right = self._held_to(self._answer(next(ways), case, token))
        got = _asked(self._main, self._target, token)
        cause = difference(right, got)
        crashed = cause is not None and cause.severity in (Severity.CRASH, Severity.BROKEN)
        if cause is not None and not crashed and self._is_open(ways, case, token, (right, got)):
            cause = None
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

    def _unbound(self, right: Answer) -> bool:
        """Whether the no is by a rule that such a target is not asked, whichever part it is about."""
        if right.verdict.kind != "reject":
            return False
        rule = rule_of(right.verdict, None)
        return rule is not None and not binds(rule, self._scope)

    def _is_open(
        self, ways: Iterator[Reading], case: Case, token: str | bytes, said: tuple[Answer, Answer]
    ) -> bool:
        """Whether the target may answer so: by a rule that it is not asked, or by another open reading."""
        right, got = said
        if self._unbound(right) or (
            right.verdict.kind == "accept" and _is_nobody(got) and not self._profile.can("users")
        ):
            return True
        for way in ways:
            try:
                answer = self._held_to(self._answer(way, case, token))
            except Unmakeable:
                continue
            if self._unbound(answer) or difference(answer, got) is None:
                return True
        return False

    def _answer(self, way: Reading, case: Case, token: str | bytes, stand: Stand | None = None) -> Answer:
        if way.case is None:
            return _NO
        if way.case is case:
            stand = stand or self._main
            return stand.ask(self._oracle(way, stand), token)
        return self._side.ask(self._oracle(way, self._side), self._side.token(way.case))

    def _oracle(self, way: Reading, stand: Stand) -> Oracle:
        """Return who judges at a stand. Each has its own: a stand goes by it that nobody else onboards there."""
        key = (id(stand), repr(sorted(way.knobs.items())))
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
        """Play a case before both, and before the reference to know which rule it touches."""
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


def _is_nobody(answer: Answer) -> bool:
    """Whether the harness, which maps for a target without users, found nobody: the target has no part in it."""
    return answer.verdict.kind == "accept" and answer.user is None


def _asked(stand: Stand, who: Live, token: str | bytes) -> Answer:
    answer = stand.ask(who, token)
    if who.renewed():
        stand.forget(who)
    return answer
