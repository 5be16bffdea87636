"""The IdP of a load run: its keys come and go, and its JWKS endpoint fails, by the plan and the clock alone.

It counts what it is asked. Unlike a `ScheduledRing` it has all its keys from the start: every process knows them.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Final

from mock_idp.idp import MockIdP
from mock_idp.keyring import MAX_AGE_S, KeyRing, KeyState, RingEntry, RingSnapshot
from scenarios.load.run_file import issuer_of
from scenarios.load.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mock_idp.http import Request, Response
    from mock_idp.keys import SigningKey
    from scenarios.load.run_file import Run

MAX_FETCHES: Final = 500_000
"""So many fetches are kept with their moment; a run with more has its finding already."""
JWKS_PATH: Final = "/jwks"


class PlannedRing(KeyRing):
    """The keys of a run, each in the state that the clock (seconds since the epoch) has brought it to."""

    def __init__(self, keys: Sequence[SigningKey], timeline: Timeline, clock: Callable[[], float]) -> None:
        super().__init__(keys[:1])
        self._keys = tuple(keys)
        self._timeline = timeline
        self._clock = clock
        self._until = -math.inf

    @property
    def snapshot(self) -> RingSnapshot:
        """The ring as the clock has made it by now."""
        with self._lock:
            now = self._clock()
            if now >= self._until:
                self._follow(now)
            return self._snapshot

    @property
    def previous(self) -> RingSnapshot | None:
        """The ring before the last change of what it publishes."""
        _ = self.snapshot
        return self._previous

    @property
    def max_age_s(self) -> int:
        """How long a copy of the published set stays good: until a key that it lacks begins to sign (KEY-034)."""
        now = self._clock()
        lacking = [key for key in range(len(self._keys)) if self._timeline.published(key) > now]
        if not lacking:
            return MAX_AGE_S
        return max(0, min(MAX_AGE_S, math.floor(self._timeline.starts(lacking[0]) - now)))

    def _follow(self, now: float) -> None:
        timeline, active = self._timeline, self._timeline.period(now)
        entries = [
            RingEntry(key, _state(number, active))
            for number, key in enumerate(self._keys)
            if timeline.published(number) <= now < timeline.retires(number)
        ]
        changes = (
            when
            for number in range(len(self._keys))
            for when in (timeline.published(number), timeline.starts(number), timeline.retires(number))
        )
        self._until = min((when for when in changes if when > now), default=math.inf)
        self.restore(RingSnapshot(tuple(entries)))


def _state(number: int, active: int) -> KeyState:
    if number == active:
        return KeyState.ACTIVE
    return KeyState.STAGED if number > active else KeyState.RETIRING


class PlannedIdP(MockIdP):
    """The mock IdP of a run; `fetches` are the moments at which its JWKS was asked for, in order."""

    def __init__(self, run: Run, clock: Callable[[], float] = time.time) -> None:
        super().__init__(clock=clock)
        self.fetches: list[float] = []
        self._now = clock
        self._fault: object = None
        self.follow(run)

    def follow(self, run: Run) -> None:
        """Keep to the times of this run from now on."""
        self._timeline = Timeline(run.plan, run.since)
        self.add_issuer("", issuer_of(run, PlannedRing(run.signing_keys(), self._timeline, self._now)))

    def handle(self, request: Request) -> Response:
        """Answer a request, with the fault that the plan has for now."""
        now = self._now()
        fault = self._timeline.fault(now)
        if fault != self._fault:
            self._fault = fault
            if fault is None:
                self.clear_fault("", "jwks")
            else:
                self.set_fault("", "jwks", fault)
        if request.path == JWKS_PATH and len(self.fetches) < MAX_FETCHES:
            self.fetches.append(now)
        return super().handle(request)
