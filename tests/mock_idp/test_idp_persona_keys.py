"""The key set and the addresses of every persona against its row of the rulebook's section 7, as data."""

import base64
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from joserfc import jwt
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from mock_idp import PERSONAS, Issuer, KeyRing, MockIdP, Person, Request, fixed_key, persona, x5t, x5t_s256
from mock_idp.personas import keycloak

NOW = 1_767_225_600
ANN = Person.named("ann")
TENANT = "72f988bf-0000-4000-8000-2d7cd011db47"
TEMPLATE = "https://login.microsoftonline.com/{tenantid}/v2.0"

X5T = r"[\w-]{27}"
BASE64URL_43 = r"[\w-]{43}"
ENTRA = (X5T, ["kty", "use", "kid", "x5t", "n", "e", "x5c", "issuer"])
B2C = (BASE64URL_43, ["kid", "nbf", "use", "kty", "n", "e"])
AUTH0 = (r"[\w-]{21}", ["kty", "use", "n", "e", "kid", "x5t", "x5c", "alg"])
KEYCLOAK = (BASE64URL_43, ["kid", "kty", "alg", "use", "n", "e", "x5c", "x5t", "x5t#S256"])
PING = (X5T + "_RS256", ["kty", "kid", "use", "alg", "n", "e", "x5c", "x5t"])
ENTRIES: Mapping[str, tuple[str, list[str]]] = {
    # persona: (form of the kid, members of an entry in their order)
    "generic": (r"[ab]", ["kty", "use", "kid", "alg", "n", "e"]),
    "entra-v1": ENTRA,
    "entra-v2": ENTRA,
    "entra-common": ENTRA,
    "azure-b2c": B2C,
    "azure-b2c-placeholder": B2C,
    "okta": (BASE64URL_43, ["kty", "alg", "kid", "use", "n", "e"]),
    "auth0": AUTH0,
    "auth0-rfc9068": AUTH0,
    "keycloak": KEYCLOAK,
    "keycloak-lightweight": KEYCLOAK,
    "google": (r"[0-9a-f]{40}", ["kty", "alg", "use", "kid", "n", "e"]),
    "pingfederate": PING,
    "pingfederate-configured": PING,
    "adfs": (X5T, ["kty", "use", "alg", "kid", "x5t", "n", "e", "x5c"]),
    "cognito": (r"[A-Za-z0-9+/]{43}=", ["alg", "kid", "kty", "n", "e", "use"]),
}

