"""`touchstone lint`: the mistakes in scenario tables, each with its file, line and column."""

from __future__ import annotations

import click

from scenarios.cli.options import with_tables, write


@click.command("lint")
@click.argument("paths", nargs=-1, type=click.Path())
@with_tables
@click.option("--schema", metavar="PATH", help="Write the JSON Schema of a table instead; `-` for stdout.")
def command(
    paths: tuple[str, ...], catalogs: tuple[str, ...], only_catalogs: tuple[str, ...], schema: str | None
) -> None:
    """Check scenario tables (files, or folders of them; without any, those that ship with Touchstone).

    No id may be one that ships. --catalog checks those that ship too, as the other commands would load them.

    Prints one line for each mistake, `file:line:column: what is wrong`, and ends with status 2 if there is one.
    """
    if schema is not None:
        from scenarios.tables.model import schema_bytes

        write(schema, schema_bytes())
        return
    from scenarios.cli.options import catalogue
    from scenarios.files.problems import TableErrors, counted
    from scenarios.rehearse import mistakes
    from scenarios.stage import Lab
    from scenarios.tables.load import clashes

    if catalogs:
        scenarios = catalogue((*catalogs, *paths), only_catalogs)
    else:
        scenarios = catalogue((), (*only_catalogs, *paths))
        if problems := clashes(scenarios.values()) if paths else []:
            raise TableErrors(problems)
    with Lab() as lab:
        if problems := list(mistakes(scenarios.values(), lab)):
            raise TableErrors(problems)
    files = len({scenario.place.source for scenario in scenarios.values()})
    click.echo(f"{counted(len(scenarios), 'scenario')} in {counted(files, 'file')}, no mistakes")
