"""The metadata of an issuer: OpenID Connect Discovery 1.0 section 3 and RFC 8414 section 2 in one document.

Every member is read from the table that the endpoint itself goes by, so that it says what is done and nothing
more. `issuer` is what was configured, never what a request said.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from mock_idp.draft import json_bytes
from mock_idp.http import Response, etag
from mock_idp.keys import ALGORITHMS
from mock_idp.oauth.authorization import CHALLENGE_METHODS
from mock_idp.oauth.clients import AUTH_METHODS
from mock_idp.oauth.delivery import RESPONSE_MODES
from mock_idp.oauth.token import GRANTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_idp.http import Request
    from mock_idp.issuer import Issuer
    from mock_idp.oauth.endpoint import Context

_MEMBERS: Final[Mapping[str, tuple[str, str]]] = {
    "authorization_endpoint": ("authorization", "/authorize"),
    "token_endpoint": ("token", "/token"),
    "userinfo_endpoint": ("userinfo", "/userinfo"),
    "end_session_endpoint": ("end_session", "/logout"),
    "introspection_endpoint": ("introspection", "/introspect"),
    "revocation_endpoint": ("revocation", "/revoke"),
    "device_authorization_endpoint": ("device_authorization", "/device_authorization"),
}
"""The endpoints that metadata names: by member the endpoint's name and its usual place."""
_IN_A_BROWSER: Final = frozenset({"authorization", "end_session"})


def metadata(issuer: Issuer, _request: Request, context: Context) -> Response:
    """Answer with the metadata, made anew only when the keys or the addresses have changed."""
    made_for = (issuer.ring.snapshot, context.base_url, context.browser_url, bool(issuer.clients))
    cached = issuer.metadata_text
    if cached is None or cached[0] != made_for:
        text = json_bytes(document(issuer, context))
        cached = issuer.metadata_text = (made_for, text)
    return _document(cached[1])


@lru_cache(maxsize=64)
def _document(body: bytes) -> Response:
    headers = (
        ("content-type", "application/json"),
        ("cache-control", "public, max-age=300"),
        ("etag", etag(body)),
    )
    return Response(200, headers, body)


def document(issuer: Issuer, context: Context) -> dict[str, Any]:
    """Give the metadata as it is served."""
    return {**issuer.metadata(context.base_url), **_endpoints(issuer, context), **_abilities(issuer)}


def _endpoints(issuer: Issuer, context: Context) -> dict[str, str]:
    return {
        member: (context.browser_url if name in _IN_A_BROWSER else context.base_url)
        + issuer.path(name, place)
        for member, (name, place) in _MEMBERS.items()
    }


def _abilities(issuer: Issuer) -> dict[str, Any]:
    methods = list(AUTH_METHODS)
    # Introspection is for clients that authenticate, unless nobody is registered who could.
    proven = [method for method in methods if method != "none"] if issuer.clients else methods
    return {
        "response_types_supported": ["code"],
        "response_modes_supported": list(RESPONSE_MODES),
        "grant_types_supported": list(GRANTS),
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "introspection_endpoint_auth_methods_supported": proven,
        "revocation_endpoint_auth_methods_supported": methods,
        "code_challenge_methods_supported": list(CHALLENGE_METHODS),
        "authorization_response_iss_parameter_supported": True,
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }
