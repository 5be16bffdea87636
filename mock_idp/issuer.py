"""One issuer of the mock IdP: a persona, a key ring and a clock.

It drafts and mints tokens and writes its own JWKS and metadata. Everything it mints is honest; what is false
is made from a draft, by name (`mock_idp.forgeries`).
"""

import math
import time
from collections.abc import Callable, Mapping
from typing import Any, TypedDict, Unpack
from urllib.parse import quote

from mock_idp.draft import Draft, json_bytes, seal
from mock_idp.keyring import KeyRing, RingSnapshot
from mock_idp.keys import SigningKey, b64url
from mock_idp.oauth.clients import Client
from mock_idp.oauth.granted import GrantStore
from mock_idp.oauth.queued import Queue
from mock_idp.people import Account, Directory, Person
from mock_idp.personas import Grant, Kind, Persona, PersonaError
from mock_idp.personas import model as personas

DEFAULT_TENANT = personas.DEFAULT_TENANT
DEFAULT_AUDIENCE = personas.DEFAULT_AUDIENCE
DEFAULT_CLIENT = "7c0e1d52-93af-4b0e-8f3c-6a1b5d20c4e9"
DEFAULT_BASE_URL = "https://idp.example"


_NOTHING_KNOWN = Account()


class TokenOptions(TypedDict, total=False):
    """What a token is asked for with; whatever is left out is the issuer's or the persona's default."""

    audience: str
    client: str
    """The id of the client that asked."""
    kind: Kind
    """`access`, `id` or `machine`; by default what an API gets from this IdP (`Persona.usual_kind`)."""
    scopes: tuple[str, ...]
    lifetime_s: int
    now: float
    """Seconds since the epoch; the issuer's clock by default."""
    key: SigningKey
    """The signing key; the active one by default."""
    serial: str
    """Makes the ids in it differ from those of a token that was asked for in the same words."""


