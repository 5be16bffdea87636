"""A comparison of runs for a person at a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.table import Table
from rich.text import Text

from scenarios.reports import compare_words as words
from scenarios.reports.terminal import paragraph, row
from scenarios.results import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

    from scenarios.compare import Chain, Comparison

_COUNTED: Final = (
    Kind.PASS,
    Kind.FAIL,
    Kind.WARN,
    Kind.ERROR,
    Kind.UNPROVEN,
    Kind.XFAIL,
    Kind.NOT_APPLICABLE,
)


def report(
    comparison: Comparison, out: Console, *, scenarios: bool = False, everything: bool = False
) -> None:
    """Print a comparison: the targets, the matrix, the chains.

    With `scenarios` the matrix has a row for each scenario and not for each rule; `everything` shows rows too in which
    no target differs from what is right.
    """
    _targets(comparison, out)
    heads: tuple[str, ...]
    rows: list[tuple[tuple[str, ...], list[str]]]
    if scenarios:
        heads = ("scenario",)
        rows = [
            ((one.id,), [words.scenario_word(cell) for cell in one.outcomes])
            for one in words.scenarios_shown(comparison, everything=everything)
        ]
    else:
        heads = ("rule", "level")
        rows = [
            ((one.rule, one.level), [words.rule_word(cell) for cell in one.cells])
            for one in words.rules_shown(comparison, everything=everything)
        ]
    out.print()
    out.print(_matrix(heads, len(comparison.targets), rows))
    if not rows:
        out.print("no target differs from what is right")
    paragraph(out, Text(words.LEGEND if not scenarios else "· as it should be, n/a not asked", style="dim"))
    for chain in comparison.chains:
        _chain(chain, out)
    for note in comparison.notes:
        out.print(Text(note, style="bold yellow"))


def _targets(comparison: Comparison, out: Console) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("")
    table.add_column("target", overflow="fold")
    for kind in _COUNTED:
        table.add_column("n/a" if kind is Kind.NOT_APPLICABLE else kind.value, justify="right")
    for number, target in enumerate(comparison.targets, 1):
        table.add_row(
            str(number), target.name, *(str(target.totals.get(kind.value, 0) or "·") for kind in _COUNTED)
        )
    out.print(table)


def _matrix(heads: Sequence[str], targets: int, rows: Iterable[tuple[Sequence[str], Sequence[str]]]) -> Table:
    # The columns have the numbers of the targets above: names of a dozen targets fit no terminal.
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for head in heads:
        table.add_column(head, overflow="fold", no_wrap=head == "rule")
    for number in range(1, targets + 1):
        table.add_column(str(number), justify="right", no_wrap=True)
    for names, cells in rows:
        table.add_row(*names, *(Text(cell, style=_style(cell)) for cell in cells))
    return table


def _style(cell: str) -> str:
    return "dim" if cell in ("·", "n/a", "") else "yellow" if cell in ("warn", "known") else "red"


def _chain(chain: Chain, out: Console) -> None:
    out.print()
    head = f"{chain.first} in front of {chain.second}: {len(chain.disagreements)} disagreements in {chain.compared}"
    out.print(Text(head, style="bold"))
    for one in chain.disagreements:
        out.print(Text.assemble("  ", (one.how.upper(), "bold red"), f"  {one.rule}  {one.id}"))
        row(out, "scenario", one.says)
        row(out, "first", one.first)
        row(out, "second", one.second)
