"""What one worker has seen, and what all have: counts and times by the second, and the first findings with their token.

A worker hands over what is new every few seconds, so that what it has seen outlives it. Merging is addition.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scenarios.load.judging import Outcome

GROWTH: Final = 1.02
"""Each bucket of a histogram ends 2 % above the one before, so a percentile is at most 2 % too high."""
SMALLEST_MS: Final = 0.05
MAX_EACH: Final = 20
"""So many findings of one outcome and one kind of token are kept whole, of each worker and of all."""
MAX_TOKEN: Final = 4_096
"""So many characters of a token are kept."""

_LOG_GROWTH: Final = math.log(GROWTH)


def bucket_of(milliseconds: float) -> int:
    """Return the bucket of a time."""
    if milliseconds <= SMALLEST_MS:
        return 0
    return math.ceil(math.log(milliseconds / SMALLEST_MS) / _LOG_GROWTH)


def percentile(histogram: dict[int, int], share: float) -> float | None:
    """Return the time (ms) that this share of the requests did not exceed; None where there were none."""
    total = sum(histogram.values())
    left = math.ceil(total * share)
    for bucket in sorted(histogram):
        left -= histogram[bucket]
        if left <= 0:
            return round(SMALLEST_MS * GROWTH**bucket, 3)
    return None


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One wrong answer: to which token, and when."""

    outcome: str
    kind: str
    """The kind of the token: `good`, `expired`, `forged:none_alg`, …"""
    at: float
    """When it was sent, in seconds since the epoch."""
    at_s: float
    """The same, in seconds of the run."""
    token: str
    kid: str
    """The kid of the key that the token names, or for an unknown one the active key's."""
    key_age_s: float | None
    """How long that key had been signing; None for the first."""
    user: str | None
    """Whom a good token stands for."""
    said: str
    worker: str


class Second(msgspec.Struct):
    """One second of a run."""

    counts: dict[str, int] = {}
    """By `KIND/OUTCOME`."""
    times: dict[int, int] = {}
    """Of good tokens that were accepted: the histogram of their times."""

    @classmethod
    def of_all(cls, seconds: Iterable[Second]) -> Second:
        """Return what several hold together."""
        whole = cls()
        for second in seconds:
            whole.merge(second)
        return whole

    def merge(self, other: Second) -> None:
        """Add what another holds."""
        for name, count in other.counts.items():
            self.counts[name] = self.counts.get(name, 0) + count
        for bucket, count in other.times.items():
            self.times[bucket] = self.times.get(bucket, 0) + count


class Worker(msgspec.Struct):
    """What one process did."""

    sent: int = 0
    cpu_s: float = 0.0
    """Processor time since the run began."""
    until_s: float = 0.0
    """Until which second of the run it reported."""


class Tally(msgspec.Struct):
    """Of one worker since it last handed over, or of a whole run."""

    seconds: dict[int, Second] = {}
    """By whole seconds since the run began."""
    findings: list[Finding] = []
    workers: dict[str, Worker] = {}

    def add(self, second: int, kind: str, outcome: Outcome, milliseconds: float | None) -> None:
        """Count one answer; `milliseconds` of those whose times count."""
        found = self.seconds.get(second)
        if found is None:
            found = self.seconds[second] = Second()
        name = f"{kind}/{outcome}"
        found.counts[name] = found.counts.get(name, 0) + 1
        if milliseconds is not None:
            bucket = bucket_of(milliseconds)
            found.times[bucket] = found.times.get(bucket, 0) + 1

    def merge(self, other: Tally) -> None:
        """Add what another tally holds."""
        for number, second in other.seconds.items():
            self.seconds.setdefault(number, Second()).merge(second)
        self.findings = first_of_each([*self.findings, *other.findings])
        for name, worker in other.workers.items():
            before = self.workers.get(name, Worker())
            self.workers[name] = Worker(
                before.sent + worker.sent, before.cpu_s + worker.cpu_s, max(before.until_s, worker.until_s)
            )


def first_of_each(findings: Iterable[Finding]) -> list[Finding]:
    """Return the first `MAX_EACH` of each outcome and kind, by their time."""
    kept: list[Finding] = []
    seen: dict[tuple[str, str], int] = {}
    for finding in sorted(findings, key=lambda one: one.at):
        name = (finding.outcome, finding.kind)
        seen[name] = seen.get(name, 0) + 1
        if seen[name] <= MAX_EACH:
            kept.append(finding)
    return kept
