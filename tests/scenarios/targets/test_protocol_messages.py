"""What is sent to a target, and how strictly its answers are read."""

from __future__ import annotations

import base64
import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.targets import wire
from scenarios.targets.profile import Profile, TargetError
from scenarios.targets.protocol import (
    CAPABILITIES,
    REASONS,
    REFUSE_REASONS,
    REJECT_REASONS,
    Declaration,
    ProtocolViolation,
    authenticate_message,
    onboard_message,
    parse_answer,
    parse_start,
)

SAID = Declaration()
MAPPER = Declaration(capabilities=("users",))
AUDITOR = Declaration(capabilities=("audit",))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


def test_the_example_of_a_start_answer_is_read_as_it_stands() -> None:
    answer = {
        "seq": 1,
        "ok": True,
        "name": "PyJWT",
        "version": "2.15.1",
        "language": "python",
        "scope": "library",
        "keys": ["jwks_uri", "jwks"],
        "algorithms": ["RS256", "ES256", "EdDSA"],
        "capabilities": ["reset"],
        "colour": "blue",
    }

    declaration = parse_start(answer, 1)

    assert (declaration.name, declaration.keys) == ("PyJWT", ("jwks_uri", "jwks"))
    assert declaration.can("reset")
    assert not declaration.can("clock")


def test_https_only_says_something_of_the_jwks_url() -> None:
    assert parse_start({"seq": 1, "ok": True, "keys": ["https_only"]}, 1).keys == ("jwks_uri", "https_only")


@pytest.mark.parametrize(
    "answer, message",
    [
        ({"ok": False, "detail": "no key store"}, "says ok: false, because 'no key store'"),
        ({}, "does not say ok: true"),
        ({"ok": True, "scope": "libary"}, "its scope is 'libary' (did you mean 'library'?)"),
        ({"ok": True, "keys": ["jwk"]}, "its keys hold the unknown word 'jwk' (did you mean 'jwks'?)"),
        ({"ok": True, "keys": "jwks"}, "its keys are no list"),
        ({"ok": True, "algorithms": ["RS256", 5]}, "its algorithms hold 5, not a string"),
        ({"ok": True, "capabilities": ["clocks"]}, "(did you mean 'clock'?)"),
        ({"ok": True, "name": 5}, "its name is 5, not a string"),
        ({"ok": True, "algorithms": ["x"] * 201}, "no list of at most 200 strings"),
    ],
)
def test_a_start_answer_that_is_wrong_is_a_violation(answer: dict[str, Any], message: str) -> None:
    with pytest.raises(ProtocolViolation) as caught:
        parse_start({"seq": 1, **answer}, 1)

    assert message in str(caught.value)


@pytest.mark.parametrize(
    "cmd, answer, declaration, message",
    [
        (
            "authenticate",
            {"seq": 8, "verdict": "accept"},
            SAID,
            "its answer has the seq 8 where the request had 7",
        ),
        ("authenticate", {"seq": True, "verdict": "accept"}, SAID, "has the seq true"),
        ("authenticate", {"seq": 7.0, "verdict": "accept"}, SAID, "has the seq 7.0"),
        ("authenticate", {"seq": "7", "verdict": "accept"}, SAID, "has the seq '7'"),
        ("authenticate", {"seq": None, "verdict": "accept", "user": "a"}, SAID, "has the seq null"),
        ("authenticate", {}, SAID, "has no verdict"),
        ("authenticate", {"ok": True}, SAID, "has no verdict"),
        ("authenticate", {"verdict": "acept"}, SAID, "no verdict of authenticate (did you mean 'accept'?)"),
        ("authenticate", {"verdict": "onboarded"}, SAID, "'onboarded' is no verdict of authenticate"),
        ("authenticate", {"verdict": "error"}, SAID, "'error' is no verdict"),
        ("authenticate", {"verdict": ["accept"]}, SAID, "its verdict is a list"),
        ("authenticate", {"verdict": "accept"}, SAID, "neither a user nor claims"),
        ("authenticate", {"verdict": "accept", "user": 5}, SAID, "the user that it accepts is 5"),
        ("authenticate", {"verdict": "accept", "claims": []}, SAID, "the claims of its accept are a list"),
        ("authenticate", {"verdict": "accept", "claims": {}}, MAPPER, "names no user"),
        ("authenticate", {"verdict": "accept", "user": "a"}, AUDITOR, "lacks mapped_by or fallback"),
        ("authenticate", {"verdict": "accept", "user": "a", "fallback": 0}, SAID, "neither true nor false"),
        ("authenticate", {"verdict": "reject", "reason": "expird"}, SAID, "(did you mean 'expired'?)"),
        ("authenticate", {"verdict": "reject", "detail": {}}, SAID, "its detail is an object"),
        ("authenticate", {"verdict": "unsupported"}, SAID, "names no capability"),
        ("onboard", {"verdict": "accept", "user": "ann"}, SAID, "'accept' is no verdict of onboard"),
        ("onboard", {"verdict": "asked"}, SAID, "does not say what about"),
        ("onboard", {"verdict": "onboarded", "warnings": "short"}, SAID, "its warnings are no list"),
        ("reset", {"ok": 1}, SAID, "says ok: 1"),
        ("purge", {}, SAID, "does not say ok: true"),
        ("offboard", {}, SAID, "does not say ok: true"),
    ],
)
def test_an_answer_that_is_wrong_is_a_violation(
    cmd: str, answer: dict[str, Any], declaration: Declaration, message: str
) -> None:
    with pytest.raises(ProtocolViolation) as caught:
        parse_answer({"seq": 7, **answer}, cmd, 7, declaration)

    assert message in str(caught.value)


