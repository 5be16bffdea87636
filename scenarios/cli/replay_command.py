"""`touchstone replay`: a result of an earlier run asked again, from its file alone."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scenarios.cli import EXIT_FINDINGS
from scenarios.cli.options import output_may_end, plain_option

if TYPE_CHECKING:
    from scenarios.replay import Replayed
    from scenarios.results import Result, Run
    from scenarios.tables.scenario import Scenario


@click.command("replay")
@click.argument("file", metavar="RESULT.json", type=click.Path())
@click.argument("names", metavar="[ID]...", nargs=-1)
@click.option(
    "--target",
    metavar="FILE",
    type=click.Path(),
    help="The target's YAML file, where it is not at the path that the result names.",
)
@click.option("--details", is_flag=True, help="Explain each result as `run` does, as it came out now.")
@plain_option
def command(
    file: str,
    names: tuple[str, ...],
    target: str | None,
    details: bool,  # noqa: FBT001 - click passes flags so
    plain: bool,  # noqa: FBT001 - as above
) -> int:
    """Ask results of an earlier run again, and say whether they come out the same; without an ID, all that are no pass.

    The scenarios are those of the file, whatever the catalogue is by now. Exit status: 0 all reproduced, 1 at least one
    differs, 2 wrong usage or a file that is no result, 3 the target could not be started.
    """
    from scenarios.replay import ReplayError, catalogue_of, compared, meant
    from scenarios.result_file import ResultFileError, read_run

    try:
        run = read_run(file)
        scenarios = catalogue_of(run)
        before = meant(run, names, scenarios)
    except (ResultFileError, ReplayError) as error:
        raise click.UsageError(str(error)) from None
    if not before:
        click.echo("nothing to replay: every result of this file is a pass, or did not apply")
        return 0
    now = _asked(_target(run, target), before, scenarios)
    pairs = [(compared(old, new), new) for old, new in zip(before, now, strict=True)]
    with output_may_end():
        for replayed, result in pairs:
            _say(replayed, result, details=details, plain=plain)
        same = sum(not replayed.differences for replayed, _ in pairs)
        click.echo(f"{same} of {len(pairs)} reproduced")
    return 0 if same == len(pairs) else EXIT_FINDINGS


def _target(run: Run, named: str | None) -> str | None:
    """Return the target file to ask, or None for the reference verifier; say so when it has changed."""
    path = named or run.target.file
    if path is None:
        return None
    if named is None and not Path(path).exists():
        raise click.UsageError(
            f"the target file '{path}' of this result is not here: name it with --target FILE"
        )
    if run.target.digest and Path(path).is_file():
        with Path(path).open("rb") as opened:
            if hashlib.file_digest(opened, "sha256").hexdigest() != run.target.digest:
                click.echo(f"touchstone replay: '{path}' is another file than it was at the run", err=True)
    return path


def _asked(target: str | None, before: list[Result], scenarios: dict[str, Scenario]) -> list[Result]:
    from scenarios.cli.asking import reach
    from scenarios.crew import Solo

    solo = Solo(reach(target).open, scenarios)
    try:
        return list(solo.results([scenarios[result.id] for result in before]))
    finally:
        solo.close()


def _say(replayed: Replayed, result: Result, *, details: bool, plain: bool) -> None:
    how = "byte for byte" if replayed.exact else "the tokens the same but for their times"
    click.echo(f"{replayed.id}: {'differs' if replayed.differences else f'reproduced, {how}'}")
    for line in replayed.differences:
        click.echo(f"   {line}")
    if details:
        from scenarios.reports.terminal import console, finding

        finding(result, console(plain=plain))
        click.echo()
