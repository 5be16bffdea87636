"""Steering a running mock IdP: one set of operations for Python, for the admin API and for the console page.

    control = Control(idp)
    control.add_issuer("/tenant-a", persona="entra-v2")
    control.rotate("/tenant-a")
    token = control.mint("/tenant-a", "ann", claims={"groups": ["qa"]}).token

Every result is frozen, and every refusal is a `ControlError` with a stable code. It must keep no state of its own:
what it changes belongs to the `MockIdP`. It must never check a signature, because whoever does that has to come by
another route.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, Any, Unpack
from urllib.parse import quote
from weakref import WeakKeyDictionary

from mock_idp.clock import ClockMode, SettableClock
from mock_idp.decoding import DecodedToken, decode_token
from mock_idp.forgeries import ForgeContext, finish, forge
from mock_idp.http import Headers  # noqa: TC001 - the OpenAPI document reads the types of the views
from mock_idp.issuer import Issuer, TokenOptions
from mock_idp.keyring import PUBLISHED, KeyRing, KeyState, RingEntry, RingSnapshot
from mock_idp.keys import ALGORITHMS, SigningKey, b64url
from mock_idp.oauth.endpoints import ENDPOINTS
from mock_idp.people import DOMAIN, Person
from mock_idp.personas import persona as persona_named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from mock_idp.faults import FaultSpec
    from mock_idp.idp import MockIdP
    from mock_idp.journal import JournalEntry
    from mock_idp.oauth.queued import QueuedError

MAX_ISSUERS = 1_000
MAX_PUBLISHED = 1_000
"""How many published keys a ring may have before no further one is taken in."""
MAX_READ = 1_000
"""How many recorded requests one reading gives."""


class Code(StrEnum):
    """Why an operation was refused."""

    NOT_FOUND = "not_found"
    """There is no issuer, key, person, fault or canary of this name."""
    CONFLICT = "conflict"
    """The operation does not fit what is there: a taken path, a move that the life of a key does not have."""
    INVALID = "invalid"
    """An argument that nothing could be done with."""


class ControlError(Exception):
    """An operation that was refused; nothing has changed."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


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


