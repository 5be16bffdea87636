"""Every persona against its row of the rulebook's section 7: header, claims and their JSON types, as data."""

import base64
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mock_idp import PERSONAS, Issuer, KeyRing, Person, PersonaError, fixed_key, persona
from mock_idp.personas import Kind, adfs, auth0, azure_b2c, cognito, google, keycloak, okta

NOW = 1_767_225_600
ANN = Person.of("Ann Miller", "ann")
CLIENT = "Scan-1"
TENANT = "72f988bf-0000-4000-8000-2d7cd011db47"
API = "https://api.contoso.example"
KEY = fixed_key("a")

GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
OPAQUE = re.compile(r"[\w.-]{16,}")
X5T = re.compile(r"[\w-]{27}")
BASE64URL_43 = re.compile(r"[\w-]{43}")
BASE64_44 = re.compile(r"[A-Za-z0-9+/]{43}=")

TIMES = {"iat": NOW, "nbf": NOW, "exp": NOW + 60}
ISSUED = {"iat": NOW, "exp": NOW + 60}
NAMES = {"name": "Ann Miller", "given_name": "Ann", "family_name": "Miller"}
EMAIL = {"email": "ann@contoso.example", "email_verified": True}

ENTRA_V2_ISSUER = f"https://login.microsoftonline.com/{TENANT}/v2.0"
B2C_ISSUER = f"https://contoso.b2clogin.com/{TENANT}/v2.0/"
OKTA_ISSUER = "https://contoso.okta.com/oauth2/default"
AUTH0_ISSUER = "https://contoso.auth0.com/"
REALM = "https://idp.example/realms/contoso"
POOL = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_9hZyXwVuT"

