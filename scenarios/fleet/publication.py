"""What the IdP publishes in the course of a rotation, and what the edges of a CDN make of it.

An edge is a cache that is filled by those who ask (RFC 9111): a copy is served for its time to live, then for a while
longer as the new one is got (RFC 5861), and nothing happens where nobody asks.
"""

from __future__ import annotations

import json
import math
from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from mock_idp.fixed_keys import fixed_key
from mock_idp.http import etag

if TYPE_CHECKING:
    from scenarios.fleet.arrivals import Kid
    from scenarios.fleet.plan import Cdn, Rotation

ALG: Final = "ES256"


class Published(NamedTuple):
    """One JWKS: its kids, the document, and its entity tag."""

    kids: frozenset[Kid]
    body: bytes
    tag: str


class Copy(NamedTuple):
    """What somebody is answered: a JWKS, and the seconds since the IdP answered with it."""

    jwks: Published
    age_s: float


class Requests:
    """Counts requests, and the most of them within any second before and after the new key is published."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self._second: deque[float] = deque()
        self.before = self.peak = 0
        self.peak_at = math.nan

    def add(self, now: float) -> None:
        """Count one; the times never go back."""
        self.times.append(now)
        second = self._second
        second.append(now)
        while second[0] <= now - 1.0 or second[0] < 0 <= now:
            second.popleft()
        if now < 0:
            self.before = max(self.before, len(second))
        elif len(second) > self.peak:
            self.peak, self.peak_at = len(second), now


class Origin:
    """The JWKS endpoint of the IdP."""

    def __init__(self, rotation: Rotation) -> None:
        names: dict[Kid, str] = {"old": "a", "new": "b"}
        jwks = {kid: fixed_key(name, ALG, kid=kid).public_jwk() for kid, name in names.items()}
        self._both, self._first, self._last = (
            _published(kids, jwks) for kids in (("old", "new"), ("old",), ("new",))
        )
        self._retire_s = rotation.retire_s
        self.requests = Requests()

    def changed_before(self, now: float) -> float:
        """Return when the JWKS last changed."""
        if now >= self._retire_s:
            return self._retire_s
        return 0.0 if now >= 0 else -math.inf

    def answer(self, now: float) -> Copy:
        """Answer a request."""
        self.requests.add(now)
        if now < 0:
            return Copy(self._first, 0.0)
        return Copy(self._last if now >= self._retire_s else self._both, 0.0)

    def lacks_new_until(self) -> float:
        """Return until when it may answer without the new key."""
        return 0.0


class Edge:
    """One cache of a CDN."""

    def __init__(self, cdn: Cdn, origin: Origin) -> None:
        self._cdn, self._origin = cdn, origin
        self._copy: Published | None = None
        self._got_at = -math.inf
        self._lacking_until = 0.0

    def answer(self, now: float) -> Copy:
        """Answer a request with what is there, or from the IdP."""
        cdn, copy, age = self._cdn, self._copy, now - self._got_at
        if copy is None or age >= cdn.ttl_s + cdn.stale_s or self._purged(now):
            copy, age = self._got(now), 0.0
        elif age >= cdn.ttl_s:
            self._got(now)
        return Copy(copy, age)

    def _got(self, now: float) -> Published:
        if now >= 0 > self._got_at:
            self._lacking_until = min(now, self.lacks_new_until())
        self._copy, self._got_at = self._origin.answer(now).jwks, now
        return self._copy

    def _purged(self, now: float) -> bool:
        changed = self._origin.changed_before(now)
        return self._cdn.purge_s is not None and self._got_at < changed <= now - self._cdn.purge_s

    def lacks_new_until(self) -> float:
        """Return until when it may answer without the new key, by what it holds now."""
        if self._got_at >= 0:
            return self._lacking_until
        until = max(self._got_at + self._cdn.ttl_s + self._cdn.stale_s, 0.0)
        return until if self._cdn.purge_s is None else min(until, self._cdn.purge_s)


def _published(kids: tuple[Kid, ...], jwks: dict[Kid, dict[str, str]]) -> Published:
    body = json.dumps({"keys": [jwks[kid] for kid in kids]}).encode()
    return Published(frozenset(kids), body, etag(body))