ADDRESSES: Mapping[str, tuple[str, str, str, str]] = {
    # persona: (issuer of access tokens, issuer of the metadata, path of the keys, path of the metadata)
    "generic": (*("https://idp.example",) * 2, "/jwks", "/.well-known/openid-configuration"),
    "entra-v1": (
        *(f"https://sts.windows.net/{TENANT}/",) * 2,
        "/discovery/keys",
        "/.well-known/openid-configuration",
    ),
    "entra-v2": (
        *(f"https://login.microsoftonline.com/{TENANT}/v2.0",) * 2,
        "/discovery/v2.0/keys",
        "/v2.0/.well-known/openid-configuration",
    ),
    "entra-common": (
        f"https://login.microsoftonline.com/{TENANT}/v2.0",
        TEMPLATE,
        "/discovery/v2.0/keys",
        "/v2.0/.well-known/openid-configuration",
    ),
    "azure-b2c": (
        *(f"https://contoso.b2clogin.com/{TENANT}/v2.0/",) * 2,
        "/discovery/v2.0/keys",
        "/v2.0/.well-known/openid-configuration",
    ),
    "okta": (
        *("https://contoso.okta.com/oauth2/aus1",) * 2,
        "/oauth2/aus1/v1/keys",
        "/oauth2/aus1/.well-known/openid-configuration",
    ),
    "auth0": (
        *("https://fabrikam.auth0.com/",) * 2,
        "/.well-known/jwks.json",
        "/.well-known/openid-configuration",
    ),
    "keycloak": (
        *("https://idp.example/realms/a",) * 2,
        "/realms/a/protocol/openid-connect/certs",
        "/realms/a/.well-known/openid-configuration",
    ),
    "google": (
        *("https://accounts.google.com",) * 2,
        "/oauth2/v3/certs",
        "/.well-known/openid-configuration",
    ),
    "pingfederate": (*("https://idp.example",) * 2, "/pf/JWKS", "/.well-known/openid-configuration"),
    "pingfederate-configured": (
        *("https://idp.example",) * 2,
        "/ext/oauth/jwks",
        "/.well-known/openid-configuration",
    ),
    "adfs": (
        "http://idp.example/adfs/services/trust",
        "https://idp.example/adfs",
        "/adfs/discovery/keys",
        "/adfs/.well-known/openid-configuration",
    ),
    "cognito": (
        *("https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Pool",) * 2,
        "/eu-central-1_Pool/.well-known/jwks.json",
        "/eu-central-1_Pool/.well-known/openid-configuration",
    ),
}
_ENTRA_V2 = ("/oauth2/v2.0/authorize", "/oauth2/v2.0/token", "/oauth2/v2.0/logout")
_PING = ("/as/authorization.oauth2", "/as/token.oauth2", "/idp/startSLO.ping")
_REALM = "/realms/a/protocol/openid-connect"
ENDPOINTS: Mapping[str, tuple[str, str, str]] = {
    # persona: (authorization, token, end session)
    "generic": ("/authorize", "/token", "/logout"),
    "entra-v1": ("/oauth2/authorize", "/oauth2/token", "/oauth2/logout"),
    "entra-v2": _ENTRA_V2,
    "entra-common": _ENTRA_V2,
    "azure-b2c": _ENTRA_V2,
    "okta": ("/oauth2/aus1/v1/authorize", "/oauth2/aus1/v1/token", "/oauth2/aus1/v1/logout"),
    "auth0": ("/authorize", "/oauth/token", "/oidc/logout"),
    "keycloak": (f"{_REALM}/auth", f"{_REALM}/token", f"{_REALM}/logout"),
    "google": ("/o/oauth2/v2/auth", "/token", "/logout"),
    "pingfederate": _PING,
    "pingfederate-configured": _PING,
    "adfs": ("/adfs/oauth2/authorize", "/adfs/oauth2/token", "/adfs/oauth2/logout"),
    "cognito": ("/oauth2/authorize", "/oauth2/token", "/logout"),
}
PAIRWISE = {"entra-v1", "entra-v2", "entra-common", "azure-b2c", "azure-b2c-placeholder", "adfs"}
TENANTS = {"okta": "aus1", "auth0": "fabrikam", "keycloak": "a", "cognito": "eu-central-1_Pool"}


def issuer(name: str, **more: Any) -> Issuer:
    ring = KeyRing([fixed_key("a"), fixed_key("b")])
    return Issuer(persona(name), ring, **{"tenant": TENANTS.get(name, TENANT), "clock": lambda: NOW, **more})


def entries(name: str) -> list[dict[str, Any]]:
    """Give the entries for signing, in their order."""
    return [entry for entry in issuer(name).jwks()["keys"] if entry["use"] == "sig"]


def get(idp: MockIdP, path: str) -> Any:
    answer = idp.handle(Request("GET", path))
    assert answer.status == 200, path
    return json.loads(answer.body)


def test_every_persona_has_its_row_here() -> None:
    variants = {"azure-b2c-placeholder", "auth0-rfc9068", "keycloak-lightweight"}

    assert set(ENTRIES) == set(PERSONAS)
    assert set(ADDRESSES) == set(ENDPOINTS) == set(PERSONAS) - variants


@pytest.mark.parametrize("name", PERSONAS)
def test_an_entry_has_the_members_and_the_kid_of_its_row(name: str) -> None:
    kid, members = ENTRIES[name]

    found = entries(name)

    assert [list(entry) for entry in found] == [members, members]
    assert all(re.fullmatch(kid, entry["kid"]) for entry in found)
    assert len({entry["kid"] for entry in found}) == 2


@pytest.mark.parametrize("name", PERSONAS)
def test_an_entry_shows_the_key_that_it_names(name: str) -> None:
    for key, entry in zip((fixed_key("a"), fixed_key("b")), entries(name), strict=True):
        public = key.public_jwk()
        assert {**entry, "kid": ""}.items() >= {**public, "kid": ""}.items()
        assert entry.get("alg", "RS256") == "RS256"


@pytest.mark.parametrize("name", PERSONAS)
def test_the_other_members_of_an_entry_have_the_values_and_types_of_its_row(name: str) -> None:
    """What is not of the key itself: B2C's nbf is a number (AZR-026), Entra binds a key to an issuer (AZR-012)."""
    who = issuer(name)
    known = {
        "kty": "RSA",
        "use": "sig",
        "alg": "RS256",
        "nbf": 1493763266,
        "issuer": TEMPLATE if name == "entra-common" else who.issuer,
    }

    for entry in entries(name):
        found = {member: value for member, value in entry.items() if member in known}
        assert found == {member: known[member] for member in ENTRIES[name][1] if member in known}
        assert all(type(found[member]) is type(known[member]) for member in found)


