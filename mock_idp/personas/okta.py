"""The persona `okta`: a custom authorization server of Okta.

Sources: rulebook section 7, IDP-001 and IDP-002; Okta's reference of tokens. One person has two subjects: the login in
access tokens, Okta's own id (`00u...`) in ID tokens.
"""

from typing import Any

from mock_idp.people import Person
from mock_idp.personas.identity import base62, names, verified_email
from mock_idp.personas.kids import base64url_43
from mock_idp.personas.model import PARAMETERS, Grant, Persona
from mock_idp.personas.registry import register

_IDENTITY_PROVIDER = "00o1touchstone0mockd"


def user_id(person: Person) -> str:
    """Give Okta's id of a person: `00u` and 17 letters and digits."""
    return "00u" + base62(17, "okta", person.oid)


def _start(grant: Grant, audience: str, prefix: str) -> dict[str, Any]:
    return {
        "ver": 1,
        "jti": f"{prefix}.{grant.opaque('jti', 32)}",
        "iss": grant.issuer,
        "aud": audience,
        **grant.issued,
    }


def _access(grant: Grant) -> dict[str, Any]:
    return {
        **_start(grant, grant.audience, "AT"),
        "cid": grant.client,
        "uid": user_id(grant.user),
        "scp": list(grant.scopes),
        "auth_time": grant.now,
        "sub": grant.user.email,
    }


def _id(grant: Grant) -> dict[str, Any]:
    person = grant.user
    profile = {**names(person), "preferred_username": person.email} if "profile" in grant.scopes else {}
    email = verified_email(person) if "email" in grant.scopes else {}
    return {
        "sub": user_id(person),
        **profile,
        **email,
        **_start(grant, grant.client, "ID"),
        "amr": ["pwd"],
        "idp": _IDENTITY_PROVIDER,
        "auth_time": grant.now,
    }


def _machine(grant: Grant) -> dict[str, Any]:
    return {
        **_start(grant, grant.audience, "AT"),
        "cid": grant.client,
        "scp": list(grant.api_scopes),
        "sub": grant.client,
    }


OKTA = register(
    Persona(
        name="okta",
        says="Okta, custom authorization server: sub is the login in access tokens and an id in ID tokens",
        issuer=lambda _base_url, tenant: f"https://contoso.okta.com/oauth2/{tenant}",
        claims={"access": _access, "id": _id, "machine": _machine},
        header_members=("kid", "alg"),
        jwk_members=("kty", "alg", "kid", "use", PARAMETERS),
        kid_form=base64url_43,
        jwks_path="/oauth2/{tenant}/v1/keys",
        metadata_path="/oauth2/{tenant}/.well-known/openid-configuration",
        paths={
            "authorization": "/oauth2/{tenant}/v1/authorize",
            "token": "/oauth2/{tenant}/v1/token",
            "userinfo": "/oauth2/{tenant}/v1/userinfo",
            "introspection": "/oauth2/{tenant}/v1/introspect",
            "revocation": "/oauth2/{tenant}/v1/revoke",
            "end_session": "/oauth2/{tenant}/v1/logout",
            "device_authorization": "/oauth2/{tenant}/v1/device/authorize",
        },
        default_tenant="default",
        default_audience="api://default",
    )
)