class Control:
    """The operations on one `MockIdP`.

    Issuers are named by their path (`/tenant-a`, empty for the root), keys by the kid that is published or by their
    name in the ring, people by user name. `make_key` makes the keys that nobody hands in, from an algorithm.
    """

    def __init__(self, idp: MockIdP, *, make_key: Callable[[str], SigningKey] | None = None) -> None:
        self._idp = idp
        self._make_key = make_key or fresh_key

    # Issuers

    def issuers(self) -> tuple[IssuerView, ...]:
        """List the issuers in the order in which they came."""
        return tuple(self._view(path, issuer) for path, issuer in self._idp.issuers.items())

    def issuer(self, path: str) -> IssuerView:
        """Show one issuer."""
        return self._view(path, self._issuer(path))

    def add_issuer(
        self,
        path: str,
        *,
        persona: str = "generic",
        issuer: str | None = None,
        audience: str | None = None,
        tenant: str | None = None,
        alg: str = "RS256",
    ) -> IssuerView:
        """Serve a new issuer with one fresh key; a path that is taken is a conflict.

        `issuer` is used exactly as given; without it the persona's own form is built from where it is served
        and the tenant. What else is left out is the persona's default.
        """
        if path in self._idp.issuers:
            raise ControlError(Code.CONFLICT, f"there is an issuer under {path!r} already: remove it first")
        if len(self._idp.issuers) >= MAX_ISSUERS:
            raise ControlError(Code.CONFLICT, f"one server has at most {MAX_ISSUERS} issuers")
        with _refusing(Code.INVALID):
            self._idp.add_issuer(
                path,
                Issuer(
                    persona_named(persona),
                    KeyRing([self._new_key(alg)]),
                    issuer=issuer,
                    audience=audience,
                    tenant=tenant,
                    base_url=self._idp.base_url + path,
                    clock=SettableClock(),
                ),
            )
        return self.issuer(path)

    def remove_issuer(self, path: str) -> None:
        """Serve an issuer no longer."""
        self._issuer(path)
        self._idp.remove_issuer(path)

    # Keys

    def keys(self, path: str) -> tuple[KeyView, ...]:
        """List the keys of an issuer, retired and revoked ones included."""
        return _key_views(self._issuer(path))

    def stage(self, path: str, *, alg: str | None = None, kid: str | None = None) -> KeyView:
        """Publish a fresh key that does not sign yet; by default of the active key's algorithm (KEY-022)."""
        issuer = self._issuer(path)
        _room_for_a_key(issuer)
        key = self._new_key(alg or issuer.ring.active.alg, kid)
        with _refusing(Code.CONFLICT):
            issuer.ring.add(key)
        return self._shown(issuer, key.kid)

    def rotate(
        self, path: str, *, alg: str | None = None, kid: str | None = None, keep_old: bool = True
    ) -> KeyView:
        """Let another key sign, and show it: the one staged longest, else a fresh one (KEY-022, KEY-023).

        With `alg` or `kid` it is always a fresh one. The old key stays published unless `keep_old` is false.
        """
        issuer = self._issuer(path)
        asked_for_new = alg is not None or kid is not None
        new = None
        if asked_for_new or issuer.ring.snapshot.oldest_staged() is None:
            _room_for_a_key(issuer)
            new = self._new_key(alg or issuer.ring.active.alg, kid)
        with _refusing(Code.CONFLICT):
            active = issuer.ring.rotate(new, keep_old=keep_old)
        return self._shown(issuer, active.kid)

    def retire(self, path: str, kid: str) -> KeyView:
        """Take a staged or retiring key out of the published set in good order (KEY-023)."""
        issuer = self._issuer(path)
        name = _ring_name(issuer, kid)
        with _refusing(Code.CONFLICT):
            issuer.ring.retire(name)
        return self._shown(issuer, name)

    def revoke(self, path: str, kid: str) -> KeyView:
        """Take a key out of the published set at once (KEY-024).

        When it is the active one, the key staged longest takes over, or else a fresh one.
        """
        issuer = self._issuer(path)
        name = _ring_name(issuer, kid)
        snapshot = issuer.ring.snapshot
        needs_heir = snapshot.active.kid == name and snapshot.oldest_staged() is None
        with _refusing(Code.CONFLICT):
            issuer.ring.revoke(name, self._new_key(snapshot.active.alg) if needs_heir else None)
        return self._shown(issuer, name)

    def replace(self, path: str, kid: str) -> KeyView:
        """Put a fresh key under the kid of a published one: the reuse of a kid, which is a fault (KEY-026)."""
        issuer = self._issuer(path)
        name = _ring_name(issuer, kid)
        fresh = self._new_key(issuer.ring.key(name).alg, name)
        if issuer.kid(fresh) != issuer.kid(issuer.ring.key(name)):
            raise ControlError(
                Code.CONFLICT, f"{issuer.persona.name} derives the kid from the key: no other key can have it"
            )
        with _refusing(Code.CONFLICT):
            issuer.ring.replace(name, fresh)
        return self._shown(issuer, name)

    # People

    def people(self) -> tuple[Person, ...]:
        """List the people of the directory."""
        return tuple(self._idp.people)

    def add_person(self, username: str, *, name: str | None = None, domain: str = DOMAIN) -> Person:
        """Take a person into the directory; a user name that is taken is a conflict."""
        if self._idp.people.find(username) is not None:
            raise ControlError(Code.CONFLICT, f"the user name {username!r} is taken")
        person = Person.of(name, username, domain) if name else Person.named(username, domain)
        with _refusing(Code.CONFLICT):
            self._idp.people.add(person)
        return person

    def remove_person(self, username: str) -> None:
        """Forget a person."""
        with _refusing(Code.NOT_FOUND):
            self._idp.people.remove(username)

    # Tokens

    def mint(
        self,
        path: str,
        person: str | None,
        *,
        claims: Mapping[str, Any] | None = None,
        forgery: str | None = None,
        argument: Any = None,
        **asked: Unpack[TokenOptions],
    ) -> Minted:
        """Make a token, honest or false by the name of a forgery, with `claims` set on top.

        `person` is a user name of the issuer or of the directory; any other names the person whom `Person.named`
        makes of it, and None has the token speak of the client itself. `asked` are the `TokenOptions`.
        """
        issuer = self._issuer(path)
        who = None if person is None else self._person(issuer, person)
        claims = {**_account_claims(issuer, person), **(claims or {})}
        with _refusing(Code.INVALID):
            if forgery is None:
                return Minted(issuer.mint(who, claims=claims, **asked), "text", person, None)
            draft = issuer.draft(who, **asked).with_claims(claims)
            made = finish(forge(draft, forgery, argument, context=ForgeContext.of(issuer)))
        return _minted(made, person, forgery)

    def decode(self, token: str) -> DecodedToken:
        """Show what a token says, without judging it and without checking its signature."""
        return decode_token(token)

    # Faults

    def faults(self) -> tuple[FaultView, ...]:
        """List the faults in force."""
        return tuple(
            FaultView(f.path, f.endpoint, f.fault if isinstance(f.fault, str) else dict(f.fault), f.left)
            for f in self._idp.faults
        )

    def set_fault(self, path: str, endpoint: str, fault: FaultSpec, times: int | None = None) -> FaultView:
        """Let an endpoint misbehave, for a number of requests or until the fault is cleared."""
        self._endpoint(path, endpoint)
        with _refusing(Code.INVALID):
            self._idp.set_fault(path, endpoint, fault, times)
        return FaultView(path, endpoint, fault if isinstance(fault, str) else dict(fault), times)

    def clear_fault(self, path: str, endpoint: str) -> None:
        """Behave again at one endpoint, whether or not it had a fault."""
        self._endpoint(path, endpoint)
        self._idp.clear_fault(path, endpoint)

    def clear_faults(self) -> None:
        """Behave again everywhere."""
        self._idp.clear_faults()

    # Clocks

    def clock(self, path: str) -> ClockView:
        """Read the clock of an issuer."""
        return _clock_view(self._issuer(path))

    def set_clock(self, path: str, now: float) -> ClockView:
        """Have the clock show `now` (seconds since the epoch); frozen or going, it stays as it is."""
        return self._turned(path, lambda clock: clock.set(now))

    def move_clock(self, path: str, seconds: float) -> ClockView:
        """Move the clock forward, or back by a negative number of seconds."""
        return self._turned(path, lambda clock: clock.move(seconds))

    def freeze_clock(self, path: str, now: float | None = None) -> ClockView:
        """Stop the clock at `now`, or else at what it shows."""
        return self._turned(path, lambda clock: clock.freeze(now))

    def run_clock(self, path: str, now: float | None = None) -> ClockView:
        """Let the clock go on from `now`, or else from what it shows."""
        return self._turned(path, lambda clock: clock.run(now))

    def real_clock(self, path: str) -> ClockView:
        """Have the clock show what it showed before anybody set it, and go as it did."""
        return self._turned(path, SettableClock.real)

    # What comes next

    def line_up(
        self,
        path: str,
        *,
        users: Iterable[str] = (),
        codes: Iterable[str] = (),
        token_errors: Iterable[QueuedError] = (),
        authorization_errors: Iterable[QueuedError] = (),
    ) -> None:
        """Line up answers: who signs in next, the next codes, the next errors. Each is used once, in its order."""
        queue = self._issuer(path).queue
        queue.users.extend(users)
        queue.codes.extend(codes)
        queue.token_errors.extend(token_errors)
        queue.authorization_errors.extend(authorization_errors)

    def clear_line(self, path: str) -> None:
        """Drop what was lined up."""
        self._issuer(path).queue.clear()

    # Recorded requests

    def requests(self, *, path: str = "", since: int = 0, limit: int = MAX_READ) -> tuple[RequestView, ...]:
        """Give the recorded requests after number `since`, oldest first: the last `limit` of them.

        `path` has only those whose path starts with it.
        """
        newest_first = reversed(self._idp.journal)
        fresh = (entry for entry in newest_first if entry.number > since and entry.path.startswith(path))
        return tuple(_request_view(entry) for entry in reversed(tuple(islice(fresh, limit))))

    def clear_requests(self) -> None:
        """Forget the recorded requests and the counts."""
        self._idp.clear_journal()

    # Canaries

    def canaries(self) -> tuple[CanaryView, ...]:
        """List the canaries with their hits."""
        return tuple(self._canary(name, hits) for name, hits in self._idp.canaries.items())

    def add_canary(self, name: str) -> CanaryView:
        """Set a trap: whoever asks its URL, by any method, is counted (SIG-021). One that is there stays."""
        with _refusing(Code.INVALID):
            self._idp.canary(name)
        return self.canary(name)

    def canary(self, name: str) -> CanaryView:
        """Show a canary with its hits."""
        with _refusing(Code.NOT_FOUND):
            return self._canary(name, self._idp.canary_hits(name))

    def reset(self) -> None:
        """Behave: no faults, real clocks, nothing lined up or granted, no canaries, no recorded requests.

        Issuers, keys and people stay; `MockIdP.reset` forgets them as well.
        """
        self._idp.clear_faults()
        self._idp.clear_journal()
        self._idp.clear_canaries()
        for issuer in self._idp.issuers.values():
            issuer.queue.clear()
            issuer.granted.clear()
            if isinstance(issuer.clock, SettableClock):
                issuer.clock.real()

    # Inside

    def _issuer(self, path: str) -> Issuer:
        with _refusing(Code.NOT_FOUND):
            return self._idp.issuer(path)

    def _person(self, issuer: Issuer, username: str) -> Person:
        known = issuer.people.find(username) or self._idp.people.find(username)
        return known or Person.named(username)

    def _endpoint(self, path: str, endpoint: str) -> None:
        self._issuer(path)
        if endpoint not in ENDPOINTS:
            raise ControlError(Code.NOT_FOUND, f"no endpoint {endpoint!r}: there are {', '.join(ENDPOINTS)}")

    def _new_key(self, alg: str, kid: str | None = None) -> SigningKey:
        if alg not in ALGORITHMS:
            raise ControlError(Code.INVALID, f"unknown algorithm {alg!r}: there are {', '.join(ALGORITHMS)}")
        key = self._make_key(alg)
        return key if kid is None else key.with_kid(kid)

    def _shown(self, issuer: Issuer, name: str) -> KeyView:
        return _key_view(issuer, issuer.ring.snapshot.entry(name))

    def _view(self, path: str, issuer: Issuer) -> IssuerView:
        served = self._idp.base_url + path
        return IssuerView(
            id=issuer_id(path),
            path=path,
            persona=issuer.persona.name,
            issuer=issuer.issuer,
            audience=issuer.audience,
            jwks_uri=served + issuer.path("jwks", ENDPOINTS["jwks"].path) + issuer.persona.jwks_query,
            metadata_url=served + issuer.path("metadata", ENDPOINTS["metadata"].path),
            clock=_clock_view(issuer),
            keys=_key_views(issuer),
            people=tuple(issuer.people),
            clients=tuple(issuer.clients),
            requests={endpoint: self._idp.requests(path, endpoint) for endpoint in ENDPOINTS},
        )

    def _turned(self, path: str, turn: Callable[[SettableClock], None]) -> ClockView:
        issuer = self._issuer(path)
        clock = issuer.clock
        if not isinstance(clock, SettableClock):
            clock = SettableClock(clock)
        with _refusing(Code.INVALID):
            turn(clock)
        issuer.clock = clock
        return _clock_view(issuer)

    def _canary(self, name: str, hits: int) -> CanaryView:
        path = f"/canary/{name}"
        return CanaryView(name, path, self._idp.base_url + path, hits)


