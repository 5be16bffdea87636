"""`touchstone run`: scenarios against a target, and the report of how it differs."""

from __future__ import annotations

import hashlib
import shlex
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scenarios.cli import EXIT_FINDINGS, EXIT_INTERRUPTED, EXIT_TARGET, EXIT_USAGE
from scenarios.cli.loop_options import Loop, looping
from scenarios.cli.options import catalogue, chosen, output_may_end, plain_option, selecting
from scenarios.cli.reporting import Outputs, reporting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from scenarios.baseline import Baseline
    from scenarios.crew import Account
    from scenarios.results import Result, Run, ShardRecord
    from scenarios.tables.scenario import Scenario
    from scenarios.targets.profile import Profile
    from scenarios.targets.session import Session


@click.command("run")
@click.option(
    "--target",
    metavar="FILE",
    type=click.Path(),
    help="The target's YAML file; without it, the reference verifier.",
)
@selecting
@reporting
@click.option(
    "--baseline", metavar="FILE", type=click.Path(), help="Known failures: a list of {id, reason, link}."
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    metavar="N",
    help="Ask with N copies of the target at once; by default 1, for the reference verifier one a core.",
)
@click.option("--strict", is_flag=True, help="A warning is a finding too.")
@click.option(
    "--details", default="20", metavar="N|all", help="How many findings to explain.", show_default=True
)
@looping
@plain_option
def command(  # noqa: PLR0913, PLR0917 - one parameter an option
    target: str | None,
    patterns: tuple[str, ...],
    rules: tuple[str, ...],
    levels: tuple[str, ...],
    catalogs: tuple[str, ...],
    only_catalogs: tuple[str, ...],
    annotations: str,
    baseline: str | None,
    jobs: int | None,
    strict: bool,  # noqa: FBT001 - click passes flags so
    details: str,
    plain: bool,  # noqa: FBT001 - as above
    loop: Loop,
    **reports: str | None,
) -> int:
    """Run scenarios against a target and report how it differs.

    Exit status: 0 no findings, 1 findings, 2 wrong usage or table, 3 the target could not be started or spoke a broken
    protocol.
    """
    from scenarios.baseline import Baseline
    from scenarios.crew import cores
    from scenarios.tables.digest import texts

    explained = count_of(details)
    outputs = Outputs(reports, annotations)
    scenarios = catalogue(catalogs, only_catalogs)
    if loop.watch:
        from scenarios.cli.watching import watch_and_run

        return watch_and_run(target, [*catalogs, *only_catalogs], outputs.files)
    selection = chosen(scenarios, patterns, rules, levels)
    wanted = loop.narrowed(selection, target)
    if not wanted and loop.shard is None:
        click.echo("nothing failed last time", err=outputs.quiet)
        return 0
    if catalogs or only_catalogs:
        _rehearse_own(wanted)
    known = Baseline.read(baseline) if baseline else Baseline()
    known.check(scenarios)
    reached = reach(target)
    if jobs is None:
        # The reference verifier minds nothing; what else a target may share between its copies, its author knows.
        jobs = cores() if target is None else 1
    _say_what_breaks_a_floor(reached.profile)
    run = _run(
        reached,
        wanted,
        scenarios,
        known,
        jobs=jobs,
        show=not plain and not outputs.quiet,
        part=loop.shard is not None,
    )
    run = _replayable(run, scenarios, texts(catalogs, only_catalogs), loop.record(selection, wanted))
    run = _named(run, len(wanted), _again(target, catalogs, only_catalogs))
    loop.after(run, target, known, strict=strict)
    if not outputs.quiet:
        from scenarios.reports.terminal import console, report

        with output_may_end():
            report(
                run,
                console(plain=plain),
                details=explained,
                again=run.again,
                strict=strict,
            )
    outputs.write(run, strict=strict)
    return exit_status(run, strict=strict)


def count_of(details: str) -> int | None:
    """Return how many findings `--details` wants explained; None for all. Raises `click.BadParameter`."""
    if details != "all" and not details.isdecimal():
        raise click.BadParameter("a number or 'all'", param_hint="--details")
    return None if details == "all" else int(details)


