"""What a persona is: the dialect of one real IdP, as data.

A persona must never hold state, keys or a clock: what changes from token to token comes to it in a `Grant`.
"""

import hashlib
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import msgspec

from mock_idp import certificates, draft
from mock_idp.keys import SigningKey, b64url
from mock_idp.people import Person
from mock_idp.personas.kids import KidForm, own_name

if TYPE_CHECKING:
    from cryptography import x509  # slow to import, and many a server makes no certificate

Kind: TypeAlias = Literal["access", "id", "machine"]
"""An access token, an ID token, and an access token that a client got for itself (client credentials)."""

DEFAULT_TENANT: Final = "f5b6a3e2-5c1d-4e8a-9a57-2d7f0c3b8e11"
DEFAULT_AUDIENCE: Final = "b1946ac9-2a4e-4c43-9d5e-8e0b6f7c1a23"
PARAMETERS: Final = "parameters"
"""Where the key's own members (`n` and `e`; `crv`, `x` and `y`) stand among the members of a JWKS entry."""

Member: TypeAlias = str | tuple[str, Any]
"""The name of a member that the key decides, or a name with the value that it always has."""

_OPENID_SCOPES = frozenset({"openid", "profile", "email", "offline_access"})


class PersonaError(ValueError):
    """Something that the IdP behind a persona does not do, such as changing Entra's `sub`."""


class Grant(msgspec.Struct, frozen=True):
    """What one token is issued for."""

    person: Person | None
    """Nobody, when a client asked for itself."""
    client: str
    """The client's id: of the application that asked for the token."""
    audience: str
    issuer: str
    tenant: str
    """The tenant, for IdPs that have tenants: Entra's GUID, Keycloak's realm, Cognito's user pool."""
    now: int
    """Seconds since the epoch."""
    lifetime_s: int
    scopes: tuple[str, ...]
    serial: str = ""
    """Tells this token from others that were asked for in the same words at the same time."""

    @property
    def user(self) -> Person:
        """The person that the token is about; `PersonaError` when there is none."""
        if self.person is None:
            raise PersonaError("a token about a person needs one")
        return self.person

    @property
    def api_scopes(self) -> tuple[str, ...]:
        """The scopes of the API: all but those of OpenID Connect itself."""
        return tuple(scope for scope in self.scopes if scope not in _OPENID_SCOPES)

    @property
    def issued(self) -> dict[str, int]:
        """`iat` and `exp`, for the IdPs that issue no `nbf`."""
        return {"iat": self.now, "exp": self.now + self.lifetime_s}

    @property
    def times(self) -> dict[str, int]:
        """`iat`, `nbf` and `exp` (RFC 7519 section 4.1)."""
        return {"iat": self.now, "nbf": self.now, "exp": self.now + self.lifetime_s}

    def opaque(self, purpose: str, size: int = 16) -> str:
        """Base64url of `size` bytes (at most 64) that look random and follow from the grant alone."""
        return b64url(self._derived(purpose, size))

    def guid(self, purpose: str) -> str:
        """Give a GUID that looks random and follows from the grant alone."""
        return str(uuid.UUID(bytes=self._derived(purpose, 16), version=4))

    def _derived(self, purpose: str, size: int) -> bytes:
        oid = self.person.oid if self.person else ""
        who = f"{self.issuer}\0{oid}\0{self.client}\0{self.audience}\0{' '.join(self.scopes)}"
        text = f"{purpose}\0{who}\0{self.now}\0{self.lifetime_s}\0{self.serial}"
        # BLAKE2, because every token has such ids and OpenSSL's SHA-256 takes several times as long to start.
        return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=size).digest()


