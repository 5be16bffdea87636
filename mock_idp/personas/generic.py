"""The persona `generic`: an OpenID provider that follows the standards and nothing more.

It is the honest background against which every other dialect and every forgery is seen.
"""

from typing import Any

from mock_idp.personas.model import Grant, Persona
from mock_idp.personas.registry import register


def _common(grant: Grant) -> dict[str, Any]:
    person = grant.user
    return {
        "iss": grant.issuer,
        "sub": person.subject,
        "aud": grant.audience,
        "iat": grant.now,
        "nbf": grant.now,
        "exp": grant.now + grant.lifetime_s,
        "jti": grant.opaque("jti"),
        "preferred_username": person.username,
        "email": person.email,
        "name": person.name,
    }


def _access_claims(grant: Grant) -> dict[str, Any]:
    claims = _common(grant)
    claims["client_id"] = grant.client
    claims["scope"] = " ".join(grant.scopes)
    return claims


def _id_claims(grant: Grant) -> dict[str, Any]:
    # OpenID Connect Core section 2: the audience of an ID token is the client.
    return {**_common(grant), "aud": grant.client, "auth_time": grant.now}


def _machine_claims(grant: Grant) -> dict[str, Any]:
    # RFC 9068 section 2.2: with no resource owner the subject is the client.
    return {
        "iss": grant.issuer,
        "sub": grant.client,
        "aud": grant.audience,
        **grant.times,
        "jti": grant.opaque("jti"),
        "client_id": grant.client,
        "scope": " ".join(grant.api_scopes),
    }


GENERIC = register(
    Persona(
        name="generic",
        says="An OpenID provider that follows the standards and nothing more",
        issuer=lambda base_url, _tenant: base_url,
        claims={"access": _access_claims, "id": _id_claims, "machine": _machine_claims},
    )
)
