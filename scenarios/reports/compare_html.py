"""A comparison of runs as one page that needs nothing else."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from scenarios.reports import compare_words as words

if TYPE_CHECKING:
    from scenarios.compare import Comparison


def page(comparison: Comparison, *, everything: bool = False) -> str:
    """Return the page of a comparison; `everything` shows rows too in which no target differs from what is right."""
    from jinja2 import Environment

    source = files("scenarios").joinpath("reports", "compare.html.j2").read_text(encoding="utf-8")
    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(source)
    return template.render(
        comparison=comparison,
        rules=words.rules_shown(comparison, everything=everything),
        scenarios=words.scenarios_shown(comparison, everything=everything),
        rule_word=words.rule_word,
        scenario_word=words.scenario_word,
        legend=words.LEGEND,
    )
