"""The forgeries of `mock_idp.forgeries`, and arguments for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scenarios.fuzz.grammar.pools import ISSUER, OTHER_ISSUER, Pool
from scenarios.targets.reference import ALGORITHMS

if TYPE_CHECKING:
    from collections.abc import Mapping

_SEGMENTS: Final = ("header", "payload", "signature")
_JSON_SEGMENTS: Final = ("header", "payload")
_ALG_NAMES: Final = (
    *("none", "None", "NONE", "HS256", "rs256", "RS256 ", "RS1", "", "es256", "Ed25519", "EdDSA", "ES256K", "ML-DSA-44"),
)  # fmt: skip
_OF_ANY: Final[Mapping[str, Pool]] = {
    "alg_missing": (None,),
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
        for name, value in (("sub", "bob-sub"), ("sub", "ann-sub"), ("iss", OTHER_ISSUER), ("iss", ISSUER), ("aud", "x"), ("exp", 1), ("x", 1))
        for place in ("first", "last")
    ),
    "duplicate_header": tuple(
        {"member": name, "value": value, "place": place}
        for name, value in (("alg", "none"), ("kid", "b"), ("kid", "a"), ("typ", "x"))
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
_OF_FAMILY: Final[Mapping[str, Mapping[str, Pool]]] = {
    "RS": {"rsa_signature": (
        *("plus_n", "leading_zero", "zero_removed", "zero", "one", "n_minus_one", "first_byte_zero", "pkcs1_no_null"),
        *("pkcs1_ber_length", "pkcs1_sha1", "pkcs1_garbage_after", "pkcs1_short_padding"),
    )},
    "PS": {"pss_salt": ("zero", "max", "other", "mgf1_sha1")},
    "ES": {"ecdsa_signature": (
        *("zero", "r_zero", "s_zero", "r_n", "s_n", "r_n_s_one", "all_ff", "der", "short", "long", "high_s"),
    )},
    "Ed": {"eddsa_signature": ("s_plus_l", "noncanonical_r", "short", "long", "zero", "neutral")},
}  # fmt: skip
"""Forgeries of the signatures of one kind, by the first letters of the algorithm."""


def forgeries(alg: str) -> Mapping[str, Pool]:
    """Return the forgeries and their arguments, for tokens of an algorithm."""
    family, others = alg[:2], tuple(name for name in ALGORITHMS if name != alg)
    made: dict[str, Pool] = {
        **_OF_ANY,
        **_OF_FAMILY.get(family, {}),
        "alg_value": (*_ALG_NAMES, *others, None, 1, [alg], True, {}),
    }
    if family in {"RS", "PS"}:
        made["sign_as"] = tuple(name for name in others if name[:2] == family)
    return made