def fresh_key(alg: str) -> SigningKey:
    """Make a key that never was, with its thumbprint as kid (RFC 7638)."""
    key = SigningKey.generate(alg, kid="")
    return key.with_kid(key.thumbprint())


def issuer_id(path: str) -> str:
    """Write an issuer's path as one segment of an address."""
    return quote(path[1:], safe="") if path else "%2F"


@contextmanager
def _refusing(code: Code) -> Iterator[None]:
    # All that the package refuses is a ValueError with a sentence for people.
    try:
        yield
    except ValueError as error:
        raise ControlError(code, str(error)) from error


def _account_claims(issuer: Issuer, person: str | None) -> Mapping[str, Any]:
    account = None if person is None else issuer.accounts.get(person)
    return {} if account is None else account.claims


def _ring_name(issuer: Issuer, kid: str) -> str:
    snapshot = issuer.ring.snapshot
    if snapshot.holds(kid):
        return kid
    for entry in snapshot.entries:
        if issuer.kid(entry.key) == kid:
            return entry.key.kid
    names = ", ".join(issuer.kid(entry.key) for entry in snapshot.entries)
    raise ControlError(Code.NOT_FOUND, f"no key {kid!r}: there are {names}")


def _room_for_a_key(issuer: Issuer) -> None:
    published = sum(entry.state in PUBLISHED for entry in issuer.ring.snapshot.entries)
    if published >= MAX_PUBLISHED:
        raise ControlError(Code.CONFLICT, f"{published} keys are published already: retire some first")


