"""What the plan makes of a moment: which key signs, which are published, what is sent, what could be known.

Workers, the IdP and the judge each read it by their own clock (seconds since the epoch), and nobody asks anybody. Pure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scenarios.load.plan import Event, Mix, Plan


@dataclass(frozen=True, slots=True)
class Chances:
    """The kinds of a mix, to draw from: `bounds` are their summed shares."""

    kinds: tuple[str, ...]
    bounds: tuple[float, ...]

    @classmethod
    def of(cls, shares: Mapping[str, float]) -> Chances:
        """Sum the shares up."""
        return cls(tuple(shares), tuple(accumulate(shares.values())))


class Timeline:
    """A plan that begins at `since`; key number 0 signs first."""

    def __init__(self, plan: Plan, since: float) -> None:
        self.plan = plan
        self.since = since
        self.end = since + plan.duration_s
        rotation = plan.rotation
        self._every = rotation.every_s if rotation else math.inf
        self._ahead = rotation.ahead_s if rotation else 0.0
        self._overlap = rotation.overlap_s if rotation else 0.0
        self.keys = periods(plan)
        self.outages = [
            (since + event.at_s, since + event.end_s) for event in plan.events if event.jwks is not None
        ]
        self._usual = Chances.of(plan.mix.shares())
        self._floods = [
            (since + event.at_s, since + event.end_s, Chances.of(event.mix.shares()))
            for event in plan.events
            if event.mix is not None
        ]

    def period(self, now: float) -> int:
        """Return the number of the key that signs."""
        return min(max(0, math.floor((now - self.since) / self._every)), self.keys - 1)

    def starts(self, key: int) -> float:
        """Return when a key begins to sign; the first has always been there."""
        return -math.inf if key == 0 else self.since + key * self._every

    def published(self, key: int) -> float:
        """Return when a key appears in the JWKS."""
        return self.starts(key) - self._ahead

    def retires(self, key: int) -> float:
        """Return when a key leaves the JWKS."""
        return math.inf if key == self.keys - 1 else self.starts(key + 1) + self._overlap

    def learnable_s(self, key: int, now: float) -> float:
        """Return for how many seconds a key could be fetched by now: it was published, and the endpoint worked."""
        begin = self.published(key)
        lost = sum(max(0.0, min(now, end) - max(begin, start)) for start, end in self.outages)
        return now - begin - lost

    def forgotten(self, now: float) -> int:
        """Return how many keys, from the first on, nobody may trust any more."""
        forget_s = self.plan.limits.forget_s
        if forget_s is None or self.plan.rotation is None:
            return 0
        gone = math.floor((now - self.since - self._overlap - forget_s) / self._every)
        return min(max(0, gone), self.keys - 1)

    def chances(self, now: float) -> Chances:
        """Return what is sent at a moment."""
        for start, end, chances in self._floods:
            if start <= now < end:
                return chances
        return self._usual

    def mix(self, now: float) -> Mix:
        """Return the mix of a moment."""
        event = self._event(now, "mix")
        return self.plan.mix if event is None or event.mix is None else event.mix

    def fault(self, now: float) -> str | Mapping[str, object] | None:
        """Return the fault of the JWKS endpoint at a moment."""
        event = self._event(now, "jwks")
        return None if event is None else event.jwks

    def rate(self, now: float) -> float | None:
        """Return how many requests a second each worker sends; None for as many as can be."""
        event = self._event(now, "rate")
        return self.plan.rate if event is None else event.rate

    def _event(self, now: float, what: str) -> Event | None:
        at = now - self.since
        for event in self.plan.events:
            if event.at_s <= at < event.end_s and getattr(event, what) is not None:
                return event
        return None


def periods(plan: Plan) -> int:
    """Return how many keys a run needs: one for each period, and the one that is published as it ends."""
    if plan.rotation is None:
        return 1
    return math.ceil(plan.duration_s / plan.rotation.every_s) + 1
