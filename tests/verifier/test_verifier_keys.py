"""KEY: which entries of a JWKS verify, and when the set is read."""

import base64
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verifier import TokenRejected, User
from verifier.algorithms import ALGORITHMS, Algorithm
from verifier.keys import KeySet, KeyUse, UnusableKey, VerificationKey, parse_jwk, parse_jwks

if TYPE_CHECKING:
    from tests.verifier.conftest import Signer, World

URL = "https://idp.example/jwks"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def republish(world: "World", *keys: object) -> None:
    world.publish(*keys)
    world.pass_time(3600)


def test_the_kid_selects_one_key_and_no_other(world: "World", rs256: "Signer", other: "Signer") -> None:
    """KEY-001, KEY-003, KEY-004, KEY-022, KEY-038."""
    for keys in ((rs256, other), (other, rs256)):
        republish(world, *keys)
        assert world.accepts(rs256.token(world.claims())) == "ann"
        assert world.accepts(other.token(world.claims())) == "ann"
        assert world.rejects(rs256.token(world.claims(), kid="other")) == "bad_signature"
        for kid in ("zzz", "rs256", "RS256 ", "RS25", "RS2560", "", "x" * 5000):
            assert world.rejects(rs256.token(world.claims(), kid=kid)) == "unknown_key"


@pytest.mark.parametrize("kid", [1, None, True, ["RS256"], {}, 1.5])
def test_a_kid_is_a_string(world: "World", rs256: "Signer", kid: object) -> None:
    """KEY-009: and never matches a key without kid."""
    republish(world, {name: value for name, value in rs256.jwk().items() if name != "kid"})
    assert world.rejects(rs256.token(world.claims(), kid=kid)) == "malformed"


def without_kid(world: "World", signer: "Signer") -> str:
    return signer.raw(json.dumps({"alg": signer.alg}).encode(), json.dumps(world.claims()).encode())


def test_a_token_without_kid_needs_exactly_one_key_that_fits(
    world: "World", signers: Mapping[str, "Signer"], rs256: "Signer", other: "Signer"
) -> None:
    """KEY-008."""
    for fitting in ((rs256,), (signers["ES256"], rs256), (rs256, rs256.jwk(kid="again"))):
        republish(world, *fitting)
        assert world.accepts(without_kid(world, rs256)) == "ann"
    for many in ((rs256, other), (other, rs256), (other,)):
        republish(world, *many)
        assert world.rejects(without_kid(world, rs256)) == (
            "bad_signature" if len(many) == 1 else "unknown_key"
        )


def test_a_kid_given_twice_does_not_depend_on_order(
    world: "World", signers: Mapping[str, "Signer"], rs256: "Signer", other: "Signer"
) -> None:
    """KEY-010."""
    twin, curve = other.jwk(kid="RS256"), signers["ES256"].jwk(kid="RS256")
    for keys in ((rs256, twin), (twin, rs256)):
        republish(world, *keys)
        assert world.rejects(rs256.token(world.claims())) == "unknown_key"
    for harmless in ((rs256, curve), (curve, rs256), (rs256, rs256), (rs256, twin | {"use": "enc"})):
        republish(world, *harmless)
        assert world.accepts(rs256.token(world.claims())) == "ann"


