"""FMT: one spelling of a token, and of JSON, is read; every other is refused before it means anything."""

import base64
import json
import string
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from verifier import TokenRejected

if TYPE_CHECKING:
    from tests.verifier.conftest import Signer, World

WILD = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "change",
    [
        "{h}.{p}",
        "{h}.{p}.{s}.{s}",
        "{h}.{p}.{s}.{s}.{s}",
        ".{p}.{s}",
        "{h}..{s}",
        "{h}.{p}.",
        ".{h}.{p}.{s}",
        "{h}.{p}.{s}.",
        "..",
        "{h}=.{p}.{s}",
        "{h}.{p}.{s}==",
        "{h}.{p}.{s}%3D",
        " {h}.{p}.{s}",
        "{h}.{p}.{s}\n",
        "{h}\n{h}.{p}.{s}",
        "{h}.{p}\u00a0{p}.{s}",
        "{h}%2E{p}%2E{s}",
        "{h}\uff0e{p}\uff0e{s}",
        "{h}\u2024{p}\u2024{s}",
        '{{"protected":"{h}","payload":"{p}","signature":"{s}"}}',
        '{{"protected":"{h}","payload":"{p}","signature":"{s}","x":"{h}.{p}.{s}"}}',
        "Bearer {h}.{p}.{s}",
        "{h}.{p}.+{s}",
        "{h}.{p}./{s}",
        "{h}.{p}.{s}A\u00e9",
    ],
)
def test_only_three_segments_of_base64url_are_a_token(world: "World", rs256: "Signer", change: str) -> None:
    """FMT-001 to FMT-004, FMT-017, FMT-019, FMT-024."""
    header, payload, signature = rs256.token(world.claims()).split(".")
    token = change.format(h=header, p=payload, s=signature)
    assert world.rejects(token) == "malformed"
    assert world.rejects(token.encode()) == "malformed"
    assert world.rejects(b64(token.encode())) == "malformed"


def test_a_signature_has_one_spelling(world: "World", rs256: "Signer") -> None:
    """FMT-005: the unused bits of the last character are zero, and its fifteen twins are refused."""
    token = rs256.token(world.claims())
    alphabet = string.ascii_letters + string.digits + "-_"
    same = [letter for letter in alphabet if world_accepts(world, token[:-1] + letter)]
    assert same == [token[-1]]


def world_accepts(world: "World", token: str) -> bool:
    try:
        world.verifier.authenticate(token)
    except TokenRejected:
        return False
    return True


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"[]", b'"sub"', b"null", b"42", b"{}{}", b"{} x", b"{'a':1}", b"{a:1}", b'{"a":1,}', b'{"a":NaN}',
        b'{"exp":Infinity}', b'{"a":-Infinity}', b'{"a":01}', b'{"a":+1}', b'{"a":.5}', b'{"a":1e400}',
        b'{"a":"\n"}', b'{"a":1}//c', b"\xef\xbb\xbf{}", "{}".encode("utf-16"), "{}".encode("utf-32"),
        b'{"a":"\xff"}', b'{"a":"\xc0\xaf"}', b'{"a":"\xed\xa0\x80"}', b'{"a":"\xe9"}', b'{"a":"\xe2\x82"}',
        b'{"a":1,"a":1}', b'{"sub":"x","s\\u0075b":"y"}', b'{"o":{"a":1,"a":2}}', b'{"a":' + b"9" * 401 + b"}",
        b"[" * 10_000, b'{"a":' + b"[" * 65 + b"]" * 65 + b"}",
    ],
)  # fmt: skip
def test_what_is_no_strict_json_object_is_malformed(world: "World", rs256: "Signer", payload: bytes) -> None:
    """FMT-006 to FMT-010, FMT-012 to FMT-014, FMT-025: in the payload and in the header."""
    header = b'{"alg":"RS256","kid":"RS256"}'
    assert world.rejects(rs256.raw(header, payload) if payload else f"{b64(header)}..AA") == "malformed"
    assert world.rejects(rs256.raw(payload, b"{}") if payload else f".{b64(header)}.AA") == "malformed"


def test_a_header_that_names_a_parameter_twice_is_malformed(world: "World", rs256: "Signer") -> None:
    """FMT-008: in both orders, and spelled with an escape."""
    payload = json.dumps(world.claims()).encode()
    for twins in (
        b'"alg":"none","alg":"RS256"',
        b'"alg":"RS256","alg":"none"',
        b'"alg":"RS256","a\\u006cg":"RS256"',
    ):
        assert world.rejects(rs256.raw(b'{"kid":"RS256",' + twins + b"}", payload)) == "malformed"


