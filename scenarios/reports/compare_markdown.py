"""A comparison of runs as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenarios.reports import compare_words as words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scenarios.compare import Chain, Comparison


def markdown(comparison: Comparison, *, scenarios: bool = True, everything: bool = False) -> str:
    """Return a comparison as Markdown: the targets, the matrix by rule and (`scenarios`) by scenario, the chains."""
    return "\n".join([*_lines(comparison, scenarios=scenarios, everything=everything), ""])


def _lines(comparison: Comparison, *, scenarios: bool, everything: bool) -> Iterator[str]:
    names = [cell(target.name) for target in comparison.targets]
    kinds = ("pass", "fail", "warn", "error", "unproven", "xfail", "not_applicable")
    yield from table(
        ("target", *kinds),
        (
            (name, *(str(one.totals.get(kind, 0)) for kind in kinds))
            for name, one in zip(names, comparison.targets, strict=True)
        ),
    )
    yield from ("", *comparison.notes, words.LEGEND, "")
    yield from table(
        ("rule", "level", "authority", *names),
        (
            (row.rule, row.level, row.basis, *map(words.rule_word, row.cells))
            for row in words.rules_shown(comparison, everything=everything)
        ),
    )
    if scenarios:
        yield ""
        yield from table(
            ("scenario", "rule", *names),
            (
                (f"`{row.id}`", row.rule, *map(words.scenario_word, row.outcomes))
                for row in words.scenarios_shown(comparison, everything=everything)
            ),
        )
    for chain in comparison.chains:
        yield from _chain(chain)


def _chain(chain: Chain) -> Iterator[str]:
    yield from (
        "",
        f"{chain.first} in front of {chain.second}: {len(chain.disagreements)} of {chain.compared} differ.",
        "",
    )
    yield from table(
        ("scenario", "rule", "how", chain.first, chain.second),
        ((f"`{one.id}`", one.rule, one.how, one.first, one.second) for one in chain.disagreements),
    )


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Yield the lines of a table; its cells may hold anything."""
    heads = tuple(heads)
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for cells in rows:
        yield f"| {' | '.join(map(cell, cells))} |"


def cell(text: str) -> str:
    """Return text that stays in its cell and is no markup."""
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