def test_an_answer_without_a_seq_is_a_violation() -> None:
    with pytest.raises(ProtocolViolation, match="has no seq where the request had 7"):
        parse_answer({"verdict": "reject"}, "authenticate", 7, SAID)


@pytest.mark.parametrize("reason", sorted(REASONS))
def test_every_reason_fits_a_rejection_and_a_refusal(reason: str) -> None:
    rejected = parse_answer({"seq": 1, "verdict": "reject", "reason": reason}, "authenticate", 1, SAID)
    refused = parse_answer({"seq": 1, "verdict": "refused", "reason": reason}, "onboard", 1, SAID)

    assert (rejected.reason, refused.reason) == (reason, reason)


def test_every_word_of_the_lists_is_explained_in_one_sentence() -> None:
    for meaning in (*REJECT_REASONS.values(), *REFUSE_REASONS.values(), *CAPABILITIES.values()):
        assert meaning.endswith((".", ")."))
        assert meaning.count(". ") == 0


def test_null_is_the_same_as_nothing() -> None:
    answer = {"seq": 1, "verdict": "reject", "reason": None, "detail": None, "warnings": None}

    assert parse_answer(answer, "authenticate", 1, SAID).reason == "other"


def test_claims_without_a_user_are_enough_for_one_that_does_not_map() -> None:
    answer = {
        "seq": 1,
        "verdict": "accept",
        "user": None,
        "claims": {"sub": "a"},
        "mapped_by": "sub",
        "fallback": True,
    }

    verdict = parse_answer(answer, "authenticate", 1, AUDITOR)

    assert (verdict.user, verdict.claims, verdict.mapped_by, verdict.fallback) == (
        None,
        {"sub": "a"},
        "sub",
        True,
    )


def test_a_detail_is_cut_and_cannot_move_a_terminals_cursor() -> None:
    answer = {"seq": 1, "verdict": "reject", "detail": "\x1b[2J\x00\ud800" + "x" * 5000}

    detail = parse_answer(answer, "authenticate", 1, SAID).detail

    assert detail.startswith("\\x1b[2J\\x00\\ud800xxx")
    assert len(detail) < 2100


@given(
    message=st.dictionaries(
        st.text() | st.sampled_from(["verdict", "user", "reason"]), json_values, max_size=5
    )
)
def test_no_answer_escapes_as_anything_but_a_verdict_or_a_violation(message: dict[str, Any]) -> None:
    for cmd in ("onboard", "authenticate", "offboard", "purge", "reset", "stop"):
        with contextlib.suppress(ProtocolViolation):
            assert parse_answer({**message, "seq": 1}, cmd, 1, SAID).kind != "error"


