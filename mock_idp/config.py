"""The configuration of a whole mock IdP as typed data, and the IdP that is built from it.

Whoever reads a file turns it into an `IdpConfig`; `build` then says with a path into that data what cannot be.
Nothing here may read a file, and no key is made before all else is known to be right.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, TypeAlias
from urllib.parse import urlsplit

import msgspec

from mock_idp.clock import SettableClock
from mock_idp.fixed_keys import fixed_key
from mock_idp.idp import MockIdP
from mock_idp.issuer import Issuer
from mock_idp.key_supply import KeySupply
from mock_idp.keyring import KeyRing, KeyState
from mock_idp.keys import SigningKey
from mock_idp.oauth.accounts import check_known
from mock_idp.oauth.clients import Client
from mock_idp.people import USERNAME, Account, Person, make_people
from mock_idp.personas import persona
from mock_idp.schedule import Rotation, ScheduledRing

MAX_ISSUERS = 1_000
MAX_KEYS = 100
"""Of one issuer."""

Path: TypeAlias = tuple[str | int, ...]
Algorithm: TypeAlias = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"
]


class _Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mapping with these members and no others."""


class KeyConfig(_Strict, frozen=True, kw_only=True):
    """One signing key."""

    alg: Algorithm = "RS256"
    kid: str | None = None
    """By default the key's thumbprint (RFC 7638), or the name of a shipped key."""
    bits: int = 2048
    """Length of an RSA modulus."""
    fixed: str | None = None
    """The name of a shipped test key in place of a fresh one."""
    state: Literal["active", "staged", "retiring"] | None = None
    """By default the first key is active and the others are staged."""


class PersonConfig(_Strict, frozen=True, kw_only=True):
    """One person who can sign in."""

    username: str
    name: str | None = None
    domain: str = "contoso.example"
    password: str | None = None
    claims: dict[str, Any] = {}
    """Set on top of their tokens."""


class PeopleConfig(_Strict, frozen=True, kw_only=True):
    """People made from a seed."""

    count: int
    seed: int = 0


class ClientConfig(_Strict, frozen=True, kw_only=True):
    """One registered client; see `mock_idp.oauth.clients.Client`."""

    id: str
    secret: str | None = None
    redirect_uris: list[str] = []
    post_logout_redirect_uris: list[str] = []
    grants: list[str] = []
    claims: dict[str, Any] = {}
    audience: str | None = None
    jwks: dict[str, Any] | None = None
    auth_method: str | None = None
    opaque_access_tokens: bool | None = None


class RotationConfig(_Strict, frozen=True, kw_only=True):
    """When keys come and go (seconds); see `mock_idp.schedule.Rotation`."""

    every: float
    overlap: float = 0.0
    ahead: float = 0.0


class FaultConfig(_Strict, frozen=True, kw_only=True):
    """One fault from the start."""

    at: str
    """The endpoint: `jwks`, `metadata`, `token`, …"""
    is_: str | dict[str, Any] = msgspec.field(name="is")
    times: int | None = None


class IssuerConfig(_Strict, frozen=True, kw_only=True):
    """One issuer."""

    path: str = ""
    persona: str = "generic"
    issuer: str | None = None
    """Used exactly as written; without it the persona's own form, below the server's address."""
    audience: str | None = None
    tenant: str | None = None
    keys: list[KeyConfig] = []
    algs: list[Algorithm] = []
    """Shorter than `keys`: one fresh key for each algorithm."""
    clients: list[ClientConfig] = []
    people: list[PersonConfig] | PeopleConfig | None = None
    auto_login: str | None = None
    opaque_access_tokens: bool | None = None
    token_lifetime: int | None = None
    """Seconds."""
    rotation: RotationConfig | None = None
    faults: list[FaultConfig] = []

    @property
    def wanted_keys(self) -> list[KeyConfig]:
        """The keys that it begins with; one for RS256 when it names none."""
        return [*self.keys, *(KeyConfig(alg=alg) for alg in self.algs)] or [KeyConfig()]


