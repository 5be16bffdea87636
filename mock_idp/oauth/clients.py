"""The clients that an issuer knows (RFC 6749 section 2): who may ask for tokens, and how.

An issuer without clients takes any client id as a public client with every grant, so that a test needs no
registration. As soon as one is registered, an unknown id is an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping


class Client(msgspec.Struct, frozen=True):
    """One registered client; whatever is left out is not restricted."""

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
    opaque_access_tokens: bool | None = None
    """Whether its access tokens are opaque; as the issuer says by default."""

    @property
    def public(self) -> bool:
        """Whether it has nothing to authenticate with."""
        return self.secret is None and self.jwks is None
