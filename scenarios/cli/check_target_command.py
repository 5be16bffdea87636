"""`touchstone check-target`: whether a target can be asked at all, line by line, and what to change."""

from __future__ import annotations

import textwrap
from functools import partial
from typing import TYPE_CHECKING

import click

from scenarios.cli import EXIT_FINDINGS, EXIT_TARGET
from scenarios.cli.options import write

if TYPE_CHECKING:
    from scenarios.check.steps import Step

WIDTH = 100
LABEL = 18


@click.command("check-target")
@click.argument("target", required=False, type=click.Path())
@click.option(
    "--schema", metavar="PATH", help="Write the JSON Schema of a target file instead; `-` for stdout."
)
@click.option(
    "--verbose", is_flag=True, help="Show on stderr what is sent to the target, and what it answers."
)
def command(target: str | None, schema: str | None, verbose: bool) -> int:  # noqa: FBT001 - click passes flags so
    """Start a target, onboard it, ask it the least that there is, and say what does not fit and what to change.

    Exit status: 0 it can be asked; 1 something has to be changed; 2 a mistake in the file; 3 it could not be started.
    """
    if schema is not None:
        from scenarios.targets.target_file import schema_bytes

        write(schema, schema_bytes())
        return 0
    if target is None:
        raise click.UsageError("name the target file: touchstone check-target target.yaml")
    from scenarios.check.steps import check
    from scenarios.files.problems import counted
    from scenarios.targets.target_file import load_target

    spec = load_target(target)
    bad = 0
    started = True
    for step in check(spec, overhear=partial(click.echo, err=True) if verbose else None):
        click.echo(_line(step))
        bad += step.good is False
        started = started and not (step.name == "start" and step.good is False)
    if not started:
        return EXIT_TARGET
    click.echo()
    if bad:
        hint = "" if verbose else "; --verbose shows each message and its answer"
        click.echo(
            f"{counted(bad, 'thing')} to change before touchstone run --target {target} says much{hint}"
        )
        return EXIT_FINDINGS
    click.echo(f"it can be asked: touchstone run --target {target}")
    return 0


def _line(step: Step) -> str:
    mark = {True: "ok", False: "NO", None: "--"}[step.good]
    indent = " " * (4 + LABEL)
    says = textwrap.fill(
        step.says, WIDTH, initial_indent=f"{mark}  {step.name:<{LABEL}}", subsequent_indent=indent
    )
    if not step.change:
        return says
    return (
        says
        + "\n"
        + textwrap.fill(step.change, WIDTH, initial_indent=indent + "→ ", subsequent_indent=indent + "  ")
    )
