"""Where the keys of one integration come from: a fixed set, or the JWKS behind a URL.

Must never share a set between integrations (KEY-036), take an answer that is no JWKS for a new set (KEY-028),
let tokens drive fetches faster than the policy says (KEY-006), or make a token of a known kid wait (OPS-006).
Nothing is remembered of a kid that is unknown: asking again costs one look-up, so there is no negative cache
that a flood could fill, or that could hide a key once it is there (KEY-007, OPS-007, OPS-017).
"""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from verifier.background import Spawn
from verifier.errors import FetchError, TokenRejected, quoted
from verifier.fetch import Fetch
from verifier.freshness import conditions, fresh_for
from verifier.key_lifetimes import PublishedKeys
from verifier.keys import Jwks, KeySet, VerificationKey, parse_jwks
from verifier.policy import Policy
from verifier.purge import without

MAX_WAITING: Final = 256
"""Most tokens of one integration that wait for its endpoint at one time (OPS-007); more are rejected."""

_FIRST_RETRY_S, _LAST_RETRY_S = 5.0, 300.0  # after a failed fetch: doubled each time, capped (OPS-011)
_JUST_NOW_S = 1.0  # an answer so young was asked for by this very token, or as good as
_NO_KEYS = KeySet(())
_log = logging.getLogger(__name__)


class KeySource(Protocol):
    """The keys of one integration, as they are now."""

    def current(self) -> KeySet:
        """Return the set to judge by; TokenRejected `unavailable` if there is none."""

    def refreshed(self, seen: KeySet, *, wait: bool) -> KeySet:
        """Return the set to judge by after `seen` failed a token: `seen` itself if no newer may be had.

        `wait` says whether a fetch under way is worth waiting for.
        """

    def at_hand(self, seen: KeySet | None = None) -> KeySet | None:
        """Return what `current`, or with `seen` what `refreshed` would, or None if that means to wait."""

    def named(self, kid: str) -> tuple[VerificationKey, ...]:
        """Return the keys held under a kid, purged ones too, without asking anybody for newer ones."""

    def purge(self, purged: frozenset[str]) -> None:
        """Leave out, from the next token on, exactly the keys that `verifier.purge` names (KEY-024)."""


class FixedKeys:
    """The keys of the certificates that a customer selected (ONB-009); they change by onboarding only."""

    def __init__(self, keys: KeySet) -> None:
        self._all = self._keys = keys

    def current(self) -> KeySet:
        """Return the selected keys."""
        return self._keys

    def refreshed(self, seen: KeySet, *, wait: bool) -> KeySet:  # noqa: ARG002 - there is nothing to wait for
        """Return the same set: nothing can be newer."""
        return seen

    def at_hand(self, seen: KeySet | None = None) -> KeySet:
        """Return the selected keys."""
        return seen or self._keys

    def named(self, kid: str) -> tuple[VerificationKey, ...]:
        """Return the keys held under a kid."""
        return tuple(key for key in self._all.keys if key.kid == kid)

    def purge(self, purged: frozenset[str]) -> None:
        """Leave out exactly the keys named."""
        self._keys = without(self._all, purged)


@dataclass(slots=True)
class _Flight:
    """One fetch under way; `problem` is why it brought nothing."""

    done: threading.Event = field(default_factory=threading.Event)
    problem: FetchError | None = None


@dataclass(frozen=True, slots=True)
class _Held:
    """What tokens are judged by, replaced as a whole: the keys, until when, and what they were made of."""

    keys: KeySet
    until: float
    published: PublishedKeys
    body_at: float
    conditions: Mapping[str, str]