_VIEWED: WeakKeyDictionary[Issuer, tuple[RingSnapshot, tuple[KeyView, ...]]] = WeakKeyDictionary()


def _key_views(issuer: Issuer) -> tuple[KeyView, ...]:
    # The console asks every second, and a kid may be the hash of a certificate: that is worked out once a change.
    snapshot, viewed = issuer.ring.snapshot, _VIEWED.get(issuer)
    if viewed is None or viewed[0] is not snapshot:
        views = tuple(_key_view(issuer, entry) for entry in snapshot.entries)
        viewed = _VIEWED[issuer] = (snapshot, views)
    return viewed[1]


def _key_view(issuer: Issuer, entry: RingEntry) -> KeyView:
    key = entry.key
    return KeyView(issuer.kid(key), key.kid, key.alg, entry.state, key.thumbprint())


def _clock_view(issuer: Issuer) -> ClockView:
    clock = issuer.clock
    return ClockView(clock(), clock.mode if isinstance(clock, SettableClock) else ClockMode.REAL)


def _minted(made: str | bytes, person: str | None, forgery: str) -> Minted:
    if isinstance(made, bytes):
        return Minted(b64url(made), "base64url", person, forgery)
    return Minted(made, "text", person, forgery)


def _request_view(entry: JournalEntry) -> RequestView:
    return RequestView(
        number=entry.number,
        when=entry.when,
        method=entry.method,
        path=entry.path,
        query=entry.query,
        headers=entry.request.headers,
        body=entry.body.decode(errors="replace"),
        status=entry.status,
        answer_type=entry.answer_type,
        answer_bytes=entry.answer_bytes,
        answer_headers=entry.response.headers,
        answer_body=entry.response.body.decode(errors="replace"),
    )
