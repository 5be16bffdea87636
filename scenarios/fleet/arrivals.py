"""When tokens come to a node: by chance, at a rate, of the old key, of the new one, or of a kid that nobody knows.

A client uses a token to its end and then asks for another, so the ages of the tokens that come are spread evenly over
their lifetime: after the new key became active, its share grows evenly from nothing to all in one lifetime.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from random import Random

    from scenarios.fleet.plan import Fleet, Plan

Kid = Literal["old", "new", "unknown"]


class Arrivals(Protocol):
    """The tokens of one node, by the kid that they name."""

    def after(self, kid: Kid, at: float) -> float:
        """Return when the first token comes after a moment; infinity for never."""

    def count(self, kid: Kid, start: float, end: float) -> float:
        """Return how many tokens come after `start` and before `end`, or are to be expected."""


class PoissonArrivals:
    """Tokens that come independently of each other.

    What came is forgotten: asked twice about one moment, it draws twice. That is right as long as nobody asks about
    the past, because the time to the next token does not depend on what was.
    """

    def __init__(self, plan: Plan, fleet: Fleet, random: Random) -> None:
        self._rate, self._unknown = fleet.tokens_per_s, fleet.unknown_kids_per_s
        self._active, self._lifetime = plan.rotation.activate_s, plan.idp.token_lifetime_s
        self._random = random.random

    def after(self, kid: Kid, at: float) -> float:
        """Draw when the first token comes after a moment."""
        drawn = -math.log(1.0 - self._random())
        if kid == "unknown":
            return at + drawn / self._unknown if self._unknown else math.inf
        drawn /= self._rate  # seconds at the full rate
        return self._new_after(at, drawn) if kid == "new" else self._old_after(at, drawn)

    def _new_after(self, at: float, drawn: float) -> float:
        active, lifetime = self._active, self._lifetime
        since = max(at - active, 0.0)
        if since >= lifetime:
            return at + drawn
        rest = (lifetime**2 - since**2) / (2 * lifetime)
        if drawn >= rest:
            return active + lifetime + drawn - rest
        return active + math.sqrt(since**2 + 2 * lifetime * drawn)

    def _old_after(self, at: float, drawn: float) -> float:
        active, lifetime = self._active, self._lifetime
        if at + drawn <= active:
            return at + drawn
        drawn -= max(active - at, 0.0)
        left = active + lifetime - max(at, active)
        rest = left**2 - 2 * lifetime * drawn
        return active + lifetime - math.sqrt(rest) if left > 0 and rest > 0 else math.inf

    def count(self, kid: Kid, start: float, end: float) -> float:
        """Return how many are to be expected."""
        if end <= start:
            return 0.0
        if kid == "unknown":
            return self._unknown * (end - start)
        new = self._signed(end) - self._signed(start)
        return self._rate * (new if kid == "new" else end - start - new)

    def _signed(self, at: float) -> float:
        """Return the seconds for which tokens came up to a moment, each counted by the new key's share in it."""
        since = max(at - self._active, 0.0)
        return since**2 / (2 * self._lifetime) if since <= self._lifetime else since - self._lifetime / 2
