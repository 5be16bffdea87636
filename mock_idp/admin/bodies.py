"""What the admin API takes: the members of its request bodies and queries, as types.

The OpenAPI document is made from the same types, so that it cannot say anything else than what is read.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Annotated, Any, Final, Literal, TypeAlias, TypeVar

import msgspec

from mock_idp.admin.errors import ApiError
from mock_idp.clock import LATEST
from mock_idp.control import MAX_READ
from mock_idp.decoding import too_deep
from mock_idp.oauth.clients import MAX_CLIENT_ID
from mock_idp.oauth.queued import MAX_QUEUED
from mock_idp.people import DOMAIN, USERNAME

MAX_BODY: Final = 256 * 1024
"""Bytes of a request's body."""
MAX_DEPTH: Final = 32
"""How many objects and arrays of a request's body may lie inside one another."""
MAX_LIFETIME_S: Final = 1_000_000_000

Name: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
Text: TypeAlias = Annotated[str, msgspec.Meta(max_length=2048)]
Username: TypeAlias = Annotated[
    str, msgspec.Meta(pattern=f"^{USERNAME.pattern}$", description="letters, digits and ._+-")
]
Instant: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=LATEST, description="seconds since the epoch")]


Uris: TypeAlias = Annotated[list[Text], msgspec.Meta(max_length=100)]


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What every one of them has: unknown members are refused."""


class Schedule(Body, frozen=True, kw_only=True):
    """When keys come and go by the issuer's clock (seconds)."""

    every: Annotated[float, msgspec.Meta(ge=1, le=MAX_LIFETIME_S)]
    overlap: Annotated[float, msgspec.Meta(ge=0, le=MAX_LIFETIME_S)] = 0.0
    """How long an old key stays published; at most `every`."""
    ahead: Annotated[float, msgspec.Meta(ge=0, le=MAX_LIFETIME_S)] = 0.0
    """How long the next key is published before it signs; at most `every`."""


class NewIssuer(Body, frozen=True, kw_only=True):
    """An issuer to serve, with one fresh key."""

    path: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^(/[A-Za-z0-9._~-]{1,64}){0,8}$",
            description="where it is served: empty for the root, else segments with a slash before each",
        ),
    ]
    persona: Name = "generic"
    issuer: Text | None = None
    """Used exactly as given; the persona's own form when left out."""
    audience: Text | None = None
    """The persona's default when left out."""
    tenant: Name | None = None
    """The persona's default when left out."""
    alg: Name = "RS256"
    rotation: Schedule | None = None
    """On demand alone when left out."""


class IssuerChange(Body, frozen=True, kw_only=True):
    """How an issuer is to answer from now on; whatever is left out stays as it is."""

    audience: Text | msgspec.UnsetType = msgspec.UNSET
    auto_login: Username | msgspec.UnsetType | None = msgspec.UNSET
    """Who is signed in without a page; null for the page."""
    opaque_access_tokens: bool | msgspec.UnsetType = msgspec.UNSET
    token_lifetime_s: Annotated[int, msgspec.Meta(ge=1, le=MAX_LIFETIME_S)] | msgspec.UnsetType = (
        msgspec.UNSET
    )


class NewKey(Body, frozen=True, kw_only=True):
    """A fresh key."""

    alg: Name | None = None
    """The active key's algorithm when left out."""
    kid: Name | None = None


class Rotation(Body, frozen=True, kw_only=True):
    """Which key is to sign from now on."""

    alg: Name | None = None
    kid: Name | None = None
    keep_old: bool = True


class ClockSetting(Body, frozen=True, kw_only=True):
    """How a clock is to go."""

    mode: Literal["real", "shifted", "frozen"]
    now: Instant | None = None
    """What it is to show; what it shows already when left out. Not for `real`."""


class ClockMove(Body, frozen=True, kw_only=True):
    """How far a clock is to move."""

    seconds: Annotated[float, msgspec.Meta(ge=-LATEST, le=LATEST)]


class NewFault(Body, frozen=True, kw_only=True):
    """How an endpoint is to misbehave."""

    fault: Name | dict[str, Any]
    """The name of a fault, or an object of names and arguments, applied in their order."""
    times: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] | None = None
    """For how many requests; until cleared when left out."""


class KnownPerson(Body, frozen=True, kw_only=True):
    """What is known of a person."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None
    """Made of the user name when left out."""
    domain: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){0,7}$")] = DOMAIN
    claims: dict[str, Any] = {}
    """Set on top of their tokens."""
    password: Annotated[str, msgspec.Meta(min_length=1, max_length=256)] | None = None
    """What the password grant has to send; anything that is not empty when left out."""


class NewPerson(KnownPerson, frozen=True, kw_only=True):
    """A person to take in."""

    username: Username


class KnownClient(Body, frozen=True, kw_only=True):
    """What an OAuth client is registered with; whatever is left out is not restricted."""

    secret: Annotated[str, msgspec.Meta(min_length=1, max_length=1024)] | None = None
    """With neither a secret nor keys the client is public."""
    redirect_uris: Uris = []
    """Compared exactly; without any, every https and every loopback address will do."""
    post_logout_redirect_uris: Uris = []
    grants: Annotated[list[Name], msgspec.Meta(max_length=20)] = []
    """The grant types that it may use, by the names that the metadata has; empty for all."""
    auth_method: Name | None = None
    """`none`, `client_secret_basic`, `client_secret_post` or `private_key_jwt`; any that it can when left out."""
    claims: dict[str, Any] = {}
    """Set on top of its own tokens, those of the client credentials grant."""
    audience: Text | None = None
    jwks: dict[str, Any] | None = None
    """Its public keys for private_key_jwt, as a JWK Set."""
    opaque_access_tokens: bool | None = None
    """As the issuer says when left out."""


class NewClient(KnownClient, frozen=True, kw_only=True):
    """An OAuth client to register."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_CLIENT_ID)]