ENTRA_OPAQUE = {"aio": OPAQUE, "rh": OPAQUE, "uti": OPAQUE}
ENTRA_APP = {
    "idtyp": "app",
    "oid": GUID,
    "sub": GUID,
    "tid": TENANT,
    "roles": ["access_as_app"],
    **ENTRA_OPAQUE,
}
B2C = {
    "iss": B2C_ISSUER,
    **TIMES,
    "ver": "1.0",
    "sub": ANN.oid,
    "oid": ANN.oid,
    **NAMES,
    "emails": ["ann@contoso.example"],
    "tfp": "b2c_1_susi",
}
B2C_APP = {
    "iss": B2C_ISSUER,
    "aud": API,
    **TIMES,
    "ver": "1.0",
    "sub": GUID,
    "oid": GUID,
    "tid": TENANT,
    "azp": CLIENT,
    "azpacr": "1",
    "roles": ["access_as_app"],
}
OKTA_ACCESS = {
    "ver": 1,
    "jti": re.compile(r"AT\.[\w-]{43}"),
    "iss": OKTA_ISSUER,
    "aud": API,
    **ISSUED,
    "cid": CLIENT,
    "uid": re.compile(r"00u[0-9A-Za-z]{17}"),
    "scp": ["openid", "profile", "email", "scan"],
    "auth_time": NOW,
    "sub": "ann@contoso.example",
}
AUTH0_ACCESS = {
    "iss": AUTH0_ISSUER,
    "sub": re.compile(r"auth0\|[0-9a-f]{24}"),
    "aud": [API, "https://contoso.auth0.com/userinfo"],
    **ISSUED,
    "scope": "openid profile email scan",
    "https://contoso.example/email": "ann@contoso.example",
}
AUTH0_APP = {"iss": AUTH0_ISSUER, "sub": f"{CLIENT}@clients", "aud": API, **ISSUED, "scope": "scan"}
AUTH0_ID = {
    "iss": AUTH0_ISSUER,
    "sub": re.compile(r"auth0\|[0-9a-f]{24}"),
    "aud": CLIENT,
    **ISSUED,
    "nickname": "ann",
    **NAMES,
    "updated_at": "2025-01-01T00:00:00.000Z",
    **EMAIL,
    "sid": OPAQUE,
    "https://contoso.example/email": "ann@contoso.example",
}
LIGHTWEIGHT = {
    **ISSUED,
    "jti": GUID,
    "iss": REALM,
    "typ": "Bearer",
    "azp": CLIENT,
    "aud": [API, "account"],
    "sid": GUID,
    "scope": "openid profile email scan",
}
ROLES = {
    "acr": "1",
    "allowed-origins": ["*"],
    "realm_access": {"roles": ["offline_access", "uma_authorization"]},
    "resource_access": {"account": {"roles": ["manage-account", "view-profile"]}},
}
KEYCLOAK_ID = {
    **ISSUED,
    "jti": GUID,
    "iss": REALM,
    "typ": "ID",
    "azp": CLIENT,
    "aud": CLIENT,
    "sub": GUID,
    "auth_time": NOW,
    "sid": GUID,
    "acr": "1",
    **NAMES,
    **EMAIL,
    "preferred_username": "ann",
}
KEYCLOAK_APP = {
    **ISSUED,
    "jti": GUID,
    "iss": REALM,
    "typ": "Bearer",
    "azp": CLIENT,
    "aud": [API, "account"],
    "sub": GUID,
    **ROLES,
    "scope": "profile email scan",
    "email_verified": False,
    "clientHost": "203.0.113.7",
    "clientAddress": "203.0.113.7",
    "preferred_username": "service-account-scan-1",
    "client_id": CLIENT,
}
PING_ACCESS = {
    "scope": ["openid", "profile", "email", "scan"],
    "client_id": CLIENT,
    "Username": "ann@contoso.example",
    "uid": "ann",
    "exp": NOW + 60,
}
PING_APP = {"scope": "scan", "client_id": CLIENT, "exp": NOW + 60}
PING_CONFIGURED = {"iss": "https://idp.example", "aud": API, "iat": NOW, "jti": OPAQUE}
PING_ID = {
    "sub": "ann",
    "aud": CLIENT,
    "jti": OPAQUE,
    "iss": "https://idp.example",
    **ISSUED,
    "auth_time": NOW,
    "pi.sri": GUID,
}
ADFS_PERSON = {"sub": BASE64_44, "upn": "ann@contoso.example", "unique_name": "CONTOSO\\ann"}
ADFS_ACCESS = {
    "aud": API,
    "iss": "http://idp.example/adfs/services/trust",
    **TIMES,
    "apptype": "Public",
    "appid": CLIENT,
    "authmethod": "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
    "auth_time": "2026-01-01T00:00:00.000Z",
    "ver": "1.0",
}
COGNITO_SESSION = {"sub": GUID, "origin_jti": GUID, "event_id": GUID}
COGNITO_ACCESS = {
    "iss": POOL,
    **ISSUED,
    "auth_time": NOW,
    "jti": GUID,
    "version": 2,
    "token_use": "access",
    "scope": "openid profile email scan",
    "client_id": CLIENT,
}
GENERIC = {"iss": "https://idp.example", "aud": API, **TIMES, "jti": OPAQUE}
GENERIC_PERSON = {
    "sub": ANN.subject,
    "preferred_username": "ann",
    "email": EMAIL["email"],
    "name": "Ann Miller",
}
ENTRA_PERSON = {"name": "Ann Miller", "oid": ANN.oid, "tid": TENANT, "sub": BASE64URL_43, **ENTRA_OPAQUE}
ENTRA_V1_PERSON = {
    **ENTRA_PERSON,
    "iss": f"https://sts.windows.net/{TENANT}/",
    **TIMES,
    "amr": ["pwd"],
    "unique_name": "ann@contoso.example",
    "upn": "ann@contoso.example",
    "ver": "1.0",
}
ENTRA_V2_PERSON = {
    **ENTRA_PERSON,
    "iss": ENTRA_V2_ISSUER,
    **TIMES,
    "preferred_username": "ann@contoso.example",
    "ver": "2.0",
}
ENTRA_V2: Mapping[str, Any] = {
    "access": {**ENTRA_V2_PERSON, "aud": API, "azp": CLIENT, "azpacr": "0", "scp": "scan"},
    "id": {**ENTRA_V2_PERSON, "aud": CLIENT, "email": "ann@contoso.example"},
    "machine": {
        "iss": ENTRA_V2_ISSUER,
        "aud": API,
        **TIMES,
        "azp": CLIENT,
        "azpacr": "1",
        "ver": "2.0",
        **ENTRA_APP,
    },
}