class Issuer:
    """One issuer: what it is called, the keys it has, and the tokens it makes.

    `issuer` is used exactly as given, never normalised; without it the persona's own form is built from
    `base_url` and `tenant`. `base_url` is where this issuer is reached, its path included, without a final
    slash.

    `clock` may be replaced at any time; everything that the issuer does asks it (seconds since the epoch).
    """

    people: Directory
    """Who can sign in here, beside the people of the server."""
    accounts: dict[str, Account]
    """What is known of people by user name: further claims, a password; `people.accounts` by a shorter name."""
    everywhere: Directory
    """The people of the server that serves this issuer; it puts its own in here."""
    clients: dict[str, Client]
    """The registered clients by id; while there are none, any id is taken as a public client."""
    auto_login: str | None
    """The user name of the person who is signed in without a page, if anybody is."""
    opaque_access_tokens: bool
    """Whether access tokens are random text, known by introspection alone, instead of JWTs."""
    queue: Queue
    """What was lined up to be answered next."""
    token_lifetime_s: int
    """Seconds that a token lives unless asked otherwise."""
    granted: GrantStore
    """The codes, refresh tokens, devices and sessions that are open."""
    metadata_text: tuple[object, bytes] | None
    """The metadata as last served, with what it was made for."""

    def __init__(
        self,
        persona: Persona,
        ring: KeyRing,
        *,
        issuer: str | None = None,
        audience: str | None = None,
        tenant: str | None = None,
        base_url: str = DEFAULT_BASE_URL,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.persona = persona
        self.ring = ring
        self.tenant = persona.default_tenant if tenant is None else tenant
        self.issuer = persona.issuer(base_url, self.tenant) if issuer is None else issuer
        own_id_issuer = issuer is None and persona.id_issuer
        self.id_issuer = own_id_issuer(base_url, self.tenant) if own_id_issuer else self.issuer
        self.audience = persona.default_audience if audience is None else audience
        self.base_url = base_url
        self.clock = clock
        self.people = Directory()
        self.accounts = self.people.accounts
        self.everywhere = Directory()
        self.clients = {}
        self.auto_login = None
        self.opaque_access_tokens = persona.opaque_access_tokens
        self.token_lifetime_s = persona.lifetime_s
        self.queue = Queue()
        self.granted = GrantStore()
        self.metadata_text = None
        self._jwks_text: tuple[RingSnapshot, bytes] | None = None

    def account(self, username: str) -> Account:
        """Give what is known of a person: by this issuer, or else, for a person of the server, by the server."""
        own = self.accounts.get(username)
        if own is None and self.people.find(username) is None:
            own = self.everywhere.accounts.get(username)
        return own or _NOTHING_KNOWN

    def draft(self, person: Person | None, **asked: Unpack[TokenOptions]) -> Draft:
        """Write an honest token, not yet signed: about a person, or with none about the client itself.

        `PersonaError` for a kind that the persona has not, and for a token about a person without one.
        """
        kind = asked.get("kind") or self.persona.usual_kind(person)
        key = asked.get("key") or self.ring.active
        return Draft(self.persona.header(key, kind), self.claims(person, **asked), key, key.alg)

    def claims(self, person: Person | None, **asked: Unpack[TokenOptions]) -> dict[str, Any]:
        """Say what an honest token says; raises as `draft` does."""
        kind = asked.get("kind") or self.persona.usual_kind(person)
        claims = self.persona.claims.get(kind)
        if claims is None:
            raise PersonaError(
                f"{self.persona.name} issues no {kind} tokens: {', '.join(self.persona.claims)}"
            )
        grant = Grant(
            person=None if kind == "machine" else person,
            client=asked.get("client", DEFAULT_CLIENT),
            audience=asked.get("audience", self.audience),
            issuer=self.id_issuer if kind == "id" else self.issuer,
            tenant=self.tenant,
            now=math.floor(asked["now"] if "now" in asked else self.clock()),
            lifetime_s=asked.get("lifetime_s", self.token_lifetime_s),
            scopes=tuple(asked.get("scopes", self.persona.default_scopes)),
            serial=asked.get("serial", ""),
        )
        return claims(grant)

    def mint(
        self, person: Person | None, *, claims: Mapping[str, Any] | None = None, **asked: Unpack[TokenOptions]
    ) -> str:
        """Issue an honest token, with further `claims` set on top.

        `PersonaError` when `sub` is among them and the persona's `sub` is fixed: Entra lets nobody change it
        (S2).
        """
        extra = claims or {}
        if self.persona.fixed_sub and "sub" in extra:
            raise PersonaError(f"{self.persona.name} lets nobody set sub: it is fixed")
        said = self.claims(person, **asked)
        said.update(extra)
        kind = asked.get("kind") or self.persona.usual_kind(person)
        return self.sign(said, kind, asked.get("key") or self.ring.active)

    def sign(self, claims: Mapping[str, Any], kind: Kind, key: SigningKey) -> str:
        """Make a token of this kind of claims as they stand: the same as by way of a draft, for who bends nothing."""
        return seal(self.persona.header_segment(key, kind), b64url(json_bytes(claims)), key, key.alg)

    def kid(self, key: SigningKey) -> str:
        """Give the kid under which a key is published; Entra's is a thumbprint (AZR-011)."""
        return self.persona.kid(key)

    def jwks(self) -> dict[str, Any]:
        """Give the published keys in the persona's dialect (RFC 7517 section 5)."""
        return self.persona.key_set(self.ring.published(), self.issuer)

    def jwks_bytes(self) -> bytes:
        """`jwks()` as JSON, written anew only when the ring has changed."""
        snapshot, cached = self.ring.snapshot, self._jwks_text
        if cached is None or cached[0] is not snapshot:
            text = json_bytes(self.persona.key_set(snapshot.published, self.issuer))
            cached = self._jwks_text = (snapshot, text)
        return cached[1]

    def stale_jwks_bytes(self) -> bytes:
        """Give the JWKS as it was before the last change of what is published; the present one without a change."""
        previous = self.ring.previous or self.ring.snapshot
        return json_bytes(self.persona.key_set(previous.published, self.issuer))

    def path(self, endpoint: str, default: str) -> str:
        """Give where an endpoint lies below the base URL at this persona, for the issuer's tenant."""
        path = self.persona.path(endpoint, default)
        return path.replace("{tenant}", quote(self.tenant, safe="")) if "{tenant}" in path else path

    def metadata(self, base_url: str | None = None) -> dict[str, Any]:
        """Give the OpenID metadata, true to what is served: it names no endpoint that does not exist.

        `base_url` is where the issuer is really reached, when a server knows better. Members without elements
        are left out (OpenID Connect Discovery section 4.2).
        """
        where = self.base_url if base_url is None else base_url
        return {
            "issuer": self.persona.shared_issuer or self.id_issuer,
            **({"access_token_issuer": self.issuer} if self.id_issuer != self.issuer else {}),
            "jwks_uri": where + self.path("jwks", "/jwks") + self.persona.jwks_query,
            "subject_types_supported": list(self.persona.subject_types),
            "id_token_signing_alg_values_supported": sorted({key.alg for key in self.ring.published()}),
        }
