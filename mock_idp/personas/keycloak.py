"""The personas `keycloak` and `keycloak-lightweight`: a Keycloak realm.

Sources: rulebook section 7 and IDP-005 to IDP-009; Keycloak's pages on mappers and client scopes. The kind of a token
stands in the payload's `typ`, the client in `azp`, and the key set also holds a key for encryption.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from mock_idp.personas.identity import guid, names, verified_email
from mock_idp.personas.kids import base64url_43
from mock_idp.personas.model import PARAMETERS, Grant, Persona
from mock_idp.personas.registry import register

ACCOUNT: Final = "account"
"""Keycloak's own client, which is in `aud` of everybody who may see his account (IDP-006)."""

ENCRYPTION_KEY: Final[Mapping[str, str]] = {
    "kid": "vDEShkLri0lAyWdoTAapvlZSeYf_NP7UQWphkHS5bEk",
    "kty": "RSA",
    "alg": "RSA-OAEP",
    "use": "enc",
    "n": (
        "wkNyqcF1qcs3ocF8LHoRzt43cUTi_anh5pPQwKnu9Qdr1ELuaS36JnVXvHOj2LiDlJ-rCS94013KvWSz6BBU7r"
        "lVbx5ezoQjsO2X1NuZiEoPgGx5dkoqaalu3MEhMLdzPJDXVEGIU1xbDMRnXYZBq2_2Edw1UeWD8Myf5LUvjLOa"
        "2-eEKoPlcBT5MITZttVqeRt9WGQ5OC6n4KFwStOae4zXq4BXbQfZBWCeyHRy-8j4CiW2Rt6CgGZYRaj8Ob1IZ0"
        "yLNaffNjWCKxl4r3Fq7BJ3LdU5-zm-CvaF3YVRFlsLZjP0yz-sK8-lCQFJcyYFxCPcjmJysUhJw8hVfdlDJw"
    ),
    "e": "AQAB",
}
"""The entry for encryption (IDP-008, KEY-011). Its private half was thrown away, so nothing can be signed by it."""


def user_id(realm: str, oid: str) -> str:
    """Give the realm's GUID of a person, which is `sub`."""
    return guid("keycloak", realm, oid)


def _audience(grant: Grant) -> dict[str, Any]:
    # An audience mapper adds the API; the own client stays. With neither there is no aud at all (IDP-006).
    if not grant.audience:
        return {}
    return {"aud": ACCOUNT if grant.audience == ACCOUNT else [grant.audience, ACCOUNT]}


def _start(grant: Grant, kind: str) -> dict[str, Any]:
    return {**grant.issued, "jti": grant.guid("jti"), "iss": grant.issuer, "typ": kind, "azp": grant.client}


def _scoped(grant: Grant) -> dict[str, Any]:
    person = grant.user
    profile = {**names(person), "preferred_username": person.username} if "profile" in grant.scopes else {}
    email = verified_email(person) if "email" in grant.scopes else {}
    return {**profile, **email}


def _roles() -> dict[str, Any]:
    return {
        "allowed-origins": ["*"],
        "realm_access": {"roles": ["offline_access", "uma_authorization"]},
        "resource_access": {ACCOUNT: {"roles": ["manage-account", "view-profile"]}},
    }


def _lightweight(grant: Grant) -> dict[str, Any]:
    return {
        **_start(grant, "Bearer"),
        **_audience(grant),
        "sid": grant.guid("sid"),
        "scope": " ".join(grant.scopes),
    }


def _access(grant: Grant) -> dict[str, Any]:
    return {
        **_lightweight(grant),
        "sub": user_id(grant.tenant, grant.user.oid),
        "acr": "1",
        **_roles(),
        **_scoped(grant),
    }


def _id(grant: Grant) -> dict[str, Any]:
    return {
        **_start(grant, "ID"),
        "aud": grant.client,
        "sub": user_id(grant.tenant, grant.user.oid),
        "auth_time": grant.now,
        "sid": grant.guid("sid"),
        "acr": "1",
        **_scoped(grant),
    }


def _machine(grant: Grant) -> dict[str, Any]:
    # IDP-005: the service account is a user of the realm, with a name that whoever made the client chose.
    return {
        **_start(grant, "Bearer"),
        **_audience(grant),
        "sub": user_id(grant.tenant, f"service-account-{grant.client}"),
        "acr": "1",
        **_roles(),
        "scope": " ".join(scope for scope in grant.scopes if scope != "openid"),
        "email_verified": False,
        "clientHost": "203.0.113.7",
        "clientAddress": "203.0.113.7",
        "preferred_username": f"service-account-{grant.client.lower()}",
        "client_id": grant.client,
    }


KEYCLOAK = register(
    Persona(
        name="keycloak",
        says="A Keycloak realm: aud is account or a list, typ in the payload, a key for encryption in the JWKS",
        issuer=lambda base_url, tenant: f"{base_url}/realms/{tenant}",
        claims={"access": _access, "id": _id, "machine": _machine},
        header_members=("alg", "typ", "kid"),
        jwk_members=("kid", "kty", "alg", "use", PARAMETERS, "x5c", "x5t", "x5t#S256"),
        extra_entries=(ENCRYPTION_KEY,),
        kid_form=base64url_43,
        certificate_subject="CN=contoso",
        jwks_path="/realms/{tenant}/protocol/openid-connect/certs",
        metadata_path="/realms/{tenant}/.well-known/openid-configuration",
        paths={
            "authorization": "/realms/{tenant}/protocol/openid-connect/auth",
            "token": "/realms/{tenant}/protocol/openid-connect/token",
            "userinfo": "/realms/{tenant}/protocol/openid-connect/userinfo",
            "introspection": "/realms/{tenant}/protocol/openid-connect/token/introspect",
            "revocation": "/realms/{tenant}/protocol/openid-connect/revoke",
            "end_session": "/realms/{tenant}/protocol/openid-connect/logout",
            "device_authorization": "/realms/{tenant}/protocol/openid-connect/auth/device",
        },
        default_tenant="contoso",
        default_audience=ACCOUNT,
        lifetime_s=300,
    )
)
KEYCLOAK_LIGHTWEIGHT = register(
    replace(
        KEYCLOAK,
        name="keycloak-lightweight",
        says="A Keycloak realm with lightweight access tokens: neither sub nor a name in them (IDP-009)",
        claims={"access": _lightweight, "id": _id, "machine": _machine},
    )
)
