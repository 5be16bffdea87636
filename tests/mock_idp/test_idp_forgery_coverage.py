"""What the rulebook and published advisories want forged can be forged: by a name, or in another way that is told."""

import base64
import hmac
import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from mock_idp import (
    FORGERIES,
    ForgeContext,
    Issuer,
    KeyRing,
    Person,
    SigningKey,
    finish,
    fixed_key,
    forge,
    persona,
)
from scenarios import rulebook

NOW = 1_767_225_600
OTHER_WAYS = {
    "SIG-028": "the other issuer mints it, with `iss` among the claims",
    "SIG-030": "any token of SIG-002 or SIG-003: the rule is about what it sets off",
    "SIG-032": "the JWKS is what is false (the fault `body`); the token is `none_alg`",
}
"""Rules that ask for no token of their own."""


class Token(NamedTuple):
    """A forged token, taken apart by hand."""

    parts: list[str]

    def raw(self, place: int) -> bytes:
        return base64.urlsafe_b64decode(self.parts[place] + "=" * (-len(self.parts[place]) % 4))

    @property
    def header(self) -> Any:
        return json.loads(self.raw(0))

    @property
    def claims(self) -> Any:
        return json.loads(self.raw(1))

    def hmac_by(self, key: bytes) -> bool:
        signed = ".".join(self.parts[:2]).encode()
        return self.header["alg"] == "HS256" and self.raw(2) == hmac.digest(key, signed, "sha256")


def trusted(alg: str) -> SigningKey:
    return fixed_key("a", alg)


def rsa_pem() -> bytes:
    return trusted("RS256").spki_pem()


def pkcs1_pem() -> bytes:
    text = base64.encodebytes(trusted("RS256").spki_der()[24:]).replace(b"\n", b"")
    lines = b"\n".join(text[at : at + 64] for at in range(0, len(text), 64))
    return b"-----BEGIN RSA PUBLIC KEY-----\n" + lines + b"\n-----END RSA PUBLIC KEY-----\n"


def openssh_line() -> bytes:
    key = trusted("EdDSA").spki_der()[-32:]
    return b"ssh-ed25519 " + base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + key)


def published_jwk() -> bytes:
    return json.dumps(issuer("RS256").jwks()["keys"][0], separators=(",", ":")).encode()


