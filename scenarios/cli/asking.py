"""A target and the scenarios asked of it: how it is reached, the run, and the record of it."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from scenarios.baseline import Baseline
    from scenarios.crew import Account
    from scenarios.results import Result, Run
    from scenarios.tables.scenario import Scenario
    from scenarios.targets.profile import Profile
    from scenarios.targets.session import Session


@dataclass(frozen=True, slots=True)
class Reached:
    """A target that can be asked, and how it is reached."""

    open: Callable[[], Session]
    name: str
    adapter: str
    file: str | None = None
    profile: Profile | None = None
    """What its file declares."""


def reach(target: str | None) -> Reached:
    """Return how a target file's target is reached; the reference verifier without one. Raises `TargetError`."""
    if target is None:
        from scenarios.targets.reference import NAME, reference_session

        return Reached(reference_session, NAME, "in-process")
    from scenarios.targets.target_file import load_target, open_target

    spec = load_target(target)
    return Reached(lambda: open_target(spec), spec.name, spec.adapter, target, spec.profile)


def ask(
    reached: Reached,
    wanted: Sequence[Scenario],
    scenarios: Mapping[str, Scenario],
    known: Baseline,
    *,
    jobs: int,
    show: bool,
    part: bool,
) -> Run:
    """Ask the wanted scenarios with `jobs` workers, and return the record; `part` says that it is a shard.

    An interrupt ends it early, with what was answered until then. Raises `TargetError`.
    """
    from msgspec.structs import replace

    from scenarios.consistency import policies
    from scenarios.crew import asker

    results: list[Result] = []
    interrupted = False
    began, started = time.perf_counter(), datetime.now(UTC)
    who = asker(reached.open, scenarios, jobs, len(wanted))
    try:
        with _progress(len(wanted), show=show) as advance:
            for result in who.results(wanted):
                results.append(known.excuse(result))
                advance(result)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        account = who.account
        who.close()
    took = time.perf_counter() - began
    records = tuple(map(known.excuse_policy, policies(results, account.profile)))
    # A part of the answers cannot tell that a knob is sound by now: `merge` has all of them.
    stale = () if part else known.stale_policies(records, results)
    problems = known.problems(results) + stale
    run = _recorded(reached, account, results, (started, took), interrupted=interrupted)
    return replace(run, policies=records, baseline_problems=problems)


def _recorded(
    reached: Reached,
    account: Account,
    results: list[Result],
    when: tuple[datetime, float],
    *,
    interrupted: bool,
) -> Run:
    from importlib.metadata import version

    from scenarios.results import HealthRecord, Run, TargetRecord, totals
    from scenarios.targets.protocol import readable

    health, declared, profile = account.health, account.declaration, account.profile
    return Run(
        tool=version("oidc-touchstone"),
        target=TargetRecord(
            name=declared.name or reached.name,
            version=declared.version,
            language=declared.language,
            adapter=reached.adapter,
            file=reached.file,
        ),
        profile={
            "scope": profile.scope,
            "keys": list(profile.keys),
            "algorithms": list(profile.algorithms),
            "capabilities": list(profile.capabilities),
            "knobs": profile.declared,
        },
        started=when[0].isoformat(timespec="seconds").replace("+00:00", "Z"),
        duration_s=round(when[1], 3),
        totals=totals(tuple(results)),
        results=tuple(results),
        health=HealthRecord(
            crashes=health.crashes,
            timeouts=health.timeouts,
            protocol_errors=health.protocol_errors,
            restarts=health.restarts,
            abandoned=account.abandoned,
            last_exit=health.last_exit,
            stderr="\n".join(map(readable, health.stderr_tail.splitlines()[-20:])),
        ),
        issued=account.tokens,
        fetched=account.fetches,
        answered=health.answered,
        interrupted=interrupted,
    )


@contextmanager
def _progress(count: int, *, show: bool) -> Iterator[Callable[[Any], None]]:
    if not show:
        yield lambda _: None
        return
    from scenarios.reports.progress import Lines, bar

    if not sys.stderr.isatty():
        yield Lines(count, lambda line: click.echo(line, err=True))
        return
    with bar(count) as advance:
        yield advance
