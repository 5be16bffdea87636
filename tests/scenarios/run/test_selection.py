"""Which scenarios the options mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenarios.selection import Selection, SelectionError

if TYPE_CHECKING:
    from scenarios.tables.scenario import Scenario
    from tests.scenarios.run.conftest import Play

HEAD = "group: a/b\ntitle: T\nmatrix: {alg: [RS256, ES256]}\ngiven: {users: {ann: ann-sub}}\n"
ROWS = (
    "  - {id: one, says: A, rules: [FMT-001, SIG-002], expect: ann}\n"
    "  - {id: one-more, says: B, rules: [MAP-014], expect: ann}\n"
    "  - {id: two, says: C, rules: [AZR-024], expect: ann}\n"
)


@pytest.fixture
def scenarios(play: Play) -> dict[str, Scenario]:
    return {scenario.id: scenario for scenario in play.table(ROWS, HEAD).values()}


@pytest.mark.parametrize(
    "selection, ids",
    [
        (Selection(), 6),
        (Selection(("a/b/one[ES256]",)), ["one[ES256]"]),
        (Selection(("a/b/one",)), ["one[RS256]", "one[ES256]"]),
        (Selection(("a/b",)), 6),
        (Selection(("a",)), 6),
        (Selection(("*[ES256]",)), ["one[ES256]", "one-more[ES256]", "two[ES256]"]),
        (Selection(("a/b/t?o",)), ["two[RS256]", "two[ES256]"]),
        (Selection(("*/two[RS256]", "a/b/one[RS256]")), ["one[RS256]", "two[RS256]"]),
        (Selection(rules=("MAP",)), ["one-more[RS256]", "one-more[ES256]"]),
        (
            Selection(rules=("map-014", "SIG-002")),
            ["one[RS256]", "one-more[RS256]", "one[ES256]", "one-more[ES256]"],
        ),
        (Selection(levels=("should",)), ["two[RS256]", "two[ES256]"]),
        (Selection(("*[RS256]",), ("FMT", "AZR"), ("MUST",)), ["one[RS256]"]),
        (Selection(("a/b/two",), levels=("MAY",)), []),
    ],
)
def test_a_selection_means_these(
    scenarios: dict[str, Scenario], selection: Selection, ids: list[str] | int
) -> None:
    found = [scenario.id.removeprefix("a/b/") for scenario in selection.of(scenarios)]

    assert found == ids if isinstance(ids, list) else len(found) == ids


@pytest.mark.parametrize(
    "selection, message",
    [
        (Selection(("a/b/tow",)), "no scenario is called 'a/b/tow' (there is a/b/one-more[ES256]"),
        (
            Selection(("a/b/two[ES265]",)),
            "no scenario is called 'a/b/two[ES265]' (did you mean 'a/b/two[ES256]'?)",
        ),
        (Selection(("b",)), "no scenario is called 'b'"),
        (Selection(("a/b/one", "a/c*")), "no scenario is called 'a/c*'"),
        (Selection(rules=("MAP-041",)), "no scenario tests the rule 'MAP-041' (did you mean 'MAP-014'?)"),
        (Selection(rules=("MA",)), "no scenario tests the rule 'MA'"),
    ],
)
def test_what_finds_nothing_is_named_with_the_nearest(
    scenarios: dict[str, Scenario], selection: Selection, message: str
) -> None:
    with pytest.raises(SelectionError) as raised:
        selection.of(scenarios)

    assert str(raised.value).startswith(message)
