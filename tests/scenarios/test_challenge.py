"""`WWW-Authenticate`, read strictly: what is well formed, and what two readers could read in two ways."""

from __future__ import annotations

import pytest

from scenarios.challenge import Challenge, challenges


@pytest.mark.parametrize(
    "value, expected",
    [
        ("Bearer", [Challenge("bearer", {})]),
        ('Bearer realm="api"', [Challenge("bearer", {"realm": "api"})]),
        (
            'bearer Realm="a \\"b\\", c" , error="x"',
            [Challenge("bearer", {"realm": 'a "b", c', "error": "x"})],
        ),
        ("Negotiate YWJj==", [Challenge("negotiate", {})]),
        ('Basic realm="x", Bearer', [Challenge("basic", {"realm": "x"}), Challenge("bearer", {})]),
        (
            'Bearer error="invalid_token", Basic realm="x", charset=UTF-8',
            [
                Challenge("bearer", {"error": "invalid_token"}),
                Challenge("basic", {"realm": "x", "charset": "UTF-8"}),
            ],
        ),
        ("Basic, Bearer", [Challenge("basic", {}), Challenge("bearer", {})]),
        ('Digest nonce = "a"', [Challenge("digest", {"nonce": "a"})]),
    ],
)
def test_a_well_formed_header_is_read(value: str, expected: list[Challenge]) -> None:
    assert challenges([value]) == expected


@pytest.mark.parametrize(
    "value, problem",
    [
        ("", "it is empty"),
        ('Bearer realm="api', "no quoted string"),
        ('Bearer realm="a"b"', "something else than a comma"),
        ('Bearer error="x", error="y"', "the parameter error stands there twice"),
        ('Bearer error="x", ERROR="y"', "the parameter error stands there twice"),
        ("Bearer error=invalid_token", "the value of error is no quoted string"),
        ('Bearer error="in\u00e4"', "no quoted string"),
        ('Bearer error_description="a \\"b\\""', "characters that RFC 6750 does not allow"),
        ('Bearer realm="a"\r\nSet-Cookie: x=y', "something else than a comma"),
        ('"Bearer"', "a scheme is missing"),
        ('Bearer realm="a" error="b"', "something else than a comma"),
    ],
)
def test_what_is_not_well_formed_is_said(value: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        challenges([value])
