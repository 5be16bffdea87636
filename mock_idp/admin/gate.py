"""Who may use the admin side.

Without an admin token the server is for this machine alone, and whoever reaches it is trusted. A web page in a
browser on this machine reaches it too, so two things are asked of every request: that it was meant for this server
(else a page whose name was rebound to 127.0.0.1 could read and write everything), and, where it changes something,
that no page of another origin sent it.

With a token neither can do harm by itself, because a browser adds no token on its own; the origin is asked anyway.
"""

from __future__ import annotations

import hmac
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from mock_idp.admin.errors import ApiError

if TYPE_CHECKING:
    from mock_idp.http import Request
    from mock_idp.idp import MockIdP

_SAFE: Final = frozenset({"GET", "HEAD"})
_OWN_SITES: Final = frozenset({"same-origin", "none"})
"""Values of Sec-Fetch-Site that say: this server's own page, or a person (W3C Fetch Metadata, section 2.4)."""


def check_meant_for_us(idp: MockIdP, request: Request) -> None:
    """Refuse a request for another host name, and a changing one from a page of another origin."""
    host = _one(request, "host")
    if idp.admin_token is None and not _is_ours(host, idp.base_url):
        raise ApiError(
            403, "wrong_host", "without an admin token the Host has to be localhost or the configured host"
        )
    if request.method in _SAFE:
        return
    origin, site = _one(request, "origin"), _one(request, "sec-fetch-site")
    if origin is not None and origin.partition("://")[2] != host:
        raise ApiError(403, "wrong_origin", "a page of another origin cannot change anything here")
    if site is not None and site not in _OWN_SITES:
        raise ApiError(403, "wrong_origin", "a page of another site cannot change anything here")


def check_token(idp: MockIdP, request: Request) -> None:
    """Refuse a request without the admin token, when there is one (RFC 6750 section 2.1)."""
    if idp.admin_token is None:
        return
    scheme, _, token = (_one(request, "authorization") or "").partition(" ")
    right = hmac.compare_digest(token.strip().encode(), idp.admin_token.encode())
    if scheme.lower() != "bearer" or not right:
        challenge = (("www-authenticate", "Bearer"),)
        raise ApiError(
            401, "unauthorized", "this needs `Authorization: Bearer` with the admin token", challenge
        )


def _one(request: Request, name: str) -> str | None:
    values = [value for header, value in request.headers if header == name]
    if len(values) > 1:
        raise ApiError(400, "bad_request", f"there is more than one {name} header")
    return values[0] if values else None


def _is_ours(host: str | None, base_url: str) -> bool:
    name = _name(f"//{host}") if host else None
    return name is not None and (_is_loopback(name) or name == _name(base_url))


def _name(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _is_loopback(name: str) -> bool:
    if name == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
