"""The report of a selftest for a person at a terminal: what survived, what is idle, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.table import Table
from rich.text import Text

from scenarios import rulebook

if TYPE_CHECKING:
    from rich.console import Console

    from scenarios.selftest.report import MutantRecord, Selftest

SLOWEST: Final = 5
"""So many of the slowest mutants are named."""


def report(done: Selftest, out: Console) -> None:
    """Print the report of a selftest."""
    out.print(_groups(done))
    for mutant in done.survivors:
        _survivor(mutant, out)
    for scenario in done.idle:
        out.print(
            Text.assemble(("IDLE      ", "bold yellow"), f"{scenario.id}  kills no mutant ({scenario.rule})")
        )
    for problem in done.problems:
        out.print(Text.assemble(("PROBLEM   ", "bold magenta"), problem))
    _explained(done, out)
    slow = sorted(done.mutants, key=lambda one: -one.seconds)[:SLOWEST]
    out.print("slowest: " + ", ".join(f"{one.id} {one.seconds:.1f} s" for one in slow))
    out.print()
    out.print(Text(_summary(done), style="green" if done.passed else "bold red"))


def _groups(done: Selftest) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("rules")
    for head in ("mutants", "killed", "survived", "explained", "rejecting", "idle"):
        table.add_column(head, justify="right")
    for group in rulebook.GROUPS:
        mutants = [one for one in done.mutants if one.rule.startswith(group)]
        scenarios = [one for one in done.scenarios if one.rule.startswith(group)]
        if not mutants and not scenarios:
            continue
        survived = [one for one in mutants if not one.killed_by]
        counts = (
            len(mutants),
            len(mutants) - len(survived),
            sum(one.explained is None for one in survived),
            sum(one.explained is not None for one in survived),
            len(scenarios) if done.whole else "",
            sum(not one.kills and one.explained is None for one in scenarios) if done.whole else "",
        )
        table.add_row(group, *map(str, counts))
    return table


def _survivor(mutant: MutantRecord, out: Console) -> None:
    out.print(Text.assemble(("SURVIVED  ", "bold red"), f"{mutant.id}  {mutant.flaw}"))
    if not mutant.asked:
        out.print(f"          no scenario names {mutant.rule}: write one (docs/writing-scenarios.md)")
        return
    out.print(f"          none of the {mutant.asked} scenarios of {mutant.rule} finds it; see them with")
    out.print(f"          touchstone list --rule {mutant.rule}")
    if mutant.also_found_by:
        out.print(
            f"          found by {', '.join(mutant.also_found_by[:3])}, of another rule or a lesser weight"
        )


def _explained(done: Selftest, out: Console) -> None:
    survivors = sum(not one.killed_by and one.explained is not None for one in done.mutants)
    idle = sum(not one.kills and one.explained is not None for one in done.scenarios)
    if survivors or idle:
        out.print(
            f"explained: {survivors} survivors, {idle} idle scenarios (scenarios/selftest/explained.yaml)"
        )


def _summary(done: Selftest) -> str:
    totals = done.totals
    killed = f"{totals.killed} of {totals.mutants} mutants killed"
    idle = (
        f", {totals.idle_scenarios} of {totals.rejecting_scenarios} rejecting scenarios idle"
        if done.whole
        else ""
    )
    verdict = "the catalogue holds" if done.passed else "the catalogue has holes"
    return f"{verdict}: {killed}{idle}, in {done.duration_s:.1f} s"
