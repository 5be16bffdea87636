"""Onboarding records: honest ones, under which tokens are then judged, and odd ones, for those who judge records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scenarios.files.yaml12 import ABSENT
from scenarios.fuzz.grammar.pools import ISSUER, NO_TEXT, Pool

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scenarios.fuzz.grammar.ability import Ability

_SETTINGS: Final[Mapping[str, Pool]] = {
    "custom_claim": ("upn", "email", "preferred_username", "employee.id", "https://example.com/id", "oid", "UPN", "sub"),
    "issuer": (ISSUER + "/", "https://IDP.example.com", "urn:example:idp", ISSUER + "/tenant?x=1", "idp"),
    "audience": ("api://inventory", "API", "https://api.example.com/", "12345678-0000-4000-8000-123456789abc", "a b"),
    "published": (["a", "b"], ["b", "a"], ["a", "b", "c"]),
}  # fmt: skip
_PERSONAS: Final[Pool] = ("entra-v2", "okta", "keycloak", "auth0", "cognito", "google", "adfs", "azure-b2c")


def settings(ability: Ability) -> Mapping[str, Pool]:
    """Return what an honest record may have: such records are onboarded, and tokens then judged by them."""
    made = dict(_SETTINGS)
    if not ability.library:
        made["persona"] = _PERSONAS
    if ability.clock:
        made["leeway_s"] = (0, 30, 120, 300)
    if "certificates" in ability.keys and ability.onboarding:
        made["certificates"] = (["a"], ["a", "b"], [{"key": "a", "form": "der"}])
    return made


_TEXTS: Final[Pool] = (*NO_TEXT, " ", "\t", "x ", " x", "x\0", "x\ny", "x" * 300, ABSENT, ["a", "b"])
_FORMS: Final = (
    *("crlf", "bom", "bag_attributes", "no_final_newline", "utf16", "trusted", "private_key", "with_private_key"),
    *("private_key_after", "public_key", "csr", "pkcs7", "pkcs12", "leaf", "chain", "truncated", "trailing_bytes"),
    *("first_damaged", "double_base64", "spaced", "authority", "encipherment"),
)  # fmt: skip
_RECORDS: Final[Mapping[str, Pool]] = {
    "entity_id": (*_TEXTS, "urn:x", "https://idp.example.com/entity"),
    "idp_name": (*_TEXTS, "<b>x</b>"),
    "issuer": (*_TEXTS, "qas", "QAS", "https://idp.example.com "),
    "audience": _TEXTS,
    "custom_claim": (
        *(*NO_TEXT, " ", "upn ", " upn", "iss", "aud", "exp", "sub", "SUB", "jti", "a.b", "x" * 300, "u\0pn", "email"),
    ),
    "algorithms": (
        *([], ["none"], ["HS256"], ["RS256", "none"], ["rs256"], ["ES256", "RS256"], ["X"], ["RS256", "RS256"], [""]),
    ),
    "leeway_s": (-1, 0, 300, 301, 1000000),
    "jwks_uri": (
        *("", "x", None, 1, [], "http://192.0.2.1/jwks", "ftp://idp.example.com/jwks", "https://u:p@idp.example.com/jwks"),
        *("https://idp.example.com/jwks#x", "https://127.0.0.1:1/jwks", "//idp.example.com/jwks", "https:///jwks"),
    ),
    "certificates": (
        *([], ["a", "a"], ["a", "b"], ["a", "b", "c", "d", "e"], ["a", "b", "c", "d", "e", "f"]),
        *([{"key": "a", "form": form}] for form in _FORMS),
        *(["a", {"key": "b", "form": form}] for form in _FORMS[:6]),
        *([{"key": "a", "kid": kid}] for kid in (None, "", " ", "x", "a ", "x" * 2000)),
        *(["a", {"key": "b", "kid": "a"}], ["a", {"key": "a", "kid": "b"}], [{"text": "x"}], [{"text": ""}]),
        *([{"bundle": ["a", "b"]}], [{"key": "a", "not_after": "-1d"}], [{"key": "a", "not_before": "+1d"}]),
    ),
    "selected": (None, [], ["a"], ["b"], ["a", "b"], ["a", "a"], ["x"], [""]),
    "sample_token": ("", "x", {"claims": {"iss": ABSENT}}, {"claims": {"aud": ["api", "x"]}}, {"key": "attacker"}, {}),
}  # fmt: skip


def records(ability: Ability) -> Mapping[str, Pool]:
    """Return what an odd record may have; for those who judge records."""
    return _RECORDS if ability.onboarding else {}
