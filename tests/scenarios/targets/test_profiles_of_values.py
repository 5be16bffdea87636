"""A profile from plain values is held to the same words as one in a target file."""

from __future__ import annotations

from typing import Any

import pytest

from scenarios.targets.profile import TargetError
from scenarios.targets.target_file import profile_of


@pytest.mark.parametrize(
    "values, message",
    [
        ({"algorithms": ["RS255"]}, "'RS255' is no signature algorithm (did you mean 'RS256'?)"),
        ({"algorithms": []}, "a target that lists no algorithm is asked nothing"),
        ({"capabilities": ["flying"]}, "'flying' is no capability"),
        ({"scope": "world"}, "'world' is no scope"),
        ({"knobs": {"header_replicas": "bogus"}}, "'bogus' is no value of 'header_replicas'"),
    ],
)
def test_a_wrong_word_is_named(values: dict[str, Any], message: str) -> None:
    with pytest.raises(TargetError) as caught:
        profile_of(values)

    assert message in caught.value.message


def test_what_is_said_is_known_to_be_said() -> None:
    profile = profile_of({"scope": "library", "keys": ["jwks"]})

    assert profile.keys == ("jwks",)
    assert profile.stated == {"scope", "keys"}