@pytest.mark.parametrize(
    "members",
    [
        {"use": "enc"}, {"use": "SIG"}, {"use": None}, {"key_ops": ["encrypt"]}, {"key_ops": []}, {"key_ops": "verify"},
        {"use": "sig", "key_ops": ["encrypt"]}, {"alg": "RS512"}, {"alg": "none"}, {"alg": 1}, {"alg": None},
        {"alg": "RSA-OAEP"}, {"alg": "ES256"}, {"kid": 1}, {"kid": ["RS256"]}, {"kty": "none"}, {"kty": None},
        {"kty": "rsa"}, {"kty": "EC"}, {"d": "AQAB"}, {"p": "AQAB"}, {"n": None}, {"n": ""}, {"n": 5}, {"n": "AQAB"},
        {"n": "A" * 9000}, {"e": "AQ"}, {"e": "Ag"}, {"e": "AA"}, {"e": "AQAA"}, {"e": ""}, {"e": "AQAB="},
        {"e": "A" * 342 + "Q"}, {"e": "AQAB\n"}, {"x5c": []}, {"x5c": "x"}, {"x5c": [1]}, {"x5c": ["AAAA"]},
        {"x5c": None},
    ],
)  # fmt: skip
def test_an_entry_that_must_not_verify_is_left_out(
    world: "World", rs256: "Signer", other: "Signer", members: dict[str, object]
) -> None:
    """KEY-011, KEY-013, KEY-015, KEY-016, KEY-018, KEY-019, SIG-032: and the others go on."""
    world.start()
    world.publish(rs256.jwk(**members), other)
    world.onboard(User("ann", "ann-sub"))
    assert world.rejects(rs256.token(world.claims())) in ("unknown_key", "algorithm_not_allowed")
    assert world.accepts(other.token(world.claims())) == "ann"


