"""A comparison of runs as one page that needs nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenarios.reports import compare_words as words
from scenarios.reports.pages import filled_in

if TYPE_CHECKING:
    from scenarios.compare import Comparison


def page(comparison: Comparison, *, everything: bool = False) -> str:
    """Return the page of a comparison; `everything` shows rows too in which no target differs from what is right."""
    return filled_in(
        "compare.html.j2",
        comparison=comparison,
        rules=words.rules_shown(comparison, everything=everything),
        scenarios=words.scenarios_shown(comparison, everything=everything),
        rule_word=words.rule_word,
        scenario_word=words.scenario_word,
        legend=words.LEGEND,
    )
