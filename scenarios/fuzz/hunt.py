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
from scenarios.fuzz.differences import said
from scenarios.fuzz.finding import RAISED, Finding, is_one, kinds
from scenarios.fuzz.grammar.ability import Ability
from scenarios.fuzz.grammar.courses import LONG, changes
from scenarios.fuzz.oracle import Oracle
from scenarios.fuzz.over_time import asked_at, rule_at
from scenarios.fuzz.reduce import MAX_TRIES, MAX_TRIES_OF_CRASH, MAX_TRIES_OF_HANG, reduced, with_fewer_users
from scenarios.fuzz.rules import binds, decides, rule_of
from scenarios.fuzz.stand import Stand, Unmakeable
from scenarios.fuzz.sweep import CUSTOM_CLAIM, courses, pairs, sweep
from scenarios.results import Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hypothesis.strategies import SearchStrategy

    from scenarios.fuzz.corpus import Corpus
    from scenarios.fuzz.differences import Cause
    from scenarios.fuzz.live import Live
    from scenarios.fuzz.referee import Referee
    from scenarios.fuzz.seen import Seen
    from scenarios.stage import Lab

BATCH: Final = 8
"""So many cases are one example of Hypothesis: drawing an example costs more than drawing a case."""
ROUND: Final = {"tokens": 400, "keys": 80, "records": 80, "courses": 80, "corpus": 80}
"""How many cases each kind of round has."""
ORDER: Final = ("tokens", "keys", "courses", "tokens", "records", "tokens", "courses", "corpus", "tokens")
MAX_COSTLY: Final = 2
"""After so many time-outs or new starts for one finding its cases are not asked again."""
PREFERRED_ALGORITHMS: Final = ("ES256", "EdDSA")
"""Where a target takes one of these, most rounds use it: RSA signs twenty times as slowly."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When a hunt ends: after so many cases, seconds or findings; by whichever comes first."""

    cases: int | None = None
    seconds: float | None = None
    findings: int | None = None


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
    """Differences that turned out to be none: by cause, and the parts and steps that it takes."""
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
                if self._over() or self._is_hopeless():
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
        over_time = [] if self.against_each_other else courses(ability, alg, self.seed)
        return [*sweep(ability, alg, self.seed), *over_time, *pairs(ability, alg, self.seed)]

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
            case "courses" if changes(ability) and not self.against_each_other:
                return drawn.courses(ability, alg, random.choice((None, CUSTOM_CLAIM)))
            case "corpus":
                # What is open to a library in one token is not weighed where time passes: steps are left as they are.
                known = [one for one in self._known if not one.steps]
                return drawn.more(known, ability) if known else None
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
        changed = kinds(case)
        return any(
            one.cause.severity is Severity.CRASH
            and RAISED not in one.cause.reason
            and one.times >= MAX_COSTLY
            and kinds(one.case) <= changed
            for one in self.findings
        )

    def _is_hopeless(self) -> bool:
        """Whether the target pays so for every case: it gives no verdict on a plain one."""
        return self._is_costly(Case())

    def _is_known(self, case: Case, cause: Cause) -> bool:
        for one in self.findings:
            if one.cause == cause and one.case.dimensions - {"onboard alg"} <= case.dimensions:
                one.times += 1
                return True
        return any(cause == passed and keys <= case.keys for passed, keys in self._passed)

    def _make_small(self, case: Case, cause: Cause) -> None:
        ability = Ability.of([target.profile for target in self.targets])
        keep = frozenset() if "RS256" in ability.algorithms else frozenset({"onboard alg"})
        if case.steps:
            keep |= {LONG.dimension}

        def still(smaller: Case) -> bool:
            try:
                return self.referee.look(smaller).cause == cause
            except Unmakeable:
                return False

        found = self._finding(reduced(case, still, keep=keep, tries=_tries(cause)), cause)
        if found is None:
            return  # it differs once and not again: nothing that anybody could look into
        alike = next((one for one in self.findings if is_one(found, one)), None)
        if alike is not None:
            alike.times += 1
        if alike is not None or (found.rule is not None and not self._binds(found.rule, found.part, cause)):
            self._passed.append((cause, found.case.keys))
            return
        fewer = with_fewer_users(found.case, still, tries=_tries(cause))
        found = self._finding(fewer, cause) or found
        self.findings.append(found)
        self.corpus.keep(found.case)

    def _finding(self, case: Case, cause: Cause) -> Finding | None:
        """Return what a case shows; None where it does not differ so."""
        seen = self.referee.look(case)
        if seen.cause != cause:
            return None
        if case.steps:
            return Finding(case, seen, cause, rule_at(seen), None)
        part = self._decisive(case, seen)
        rule = rule_of(seen.right.verdict, part, case.at("onboard").get("custom_claim"))
        return Finding(case, seen, cause, rule, part)

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


def _tries(cause: Cause) -> int:
    if cause.severity is not Severity.CRASH or RAISED in cause.reason:
        return MAX_TRIES
    return MAX_TRIES_OF_HANG if "no answer" in cause.reason else MAX_TRIES_OF_CRASH


def ask_third(findings: Sequence[Finding], third: Live, lab: Lab) -> None:
    """Have another target judge the case of each finding, and note what it says."""
    stand, scout = Stand(lab, [third.profile]), Oracle(third.profile.knobs)
    try:
        for finding in findings:
            try:
                if finding.case.steps:
                    answer = asked_at(finding.case, lab, third, scout)
                    stand.forget(third)
                else:
                    answer = stand.ask(third, stand.token(finding.case))
                finding.third = said(answer)
            except Unmakeable:
                finding.third = "cannot be asked this"
    finally:
        stand.close()
