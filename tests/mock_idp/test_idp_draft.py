"""Drafts: what is written is what is sent, at every level."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_idp import Draft, RawJSON, b64url, compact, fixed_key
from mock_idp.draft import DraftError, json_bytes, write_json

KEY = fixed_key("a", "EdDSA")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def draft() -> Draft:
    return Draft({"alg": "EdDSA"}, {"sub": "ann"}, KEY, "EdDSA")


@given(JSON)
def test_json_is_written_so_that_a_reader_finds_the_same_value(value: object) -> None:
    assert json.loads(write_json(value)) == value
    assert json.loads(write_json([value, RawJSON("1")])) == [value, 1]


ODD = st.sampled_from(
    [
        RawJSON("01"),
        float("nan"),
        1e16,
        2**64,
        -(2**63) - 1,
        True,
        "\ud800",
        '\x00\x1f\x7f\x80\u2028"\\/\n',
        {1: 2},
        (1, "a"),
    ]
)
ALL = st.recursive(
    JSON | ODD | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(ALL)
def test_the_fast_way_writes_the_same_bytes_as_the_thorough_one(value: object) -> None:
    assert json_bytes(value) == write_json(value).encode()


@pytest.mark.parametrize("value", [{"a": object()}, {"a": b"bytes"}, [{1, 2}]])
def test_the_fast_way_refuses_what_json_does_not_have(value: object) -> None:
    with pytest.raises(TypeError):
        json_bytes(value)


@given(st.binary(), st.binary(), st.binary())
def test_the_raw_forge_puts_any_bytes_together(header: bytes, payload: bytes, signature: bytes) -> None:
    parts = compact(header, payload, signature).split(".")

    assert [base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in parts] == [
        header,
        payload,
        signature,
    ]


def test_raw_json_stands_verbatim_at_any_depth() -> None:
    value = {"a": RawJSON("01"), "b": [1, RawJSON("1e400")], "c": {"d": RawJSON("{},{}")}, "é": "ü"}

    assert write_json(value) == '{"a":01,"b":[1,1e400],"c":{"d":{},{}},"é":"ü"}'


def test_a_lone_surrogate_is_escaped_because_utf_8_has_none() -> None:
    assert write_json({"sub": "a\ud800"}) == '{"sub":"a\\ud800"}'


def test_a_value_that_json_does_not_have_is_refused() -> None:
    with pytest.raises(TypeError, match="JSON has no bytes"):
        write_json({"sub": b"x"})


def test_the_raw_forge_takes_mappings_too() -> None:
    assert compact({"alg": "none"}, {}, b"") == "eyJhbGciOiJub25lIn0.e30."


def test_the_more_literal_level_wins_and_is_signed() -> None:
    bent = Draft(
        {"alg": "EdDSA"}, {}, KEY, "EdDSA", header_bytes=b"x", payload_bytes=b"y", payload_segment="?"
    )

    header, payload, signature = bent.token().split(".")

    assert (header, payload) == (b64url(b"x"), "?")
    assert signature == b64url(KEY.sign(b"eA.?"))


def test_changing_a_draft_leaves_the_first_one_as_it_was() -> None:
    first = draft()

    changed = (
        first.with_claims({"sub": "bob"})
        .with_header({"typ": "JWT"})
        .without_claims("aud")
        .without_header("alg")
    )

    assert (first.claims, first.header) == ({"sub": "ann"}, {"alg": "EdDSA"})
    assert (changed.claims, changed.header) == ({"sub": "bob"}, {"typ": "JWT"})


def test_members_cannot_change_under_fixed_bytes() -> None:
    fixed = Draft({}, {}, KEY, "EdDSA", header_bytes=b"x", payload_segment="y")

    with pytest.raises(DraftError, match="header is fixed"):
        fixed.with_header({"a": 1})
    with pytest.raises(DraftError, match="payload is fixed"):
        fixed.without_claims("a")


def test_another_key_signs_with_the_same_algorithm_where_it_can() -> None:
    assert draft().signed_by(fixed_key("b", "EdDSA")).alg == "EdDSA"
    assert draft().signed_by(fixed_key("b", "ES256")).alg == "ES256"


def test_headers_whose_values_python_holds_equal_are_written_as_they_are() -> None:
    drafts = [draft().with_header({"kid": value}) for value in ("1", 1, True, 1.0, "1")]

    assert [one.raw("header").decode().rpartition(":")[2] for one in drafts] == [
        '"1"}',
        "1}",
        "true}",
        "1.0}",
        '"1"}',
    ]
    assert [one.segment("header") for one in drafts] == [b64url(one.raw("header")) for one in drafts]
