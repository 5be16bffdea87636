"""The claims of a token and their values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scenarios.files.yaml12 import ABSENT, Json
from scenarios.fuzz.grammar.pools import ESCAPES, FAR, ISSUER, NEAR, OTHER_ISSUER, SHAPES, Pool, twins

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scenarios.fuzz.grammar.ability import Ability

_IDS: Final[Pool] = (
    *("bob-sub", "1", "0", "true", "null", "12345", "eve-sub", "off-sub", "nobody", "ann@contoso.example"),
    *("jos\u00e9", "jose\u0301", "\u212aim", "' OR '1'='1", "\u00a0", "\t", "\u200b", "None", '["ann-sub"]', "{}"),
    *(*twins("ann-sub"), *ESCAPES, *SHAPES, *map(Json, ("12345.0", "1.2345e4"))),
)  # fmt: skip
_NO_TEXTS: Final[Pool] = ("bob-sub", 1, None, ["bob-sub"], {})
_TWINS: Final = ("SUB", "Sub", "ISS", "AUD", "sub ", "upn", "Upn", "oid", "email", "External-ID")
"""Claims that are not the one which somebody may take them for."""
_BYSTANDERS: Final = (
    *("nonce", "at_hash", "auth_time", "acr", "amr", "scope", "scp", "roles", "groups", "act", "may_act", "idtyp", "gty"),
    *("name", "ver", "sid", "_claim_names", "x", "", "constructor", "__proto__", "kid", "alg"),
)  # fmt: skip
_OTHERS: Final[Mapping[str, Pool]] = {
    **dict.fromkeys(_TWINS, _NO_TEXTS),
    "EXP": (1, None, ["bob-sub"], {}),
    **dict.fromkeys(_BYSTANDERS, SHAPES),
    "jti": ("x", "", ABSENT, "a" * 300),
    "typ": ("Bearer", "ID", "Refresh", "Offline", "Logout", "JWT", *SHAPES),
    "email_verified": (True, False, "true", "false", None, 0, 1),
    "token_use": ("access", "id", "x", 1, None),
    **dict.fromkeys(("client_id", "azp"), (ISSUER, "ann-sub", "api", *SHAPES)),
    "cnf": ({"jkt": "x"}, {}, None, "x", []),
    "events": ({}, None, {"http://schemas.openid.net/event/backchannel-logout": {}}),
    "tid": ("x", None, 1),
}
_ISSUERS: Final[Pool] = (*twins(ISSUER), OTHER_ISSUER, "idp.example.com", "http://idp.example.com", *SHAPES)
_AUDIENCES: Final[Pool] = (
    *(*twins("api"), ["x", "y", "api"], {"api": True}, "api x", "x,api", *SHAPES),
    *(["x", one] for one in twins("api") if isinstance(one, str)),
)


def claims(ability: Ability, custom: str | None) -> Mapping[str, Pool]:
    """Return the claims and their values; `custom` is the custom claim of the integration."""
    times = FAR + NEAR if ability.clock else FAR
    checked = {**dict.fromkeys(("exp", "nbf", "iat"), times), "iss": _ISSUERS, "aud": _AUDIENCES}
    made: dict[str, Any] = {name: pool for name, pool in checked.items() if name in ability.checks}
    return {**_OTHERS, **made, "sub": _IDS, **_of_custom(custom)}


def _of_custom(custom: str | None) -> Mapping[str, Pool]:
    if custom is None or custom == "sub":
        return {}
    first, _, rest = custom.partition(".")
    inner: Mapping[str, Pool] = {first: ({rest: "bob-sub"}, "bob-sub", None)} if rest else {}
    return {custom: _IDS, **inner}
