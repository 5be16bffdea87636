"""The table of an issuer's endpoints by name: what counts, faults and metadata speak of."""

from __future__ import annotations

from functools import lru_cache, wraps
from typing import TYPE_CHECKING, Final

from mock_idp.http import Response, etag
from mock_idp.oauth.authorization import authorization
from mock_idp.oauth.device import device_authorization, device_page
from mock_idp.oauth.end_session import end_session
from mock_idp.oauth.endpoint import READING, Context, Endpoint
from mock_idp.oauth.errors import OAuthError
from mock_idp.oauth.metadata import metadata
from mock_idp.oauth.resources import introspection, revocation, userinfo
from mock_idp.oauth.token import token

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_idp.http import Request
    from mock_idp.issuer import Issuer
    from mock_idp.oauth.endpoint import Handler

_POST: Final = ("POST",)
_BOTH: Final = (*READING, "POST")


def _jwks(issuer: Issuer, _request: Request, _context: Context) -> Response:
    return _key_set(issuer.jwks_bytes(), issuer.ring.max_age_s)


@lru_cache(maxsize=64)
def _key_set(body: bytes, max_age_s: int) -> Response:
    headers = (
        ("content-type", "application/json"),
        ("cache-control", f"public, max-age={max_age_s}"),
        ("etag", etag(body)),
    )
    return Response(200, headers, body)


def _refusing(handler: Handler) -> Handler:
    """Let a handler answer with the errors that it raises."""

    @wraps(handler)
    def answer(issuer: Issuer, request: Request, context: Context) -> Response:
        try:
            return handler(issuer, request, context)
        except OAuthError as error:
            return error.response()

    return answer


ENDPOINTS: Final[Mapping[str, Endpoint]] = {
    "jwks": Endpoint(READING, _jwks, "/jwks"),
    "metadata": Endpoint(READING, metadata, "/.well-known/openid-configuration"),
    "oauth_metadata": Endpoint(READING, metadata, "/.well-known/oauth-authorization-server"),
    "authorization": Endpoint(_BOTH, authorization, "/authorize", cors=False),
    "token": Endpoint(_POST, _refusing(token), "/token"),
    "userinfo": Endpoint(_BOTH, _refusing(userinfo), "/userinfo"),
    "introspection": Endpoint(_POST, _refusing(introspection), "/introspect", cors=False),
    "revocation": Endpoint(_POST, _refusing(revocation), "/revoke"),
    "end_session": Endpoint(_BOTH, end_session, "/logout", cors=False),
    "device_authorization": Endpoint(_POST, _refusing(device_authorization), "/device_authorization"),
    "device": Endpoint(_BOTH, device_page, "/device", cors=False),
}
"""What an issuer answers. The paths are where each one always is; a persona adds the places of its IdP."""
