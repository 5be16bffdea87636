"""Times of a table: `now`, `+5m`, `-1h30m`, `leeway_s + 1s`. Never a date: a table means the same on every day."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
TIME_CLAIMS: Final = frozenset({"exp", "nbf", "iat", "auth_time"})
"""The claims whose words are times; text for them is written `!json '"text"'`."""


LONG_AGO_S: Final = 100_000_000
"""A plain number below this (seconds since 1970) was meant as a duration."""


def is_time_claim(name: str) -> bool:
    """Whether words of a claim are times: also for a twin such as `EXP`, which MAP-030 wants to hold a number too."""
    return name.lower() in TIME_CLAIMS


_TERM = re.compile(
    r"\s*(?P<sign>[-+]?)\s*(?:(?P<now>now\b)|(?P<knob>[a-z][a-z_]*_s\b)|(?P<duration>(?:\d{1,9}(?:ms|[smhd]))+))"
)
_PART = re.compile(r"(\d{1,9})(ms|[smhd])")


@dataclass(frozen=True, slots=True)
class Duration:
    """A sum of seconds and of knobs that hold seconds."""

    seconds: float
    knobs: tuple[tuple[int, str], ...] = ()

    def of(self, knob: Callable[[str], float]) -> float:
        """Return the duration in seconds, with each knob's value asked of `knob`."""
        return self.seconds + sum(sign * knob(name) for sign, name in self.knobs)


def parse(text: str) -> Duration:
    """Read a duration relative to now. Raises `ValueError` with what would be right."""
    position, seconds, knobs = 0, 0.0, []
    while position < len(text.rstrip()):
        term = _TERM.match(text, position)
        if term is None or (position > 0 and not term["sign"]):
            break
        sign = -1 if term["sign"] == "-" else 1
        if term["knob"]:
            knobs.append((sign, term["knob"]))
        elif term["duration"]:
            seconds += sign * sum(int(n) * UNITS[unit] for n, unit in _PART.findall(term["duration"]))
        position = term.end()
    else:
        if position:
            return Duration(seconds, tuple(knobs))
    raise ValueError(
        f"'{text}' is no time: write now, +5m, -1h30m, or a sum with a knob such as leeway_s + 1s"
    )