Steps = list[tuple[str, Any]]
Check = Callable[[Token], bool]
PEM: tuple[Steps, str, Check] = ([("hmac_with_public_key", None)], "RS256", lambda t: t.hmac_by(rsa_pem()))
NONE: tuple[Steps, str, Check] = (
    [("none_alg", None)],
    "RS256",
    lambda t: t.header["alg"] == "none" and t.parts[2] == "",
)
ADVISORIES: dict[str, tuple[Steps, str, Check]] = {
    "CVE-2015-9235": PEM,
    "CVE-2016-10555": PEM,
    "CVE-2017-11424": (
        [("hmac_with_public_key", "pkcs1_pem")],
        "RS256",
        lambda t: t.hmac_by(pkcs1_pem()),
    ),
    "CVE-2018-0114": (
        [("embedded_jwk", None)],
        "RS256",
        lambda t: t.header["jwk"]["n"] == fixed_key("attacker").public_jwk()["n"],
    ),
    "CVE-2020-13757": (
        [("rsa_signature", "leading_zero")],
        "RS256",
        lambda t: len(t.raw(2)) == 257 and t.raw(2)[0] == 0,
    ),
    "CVE-2022-21449": ([("ecdsa_signature", "zero")], "ES256", lambda t: t.raw(2) == bytes(64)),
    "CVE-2022-23540": NONE,
    "CVE-2022-29217": (
        [("hmac_with_public_key", "openssh")],
        "EdDSA",
        lambda t: t.hmac_by(openssh_line()),
    ),
    "CVE-2022-3102": ([("jwe", None)], "RS256", lambda t: len(t.parts) == 5 and "enc" in t.header),
    "CVE-2022-39227": (
        [("polyglot", {"sub": "admin"})],
        "RS256",
        lambda t: t.claims["sub"] == "admin" and "payload" in json.loads(".".join(t.parts)),
    ),
    "CVE-2024-37568": PEM,
    "CVE-2024-53861": (
        [("claim_as_raw", {"member": "iss", "json": '"https://idp"'})],
        "RS256",
        lambda t: t.claims["iss"] != issuer("RS256").issuer and t.claims["iss"] in issuer("RS256").issuer,
    ),
    "CVE-2025-61920": (
        [("huge", {"bytes": 600_000, "where": "header"})],
        "RS256",
        lambda t: 590_000 < len(t.parts[0]) < 610_000,
    ),
    "CVE-2025-65015": ([("huge", 267_000)], "RS256", lambda t: 260_000 < len(t.parts[1]) < 270_000),
    "CVE-2026-22818": ([("other_alg", "RS512")], "RS256", lambda t: t.header["alg"] == "RS512"),
    "CVE-2026-25537": (
        [("claim_as_raw", {"member": "nbf", "json": '"4102444800"'})],
        "RS256",
        lambda t: t.claims["nbf"] == "4102444800",
    ),
    "CVE-2026-28802": NONE,
    "CVE-2026-32597": ([("crit", ["x"])], "RS256", lambda t: t.header["crit"] == ["x"]),
    "CVE-2026-48524": (
        [("unknown_kid", None)],
        "RS256",
        lambda t: t.header["kid"] not in {entry["kid"] for entry in issuer("RS256").jwks()["keys"]},
    ),
    "CVE-2026-48526": (
        [("hmac_with_public_key", "jwk_json")],
        "RS256",
        lambda t: t.hmac_by(published_jwk()),
    ),
    "CVE-2026-48990": (
        [("huge", {"bytes": 3_000_000}), ("b64_false", None)],
        "RS256",
        lambda t: (
            len(t.parts[1]) > 2_000_000
            and t.header["b64"] is False
            and json.loads(t.parts[1])["iss"] == issuer("RS256").issuer
        ),
    ),
    "CVE-2026-49852": ([("hmac_with_secret", "")], "RS256", lambda t: t.hmac_by(b"")),
}
"""How the token of an advisory is made, and what it is told by; CVE-2026-48524 needs the fault `status` too."""


def issuer(alg: str) -> Issuer:
    return Issuer(persona("generic"), KeyRing([trusted(alg)]), clock=lambda: NOW)


def made(steps: Steps, alg: str) -> Token:
    who = issuer(alg)
    credential: Any = who.draft(Person.named("ann"))
    for name, argument in steps:
        credential = forge(credential, name, argument, context=ForgeContext.of(who))
    token = finish(credential)
    assert isinstance(token, str)
    return Token(token.split("."))


def test_every_rule_of_signature_and_format_has_a_forgery_or_another_way() -> None:
    named = {rule for forgery in FORGERIES.values() for rule in forgery.rules}
    wanted = {rule for rule in rulebook.rules() if rule.startswith(("SIG-", "FMT-"))}

    assert len(wanted) == 57
    assert wanted - named == OTHER_WAYS.keys()


def test_a_forgery_names_rules_that_exist() -> None:
    named = {rule for forgery in FORGERIES.values() for rule in forgery.rules}

    assert named <= set(rulebook.rules())


def test_every_advisory_that_a_forgery_names_is_made_here() -> None:
    assert {cve for forgery in FORGERIES.values() for cve in forgery.advisories} == set(ADVISORIES)
    for cve, (steps, _, _) in ADVISORIES.items():
        assert any(cve in FORGERIES[name].advisories for name, _ in steps), cve


@pytest.mark.parametrize("cve", ADVISORIES)
def test_the_attack_of_an_advisory_can_be_made(cve: str) -> None:
    steps, alg, check = ADVISORIES[cve]

    assert check(made(steps, alg))
