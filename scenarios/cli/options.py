"""Options that several commands share, and what they stand for."""

from __future__ import annotations

import gc
import math
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from scenarios.tables.scenario import Scenario

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
ANY_ADDRESS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - named to be recognised, not bound by default
MAX_PORT = 65535


def scenario_ids(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Complete a scenario's id; what reads tables is imported only when a shell asks."""
    from scenarios.cli import completing

    return completing.scenario_ids(context, parameter, incomplete)


def _rules(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    from scenarios.cli import completing

    return completing.rules(context, parameter, incomplete)


_SELECTING = (
    click.option(
        "--select",
        "patterns",
        multiple=True,
        shell_complete=scenario_ids,
        metavar="ID",
        help="Scenarios by id; `*` and `?` are wildcards.",
    ),
    click.option(
        "--rule",
        "rules",
        multiple=True,
        shell_complete=_rules,
        metavar="RULE",
        help="Scenarios of a rule or a group of rules: MAP-014, MAP.",
    ),
    click.option(
        "--level",
        "levels",
        multiple=True,
        type=click.Choice(["MUST", "SHOULD", "MAY", "policy"], case_sensitive=False),
        help="Scenarios of a level.",
    ),
)
_TABLES = (
    click.option(
        "--catalog",
        "catalogs",
        multiple=True,
        type=click.Path(),
        metavar="PATH",
        help="A table of your own, or a folder of them, beside those that ship with Touchstone.",
    ),
    click.option(
        "--only-catalog",
        "only_catalogs",
        multiple=True,
        type=click.Path(),
        metavar="PATH",
        help="The same, in place of those that ship.",
    ),
)


class _Moment(click.ParamType[float]):
    """A time in seconds since the epoch, which can be a time at all."""

    name = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            seconds = float(value)
        except ValueError:
            seconds = math.nan
        if not math.isfinite(seconds):
            self.fail(f"'{value}' is no number of seconds since the epoch, such as 1767225600", param, ctx)
        return seconds


class _Count(click.ParamType[int | None]):
    """How many findings are explained; None for all."""

    name = "count"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | None:
        if value == "all":
            return None
        if not str(value).isdecimal():
            self.fail(f"'{value}' is neither a number nor 'all'", param, ctx)
        return int(value)


MOMENT = _Moment()
target_option = click.option(
    "--target",
    metavar="FILE",
    type=click.Path(),
    help="The target's YAML file; without it, the reference verifier.",
)
strict_option = click.option("--strict", is_flag=True, help="A warning is a finding too.")
details_option = click.option(
    "--details",
    type=_Count(),
    default="20",
    metavar="N|all",
    help="How many findings to explain.",
    show_default=True,
)
plain_option = click.option("--plain", is_flag=True, help="No colour and no progress, on a terminal too.")


def with_tables(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that name tables outside the package."""
    for option in reversed(_TABLES):
        command = option(command)
    return command


def selecting(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that choose scenarios."""
    command = with_tables(command)
    for option in reversed(_SELECTING):
        command = option(command)
    return command


def catalogue(catalogs: tuple[str, ...], only_catalogs: tuple[str, ...] = ()) -> dict[str, Scenario]:
    """Return what `tables.load.together` does, which is imported only when it is asked for."""
    gc.disable()  # nothing of what is read is garbage, and looking for it takes a fifth of the time
    try:
        from scenarios.tables.load import together

        return together(catalogs, only_catalogs)
    finally:
        gc.freeze()
        gc.enable()


def chosen(
    scenarios: Mapping[str, Scenario],
    patterns: tuple[str, ...],
    rules: tuple[str, ...],
    levels: tuple[str, ...],
) -> list[Scenario]:
    """Return the scenarios that the options choose. Raises `click.UsageError` when there is none."""
    from scenarios.selection import Selection, SelectionError

    try:
        found = Selection(patterns, rules, levels).of(scenarios)
    except SelectionError as error:
        raise click.UsageError(str(error)) from None
    if not found:
        raise click.UsageError("no scenario fits all of these options")
    return found


def check_writable(*paths: str | None) -> None:
    """Raise `click.UsageError` for an output path that nothing can be written to, before the work is done.

    Only one may be stdout (`-`).
    """
    if paths.count("-") > 1:
        raise click.UsageError("only one output can go to stdout: give the other a file")
    for path in paths:
        if path is None or path == "-":
            continue
        folder = Path(path).parent
        if Path(path).is_dir():
            raise click.UsageError(f"'{path}' cannot be written: it is a folder")
        if not folder.is_dir() or not os.access(folder, os.W_OK):
            raise click.UsageError(f"'{path}' cannot be written: its folder must exist and be writable")


@contextmanager
def output_may_end() -> Iterator[None]:
    """Go on when the reader of stdout goes away, as `head` does: the status is still the run's own."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def write(path: str, content: bytes) -> None:
    """Write a file, whole or not at all, or stdout for `-`. Raises `click.ClickException` when it cannot."""
    try:
        if path == "-" or (os.path.exists(path) and not os.path.isfile(path)):  # noqa: PTH110, PTH113 - any path
            with click.open_file(path, "wb") as file:
                file.write(content)
        else:
            _replace(Path(os.path.realpath(path)), content)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise click.FileError(path, error.strerror or str(error)) from None


def write_json(path: str, value: Any) -> None:
    """Write a record as JSON that people can read too. Raises `click.ClickException` when it cannot."""
    import msgspec

    write(path, msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n")


def _replace(path: Path, content: bytes) -> None:
    """Put a file in the place of another, which its readers see whole until then."""
    part = path.with_name(f".{path.name[:100]}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        if path.exists():
            part.chmod(path.stat().st_mode)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