CLAIMS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "generic": {
        "access": {**GENERIC, **GENERIC_PERSON, "client_id": CLIENT, "scope": "openid profile email scan"},
        "id": {**GENERIC, **GENERIC_PERSON, "aud": CLIENT, "auth_time": NOW},
        "machine": {**GENERIC, "sub": CLIENT, "client_id": CLIENT, "scope": "scan"},
    },
    "entra-v1": {
        "access": {
            **ENTRA_V1_PERSON,
            "aud": API,
            "acr": "1",
            "appid": CLIENT,
            "appidacr": "0",
            "ipaddr": "203.0.113.7",
            "scp": "scan",
        },
        "id": {**ENTRA_V1_PERSON, "aud": CLIENT},
        "machine": {
            "iss": f"https://sts.windows.net/{TENANT}/",
            "aud": API,
            **TIMES,
            "appid": CLIENT,
            "appidacr": "1",
            "ver": "1.0",
            **ENTRA_APP,
        },
    },
    "entra-v2": ENTRA_V2,
    "entra-common": ENTRA_V2,
    "azure-b2c": {
        "access": {**B2C, "aud": API, "azp": CLIENT, "scp": "scan"},
        "id": {**B2C, "aud": CLIENT, "auth_time": NOW},
        "machine": B2C_APP,
    },
    "azure-b2c-placeholder": {
        "access": {**B2C, "sub": azure_b2c.PLACEHOLDER, "aud": API, "azp": CLIENT, "scp": "scan"},
        "id": {**B2C, "sub": azure_b2c.PLACEHOLDER, "aud": CLIENT, "auth_time": NOW},
        "machine": B2C_APP,
    },
    "okta": {
        "access": OKTA_ACCESS,
        "id": {
            "sub": re.compile(r"00u[0-9A-Za-z]{17}"),
            **NAMES,
            **EMAIL,
            "preferred_username": "ann@contoso.example",
            "ver": 1,
            "jti": re.compile(r"ID\.[\w-]{43}"),
            "iss": OKTA_ISSUER,
            "aud": CLIENT,
            **ISSUED,
            "amr": ["pwd"],
            "idp": re.compile(r"00o[0-9a-z]{17}"),
            "auth_time": NOW,
        },
        "machine": {
            "ver": 1,
            "jti": re.compile(r"AT\.[\w-]{43}"),
            "iss": OKTA_ISSUER,
            "aud": API,
            **ISSUED,
            "cid": CLIENT,
            "scp": ["scan"],
            "sub": CLIENT,
        },
    },
    "auth0": {
        "access": {**AUTH0_ACCESS, "azp": CLIENT},
        "id": AUTH0_ID,
        "machine": {**AUTH0_APP, "azp": CLIENT, "gty": "client-credentials"},
    },
    "auth0-rfc9068": {
        "access": {**AUTH0_ACCESS, "client_id": CLIENT, "jti": OPAQUE},
        "id": AUTH0_ID,
        "machine": {**AUTH0_APP, "client_id": CLIENT, "jti": OPAQUE},
    },
    "keycloak": {
        "access": {**LIGHTWEIGHT, "sub": GUID, **ROLES, **NAMES, **EMAIL, "preferred_username": "ann"},
        "id": KEYCLOAK_ID,
        "machine": KEYCLOAK_APP,
    },
    "keycloak-lightweight": {"access": LIGHTWEIGHT, "id": KEYCLOAK_ID, "machine": KEYCLOAK_APP},
    "google": {
        "id": {
            "iss": "https://accounts.google.com",
            "azp": CLIENT,
            "aud": CLIENT,
            "sub": re.compile(r"1[0-9]{20}"),
            "hd": "contoso.example",
            **EMAIL,
            **NAMES,
            **ISSUED,
        },
        "machine": {
            "iss": "https://accounts.google.com",
            "azp": re.compile(r"1[0-9]{20}"),
            "aud": API,
            "sub": re.compile(r"1[0-9]{20}"),
            "email": f"{CLIENT}@contoso.iam.gserviceaccount.com",
            "email_verified": True,
            **ISSUED,
        },
    },
    "pingfederate": {"access": PING_ACCESS, "id": PING_ID, "machine": PING_APP},
    "pingfederate-configured": {
        "access": {**PING_ACCESS, **PING_CONFIGURED},
        "id": PING_ID,
        "machine": {**PING_APP, **PING_CONFIGURED},
    },
    "adfs": {
        "access": {**ADFS_ACCESS, "scp": "openid profile email scan", **ADFS_PERSON},
        "id": {
            "aud": CLIENT,
            "iss": "https://idp.example/adfs",
            **TIMES,
            "auth_time": NOW,
            **ADFS_PERSON,
            "sid": re.compile(r"S-1-5-21-[0-9]{10}"),
        },
        "machine": {**ADFS_ACCESS, "apptype": "Confidential"},
    },
    "cognito": {
        "access": {**COGNITO_ACCESS, **COGNITO_SESSION, "username": "ann"},
        "id": {
            **COGNITO_SESSION,
            "iss": POOL,
            **ISSUED,
            "auth_time": NOW,
            "jti": GUID,
            "aud": CLIENT,
            "token_use": "id",
            "cognito:username": "ann",
            "custom:eid": ANN.subject,
            **EMAIL,
            **NAMES,
        },
        "machine": {**COGNITO_ACCESS, "sub": CLIENT, "scope": "scan"},
    },
}
"""What each kind of token holds: a value, or the pattern of a string."""