def test_only_the_declared_key_forms_are_sent() -> None:
    record: dict[str, Any] = {
        "id": "i-1",
        "jwks_uri": "http://127.0.0.1/",
        "ca_file": None,
        "jwks": {"keys": []},
        "certificates": [],
        "selected": ["a"],
        "public_keys": [],
    }

    by_url = onboard_message(record, [], ["jwks_uri", "https_only"])["integration"]
    by_file = onboard_message(record, [], ["certificates"])["integration"]

    assert list(by_url) == ["id", "jwks_uri", "ca_file"]
    assert list(by_file) == ["id", "certificates", "selected"]


def test_bytes_travel_as_text_where_they_are_text_and_else_as_base64() -> None:
    record: dict[str, Any] = {
        "id": "i-1",
        "certificates": [{"kid": "a", "pem": b"-----"}, {"kid": "b", "pem": b"\x30\x82\xff"}],
    }

    sent = onboard_message(record, [], ["certificates"])["integration"]["certificates"]

    assert sent == [{"kid": "a", "pem": "-----"}, {"kid": "b", "pem_base64": "MIL/"}]


@given(token=st.binary())
def test_every_credential_survives_the_wire(token: bytes) -> None:
    message = json.loads(wire.encode(authenticate_message(token)))

    raw = (
        base64.b64decode(message["token_base64"]) if "token_base64" in message else message["token"].encode()
    )

    assert raw == token
    assert ("token" in message) != ("token_base64" in message)


@given(line=st.binary() | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_line_is_an_object_or_a_bad_line(line: bytes) -> None:
    with contextlib.suppress(wire.BadLine):
        assert isinstance(wire.decode(line), dict)


@pytest.mark.parametrize(
    "line, problem",
    [
        (b"[1]", "is no JSON object: '[1]'"),
        (b'{"a": NaN}', "holds NaN, which is not JSON"),
        (b'{"a": 1, "a": 2}', "names one member twice"),
        (b'{"a": "\xff"}', "is no JSON object"),
        (b'\xef\xbb\xbf{"a": 1}', "is no JSON object"),
        (b'{"a": 1' + b"0" * 5000 + b"}", "is no JSON object"),
        (b'{"a": ' + b"[" * 64 + b"]" * 64 + b"}", "is nested deeper than 64 levels"),
        (b"[" * 500_000, "is nested deeper than 64 levels"),
        (b'{"a": "' + b"x" * (1 << 20) + b'"}', "is longer than 1,048,576 bytes"),
    ],
)
def test_a_line_that_is_not_strictly_a_json_object_is_bad(line: bytes, problem: str) -> None:
    with pytest.raises(wire.BadLine) as caught:
        wire.decode(line)

    assert problem in str(caught.value)
    assert len(str(caught.value)) < 200


def test_brackets_in_a_string_are_no_depth() -> None:
    text = "[{" * 500 + '\\"'

    assert wire.decode(json.dumps({"a": text}).encode()) == {"a": text}


def test_what_nobody_states_has_the_defaults_and_what_the_target_says_fills_the_profile() -> None:
    profile = Profile(algorithms=("ES256",)).merge(Declaration(scope="service", algorithms=("ES256",)))

    assert (profile.scope, profile.algorithms, profile.capabilities) == ("service", ("ES256",), ())


@pytest.mark.parametrize(
    "profile, said",
    [
        (Profile(scope="system"), Declaration(scope="library")),
        (Profile(stated=frozenset({"scope"})), Declaration(scope="service")),
        (Profile(keys=("jwks",)), Declaration(keys=("jwks_uri",))),
        (Profile(capabilities=("clock", "reset")), Declaration(capabilities=("reset",))),
    ],
)
def test_a_profile_and_a_target_that_contradict_each_other_are_both_quoted(
    profile: Profile, said: Declaration
) -> None:
    with pytest.raises(TargetError) as caught:
        profile.merge(said)

    assert caught.value.kind == "configuration"
    assert caught.value.message.startswith("the profile says")
    assert "and the target says" in caught.value.message


def test_the_order_of_a_list_contradicts_nothing() -> None:
    profile = Profile(keys=("jwks", "jwks_uri"))

    assert profile.merge(Declaration(keys=("jwks_uri", "jwks"))).keys == ("jwks_uri", "jwks")
