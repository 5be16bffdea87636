"""The result of a load run: what was asked and answered, what was wrong with it, and how long it took. Types and sums.

Scripts depend on the names of the JSON; more fields may come.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec

from scenarios.load.judging import OUTCOMES
from scenarios.load.tally import GROWTH, SMALLEST_MS, Finding, Second, Tally, first_of_each, percentile
from scenarios.load.timeline import Timeline
from scenarios.load.worker import totals

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from scenarios.load.plan import Event
    from scenarios.load.run_file import Run

SCHEMA: Final = "touchstone-load-1"
MAX_POINTS: Final = 240
"""Into so many points a run is divided at most."""
LOST_S: Final = 10.0
"""A worker that reported nothing for so long at the end of a run (seconds) is lost."""
SAYS: Final = {
    "mixed_up": "accepted as another user",
    "false_accept": "false, and accepted",
    "good_refused": "good, and refused",
    "unclear": "answered neither yes nor no",
    "no_answer": "not answered",
}
"""What each outcome that is a finding means, the worst first."""


class Times(msgspec.Struct, frozen=True):
    """Percentiles of the times of good tokens (milliseconds); None where there were none."""

    p50: float | None
    p90: float | None
    p99: float | None
    longest: float | None

    @classmethod
    def of(cls, histogram: dict[int, int]) -> Times:
        """Read them from a histogram."""
        longest = round(SMALLEST_MS * GROWTH ** max(histogram), 3) if histogram else None
        return cls(
            percentile(histogram, 0.5), percentile(histogram, 0.9), percentile(histogram, 0.99), longest
        )


class Point(msgspec.Struct, frozen=True):
    """A stretch of the run."""

    at_s: int
    for_s: int
    sent: int
    wrong: int
    excused: int
    fetches: int
    times_ms: Times


class Problem(msgspec.Struct, frozen=True):
    """One reason for which the run is failed."""

    what: str
    """An outcome, or `fetch_storm`, `slow`, `nothing_proven`."""
    count: int
    says: str
    first_s: float | None = None
    """When it was first seen, in seconds of the run."""


class Happening(msgspec.Struct, frozen=True):
    """An event of the plan."""

    at_s: float
    for_s: float
    says: str


class Process(msgspec.Struct, frozen=True):
    """One worker."""

    name: str
    sent: int
    cpu_s: float
    until_s: float
    lost: bool
    """Whether it reported nothing at the end of the run; what it had reported counts."""


class Generator(msgspec.Struct, frozen=True):
    """What the sending took: processor time of all workers."""

    cpu_s: float
    cores_per_1000: float | None
    """Cores that are busy for each 1,000 requests a second."""


class LoadResult(msgspec.Struct, frozen=True, kw_only=True):
    """A whole run."""

    schema: str = SCHEMA
    passed: bool
    target: str
    url: str
    started: str
    """ISO 8601, UTC."""
    duration_s: float
    """Of the plan; an interrupted run ended earlier."""
    interrupted: bool
    sent: int
    rate: float
    """Requests a second, over the seconds in which there were any."""
    totals: dict[str, dict[str, int]]
    """By kind of token and outcome."""
    times_ms: Times
    problems: list[Problem]
    findings: list[Finding]
    points: list[Point]
    rotations: list[float]
    """When another key began to sign, in seconds of the run."""
    events: list[Happening]
    fetches: int
    fetch_peak: Problem | None
    """The most fetches within the window of the plan's bound."""
    workers: list[Process]
    generator: Generator
    notes: list[str]


def result_of(run: Run, tally: Tally, fetches: Sequence[float], *, interrupted: bool = False) -> LoadResult:
    """Put a result together; `fetches` are the moments at which the IdP was asked for its keys."""
    timeline = Timeline(run.plan, run.since)
    asked = sorted(when - run.since for when in fetches if run.since <= when <= timeline.end)
    counts = _by_kind(tally)
    times = Second.of_all(tally.seconds.values()).times
    sent = sum(sum(outcomes.values()) for outcomes in counts.values())
    peak = _peak(run, asked)
    problems = [*_wrong(tally, counts), *_storm(run, peak), *_slow(run, times), *_unproven(counts)]
    workers = [
        Process(name, one.sent, round(one.cpu_s, 2), one.until_s, _is_lost(run, one.until_s, interrupted))
        for name, one in sorted(tally.workers.items())
    ]
    cpu = sum(one.cpu_s for one in workers)
    return LoadResult(
        passed=not problems,
        target=run.target.name,
        url=run.target.url,
        started=datetime.fromtimestamp(run.since, UTC).isoformat(timespec="seconds"),
        duration_s=run.plan.duration_s,
        interrupted=interrupted,
        sent=sent,
        rate=round(sent / len(tally.seconds), 1) if tally.seconds else 0.0,
        totals=counts,
        times_ms=Times.of(times),
        problems=problems,
        findings=first_of_each(tally.findings),
        points=_points(run, tally, asked),
        rotations=[
            round(timeline.starts(key) - run.since, 3)
            for key in range(1, timeline.keys)
            if timeline.starts(key) < timeline.end
        ],
        events=[Happening(event.at_s, event.for_s, _in_words(event)) for event in run.plan.events],
        fetches=len(asked),
        fetch_peak=peak,
        workers=workers,
        generator=Generator(round(cpu, 2), round(cpu / sent * 1000, 3) if sent else None),
        notes=list(_notes(run, counts, workers)),
    )


