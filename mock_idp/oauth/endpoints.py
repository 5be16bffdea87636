"""The table of an issuer's endpoints by name: what counts, faults and metadata speak of.

Handlers are imported when they are first asked for, because a server has to answer soon and its first answer is mostly
the JWKS.
"""

from __future__ import annotations

from functools import cache, lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Final

from mock_idp.http import Response, etag
from mock_idp.oauth.endpoint import READING, Context, Endpoint
from mock_idp.oauth.errors import OAuthError

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


def _in(module: str, name: str) -> Handler:
    """Give the handler of this name, with its refusals as answers."""

    def answer(issuer: Issuer, request: Request, context: Context) -> Response:
        try:
            return _handler(module, name)(issuer, request, context)
        except OAuthError as error:
            return error.response()

    return answer


@cache
def _handler(module: str, name: str) -> Handler:
    found: Handler = getattr(import_module(f"mock_idp.oauth.{module}"), name)
    return found


ENDPOINTS: Final[Mapping[str, Endpoint]] = {
    "jwks": Endpoint(READING, _jwks, "/jwks"),
    "metadata": Endpoint(READING, _in("metadata", "metadata"), "/.well-known/openid-configuration"),
    "oauth_metadata": Endpoint(
        READING, _in("metadata", "metadata"), "/.well-known/oauth-authorization-server"
    ),
    "authorization": Endpoint(_BOTH, _in("authorization", "authorization"), "/authorize", cors=False),
    "token": Endpoint(_POST, _in("token", "token"), "/token"),
    "userinfo": Endpoint(_BOTH, _in("resources", "userinfo"), "/userinfo"),
    "introspection": Endpoint(_POST, _in("resources", "introspection"), "/introspect", cors=False),
    "revocation": Endpoint(_POST, _in("resources", "revocation"), "/revoke"),
    "end_session": Endpoint(_BOTH, _in("end_session", "end_session"), "/logout", cors=False),
    "device_authorization": Endpoint(_POST, _in("device", "device_authorization"), "/device_authorization"),
    "device": Endpoint(_BOTH, _in("device", "device_page"), "/device", cors=False),
}
"""What an issuer answers. The paths are where each one always is; a persona adds the places of its IdP."""