def test_odd_entries_do_not_spoil_the_set(
    world: "World", rs256: "Signer", signers: Mapping[str, "Signer"]
) -> None:
    """KEY-014, KEY-018: post-quantum keys, strings, nulls, secrets."""
    odd: list[object] = [
        {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA"},
        "key",
        None,
        5,
        [],
        {},
        {"kty": "oct", "k": "AAAA"},
    ]
    odd += [
        signers["ES256"].jwk(crv="secp256k1"),
        signers["ES256"].jwk(crv=5),
        {"kty": ["RSA"]},
        rs256.jwk(kid=5),
    ]
    republish(world, *odd, rs256.jwk(foo=1))
    assert world.accepts(rs256.token(world.claims())) == "ann"


@pytest.mark.parametrize("bits", [1024, 2047])
def test_a_short_rsa_key_is_unusable(make_signer: Callable[..., "Signer"], bits: int) -> None:
    """KEY-016."""
    with pytest.raises(UnusableKey, match="bits"):
        parse_jwk(make_signer("RS256", "weak", bits).jwk())


def flat(value: int, width: int) -> str:
    return base64.urlsafe_b64encode(value.to_bytes(width)).rstrip(b"=").decode()


def test_a_point_lies_on_its_curve(signers: Mapping[str, "Signer"]) -> None:
    """KEY-017."""
    good = signers["ES256"].jwk()
    assert parse_jwk(good).material.crv == "P-256"
    zero = flat(0, 32)
    changes: tuple[dict[str, Any], ...] = (
        {"x": zero, "y": zero}, {"x": good["y"]}, {"x": good["x"][:-2]}, {"y": None}, {"y": ""}, {"crv": "P-384"},
        {"crv": "P-521"}, {"crv": "p-256"}, {"crv": None}, {"x": good["x"] + "AA"}, {"x": flat(2**256 - 1, 32)},
    )  # fmt: skip
    for change in changes:
        with pytest.raises(UnusableKey):
            parse_jwk(good | change)


@pytest.mark.parametrize(
    "point",
    [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0100" + "00" * 55, "00" * 57,
    ],
)  # fmt: skip
def test_an_edwards_point_of_small_order_is_unusable(point: str) -> None:
    """SIG-017: such a key fits signatures of any message."""
    raw = bytes.fromhex(point)
    entry = {
        "kty": "OKP",
        "crv": "Ed25519" if len(raw) == 32 else "Ed448",
        "x": base64.urlsafe_b64encode(raw).rstrip(b"=").decode(),
    }
    with pytest.raises(UnusableKey):
        parse_jwk(entry)


def test_x5c_agrees_with_the_key_or_the_entry_is_unusable(rs256: "Signer", other: "Signer") -> None:
    """KEY-019 to KEY-021: an expired certificate is as good as any, and none is needed."""
    mine = base64.b64encode(rs256.der(valid=(2001, 2002))).decode()
    theirs = base64.b64encode(other.der()).decode()
    assert parse_jwk(rs256.jwk(x5c=[mine, theirs])).kid == "RS256"
    urlsafe = base64.urlsafe_b64encode(rs256.der(serial=2**100)).decode()
    cases: tuple[dict[str, object], ...] = ({"x5c": [theirs]}, {"x5c": [theirs, mine]}, {"x5c": [mine], "x5t": "AAAA"},
                    {"x5c": [mine], "x5t#S256": 1}, {"x5c": [mine + "\n"]}, {"x5c": [urlsafe + "-"]})  # fmt: skip
    for members in cases:
        with pytest.raises(UnusableKey):
            parse_jwk(rs256.jwk(**members))


def test_a_certificate_is_not_looked_at_where_the_policy_says_so(
    world: "World", rs256: "Signer", other: "Signer"
) -> None:
    """KEY-019: the knob `x5c_mismatch`; the members of the key decide alone, and one key is under one kid."""
    theirs = base64.b64encode(other.der()).decode()
    world.start(x5c_mismatch="ignore_x5c")
    world.publish(rs256.jwk(x5c=[theirs], x5t="AAAA"))
    world.onboard(User("ann", "ann-sub"))
    assert world.accepts(rs256.token(world.claims())) == "ann"
    assert world.rejects(other.token(world.claims(), kid="RS256")) == "bad_signature"


@pytest.mark.parametrize("alg", ["RS256", "ES256", "Ed25519"])
def test_a_private_half_makes_the_key_untrusted_in_every_entry(
    signers: Mapping[str, "Signer"], alg: str
) -> None:
    """KEY-015: also where another entry shows the same key without it, in any order."""
    key = signers[alg]
    entries = [key.jwk(), key.jwk(kid="leaked", d="AQAB"), signers["other"].jwk()]
    for order in (entries, entries[::-1]):
        jwks = parse_jwks(json.dumps({"keys": order}).encode())
        assert [one.kid for one in jwks.keys] == ["other"]
        assert len(jwks.faults) == 1


def test_a_set_has_a_bounded_number_of_entries(rs256: "Signer") -> None:
    """KEY-032, OPS-009: a thousand keys are read, and a flood of entries is no JWKS."""
    keys = parse_jwks(json.dumps({"keys": [rs256.jwk(kid=str(n)) for n in range(1000)]}).encode())
    assert len(keys.keys) == 1000
    with pytest.raises(ValueError, match="more than 1024"):
        parse_jwks(b'{"keys":[' + b",".join([b"{}"] * 1025) + b"]}")


@pytest.mark.parametrize("kid", [None, "same", "k7"])
def test_finding_a_key_costs_the_same_in_a_large_set(
    monkeypatch: pytest.MonkeyPatch, rs256: "Signer", kid: str | None
) -> None:
    """OPS-009: after the first token not one key is looked at, with kid, without, or with one that many share."""
    asked: list[str | None] = []
    serves = VerificationKey.serves
    material = parse_jwk(rs256.jwk()).material
    names = ["same"] * 500 + [f"k{number}" for number in range(500)]
    keys = KeySet(VerificationKey(name, material, None, f"t{n}") for n, name in enumerate(names))

    def count(key: VerificationKey, algorithm: Algorithm, use: KeyUse) -> bool:
        asked.append(key.kid)
        return serves(key, algorithm, use)

    monkeypatch.setattr(VerificationKey, "serves", count)
    use = KeyUse("RS256", None)
    first = keys.find(kid, ALGORITHMS["RS256"], use)
    asked.clear()
    for _ in range(10):
        assert keys.find(kid, ALGORITHMS["RS256"], use) is first
        assert not keys.find("unknown", ALGORITHMS["RS256"], use)
        assert keys.knows("k1", KeyUse("RS256", "t501"))
        assert not keys.knows("same", KeyUse("RS256", "t501"))
    assert len(first) == 1
    assert asked == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b'{"keys":[',
        b"{}",
        b"[]",
        b"null",
        b'{"keys":{}}',
        b'{"Keys":[]}',
        b'{"keys":[],"keys":[]}',
        b'\xef\xbb\xbf{"keys":[]}',
        '{"keys":[]}'.encode("utf-16"),
        b"[" * 100000,
        b'{"keys":[{"n":1,"n":2}]}',
    ],
)
def test_an_answer_that_is_no_jwks_changes_nothing(world: "World", rs256: "Signer", body: bytes) -> None:
    """KEY-027, KEY-028, KEY-032, KEY-033, KEY-040."""
    world.documents[URL] = body
    world.pass_time(3600)
    assert world.accepts(rs256.token(world.claims())) == "ann"
    assert len(world.fetches) == 1


