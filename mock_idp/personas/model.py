"""What a persona is: the dialect of one real IdP, as data.

A persona must never hold state, keys or a clock: what changes from token to token comes to it in a `Grant`.
"""

import hashlib
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeAlias

from cryptography import x509

from mock_idp import certificates
from mock_idp.keys import SigningKey, b64url
from mock_idp.people import Person

Kind: TypeAlias = Literal["access", "id"]


class PersonaError(ValueError):
    """Something that the IdP behind a persona does not do, such as changing Entra's `sub`."""


@dataclass(frozen=True)
class Grant:
    """What one token is issued for."""

    person: Person
    client: str
    """The client's id: of the application that asked for the token."""
    audience: str
    issuer: str
    tenant: str
    """The tenant's GUID, for IdPs that have tenants."""
    now: int
    """Seconds since the epoch."""
    lifetime_s: int
    scopes: tuple[str, ...]

    @property
    def times(self) -> dict[str, int]:
        """`iat`, `nbf` and `exp` (RFC 7519 section 4.1)."""
        return {"iat": self.now, "nbf": self.now, "exp": self.now + self.lifetime_s}

    @cached_property
    def _seed(self) -> bytes:
        asked = (
            self.issuer,
            self.person.oid,
            self.client,
            self.audience,
            self.now,
            self.lifetime_s,
            self.scopes,
        )
        return repr(asked).encode()

    def opaque(self, purpose: str, size: int = 16) -> str:
        """Base64url of `size` bytes (at most 32) that look random and follow from the grant alone."""
        return b64url(hashlib.sha256(purpose.encode() + b"\0" + self._seed).digest()[:size])

    def guid(self, purpose: str) -> str:
        """Give a GUID that looks random and follows from the grant alone."""
        return str(
            uuid.UUID(bytes=hashlib.sha256(purpose.encode() + b"\0" + self._seed).digest()[:16], version=4)
        )


@dataclass(frozen=True, slots=True)
class JwkDialect:
    """Which optional members an IdP puts into the entries of its JWKS."""

    alg: bool = True
    use: bool = True
    x5t: bool = False
    x5c: bool = False
    issuer: bool = False
    """Entra's own member, which binds a key to the tenants that may use it (AZR-012)."""


@dataclass(frozen=True, slots=True)
class Persona:
    """The dialect of one IdP: issuer form, token header, claims, JWKS entries, paths."""

    name: str
    says: str
    """One sentence of what it stands for."""
    issuer: Callable[[str, str], str]
    """The issuer of (base URL, tenant GUID)."""
    claims: Mapping[Kind, Callable[[Grant], dict[str, Any]]]
    header_members: tuple[str, ...] = ("typ", "alg", "kid")
    """Members of the token header, in the order in which the IdP writes them."""
    jwk: JwkDialect = field(default_factory=JwkDialect)
    jwks_path: str = "/jwks"
    metadata_path: str = "/.well-known/openid-configuration"
    paths: Mapping[str, str] = field(default_factory=dict)
    """Where its other endpoints lie, by the endpoint's name (`authorization`, `token`, `userinfo`, ...)."""
    certificate_subject: str = certificates.DEFAULT_SUBJECT
    kid_is_x5t: bool = False
    """The IdP names its keys by the SHA-1 thumbprint of their certificate (AZR-011)."""
    fixed_sub: bool = False
    """Nobody can change `sub` at this IdP (S2: "do not allow customization of the sub claim")."""
    subject_types: tuple[str, ...] = ("public",)
    default_scopes: tuple[str, ...] = ("openid", "profile", "email")

    def path(self, endpoint: str, default: str) -> str:
        """Give where an endpoint lies below the issuer's base URL; `default` when this IdP has no own place."""
        own = {"jwks": self.jwks_path, "metadata": self.metadata_path}
        return own.get(endpoint) or self.paths.get(endpoint, default)

    def certificate(self, key: SigningKey) -> x509.Certificate:
        """Give the certificate that the IdP publishes for a key, always the same one."""
        return certificates.certificate(key, subject=self.certificate_subject)

    def kid(self, key: SigningKey) -> str:
        """Give the kid under which the IdP publishes a key."""
        return certificates.x5t(self.certificate(key)) if self.kid_is_x5t else key.kid

    def header(self, key: SigningKey) -> dict[str, Any]:
        """Give the header of an honest token signed by a key."""
        makers: Mapping[str, Callable[[], str]] = {
            "typ": lambda: "JWT",
            "alg": lambda: key.alg,
            "kid": lambda: self.kid(key),
            "x5t": lambda: certificates.x5t(self.certificate(key)),
        }
        return {name: makers[name]() for name in self.header_members}

    def published(self, key: SigningKey, issuer: str) -> dict[str, Any]:
        """Give the JWKS entry of a key."""
        kid = self.kid(key)
        own = key.with_kid(kid).public_jwk()
        entry: dict[str, Any] = {"kty": own.pop("kty")}
        if self.jwk.use:
            entry["use"] = "sig"
        entry["kid"] = own.pop("kid")
        if self.jwk.alg:
            entry["alg"] = key.alg
        if self.jwk.x5t:
            entry["x5t"] = certificates.x5t(self.certificate(key))
        entry |= own
        if self.jwk.x5c:
            entry["x5c"] = [certificates.x5c(self.certificate(key))]
        if self.jwk.issuer:
            entry["issuer"] = issuer
        return entry
