"""The members of a token's header and their values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scenarios.files.yaml12 import ABSENT
from scenarios.fuzz.grammar.pools import ISSUER, OTHER_ISSUER, SHAPES, Pool

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scenarios.fuzz.grammar.ability import Ability

_HEADERS: Final[Mapping[str, Pool]] = {
    "kid": ("", "b", "A", "a ", " a", "a\0", "\u0430", "a/", "../a", "0", 0, None, True, ["a"], {"a": 1}, "x" * 200, ABSENT),
    "typ": (
        *("JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt", "application/jwt", "APPLICATION/JWT", "JOSE", "JWS"),
        *("logout+jwt", "secevent+jwt", "dpop+jwt", "application/logout+jwt", "jwt ", "", "x", None, 1, [], ["JWT"], ABSENT),
    ),
    "cty": ("JWT", "jwt", "json", "", None, 1),
    "crit": (["exp"], [], ["b64"], None, "b64", ["b64", "b64"], {}, ["x"], ["alg"], [""], [1], "exp", False, ["kid"]),
    "b64": (True, False, None, "true", 0, 1, []),
    "zip": ("DEF", "", None, "GZ", 1),
    "enc": ("A128GCM", None, 1),
    "jwk": ({"kty": "oct", "k": "AAAA"}, {}, None, "x", {"kty": "RSA", "n": "AQAB", "e": "AQAB"}),
    "jku": (ISSUER, "", None, 1),
    "x5u": (ISSUER, "", None, 1),
    "x5c": ([], ["x"], None, "x", [1]),
    "x5t": ("x", "", None, 1),
    "x5t#S256": ("x", "", None, 1),
    "iss": (ISSUER, OTHER_ISSUER, None, 1, [ISSUER]),
    "sub": ("ann-sub", "bob-sub", None, 1),
    "aud": ("api", "x", ["api"], None),
    "exp": (1, 4102444800, None, "x"),
    "ALG": ("none", "HS256", 1),
    "Kid": ("b", 1),
    "x": SHAPES,
    "nonce": ("x", 1, None),
    "p2c": (1000000000, "x"),
    "": ("x",),
}  # fmt: skip


def headers(ability: Ability) -> Mapping[str, Pool]:
    """Return the header members and their values."""
    left_out = {"exp"} - ability.checks | ({"typ"} if ability.library else set())
    return {name: pool for name, pool in _HEADERS.items() if name not in left_out}
