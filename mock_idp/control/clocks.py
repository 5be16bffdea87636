"""The clocks of issuers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mock_idp.clock import ClockMode, SettableClock
from mock_idp.control.errors import Code, refusing
from mock_idp.control.steered import Steered
from mock_idp.control.views import ClockView

if TYPE_CHECKING:
    from collections.abc import Callable

    from mock_idp.issuer import Issuer


class Clocks(Steered):
    """Read, set, moved, stopped, let go."""

    def clock(self, path: str) -> ClockView:
        """Read the clock of an issuer."""
        return clock_view(self._issuer(path))

    def set_clock(self, path: str, now: float) -> ClockView:
        """Have the clock show `now` (seconds since the epoch); frozen or going, it stays as it is."""
        return self._turned(path, lambda clock: clock.set(now))

    def move_clock(self, path: str, seconds: float) -> ClockView:
        """Move the clock forward, or back by a negative number of seconds."""
        return self._turned(path, lambda clock: clock.move(seconds))

    def freeze_clock(self, path: str, now: float | None = None) -> ClockView:
        """Stop the clock at `now`, or else at what it shows."""
        return self._turned(path, lambda clock: clock.freeze(now))

    def run_clock(self, path: str, now: float | None = None) -> ClockView:
        """Let the clock go on from `now`, or else from what it shows."""
        return self._turned(path, lambda clock: clock.run(now))

    def real_clock(self, path: str) -> ClockView:
        """Have the clock show what it showed before anybody set it, and go as it did."""
        return self._turned(path, SettableClock.real)

    def _turned(self, path: str, turn: Callable[[SettableClock], None]) -> ClockView:
        issuer = self._issuer(path)
        clock = issuer.clock
        if not isinstance(clock, SettableClock):
            clock = SettableClock(clock)
        with refusing(Code.INVALID):
            turn(clock)
        issuer.clock = clock
        return clock_view(issuer)


def clock_view(issuer: Issuer) -> ClockView:
    """Show the clock of an issuer."""
    clock = issuer.clock
    return ClockView(clock(), clock.mode if isinstance(clock, SettableClock) else ClockMode.REAL)
