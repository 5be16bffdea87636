"""Hand-made JWKSs with an odd entry, beside the key that signs (a) or in its place."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

from scenarios.files.yaml12 import ABSENT
from scenarios.stage.keys import staged_key
from scenarios.targets.reference import ALGORITHMS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scenarios.fuzz.grammar.ability import Ability
    from scenarios.fuzz.grammar.pools import Pool

_MEMBERS: Final[tuple[Mapping[str, Any], ...]] = (
    {"use": "enc"}, {"use": "sig"}, {"use": "SIG"}, {"use": ""}, {"use": 1},
    {"key_ops": ["verify"]}, {"key_ops": ["sign"]}, {"key_ops": []}, {"key_ops": ["encrypt", "verify"]}, {"key_ops": "verify"},
    {"alg": "X"}, {"alg": ABSENT}, {"alg": "none"}, {"alg": "HS256"}, {"alg": 1},
    {"kid": ABSENT}, {"kid": ""}, {"kid": 1}, {"kid": None}, {"kid": "A"}, {"kid": "a "}, {"kid": ["a"]},
    {"kty": "oct"}, {"kty": ABSENT}, {"kty": None}, {"kty": "X"}, {"x5c": []}, {"x5c": ["x"]}, {"x5t": "x"}, {"x": 1},
    {"exp": 1}, {"nbf": 4102444800}, {"revoked": True}, {"ext": True},
)  # fmt: skip
_OF_RSA: Final[tuple[Mapping[str, Any], ...]] = (
    {"e": "AQ"},
    {"e": "AA"},
    {"n": "AA"},
    {"n": ABSENT},
    {"e": ABSENT},
)
_OF_FAMILY: Final[Mapping[str, tuple[Mapping[str, Any], ...]]] = {
    "RS": _OF_RSA,
    "PS": _OF_RSA,
    "ES": ({"crv": "P-384"}, {"crv": "x"}, {"y": ABSENT}, {"x": "AA"}, {"crv": ABSENT}),
    "Ed": ({"crv": "X25519"}, {"x": "AA"}, {"x": ABSENT}),
}
_RAW: Final[Pool] = (
    *(
        None,
        1,
        "x",
        [],
        {},
        {"kty": "X"},
        {"kty": "oct", "k": "AAAA", "kid": "a"},
        {"kty": "oct", "k": "AAAA"},
    ),
)


def key_sets(ability: Ability, alg: str) -> Iterator[list[Any]]:
    """Yield the sets for tokens of an algorithm; none where no hand-made set reaches everybody."""
    if not ability.jwks:
        return
    # An RSA key can do what any of these names says, and may not (KEY-013).
    siblings = [{"alg": name} for name in ALGORITHMS if name != alg and {name[:2], alg[:2]} <= {"RS", "PS"}]
    for members in (*_MEMBERS, {"alg": alg}, {"alg": alg.lower()}, *siblings, *_OF_FAMILY[alg[:2]]):
        yield [{"key": "a", "members": members}]
        yield ["a", {"key": "b", "members": members}]
        yield [{"key": "b", "members": members}, "a"]
    for raw in _RAW:
        yield ["a", {"raw": raw}]
        yield [{"raw": raw}, "a"]
    yield from _under_one_kid(alg)
    yield [{"key": "a", "private": True}]
    yield ["a", {"key": "b"}, {"key": "b", "private": True, "members": {"kid": "twin"}}]
    if alg[:2] == "RS":
        yield from (["a", {"key": name}] for name in ("weak", "rsa-2047", "rsa-3072", "rsa-e3"))
    if alg[:2] == "ES":
        yield ["a", {"key": "b", "members": {"x": _longer(staged_key("b", alg).public_jwk()["x"])}}]
    yield ["b"]


def _longer(number: str) -> str:
    """Return a coordinate with a zero byte before it: the same number, and not of the curve's length (KEY-017)."""
    octets = base64.urlsafe_b64decode(number + "=" * (-len(number) % 4))
    return base64.urlsafe_b64encode(b"\0" + octets).decode().rstrip("=")


def _under_one_kid(alg: str) -> Iterator[list[Any]]:
    """Yield sets in which two keys share a kid: of one kind, and of two kinds, of which one fits (KEY-010)."""
    other = {"key": "a", "alg": "RS256" if alg[:2] in {"ES", "Ed"} else "ES256"}
    for twin in ({"key": "b", "members": {"kid": "a"}}, other):
        yield ["a", twin]
        yield [twin, "a"]


def typed_kids(ability: Ability) -> Iterator[tuple[list[Any], Any]]:
    """Yield sets with one entry, and a kid that is another value, but would be the same as text or as a truth."""
    if not ability.jwks:
        return
    texts: Mapping[str, Any] = {
        "0": 0,
        "1": 1,
        "true": True,
        "True": True,
        "null": None,
        "None": None,
        "": None,
        '["a"]': ["a"],
    }
    for text, value in texts.items():
        yield [{"key": "a", "members": {"kid": text}}], value
        yield [{"key": "a", "members": {"kid": value}}], text
    for absent in (ABSENT, None):
        yield [{"key": "a", "members": {"kid": absent}}], None
        yield [{"key": "a", "members": {"kid": absent}}], ""


def second_signer(entries: list[Any]) -> str:
    """Return the key of a JWKS, beside a, that a token may be signed by."""
    names = [one["key"] for one in entries if isinstance(one, dict) and one.get("key", "a") != "a"]
    return names[0] if names else "b"
