"""The hunt: cases drawn and played until the time is over, and the differences made small and grouped by cause.

Rounds follow one another in an order that the seed alone decides, so that the same seed and number of cases find the
same. One bug is one finding: a case that a finding explains only counts for it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import TYPE_CHECKING, Final

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from scenarios.fuzz import drawn
from scenarios.fuzz.case import Case, Part
from scenarios.fuzz.differences import MASK, said
from scenarios.fuzz.grammar import Ability
from scenarios.fuzz.reduce import MAX_TRIES, MAX_TRIES_OF_CRASH, MAX_TRIES_OF_HANG, reduced
from scenarios.fuzz.rules import binds, decides, rule_of
from scenarios.fuzz.stand import Stand, Unmakeable
from scenarios.fuzz.sweep import pairs, sweep
from scenarios.results import Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hypothesis.strategies import SearchStrategy

    from scenarios.fuzz.corpus import Corpus
    from scenarios.fuzz.differences import Cause
    from scenarios.fuzz.live import Live
    from scenarios.fuzz.referee import Referee, Seen
    from scenarios.stage import Lab

BATCH: Final = 8
"""So many cases are one example of Hypothesis: drawing an example costs more than drawing a case."""
ROUND: Final = {"tokens": 400, "keys": 80, "records": 80, "corpus": 80}
"""How many cases each kind of round has."""
ORDER: Final = ("tokens", "keys", "tokens", "records", "tokens", "corpus", "tokens")
MAX_COSTLY: Final = 2
"""After so many time-outs or new starts for one finding its cases are not asked again."""
RAISED: Final = "it raised "
"""How the crash of a target in this process begins, which costs nothing and says what it was."""
PREFERRED_ALGORITHMS: Final = ("ES256", "EdDSA")
"""Where a target takes one of these, most rounds use it: RSA signs twenty times as slowly."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When a hunt ends: after so many cases, seconds or findings; by whichever comes first."""

    cases: int | None = None
    seconds: float | None = None
    findings: int | None = None


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
        if RAISED in self.cause.reason or MASK in self.cause.reason:
            return (self.cause,)  # what it said of one case it says of another, but for what is quoted in it
        beside = self.case.dimensions - {self.part.dimension if self.part else "", "onboard alg"}
        if self.rule is not None:
            return (self.cause.severity, self.rule, frozenset(beside))
        return (self.cause, frozenset(beside))


