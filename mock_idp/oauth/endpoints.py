"""The table of an issuer's endpoints by name: what counts, faults and metadata speak of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mock_idp.http import Response, etag
from mock_idp.oauth.endpoint import READING, Context, Endpoint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_idp.http import Request
    from mock_idp.issuer import Issuer


def _jwks(issuer: Issuer, _request: Request, _context: Context) -> Response:
    body, fresh = issuer.jwks_bytes(), f"public, max-age={issuer.ring.max_age_s}"
    headers = (("content-type", "application/json"), ("cache-control", fresh), ("etag", etag(body)))
    return Response(200, headers, body)


def _metadata(issuer: Issuer, _request: Request, context: Context) -> Response:
    return Response.of_json(issuer.metadata(context.base_url))


ENDPOINTS: Final[Mapping[str, Endpoint]] = {
    "jwks": Endpoint(READING, _jwks, "/jwks"),
    "metadata": Endpoint(READING, _metadata, "/.well-known/openid-configuration"),
}
