"""A clock that can be set, moved and stopped, for an issuer whose time a test decides.

It must never sleep, and never go on by itself except by its source.
"""

import math
import time
from collections.abc import Callable
from enum import StrEnum
from threading import Lock

import msgspec

LATEST = 253_402_300_799.0
"""Seconds since the epoch at the end of the year 9999; no clock goes beyond."""


class ClockMode(StrEnum):
    """How a clock goes."""

    REAL = "real"
    """As its source does."""
    SHIFTED = "shifted"
    """As fast as its source, so many seconds ahead of it or behind."""
    FROZEN = "frozen"
    """Not at all: every reading is the same until the clock is set or moved."""


class _Setting(msgspec.Struct, frozen=True):
    ahead_s: float = 0.0
    frozen_at: float | None = None


class SettableClock:
    """A clock to call for the seconds since the epoch. Thread-safe.

    It shows what `source` shows until it is set. Every change raises `ValueError`, and changes nothing, when
    the clock would show a time before 1970 or after the year 9999.
    """

    def __init__(self, source: Callable[[], float] = time.time) -> None:
        self._source = source
        self._lock = Lock()
        self._setting = _Setting()

    def __call__(self) -> float:
        """Read the clock."""
        return self._shown(self._setting)

    @property
    def mode(self) -> ClockMode:
        """How the clock goes now."""
        setting = self._setting
        if setting.frozen_at is not None:
            return ClockMode.FROZEN
        return ClockMode.SHIFTED if setting.ahead_s else ClockMode.REAL

    def set(self, now: float) -> None:
        """Show `now` (seconds since the epoch); a clock that goes keeps going, a frozen one stays frozen."""
        with self._lock:
            self._show(now)

    def move(self, seconds: float) -> None:
        """Go forward by so many seconds at once, or back when they are negative."""
        with self._lock:
            self._show(self._shown(self._setting) + seconds)

    def freeze(self, now: float | None = None) -> None:
        """Stop, at `now` or else at what the clock shows."""
        with self._lock:
            stopped = self._shown(self._setting) if now is None else now
            self._setting = _Setting(frozen_at=_possible(stopped))

    def run(self, now: float | None = None) -> None:
        """Go on from `now`, or else from what the clock shows."""
        with self._lock:
            started = self._shown(self._setting) if now is None else _possible(now)
            self._setting = _Setting(ahead_s=started - self._source())

    def real(self) -> None:
        """Show what the source shows, and go as it does."""
        with self._lock:
            self._setting = _Setting()

    def _shown(self, setting: _Setting) -> float:
        return self._source() + setting.ahead_s if setting.frozen_at is None else setting.frozen_at

    def _show(self, now: float) -> None:
        shown = _possible(now)
        if self._setting.frozen_at is None:
            self._setting = _Setting(ahead_s=shown - self._source())
        else:
            self._setting = _Setting(frozen_at=shown)


def _possible(now: float) -> float:
    if not math.isfinite(now) or not 0 <= now <= LATEST:
        raise ValueError(f"a clock shows times from 1970 to the year 9999, not {now!r} s after 1970")
    return float(now)
