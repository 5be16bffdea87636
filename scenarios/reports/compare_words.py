"""What the reports of a comparison have in common: which rows they show, and the word in a cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scenarios.compare import DIFFERS
from scenarios.results import Kind

if TYPE_CHECKING:
    from scenarios.compare import Comparison, RuleCell, RuleRow, ScenarioRow

WORDS: Final = {
    Kind.PASS: "·",
    Kind.FAIL: "FAIL",
    Kind.WARN: "warn",
    Kind.ERROR: "ERROR",
    Kind.UNPROVEN: "unproven",
    Kind.XFAIL: "known",
    Kind.XPASS: "·",
    Kind.NOT_APPLICABLE: "n/a",
}
LEGEND: Final = (
    "A cell has how many of the scenarios that were asked came out otherwise than right; · says none did, "
    "n/a where none was asked."
)


def rules_shown(comparison: Comparison, *, everything: bool) -> list[RuleRow]:
    """Return the rules in which a target differs from what is right, or all of them."""
    return [row for row in comparison.rules if everything or not row.quiet]


def scenarios_shown(comparison: Comparison, *, everything: bool) -> list[ScenarioRow]:
    """Return the scenarios in which a target differs from what is right, or all of them."""
    return [row for row in comparison.scenarios if everything or any(one in DIFFERS for one in row.outcomes)]


def rule_word(cell: RuleCell) -> str:
    """Return what stands in a cell of the matrix of rules."""
    if not cell.asked:
        return "n/a"
    return f"{cell.differ}/{cell.asked}" if cell.differ else "·"


def scenario_word(outcome: str | None) -> str:
    """Return what stands in a cell of the matrix of scenarios."""
    return "" if outcome is None else WORDS[Kind(outcome)]
