"""The report of a hunt for a person at a terminal: findings, questions, and what to run next."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from rich.text import Text

from scenarios import rulebook
from scenarios.reports.terminal import row

if TYPE_CHECKING:
    from rich.console import Console

    from scenarios.fuzz.account import Account, FindingRecord


def report(account: Account, out: Console, *, tables: str | None, again: str) -> None:
    """Print the report; `tables` is the folder that the rows were written to, `again` the command without its end."""
    out.print(Text(f"Touchstone {account.tool}", style="bold"))
    for name in account.targets:
        row(out, "target", name)
    if account.third:
        row(out, "third", account.third)
    rate = account.cases / account.duration_s if account.duration_s else 0.0
    row(
        out,
        "cases",
        f"{account.cases} in {account.duration_s:.1f} s ({rate:.0f} a second), seed {account.seed}",
    )
    for number, found in enumerate(account.findings, 1):
        _finding(found, out, number, with_table=tables is None)
    if account.questions:
        out.print()
        out.print(Text("Questions: differences that no rule decides", style="bold"))
        for number, found in enumerate(account.questions, 1):
            _finding(found, out, number, with_table=False)
    out.print()
    _verdict(account, out, tables, again)


def _finding(found: FindingRecord, out: Console, number: int, *, with_table: bool) -> None:
    out.print()
    style = "yellow" if found.warning else "bold red"
    level = f"  {found.level} · " if found.level else "  "
    out.print(Text.assemble((f"{number}. {found.name}", style), f"{level}{found.severity.value}"))
    if found.rule:
        rule = rulebook.rules()[found.rule]
        row(out, "rule", f"{found.rule}: {rule.statement}")
        row(out, "source", rule.source)
    row(out, "differs in", "; ".join(found.differs))
    row(out, "right", found.right)
    for name, answer in found.answers.items():
        row(out, "target", answer if len(found.answers) == 1 else f"{name}: {answer}")
    if found.third:
        row(out, "third", found.third)
    row(out, "seen", f"{found.times} time{'s' * (found.times > 1)}")
    if found.no_row:
        row(out, "no table", found.no_row)
    elif found.row and with_table:
        row(out, "table", f"{found.name}.yaml")
        out.print(Text(found.row), soft_wrap=True)


def _verdict(account: Account, out: Console, tables: str | None, again: str) -> None:
    bad = sum(not found.warning for found in account.findings)
    words = [
        f"{bad} findings",
        f"{len(account.findings) - bad} warnings",
        f"{len(account.questions)} questions",
    ]
    out.print(Text(", ".join(words), style="bold red" if bad else "bold green"))
    if account.interrupted:
        out.print("interrupted: this is what was found by then")
    if tables is not None and any(found.row for found in account.findings):
        out.print(Text(f"again: {again} --only-catalog {shlex.quote(tables)}"), soft_wrap=True)
