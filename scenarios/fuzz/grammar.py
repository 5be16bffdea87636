"""What there is to draw from: for each dimension of a case the values that verifiers get wrong, and odd ones.

The plain values are the stage's own: issuer `https://idp.example.com`, audience `api`, kid `a`, subject `ann-sub`. A
dimension that nobody who is asked could judge is left out: it would only cost time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from scenarios.files.yaml12 import ABSENT, Json
from scenarios.fuzz.case import OTHER
from scenarios.rulebook import Scope
from scenarios.targets.reference import ALGORITHMS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from scenarios.targets.profile import Profile

ISSUER: Final = "https://idp.example.com"
OTHER_ISSUER: Final = "https://idp-2.example.com"
CUSTOM_CLAIMS: Final = (
    "upn",
    "email",
    "preferred_username",
    "employee.id",
    "https://example.com/id",
    "oid",
    "UPN",
    "sub",
)

_Pool = tuple[Any, ...]
_NO_TEXT: Final[_Pool] = (None, True, False, 0, 1, -1, 1.5, [], {}, [None], {"a": 1}, [[]], "")
_FAR: Final[_Pool] = (
    *("+20s", "+10m", "+20h", "+30d", "-20s", "-10m", "-1d", "now"),
    *(0, 1, -1, 4102444800, 4102444800000, 2**31, 2**32, 2**53, 2**53 + 1, 2**63, 2**64, -(2**31), -(2**63)),
    *map(Json, ("4102444800.5", "4102444800.0", "4.1024448e9", "4.1024448E+9", "1e10", "1e300", "-1e300", "1e400")),
    *map(Json, ("-0", "-0.0", "0.0", "1e-400", '"4102444800"', '"1"', '" 4102444800"', '"+5m"', '"2100-01-01T00:00:00Z"')),
    *map(Json, ("NaN", "Infinity", "-Infinity", "04102444800", "+4102444800", "4_102_444_800", "0x7fffffff", "1.", ".5")),
    *(["4102444800"], [4102444800], {"value": 4102444800}, *_NO_TEXT, ABSENT),
)  # fmt: skip
_NEAR: Final[_Pool] = tuple(
    f"{sign}leeway_s {more}"
    for sign in ("", "-")
    for more in ("- 2s", "- 1s", "+ 0s", "+ 1s", "+ 2s", "+ 60s", "- 60s")
)
"""Times around the bounds, for those who obey a clock."""
_SHAPES: Final[_Pool] = (
    *_NO_TEXT,
    ABSENT,
    "x",
    "true",
    "null",
    12345,
    ["x", "y"],
    {"sub": "bob-sub"},
    *map(Json, ("1e400", "-0", "NaN", "-Infinity")),
)
_SURROGATES: Final[_Pool] = (
    Json(r'"\ud800"'),
    Json(r'"ann-sub\udc00"'),
    Json(r'"\ud83d\ude00"'),
    Json(r'"ann\u002dsub"'),
)


def twins(text: str) -> _Pool:
    """Return texts that are another one, to somebody who compares carelessly."""
    return (
        text.upper(), text.capitalize(), text + "/", text + " ", " " + text, text + "\0", text + "\n", text[:-1],
        text[1:], text + "x", "x" + text, text + ".evil.example", text.replace("-", "_"), text.replace("e", "\u0435"),
        text.replace("i", "\u0131"), text + "\u200b", text + "\u0301", f'"{text}"', f"{text},{text}", text + text,
        text.replace("/", "%2F"), text.replace(":", "%3A"), text + "#", text + "?", text + ".", "*", ".*", "%", "",
        [text], [text, text], ["x", text], [text, "x"], [[text]], {text: text}, {"value": text}, [text, None], [1, text],
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ability:
    """What those who are asked can all judge."""

    scope: Scope
    algorithms: tuple[str, ...]
    clock: bool
    checks: frozenset[str]
    keys: frozenset[str]
    onboarding: bool
    users: bool

    @classmethod
    def of(cls, profiles: Sequence[Profile]) -> Ability:
        """Return what all of the profiles declare."""
        scopes = [Scope(profile.scope) for profile in profiles]
        return cls(
            scope=next(scope for scope in Scope if scope in scopes),
            algorithms=tuple(a for a in ALGORITHMS if all(a in profile.algorithms for profile in profiles)),
            clock=all(profile.can("clock") for profile in profiles),
            checks=frozenset.intersection(*(frozenset(profile.checks) for profile in profiles)),
            keys=frozenset.intersection(*(_forms(profile) for profile in profiles)),
            onboarding=all(profile.can("onboarding") for profile in profiles),
            users=all(profile.can("users") for profile in profiles),
        )

    @property
    def jwks(self) -> bool:
        """Whether a hand-made JWKS reaches all of them."""
        return bool(self.keys & {"jwks", "jwks_uri"})


def _forms(profile: Profile) -> frozenset[str]:
    """Return the forms of keys that reach a target: a set can be handed over by URL too."""
    forms = frozenset(profile.keys)
    return forms | {"jwks"} if "jwks_uri" in forms else forms


# The token.


def claims(ability: Ability, custom: str | None) -> Mapping[str, _Pool]:
    """Return the claims and their values; `custom` is the custom claim of the integration."""
    times = _FAR + _NEAR if ability.clock else _FAR
    made: dict[str, _Pool] = {name: times for name in ("exp", "nbf", "iat") if name in ability.checks}
    if "iss" in ability.checks:
        made["iss"] = (*twins(ISSUER), OTHER_ISSUER, "idp.example.com", "http://idp.example.com", *_SHAPES)
    if "aud" in ability.checks:
        made["aud"] = (*twins("api"), ["x", "y", "api"], {"api": True}, "api x", "x,api", *_SHAPES)
    ids = (
        "bob-sub",
        "1",
        "0",
        "true",
        "null",
        "12345",
        "eve-sub",
        "off-sub",
        "nobody",
        "ann@contoso.example",
    )
    odd = (
        "jos\u00e9",
        "jose\u0301",
        "\u212aim",
        "' OR '1'='1",
        "\u00a0",
        "\t",
        "\u200b",
        "None",
        '["ann-sub"]',
        "{}",
    )
    made["sub"] = (*ids, *odd, *twins("ann-sub"), *_SURROGATES, *_SHAPES, Json("12345.0"), Json("1.2345e4"))
    if custom is not None and custom != "sub":
        made[custom] = made["sub"]
        if "." in custom:
            first, _, rest = custom.partition(".")
            made[first] = ({rest: "bob-sub"}, "bob-sub", None)
    for twin in ("SUB", "Sub", "EXP", "ISS", "AUD", "sub ", "upn", "Upn", "oid", "email", "External-ID"):
        made.setdefault(
            twin, (1, None, ["bob-sub"], {}) if twin == "EXP" else ("bob-sub", 1, None, ["bob-sub"], {})
        )
    made |= dict.fromkeys(_BYSTANDERS, _SHAPES)
    made["jti"] = ("x", "", ABSENT, "a" * 300)
    made["typ"] = ("Bearer", "ID", "Refresh", "Offline", "Logout", "JWT", *_SHAPES)
    made["email_verified"] = (True, False, "true", "false", None, 0, 1)
    made["token_use"] = ("access", "id", "x", 1, None)
    made["client_id"] = made["azp"] = (ISSUER, "ann-sub", "api", *_SHAPES)
    made["cnf"] = ({"jkt": "x"}, {}, None, "x", [])
    made["events"] = ({}, None, {"http://schemas.openid.net/event/backchannel-logout": {}})
    made["tid"] = ("x", None, 1)
    return made


_BYSTANDERS: Final = (
    *("nonce", "at_hash", "auth_time", "acr", "amr", "scope", "scp", "roles", "groups", "act", "may_act", "idtyp", "gty"),
    *("name", "ver", "sid", "_claim_names", "x", "", "constructor", "__proto__", "kid", "alg"),
)  # fmt: skip


def headers(ability: Ability) -> Mapping[str, _Pool]:
    """Return the header members and their values."""
    kids = (
        "",
        "b",
        "A",
        "a ",
        " a",
        "a\0",
        "\u0430",
        "a/",
        "../a",
        "0",
        0,
        None,
        True,
        ["a"],
        {"a": 1},
        "x" * 200,
        ABSENT,
    )
    keys: _Pool = ({"kty": "oct", "k": "AAAA"}, {}, None, "x", {"kty": "RSA", "n": "AQAB", "e": "AQAB"})
    made: dict[str, _Pool] = {
        "kid": kids,
        "typ": (
            *(
                "JWT",
                "jwt",
                "at+jwt",
                "AT+JWT",
                "application/at+jwt",
                "application/jwt",
                "APPLICATION/JWT",
                "JOSE",
                "JWS",
            ),
            *(
                "logout+jwt",
                "secevent+jwt",
                "dpop+jwt",
                "application/logout+jwt",
                "jwt ",
                "",
                "x",
                None,
                1,
                [],
                ["JWT"],
                ABSENT,
            ),
        ),
        "cty": ("JWT", "jwt", "json", "", None, 1),
        "crit": (
            ["exp"],
            [],
            ["b64"],
            None,
            "b64",
            ["b64", "b64"],
            {},
            ["x"],
            ["alg"],
            [""],
            [1],
            "exp",
            False,
            ["kid"],
        ),
        "b64": (True, False, None, "true", 0, 1, []),
        "zip": ("DEF", "", None, "GZ", 1),
        "enc": ("A128GCM", None, 1),
        "jwk": keys,
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
        "x": _SHAPES,
        "nonce": ("x", 1, None),
        "p2c": (1000000000, "x"),
        "": ("x",),
    }
    if "exp" not in ability.checks:
        del made["exp"]
    return {name: pool for name, pool in made.items() if name != "typ" or ability.scope is not Scope.LIBRARY}


_SEGMENTS: Final = ("header", "payload", "signature")
_JSON_SEGMENTS: Final = ("header", "payload")
_ALG_NAMES: Final = (
    "none",
    "None",
    "NONE",
    "HS256",
    "rs256",
    "RS256 ",
    "RS1",
    "",
    "es256",
    "Ed25519",
    "EdDSA",
    "ES256K",
    "ML-DSA-44",
)


def forgeries(alg: str) -> Mapping[str, _Pool]:
    """Return the forgeries of `mock_idp.forgeries` and their arguments, for tokens of an algorithm."""
    made: dict[str, _Pool] = {
        "alg_missing": (None,),
        "alg_value": (*_ALG_NAMES, *(name for name in ALGORITHMS if name != alg), None, 1, [alg], True, {}),
        "alphabet": tuple({"segment": one, "signed": True} for one in _SEGMENTS),
        "bad_utf8": tuple(
            {"segment": one, "sequence": sequence}
            for one in _JSON_SEGMENTS
            for sequence in ("ff", "overlong", "surrogate", "latin1", "truncated")
        ),
        "bom": _JSON_SEGMENTS,
        "b64_false": ("raw", "encoded", {"payload": "encoded", "crit": False}),
        "crit": (["x"], {"crit": ["x"], "header": {"x": 1}}, {"crit": ["exp"], "header": {"exp": 1}}),
        "dangling_character": _SEGMENTS,
        "deep_nesting": tuple({"where": one, "depth": depth} for one in _JSON_SEGMENTS for depth in (10, 70, 300)),
        "duplicate_claim": tuple(
            {"member": name, "value": value, "place": place}
            for name, value in (("sub", "bob-sub"), ("iss", OTHER_ISSUER), ("aud", "x"), ("exp", 1), ("x", 1))
            for place in ("first", "last")
        ),
        "duplicate_header": tuple(
            {"member": name, "value": value, "place": place}
            for name, value in (("alg", "none"), ("kid", "b"), ("typ", "x"))
            for place in ("first", "last")
        ),
        "embedded_jwk": ("own_kid", "known_kid"),
        "embedded_x5c": ("attacker", "attacker_then_true", "true_then_attacker"),
        "encoded_again": ("percent", "percent_dot", "base64", "lookalike_dot", "one_dot_leader"),
        "flip_bit": _SEGMENTS,
        "foreign_key": (None,),
        "foreign_key_own_kid": (None,),
        "header_text": ("{header}x", "{header}{}", "[{header}]", "{header}\n", " {header}", '{header_open},"x":1,}', "\0{header}"),
        "hmac_with_public_key": ("spki_pem", "spki_der", "jwk_json", "certificate_pem"),
        "hmac_with_secret": ("", "secret", {"secret": "secret", "alg": "HS512"}),
        "json_serialisation": ("flattened", "with_compact", "general"),
        "junk": tuple({"segment": one, "text": text} for one in _SEGMENTS for text in ("*", "!", "~", "%", ",")),
        "layout": ("spaces", "newlines", "reversed", "escaped"),
        "long_claim": tuple({"member": name, "item": "x", "times": times} for name in ("x", "sub", "jti") for times in (300, 3000)),
        "many_members": tuple({"where": one, "count": 50} for one in _JSON_SEGMENTS),
        "nested": ("none", "honest", "other_issuer"),
        "noncanonical": _SEGMENTS,
        "none_alg": ("none", "None", {"alg": "none", "signature": "real"}, {"alg": "nOnE", "signature": "random"}),
        "not_an_object": tuple({"segment": one, "text": text} for one in _JSON_SEGMENTS for text in ("[]", "null", "1", '""', "")),
        "outer_whitespace": ({"before": " "}, {"after": " "}, {"after": "\n"}, {"before": "\t"}),
        "padding": (*_SEGMENTS, {"segment": "payload", "text": "=="}, {"segment": "signature", "text": "%3D"}),
        "payload_text": ("{claims}x", "{claims}{}", "[{claims}]", "{claims}\n", " {claims}", '{claims_open},"x":1,}', '{claims_open},"x":\'y\'}',
                         '{claims_open},"x":[1,]}', "{claims}//x", '{claims_open},"x":"\t"}', '{claims_open},"x":tru}', "{claims_open},x:1}",
                         '{claims_open},"x":01}', '{claims_open},"x":"\\x41"}', '{claims_open},"x":{"y":1,"y":2}}', "\u00a0{claims}", "\f{claims}"),
        "raw_byte": _SEGMENTS,
        "segments": ("one", "two", "four", "five", "leading_dot", "trailing_dot", "detached", "no_header", "dots", "empty"),
        "sign_as": tuple(name for name in ALGORITHMS if name != alg and name[:2] == alg[:2] and alg[:2] in ("RS", "PS")),
        "signature": ("empty", "drop_last_byte", "drop_first_byte", "half", "extra_byte", "zero", "other_token"),
        "tamper": ({"sub": "bob-sub"}, {"exp": 4102444800}, {"x": 1}),
        "tamper_header": ({"x": 1}, {"typ": "at+jwt"}),
        "tamper_layout": _JSON_SEGMENTS,
        "trailing_text": tuple({"segment": one, "text": text} for one in _JSON_SEGMENTS for text in ("{}", "x", "\0", "]", "}")),
        "unknown_kid": (None, "x"),
        "utf16": tuple(
            {"segment": one, "encoding": name} for one in _JSON_SEGMENTS for name in ("utf-16-le", "utf-16-be", "utf-16", "utf-32")
        ),
        "whitespace": tuple({"segment": one, "text": text} for one in _SEGMENTS for text in (" ", "\n", "\t", "\r\n")),
        "wrapped": (None,),
        "zip_deflate": (None,),
    }  # fmt: skip
    match alg[:2]:
        case "RS":
            made["rsa_signature"] = (
                *("plus_n", "leading_zero", "zero_removed", "zero", "one", "n_minus_one", "first_byte_zero"),
                *(
                    "pkcs1_no_null",
                    "pkcs1_ber_length",
                    "pkcs1_sha1",
                    "pkcs1_garbage_after",
                    "pkcs1_short_padding",
                ),
            )
        case "PS":
            made["pss_salt"] = ("zero", "max", "other", "mgf1_sha1")
        case "ES":
            made["ecdsa_signature"] = (
                *(
                    "zero",
                    "r_zero",
                    "s_zero",
                    "r_n",
                    "s_n",
                    "r_n_s_one",
                    "all_ff",
                    "der",
                    "short",
                    "long",
                    "high_s",
                ),
            )
        case "Ed":
            made["eddsa_signature"] = ("s_plus_l", "noncanonical_r", "short", "long", "zero", "neutral")
    return {name: pool for name, pool in made.items() if pool}


def tokens(ability: Ability) -> Mapping[str, _Pool]:
    """Return the words of the token itself: who signs it, and for whom it is."""
    made: dict[str, _Pool] = {
        "key": ("b", "attacker"),
        "user": ("bob", "capital", "off", "unset", "mail", "one"),
    }
    if ability.scope is not Scope.LIBRARY:
        made |= {"of": (OTHER,), "kind": ("id", "machine")}
    return made


def faults(ability: Ability) -> list[tuple[str, tuple[tuple[str, str, Any], ...]]]:
    """Return one good example of each fault of a token, named: as where, name and value of its parts.

    An expired token is one that was good once: it is issued before it ends.
    """
    made: dict[str, tuple[tuple[str, str, Any], ...]] = {
        "unknown kid": (("header", "kid", "b"),),
        "forged": (("forge", "foreign_key", None),),
        "tampered": (("forge", "flip_bit", "payload"),),
        "unsigned": (("forge", "none_alg", None),),
        "cut": (("forge", "signature", "drop_last_byte"),),
        "critical": (("header", "crit", ["x"]), ("header", "x", 1)),
        "not base64url": (("forge", "padding", "signature"),),
        "twice": (("forge", "duplicate_claim", {"member": "sub", "value": "bob-sub"}),),
        "no JSON": (("claim", "x", Json("NaN")),),
    }
    if "exp" in ability.checks:
        made["expired"] = (("claim", "iat", "-2h"), ("claim", "nbf", "-2h"), ("claim", "exp", "-1h"))
        made["without end"] = (("claim", "exp", ABSENT),)
        made["end of another type"] = (("claim", "exp", Json('"x"')),)
    if "nbf" in ability.checks:
        made["of tomorrow"] = (("claim", "nbf", "+1d"), ("claim", "exp", "+2d"))
    if "iat" in ability.checks:
        made["issued tomorrow"] = (("claim", "iat", "+1d"), ("claim", "exp", "+2d"))
    if "iss" in ability.checks:
        made["of another issuer"] = (("claim", "iss", OTHER_ISSUER),)
        made["without issuer"] = (("claim", "iss", ABSENT),)
    if "aud" in ability.checks:
        made["for others"] = (("claim", "aud", "x"),)
        made["for several others"] = (("claim", "aud", ["x", "y", "z"]),)
        made["for nobody"] = (("claim", "aud", ABSENT),)
    if ability.scope is not Scope.LIBRARY:
        made["of another kind"] = (("header", "typ", "logout+jwt"),)
        made["bound"] = (("claim", "cnf", {"jkt": "x"}),)
        made["an event"] = (("claim", "events", {}),)
    if ability.users:
        made["of nobody"] = (("claim", "sub", "nobody"),)
        made["of somebody who left"] = (("claim", "sub", "off-sub"),)
        made["of somebody else"] = (("claim", "sub", "bob-sub"),)
    return list(made.items())


# What is onboarded.


def settings(ability: Ability) -> Mapping[str, _Pool]:
    """Return what an honest record may have: such records are onboarded, and tokens then judged by them."""
    made: dict[str, _Pool] = {
        "custom_claim": CUSTOM_CLAIMS,
        "issuer": (ISSUER + "/", "https://IDP.example.com", "urn:example:idp", ISSUER + "/tenant?x=1", "idp"),
        "audience": (
            "api://inventory",
            "API",
            "https://api.example.com/",
            "12345678-0000-4000-8000-123456789abc",
            "a b",
        ),
        "published": (["a", "b"], ["b", "a"], ["a", "b", "c"]),
    }
    if ability.scope is not Scope.LIBRARY:
        made["persona"] = ("entra-v2", "okta", "keycloak", "auth0", "cognito", "google", "adfs", "azure-b2c")
    if ability.clock:
        made["leeway_s"] = (0, 30, 120, 300)
    if "certificates" in ability.keys and ability.onboarding:
        made["certificates"] = (["a"], ["a", "b"], [{"key": "a", "form": "der"}])
    return made


def key_sets(ability: Ability, alg: str) -> Iterator[list[Any] | str]:
    """Yield JWKSs with an odd entry, beside the key that signs (a) or in its place."""
    if not ability.jwks:
        return
    family = alg[:2]
    odd: list[dict[str, Any]] = [
        {"use": "enc"}, {"use": "sig"}, {"use": "SIG"}, {"use": ""}, {"use": 1},
        {"key_ops": ["verify"]}, {"key_ops": ["sign"]}, {"key_ops": []}, {"key_ops": ["encrypt", "verify"]}, {"key_ops": "verify"},
        {"alg": alg}, {"alg": "X"}, {"alg": ABSENT}, {"alg": "none"}, {"alg": "HS256"}, {"alg": alg.lower()}, {"alg": 1},
        {"kid": ABSENT}, {"kid": ""}, {"kid": 1}, {"kid": None}, {"kid": "A"}, {"kid": "a "}, {"kid": ["a"]},
        {"kty": "oct"}, {"kty": ABSENT}, {"kty": None}, {"kty": "X"}, {"x5c": []}, {"x5c": ["x"]}, {"x5t": "x"}, {"x": 1},
        {"exp": 1}, {"nbf": 4102444800}, {"revoked": True}, {"ext": True},
    ]  # fmt: skip
    if family == "ES":
        odd += [{"crv": "P-384"}, {"crv": "x"}, {"y": ABSENT}, {"x": "AA"}, {"crv": ABSENT}]
    elif family == "Ed":
        odd += [{"crv": "X25519"}, {"x": "AA"}, {"x": ABSENT}]
    else:
        odd += [{"e": "AQ"}, {"e": "AA"}, {"n": "AA"}, {"n": ABSENT}, {"e": ABSENT}]
    for members in odd:
        yield [{"key": "a", "members": members}]
        yield ["a", {"key": "b", "members": members}]
        yield [{"key": "b", "members": members}, "a"]
    yield ["a", {"key": "b", "members": {"kid": "a"}}]
    yield [{"key": "b", "members": {"kid": "a"}}, "a"]
    raws: _Pool = (
        None,
        1,
        "x",
        [],
        {},
        {"kty": "X"},
        {"kty": "oct", "k": "AAAA", "kid": "a"},
        {"kty": "oct", "k": "AAAA"},
    )
    for raw in raws:
        yield ["a", {"raw": raw}]
        yield [{"raw": raw}, "a"]
    yield [{"key": "a", "private": True}]
    if family == "RS":
        yield from (["a", {"key": name}] for name in ("weak", "rsa-2047", "rsa-3072", "rsa-e3"))
    yield ["a", "a"]
    yield ["b"]


def second_signer(entries: list[Any] | str) -> str:
    """Return the key of a JWKS, beside a, that a token may be signed by."""
    names = [one["key"] for one in entries if isinstance(one, dict) and one.get("key", "a") != "a"]
    return names[0] if names else "b"


def records(ability: Ability) -> Mapping[str, _Pool]:
    """Return what an odd record may have; for those who judge records."""
    if not ability.onboarding:
        return {}
    urls: _Pool = ("", "x", None, 1, [], "http://192.0.2.1/jwks", "ftp://idp.example.com/jwks", "https://u:p@idp.example.com/jwks",
            "https://idp.example.com/jwks#x", "https://127.0.0.1:1/jwks", "//idp.example.com/jwks", "https:///jwks")  # fmt: skip
    texts: _Pool = (*_NO_TEXT, " ", "\t", "x ", " x", "x\0", "x\ny", "x" * 300, ABSENT, ["a", "b"])
    forms = (
        *(
            "crlf",
            "bom",
            "bag_attributes",
            "no_final_newline",
            "utf16",
            "trusted",
            "private_key",
            "with_private_key",
        ),
        *(
            "private_key_after",
            "public_key",
            "csr",
            "pkcs7",
            "pkcs12",
            "leaf",
            "chain",
            "truncated",
            "trailing_bytes",
        ),
        *("first_damaged", "double_base64", "spaced", "authority", "encipherment"),
    )
    names = (
        *_NO_TEXT,
        " ",
        "upn ",
        " upn",
        "iss",
        "aud",
        "exp",
        "sub",
        "SUB",
        "jti",
        "a.b",
        "x" * 300,
        "u\0pn",
        "email",
    )
    return {
        "entity_id": (*texts, "urn:x", "https://idp.example.com/entity"),
        "idp_name": (*texts, "<b>x</b>"),
        "issuer": (*texts, "qas", "QAS", "https://idp.example.com "),
        "audience": texts,
        "custom_claim": names,
        "algorithms": ([], ["none"], ["HS256"], ["RS256", "none"], ["rs256"], ["ES256", "RS256"], ["X"], ["RS256", "RS256"], [""]),
        "leeway_s": (-1, 0, 300, 301, 1000000),
        "jwks_uri": urls,
        "certificates": (
            [], ["a", "a"], ["a", "b"], ["a", "b", "c", "d", "e"], ["a", "b", "c", "d", "e", "f"],
            *([{"key": "a", "form": form}] for form in forms),
            *(["a", {"key": "b", "form": form}] for form in forms[:6]),
            *([{"key": "a", "kid": kid}] for kid in (None, "", " ", "x", "a ", "x" * 2000)),
            ["a", {"key": "b", "kid": "a"}], ["a", {"key": "a", "kid": "b"}], [{"text": "x"}], [{"text": ""}],
            [{"bundle": ["a", "b"]}], [{"key": "a", "not_after": "-1d"}], [{"key": "a", "not_before": "+1d"}],
        ),
        "selected": (None, [], ["a"], ["b"], ["a", "b"], ["a", "a"], ["x"], [""]),
        "sample_token": ("", "x", {"claims": {"iss": ABSENT}}, {"claims": {"aud": ["api", "x"]}}, {"key": "attacker"}, {}),
    }  # fmt: skip
