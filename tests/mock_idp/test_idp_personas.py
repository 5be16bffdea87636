"""Personas against rows of the rulebook's section 7, and the issuer that speaks them."""

import base64
import json
import re
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from mock_idp import (
    PERSONAS,
    Issuer,
    KeyRing,
    Person,
    PersonaError,
    SigningKey,
    TokenOptions,
    fixed_key,
    pairwise_sub,
    persona,
)

NOW = 1_767_225_600
TID = "72f988bf-0000-4000-8000-2d7cd011db47"
API = "6e74172b-be56-4843-9ff4-e66a39bb12e3"
OTHER_API = "11111111-be56-4843-9ff4-e66a39bb12e3"
CLIENT = "5b8c1e0f-0000-4000-8000-0a1b2c3d4e5f"
ANN = Person.named("ann")


def issuer(name: str = "entra-v2", **more: Any) -> Issuer:
    ring = KeyRing([fixed_key("a"), fixed_key("b")])
    return Issuer(persona(name), ring, audience=API, tenant=TID, clock=lambda: NOW, **more)


def claims(name: str = "entra-v2", **asked: Any) -> dict[str, Any]:
    return dict(issuer(name).draft(ANN, client=CLIENT, **asked).claims)


def decoded(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    header, payload, _ = token.split(".")
    parts = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in (header, payload))
    return next(parts), next(parts)


def test_there_are_a_generic_persona_and_both_versions_of_entra() -> None:
    assert {"generic", "entra-v1", "entra-v2"} <= set(PERSONAS)


def test_an_unknown_persona_is_an_error_that_names_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"did you mean 'entra-v2'.*generic"):
        persona("entra-v3")


def test_generic_tokens_hold_the_standard_claims() -> None:
    who = issuer("generic", base_url="https://idp.example/t")

    header, found = decoded(who.mint(ANN, client=CLIENT, lifetime_s=60))

    assert header == {"typ": "JWT", "alg": "RS256", "kid": "a"}
    assert re.fullmatch(r"[\w-]{22}", found.pop("jti"))
    assert found == {
        "iss": "https://idp.example/t",
        "sub": ANN.subject,
        "aud": API,
        "iat": NOW,
        "nbf": NOW,
        "exp": NOW + 60,
        "preferred_username": "ann",
        "email": "ann@contoso.example",
        "name": "Ann",
        "client_id": CLIENT,
        "scope": "openid profile email",
    }


def test_an_entra_v1_token_is_as_entra_issues_it() -> None:
    found = claims("entra-v1")

    kid = issuer("entra-v1").kid(fixed_key("a"))
    header = issuer("entra-v1").draft(ANN).header
    assert list(header.items()) == [("typ", "JWT"), ("alg", "RS256"), ("x5t", kid), ("kid", kid)]
    for opaque in ("aio", "rh", "uti"):
        assert re.fullmatch(r"[\w.-]{20,}", found.pop(opaque))
    assert re.fullmatch(r"[\w-]{43}", found.pop("sub"))
    assert found == {
        "aud": API,
        "iss": f"https://sts.windows.net/{TID}/",
        "iat": NOW,
        "nbf": NOW,
        "exp": NOW + 3600,
        "acr": "1",
        "amr": ["pwd"],
        "appid": CLIENT,
        "appidacr": "0",
        "ipaddr": "203.0.113.7",
        "scp": "access_as_user",
        "name": "Ann",
        "oid": ANN.oid,
        "tid": TID,
        "unique_name": "ann@contoso.example",
        "upn": "ann@contoso.example",
        "ver": "1.0",
    }