@pytest.mark.parametrize("name", ENDPOINTS)
def test_authorization_token_and_logout_lie_where_that_idp_has_them(name: str) -> None:
    who, idp = issuer(name), MockIdP()
    idp.add_issuer("", who)

    found = get(idp, ADDRESSES[name][3])

    named = ("authorization_endpoint", "token_endpoint", "end_session_endpoint")
    assert tuple(urlsplit(found[member]).path for member in named) == ENDPOINTS[name]


@pytest.mark.parametrize("name", PERSONAS)
def test_the_metadata_says_which_kind_of_subject_there_is_and_which_algorithms(name: str) -> None:
    found = issuer(name).metadata()

    assert found["subject_types_supported"] == ["pairwise" if name in PAIRWISE else "public"]
    assert found["id_token_signing_alg_values_supported"] == ["RS256"]


@pytest.mark.parametrize("name", [n for n in PERSONAS if "x5c" in ENTRIES[n][1]])
def test_a_certificate_in_an_entry_is_of_its_key_and_fits_the_thumbprints(name: str) -> None:
    """KEY-019."""
    entry = entries(name)[0]

    certificate = x509.load_der_x509_certificate(base64.b64decode(entry["x5c"][0], validate=True))

    assert certificate.public_key() == fixed_key("a").private.public_key()
    assert entry["x5t"] == x5t(certificate)
    assert entry.get("x5t#S256", x5t_s256(certificate)) == x5t_s256(certificate)


@pytest.mark.parametrize("name", ["entra-v1", "entra-v2", "entra-common", "adfs"])
def test_at_microsoft_the_kid_is_the_thumbprint(name: str) -> None:
    """AZR-011 and IDP-013."""
    assert [entry["kid"] for entry in entries(name)] == [entry["x5t"] for entry in entries(name)]


@pytest.mark.parametrize("name", ["keycloak", "keycloak-lightweight"])
def test_keycloak_publishes_one_more_key_that_is_for_encryption(name: str) -> None:
    """IDP-008 and KEY-011: it is the last, and it signs nothing."""
    who = issuer(name)

    extra = [entry for entry in who.jwks()["keys"] if entry["use"] != "sig"]

    assert extra == [dict(keycloak.ENCRYPTION_KEY)] == who.jwks()["keys"][2:]
    assert (extra[0]["use"], extra[0]["alg"]) == ("enc", "RSA-OAEP")
    assert json.loads(who.jwks_bytes()) == who.jwks()


def test_a_caller_who_changes_a_key_set_changes_no_persona() -> None:
    issuer("keycloak").jwks()["keys"][2]["use"] = "sig"

    assert issuer("keycloak").jwks()["keys"][2]["use"] == "enc"


def test_only_keycloak_publishes_keys_that_do_not_sign() -> None:
    with_more = {name for name in PERSONAS if len(issuer(name).jwks()["keys"]) != 2}

    assert with_more == {"keycloak", "keycloak-lightweight"}


def test_a_key_of_entra_is_bound_to_the_tenant_and_a_shared_one_to_the_template() -> None:
    """AZR-012: a token names its tenant, and the shared keys name the template that it has to fit."""
    own, shared = issuer("entra-v2"), issuer("entra-common")

    assert {key["issuer"] for key in own.jwks()["keys"]} == {own.issuer}
    assert {key["issuer"] for key in shared.jwks()["keys"]} == {TEMPLATE}
    assert shared.draft(ANN).claims["iss"] == own.issuer == TEMPLATE.replace("{tenantid}", TENANT)


def test_a_configured_tenant_does_not_change_the_template() -> None:
    """AZR-014."""
    other = issuer("entra-common", issuer="https://login.microsoftonline.com/other/v2.0")

    assert other.metadata()["issuer"] == TEMPLATE
    assert other.draft(ANN).claims["iss"] == "https://login.microsoftonline.com/other/v2.0"


@pytest.mark.parametrize("alg", ["RS256", "ES256", "Ed25519"])
@pytest.mark.parametrize("name", PERSONAS)
def test_each_kind_of_token_verifies_with_the_published_keys(name: str, alg: str) -> None:
    who = Issuer(persona(name), KeyRing([fixed_key("a", alg)]), clock=lambda: NOW)
    keys = KeySet.import_key_set(json.loads(who.jwks_bytes()))
    registry = JWSRegistry(
        algorithms=[alg], strict_check_header=False
    )  # PingFederate has a member of its own

    for kind in who.persona.claims:
        made = who.draft(ANN, kind=kind)
        assert jwt.decode(made.token(), keys, registry=registry).claims == made.claims