class NewToken(Body, frozen=True, kw_only=True):
    """A token to mint, honest or false by the name of a forgery."""

    person: Username | None = None
    """Whom the token speaks of; the client itself when left out."""
    kind: Literal["access", "id", "machine"] | None = None
    """What an API gets from this IdP when left out."""
    claims: dict[str, Any] = {}
    """Set on top of what the persona issues."""
    audience: Text | None = None
    client: Name | None = None
    scopes: Annotated[list[Name], msgspec.Meta(max_length=100)] | None = None
    lifetime_s: Annotated[int, msgspec.Meta(ge=-MAX_LIFETIME_S, le=MAX_LIFETIME_S)] | None = None
    """The issuer's own when left out."""
    now: Instant | None = None
    """The issuer's clock when left out."""
    kid: Name | None = None
    """The key of the issuer that signs, in whatever state; the active one when left out."""
    forgery: Name | None = None
    argument: Any = None
    """What the forgery takes; its default when left out."""


class TokenText(Body, frozen=True, kw_only=True):
    """A token to take apart."""

    token: Annotated[str, msgspec.Meta(max_length=MAX_BODY)]


class NextError(Body, frozen=True, kw_only=True):
    """An OAuth error to answer with, instead of what would have been right."""

    error: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
    description: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9 .,:;_/()-]{0,200}$")] = (
        "this error was lined up"
    )
    status: Annotated[int, msgspec.Meta(ge=400, le=599)] = 400


class NextAnswers(Body, frozen=True, kw_only=True):
    """Answers that come next, each used once, in their order."""

    users: Annotated[list[Username], msgspec.Meta(max_length=MAX_QUEUED)] = []
    """Who is signed in by the next authorization requests, without a page."""
    codes: Annotated[
        list[Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._~-]{1,256}$")]],
        msgspec.Meta(max_length=MAX_QUEUED),
    ] = []
    """The next authorization codes, instead of random ones."""
    token_errors: Annotated[list[NextError], msgspec.Meta(max_length=MAX_QUEUED)] = []
    authorization_errors: Annotated[list[NextError], msgspec.Meta(max_length=MAX_QUEUED)] = []


class NewCanary(Body, frozen=True, kw_only=True):
    """A trap."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,128}$")]


class CertificateQuery(Body, frozen=True, kw_only=True):
    """Which certificate of a key is meant; the one that the JWKS shows (`x5c`) when nothing is said."""

    not_before: Instant | None = None
    not_after: Instant | None = None
    subject: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None
    """RFC 4514 text, such as `CN=idp.example`."""
    by_authority: bool = False
    """Whether a CA issued it: `authority.pem`."""


class RequestFilter(Body, frozen=True, kw_only=True):
    """Which recorded requests to read."""

    path: Text = ""
    """Only those whose path starts with this."""
    since: Annotated[int, msgspec.Meta(ge=0, le=2**53)] = 0
    """Only those with a higher number."""
    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_READ)] = MAX_READ
    """The newest so many."""


BodyT = TypeVar("BodyT", bound=msgspec.Struct)
_UNKNOWN: Final = re.compile(r"Object contains unknown field `([^`]*)`")


def read_username(text: str) -> str:
    """Read a user name that stands in an address; `ApiError` (400) for one that could not be taken in."""
    try:
        return msgspec.convert(text, Username)
    except msgspec.ValidationError as error:
        raise ApiError(400, "bad_path", f"the user name: {error}") from error


def read_json(raw: bytes, kind: type[BodyT]) -> BodyT:
    """Read a request's body; `ApiError` (400) saying what is wrong and where."""
    if too_deep(raw, MAX_DEPTH):
        raise ApiError(400, "bad_body", f"the body is nested more than {MAX_DEPTH} deep")
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        raise ApiError(400, "bad_body", _with_nearest(str(error), kind)) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ApiError(400, "bad_body", f"the body is no JSON: {error}") from error


def read_query(members: dict[str, str], kind: type[BodyT]) -> BodyT:
    """Read the members of a query; `ApiError` (400) saying what is wrong and where."""
    try:
        return msgspec.convert(members, kind, strict=False)
    except msgspec.ValidationError as error:
        raise ApiError(400, "bad_query", _with_nearest(str(error), kind)) from error


def _with_nearest(problem: str, kind: type[msgspec.Struct]) -> str:
    unknown = _UNKNOWN.match(problem)
    if unknown is None:
        return problem
    names = kind.__struct_fields__
    close = get_close_matches(unknown[1], names, n=1)
    hint = f": did you mean {close[0]!r}?" if close else ""
    return f"unknown member {unknown[1][:80]!r}{hint} (there are {', '.join(names)})"
