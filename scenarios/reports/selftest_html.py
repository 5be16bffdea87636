"""The kill matrix as one page that needs nothing else: a heat map of mutants, and where each was found."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from scenarios import rulebook
from scenarios.reports.pages import filled_in

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scenarios.selftest.report import MutantRecord, ScenarioRecord, Selftest


def page(done: Selftest) -> str:
    """Return the page of a selftest, as HTML."""
    groups = [_group(name, title, done) for name, title in rulebook.GROUPS.items()]
    return filled_in(
        "selftest.html.j2",
        done=done,
        groups=[group for group in groups if group["rules"]],
        tables=_tables(done.mutants),
        idle=[_quiet(one) for one in done.scenarios if not one.kills],
    )


def _group(name: str, title: str, done: Selftest) -> dict[str, Any]:
    by_rule: dict[str, list[MutantRecord]] = {}
    for mutant in done.mutants:
        if mutant.rule.startswith(f"{name}-"):
            by_rule.setdefault(mutant.rule, []).append(mutant)
    rules = [
        {
            "id": rule,
            "statement": rulebook.rules()[rule].statement,
            "cells": [_cell(mutant) for mutant in by_rule[rule]],
        }
        for rule in sorted(by_rule)
    ]
    return {
        "name": name,
        "title": title,
        "rules": rules,
        "mutants": sum(len(one) for one in by_rule.values()),
    }


def _cell(mutant: MutantRecord) -> dict[str, Any]:
    kills = len(mutant.killed_by)
    heat: int | str
    if kills:
        heat, state = min(4, 1 + (kills > 1) + (kills > 4) + (kills > 12)), f"killed by {kills}"
    elif mutant.explained is not None:
        heat, state = "explained", "survived, for a reason"
    else:
        heat, state = "survived", "survived"
    return {
        "mutant": mutant,
        "heat": heat,
        "state": state,
        "mark": kills or ("?" if mutant.explained is not None else "!"),
    }


def _tables(mutants: Iterable[MutantRecord]) -> dict[str, Any]:
    """Return how many mutants of each group of rules each folder of tables kills: the matrix at a glance."""
    counts: Counter[tuple[str, str]] = Counter()
    for mutant in mutants:
        for folder in {name.partition("/")[0] for name in (*mutant.killed_by, *mutant.also_found_by)}:
            counts[mutant.rule[:3], folder] += 1
    folders = sorted({folder for _, folder in counts})
    most = max(counts.values(), default=1)
    rows = [
        {
            "group": group,
            "cells": [
                {
                    "count": (n := counts[group, folder]),
                    "heat": 0 if not n else 1 + min(3, 4 * n // (most + 1)),
                }
                for folder in folders
            ],
        }
        for group in rulebook.GROUPS
        if any(one == group for one, _ in counts)
    ]
    return {"folders": folders, "rows": rows}


def _quiet(scenario: ScenarioRecord) -> dict[str, Any]:
    return {"id": scenario.id, "rule": scenario.rule, "reason": scenario.explained}
