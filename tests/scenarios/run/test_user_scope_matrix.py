"""The matrix of section 3 of the rulebook: each row of the table under each reading, as declared (MAP-023)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenarios.judge import right_answers
from scenarios.tables.load import shipped
from scenarios.targets.profile import Profile

if TYPE_CHECKING:
    from scenarios.tables.scenario import Scenario

READINGS = {
    "R1 untyped": {"user_scope": "integration", "external_id_namespace": "untyped"},
    "R1 typed": {"user_scope": "integration", "external_id_namespace": "typed"},
    "R2 untyped": {"user_scope": "token_presence", "external_id_namespace": "untyped"},
    "R2 typed": {"user_scope": "token_presence", "external_id_namespace": "typed"},
    "R3 untyped": {"user_scope": "enrolled_users", "external_id_namespace": "untyped"},
    "R3 typed": {"user_scope": "enrolled_users", "external_id_namespace": "typed"},
}
# by the columns of the rulebook: R1 and R2 untyped, R1 and R2 typed, R3; `no` is a reject
MATRIX = {
    "t1-claim": ("ann", "ann", "ann"),
    "t2-unknown-claim": ("no", "no", "bob"),
    "t3-no-claim": ("bob", "bob", "bob"),
    "t4-empty-claim": ("bob", "bob", "bob"),
    "t4-null-claim": ("bob", "bob", "bob"),
    "t5-claim-is-a-sub": ("bob", "no", "no"),
    "t6-two-users": ("ann", "ann", "ann or no"),  # MAP-024 lets A in where that is declared
    "t7-sub-is-a-claim": ("ann", "no", "no"),
    "t8-other-customer": ("vic", "vic", "vic"),
    "t9-not-migrated": ("carl", "no", "carl or no"),
}


@pytest.fixture(scope="module")
def catalogue() -> dict[str, Scenario]:
    return shipped()


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("row", MATRIX)
def test_each_token_has_the_verdict_of_the_rulebook(
    row: str, reading: str, catalogue: dict[str, Scenario]
) -> None:
    column = 2 if reading.startswith("R3") else int(reading.endswith(" typed"))
    profile = Profile(scope="system", knobs=READINGS[reading])

    right = right_answers(catalogue[f"mapping/user-scope/{row}"].expected, profile)

    assert " or ".join(outcome.user or "no" for outcome in right) == MATRIX[row][column]


@pytest.mark.parametrize("reading", READINGS)
def test_of_two_users_none_is_let_in_where_conflicts_are_rejected(
    reading: str, catalogue: dict[str, Scenario]
) -> None:
    profile = Profile(scope="system", knobs={**READINGS[reading], "conflict": "reject"})

    right = right_answers(catalogue["mapping/user-scope/t6-two-users"].expected, profile)

    assert [outcome.kind for outcome in right] == ["reject"]