def test_an_entra_v2_token_is_as_entra_issues_it() -> None:
    found = claims("entra-v2")

    kid = issuer().kid(fixed_key("a"))
    assert list(issuer().draft(ANN).header.items()) == [("typ", "JWT"), ("alg", "RS256"), ("kid", kid)]
    for opaque in ("aio", "rh", "uti"):
        assert re.fullmatch(r"[\w.-]{20,}", found.pop(opaque))
    assert re.fullmatch(r"[\w-]{43}", found.pop("sub"))
    assert found == {
        "aud": API,
        "iss": f"https://login.microsoftonline.com/{TID}/v2.0",
        "iat": NOW,
        "nbf": NOW,
        "exp": NOW + 3600,
        "azp": CLIENT,
        "azpacr": "0",
        "scp": "access_as_user",
        "name": "Ann",
        "oid": ANN.oid,
        "preferred_username": "ann@contoso.example",
        "tid": TID,
        "ver": "2.0",
    }


@pytest.mark.parametrize("scopes", [("openid", "profile"), ("access_as_user",), ()])
def test_entra_v1_never_issues_preferred_username(scopes: tuple[str, ...]) -> None:
    """AZR-006."""
    assert "preferred_username" not in claims("entra-v1", scopes=scopes)


def test_entra_v2_names_the_person_only_by_the_profile_scope() -> None:
    """AZR-007: without it preferred_username, name, oid and tid are all absent, and sub is the same."""
    named, unnamed = claims(), claims(scopes=("access_as_user",))

    assert named.keys() - unnamed.keys() == {"preferred_username", "name", "oid", "tid"}
    assert named["sub"] == unnamed["sub"]


@pytest.mark.parametrize("name", ["entra-v1", "entra-v2"])
def test_entras_sub_differs_by_application_and_never_by_request(name: str) -> None:
    """AZR-005."""
    requests: list[TokenOptions] = [
        {},
        {"client": OTHER_API},
        {"now": NOW + 86_400},
        {"scopes": ("profile", "other")},
        {"lifetime_s": 5},
        {"key": fixed_key("b")},
        {"audience": f"api://{API}"},
    ]

    subs = {str(issuer(name).draft(ANN, **asked).claims["sub"]) for asked in requests}
    other = issuer(name).draft(ANN, audience=OTHER_API).claims["sub"]

    assert subs == {pairwise_sub(TID, ANN.oid, API)}
    assert other == pairwise_sub(TID, ANN.oid, OTHER_API) != subs.pop()


def test_entras_sub_differs_by_person_and_tenant_and_is_one_for_both_versions() -> None:
    sub = pairwise_sub(TID, ANN.oid, API)

    assert claims("entra-v1")["sub"] == claims("entra-v2")["sub"] == sub
    assert len({sub, pairwise_sub(API, ANN.oid, API), pairwise_sub(TID, API, API)}) == 3


@pytest.mark.parametrize("name", ["entra-v1", "entra-v2"])
def test_nobody_can_set_entras_sub(name: str) -> None:
    with pytest.raises(PersonaError, match="lets nobody set sub"):
        issuer(name).mint(ANN, claims={"sub": "chosen"})


def test_other_claims_can_be_added_and_generic_lets_sub_be_set() -> None:
    _, entra = decoded(issuer().mint(ANN, claims={"employeeid": "7"}))
    _, generic = decoded(issuer("generic").mint(ANN, claims={"sub": "chosen"}))

    assert (entra["employeeid"], generic["sub"]) == ("7", "chosen")


@pytest.mark.parametrize("name", PERSONAS)
def test_an_id_token_is_for_the_client(name: str) -> None:
    found = claims(name, kind="id")

    assert found["aud"] == CLIENT
    assert "scp" not in found


@pytest.mark.parametrize("name", ["entra-v1", "entra-v2"])
def test_an_entra_id_tokens_sub_is_pairwise_for_the_client(name: str) -> None:
    assert claims(name, kind="id")["sub"] == pairwise_sub(TID, ANN.oid, CLIENT)


def test_entra_issues_email_in_an_id_token_by_its_scope() -> None:
    assert claims(kind="id", scopes=("openid", "profile", "email"))["email"] == ANN.email
    assert "email" not in claims(kind="id")


def test_a_kind_that_does_not_exist_is_refused() -> None:
    with pytest.raises(PersonaError, match="issues no refresh tokens: access, id"):
        claims(kind="refresh")


