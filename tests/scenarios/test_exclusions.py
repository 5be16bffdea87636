"""What the catalogue leaves out: the list itself, and that every rule is tested or has its reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenarios import exclusions, rulebook
from scenarios.exclusions import ExclusionList
from scenarios.files.problems import TableErrors
from scenarios.tables.load import load, shipped

if TYPE_CHECKING:
    from scenarios.tables.scenario import Scenario

WHOLE = "- {rule: MAP-014, reason: It is hard, needs: more time}\n"
CASE = "- {rule: MAP-014, case: two of them, reason: It is hard, needs: more time}\n"
TABLE = """
group: demo
title: A demonstration
given: {users: {ann: ann-sub}}
scenarios:
  - {id: plain, rules: [MAP-001, MAP-014], expect: ann, says: A token is accepted}
"""


@pytest.fixture(scope="module")
def catalogue() -> dict[str, Scenario]:
    return shipped()


@pytest.fixture
def table() -> dict[str, Scenario]:
    return load([("table.yaml", TABLE)])


def problems_of_map_014(listed: str, scenarios: dict[str, Scenario]) -> list[str]:
    found = ExclusionList.parse(listed, "list.yaml").problems(scenarios)
    return [problem for problem in found if "MAP-014" in problem]


def test_no_scenario_is_without_a_rule_of_the_rulebook(catalogue: dict[str, Scenario]) -> None:
    assert {rule for scenario in catalogue.values() for rule in scenario.rules} <= set(rulebook.rules())
    assert all(scenario.rules for scenario in catalogue.values())


@pytest.mark.parametrize("group", rulebook.GROUPS)
def test_every_rule_has_a_scenario_or_the_reason_why_it_has_none(
    group: str, catalogue: dict[str, Scenario]
) -> None:
    found = exclusions.shipped().problems(catalogue)

    assert [problem for problem in found if f"{group}-" in problem] == []


def test_a_rule_with_neither_a_scenario_nor_a_reason_is_a_problem() -> None:
    assert problems_of_map_014("[]", {}) == [
        "MAP-014: no scenario names this rule, and no exclusion says why"
    ]


def test_a_whole_exclusion_is_a_reason_for_a_rule_without_scenarios() -> None:
    assert problems_of_map_014(WHOLE, {}) == []


def test_an_excluded_case_is_no_reason_for_a_rule_without_scenarios() -> None:
    assert problems_of_map_014(CASE, {}) == [
        "MAP-014: no scenario names this rule, and no exclusion says why"
    ]


def test_a_whole_exclusion_of_a_rule_with_scenarios_is_a_problem(table: dict[str, Scenario]) -> None:
    assert problems_of_map_014(WHOLE, table) == [
        "list.yaml:1:3: 'MAP-014' is excluded as a whole, and 1 scenario names it: name the cases left out"
    ]


def test_a_case_may_be_left_out_of_a_rule_with_scenarios(table: dict[str, Scenario]) -> None:
    assert problems_of_map_014(CASE, table) == []


def test_the_coverage_counts_every_scenario_that_names_a_rule(table: dict[str, Scenario]) -> None:
    covered = {entry.rule.id: entry for entry in ExclusionList.parse(CASE, "list.yaml").coverage(table)}

    assert list(covered) == list(rulebook.rules())
    assert covered["MAP-014"].scenarios == 1
    assert [entry.case for entry in covered["MAP-014"].exclusions] == ["two of them"]
    assert not covered["MAP-014"].excluded
    assert covered["MAP-015"].scenarios == 0


@pytest.mark.parametrize(
    "text, lines",
    [
        (WHOLE + WHOLE, ["2:4: 'MAP-014' is excluded as a whole twice"]),
        (CASE + CASE, ["2:4: 'MAP-014' is excluded with the case 'two of them' twice"]),
        (CASE + WHOLE, ["1:3: 'MAP-014' is excluded as a whole: a case of it needs no entry"]),
        ("- {rule: MAP-14, reason: r, needs: n}\n", ["1:4: 'MAP-14' is no rule (did you mean 'MAP-014'?)"]),
        ("- {rule: MAP-014, reason: why}\n", ["1:3: 'needs' is missing"]),
        ("- {rule: MAP-014, reason: '', needs: n}\n", ["1:19: 'reason': expected text of length >= 1"]),
        ("- {rule: MAP-014, cse: x, reason: r, needs: n}\n", ["1:19: unknown field 'cse' (did you mean 'case'?)"]),
        ("- x\n- 5\n", ["1:3: expected a mapping, got text", "2:3: expected a mapping, got a whole number"]),
        ("MAP-014: hard\n", ["1:1: a list of exclusions is a list of {rule, case, reason, needs}"]),
    ],
)  # fmt: skip
def test_a_mistake_in_the_list_is_one_line_at_its_place(text: str, lines: list[str]) -> None:
    with pytest.raises(TableErrors) as raised:
        ExclusionList.parse(text, "list.yaml")

    assert [str(problem) for problem in raised.value.problems] == [f"list.yaml:{line}" for line in lines]