def _by_kind(tally: Tally) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for name, count in totals(tally).items():
        kind, _, outcome = name.rpartition("/")
        found.setdefault(kind, {})[outcome] = count
    return {
        kind: {outcome: found[kind][outcome] for outcome in OUTCOMES if outcome in found[kind]}
        for kind in sorted(found, key=lambda kind: (kind != "good", kind))
    }


def _wrong(tally: Tally, counts: dict[str, dict[str, int]]) -> Iterator[Problem]:
    for outcome, says in SAYS.items():
        count = sum(outcomes.get(outcome, 0) for outcomes in counts.values())
        if count:
            first = min((one.at_s for one in tally.findings if one.outcome == outcome), default=None)
            yield Problem(outcome, count, says, first)


def _peak(run: Run, asked: list[float]) -> Problem | None:
    bound = run.plan.limits.fetches
    if bound is None:
        return None
    peak = max(
        ((bisect_left(asked, begin + bound.in_s) - index, begin) for index, begin in enumerate(asked)),
        key=lambda one: one[0],
        default=(0, None),
    )
    says = f"fetches of the JWKS within {bound.in_s:g} s, where the plan allows {bound.most}"
    return Problem("fetch_storm", peak[0], says, None if peak[1] is None else round(peak[1], 3))


def _storm(run: Run, peak: Problem | None) -> Iterator[Problem]:
    bound = run.plan.limits.fetches
    if bound is not None and peak is not None and peak.count > bound.most:
        yield peak


def _slow(run: Run, times: dict[int, int]) -> Iterator[Problem]:
    bound, took = run.plan.limits.p99_ms, percentile(times, 0.99)
    if bound is not None and took is not None and took > bound:
        says = f"good tokens took {took:g} ms at the 99th percentile, where the plan allows {bound:g} ms"
        yield Problem("slow", sum(times.values()), says)


def _unproven(counts: dict[str, dict[str, int]]) -> Iterator[Problem]:
    if not counts.get("good", {}).get("right"):
        yield Problem("nothing_proven", 0, "no good token was accepted, so that no refusal proves anything")


def _is_lost(run: Run, until_s: float, interrupted: bool) -> bool:  # noqa: FBT001 - told by position
    return not interrupted and until_s < run.plan.duration_s - LOST_S


def _points(run: Run, tally: Tally, asked: list[float]) -> list[Point]:
    last = max((*tally.seconds, 0))
    width = -(-(last + 1) // MAX_POINTS)
    points = []
    for begin in range(0, last + 1, width):
        part = Second.of_all(
            tally.seconds[number] for number in range(begin, begin + width) if number in tally.seconds
        )
        counts: Counter[str] = Counter()
        for name, count in part.counts.items():
            counts[name.rpartition("/")[2]] += count
        points.append(
            Point(
                at_s=begin,
                for_s=min(width, max(1, round(run.plan.duration_s) - begin)),
                sent=counts.total(),
                wrong=sum(counts[outcome] for outcome in SAYS),
                excused=counts["excused"],
                fetches=bisect_left(asked, begin + width) - bisect_left(asked, begin),
                times_ms=Times.of(part.times),
            )
        )
    return points


def _in_words(event: Event) -> str:
    parts = []
    if event.jwks is not None:
        fault = (
            event.jwks
            if isinstance(event.jwks, str)
            else ", ".join(f"{name} {value}" for name, value in event.jwks.items())
        )
        parts.append(f"JWKS endpoint: {fault}")
    if event.mix is not None:
        shares = event.mix.shares()
        whole = sum(shares.values())
        parts.append("sent: " + ", ".join(f"{kind} {share / whole:.0%}" for kind, share in shares.items()))
    if event.rate is not None:
        parts.append(f"{event.rate:g} requests/s of each worker")
    return "; ".join(parts)


def _notes(run: Run, counts: dict[str, dict[str, int]], workers: list[Process]) -> Iterator[str]:
    planned = {kind for _, mix in run.plan.mixes() for kind in mix.shares()}
    never = sorted(planned - counts.keys())
    if never:
        yield f"never sent: {', '.join(never)} (the run was too short for it, or its share too small)"
    for one in workers:
        if one.lost:
            yield f"worker {one.name} reported until second {one.until_s:g} and no longer: its last seconds are missing"
    excused = sum(outcomes.get("excused", 0) for outcomes in counts.values())
    if excused:
        yield f"{excused} good tokens were refused while their key could not be known yet (limits.learn_s)"
    if run.plan.limits.fetches is None:
        yield "fetches of the JWKS were counted and not judged: the plan has no limits.fetches"
