"""Which addresses a browser may be sent to: exactly the registered ones, else loopback and https."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from mock_idp.oauth.errors import invalid_request

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_REDIRECT_URI: Final = 2048
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def choose_redirect(registered: Sequence[str], asked: str | None) -> str:
    """Give the address to go back to; `OAuthError` (invalid_request) when there is none that may be used.

    Registered addresses are compared character by character (RFC 9700 section 4.1.3). A request may leave its
    own out when exactly one is registered. With none registered every https and every loopback address will
    do, and an application's own scheme (RFC 8252 section 7.1).
    """
    if asked is None:
        if len(registered) == 1:
            return registered[0]
        raise invalid_request("the parameter 'redirect_uri' is missing")
    if registered:
        if asked not in registered:
            raise invalid_request("redirect_uri is not one that the client registered")
        return asked
    if not _usable(asked):
        raise invalid_request(
            "redirect_uri has to be an absolute https or loopback address without a fragment"
        )
    return asked


def _usable(address: str) -> bool:
    if len(address) > MAX_REDIRECT_URI or not address.isascii() or not address.isprintable():
        return False
    if " " in address or "#" in address or "\\" in address:
        return False
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if parts.scheme == "http":
        return host in _LOOPBACK
    # RFC 8252 section 7.1: an application's scheme is a reversed domain name, so it has a dot.
    return (parts.scheme == "https" and bool(host)) or "." in parts.scheme
