"""`touchstone export`: the scenarios that need no server as JSON files, for people who want no harness."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from scenarios.cli.options import catalogue, check_writable, chosen, selecting, write
from scenarios.files.problems import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scenarios.tables.scenario import Scenario
    from scenarios.vectors.model import Index


@click.command("export")
@click.argument("folder", metavar="DIR", type=click.Path())
@selecting
@click.option("--force", is_flag=True, help="Write into a folder that is not empty, over an earlier export.")
@click.option("--json", "json_path", metavar="PATH", help="Write the index there too; `-` for stdout.")
def command(  # noqa: PLR0913, PLR0917 - one parameter an option
    folder: str,
    patterns: tuple[str, ...],
    rules: tuple[str, ...],
    levels: tuple[str, ...],
    catalogs: tuple[str, ...],
    only_catalogs: tuple[str, ...],
    force: bool,  # noqa: FBT001 - click passes flags so
    json_path: str | None,
) -> None:
    """Write the scenarios that need no server as JSON vectors.

    DIR gets index.json, vectors/, the JSON Schemas of both, and SHA256SUMS. The same version and options give the
    same bytes on every machine. What cannot be written down as data alone is counted and named in the index.
    """
    check_writable(json_path)
    _check_folder(Path(folder), force=force)
    scenarios = catalogue(catalogs, only_catalogs)
    wanted = _with_controls(chosen(scenarios, patterns, rules, levels), scenarios)
    index, files = _made(wanted)
    if not index.count:
        chosen_ones = counted(len(wanted), "scenario")
        raise click.UsageError(f"no vector can be made of {chosen_ones}: {_reasons(index)}")
    _write(Path(folder), files)
    if json_path is not None:
        write(json_path, files["index.json"])
    if json_path != "-":
        _report(folder, index, files)


def _check_folder(folder: Path, *, force: bool) -> None:
    """Raise `click.UsageError` for a folder that cannot be written to, or holds something already."""
    try:
        there = next(folder.iterdir(), None) is not None
    except FileNotFoundError:
        check_writable(str(folder))
        return
    except OSError as error:
        raise click.UsageError(f"'{folder}' cannot be written: {error.strerror or error}") from None
    if there and not force:
        raise click.UsageError(f"'{folder}' is not empty: name a new folder, or use --force")


def _with_controls(found: Sequence[Scenario], scenarios: Mapping[str, Scenario]) -> list[Scenario]:
    """Return the chosen scenarios and their controls, in the order of the tables: a no needs its yes beside it."""
    wanted = {scenario.id for scenario in found} | {s.control for s in found if s.control is not None}
    return [scenario for name, scenario in scenarios.items() if name in wanted]


def _made(wanted: Sequence[Scenario]) -> tuple[Index, dict[str, bytes]]:
    from importlib.metadata import version

    from scenarios.vectors.folder import files_of

    return files_of(wanted, version("oidc-touchstone"))


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    from scenarios.vectors.folder import write_files

    try:
        write_files(folder, files)
    except OSError as error:
        place = error.filename or folder
        raise click.UsageError(f"'{place}' cannot be written: {error.strerror or error}") from None


def _reasons(index: Index) -> str:
    return "; ".join(entry.reason for entry in index.left_out)


def _report(folder: str, index: Index, files: Mapping[str, bytes]) -> None:
    size = sum(map(len, files.values()))
    click.echo(f"{counted(index.count, 'vector')} in {folder} ({len(files)} files, {size / 1e6:.1f} MB)")
    if index.left_out_count:
        click.echo(f"{counted(index.left_out_count, 'scenario')} left out:")
    for entry in index.left_out:
        click.echo(f"  {entry.count:4}  {entry.reason}")