class JwksSource:
    """The JWKS behind one URL, kept in memory; safe to use by many threads.

    `monotonic` counts seconds and is never set back (OPS-016); `spawn` runs a fetch in the background, and
    `fetch` must end on its own. The lock is held for moments, never during a fetch.
    """

    def __init__(
        self,
        url: str,
        ca_file: str | None,
        policy: Policy,
        fetch: Fetch,
        monotonic: Callable[[], float],
        spawn: Spawn,
    ) -> None:
        self.url, self.ca_file = url, ca_file
        self._policy, self._fetch, self._monotonic, self._spawn = policy, fetch, monotonic, spawn
        self._lock = threading.Lock()
        self._waiting = threading.BoundedSemaphore(MAX_WAITING)
        self._held: _Held | None = None
        self._flight: _Flight | None = None
        self._purged: frozenset[str] = frozenset()
        self._due_at = self._provoked_at = self._renewed_at = float("-inf")
        self._failures = 0

    def load(self) -> KeySet:
        """Fetch now and return the set; FetchError if the endpoint does not answer with a JWKS (ONB-025)."""
        flight = self._scheduled(self._monotonic())
        landed = self._wait(flight)
        keys = self._trusted(self._monotonic())
        if keys is None:
            problem = flight.problem if flight and landed else None
            raise problem or FetchError("the JWKS endpoint does not answer in time")
        return keys

    def current(self) -> KeySet:
        """Return the set, read again in the background shortly before its period is over (KEY-002, OPS-006).

        Only where there is no set that may be used, tokens wait, all for one fetch (OPS-005, KEY-027).
        """
        now = self._monotonic()
        held = self._held
        if held is not None and now < self._due_at and now <= held.until:
            return held.keys
        flight = self._scheduled(now) if now >= self._due_at else self._flight
        keys = self._trusted(now)
        if keys is None and self._wait(flight):
            keys = self._trusted(self._monotonic())
        if keys is None:
            raise unavailable()
        return keys

    def refreshed(self, seen: KeySet, *, wait: bool) -> KeySet:
        """Read the set again because a token did not verify by `seen` (KEY-005, KEY-026).

        Tokens provoke at most one fetch in the policy's time, the first at once; the period runs on its own,
        so that a flood of bad tokens cannot hold off a rotation (KEY-006, KEY-007).
        """
        flight = self._flight
        if wait and flight and not self._wait(flight):  # the fetch under way may bring the key already
            return seen
        now = self._monotonic()
        if self._trusted(now) is seen:
            flight = self._provoked(seen, now)
            if wait:
                self._wait(flight)
        return self._trusted(self._monotonic()) or seen

    def at_hand(self, seen: KeySet | None = None) -> KeySet | None:
        """Return a set without ever waiting, for callers that must not (an event loop); None where one has to.

        Fetches are started as `current` and `refreshed` start them, in the background.
        """
        now = self._monotonic()
        flight = self._scheduled(now) if now >= self._due_at else self._flight
        keys = self._trusted(now)
        if keys is not None and keys is not seen:
            return keys
        if seen is not None:
            flight = flight or self._provoked(seen, now)
        if flight and not flight.done.is_set():
            return None
        keys = self._trusted(self._monotonic()) or seen
        if keys is None:
            raise unavailable()
        return keys

    def named(self, kid: str) -> tuple[VerificationKey, ...]:
        """Return the keys held under a kid, in the latest answer or lingering."""
        held = self._held
        if held is None:
            return ()
        keys = (*held.published.answer.keys, *(key for key, _ in held.published.left))
        return tuple(key for key in keys if key.kid == kid)

    def purge(self, purged: frozenset[str]) -> None:
        """Leave out exactly the keys named, now and after every fetch, whether or not one succeeds."""
        with self._lock:
            self._purged = purged
            if self._held:
                self._hold(self._held, self._monotonic())

    @property
    def next_fetches(self) -> tuple[float, float]:
        """From when on a token starts a fetch, as `monotonic` counts: one of any kid, and one of an unknown kid."""
        provocable_at = max(self._provoked_at + self._policy.refetch_min_s, self._renewed_at + _JUST_NOW_S)
        return self._due_at, provocable_at

    def _trusted(self, now: float) -> KeySet | None:
        held = self._held
        if held and now > held.until:  # some key's time is over
            with self._lock:
                if self._held is held:
                    self._hold(held, now)
                held = self._held
        return held.keys if held else None

    def _hold(self, held: _Held, now: float) -> None:
        """Judge by what was published, as of now and without what was purged; the lock is held."""
        trusted = held.published.trusted(now, self._policy.jwks_staleness_s)
        if trusted is None:
            self._held = None
        else:
            keys, until = trusted
            self._held = replace(held, keys=without(keys, self._purged), until=until)

    def _wait(self, flight: _Flight | None) -> bool:
        """Wait for a fetch, and tell whether it ended; not if there is none or too many wait already."""
        if flight is None or not self._waiting.acquire(blocking=False):
            return False
        try:
            return flight.done.wait(2 * self._policy.jwks_timeout_s)
        finally:
            self._waiting.release()

    def _scheduled(self, now: float) -> _Flight | None:
        """Start the fetch that is due, if no other thread did in the meantime."""
        with self._lock:
            if self._flight or now < self._due_at:
                return self._flight
            flight = self._flight = _Flight()
            held, policy = self._held, self._policy
        # KEY-035: but a body at least once in the staleness bound, whatever validators say.
        young = held and now - held.body_at + policy.jwks_period_s <= policy.jwks_staleness_s
        return self._start(flight, held.conditions if held and young else {})

    def _provoked(self, seen: KeySet, now: float) -> _Flight | None:
        """Start a fetch because of a token, unless one is under way or was provoked shortly before.

        It asks for the body without conditions: the token is a sign that the set did change.
        """
        with self._lock:
            soon = now < self.next_fetches[1]
            if self._flight or soon or (self._held and self._held.keys is not seen):
                return self._flight
            self._provoked_at = now
            flight = self._flight = _Flight()
        return self._start(flight, {})

    def _start(self, flight: _Flight, asked: Mapping[str, str]) -> _Flight:
        try:
            self._spawn(lambda: self._fly(flight, asked))
        except RuntimeError:  # no thread to be had
            self._fail(flight, FetchError("too many JWKS fetches at one time"))
        return flight

    def _fly(self, flight: _Flight, asked: Mapping[str, str]) -> None:
        """Fetch once and land, whatever happens; nothing is raised."""
        try:
            jwks, headers = self._ask(asked)
            self._land(flight, jwks, headers)
        except FetchError as problem:  # KEY-027: the last good set serves on
            self._fail(flight, problem)
        except Exception:  # noqa: BLE001 - a fetch is foreign code, and must not end the refreshing
            told = {"fields": {"event": "jwks_failed"}}
            _log.exception("the fetch of %s failed in an unforeseen way", quoted(self.url), extra=told)
            self._fail(flight, FetchError("the fetch failed in an unforeseen way"))

    def _ask(self, asked: Mapping[str, str]) -> tuple[Jwks | None, Mapping[str, str]]:
        """Return what the endpoint answers and with which headers, None for what is held already."""
        policy = self._policy
        answer = self._fetch(
            self.url,
            ca_file=self.ca_file,
            max_bytes=policy.jwks_max_bytes,
            timeout_s=policy.jwks_timeout_s,
            conditions=asked,
        )
        if answer.status == 304 and asked:  # KEY-035: to who asked for no body, and for nobody else
            return None, answer.headers
        if answer.status != 200:  # KEY-030: a redirect that was not followed is a failure like any other
            raise FetchError(f"the JWKS endpoint answered {answer.status}", wrong_page=answer.status == 404)
        # KEY-033: by what it is, whatever its media type says.
        try:
            jwks = parse_jwks(
                answer.body,
                read_x5c=policy.x5c_mismatch == "refuse_key",
                allow_test_keys=policy.allow_test_keys,
            )
        except ValueError as fault:
            raise FetchError(f"the JWKS endpoint answered no JWKS: {fault}", wrong_page=True) from None
        if jwks.is_empty and policy.empty_jwks == "keep_last_good":  # KEY-029
            raise FetchError("the JWKS endpoint answered an empty set")
        return jwks, answer.headers

    def _land(self, flight: _Flight, jwks: Jwks | None, headers: Mapping[str, str]) -> None:
        policy, now = self._policy, self._monotonic()
        fresh_s = fresh_for(headers, least_s=policy.refetch_min_s, most_s=policy.jwks_period_s)
        with self._lock:
            held = self._held
            if held:
                self._renewed_at = now
            if jwks is not None:
                published = held.published.then(jwks, now) if held else PublishedKeys(jwks, now)
                new = _Held(_NO_KEYS, now, published, now, conditions(headers))
            elif held:  # KEY-035: what is held is as good as new
                published = replace(held.published, seen_at=now)
                asked = conditions(headers) or held.conditions
                new = replace(held, published=published, conditions=asked)
            else:
                raise FetchError("the JWKS endpoint answered 304 for keys that were given up meanwhile")
            self._hold(new, now)
            self._failures = 0
            # OPS-006: early enough to have ended when the period does.
            self._due_at = now + fresh_s - min(2 * policy.jwks_timeout_s, fresh_s / 2)
            self._end(flight)
        if jwks and (held is None or held.published.answer.faults != jwks.faults):  # KEY-015: the alarm
            for fault in jwks.faults[:20]:
                told = {"fields": {"event": "jwks_key_unused"}}
                _log.warning("JWKS of %s: %s", quoted(self.url), fault, extra=told)

    def _fail(self, flight: _Flight, problem: FetchError) -> None:
        told = {"fields": {"event": "jwks_failed"}}
        _log.warning("JWKS of %s: %s", quoted(self.url), problem, extra=told)
        with self._lock:
            wait_s = min(_FIRST_RETRY_S * 2**self._failures, _LAST_RETRY_S)
            self._failures = min(self._failures + 1, 10)
            self._due_at = max(self._due_at, self._monotonic() + wait_s)
            flight.problem = problem
            self._end(flight)

    def _end(self, flight: _Flight) -> None:
        self._flight = None
        flight.done.set()


def unavailable() -> TokenRejected:
    """Return the judgement where there are no keys at all (OPS-011)."""
    return TokenRejected("unavailable", "no keys: the JWKS endpoint does not answer")