class IdpConfig(_Strict, frozen=True, kw_only=True):
    """A whole mock IdP."""

    issuers: list[IssuerConfig] = []
    people: list[PersonConfig] | PeopleConfig | None = None
    """Who can sign in at every issuer."""
    base_url: str | None = None
    """Where clients reach the server, when that is not where it listens."""
    browser_url: str | None = None
    """Where browsers reach it, when that differs."""


def check_url(url: str) -> None:
    """Raise `ValueError` for an address that no client could reach a server at."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets that do not close, a port that is no number
        usable = False
    if not usable or not url.isascii() or not url.isprintable() or set(url) & set(" ?#"):
        raise ValueError(f"the address of a server is like https://idp.example:8443, not {url[:80]!r}")


class ConfigError(ValueError):
    """Something in a configuration that cannot be; `path` leads to it."""

    def __init__(self, path: Path, message: str) -> None:
        super().__init__(message)
        self.path = path
        self.message = message


@contextmanager
def _at(*path: str | int) -> Iterator[None]:
    """Say of a `ValueError` inside where in the configuration it comes from."""
    try:
        yield
    except ConfigError as error:
        raise ConfigError((*path, *error.path), error.message) from None
    except ValueError as error:
        raise ConfigError(path, str(error)) from None


def build(config: IdpConfig, idp: MockIdP, *, url: str, supply: KeySupply) -> None:
    """Have an IdP serve what a configuration says.

    `url` is where the server listens, for a configuration without a `base_url`; fresh keys come from `supply`.
    `ConfigError` for what cannot be.
    """
    for name, address in (("base_url", config.base_url), ("browser_url", config.browser_url)):
        if address is not None:
            with _at(name):
                check_url(address)
    idp.base_url = (config.base_url or url).rstrip("/")
    idp.browser_url = config.browser_url
    issuers = config.issuers or [IssuerConfig()]
    if len(issuers) > MAX_ISSUERS:
        raise ConfigError(("issuers",), f"more than {MAX_ISSUERS} issuers")
    supply.order((key.alg, key.bits) for found in issuers for key in found.wanted_keys if not key.fixed)
    with _at("people"):
        for person, account in _people(config.people):
            idp.people.add(person, account)
    for index, found in enumerate(issuers):
        with _at("issuers", index):
            _add(found, idp, supply)
    # What the clock will ask for is made before a request has to wait for it.
    supply.order((i.ring.active.alg, 2048) for i in idp.issuers.values() if isinstance(i.ring, ScheduledRing))


def _add(config: IssuerConfig, idp: MockIdP, supply: KeySupply) -> None:
    with _at("persona"):
        dialect = persona(config.persona)
    clock = SettableClock()
    if config.keys and config.algs:
        raise ConfigError(("algs",), "keys are named by `keys` or by `algs`, not by both")
    issuer = Issuer(
        dialect,
        _ring(config, supply, clock),
        issuer=config.issuer,
        audience=config.audience,
        tenant=config.tenant,
        base_url=idp.base_url + config.path,
        clock=clock,
    )
    _fill(issuer, config)
    with _at("path"):
        if config.path in idp.issuers:
            raise ConfigError((), f"two issuers have the path {config.path!r}")
        idp.add_issuer(config.path, issuer)
    if config.auto_login is not None:
        with _at("auto_login"):
            check_known(issuer, config.auto_login)
        issuer.auto_login = config.auto_login
    for index, fault in enumerate(config.faults):
        with _at("faults", index):
            idp.set_fault(config.path, fault.at, fault.is_, fault.times)


def _fill(issuer: Issuer, config: IssuerConfig) -> None:
    with _at("people"):
        for person, account in _people(config.people):
            issuer.people.add(person, account)
    for index, client in enumerate(config.clients):
        if client.id in issuer.clients:
            raise ConfigError(("clients", index, "id"), f"two clients have the id {client.id!r}")
        with _at("clients", index):
            issuer.clients[client.id] = _client(client)
    if config.opaque_access_tokens is not None:
        issuer.opaque_access_tokens = config.opaque_access_tokens
    if config.token_lifetime is not None:
        if config.token_lifetime < 1:
            raise ConfigError(("token_lifetime",), "a token lives for at least a second")
        issuer.token_lifetime_s = config.token_lifetime


def _client(config: ClientConfig) -> Client:
    return Client(
        id=config.id,
        secret=config.secret,
        redirect_uris=tuple(config.redirect_uris),
        post_logout_redirect_uris=tuple(config.post_logout_redirect_uris),
        grants=tuple(config.grants),
        claims=config.claims,
        audience=config.audience,
        jwks=config.jwks,
        auth_method=config.auth_method,
        opaque_access_tokens=config.opaque_access_tokens,
    )


def _people(
    config: list[PersonConfig] | PeopleConfig | None,
) -> Iterator[tuple[Person, Account | None]]:
    if isinstance(config, PeopleConfig):
        yield from ((person, None) for person in make_people(config.count, config.seed))
        return
    taken: set[str] = set()
    for index, entry in enumerate(config or ()):
        with _at(index, "username"):
            _check_username(entry.username, taken)
        person = Person.named(entry.username, entry.domain)
        if entry.name is not None:
            person = Person.of(entry.name, entry.username, entry.domain)
        known = entry.claims or entry.password is not None
        yield person, Account(entry.claims, entry.password) if known else None


def _check_username(name: str, taken: set[str]) -> None:
    if not USERNAME.fullmatch(name):
        raise ValueError(f"a user name has up to 64 letters, digits and ._+-, not {name[:80]!r}")
    if name in taken:
        raise ValueError(f"two people have the user name {name!r}")
    taken.add(name)


def _ring(config: IssuerConfig, supply: KeySupply, clock: SettableClock) -> KeyRing:
    wanted = config.wanted_keys
    if len(wanted) > MAX_KEYS:
        raise ConfigError(("keys",), f"more than {MAX_KEYS} keys")
    rotation = None
    if config.rotation is not None:
        with _at("rotation"):
            rotation = Rotation(config.rotation.every, config.rotation.overlap, config.rotation.ahead)
    states = [key.state or ("active" if index == 0 else "staged") for index, key in enumerate(wanted)]
    if states.count("active") != 1:
        raise ConfigError(("keys",), "one key, and only one, is active")
    made = []
    for index, asked in enumerate(wanted):
        with _at("keys", index):
            made.append(_key(asked, index, supply))
    active = made[states.index("active")]
    with _at("keys"):
        ring = KeyRing([active]) if rotation is None else _scheduled(active, rotation, supply, clock)
        for key, state in zip(made, states, strict=True):
            if state != "active":
                ring.add(key, KeyState(state))
    return ring


def _key(config: KeyConfig, index: int, supply: KeySupply) -> SigningKey:
    if config.fixed is None and not supply.fixed:
        key = supply.take(config.alg, config.bits, config.kid)
        if config.bits < 2048:  # whatever is as long as that can sign by every algorithm
            key.check_usable()
        return key
    name = config.fixed or "abcdef"[index % 6]
    return fixed_key(name, config.alg, kid=config.kid or (None if index < 6 else f"{name}-{index}"))


def _scheduled(
    active: SigningKey, rotation: Rotation, supply: KeySupply, clock: SettableClock
) -> ScheduledRing:
    def make(period: int) -> SigningKey:
        if supply.fixed:
            return fixed_key("ba"[period % 2], active.alg, kid=f"period-{period}")
        key = supply.take(active.alg)
        supply.order([(key.alg, 2048)])  # the one after it is made before anybody waits for it
        return key

    return ScheduledRing([active], rotation, clock=clock, make_key=make)
