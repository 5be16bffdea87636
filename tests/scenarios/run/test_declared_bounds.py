"""An answer that depends on whether a target declares a number of bytes (`max_token_bytes`)."""

from __future__ import annotations

import pytest

from scenarios.judge import right_answers
from scenarios.tables.expect import parse
from scenarios.targets.profile import Profile

EXPECT = parse(
    {"by": "max_token_bytes", "undeclared": "ann", "declared": {"reject": "too_large"}}, {"ann": "ann-sub"}
)


@pytest.mark.parametrize(
    "scope, knobs, right",
    [
        ("library", {}, {"accept", "reject"}),
        ("library", {"max_token_bytes": 65536}, {"reject"}),
        ("library", {"max_token_bytes": "none"}, {"accept"}),
        ("service", {}, {"reject"}),
    ],
)
def test_a_bound_holds_where_it_is_declared_or_the_default_binds(
    scope: str, knobs: dict[str, object], right: set[str]
) -> None:
    answers = right_answers(EXPECT, Profile(scope=scope, knobs=knobs))

    assert {answer.kind for answer in answers} == right