@dataclass(frozen=True, slots=True, eq=False)
class Persona:
    """The dialect of one IdP: issuer form, token header, claims, JWKS entries, paths.

    Paths are those that the IdP has below its host; `{tenant}` in one stands for the tenant.
    """

    name: str
    says: str
    """One sentence of what it stands for."""
    issuer: Callable[[str, str], str]
    """The issuer of (base URL, tenant), which access tokens name."""
    claims: Mapping[Kind, Callable[[Grant], dict[str, Any]]]
    """What the IdP writes into each kind of token; a kind that is missing is no JWT at this IdP."""
    id_issuer: Callable[[str, str], str] | None = None
    """The issuer of (base URL, tenant) that ID tokens and the metadata name, where that is another one (ADFS)."""
    shared_issuer: str | None = None
    """The issuer template that metadata and JWKS name, for an address that serves all tenants (AZR-012, AZR-014)."""
    header_members: tuple[Member, ...] = ("typ", "alg", "kid")
    """Members of the token header, in the order in which the IdP writes them."""
    access_header_members: tuple[Member, ...] | None = None
    """The same for access tokens, where they differ."""
    jwk_members: tuple[Member, ...] = ("kty", "use", "kid", "alg", PARAMETERS)
    """Members of a JWKS entry, in order; `issuer` is Entra's own, which binds a key to tenants (AZR-012)."""
    extra_entries: tuple[Mapping[str, Any], ...] = ()
    """Entries that the JWKS holds besides the signing keys (IDP-008: a key for encryption)."""
    kid_form: KidForm = own_name
    """How the IdP names its keys."""
    jwks_path: str = "/jwks"
    jwks_query: str = ""
    """The query that the metadata adds to the JWKS address (AZR-026)."""
    metadata_path: str = "/.well-known/openid-configuration"
    paths: Mapping[str, str] = field(default_factory=dict)
    """Where its other endpoints lie, by the endpoint's name (`authorization`, `token`, `userinfo`, ...)."""
    certificate_subject: str = certificates.DEFAULT_SUBJECT
    fixed_sub: bool = False
    """Nobody can change `sub` at this IdP (S2: "do not allow customization of the sub claim")."""
    subject_types: tuple[str, ...] = ("public",)
    default_scopes: tuple[str, ...] = ("openid", "profile", "email")
    default_tenant: str = DEFAULT_TENANT
    default_audience: str = DEFAULT_AUDIENCE
    lifetime_s: int = 3600
    """Seconds that an access token lives unless the IdP is told otherwise."""

    @property
    def opaque_access_tokens(self) -> bool:
        """Whether its access tokens for people are no JWTs, so that only the ID token can be verified (Google)."""
        return "access" not in self.claims

    def usual_kind(self, person: Person | None) -> Kind:
        """Give the kind of JWT that an API gets from this IdP: for a person, or for a client alone."""
        if person is None:
            return "machine"
        return "id" if self.opaque_access_tokens else "access"

    def path(self, endpoint: str, default: str) -> str:
        """Give where an endpoint lies below the issuer's base URL; `default` when this IdP has no own place."""
        own = {"jwks": self.jwks_path, "metadata": self.metadata_path}
        return own.get(endpoint) or self.paths.get(endpoint, default)

    def certificate(self, key: SigningKey) -> "x509.Certificate":
        """Give the certificate that the IdP publishes for a key, always the same one."""
        return certificates.certificate(key, subject=self.certificate_subject)

    def kid(self, key: SigningKey) -> str:
        """Give the kid under which the IdP publishes a key."""
        return self.kid_form(key, self.certificate)

    def header(self, key: SigningKey, kind: Kind = "access") -> dict[str, Any]:
        """Give the header of an honest token signed by a key."""
        return dict(_header(self, key, kind == "id"))

    def header_segment(self, key: SigningKey, kind: Kind = "access") -> str:
        """Give that header as the first segment of a token, written once for each key."""
        return _header_segment(self, key, kind == "id")

    def published(self, key: SigningKey, issuer: str) -> dict[str, Any]:
        """Give the JWKS entry of a key."""
        entry = dict(_published(self, key, issuer))
        if "x5c" in entry:
            entry["x5c"] = list(entry["x5c"])  # a caller's own
        return entry

    def key_set(self, keys: Iterable[SigningKey], issuer: str) -> dict[str, Any]:
        """Give the whole JWKS: the keys in their order, then what this IdP publishes besides."""
        return {"keys": [*(self.published(key, issuer) for key in keys), *map(dict, self.extra_entries)]}


@lru_cache(maxsize=256)
def _published(persona: Persona, key: SigningKey, issuer: str) -> Mapping[str, Any]:
    own = key.public_jwk()
    made: Mapping[str, Callable[[], Any]] = {
        "kty": lambda: own["kty"],
        "use": lambda: "sig",
        "kid": lambda: persona.kid(key),
        "alg": lambda: key.alg,
        "x5t": lambda: certificates.x5t(persona.certificate(key)),
        "x5t#S256": lambda: certificates.x5t_s256(persona.certificate(key)),
        "x5c": lambda: (certificates.x5c(persona.certificate(key)),),
        "issuer": lambda: persona.shared_issuer or issuer,
    }
    entry: dict[str, Any] = {}
    for member in persona.jwk_members:
        if member == PARAMETERS:
            entry |= {name: value for name, value in own.items() if name not in {"kty", "kid"}}
        elif isinstance(member, str):
            entry[member] = made[member]()
        else:
            entry[member[0]] = member[1]
    return entry


@lru_cache(maxsize=256)
def _header(persona: Persona, key: SigningKey, of_id_token: bool) -> Mapping[str, Any]:  # noqa: FBT001 - a cache key
    made: Mapping[str, Callable[[], str]] = {
        "typ": lambda: "JWT",
        "alg": lambda: key.alg,
        "kid": lambda: persona.kid(key),
        "x5t": lambda: certificates.x5t(persona.certificate(key)),
    }
    own = None if of_id_token else persona.access_header_members
    members = persona.header_members if own is None else own
    pairs = ((member, made[member]()) if isinstance(member, str) else member for member in members)
    return dict(pairs)


@lru_cache(maxsize=256)
def _header_segment(persona: Persona, key: SigningKey, of_id_token: bool) -> str:  # noqa: FBT001 - a cache key
    return draft.header_segment(_header(persona, key, of_id_token))
