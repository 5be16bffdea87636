"""What a target may know of a key at a moment, however it keeps its cache within its rights.

A verifier that fetches keys may fetch sooner than it must, and may let a key that left linger (KEY-023, KEY-025,
KEY-034). A token of such a key is no test of anything while both are right. This module says when they are not: from
what the JWKS endpoint answered and when, and from the three bounds of the profile. It errs towards "may".
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Answer: TypeAlias = "Mapping[str, str] | None"
"""What the endpoint answers: kid to thumbprint (RFC 7638), or None while it fails."""
_GRACE_S: Final = 0.5
"""A bound counts as over only so many seconds after it."""


class Known(enum.Enum):
    """Whether a target has a key."""

    SURE = "sure"
    """It must have it: a good token of it is accepted."""
    OPEN = "open"
    """It may have it or not."""
    NEVER = "never"
    """It must not have it: no token of it is accepted."""


@dataclass(frozen=True, slots=True)
class Fate:
    """Whether a target has a key at a moment, and the rule by which it is so; None where no rule of fetching is."""

    known: Known
    rule: str | None = None


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a profile declares of fetching (seconds): knobs `jwks_period_s`, `jwks_staleness_s`, `refetch_min_s`."""

    period_s: float
    staleness_s: float
    refetch_min_s: float


BY_VALUE: Final = Bounds(0.0, math.inf, 0.0)
"""Of a target that is handed its keys anew at each change: it knows exactly those."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time by both clocks (seconds), as OPS-016 leaves open by which of them a cache may be timed."""

    elapsed: float
    """By one that never goes back."""
    wall: float
    """By one that may be set."""

    def since(self, before: Moment) -> float:
        """Return the seconds that have passed by whichever clock counts fewer."""
        return min(self.elapsed - before.elapsed, self.wall - before.wall)

    def before(self, seconds: float) -> Moment:
        """Return the moment so many seconds earlier."""
        return Moment(self.elapsed - seconds, self.wall - seconds)


@dataclass(frozen=True, slots=True)
class _Span:
    """One answer of the endpoint, and until when it was given."""

    answer: Answer
    start: Moment
    end: Moment


@dataclass(slots=True)
class Publications:
    """The answers of one JWKS endpoint over time, and what they oblige a target to that read it at `start`."""

    bounds: Bounds
    start: Moment
    answer: Answer
    """What it answers now."""
    _past: list[_Span] = field(default_factory=list)
    _since: Moment = field(init=False)
    _healthy_since: Moment | None = field(init=False)
    _read: Moment = field(init=False)
    """The target has surely read an answer that was given at this moment or later."""
    _asked: Moment = field(init=False)

    def __post_init__(self) -> None:
        self._since = self._read = self._asked = self.start
        self._healthy_since = None if self.answer is None else self.start

    def answers(self, answer: Answer, now: Moment) -> None:
        """Note that the endpoint answers so from now on."""
        if self.bounds is not BY_VALUE:
            self._past.append(_Span(self.answer, self._since, now))
        else:
            self._read = now
        self.answer, self._since = answer, now
        if answer is None:
            self._healthy_since = None
        elif self._healthy_since is None:
            self._healthy_since = now

    def stirred(self, now: Moment) -> None:
        """Note that something came that may have had the target read the keys."""
        self._asked = now

    def asked(self, kid: str, thumbprint: str, now: Moment) -> Fate:
        """Return the fate of a key whose token is sent now, which may have the target read the keys."""
        read_before, quiet_s = self._read, now.since(self._asked)
        self._asked = now
        due = (
            self._healthy_since is not None
            and now.since(self._healthy_since) > self.bounds.period_s + _GRACE_S
        )
        if due:
            self._read = Moment(now.elapsed - self.bounds.period_s, now.wall - self.bounds.period_s)
        since = read_before if self._other_named(kid, thumbprint, now) else self._read
        held = [self._names(span, kid) for span in self._possible(since, now)]
        if all(one == thumbprint for one in held) and now.elapsed - since.elapsed <= self.bounds.staleness_s:
            read_again = "KEY-002" if self._past or due else None
            return Fate(Known.SURE, "KEY-027" if self.answer is None else read_again)
        if quiet_s > self.bounds.refetch_min_s + _GRACE_S and self._is_found(kid, thumbprint, now):
            return Fate(Known.SURE, "KEY-005")
        return self._gone(kid, thumbprint, held, now)

    def _is_found(self, kid: str, thumbprint: str, now: Moment) -> bool:
        """Whether a token makes a target read the key that it is of: after an outage it may hold back for a while."""
        failed = any(span.answer is None for span in self._spans(now))
        found = self.answer is not None and self.answer.get(kid) == thumbprint
        return found and not failed and not self._other_named(kid, thumbprint, now)

    def _gone(self, kid: str, thumbprint: str, held: list[str | None], now: Moment) -> Fate:
        seen = [span.end for span in self._spans(now) if self._names(span, kid) == thumbprint]
        if not seen:
            return Fate(Known.NEVER, "KEY-004")
        if all(one is not None and one != thumbprint for one in held):
            return Fate(Known.NEVER, "KEY-026")
        if now.since(seen[-1]) > self.bounds.staleness_s + _GRACE_S:
            return Fate(Known.NEVER, "KEY-027" if self.answer is None else "KEY-023")
        return Fate(Known.OPEN)

    def _other_named(self, kid: str, thumbprint: str, now: Moment) -> bool:
        """Whether a target may hold another key under the kid."""
        return any(self._names(span, kid) not in {None, thumbprint} for span in self._spans(now))

    def _possible(self, since: Moment, now: Moment) -> list[_Span]:
        """Return the answers of which one is the last that the target read."""
        return [
            span for span in self._spans(now) if span.answer is not None and span.end.elapsed >= since.elapsed
        ]

    def _spans(self, now: Moment) -> Iterator[_Span]:
        yield from self._past
        yield _Span(self.answer, self._since, now)

    @staticmethod
    def _names(span: _Span, kid: str) -> str | None:
        return None if span.answer is None else span.answer.get(kid)
