"""What an issuer has granted and still has to remember: codes, refresh tokens, opaque tokens, devices, sessions.

All of it is bounded and goes by the issuer's clock.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final

import msgspec

from mock_idp.oauth.shelf import Shelf

if TYPE_CHECKING:
    from collections.abc import Callable

    from mock_idp.people import Person

CODE_LIFETIME_S: Final = 60
"""RFC 6749 section 4.1.2 recommends at most ten minutes; servers take one."""
REFRESH_LIFETIME_S: Final = 14 * 24 * 3600
DEVICE_LIFETIME_S: Final = 600
DEVICE_INTERVAL_S: Final = 5
SESSION_LIFETIME_S: Final = 8 * 3600
_TOKENS_OF_A_FAMILY: Final = 32
"""How many live tokens of one grant can be withdrawn together; older ones run out by themselves."""


class Family(msgspec.Struct):
    """Everything that came of one authorization: withdrawn together when a code or refresh token is used twice."""

    revoked: bool = False
    tokens: list[tuple[str, float]] = msgspec.field(default_factory=list)
    """Digests of its latest access tokens, each with when it expires."""

    def remember(self, digest: str, until: float) -> None:
        """Know an access token, so that it can be withdrawn."""
        self.tokens.append((digest, until))
        del self.tokens[:-_TOKENS_OF_A_FAMILY]


class Granted(msgspec.Struct, frozen=True):
    """What a client was granted: whose tokens, for which scopes and audience."""

    client: str
    person: Person | None
    """Nobody, when the client asked for itself."""
    scopes: tuple[str, ...]
    audience: str
    auth_time: int | None = None
    nonce: str | None = None
    actor: dict[str, Any] | None = None
    """The `act` claim of a token exchange (RFC 8693 section 4.1)."""


class Code(msgspec.Struct):
    """An authorization code (RFC 6749 section 4.1.2)."""

    granted: Granted
    redirect_uri: str
    redirect_uri_sent: bool
    challenge: str | None
    method: str
    expires: float
    family: Family = msgspec.field(default_factory=Family)
    used: bool = False


class Refresh(msgspec.Struct):
    """A refresh token; after use it stays known, so that a second use is noticed (RFC 9700 section 4.14.2)."""

    granted: Granted
    family: Family
    expires: float
    used: bool = False


class Opaque(msgspec.Struct, frozen=True):
    """An access token that says nothing itself."""

    granted: Granted
    claims: dict[str, Any]
    """What introspection tells about it."""


class Device(msgspec.Struct):
    """A device that waits for somebody to enter its code (RFC 8628)."""

    user_code: str
    client: str
    scopes: tuple[str, ...]
    audience: str
    expires: float
    interval_s: int = DEVICE_INTERVAL_S
    asked: float | None = None
    """When it last polled, by the issuer's clock."""
    person: Person | None = None
    refused: bool = False


class Session(msgspec.Struct, frozen=True):
    """Somebody who signed in with a browser."""

    person: Person
    auth_time: int


class GrantStore(msgspec.Struct):
    """Everything of this kind of one issuer."""

    new_secret: Callable[[], str] = msgspec.field(default=lambda: secrets.token_urlsafe(32))
    """Makes codes, tokens and session ids."""
    new_serial: Callable[[], str] = msgspec.field(default=lambda: secrets.token_hex(8))
    """Makes what tells two tokens of the same second apart."""
    codes: Shelf[Code] = msgspec.field(default_factory=Shelf)
    refresh: Shelf[Refresh] = msgspec.field(default_factory=Shelf)
    opaque: Shelf[Opaque] = msgspec.field(default_factory=Shelf)
    devices: Shelf[Device] = msgspec.field(default_factory=Shelf)
    user_codes: Shelf[str] = msgspec.field(default_factory=Shelf)
    """The device code of each user code."""
    sessions: Shelf[Session] = msgspec.field(default_factory=Shelf)
    subjects: Shelf[Person] = msgspec.field(default_factory=Shelf)
    """Who is meant by a `sub` that was issued: a pairwise one tells nobody by itself."""
    revoked: Shelf[bool] = msgspec.field(default_factory=Shelf)
    """Digests of the access tokens that were withdrawn, until they expire."""
    assertions: Shelf[bool] = msgspec.field(default_factory=Shelf)
    """The `jti` of client assertions that were used (RFC 7523 section 3)."""

    def withdraw(self, family: Family) -> None:
        """Take back everything that came of an authorization."""
        family.revoked = True
        for digest, until in family.tokens:
            self.revoked.put(digest, value=True, until=until)

    def clear(self) -> None:
        """Forget everything."""
        for name in self.__struct_fields__:
            held = getattr(self, name)
            if isinstance(held, Shelf):
                held.clear()