def test_layout_escapes_and_unknown_members_of_json_make_no_difference(
    world: "World", rs256: "Signer"
) -> None:
    """FMT-021, FMT-022, SIG-029: the received bytes are verified, and the parsed values count."""
    header = b' {\n"kid":"RS\\u003256" , "foo":[1], "\\u0061lg":"RS256"}\r\n'
    extra = {f"x{number}": [None, {"deep": [[[number]]]}] for number in range(40)}
    payload = json.dumps(world.claims(**extra), indent=4).replace("https://", "https:\\/\\/").encode()
    assert world.accepts(rs256.raw(header, payload)) == "ann"


def test_brackets_in_strings_do_not_count_as_depth(world: "World", rs256: "Signer") -> None:
    """FMT-014: a bound on depth must not become a bound on text."""
    assert world.accepts(rs256.token(world.claims(note='["{' * 200 + '\\"'))) == "ann"


def test_a_token_of_realistic_size_is_read_and_a_longer_one_is_not(world: "World", rs256: "Signer") -> None:
    """FMT-015, FMT-016."""
    assert world.accepts(rs256.token(world.claims(groups="g" * 8_500))) == "ann"
    assert world.rejects(rs256.token(world.claims(groups="g" * 12_500))) == "too_large"
    assert world.rejects("x" * 10_000_000) == "too_large"


def test_a_nested_token_is_malformed_and_cty_over_claims_is_not(world: "World", rs256: "Signer") -> None:
    """FMT-020, SIG-031: a payload that is a token is no JSON object; `cty` and `zip` are not acted on."""
    inner = rs256.token(world.claims())
    assert (
        world.rejects(rs256.raw(b'{"alg":"RS256","kid":"RS256","cty":"JWT"}', inner.encode())) == "malformed"
    )
    assert world.accepts(rs256.token(world.claims(), cty="JWT", zip="DEF")) == "ann"


def test_a_header_that_replicates_a_claim_differently_is_refused(world: "World", rs256: "Signer") -> None:
    """FMT-023: the payload alone decides, and a copy that disagrees is a sign of confusion."""
    claims = world.claims()
    assert world.accepts(rs256.token(claims, iss=claims["iss"], sub="ann-sub")) == "ann"
    assert world.rejects(rs256.token(claims, sub="bob-sub")) == "header_not_allowed"
    assert world.rejects(rs256.token(world.claims(iss=...), iss=claims["iss"])) == "header_not_allowed"


def test_half_a_character_is_no_identity(world: "World", rs256: "Signer") -> None:
    """FMT-011: elsewhere it does no harm, and a whole pair is a character."""
    assert world.rejects(rs256.token(world.claims(sub="ann-sub\ud800"))) == "claim_value"
    assert world.accepts(rs256.token(world.claims(name="\ud83d\ude00", note="\udc00"))) == "ann"


@pytest.mark.parametrize("token", [None, 1, 1.5, [], {}, object(), bytearray(b"a.b.c"), memoryview(b"a.b.c")])
def test_what_is_no_text_is_malformed(world: "World", token: object) -> None:
    assert world.rejects(token) == "malformed"  # type: ignore[arg-type] # the point of the test


@WILD
@given(
    token=st.text() | st.binary() | st.from_regex(r"[\w-]{1,40}\.[\w-]{1,40}\.[\w-]{1,40}", fullmatch=True)
)
def test_any_text_is_rejected_and_nothing_else_happens(world: "World", token: str | bytes) -> None:
    assert world.rejects(token) in ("malformed", "algorithm_not_allowed")


@WILD
@given(header=JSON | st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "b64", "iss"]), JSON))
def test_any_json_as_header_is_accepted_or_rejected(world: "World", rs256: "Signer", header: object) -> None:
    known = {"alg": "RS256", "kid": "RS256"} | header if isinstance(header, dict) else header
    for one in (header, known):
        token = rs256.raw(json.dumps(one).encode(), json.dumps(world.claims()).encode())
        first, second = (world_accepts(world, token) for _ in range(2))
        assert first == second


@WILD
@given(
    claims=JSON
    | st.dictionaries(st.sampled_from(["iss", "aud", "sub", "exp", "nbf", "iat", "typ", "cnf", "tid"]), JSON)
)
def test_any_json_as_payload_is_accepted_or_rejected(world: "World", rs256: "Signer", claims: object) -> None:
    known = world.claims() | claims if isinstance(claims, dict) else claims
    for one in (claims, known):
        token = rs256.token(one)
        first, second = (world_accepts(world, token) for _ in range(2))
        assert first == second


@WILD
@given(data=st.data())
def test_no_change_of_a_good_token_is_accepted(world: "World", rs256: "Signer", data: st.DataObject) -> None:
    """SIG-002, SIG-003: replaced, removed, inserted or doubled, the token is another one."""
    token = rs256.token(world.claims(exp=1_900_000_000))
    start = data.draw(st.integers(0, len(token)))
    end = data.draw(st.integers(start, min(len(token), start + 8)))
    other = (
        token[:start]
        + data.draw(st.text(string.ascii_letters + string.digits + "-_.=", max_size=4))
        + token[end:]
    )
    assert world_accepts(world, other) == (other == token)
