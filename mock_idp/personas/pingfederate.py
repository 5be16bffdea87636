"""The personas `pingfederate` and `pingfederate-configured`: PingFederate's JWT access tokens.

Sources: rulebook section 7 and IDP-012; PingFederate's pages on JWT token management and on its key set. As it comes,
an access token has no iss, aud, iat or sub; an administrator who fills in the fields gets the usual ones.
"""

from dataclasses import replace
from typing import Any

from mock_idp.personas.identity import guid
from mock_idp.personas.kids import thumbprint_and_alg
from mock_idp.personas.model import PARAMETERS, Grant, Persona
from mock_idp.personas.registry import register

_TOKEN_MANAGER = ("pi.atm", "k3mp")


def _cardinal(values: tuple[str, ...]) -> str | list[str]:
    # An attribute with one value is a string, with several an array.
    return values[0] if len(values) == 1 else list(values)


def _client(grant: Grant) -> dict[str, Any]:
    return {
        "scope": _cardinal(grant.api_scopes),
        "client_id": grant.client,
        "exp": grant.now + grant.lifetime_s,
    }


def _access(grant: Grant) -> dict[str, Any]:
    person = grant.user
    return {
        "scope": _cardinal(grant.scopes),
        "client_id": grant.client,
        "Username": person.email,
        "uid": person.username,
        "exp": grant.now + grant.lifetime_s,
    }


def _configured(grant: Grant) -> dict[str, Any]:
    return {"iss": grant.issuer, "aud": grant.audience, **grant.issued, "jti": grant.opaque("jti")}


def _id(grant: Grant) -> dict[str, Any]:
    return {
        "sub": grant.user.username,
        "aud": grant.client,
        "jti": grant.opaque("jti"),
        "iss": grant.issuer,
        **grant.issued,
        "auth_time": grant.now,
        "pi.sri": guid(grant.issuer, grant.user.oid),
    }


PINGFEDERATE = register(
    Persona(
        name="pingfederate",
        says="PingFederate as it comes: access tokens without iss, aud and sub",
        issuer=lambda base_url, _tenant: base_url,
        claims={"access": _access, "id": _id, "machine": _client},
        header_members=("alg", "kid"),
        access_header_members=("alg", "kid", _TOKEN_MANAGER),
        jwk_members=("kty", "kid", "use", "alg", PARAMETERS, "x5c", "x5t"),
        kid_form=thumbprint_and_alg,
        jwks_path="/pf/JWKS",
        paths={
            "authorization": "/as/authorization.oauth2",
            "token": "/as/token.oauth2",
            "userinfo": "/idp/userinfo.openid",
            "introspection": "/as/introspect.oauth2",
            "revocation": "/as/revoke_token.oauth2",
            "end_session": "/idp/startSLO.ping",
            "device_authorization": "/as/device_authz.oauth2",
        },
        lifetime_s=7200,
    )
)
PINGFEDERATE_CONFIGURED = register(
    replace(
        PINGFEDERATE,
        name="pingfederate-configured",
        says="PingFederate with issuer and audience filled in; the person is still in Username and uid",
        claims={
            "access": lambda grant: {**_access(grant), **_configured(grant)},
            "id": _id,
            "machine": lambda grant: {**_client(grant), **_configured(grant)},
        },
        jwks_path="/ext/oauth/jwks",
    )
)