@settings(deadline=None)
@given(
    entries=st.lists(
        st.dictionaries(
            st.sampled_from(["kty", "kid", "n", "e", "x", "y", "crv", "alg", "use", "x5c"]),
            JSON | st.sampled_from(["RSA", "EC", "OKP", "P-256", "Ed25519"]),
        )
    )
    | JSON
)
def test_any_json_is_a_key_set_or_a_value_error(entries: object) -> None:
    for document in (entries, {"keys": entries}):
        try:
            keys = parse_jwks(json.dumps(document).encode())
        except ValueError:
            continue
        assert all(key.material.kty in ("RSA", "EC", "OKP") for key in keys.keys)


@settings(deadline=None)
@given(
    change=st.dictionaries(
        st.sampled_from(["kty", "kid", "n", "e", "x", "y", "crv", "alg", "use", "x5c", "key_ops"]),
        JSON,
        min_size=1,
    ),
    name=st.sampled_from(["RS256", "ES256", "Ed25519"]),
)
def test_any_change_of_a_jwk_is_a_key_or_unusable(
    signers: Mapping[str, "Signer"], change: dict[str, object], name: str
) -> None:
    with suppress(UnusableKey):
        assert parse_jwk(signers[name].jwk(**change)).material.kty in ("RSA", "EC", "OKP")


# Reading the set again.


def test_a_rotated_key_works_after_the_period_and_the_old_one_goes_within_the_bound(
    world: "World", rs256: "Signer", other: "Signer"
) -> None:
    """KEY-002, KEY-023: it lingers for the staleness bound at most, however often it is used."""
    assert world.accepts(rs256.token(world.claims())) == "ann"
    republish(world, other)
    assert world.accepts(other.token(world.claims())) == "ann"
    for _ in range(23):
        world.pass_time(3600)
        world.verifier.authenticate(rs256.token(world.claims()))
    world.pass_time(1)
    assert world.rejects(rs256.token(world.claims())) == "unknown_key"
    assert world.accepts(other.token(world.claims())) == "ann"


def test_an_unknown_kid_reads_the_set_once_and_is_judged_by_it(
    world: "World", rs256: "Signer", other: "Signer"
) -> None:
    """KEY-005, KEY-006: at once the first time, then not before the cooldown is over."""
    world.publish(rs256, other)
    assert world.accepts(other.token(world.claims())) == "ann"
    for number in range(50):
        assert world.rejects(other.token(world.claims(), kid=f"k{number}")) == "unknown_key"
    assert len(world.fetches) == 1
    world.pass_time(300)
    world.publish(rs256, other.jwk(kid="late"))
    assert world.accepts(other.token(world.claims(), kid="late")) == "ann"
    assert len(world.fetches) == 2


