"""The report of a rotation plan for a person at a terminal, at 80 columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from scenarios.reports import fleet_words as words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from scenarios.fleet.rehearsal import Rehearsal


def report(done: Rehearsal, out: Console) -> None:
    """Print what became of a plan, and the shortest safe one."""
    out.print(_lines(words.setting(done.plan)))
    out.print()
    out.print(_spreads(done))
    out.print()
    out.print(_lines(words.totals(done)))
    out.print()
    out.print(Text("the shortest safe rotation", style="bold"))
    out.print(_lines(words.advice(done)))
    out.print()
    for finding in done.findings:
        out.print(Text.assemble(("UNSAFE  ", "bold red"), finding))
    if not done.findings and not done.plan.rotation.emergency:
        out.print(Text("the plan is safe", style="green"))


def _lines(pairs: Iterable[tuple[str, str]]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(min_width=12, no_wrap=True)
    table.add_column(overflow="fold")
    for label, text in pairs:
        table.add_row(label, text)
    return table


def _spreads(done: Rehearsal) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("at the nodes")
    for head in ("median", "90 %", "99 %", "worst"):
        table.add_column(head, justify="right", no_wrap=True)
    for label, spread in words.spreads(done):
        shown = (spread.median, spread.p90, spread.p99, spread.worst)
        table.add_row(label, *map(words.lasting, shown))
    return table
