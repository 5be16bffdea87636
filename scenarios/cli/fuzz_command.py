"""`touchstone fuzz`: cases that nobody wrote, put to a target and to the reference verifier, or to two targets."""

from __future__ import annotations

import shlex
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scenarios.cli import EXIT_FINDINGS, EXIT_INTERRUPTED, EXIT_TARGET
from scenarios.cli.options import (
    check_writable,
    output_may_end,
    plain_option,
    target_option,
    write,
    write_json,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from scenarios.fuzz.account import Account
    from scenarios.fuzz.hunt import Hunt, Limits
    from scenarios.fuzz.live import Live
    from scenarios.stage import Lab

DEFAULT_S = 60.0
"""A hunt that is told no end lasts so long (seconds)."""


class _Span(click.ParamType[float]):
    """A duration as tables write it, in seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        from scenarios.tables import times

        try:
            span = times.parse(str(value))
        except ValueError:
            span = times.Duration(0.0)
        if span.knobs or span.seconds <= 0:
            self.fail(f"'{value}' is no duration, such as 60s or 5m", param, ctx)
        return span.seconds


@click.command("fuzz")
@target_option
@click.option(
    "--against", metavar="FILE", type=click.Path(), help="A second target of the same chain, to compare with."
)
@click.option(
    "--third", metavar="FILE", type=click.Path(), help="A target whose opinion is quoted with each finding."
)
@click.option(
    "--time",
    "seconds",
    metavar="SPAN",
    type=_Span(),
    help="How long, such as 60s or 5m; 60s when nothing is said.",
)
@click.option("--max-examples", metavar="N", type=click.IntRange(1, 10_000_000), help="How many cases.")
@click.option(
    "--seed",
    metavar="N",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Where the drawing starts.",
)
@click.option(
    "--corpus",
    metavar="DIR",
    type=click.Path(file_okay=False),
    help="Cases that are kept, and asked first next time.",
)
@click.option(
    "--tables",
    metavar="DIR",
    type=click.Path(file_okay=False),
    help="Write each finding as a table into this folder.",
)
@click.option("--json", "json_path", metavar="PATH", help="Write what was found as JSON; `-` for stdout.")
@plain_option
def command(  # noqa: PLR0913, PLR0917 - one parameter an option
    target: str | None,
    against: str | None,
    third: str | None,
    seconds: float | None,
    max_examples: int | None,
    seed: int,
    corpus: str | None,
    tables: str | None,
    json_path: str | None,
    plain: bool,  # noqa: FBT001 - click passes flags so
) -> int:
    """Look for cases that a target judges otherwise than the reference verifier, or than another target.

    The same seed and number of cases find the same. Exit status: 0 no findings, 1 findings, 2 wrong usage, 3 the target
    could not be started, or not be kept running.
    """
    _need_hypothesis()
    from scenarios.fuzz.hunt import Limits

    check_writable(json_path)
    if max_examples is None and seconds is None:
        seconds = DEFAULT_S
    quiet = json_path == "-"
    with ExitStack() as stack, _progress(show=not plain and not quiet) as tell:
        account, broken = _hunted(
            stack, (target, against, third), Limits(max_examples, seconds), (seed, corpus, tell)
        )
    if tables is not None:
        _write_tables(account, Path(tables))
    if not quiet:
        from scenarios.reports.fuzz_terminal import report
        from scenarios.reports.terminal import console

        again = shlex.join(["touchstone", "run", *(["--target", target] if target else [])])
        with output_may_end():
            report(account, console(plain=plain), tables=tables, again=again)
    if json_path is not None:
        with output_may_end():
            write_json(json_path, account)
    if broken:
        click.echo(f"touchstone fuzz: {broken}", err=True)
    return _status(account, broken=bool(broken))


def _need_hypothesis() -> None:
    try:
        import hypothesis  # noqa: F401 - what draws the cases
    except ImportError:
        raise click.UsageError("fuzzing needs Hypothesis: pip install 'oidc-touchstone[fuzz]'") from None


def _hunted(
    stack: ExitStack,
    files: tuple[str | None, str | None, str | None],
    limits: Limits,
    how: tuple[int, str | None, Callable[[int, int], None]],
) -> tuple[Account, str]:
    """Return what was found, and why it had to end early when a target could not be kept running."""
    from scenarios.fuzz.corpus import Corpus
    from scenarios.fuzz.hunt import Hunt, ask_third
    from scenarios.fuzz.referee import AgainstEachOther, AgainstReference
    from scenarios.stage import Lab
    from scenarios.targets.profile import TargetError

    seed, corpus, tell = how
    lab = stack.enter_context(Lab())
    first = _live(stack, files[0])
    second = _live(stack, files[1]) if files[1] is not None else None
    third = _live(stack, files[2]) if files[2] is not None else None
    asked: list[Live] = [first] if second is None else [first, second]
    referee = AgainstReference(lab, first) if second is None else AgainstEachOther(lab, first, second)
    stack.callback(referee.close)
    hunt = Hunt(
        referee,
        asked,
        Corpus(Path(corpus) if corpus else None),
        limits,
        seed,
        progress=tell,
        against_each_other=second is not None,
    )
    began, broken = time.perf_counter(), ""
    try:
        hunt.run()
    except TargetError as error:
        broken = error.message
    took = time.perf_counter() - began
    if third is not None:
        ask_third(hunt.findings, third, lab)
    return _account(hunt, _names(asked), third, lab, (seed, took)), broken


def _account(
    hunt: Hunt, names: tuple[str, ...], third: Live | None, lab: Lab, how: tuple[int, float]
) -> Account:
    """Return the record of a hunt that took so long (seconds) from a seed."""
    from importlib.metadata import version

    from scenarios.fuzz.account import Account, records

    seed, took = how
    found = records(hunt, names, lab)
    return Account(
        tool=version("oidc-touchstone"),
        targets=names,
        third=third.name if third else None,
        seed=seed,
        cases=hunt.cases,
        unmakeable=hunt.unmakeable,
        duration_s=round(took, 3),
        interrupted=hunt.interrupted,
        findings=tuple(one for one in found if one.rule is not None),
        questions=tuple(one for one in found if one.rule is None),
    )


def _live(stack: ExitStack, file: str | None) -> Live:
    from scenarios.fuzz.live import Live
    from scenarios.targets.reference import reference_session
    from scenarios.targets.target_file import load_target, open_target

    if file is None:
        live = Live(reference_session)
    else:
        spec = load_target(file)
        live = Live(lambda: open_target(spec))
    stack.callback(live.close)
    return live


def _names(asked: Sequence[Live]) -> tuple[str, ...]:
    """Return what the targets are called, each name once."""
    names = [live.name for live in asked]
    return tuple(
        name if names.count(name) == 1 else f"{name} ({index})" for index, name in enumerate(names, 1)
    )


@contextmanager
def _progress(*, show: bool) -> Iterator[Callable[[int, int], None]]:
    if not show or not sys.stderr.isatty():
        yield lambda _cases, _findings: None
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from scenarios.reports.terminal import console

    columns = (SpinnerColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console(stderr=True), transient=True) as progress:
        task = progress.add_task("")
        yield lambda cases, found: progress.update(task, description=f"{cases} cases, {found} findings")


def _write_tables(account: Account, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for found in account.findings:
        if found.row is not None:
            write(str(folder / f"{found.name}.yaml"), found.row.encode())


def _status(account: Account, *, broken: bool) -> int:
    if account.interrupted:
        return EXIT_INTERRUPTED
    if broken:
        return EXIT_TARGET
    return EXIT_FINDINGS if any(not found.warning for found in account.findings) else 0
