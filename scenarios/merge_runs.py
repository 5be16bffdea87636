"""Shards back into one run: only what belongs together, and only when all of it is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scenarios.baseline import Baseline
from scenarios.consistency import policies
from scenarios.files.problems import listed
from scenarios.results import HealthRecord, Run, totals
from scenarios.targets.floors import within_floors
from scenarios.targets.target_file import profile_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from scenarios.results import Result, ShardRecord


class MergeError(ValueError):
    """Runs that are not all shards of one: in one line."""


@dataclass(frozen=True, slots=True)
class _Part:
    file: str
    run: Run
    shard: ShardRecord


def merge(runs: Sequence[tuple[str, Run]], baseline: Baseline | None = None) -> Run:
    """Return the one run that shards (each with its file's name) are parts of.

    How the target stands to its profile is judged anew, over all results. `baseline` excuses knobs, as it does for
    `touchstone run`. A whole run alone comes back as it is. Raises `MergeError`.
    """
    if len(runs) == 1 and runs[0][1].shard is None:
        if baseline is not None:
            raise MergeError(
                f"'{runs[0][0]}' is a whole run, which has read its baseline itself: leave it out here"
            )
        return runs[0][1]
    parts = sorted(map(_part, runs), key=lambda part: part.shard.index)
    _check_same(parts)
    _check_all_there(parts)
    placed = [pair for part in parts for pair in zip(part.shard.places, part.run.results, strict=False)]
    results = tuple(result for _, result in sorted(placed, key=lambda pair: pair[0]))
    return _joined(parts, results, baseline or Baseline())


def _part(named: tuple[str, Run]) -> _Part:
    file, run = named
    if run.shard is None:
        raise MergeError(
            f"'{file}' is a whole run, and no shard of one: touchstone run --shard 1/4 makes a shard"
        )
    if len(run.results) > len(run.shard.places):
        raise MergeError(f"'{file}' has more results than its shard has scenarios")
    return _Part(file, run, run.shard)


def _check_same(parts: Sequence[_Part]) -> None:
    """Raise `MergeError` where two parts differ in what they were a run of."""
    for part in parts[1:]:
        for what, ours, theirs in zip(_NAMES, _of(parts[0]), _of(part), strict=True):
            if ours != theirs:
                shown = f": {ours}, and {theirs}" if what not in _DIGESTS else ""
                raise MergeError(f"'{parts[0].file}' and '{part.file}' differ in their {what}{shown}")


_NAMES = (
    "release of Touchstone",
    "target",
    "profile",
    "catalogue",
    "target file",
    "number of shards",
    "selection",
)
_DIGESTS = frozenset({"profile", "catalogue", "target file", "selection"})


def _of(part: _Part) -> tuple[Any, ...]:
    run, target = part.run, part.run.target
    who = " ".join(filter(None, (target.name, target.version, target.adapter)))
    return (
        run.tool, who, run.profile, run.catalogue, target.digest,
        part.shard.count, (part.shard.selection, part.shard.total),
    )  # fmt: skip


def _check_all_there(parts: Sequence[_Part]) -> None:
    count = parts[0].shard.count
    by_index: dict[int, str] = {}
    for part in parts:
        if part.shard.index in by_index:
            other = by_index[part.shard.index]
            raise MergeError(f"'{other}' and '{part.file}' are both shard {part.shard.index}/{count}")
        by_index[part.shard.index] = part.file
    if missing := [f"{index}/{count}" for index in range(1, count + 1) if index not in by_index]:
        raise MergeError(
            f"not all shards are there: {listed(missing)} {'is' if len(missing) == 1 else 'are'} missing; "
            "name the files of all, with --json each"
        )
    if sorted(place for part in parts for place in part.shard.places) != list(range(parts[0].shard.total)):
        raise MergeError(
            "the shards overlap, or leave scenarios out: cut all of them with the same --durations"
        )


def _joined(parts: Sequence[_Part], results: tuple[Result, ...], baseline: Baseline) -> Run:
    runs = [part.run for part in parts]
    profile = within_floors(profile_of(runs[0].profile))
    records = tuple(map(baseline.excuse_policy, policies(results, profile)))
    problems = dict.fromkeys(problem for run in runs for problem in run.baseline_problems)
    return Run(
        tool=runs[0].tool,
        target=runs[0].target,
        profile=runs[0].profile,
        started=min(run.started for run in runs),
        duration_s=max(run.duration_s for run in runs),
        totals=totals(results),
        results=results,
        health=_health([run.health for run in runs]),
        issued=sum(run.issued for run in runs),
        fetched=sum(run.fetched for run in runs),
        answered=sum(run.answered for run in runs),
        interrupted=any(run.interrupted for run in runs),
        wanted=sum(run.wanted for run in runs),
        command=" && ".join(run.command for run in runs),
        again=runs[0].again,
        build=runs[0].build,
        baseline_problems=(*problems, *baseline.stale_policies(records, results)),
        catalogue=runs[0].catalogue,
        tables={name: text for run in runs for name, text in run.tables.items()},
        policies=records,
    )


def _health(all_of_them: Iterable[HealthRecord]) -> HealthRecord:
    each = list(all_of_them)
    return HealthRecord(
        crashes=sum(one.crashes for one in each),
        timeouts=sum(one.timeouts for one in each),
        protocol_errors=sum(one.protocol_errors for one in each),
        restarts=sum(one.restarts for one in each),
        abandoned=next((one.abandoned for one in each if one.abandoned), None),
        last_exit=next((one.last_exit for one in each if one.last_exit), None),
        stderr=next((one.stderr for one in each if one.stderr), ""),
    )
