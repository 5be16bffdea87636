"""Cross-origin requests of browsers (the Fetch standard's CORS protocol).

Any origin is allowed: no endpoint that browsers call from scripts goes by a cookie.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from mock_idp.http import Response

if TYPE_CHECKING:
    from mock_idp.http import Request

_ANYBODY: Final = ("access-control-allow-origin", "*")
_HEADER_NAMES: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~, -]{1,1024}")


def is_preflight(request: Request) -> bool:
    """Whether a browser asks for leave to send a request (and does not mean OPTIONS itself)."""
    return request.method == "OPTIONS" and any(
        n == "access-control-request-method" for n, _ in request.headers
    )


def preflight(methods: tuple[str, ...], request: Request) -> Response:
    """Give leave for the methods and for whatever headers were asked about."""
    asked = next((v for n, v in request.headers if n == "access-control-request-headers"), "")
    headers = [
        _ANYBODY,
        ("access-control-allow-methods", ", ".join(methods)),
        ("access-control-max-age", "600"),
    ]
    if _HEADER_NAMES.fullmatch(asked):
        headers.append(("access-control-allow-headers", asked))
    return Response(204, tuple(headers), b"")


def allowed(response: Response) -> Response:
    """Let a page of any origin read the answer."""
    # Built directly, because every token and every JWKS passes here.
    return Response(response.status, (*response.headers, _ANYBODY), response.body, response.delivery)
