"""The persona `cognito`: an Amazon Cognito user pool.

Sources: rulebook section 7, IDP-014 and IDP-015; Amazon's pages on the tokens of user pools. An access token has no
aud: whose it is stands in `client_id`, and which kind it is in `token_use`.
"""

from typing import Any

from mock_idp.personas.identity import guid, names, verified_email
from mock_idp.personas.kids import base64_with_padding
from mock_idp.personas.model import PARAMETERS, Grant, Persona
from mock_idp.personas.registry import register

_REGION = "eu-central-1"


def user_id(pool: str, oid: str) -> str:
    """Give the pool's GUID of a person, which is `sub`."""
    return guid("cognito", pool, oid)


def _client(grant: Grant) -> dict[str, Any]:
    return {
        "sub": grant.client,
        "token_use": "access",
        "scope": " ".join(grant.api_scopes),
        "auth_time": grant.now,
        "iss": grant.issuer,
        **grant.issued,
        "version": 2,
        "jti": grant.guid("jti"),
        "client_id": grant.client,
    }


def _session(grant: Grant) -> dict[str, str]:
    return {
        "sub": user_id(grant.tenant, grant.user.oid),
        "origin_jti": grant.guid("origin_jti"),
        "event_id": grant.guid("event_id"),
    }


def _access(grant: Grant) -> dict[str, Any]:
    scopes = " ".join(grant.scopes)
    return {**_client(grant), **_session(grant), "scope": scopes, "username": grant.user.username}


def _id(grant: Grant) -> dict[str, Any]:
    person = grant.user
    return {
        **_session(grant),
        "aud": grant.client,
        "token_use": "id",
        "auth_time": grant.now,
        "iss": grant.issuer,
        **grant.issued,
        "jti": grant.guid("jti"),
        "cognito:username": person.username,
        **verified_email(person),
        **names(person),
        "custom:eid": person.subject,
    }


COGNITO = register(
    Persona(
        name="cognito",
        says="Amazon Cognito user pool: no aud in access tokens, token_use, a kid that ends with =",
        issuer=lambda _base_url, tenant: f"https://cognito-idp.{_REGION}.amazonaws.com/{tenant}",
        claims={"access": _access, "id": _id, "machine": _client},
        header_members=("kid", "alg"),
        jwk_members=("alg", "kid", "kty", PARAMETERS, "use"),
        kid_form=base64_with_padding,
        jwks_path="/{tenant}/.well-known/jwks.json",
        metadata_path="/{tenant}/.well-known/openid-configuration",
        paths={
            "authorization": "/oauth2/authorize",
            "token": "/oauth2/token",
            "userinfo": "/oauth2/userInfo",
            "revocation": "/oauth2/revoke",
            "end_session": "/logout",
        },
        fixed_sub=True,
        default_tenant=f"{_REGION}_9hZyXwVuT",
    )
)
