"""The persona `adfs`: Active Directory Federation Services.

Sources: rulebook section 7 and IDP-013; tokens and metadata of AD FS 2019 that its users have published. Access tokens
name an http issuer, ID tokens and the metadata an https one; the metadata tells the first as `access_token_issuer`.
"""

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from mock_idp.personas.identity import digits
from mock_idp.personas.kids import thumbprint
from mock_idp.personas.model import PARAMETERS, Grant, Persona
from mock_idp.personas.registry import register

_PASSWORD = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"  # noqa: S105 - names a method


def _http_issuer(base_url: str, _tenant: str) -> str:
    return f"http://{base_url.partition('://')[2]}/adfs/services/trust"


@lru_cache(maxsize=4096)
def pairwise_sub(oid: str, client: str) -> str:
    """Give the `sub` of a person (object id) at a client: 44 characters of base64 with padding."""
    return base64.b64encode(hmac.digest(b"adfs", f"{oid}\0{client}".encode(), hashlib.sha256)).decode("ascii")


def _windows_name(grant: Grant) -> str:
    domain = grant.user.email.rpartition("@")[2].partition(".")[0].upper()
    return f"{domain}\\{grant.user.username}"


def _identity(grant: Grant) -> dict[str, Any]:
    return {
        "sub": pairwise_sub(grant.user.oid, grant.client),
        "upn": grant.user.email,
        "unique_name": _windows_name(grant),
    }


def _client(grant: Grant, app_type: str) -> dict[str, Any]:
    # A text here, a number in the ID token.
    signed_in = datetime.fromtimestamp(grant.now, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return {
        "aud": grant.audience,
        "iss": grant.issuer,
        **grant.times,
        "apptype": app_type,
        "appid": grant.client,
        "authmethod": _PASSWORD,
        "auth_time": signed_in,
        "ver": "1.0",
    }


def _access(grant: Grant) -> dict[str, Any]:
    return {**_client(grant, "Public"), "scp": " ".join(grant.scopes), **_identity(grant)}


def _id(grant: Grant) -> dict[str, Any]:
    return {
        "aud": grant.client,
        "iss": grant.issuer,
        **grant.times,
        "auth_time": grant.now,
        **_identity(grant),
        "sid": f"S-1-5-21-{digits(10, 'adfs', grant.user.oid)}",
    }


ADFS = register(
    Persona(
        name="adfs",
        says="AD FS: an http issuer, kid and x5t alike, DOMAIN\\user in unique_name",
        issuer=_http_issuer,
        id_issuer=lambda base_url, _tenant: f"{base_url}/adfs",
        claims={"access": _access, "id": _id, "machine": lambda grant: _client(grant, "Confidential")},
        header_members=("typ", "alg", "x5t", "kid"),
        jwk_members=("kty", "use", "alg", "kid", "x5t", PARAMETERS, "x5c"),
        kid_form=thumbprint,
        certificate_subject="CN=ADFS Signing - sts.contoso.example",
        jwks_path="/adfs/discovery/keys",
        metadata_path="/adfs/.well-known/openid-configuration",
        paths={
            "authorization": "/adfs/oauth2/authorize",
            "token": "/adfs/oauth2/token",
            "userinfo": "/adfs/userinfo",
            "end_session": "/adfs/oauth2/logout",
            "device_authorization": "/adfs/oauth2/devicecode",
        },
        fixed_sub=True,
        subject_types=("pairwise",),
        default_audience="microsoft:identityserver:3d1a6f0c-9b52-4f6e-8c7d-51e0a2b4c693",
    )
)
