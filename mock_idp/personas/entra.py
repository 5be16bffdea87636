"""The personas `entra-v1`, `entra-v2` and `entra-common`: Microsoft Entra ID, where an API chooses the version.

Sources: rulebook section 7 and AZR-001 to AZR-021; Microsoft's access-token claims reference. Entra's `sub`
is pairwise: one person has another at each application and the same one on every request, and no
administrator can change it. That is why S2 has a custom claim at all, so no option here may ever weaken it.
"""

import base64
import hashlib
import hmac
import re
import uuid
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from mock_idp.keys import b64url
from mock_idp.personas.identity import guid
from mock_idp.personas.kids import thumbprint
from mock_idp.personas.model import PARAMETERS, Grant, Persona
from mock_idp.personas.registry import register

_APP_ID_URI = re.compile(r"(?:api://|spn:)([0-9a-fA-F-]{36})/?")
_SUBJECT = "CN=accounts.accesscontrol.windows.net"
_SCOPES = ("openid", "profile", "access_as_user")


@lru_cache(maxsize=4096)
def pairwise_sub(tid: str, oid: str, app: str) -> str:
    """Give the `sub` of a person (tenant, object id) at an application: 43 base64url characters (AZR-005).

    It follows from its three arguments alone, so it differs by application and never by request.
    """
    return b64url(hmac.digest(tid.encode(), f"{oid}\0{app}".encode(), hashlib.sha256))


def _application(audience: str) -> str:
    # AZR-004: `api://GUID` and `GUID` are different audiences, yet of one application, whose pairwise sub is
    # one.
    uri = _APP_ID_URI.fullmatch(audience)
    return uri[1].lower() if uri else audience


def _opaque_claims(grant: Grant) -> dict[str, str]:
    rh = base64.urlsafe_b64encode(b"\x00" + uuid.UUID(grant.tenant).bytes_le).decode().rstrip("=")
    return {
        "aio": grant.opaque("aio", 30),
        "rh": f"1.{rh}.",
        "uti": grant.opaque("uti"),
    }


def _api_scopes(grant: Grant) -> str:
    # Entra keeps OpenID's own scopes out of `scp`: those belong to the ID token and to Microsoft Graph.
    return " ".join(grant.api_scopes)


def _identity_v1(grant: Grant) -> dict[str, Any]:
    # AZR-006: no preferred_username, whatever the scopes.
    person = grant.user
    return {
        "name": person.name,
        "oid": person.oid,
        "tid": grant.tenant,
        "unique_name": person.email,
        "upn": person.email,
        "ver": "1.0",
    }


def _identity_v2(grant: Grant) -> dict[str, Any]:
    if "profile" not in grant.scopes:  # AZR-007: no profile scope, none of these four
        return {"ver": "2.0"}
    person = grant.user
    return {
        "name": person.name,
        "oid": person.oid,
        "preferred_username": person.email,
        "tid": grant.tenant,
        "ver": "2.0",
    }


def _sub(grant: Grant, application: str) -> str:
    return pairwise_sub(grant.tenant, grant.user.oid, application)


def _start(grant: Grant, audience: str) -> dict[str, Any]:
    return {"aud": audience, "iss": grant.issuer, **grant.times}


def _access_v1(grant: Grant) -> dict[str, Any]:
    return {
        **_start(grant, grant.audience),
        "acr": "1",
        "amr": ["pwd"],
        "appid": grant.client,
        "appidacr": "0",
        "ipaddr": "203.0.113.7",
        "scp": _api_scopes(grant),
        "sub": _sub(grant, _application(grant.audience)),
        **_opaque_claims(grant),
        **_identity_v1(grant),
    }


def _access_v2(grant: Grant) -> dict[str, Any]:
    return {
        **_start(grant, grant.audience),
        "azp": grant.client,
        "azpacr": "0",
        "scp": _api_scopes(grant),
        "sub": _sub(grant, _application(grant.audience)),
        **_opaque_claims(grant),
        **_identity_v2(grant),
    }


def _id_v1(grant: Grant) -> dict[str, Any]:
    sub = _sub(grant, _application(grant.client))
    return {
        **_start(grant, grant.client),
        "amr": ["pwd"],
        "sub": sub,
        **_opaque_claims(grant),
        **_identity_v1(grant),
    }


def _id_v2(grant: Grant) -> dict[str, Any]:
    sub = _sub(grant, _application(grant.client))
    email = {"email": grant.user.email} if "email" in grant.scopes else {}
    return {
        **_start(grant, grant.client),
        "sub": sub,
        **email,
        **_opaque_claims(grant),
        **_identity_v2(grant),
    }


def _machine(grant: Grant) -> dict[str, Any]:
    # AZR-020: no scp, and sub is the object id of the client's service principal.
    principal = guid(grant.tenant, grant.client)
    return {
        **_start(grant, grant.audience),
        "idtyp": "app",
        "oid": principal,
        "roles": ["access_as_app"],
        "sub": principal,
        "tid": grant.tenant,
        **_opaque_claims(grant),
    }


def _machine_v1(grant: Grant) -> dict[str, Any]:
    return {**_machine(grant), "appid": grant.client, "appidacr": "1", "ver": "1.0"}


def _machine_v2(grant: Grant) -> dict[str, Any]:
    return {**_machine(grant), "azp": grant.client, "azpacr": "1", "ver": "2.0"}


_ENTRA: Mapping[str, Any] = {
    "jwk_members": ("kty", "use", "kid", "x5t", PARAMETERS, "x5c", "issuer"),
    "certificate_subject": _SUBJECT,
    "kid_form": thumbprint,
    "fixed_sub": True,
    "subject_types": ("pairwise",),
    "default_scopes": _SCOPES,
}

ENTRA_V1 = register(
    Persona(
        name="entra-v1",
        says="Microsoft Entra ID, access tokens of version 1.0: no preferred_username at all",
        issuer=lambda _base_url, tenant: f"https://sts.windows.net/{tenant}/",
        claims={"access": _access_v1, "id": _id_v1, "machine": _machine_v1},
        header_members=("typ", "alg", "x5t", "kid"),
        jwks_path="/discovery/keys",
        paths={
            "authorization": "/oauth2/authorize",
            "token": "/oauth2/token",
            "end_session": "/oauth2/logout",
            "device_authorization": "/oauth2/devicecode",
        },
        **_ENTRA,
    )
)
ENTRA_V2 = register(
    Persona(
        name="entra-v2",
        says="Microsoft Entra ID, access tokens of version 2.0: preferred_username only by the profile scope",
        issuer=lambda _base_url, tenant: f"https://login.microsoftonline.com/{tenant}/v2.0",
        claims={"access": _access_v2, "id": _id_v2, "machine": _machine_v2},
        jwks_path="/discovery/v2.0/keys",
        metadata_path="/v2.0/.well-known/openid-configuration",
        paths={
            "authorization": "/oauth2/v2.0/authorize",
            "token": "/oauth2/v2.0/token",
            "end_session": "/oauth2/v2.0/logout",
            "device_authorization": "/oauth2/v2.0/devicecode",
        },
        **_ENTRA,
    )
)
ENTRA_COMMON = register(
    replace(
        ENTRA_V2,
        name="entra-common",
        says="Microsoft Entra ID at its address for all tenants: metadata and keys name an issuer template",
        shared_issuer="https://login.microsoftonline.com/{tenantid}/v2.0",
    )
)