_STANDARD = {"typ": "JWT", "alg": "RS256", "kid": "a"}
_GOOGLE_LIKE = {"alg": "RS256", "kid": BASE64URL_43, "typ": "JWT"}
_AUTH0 = {"alg": "RS256", "typ": "JWT", "kid": re.compile(r"[\w-]{21}")}
_PING_KID = re.compile(r"[\w-]{27}_RS256")
HEADERS: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
    # persona: (of an access token, of an ID token), members in their order
    "generic": (_STANDARD, _STANDARD),
    "entra-v1": ({"typ": "JWT", "alg": "RS256", "x5t": X5T, "kid": X5T},) * 2,
    "entra-v2": ({"typ": "JWT", "alg": "RS256", "kid": X5T},) * 2,
    "entra-common": ({"typ": "JWT", "alg": "RS256", "kid": X5T},) * 2,
    "azure-b2c": (_GOOGLE_LIKE,) * 2,
    "azure-b2c-placeholder": (_GOOGLE_LIKE,) * 2,
    "okta": ({"kid": BASE64URL_43, "alg": "RS256"},) * 2,
    "auth0": (_AUTH0,) * 2,
    "auth0-rfc9068": ({**_AUTH0, "typ": "at+jwt"}, _AUTH0),
    "keycloak": ({"alg": "RS256", "typ": "JWT", "kid": BASE64URL_43},) * 2,
    "keycloak-lightweight": ({"alg": "RS256", "typ": "JWT", "kid": BASE64URL_43},) * 2,
    "google": ({"alg": "RS256", "kid": re.compile(r"[0-9a-f]{40}"), "typ": "JWT"},) * 2,
    "pingfederate": (
        {"alg": "RS256", "kid": _PING_KID, "pi.atm": "k3mp"},
        {"alg": "RS256", "kid": _PING_KID},
    ),
    "pingfederate-configured": (
        {"alg": "RS256", "kid": _PING_KID, "pi.atm": "k3mp"},
        {"alg": "RS256", "kid": _PING_KID},
    ),
    "adfs": ({"typ": "JWT", "alg": "RS256", "x5t": X5T, "kid": X5T},) * 2,
    "cognito": ({"kid": BASE64_44, "alg": "RS256"},) * 2,
}

CASES = [(name, kind) for name, kinds in CLAIMS.items() for kind in kinds]


def issuer(name: str, **more: Any) -> Issuer:
    own = {"tenant": TENANT} if name.startswith(("entra", "azure")) else {}
    return Issuer(persona(name), KeyRing([KEY]), **{"audience": API, "clock": lambda: NOW, **own, **more})