@pytest.mark.parametrize("name", ADDRESSES)
def test_issuer_and_paths_have_the_form_of_that_idp(name: str) -> None:
    tokens, metadata, jwks_path, metadata_path = ADDRESSES[name]
    who, idp = issuer(name), MockIdP()
    idp.add_issuer("", who)

    found = get(idp, metadata_path)

    assert (who.issuer, found["issuer"]) == (tokens, metadata)
    assert urlsplit(found["jwks_uri"]).path == jwks_path
    assert get(idp, jwks_path) == who.jwks()


def test_entras_addresses_are_right_when_its_issuers_are_served_below_their_tenant() -> None:
    """One server, a tenant and the address for all tenants, whose keys are the same but for their issuer."""
    idp = MockIdP()
    idp.add_issuer(f"/{TENANT}", issuer("entra-v2"))
    idp.add_issuer("/common", issuer("entra-common"))

    own = get(idp, f"/{TENANT}/discovery/v2.0/keys")
    shared = get(idp, "/common/discovery/v2.0/keys")

    assert [key["kid"] for key in own["keys"]] == [key["kid"] for key in shared["keys"]]
    assert {key["issuer"] for key in own["keys"]} != {key["issuer"] for key in shared["keys"]} == {TEMPLATE}
    assert get(idp, "/common/v2.0/.well-known/openid-configuration")["issuer"] == TEMPLATE


def test_the_address_of_b2cs_keys_names_the_policy() -> None:
    """AZR-026."""
    who = issuer("azure-b2c", base_url="https://idp.example/t")

    assert who.metadata()["jwks_uri"] == "https://idp.example/t/discovery/v2.0/keys?p=b2c_1_susi"


def test_adfs_tells_the_issuer_of_its_access_tokens_apart() -> None:
    who = issuer("adfs")
    by_hand = issuer("adfs", issuer="https://sts.example")

    assert who.metadata()["access_token_issuer"] == who.draft(ANN).claims["iss"]
    assert who.metadata()["issuer"] == who.draft(ANN, kind="id").claims["iss"]
    assert "access_token_issuer" not in by_hand.metadata()
    assert (
        by_hand.metadata()["issuer"] == by_hand.draft(ANN, kind="id").claims["iss"] == "https://sts.example"
    )


def test_all_personas_live_in_one_server_side_by_side() -> None:
    idp = MockIdP()
    for name in PERSONAS:
        idp.add_issuer(f"/{name}", issuer(name))

    for name in PERSONAS:
        who = idp.issuer(f"/{name}")
        own = get(idp, f"/{name}{who.path('jwks', '/jwks')}")
        assert own == get(idp, f"/{name}/jwks") == who.jwks()
        assert get(idp, f"/{name}{who.path('metadata', '')}")["jwks_uri"].count("//") == 1


def test_realms_share_a_server_and_have_keys_of_their_own() -> None:
    """IDP-008: at paths of their own; the realm stands in the issuer."""
    idp = MockIdP()
    for realm, letter in (("a", "a"), ("b", "c")):
        ring = KeyRing([fixed_key(letter)])
        idp.add_issuer(
            f"/{realm}", Issuer(persona("keycloak"), ring, tenant=realm, base_url=f"https://h/{realm}")
        )

    first, second = (get(idp, f"/{realm}/realms/{realm}/protocol/openid-connect/certs") for realm in "ab")

    assert first["keys"][0]["kid"] != second["keys"][0]["kid"]
    assert [idp.issuer(at).issuer for at in ("/a", "/b")] == ["https://h/a/realms/a", "https://h/b/realms/b"]


def test_a_tenant_is_written_into_a_path_percent_encoded() -> None:
    who = issuer("keycloak", tenant="a b/../c")

    assert who.path("jwks", "/jwks") == "/realms/a%20b%2F..%2Fc/protocol/openid-connect/certs"


def test_no_persona_has_two_endpoints_at_one_place() -> None:
    for name in PERSONAS:
        dialect = persona(name)
        places = [dialect.jwks_path, dialect.metadata_path, *dialect.paths.values()]
        assert len(places) == len(set(places)), name
        assert all(place.startswith("/") for place in places), name


def test_an_unknown_persona_is_an_error_that_names_the_nearest_and_all() -> None:
    with pytest.raises(ValueError, match=r"did you mean 'keycloak'\? there are .*adfs.*okta"):
        persona("keycloack")
