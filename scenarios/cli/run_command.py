"""`touchstone run`: scenarios against a target, and the report of how it differs."""

from __future__ import annotations

import hashlib
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scenarios.cli.asking import ask, reach
from scenarios.cli.loop_options import Loop, looping
from scenarios.cli.options import (
    catalogue,
    chosen,
    details_option,
    plain_option,
    selecting,
    strict_option,
    target_option,
)
from scenarios.cli.reporting import Outputs, build_address, reporting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scenarios.results import Run, ShardRecord
    from scenarios.tables.scenario import Scenario
    from scenarios.targets.profile import Profile


@click.command("run")
@target_option
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
@strict_option
@details_option
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
    details: int | None,
    plain: bool,  # noqa: FBT001 - as above
    loop: Loop,
    **reports: str | None,
) -> int:
    """Run scenarios against a target and report how it differs.

    Exit status: 0 no findings, 1 findings, 2 wrong usage or a mistake in a file, 3 the target could not be started or
    spoke a broken protocol, 130 interrupted, with the report of what ran. `touchstone init DIR` writes a target to
    start from, and `touchstone show ID` explains a scenario.
    """
    from scenarios.baseline import Baseline
    from scenarios.tables.digest import texts

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
    _say_what_breaks_a_floor(reached.profile)
    show = not plain and not outputs.quiet
    run = ask(
        reached, wanted, scenarios, known, jobs=jobs or _jobs(target), show=show, part=loop.shard is not None
    )
    run = _replayable(run, scenarios, texts(catalogs, only_catalogs), loop.record(selection, wanted))
    run = _named(run, len(wanted), _again(target, catalogs, only_catalogs), outputs.replay)
    loop.after(run, target, known, strict=strict)
    return outputs.tell(run, details=details, strict=strict, plain=plain)


def _jobs(target: str | None) -> int:
    """Return with how many copies a target is asked when nobody says.

    The reference verifier minds nothing; what else a target may share between its copies, its author knows.
    """
    from scenarios.crew import cores

    return cores() if target is None else 1


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


def _say_what_breaks_a_floor(profile: Profile | None) -> None:
    """Name declared values below a floor before anything runs; the report has them too."""
    from scenarios.consistency import below_floor
    from scenarios.targets.floors import within_floors

    for breach in within_floors(profile).breaches if profile else ():
        click.echo(f"touchstone run: {breach.knob}: {below_floor(breach).message}", err=True)


def _named(run: Run, wanted: int, again: str, replay: str) -> Run:
    """Return a run with the commands that make it, and one scenario or one result of it, again."""
    from msgspec.structs import replace

    given = click.get_current_context().find_root().obj
    command = shlex.join(["touchstone", *(given or ())])
    build = build_address(os.environ)
    return replace(run, wanted=wanted, again=again, replay=replay, command=command, build=build)


def _again(target: str | None, catalogs: tuple[str, ...], only_catalogs: tuple[str, ...]) -> str:
    words = ["touchstone", "run", *(["--target", target] if target else [])]
    for path in catalogs:
        words += ["--catalog", path]
    for path in only_catalogs:
        words += ["--only-catalog", path]
    return shlex.join(words)
