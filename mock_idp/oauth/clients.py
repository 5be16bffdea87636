"""The clients that an issuer knows (RFC 6749 section 2): who may ask for tokens, and how.

An issuer without clients takes any client id as a public client with every grant, so that a test needs no
registration. As soon as one is registered, an unknown id is an error.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import msgspec

from mock_idp.oauth.grant_types import GRANT_TYPES

if TYPE_CHECKING:
    from collections.abc import Mapping


AUTH_METHODS: Final = ("none", "client_secret_basic", "client_secret_post", "private_key_jwt")
"""How a client can say who it is at the endpoints that it calls (RFC 7591 section 2)."""
MAX_CLIENT_ID: Final = 512


class Client(msgspec.Struct, frozen=True):
    """One registered client; whatever is left out is not restricted. `ValueError` for one that cannot be."""

    id: str
    secret: str | None = None
    """With neither a secret nor keys the client is public and authenticates by its id alone."""
    redirect_uris: tuple[str, ...] = ()
    """Compared exactly; without any, every https and every loopback address will do."""
    post_logout_redirect_uris: tuple[str, ...] = ()
    """As `redirect_uris`, for the way back from the end-session endpoint."""
    grants: tuple[str, ...] = ()
    """The grant types that it may use; empty for all."""
    claims: Mapping[str, Any] = msgspec.field(default_factory=dict)
    """Set on top of the access tokens of the client credentials grant."""
    audience: str | None = None
    """The `aud` of its access tokens; the issuer's by default."""
    jwks: Mapping[str, Any] | None = None
    """Its public keys for private_key_jwt, as a JWKS (RFC 7523 section 2.2)."""
    auth_method: str | None = None
    """The only one of `AUTH_METHODS` that it may use; any that it has the means for by default."""
    opaque_access_tokens: bool | None = None
    """Whether its access tokens are opaque; as the issuer says by default."""

    def __post_init__(self) -> None:
        if not 1 <= len(self.id) <= MAX_CLIENT_ID:
            raise ValueError(f"a client id has 1 to {MAX_CLIENT_ID} characters")
        for grant in self.grants:
            if grant not in GRANT_TYPES:
                raise ValueError(_unknown("grant type", grant, GRANT_TYPES))
        for uri in (*self.redirect_uris, *self.post_logout_redirect_uris):
            _check_uri(uri)
        if self.jwks is not None and not isinstance(self.jwks.get("keys"), list):
            raise ValueError("jwks is a JWK Set: an object with a list of keys (RFC 7517 section 5)")
        if self.auth_method is not None:
            self._check_method(self.auth_method)

    def _check_method(self, method: str) -> None:
        if method not in AUTH_METHODS:
            raise ValueError(_unknown("auth method", method, AUTH_METHODS))
        if method == "none" and not self.public:
            raise ValueError("auth method none is for a client that has neither a secret nor keys")
        if method == "private_key_jwt" and self.jwks is None:
            raise ValueError("private_key_jwt needs the client's public keys as jwks")
        if method.startswith("client_secret") and self.secret is None:
            raise ValueError(f"{method} needs a secret")

    @property
    def public(self) -> bool:
        """Whether it has nothing to authenticate with."""
        return self.secret is None and self.jwks is None


def _unknown(what: str, name: str, names: tuple[str, ...]) -> str:
    close = get_close_matches(name, names, n=1)
    hint = f": did you mean {close[0]!r}?" if close else f": there are {', '.join(names)}"
    return f"unknown {what} {name[:80]!r}{hint}"


def _check_uri(uri: str) -> None:
    try:
        parts = urlsplit(uri)
    except ValueError:
        parts = urlsplit("")
    if not parts.scheme or "#" in uri:
        raise ValueError(f"{uri[:80]!r} is no absolute URI without a fragment (RFC 6749 section 3.1.2)")
