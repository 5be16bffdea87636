"""KEY-023, KEY-025 to KEY-027, KEY-029: how long a key is trusted after answers that hold it or do not."""

import itertools
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.algorithms import KeyMaterial
from verifier.key_lifetimes import PublishedKeys
from verifier.keys import MAX_KEYS, Jwks, Unused, VerificationKey

if TYPE_CHECKING:
    from tests.verifier.conftest import Signer, World

LIFETIME_S = 100.0


def key(kid: str | None, name: str) -> VerificationKey:
    return VerificationKey(kid, KeyMaterial("RSA", None, None, b"", name.encode()))  # type: ignore[arg-type] # not used


def answer(*keys: VerificationKey, unusable: tuple[str, ...] = ()) -> Jwks:
    named = frozenset(one.kid for one in keys if one.kid) | frozenset(unusable)
    faults = tuple(Unused(number, kid, "unusable") for number, kid in enumerate(unusable))
    return Jwks(keys, faults, named, frozenset())


entries = st.dictionaries(st.sampled_from("abc"), st.sampled_from(["one", "two", "unusable"]), max_size=3)


@given(
    st.lists(st.tuples(st.floats(0, 90), entries), min_size=1, max_size=12),
    st.floats(0, 150),
    st.randoms(use_true_random=False),
)
def test_a_key_is_trusted_for_its_time_unless_an_answer_names_its_kid(
    answers: list[tuple[float, dict[str, str]]], pause: float, random: Random
) -> None:
    """KEY-023, KEY-025, KEY-026, KEY-029: in whatever order the entries stand."""
    now, published = 0.0, None
    model: dict[str, tuple[str, float]] = {}
    for step, held in answers:
        now += step
        keys = [key(kid, name) for kid, name in held.items() if name != "unusable"]
        random.shuffle(keys)
        jwks = answer(*keys, unusable=tuple(kid for kid, name in held.items() if name == "unusable"))
        published = published.then(jwks, now) if published else PublishedKeys(jwks, now)
        if not held:
            model.clear()
        model |= {kid: (name, now) for kid, name in held.items()}
    end = now + pause
    expected = {
        (kid, name.encode())
        for kid, (name, at) in model.items()
        if name != "unusable" and end - at <= LIFETIME_S
    }

    assert published
    trusted = published.trusted(end, LIFETIME_S)

    if pause > LIFETIME_S or end - published.seen_at > LIFETIME_S:
        assert trusted is None
    else:
        assert trusted
        keyset, until = trusted
        assert {(one.kid, one.material.spki) for one in (*keyset.keys, *keyset.lingering)} == expected
        assert end <= until


def test_only_so_many_keys_linger_the_latest_first() -> None:
    """OPS-009, OPS-017: an endpoint that shows other keys each time does not fill the memory."""
    published = PublishedKeys(answer(), 0)
    for number in range(10):
        published = published.then(answer(*(key(f"{number}-{one}", "k") for one in range(300))), number)

    assert len(published.left) == MAX_KEYS
    assert {at for _, at in published.left} == {8, 7, 6, 5}


@pytest.mark.parametrize("answers", list(itertools.permutations(["new", "both", "old"])))
def test_answers_of_stale_and_fresh_edges_do_not_make_tokens_flap(
    world: "World", rs256: "Signer", other: "Signer", answers: tuple[str, ...]
) -> None:
    """KEY-025."""
    shown = {"new": (other,), "both": (rs256, other), "old": (rs256,)}
    world.publish(rs256, other)
    world.pass_time(3600)
    assert world.accepts(other.token(world.claims())) == "ann"
    for name in answers * 4:
        world.publish(*shown[name])
        world.pass_time(3600)
        assert world.accepts(other.token(world.claims())) == "ann"
        assert world.accepts(rs256.token(world.claims())) == "ann"
    assert len(world.fetches) >= 12


def test_a_key_whose_entry_becomes_unusable_is_gone_at_once(
    world: "World", rs256: "Signer", other: "Signer"
) -> None:
    """KEY-011, KEY-015, KEY-026: what an answer names it decides alone."""
    for members in ({"use": "enc"}, {"d": "AQAB"}, {"x5c": ["AAAA"]}, {"alg": "RS512"}):
        world.start()
        world.publish(rs256, other)
        world.onboard()
        world.publish(rs256.jwk(**members), other)
        world.pass_time(3600)
        assert world.rejects(other.token(world.claims())) == "no_user"
        assert world.rejects(rs256.token(world.claims())) in ("unknown_key", "algorithm_not_allowed")


def test_a_private_half_under_another_kid_ends_a_lingering_key(
    world: "World", rs256: "Signer", other: "Signer"
) -> None:
    """KEY-015: the key is compromised under every kid."""
    world.publish(rs256.jwk(kid="again", d="AQAB"), other)
    world.pass_time(3600)
    assert world.accepts(other.token(world.claims())) == "ann"
    assert world.rejects(rs256.token(world.claims())) == "unknown_key"


def test_a_token_without_kid_is_judged_by_the_latest_answer_alone(
    world: "World", rs256: "Signer", other: "Signer"
) -> None:
    """KEY-008, KEY-025: a lingering key makes no ambiguity, and is none to fall back to."""
    bare = other.raw(
        b'{"alg":"RS256"}', b'{"iss":"https://idp.example","aud":"api","sub":"ann-sub","exp":1900000000}'
    )
    old = rs256.raw(
        b'{"alg":"RS256"}', b'{"iss":"https://idp.example","aud":"api","sub":"ann-sub","exp":1900000000}'
    )
    assert world.accepts(old) == "ann"
    world.publish(other)
    world.pass_time(3600)
    assert world.accepts(bare) == "ann"
    assert world.rejects(old) == "bad_signature"
    assert world.accepts(rs256.token(world.claims())) == "ann"  # by its kid, while it lingers


@pytest.mark.parametrize("meaning", ["revoke_all", "keep_last_good"])
def test_an_empty_set_means_what_the_policy_says(
    world: "World", rs256: "Signer", other: "Signer", meaning: str
) -> None:
    """KEY-029: revoking spares no lingering key, and keeping ends at the staleness bound."""
    world.start(empty_jwks=meaning)
    world.publish(rs256)
    world.onboard()
    world.publish(other)
    world.pass_time(3600)
    assert world.rejects(rs256.token(world.claims())) == "no_user"
    world.publish()
    world.pass_time(3600)
    for signer in (rs256, other):
        expected = "unknown_key" if meaning == "revoke_all" else "no_user"
        assert world.rejects(signer.token(world.claims())) == expected
    world.pass_time(86_401)
    ended = "unknown_key" if meaning == "revoke_all" else "unavailable"
    assert world.rejects(other.token(world.claims())) == ended
