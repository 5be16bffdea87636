"""What the catalogue does not test, as data: a YAML list of `{rule, case, reason, needs}`.

Every rule has a scenario that names it or a whole exclusion here, and every case of a rule that no scenario shows
has an entry too, so that nothing is left out in silence. This module never judges; it reads the list and holds it
against the scenarios that there are.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from scenarios import rulebook
from scenarios.files import yaml12
from scenarios.files.convert import convert
from scenarios.files.problems import Problem, TableErrors, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from scenarios.files.problems import Place
    from scenarios.tables.scenario import Scenario

SHIPPED: Final = "rules/exclusions.yaml"
"""Where the list lies in the package."""

_Text = Annotated[str, msgspec.Meta(min_length=1)]


class Exclusion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule, or one case of a rule, that no scenario shows."""

    rule: str
    """The rule's id."""
    case: _Text | None = None
    """The case in the rulebook's words; None is the whole rule."""
    reason: _Text
    """Why it is not tested, in one sentence."""
    needs: _Text
    """What would be needed to test it."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """One rule, how many scenarios name it, and what of it is excluded."""

    rule: rulebook.Rule
    scenarios: int
    exclusions: tuple[Exclusion, ...]

    @property
    def excluded(self) -> bool:
        """Whether the rule as a whole is excluded."""
        return any(entry.case is None for entry in self.exclusions)


class ExclusionList:
    """The entries of a list of exclusions, each with its place."""

    def __init__(self, lines: Iterable[tuple[Exclusion, Place]] = ()) -> None:
        self.lines = tuple(lines)

    @classmethod
    def parse(cls, text: str | bytes, source: str) -> ExclusionList:
        """Read a list; `source` names it in messages. Raises `TableErrors` with every mistake in it."""
        document = yaml12.load(text, source)
        if not isinstance(document.value, list):
            message = "a list of exclusions is a list of {rule, case, reason, needs}"
            raise TableErrors([Problem(document.place(), message)])
        lines: list[tuple[Exclusion, Place]] = []
        problems: list[Problem] = []
        seen: set[tuple[str, str | None]] = set()
        for index in range(len(document.value)):
            try:
                entry = convert(document, Exclusion, (index,))
            except TableErrors as errors:
                problems += errors.problems
                continue
            if entry.rule not in rulebook.rules():
                message = f"'{entry.rule}' is no rule{nearest(entry.rule, rulebook.rules())}"
                problems.append(Problem(document.place((index, "rule")), message))
            if (entry.rule, entry.case) in seen:
                what = "as a whole" if entry.case is None else f"with the case '{entry.case}'"
                message = f"'{entry.rule}' is excluded {what} twice"
                problems.append(Problem(document.place((index, "rule")), message))
            seen.add((entry.rule, entry.case))
            lines.append((entry, document.place((index,))))
        whole = {rule for rule, case in seen if case is None}
        for entry, place in lines:
            if entry.case is not None and entry.rule in whole:
                message = f"'{entry.rule}' is excluded as a whole: a case of it needs no entry"
                problems.append(Problem(place, message))
        if problems:
            raise TableErrors(problems)
        return cls(lines)

    def coverage(self, scenarios: Mapping[str, Scenario]) -> tuple[Coverage, ...]:
        """Return for each rule, in the rulebook's order, how many scenarios name it and what is excluded."""
        named = Counter(rule for scenario in scenarios.values() for rule in scenario.rules)
        return tuple(
            Coverage(rule, named[name], tuple(entry for entry, _ in self.lines if entry.rule == name))
            for name, rule in rulebook.rules().items()
        )

    def problems(self, scenarios: Mapping[str, Scenario]) -> tuple[str, ...]:
        """Return what does not fit the scenarios: a rule with neither a scenario nor a reason, or with both."""
        coverage = {entry.rule.id: entry for entry in self.coverage(scenarios)}
        found = [
            f"{name}: no scenario names this rule, and no exclusion says why"
            for name, entry in coverage.items()
            if not entry.scenarios and not entry.excluded
        ]
        for entry, place in self.lines:
            if entry.case is None and (count := coverage[entry.rule].scenarios):
                named = "1 scenario names" if count == 1 else f"{count} scenarios name"
                message = f"'{entry.rule}' is excluded as a whole, and {named} it: name the cases left out"
                found.append(f"{place}: {message}")
        return tuple(found)


@cache
def shipped() -> ExclusionList:
    """Return the list that ships with the package. Raises `TableErrors` when it is damaged."""
    text = files("scenarios").joinpath(*SHIPPED.split("/")).read_text(encoding="utf-8")
    return ExclusionList.parse(text, SHIPPED)