def _replayable(
    run: Run,
    scenarios: dict[str, Scenario],
    tables: list[tuple[str, bytes]],
    shard: ShardRecord | None,
) -> Run:
    """Return the run with what `replay` and `merge` need of it."""
    from msgspec.structs import replace

    from scenarios.replay import tables_of
    from scenarios.tables.digest import digest

    kept = tables_of(run.results, scenarios, tables)
    target = run.target
    if target.file is not None:
        target = replace(target, digest=hashlib.sha256(Path(target.file).read_bytes()).hexdigest())
    return replace(run, target=target, catalogue=digest(tables), tables=kept, shard=shard)


def _rehearse_own(wanted: Sequence[Scenario]) -> None:
    """Raise `TableErrors` for what `lint` would say of tables that do not ship: no finding about a target."""
    from scenarios.files.problems import TableErrors
    from scenarios.rehearse import mistakes
    from scenarios.stage import Lab
    from scenarios.tables.load import builtin_tables

    shipped = {name for name, _ in builtin_tables()}
    with Lab() as lab:
        if problems := list(mistakes((one for one in wanted if one.place.source not in shipped), lab)):
            raise TableErrors(problems)


@dataclass(frozen=True, slots=True)
class _Reached:
    """A target that can be asked, and how it is reached."""

    open: Callable[[], Session]
    name: str
    adapter: str
    file: str | None = None
    profile: Profile | None = None
    """What its file declares."""


def _say_what_breaks_a_floor(profile: Profile | None) -> None:
    """Name declared values below a floor before anything runs; the report has them too."""
    from scenarios.consistency import below_floor
    from scenarios.targets.floors import within_floors

    for breach in within_floors(profile).breaches if profile else ():
        click.echo(f"touchstone run: {breach.knob}: {below_floor(breach).message}", err=True)


def reach(target: str | None) -> _Reached:
    """Return how a target file's target is reached; the reference verifier without one. Raises `TargetError`."""
    if target is None:
        from scenarios.targets.reference import NAME, reference_session

        return _Reached(reference_session, NAME, "in-process")
    from scenarios.targets.target_file import load_target, open_target

    spec = load_target(target)
    return _Reached(lambda: open_target(spec), spec.name, spec.adapter, target, spec.profile)


def _run(
    reached: _Reached,
    wanted: Sequence[Scenario],
    scenarios: dict[str, Scenario],
    known: Baseline,
    *,
    jobs: int,
    show: bool,
    part: bool,
) -> Run:
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
    reached: _Reached,
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


def _named(run: Run, wanted: int, again: str) -> Run:
    """Return a run with the commands that make it, and one scenario of it, again."""
    from msgspec.structs import replace

    given = click.get_current_context().find_root().obj
    command = shlex.join(["touchstone", *(given or ())])
    return replace(run, wanted=wanted, again=again, command=command)


def _again(target: str | None, catalogs: tuple[str, ...], only_catalogs: tuple[str, ...]) -> str:
    words = ["touchstone", "run", *(["--target", target] if target else [])]
    for path in catalogs:
        words += ["--catalog", path]
    for path in only_catalogs:
        words += ["--only-catalog", path]
    return shlex.join(words)


def exit_status(run: Run, *, strict: bool) -> int:
    """Return the status that a run ends with; a shard to which nothing applies is no mistake."""
    from scenarios.results import FINDINGS, Kind

    if run.interrupted:
        return EXIT_INTERRUPTED
    if any(result.table_fault for result in run.results):
        return EXIT_USAGE
    if run.health.protocol_errors or (run.health.abandoned and not run.answered):
        return EXIT_TARGET
    findings = FINDINGS | {Kind.WARN} if strict else FINDINGS
    if run.shard is None and all(result.outcome is Kind.NOT_APPLICABLE for result in run.results):
        return EXIT_USAGE
    found = run.profile_findings() or run.baseline_problems
    return EXIT_FINDINGS if found or any(result.outcome in findings for result in run.results) else 0