@dataclass(slots=True)
class Hunt:
    """One hunt. `clock` gives seconds; `progress` is told the cases and the findings so far."""

    referee: Referee
    targets: Sequence[Live]
    corpus: Corpus
    limits: Limits
    seed: int = 0
    clock: Callable[[], float] = time.monotonic
    progress: Callable[[int, int], None] = lambda _cases, _findings: None
    against_each_other: bool = False
    cases: int = 0
    unmakeable: int = 0
    findings: list[Finding] = field(default_factory=list)
    interrupted: bool = False
    _passed: list[tuple[Cause, frozenset[str]]] = field(default_factory=list)
    """Differences that turned out to be none: by cause, and the parts that it takes."""
    _said: set[tuple[object, ...]] = field(default_factory=set)
    _known: list[Case] = field(default_factory=list)
    _ends: float | None = None

    def run(self) -> None:
        """Hunt until a limit is reached. Raises `TargetError` when a target cannot be kept alive."""
        if self.limits.seconds is not None:
            self._ends = self.clock() + self.limits.seconds
        ability = Ability.of([target.profile for target in self.targets])
        try:
            self._known = self.corpus.read()
            for case in (*self._plain(ability), *self._known, *self._sweep(ability)):
                if self._over():
                    return
                self.play(case)
            for number in count():
                if self._over():
                    break
                self._round(number, ability)
        except KeyboardInterrupt:
            self.interrupted = True

    def _plain(self, ability: Ability) -> list[Case]:
        return [Case((Part("onboard", "alg", alg),)) for alg in ability.algorithms]

    def _sweep(self, ability: Ability) -> list[Case]:
        alg = _algorithm(ability, Random(0))  # noqa: S311 - the same for every seed
        return [*sweep(ability, alg, self.seed), *pairs(ability, alg, self.seed)]

    def _over(self) -> bool:
        limits = self.limits
        done = limits.cases is not None and self.cases >= limits.cases
        done = done or (limits.findings is not None and len(self.findings) >= limits.findings)
        return done or (self._ends is not None and self.clock() >= self._ends)

    def _round(self, number: int, ability: Ability) -> None:
        kind = ORDER[number % len(ORDER)]
        random = Random(f"{self.seed}/{number}")  # noqa: S311 - the same rounds for the same seed
        strategy = self._strategy(kind, ability, random)
        if strategy is None:
            return

        @seed(random.getrandbits(64))
        @settings(
            max_examples=ROUND[kind] // BATCH,
            phases=(Phase.generate,),
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(st.lists(strategy, min_size=BATCH, max_size=BATCH))
        def drawn_cases(cases: list[Case]) -> None:
            for case in cases:
                if self._over():
                    return
                self.play(case)

        drawn_cases()

    def _strategy(self, kind: str, ability: Ability, random: Random) -> SearchStrategy[Case] | None:
        alg = _algorithm(ability, random)
        match kind:
            case "tokens":
                return drawn.token_cases(ability, drawn.setting(ability, random, alg))
            case "keys" if ability.jwks:
                return drawn.key_cases(ability, alg)
            case "records" if ability.onboarding:
                return drawn.record_cases(ability, alg)
            case "corpus" if self._known:
                return drawn.more(self._known, ability)
        return None

    def play(self, case: Case) -> None:
        """Play one case, and make a finding of what differs. Raises `TargetError` for a target that cannot go on."""
        self.cases += 1
        if self.cases % 50 == 0:
            self.progress(self.cases, len(self.findings))
        if self._is_costly(case):
            return
        try:
            seen = self.referee.look(case)
        except Unmakeable:
            self.unmakeable += 1
            return
        self._note(case, seen)
        if seen.cause is not None and not self._is_known(case, seen.cause):
            self._make_small(case, seen.cause)

    def _note(self, case: Case, seen: Seen) -> None:
        """Keep the first case that gets such an answer."""
        answers = (seen.right, *seen.got)
        said_so = (seen.right.verdict.detail, *((a.verdict.kind, a.verdict.reason) for a in answers))
        if said_so not in self._said:
            self._said.add(said_so)
            self.corpus.keep(case)
            if len(self._known) < ROUND["corpus"]:
                self._known.append(case)

    def _is_costly(self, case: Case) -> bool:
        """Whether a finding explains the case whose like the target pays for with a time-out or a new start."""
        return any(
            one.cause.severity is Severity.CRASH
            and RAISED not in one.cause.reason
            and one.times >= MAX_COSTLY
            and one.case.dimensions <= case.dimensions
            for one in self.findings
        )

    def _is_known(self, case: Case, cause: Cause) -> bool:
        for one in self.findings:
            if one.cause == cause and one.case.dimensions - {"onboard alg"} <= case.dimensions:
                one.times += 1
                return True
        keys = frozenset(part.key for part in case.parts)
        return any(cause == passed and parts <= keys for passed, parts in self._passed)

    def _make_small(self, case: Case, cause: Cause) -> None:
        def still(smaller: Case) -> bool:
            try:
                return self.referee.look(smaller).cause == cause
            except Unmakeable:
                return False

        ability = Ability.of([target.profile for target in self.targets])
        keep = frozenset() if "RS256" in ability.algorithms else frozenset({"onboard alg"})
        small = reduced(case, still, keep=keep, tries=_tries(cause))
        seen = self.referee.look(small)
        if seen.cause != cause:
            return  # it differs once and not again: nothing that anybody could look into
        part = self._decisive(small, seen)
        rule = rule_of(seen.right.verdict, part, small.at("onboard").get("custom_claim"))
        found = Finding(small, seen, cause, rule, part)
        if rule is not None and not self._binds(rule, part, cause):
            self._passed.append((cause, frozenset(part.key for part in small.parts)))
            return
        for one in self.findings:
            if one.group == found.group or _is_echo(found, one):
                one.times += 1
                self._passed.append((cause, frozenset(part.key for part in small.parts)))
                return
        self.findings.append(found)
        self.corpus.keep(small)

    def _binds(self, rule: str, part: Part | None, cause: Cause) -> bool:
        """Whether the rule decides, and is asked of the targets; a crash is a finding whatever it is about."""
        if self.against_each_other or cause.severity is Severity.CRASH:
            return True
        if not decides(rule, part, yes=cause.severity is Severity.FALSE_REJECT):
            return False
        if cause.severity is Severity.BROKEN:
            return True
        return all(binds(rule, Ability.of([target.profile]).scope) for target in self.targets)

    def _decisive(self, case: Case, seen: Seen) -> Part | None:
        """Return the part that makes the difference; of a no, one without which the answer would be a yes."""
        parts = [part for part in case.parts if part.dimension != "onboard alg"]
        entries, signer = case.get("onboard", "jwks"), case.get("token", "key")
        if entries is not None and signer is not None and signer.value != "attacker":
            return entries  # it is signed by another key than usual so that this one is looked at
        parts.sort(key=lambda part: _WEIGHT.index(part.where))
        if seen.right.verdict.kind != "accept":
            for part in parts:
                try:
                    if self.referee.right(case.without(part)).verdict.kind == "accept":
                        return part
                except Unmakeable:
                    continue
        return parts[0] if parts else None


_WEIGHT: Final = ("forge", "claim", "header", "token", "onboard", "other")
"""Of several parts, the one that stands first here is most likely what matters."""


def _algorithm(ability: Ability, random: Random) -> str:
    fast = [one for one in PREFERRED_ALGORITHMS if one in ability.algorithms]
    return random.choice(fast) if fast and random.random() < 0.7 else random.choice(ability.algorithms)


def _is_echo(found: Finding, other: Finding) -> bool:
    """Whether an answer could not be read only because of what the target should not have accepted, which is known."""
    accepted = found.seen.right.verdict.kind == "reject" and other.cause.severity is Severity.FALSE_ACCEPT
    return accepted and found.cause.severity is Severity.BROKEN and found.rule == other.rule


def _tries(cause: Cause) -> int:
    if cause.severity is not Severity.CRASH or RAISED in cause.reason:
        return MAX_TRIES
    return MAX_TRIES_OF_HANG if "no answer" in cause.reason else MAX_TRIES_OF_CRASH


def ask_third(findings: Sequence[Finding], third: Live, lab: Lab) -> None:
    """Have another target judge the case of each finding, and note what it says."""
    stand = Stand(lab, [third.profile])
    try:
        for finding in findings:
            try:
                finding.third = said(stand.ask(third, stand.token(finding.case)))
            except Unmakeable:
                finding.third = "cannot be asked this"
    finally:
        stand.close()
