"""`touchstone selftest`: flawed copies of the reference verifier, and which scenario finds each flaw."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from scenarios.cli import EXIT_FINDINGS
from scenarios.cli.options import catalogue, check_writable, output_may_end, plain_option, write, write_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from scenarios.selftest.mutant import Mutant
    from scenarios.selftest.report import Selftest


@click.command("selftest")
@click.option(
    "--mutant", "names", multiple=True, metavar="ID", help="Mutants by id; `*` and `?` are wildcards."
)
@click.option(
    "--rule",
    "rules",
    multiple=True,
    metavar="RULE",
    help="Mutants that break a rule or a group of rules: MAP-014, MAP.",
)
@click.option(
    "--quick", is_flag=True, help="Ask each mutant the scenarios of its rule, and look for no idle ones."
)
@click.option(
    "--jobs", type=click.IntRange(1, 64), metavar="N", help="Ask with N processes; by default one a core."
)
@click.option("--json", "json_path", metavar="PATH", help="Write the kill matrix as JSON; `-` for stdout.")
@click.option("--html", "html_path", metavar="PATH", help="Write the kill matrix as a page; `-` for stdout.")
@plain_option
def command(
    names: tuple[str, ...],
    rules: tuple[str, ...],
    quick: bool,  # noqa: FBT001 - click passes flags so
    jobs: int | None,
    json_path: str | None,
    html_path: str | None,
    plain: bool,  # noqa: FBT001 - as above
) -> int:
    """Put the catalogue to the test: every flawed verifier must be found, and every rejecting scenario find one.

    Exit status: 0 the catalogue holds, 1 a mutant survived or a scenario is idle without a reason, 2 wrong usage or
    table.
    """
    from scenarios.crew import cores
    from scenarios.selftest.explained import shipped
    from scenarios.selftest.matrix import selftest

    check_writable(json_path, html_path)
    wanted = _chosen(names, rules)
    quiet = "-" in {json_path, html_path}
    with _progress(show=not plain and not quiet) as progress:
        done = selftest(
            catalogue(()),
            wanted,
            shipped(),
            jobs=jobs or cores(),
            whole=not (quick or names or rules),
            progress=progress,
        )
    if not quiet:
        from scenarios.reports.selftest_terminal import report
        from scenarios.reports.terminal import console

        with output_may_end():
            report(done, console(plain=plain))
    with output_may_end():
        _write(done, json_path, html_path)
    return 0 if done.passed else EXIT_FINDINGS


def _chosen(names: tuple[str, ...], rules: tuple[str, ...]) -> Mapping[str, Mutant]:
    """Return the mutants that the options choose. Raises `click.UsageError` for a part that finds none."""
    from fnmatch import fnmatchcase

    from scenarios.files.problems import nearest
    from scenarios.selftest.mutant import mutants

    known = mutants()
    for name in names:
        if not any(fnmatchcase(one, name) for one in known):
            raise click.UsageError(f"no mutant is called '{name}'{nearest(name, known)}")
    wanted = [rule.upper() for rule in rules]
    for rule in wanted:
        if not any(_breaks(mutant, rule) for mutant in known.values()):
            broken = {mutant.rule for mutant in known.values()}
            raise click.UsageError(f"no mutant breaks the rule '{rule}'{nearest(rule, broken)}")
    found = {
        name: mutant
        for name, mutant in known.items()
        if (not names or any(fnmatchcase(name, pattern) for pattern in names))
        and (not wanted or any(_breaks(mutant, rule) for rule in wanted))
    }
    if not found:
        raise click.UsageError("no mutant fits all of these options")
    return found


def _breaks(mutant: Mutant, rule: str) -> bool:
    return mutant.rule == rule or mutant.rule.startswith(f"{rule}-")


@contextmanager
def _progress(*, show: bool) -> Iterator[Callable[[str, int, int], None]]:
    if not show or not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from scenarios.reports.terminal import console

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console(stderr=True), transient=True) as progress:
        task: Any = progress.add_task("", total=None)
        yield lambda step, done, of: progress.update(task, completed=done, total=of, description=step)


def _write(done: Selftest, json_path: str | None, html_path: str | None) -> None:
    if json_path is not None:
        write_json(json_path, done)
    if html_path is not None:
        from scenarios.reports.selftest_html import page

        write(html_path, page(done).encode())
