"""The tokens of a run, made in the worker that sends them: of many users, of every kind of the plan, none twice.

What a token shares with others (its header, its user's claims) is made once; signing is most of what is left.
"""

from __future__ import annotations

import math
from bisect import bisect
from collections import deque
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, Final

from mock_idp.draft import seal
from mock_idp.forgeries import ForgeContext, ForgeryError, finish, forge
from mock_idp.keys import SigningKey
from scenarios.load.idp import PlannedRing
from scenarios.load.run_file import issuer_of, people

if TYPE_CHECKING:
    from collections.abc import Callable

    from mock_idp.keyring import RingSnapshot
    from scenarios.load.run_file import Run
    from scenarios.load.timeline import Timeline

GOOD: Final = "good"
LATE_S: Final = 5
"""Seconds beyond the leeway by which an expired token is expired at least."""
_RECENT: Final = 64
_KEPT: Final = 2_000
_EACH: Final = 10
"""One accepted token in so many is kept, to be sent once more when it is false."""


@dataclass(frozen=True, slots=True)
class Made:
    """One token, and what is right about it."""

    kind: str
    token: str
    key: int
    """The number of the key that its kid names, or named."""
    user: str | None
    """Whom it stands for; None for a false one."""
    expires: float = 0.0


class TokenSource:
    """Makes the tokens of one worker, whose `name` is in the `jti` of each."""

    def __init__(self, run: Run, timeline: Timeline, name: str, clock: Callable[[], float]) -> None:
        self._run = run
        self._timeline = timeline
        self._name = name
        self._keys = run.signing_keys()
        self._issuer = issuer_of(run, PlannedRing(self._keys, timeline, clock))
        self._people = people(run.plan)
        self._claims: list[dict[str, Any] | None] = [None] * len(self._people)
        self._random = Random(f"{run.plan.seed}/{name}")  # noqa: S311 - what is sent need not be secret
        self._attacker = SigningKey.generate(run.plan.alg, kid="attacker")
        self._count = 0
        self._context: tuple[RingSnapshot, ForgeContext] | None = None
        self._recent: deque[Made] = deque(maxlen=_RECENT)
        self._kept: deque[Made] = deque(maxlen=_KEPT)
        self._kinds: dict[str, Callable[[float], Made | None]] = {
            GOOD: self._good,
            "expired": self._expired,
            "foreign": self._foreign,
            "unknown_kid": self._unknown_kid,
            "retired": self._retired,
            "replayed": self._replayed,
            "other_signature": self._other_signature,
        }

    def next(self, now: float) -> Made:
        """Make the next token; a good one where there is nothing yet of the kind that is due."""
        chances = self._timeline.chances(now)
        kind = chances.kinds[bisect(chances.bounds, self._random.random() * chances.bounds[-1])]
        make = self._kinds.get(kind)
        made = self._forged(kind, now) if make is None else make(now)
        return made or self._good(now)

    def accepted(self, made: Made) -> None:
        """Remember that a good token was taken for what it is."""
        self._recent.append(made)
        if self._random.randrange(_EACH) == 0:
            self._kept.append(made)

    def _said(self, now: float, lifetime_s: float) -> tuple[str, dict[str, Any]]:
        """Return a user and what a token of theirs says."""
        number = self._random.randrange(len(self._people))
        person, claims = self._people[number], self._claims[number]
        if claims is None:
            claims = self._claims[number] = self._issuer.claims(person, now=now)
        self._count += 1
        issued = math.floor(now)
        times = {"iat": issued, "nbf": issued, "exp": math.ceil(issued + lifetime_s)}
        return person.username, {**claims, **times, "jti": f"{self._name}-{self._count}"}

    def _signed(self, claims: dict[str, Any], key: SigningKey) -> str:
        return self._issuer.sign(claims, "access", key)

    def _good(self, now: float) -> Made:
        period = self._timeline.period(now)
        user, claims = self._said(now, self._run.plan.lifetime_s)
        return Made(GOOD, self._signed(claims, self._keys[period]), period, user, claims["exp"])

    def _expired(self, now: float) -> Made:
        plan, period = self._run.plan, self._timeline.period(now)
        ago = plan.leeway_s + LATE_S + self._random.random() * 3600
        _, claims = self._said(now - ago - plan.lifetime_s, plan.lifetime_s)
        return Made("expired", self._signed(claims, self._keys[period]), period, None)

    def _foreign(self, now: float) -> Made:
        period = self._timeline.period(now)
        _, claims = self._said(now, self._run.plan.lifetime_s)
        attacker = self._attacker.with_kid(self._keys[period].kid)
        return Made("foreign", self._signed(claims, attacker), period, None)

    def _unknown_kid(self, now: float) -> Made:
        _, claims = self._said(now, self._run.plan.lifetime_s)
        unknown = self._attacker.with_kid(f"unknown-{self._name}-{self._count}")
        return Made("unknown_kid", self._signed(claims, unknown), self._timeline.period(now), None)

    def _retired(self, now: float) -> Made | None:
        forgotten = self._timeline.forgotten(now)
        if not forgotten:
            return None
        # The one that left last is the one that is trusted longest.
        key = max(0, forgotten - 1 - self._random.randrange(3))
        _, claims = self._said(now, self._run.plan.lifetime_s)
        return Made("retired", self._signed(claims, self._keys[key]), key, None)

    def _replayed(self, now: float) -> Made | None:
        if not self._kept:
            return None
        first = self._kept[0]
        over = first.expires + self._run.plan.leeway_s + LATE_S <= now
        if not over and first.key >= self._timeline.forgotten(now):
            return None
        self._kept.popleft()
        return Made("replayed", first.token, first.key, None)

    def _other_signature(self, now: float) -> Made | None:
        if not self._recent:
            return None
        self._recent.rotate(-self._random.randrange(len(self._recent)))
        accepted = self._recent.popleft()  # of one token there is one copy
        if accepted.expires <= now:
            return None
        header, payload, _ = accepted.token.split(".")
        forged = seal(header, payload, self._attacker, self._attacker.alg)
        return Made("other_signature", forged, accepted.key, None)

    def _forged(self, kind: str, now: float) -> Made | None:
        plan, period = self._run.plan, self._timeline.period(now)
        name = kind.removeprefix("forged:")
        argument = self._timeline.mix(now).argument(name)
        person = self._people[self._random.randrange(len(self._people))]
        self._count += 1
        draft = self._issuer.draft(
            person,
            now=now,
            lifetime_s=math.ceil(plan.lifetime_s),
            serial=f"{self._name}-{self._count}",
            key=self._keys[period],
        )
        try:
            token = finish(forge(draft, name, argument, context=self._context_now()))
        except ForgeryError:  # one that needs a second published key, and there is none just now
            return None
        return None if isinstance(token, bytes) else Made(kind, token, period, None)

    def _context_now(self) -> ForgeContext:
        snapshot = self._issuer.ring.snapshot
        if self._context is None or self._context[0] is not snapshot:
            attacker = self._attacker
            self._context = (
                snapshot,
                ForgeContext.of(self._issuer, attacker=attacker, seed=self._run.plan.seed),
            )
        return self._context[1]
