"""Which scenarios are meant: by id, by rule, by level; and which rules."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scenarios import rulebook
from scenarios.files.problems import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from scenarios.tables.scenario import Scenario


class SelectionError(ValueError):
    """A selection that names something that is not there."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What the options of `list` and `run` ask for; what is empty does not restrict.

    `patterns` are ids, beginnings of ids at a `/` or `[`, or patterns with `*` and `?`. `rules` are rule ids or groups
    (`MAP-014`, `MAP`), and `levels` are rule levels, both in any case.
    """

    patterns: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()

    def of(self, scenarios: Mapping[str, Scenario]) -> list[Scenario]:
        """Return the scenarios meant, in order. Raises `SelectionError` for a part that finds nothing."""
        for pattern in self.patterns:
            matcher = _matcher(pattern)
            if not any(matcher.match(name) for name in scenarios):
                if (rule := pattern.upper()) in {*rulebook.rules(), *rulebook.GROUPS}:
                    what = "rule" if rule in rulebook.rules() else "group of rules"
                    raise SelectionError(
                        f"'{pattern}' is a {what}: touchstone list --rule {rule} lists its scenarios"
                    )
                raise SelectionError(f"no scenario is called '{pattern}'{nearest(pattern, scenarios)}")
        rules = [rule.upper() for rule in self.rules]
        for rule in rules:
            if not any(_has_rule(scenario, [rule]) for scenario in scenarios.values()):
                known = {name for scenario in scenarios.values() for name in scenario.rules}
                raise SelectionError(f"no scenario tests the rule '{rule}'{nearest(rule, known)}")
        matchers = [_matcher(pattern) for pattern in self.patterns]
        levels = {level.lower() for level in self.levels}
        return [
            scenario
            for scenario in scenarios.values()
            if (not matchers or any(matcher.match(scenario.id) for matcher in matchers))
            and (not rules or _has_rule(scenario, rules))
            and (not levels or scenario.rule.level.value.lower() in levels)
        ]


def rules_meant(rules: Iterable[str], levels: Iterable[str]) -> list[str]:
    """Return the ids of the rules meant, in the rulebook's order; what is empty does not restrict.

    Raises `SelectionError` for a rule or a group of rules that the rulebook does not have.
    """
    wanted = [rule.upper() for rule in rules]
    wanted_levels = {level.lower() for level in levels}
    known = rulebook.rules()
    for want in wanted:
        if not any(_is_of(name, want) for name in known):
            raise SelectionError(f"'{want}' is no rule{nearest(want, [*known, *rulebook.GROUPS])}")
    return [
        name
        for name, rule in known.items()
        if (not wanted or any(_is_of(name, want) for want in wanted))
        and (not wanted_levels or rule.level.value.lower() in wanted_levels)
    ]


def _matcher(pattern: str) -> re.Pattern[str]:
    # `[` is no wildcard here: ids of a matrix hold it.
    text = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.compile(rf"{text}(?:\Z|[/\[])")


def _has_rule(scenario: Scenario, wanted: Iterable[str]) -> bool:
    return any(_is_of(name, want) for want in wanted for name in scenario.rules)


def _is_of(name: str, want: str) -> bool:
    return name == want or name.startswith(f"{want}-")