@pytest.mark.parametrize("name", ["entra-v1", "entra-v2"])
def test_entras_jwks_has_certificates_and_issuer_and_no_alg(name: str) -> None:
    """AZR-011 and KEY-019: kid = x5t, and x5c holds the entry's own key."""
    who = issuer(name)

    entry = who.jwks()["keys"][0]

    assert list(entry) == ["kty", "use", "kid", "x5t", "n", "e", "x5c", "issuer"]
    assert (entry["kty"], entry["use"], entry["issuer"]) == ("RSA", "sig", who.issuer)
    cert = x509.load_der_x509_certificate(base64.b64decode(entry["x5c"][0], validate=True))
    thumbprint = base64.urlsafe_b64encode(cert.fingerprint(hashes.SHA1())).decode().rstrip("=")  # noqa: S303 - x5t
    assert entry["kid"] == entry["x5t"] == thumbprint
    assert cert.public_key() == fixed_key("a").private.public_key()


def test_a_generic_jwks_has_alg_and_use_and_no_certificates() -> None:
    entries = issuer("generic").jwks()["keys"]

    assert [list(entry) for entry in entries] == [["kty", "use", "kid", "alg", "n", "e"]] * 2
    assert [entry["kid"] for entry in entries] == ["a", "b"]


@pytest.mark.parametrize("alg", ["ES256", "ES512", "EdDSA", "PS384"])
@pytest.mark.parametrize("name", PERSONAS)
def test_every_persona_publishes_every_kind_of_key(name: str, alg: str) -> None:
    who = Issuer(persona(name), KeyRing([fixed_key("a", alg)]))

    header, _ = decoded(who.mint(ANN))

    assert (header["alg"], header["kid"]) == (alg, who.jwks()["keys"][0]["kid"])


def test_the_jwks_follows_the_ring_and_is_written_once_a_change() -> None:
    who = issuer("generic")
    first = who.jwks_bytes()

    assert who.jwks_bytes() is first
    who.ring.rotate(SigningKey.generate("ES256", kid="new"), keep_old=False)

    assert json.loads(who.jwks_bytes()) == who.jwks()
    assert [entry["kid"] for entry in who.jwks()["keys"]] == ["b", "new"]


def test_the_issuer_is_exactly_what_was_configured() -> None:
    for configured in ("https://idp.example/", "https://idp.example", "urn:x", ""):
        who = issuer("generic", issuer=configured)

        assert (who.issuer, who.draft(ANN).claims["iss"], who.metadata()["issuer"]) == (configured,) * 3


def test_metadata_names_only_what_is_served() -> None:
    assert issuer(base_url="https://idp.example/t").metadata() == {
        "issuer": f"https://login.microsoftonline.com/{TID}/v2.0",
        "jwks_uri": "https://idp.example/t/discovery/v2.0/keys",
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }


def test_the_clock_and_now_decide_the_times() -> None:
    assert claims()["iat"] == NOW
    assert claims(now=NOW + 0.9)["iat"] == NOW
    assert claims(now=5, lifetime_s=-10)["exp"] == -5


@pytest.mark.parametrize("name", PERSONAS)
def test_a_token_is_the_same_bytes_when_asked_the_same_again(name: str) -> None:
    assert issuer(name).mint(ANN) == issuer(name).mint(ANN)


@pytest.mark.parametrize("name", PERSONAS)
def test_a_minted_token_is_the_one_that_a_draft_gives(name: str) -> None:
    who = issuer(name)

    for kind in who.persona.claims:
        asked: TokenOptions = {"kind": kind, "client": CLIENT, "serial": "7", "key": fixed_key("b", "ES256")}
        extra = {"groups": ["qa", {"é": None}]}
        assert who.mint(ANN, **asked) == who.draft(ANN, **asked).token()
        assert who.mint(ANN, claims=extra, **asked) == who.draft(ANN, **asked).with_claims(extra).token()
