"""What the control shows of a mock IdP: frozen, and typed so that the OpenAPI document is made of it."""

from dataclasses import dataclass
from typing import Any

from mock_idp.clock import ClockMode
from mock_idp.http import Headers
from mock_idp.keyring import KeyState
from mock_idp.oauth.queued import QueuedError


@dataclass(frozen=True, slots=True)
class KeyView:
    """One key of an issuer."""

    kid: str
    """The kid that the JWKS and the tokens show."""
    name: str
    """What the key is called in its ring; another than `kid` where a persona names keys by their certificate."""
    alg: str
    state: KeyState
    thumbprint: str
    """JWK thumbprint with SHA-256 (RFC 7638)."""


@dataclass(frozen=True, slots=True)
class ClockView:
    """What the clock of an issuer shows."""

    now: float
    """Seconds since the epoch."""
    mode: ClockMode


@dataclass(frozen=True, slots=True)
class PersonView:
    """One person who can sign in, and what is known of them."""

    username: str
    name: str
    email: str
    oid: str
    subject: str
    claims: dict[str, Any]
    """Set on top of their tokens."""
    password: str | None
    """What the password grant has to send; null for anything that is not empty."""


@dataclass(frozen=True, slots=True)
class ClientView:
    """One registered client; see `mock_idp.oauth.clients.Client`."""

    id: str
    secret: str | None
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...]
    grants: tuple[str, ...]
    """Empty for all."""
    auth_method: str | None
    """Null for any that the client has the means for."""
    claims: dict[str, Any]
    """Set on top of its own tokens, those of the client credentials grant."""
    audience: str | None
    jwks: dict[str, Any] | None
    opaque_access_tokens: bool | None


@dataclass(frozen=True, slots=True)
class RotationView:
    """When the keys of an issuer come and go by its clock (seconds)."""

    every: float
    overlap: float
    ahead: float
    next: float
    """When the next key begins to sign, in seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class LineView:
    """What was lined up and is not used yet, the next first."""

    users: tuple[str, ...]
    codes: tuple[str, ...]
    token_errors: tuple[QueuedError, ...]
    authorization_errors: tuple[QueuedError, ...]


@dataclass(frozen=True, slots=True)
class IssuerView:
    """One issuer, its keys included."""

    id: str
    """How the admin API's addresses name it: its path without the first slash, percent-encoded; `%2F` at the root."""
    path: str
    persona: str
    issuer: str
    audience: str
    jwks_uri: str
    metadata_url: str
    clock: ClockView
    tenant: str
    auto_login: str | None
    """Who is signed in without a page, if anybody is."""
    opaque_access_tokens: bool
    token_lifetime_s: int
    rotation: RotationView | None
    """Null where keys change on demand alone."""
    keys: tuple[KeyView, ...]
    people: tuple[PersonView, ...]
    """Who can sign in here alone, beside the people of the directory."""
    clients: tuple[ClientView, ...]
    """While there are none, any client id is taken as a public client."""
    next: LineView
    requests: dict[str, int]
    """How often each endpoint was asked."""


@dataclass(frozen=True, slots=True)
class FaultView:
    """A fault in force."""

    issuer: str
    """The path of the issuer."""
    endpoint: str
    fault: str | dict[str, Any]
    left: int | None
    """For how many requests more; null for all to come."""


@dataclass(frozen=True, slots=True)
class Minted:
    """A token that was made."""

    token: str
    encoding: str
    """`text`, or `base64url` for a forged credential that is no text."""
    person: str | None
    """The user name; null for a token about the client itself."""
    forgery: str | None


@dataclass(frozen=True, slots=True)
class RequestView:
    """One request that was answered."""

    number: int
    """Counts from 1 over the life of the server."""
    when: float
    """Seconds since the epoch."""
    method: str
    path: str
    query: str
    headers: Headers
    body: str
    """Its start, with U+FFFD for what is no UTF-8."""
    status: int
    answer_type: str
    """The Content-Type of the answer, empty when it had none."""
    answer_bytes: int
    """The length of the whole answer's body."""
    answer_headers: Headers
    answer_body: str
    """Its start, with U+FFFD for what is no UTF-8."""


@dataclass(frozen=True, slots=True)
class CanaryView:
    """A trap, and how often it was asked."""

    name: str
    path: str
    url: str
    hits: int