def test_a_flood_of_unknown_kids_does_not_hold_off_a_rotation(
    world: "World", rs256: "Signer", other: "Signer"
) -> None:
    """KEY-007: the period runs on its own."""
    for _ in range(12):
        world.pass_time(299)
        world.rejects(rs256.token(world.claims(), kid="flood"))
    world.publish(other)
    world.pass_time(12)
    assert world.accepts(rs256.token(world.claims())) == "ann"  # read again by a flood within this hour
    world.pass_time(3600)
    assert world.accepts(other.token(world.claims())) == "ann"
    assert len(world.fetches) <= 14


def test_another_key_under_a_known_kid_is_found_by_its_signature(
    world: "World", rs256: "Signer", other: "Signer"
) -> None:
    """KEY-026: the new key verifies, the old one no longer."""
    world.publish(other.jwk(kid="RS256"))
    assert world.accepts(other.token(world.claims(), kid="RS256")) == "ann"
    assert world.rejects(rs256.token(world.claims())) == "bad_signature"


def test_the_last_good_set_serves_until_it_is_stale_and_then_nothing(world: "World", rs256: "Signer") -> None:
    """KEY-027, OPS-011: fails closed, and heals itself."""
    good = world.documents[URL]
    world.documents[URL] = 503
    for _ in range(24):
        world.pass_time(3600)
        assert world.accepts(rs256.token(world.claims())) == "ann"
    world.pass_time(1)
    assert world.rejects(rs256.token(world.claims())) == "unavailable"
    world.documents[URL] = good
    world.pass_time(300)
    assert world.accepts(rs256.token(world.claims())) == "ann"


def test_a_failing_endpoint_is_asked_ever_less_often(world: "World", rs256: "Signer") -> None:
    """OPS-011: capped back-off instead of a fetch a token."""
    world.documents[URL] = 500
    world.pass_time(3600)
    for _ in range(600):
        world.accepts(rs256.token(world.claims()))
        world.pass_time(1)
    assert len(world.fetches) <= 8


def test_an_empty_set_revokes_every_key(world: "World", rs256: "Signer") -> None:
    """KEY-029."""
    republish(world)
    assert world.rejects(rs256.token(world.claims())) == "unknown_key"


@pytest.mark.parametrize("status", [204, 301, 302, 304, 401, 404, 500])
def test_only_status_200_is_an_answer(world: "World", rs256: "Signer", status: int) -> None:
    """KEY-027, KEY-030."""
    world.documents[URL] = status
    world.pass_time(3600)
    assert world.accepts(rs256.token(world.claims())) == "ann"


def test_only_the_configured_url_is_asked(world: "World", rs256: "Signer") -> None:
    """KEY-039, AZR-016."""
    url = "https://idp.example/keys?appid=1&p=B2C_1%2Fx"
    world.publish(rs256, url=url)
    world.onboard(jwks_uri=url)
    world.rejects(rs256.token(world.claims(tid="x", jku="https://evil.example"), kid="{tenantid}"))
    assert set(world.fetches) == {url}


def test_an_outage_costs_only_the_integration_that_has_it(world: "World", rs256: "Signer") -> None:
    """KEY-036, OPS-008."""
    other_url = "https://two.example/jwks"
    world.publish(rs256, url=other_url)
    world.onboard(User("tom", "ann-sub"), id="i-2", entity_id="urn:2", audience="two", jwks_uri=other_url)
    world.documents[URL] = 500
    world.pass_time(86_402)
    assert world.rejects(rs256.token(world.claims())) == "unavailable"
    assert world.accepts(rs256.token(world.claims(aud="two"))) == "tom"


def test_a_rejection_says_the_same_twice(world: "World", rs256: "Signer", other: "Signer") -> None:
    """OPS-013."""
    for token in (rs256.token(world.claims(exp=1)), other.token(world.claims()), "x.y.z"):
        answers = set()
        for _ in range(5):
            with pytest.raises(TokenRejected) as rejection:
                world.verifier.authenticate(token)
            answers.add((rejection.value.reason, str(rejection.value)))
        assert len(answers) == 1