def token(name: str, kind: Any, **more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Mint a token and decode its header and claims as JSON."""
    asked: Any = {
        "client": CLIENT,
        "lifetime_s": 60,
        "scopes": ("openid", "profile", "email", "scan"),
        **more,
    }
    return decoded(issuer(name).mint(None if kind == "machine" else ANN, kind=kind, **asked))


def decoded(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    header, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in text.split(".")[:2])
    return header, claims


def assert_fits(found: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    """Compare field by field: the same names, the same JSON types, the same values or the pattern."""
    assert sorted(found) == sorted(expected)
    for name, value in expected.items():
        if isinstance(value, re.Pattern):
            assert isinstance(found[name], str), name
            assert value.fullmatch(found[name]), (name, found[name])
        else:
            assert (type(found[name]), found[name]) == (type(value), value), name


def test_every_persona_has_its_row_here() -> None:
    assert set(PERSONAS) == set(CLAIMS) == set(HEADERS)
    assert {name: set(kinds) for name, kinds in CLAIMS.items()} == {
        name: set(persona(name).claims) for name in PERSONAS
    }


def manual() -> str:
    """Give the section of the manual."""
    text = (Path(__file__).parents[2] / "docs" / "mock-idp.md").read_text(encoding="utf-8")
    return text.partition("## Personas\n")[2].partition("\n## ")[0]


def test_the_manual_has_a_row_for_every_persona() -> None:
    assert sorted(re.findall(r"^\| `([\w-]+)` \|", manual(), re.MULTILINE)) == list(PERSONAS)


def test_the_example_of_the_manual_runs() -> None:
    names: dict[str, Any] = {}

    exec(manual().partition("```python\n")[2].partition("```")[0], names)  # noqa: S102 - the project's own page

    assert names["realm"].path("jwks", "") == "/realms/acme/protocol/openid-connect/certs"
    assert decoded(names["for_ann"])[1]["aud"] == ["https://api.acme.example", "account"]
    assert decoded(names["for_a_client"])[1]["preferred_username"] == "service-account-nightly-scan"


@pytest.mark.parametrize("name,kind", CASES)
def test_a_token_holds_the_claims_of_its_row_with_their_types(name: str, kind: Kind) -> None:
    _, claims = token(name, kind)

    assert_fits(claims, CLAIMS[name][kind])


@pytest.mark.parametrize("name,kind", CASES)
def test_a_header_has_the_members_of_its_row_in_their_order(name: str, kind: Kind) -> None:
    header, _ = token(name, kind)

    expected = HEADERS[name][1 if kind == "id" else 0]
    assert_fits(header, expected)
    assert list(header) == list(expected)


@pytest.mark.parametrize("name", PERSONAS)
def test_sub_is_of_the_person_and_never_of_the_request(name: str) -> None:
    """Another time, lifetime, scope or key leaves sub as it is, in each kind of token."""
    other_key = fixed_key("b")
    for kind in (kind for kind in persona(name).claims if kind != "machine"):
        variants: list[dict[str, Any]] = [
            {},
            {"now": NOW + 86_400},
            {"lifetime_s": 5},
            {"scopes": ("openid",)},
            {"key": other_key},
        ]
        assert len({token(name, kind, **asked)[1].get("sub") for asked in variants}) == 1


@pytest.mark.parametrize(
    "name", ["adfs", "auth0", "azure-b2c", "cognito", "entra-common", "entra-v1", "entra-v2", "google"]
)
def test_where_sub_is_fixed_nobody_can_set_it(name: str) -> None:
    with pytest.raises(PersonaError, match="lets nobody set sub"):
        issuer(name).mint(ANN, claims={"sub": "chosen"})


@pytest.mark.parametrize("name", ["generic", "keycloak", "keycloak-lightweight", "okta", "pingfederate"])
def test_where_an_administrator_decides_sub_can_be_set(name: str) -> None:
    assert decoded(issuer(name).mint(ANN, claims={"sub": "x"}))[1]["sub"] == "x"


def test_oktas_two_tokens_of_one_person_have_two_subjects() -> None:
    """IDP-001: the login in the access token, and Okta's id, which is its uid, in the ID token."""
    access, identity = token("okta", "access")[1], token("okta", "id")[1]

    assert access["sub"] == ANN.email
    assert identity["sub"] == access["uid"] == okta.user_id(ANN)


def test_adfs_pairs_sub_with_the_client() -> None:
    subs = {token("adfs", "access", client=client)[1]["sub"] for client in ("one", "two")}

    assert subs == {adfs.pairwise_sub(ANN.oid, "one"), adfs.pairwise_sub(ANN.oid, "two")}
    assert len(subs) == 2


def test_one_person_has_another_sub_at_each_idp_realm_and_pool() -> None:
    subs = {
        okta.user_id(ANN),
        auth0.user_id(ANN),
        google.user_id(ANN.oid),
        keycloak.user_id("a", ANN.oid),
        keycloak.user_id("b", ANN.oid),
        cognito.user_id("a", ANN.oid),
        cognito.user_id("b", ANN.oid),
        ANN.oid,
    }

    assert len(subs) == 8


def test_googles_sub_is_beyond_what_a_double_can_hold() -> None:
    """IDP-010."""
    sub = token("google", "id")[1]["sub"]

    assert int(float(sub)) != int(sub)


def test_keycloaks_audience_is_account_a_list_or_missing() -> None:
    """IDP-006."""
    found = {
        asked: token("keycloak", "access", audience=asked)[1].get("aud") for asked in ("account", API, "")
    }

    assert found == {"account": "account", API: [API, "account"], "": None}


def test_auth0s_audience_is_a_string_without_the_scope_openid() -> None:
    assert token("auth0", "access", scopes=("scan",))[1]["aud"] == API


def test_an_attribute_of_pingfederate_with_one_value_is_a_string() -> None:
    assert token("pingfederate", "access", scopes=("scan",))[1]["scope"] == "scan"


@pytest.mark.parametrize("name", ["auth0", "google", "keycloak", "okta"])
def test_names_and_address_come_by_their_scopes(name: str) -> None:
    full, bare = token(name, "id")[1], token(name, "id", scopes=("openid",))[1]

    assert {"name", "email", "email_verified"} <= full.keys() - bare.keys()


def test_google_issues_no_access_token_that_could_be_verified() -> None:
    with pytest.raises(PersonaError, match="google issues no access tokens: id, machine"):
        issuer("google").mint(ANN, kind="access")

    assert issuer("google").draft(ANN).claims["aud"] != API


@pytest.mark.parametrize("name", PERSONAS)
def test_without_a_person_a_token_is_the_clients_own(name: str) -> None:
    who = issuer(name)

    assert who.draft(None, client=CLIENT) == who.draft(None, client=CLIENT, kind="machine")
    assert who.draft(ANN, client=CLIENT, kind="machine") == who.draft(None, client=CLIENT)


@pytest.mark.parametrize("name", PERSONAS)
def test_an_id_token_without_a_person_is_refused(name: str) -> None:
    with pytest.raises(PersonaError, match="needs one"):
        issuer(name).draft(None, kind="id")


@pytest.mark.parametrize(
    "name,lifetime",
    [("generic", 3600), ("keycloak", 300), ("auth0", 86_400), ("pingfederate", 7200), ("entra-v2", 3600)],
)
def test_a_token_lives_as_long_as_at_that_idp(name: str, lifetime: int) -> None:
    assert issuer(name).draft(ANN).claims["exp"] == NOW + lifetime


@pytest.mark.parametrize(
    "name,audience,tenant",
    [
        ("okta", "api://default", "default"),
        ("keycloak", "account", "contoso"),
        ("adfs", "microsoft:identityserver:3d1a6f0c-9b52-4f6e-8c7d-51e0a2b4c693", None),
        ("cognito", None, "eu-central-1_9hZyXwVuT"),
    ],
)
def test_audience_and_tenant_have_the_form_of_that_idp(
    name: str, audience: str | None, tenant: str | None
) -> None:
    who = Issuer(persona(name), KeyRing([KEY]))

    assert audience in {None, who.audience}
    assert tenant in {None, who.tenant}


@pytest.mark.parametrize("name", PERSONAS)
def test_a_configured_issuer_is_in_every_token_that_names_one(name: str) -> None:
    who = Issuer(persona(name), KeyRing([KEY]), issuer="https://configured.example/x/")

    issuers = {who.draft(ANN, kind=kind).claims.get("iss") for kind in persona(name).claims}

    assert issuers - {None} == {"https://configured.example/x/"}
