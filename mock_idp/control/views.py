"""What the control shows of a mock IdP: frozen, and typed so that the OpenAPI document is made of it."""

from dataclasses import dataclass
from typing import Any

from mock_idp.clock import ClockMode
from mock_idp.http import Headers
from mock_idp.keyring import KeyState
from mock_idp.people import Person


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
    keys: tuple[KeyView, ...]
    people: tuple[Person, ...]
    """Who can sign in here alone, beside the people of the directory."""
    clients: tuple[str, ...]
    """The ids of the registered clients."""
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
