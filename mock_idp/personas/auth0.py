"""The personas `auth0` and `auth0-rfc9068`: Auth0's two profiles of access tokens.

Sources: rulebook section 7, IDP-003 and IDP-004; Auth0's page on access-token profiles. Claims of one's own bear the
name of a URL, here below `NAMESPACE`.
"""

from dataclasses import replace
from typing import Any

from mock_idp.people import Person
from mock_idp.personas.identity import guid, names, verified_email
from mock_idp.personas.kids import base64url_21
from mock_idp.personas.model import PARAMETERS, Grant, Persona
from mock_idp.personas.registry import register

NAMESPACE = "https://contoso.example/"
_UPDATED = "2025-01-01T00:00:00.000Z"


def user_id(person: Person) -> str:
    """Give Auth0's id of a person in its own database: `auth0|` and 24 hexadecimal digits."""
    return "auth0|" + guid("auth0", person.oid).replace("-", "")[:24]


def _audience(grant: Grant) -> str | list[str]:
    # The scope openid makes the token good for the userinfo endpoint as well (CLM-008).
    return [grant.audience, f"{grant.issuer}userinfo"] if "openid" in grant.scopes else grant.audience


def _person(grant: Grant) -> dict[str, Any]:
    return {
        f"{NAMESPACE}email": grant.user.email,
        "iss": grant.issuer,
        "sub": user_id(grant.user),
        "aud": _audience(grant),
        **grant.issued,
        "scope": " ".join(grant.scopes),
    }


def _client(grant: Grant) -> dict[str, Any]:
    scopes = {"scope": " ".join(grant.api_scopes)} if grant.api_scopes else {}
    return {
        "iss": grant.issuer,
        "sub": f"{grant.client}@clients",
        "aud": grant.audience,
        **grant.issued,
        **scopes,
    }


def _id(grant: Grant) -> dict[str, Any]:
    person = grant.user
    profile = (
        {"nickname": person.username, **names(person), "updated_at": _UPDATED}
        if "profile" in grant.scopes
        else {}
    )
    email = verified_email(person) if "email" in grant.scopes else {}
    return {
        f"{NAMESPACE}email": person.email,
        **profile,
        **email,
        "iss": grant.issuer,
        "aud": grant.client,
        "sub": user_id(person),
        **grant.issued,
        "sid": grant.opaque("sid", 24),
    }


def _rfc9068(grant: Grant) -> dict[str, Any]:
    return {"client_id": grant.client, "jti": grant.opaque("jti")}


AUTH0 = register(
    Persona(
        name="auth0",
        says="Auth0, its own access-token profile: issuer with a final slash, aud often an array, sub with a bar",
        issuer=lambda _base_url, tenant: f"https://{tenant}.auth0.com/",
        claims={
            "access": lambda grant: {**_person(grant), "azp": grant.client},
            "id": _id,
            "machine": lambda grant: {**_client(grant), "gty": "client-credentials", "azp": grant.client},
        },
        header_members=("alg", "typ", "kid"),
        jwk_members=("kty", "use", PARAMETERS, "kid", "x5t", "x5c", "alg"),
        kid_form=base64url_21,
        certificate_subject="CN=contoso.auth0.com",
        jwks_path="/.well-known/jwks.json",
        paths={
            "authorization": "/authorize",
            "token": "/oauth/token",
            "userinfo": "/userinfo",
            "revocation": "/oauth/revoke",
            "end_session": "/oidc/logout",
            "device_authorization": "/oauth/device/code",
        },
        fixed_sub=True,
        default_tenant="contoso",
        default_audience="https://api.contoso.example",
        lifetime_s=86_400,
    )
)
AUTH0_RFC9068 = register(
    replace(
        AUTH0,
        name="auth0-rfc9068",
        says="Auth0, access-token profile of RFC 9068: typ at+jwt, client_id in the place of azp, jti",
        claims={
            "access": lambda grant: {**_person(grant), **_rfc9068(grant)},
            "id": _id,
            "machine": lambda grant: {**_client(grant), **_rfc9068(grant)},
        },
        access_header_members=("alg", ("typ", "at+jwt"), "kid"),
    )
)
