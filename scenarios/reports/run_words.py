"""What the reports of a run have in common: the verdict in a line, and the score by level and group."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scenarios.results import FINDINGS, Kind, Result, Run
from scenarios.rulebook import Level

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

LADDER: Final = (
    Kind.FAIL,
    Kind.ERROR,
    Kind.UNPROVEN,
    Kind.XPASS,
    Kind.WARN,
    Kind.XFAIL,
    Kind.PASS,
    Kind.NOT_APPLICABLE,
)
"""The outcomes, the worst first."""
PARTS: Final[tuple[tuple[str, Callable[[Result], str]], ...]] = (
    ("level", lambda result: result.level),
    ("group", lambda result: result.id.partition("/")[0]),
)
"""By what a score is told apart: its title, and how a result names its part."""


_LEVELS: Final = {level.value: number for number, level in enumerate(Level)}


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a run came out, for its headline."""

    good: bool
    headline: str
    passed: int
    asked: int
    notes: tuple[str, ...]
    """What the reader must know before believing the headline."""


def verdict_of(run: Run, *, strict: bool = False) -> Verdict:
    """Return the verdict on a run; with `strict` a warning is a finding too."""
    kinds = FINDINGS | {Kind.WARN} if strict else FINDINGS
    found = sum(result.outcome in kinds for result in run.results) + len(run.profile_findings())
    asked = len(run.results) - run.totals[Kind.NOT_APPLICABLE.value]
    notes = []
    if run.interrupted:
        notes.append(f"Interrupted: {len(run.results)} of {run.wanted or 'more'} scenarios ran.")
    if run.health.abandoned:
        notes.append(f"The target was given up: {run.health.abandoned}")
    notes += run.baseline_problems
    if not asked:
        return Verdict(False, "Nothing was asked of this target", 0, 0, tuple(notes))  # noqa: FBT003 - a field
    headline = f"{found} finding{'s' * (found != 1)}" if found else "No findings"
    good = not (found or notes)
    return Verdict(good, headline, run.totals[Kind.PASS.value], asked, tuple(notes))


@dataclass(frozen=True, slots=True)
class Bar:
    """The score of one part of a run."""

    name: str
    passed: int
    asked: int
    counts: Mapping[Kind, int]


def score(results: Iterable[Result], part: Callable[[Result], str]) -> list[Bar]:
    """Return how each part of the results came out: levels from MUST down, others in the order in which they come."""
    counts: dict[str, Counter[Kind]] = {}
    for result in results:
        counts.setdefault(part(result), Counter())[result.outcome] += 1
    return [
        Bar(name, count[Kind.PASS], count.total() - count[Kind.NOT_APPLICABLE], count)
        for name, count in sorted(counts.items(), key=lambda item: _LEVELS.get(item[0], 0))
    ]
