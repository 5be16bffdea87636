"""A key ring that rotates by the clock: staged ahead, rotated on time, retired after the overlap.

Nothing runs in the background. Whoever looks at the ring first learns what the clock has made of it, so a test
that moves the clock sees exactly what a verifier would see on that day. It must never undo a rotation: a clock
that is set back stops the schedule until the time comes again.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

import msgspec

from mock_idp.keyring import MAX_AGE_S, KeyRing, KeyState, RingSnapshot
from mock_idp.keys import SigningKey

MakeKey: TypeAlias = Callable[[int], SigningKey]
"""Makes the key of a period, counted from 1; its kid must be new for each."""


class Rotation(msgspec.Struct, frozen=True):
    """When keys come and go (seconds); `ValueError` for a plan that cannot be."""

    every_s: float
    """From one rotation to the next."""
    overlap_s: float = 0.0
    """How long the old key stays published after it was last used (KEY-022)."""
    ahead_s: float = 0.0
    """How long the next key is published before it signs."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.every_s) and self.every_s >= 1):
            raise ValueError(f"keys rotate every second at most, not every {self.every_s} s")
        for name, value in (("overlap", self.overlap_s), ("staged ahead", self.ahead_s)):
            if not 0 <= value <= self.every_s:
                raise ValueError(f"{name}: from 0 s to the time between two rotations, not {value} s")


class Progress(msgspec.Struct, frozen=True):
    """How far a schedule has come, so that another process can go on with it."""

    since: float
    """When its first period began, in seconds since the epoch."""
    period: int
    retires_at: Mapping[str, float]
    """When the retiring keys go, by kid."""


class ScheduledRing(KeyRing):
    """A ring that follows a `Rotation` by a clock (seconds since the epoch), counted from when it is made.

    On-demand moves stay possible at any time; a key that retires in good order by hand stays published for the
    same overlap. When the clock jumps over several periods, the keys that nobody can have seen are never made.
    """

    def __init__(
        self,
        keys: Iterable[SigningKey],
        rotation: Rotation,
        *,
        clock: Callable[[], float],
        make_key: MakeKey,
    ) -> None:
        super().__init__(keys)
        self.rotation = rotation
        self._since = clock()
        self._clock = clock
        self._make_key = make_key
        self._period = 0
        self._retires_at: dict[str, float] = {}

    @property
    def snapshot(self) -> RingSnapshot:
        """The ring as the clock has made it by now."""
        with self._lock:
            self._follow(self._clock())
            return self._snapshot

    @property
    def previous(self) -> RingSnapshot | None:
        """The ring before the last change of what it publishes, by the clock too."""
        with self._lock:
            self._follow(self._clock())
            return self._previous

    @property
    def max_age_s(self) -> int:
        """How long a copy of the published set stays good: until a key that it lacks begins to sign (KEY-034)."""
        with self._lock:
            now = self._clock()
            self._follow(now)
            staged = self._snapshot.oldest_staged() is not None
            lacking = self._starts(self._period + (2 if staged else 1))
            return max(0, min(MAX_AGE_S, math.floor(lacking - now)))

    @property
    def next_rotation(self) -> float:
        """When the next key begins to sign, in seconds since the epoch."""
        with self._lock:
            self._follow(self._clock())
            return self._starts(self._period + 1)

    @property
    def progress(self) -> Progress:
        """How far the schedule has come."""
        return Progress(self._since, self._period, dict(self._retires_at))

    def resume(self, progress: Progress) -> None:
        """Go on from where another ring of the same schedule stands; its keys come by `restore`."""
        with self._lock:
            self._since, self._period = progress.since, progress.period
            self._retires_at = dict(progress.retires_at)

    def _starts(self, period: int) -> float:
        return self._since + period * self.rotation.every_s

    def _follow(self, now: float) -> None:
        period = math.floor((now - self._since) / self.rotation.every_s)
        if period > self._period:
            self._rotate_into(period)
        self._retire(now)
        staging = self._starts(self._period + 1) - self.rotation.ahead_s
        if self.rotation.ahead_s and now >= staging and self._snapshot.oldest_staged() is None:
            self.add(self._make_key(self._period + 1))

    def _rotate_into(self, period: int) -> None:
        old = self._snapshot.active.kid
        self.rotate(None if self._snapshot.oldest_staged() else self._make_key(period))
        self._period = period
        self._retires_at[old] = self._starts(period) + self.rotation.overlap_s

    def _retire(self, now: float) -> None:
        retiring = [e.key.kid for e in self._snapshot.entries if e.state is KeyState.RETIRING]
        planned = self._retires_at
        self._retires_at = {kid: planned.get(kid, now + self.rotation.overlap_s) for kid in retiring}
        for kid, when in self._retires_at.items():
            if now >= when:
                self.retire(kid)
