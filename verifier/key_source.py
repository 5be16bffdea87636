"""Where the keys of one integration come from: a fixed set, or the JWKS behind a URL.

Must never share a set between integrations (KEY-036), take an answer that is no JWKS for a new set (KEY-028),
or let tokens drive fetches faster than the policy says (KEY-006).
"""

import threading
from collections.abc import Callable
from typing import Protocol

from verifier.errors import FetchError, TokenRejected
from verifier.fetch import Fetch
from verifier.keys import KeySet, parse_jwks
from verifier.policy import Policy

_FIRST_RETRY_S, _LAST_RETRY_S = 5.0, 300.0  # after a failed fetch: doubled each time, capped (OPS-011)


class KeySource(Protocol):
    """The keys of one integration, as they are now."""

    def current(self) -> KeySet:
        """Return the set to judge by; TokenRejected `unavailable` if there is none."""

    def refreshed(self, seen: KeySet) -> KeySet:
        """Return the set to judge by after `seen` failed a token: `seen` itself if no newer may be had."""

    def at_hand(self, seen: KeySet | None = None) -> KeySet | None:
        """Return what `current`, or with `seen` what `refreshed` would, or None if that means to wait."""


class FixedKeys:
    """The keys of the certificates that a customer selected (ONB-009); they change by onboarding only."""

    def __init__(self, keys: KeySet) -> None:
        self._keys = keys

    def current(self) -> KeySet:
        """Return the selected keys."""
        return self._keys

    def refreshed(self, seen: KeySet) -> KeySet:
        """Return the same set: nothing can be newer."""
        return seen

    def at_hand(self, seen: KeySet | None = None) -> KeySet:
        """Return the selected keys."""
        return seen or self._keys


class JwksSource:
    """The JWKS behind one URL, kept in memory; safe to use by many threads.

    `monotonic` counts seconds and is never set back (OPS-016).
    """

    def __init__(
        self, url: str, ca_file: str | None, policy: Policy, fetch: Fetch, monotonic: Callable[[], float]
    ) -> None:
        self.url, self.ca_file = url, ca_file
        self._policy, self._fetch, self._monotonic = policy, fetch, monotonic
        self._flight = threading.Lock()
        self._keys: KeySet | None = None
        self._fetched_at = float("-inf")
        self._due_at = float("-inf")
        self._provoked_at = float("-inf")
        self._failures = 0

    def load(self) -> KeySet:
        """Fetch now and return the set; FetchError if the endpoint does not answer with a JWKS (ONB-025)."""
        with self._flight:
            return self._load()

    def current(self) -> KeySet:
        """Return the set, read again when its period is over (KEY-002).

        While one thread reads, the others go on with the set they have, unless it is too old (KEY-027).
        """
        keys = self._fresh_enough()
        if self._monotonic() >= self._due_at and self._flight.acquire(blocking=keys is None):
            try:
                if self._monotonic() >= self._due_at:  # another thread may have read it while this one waited
                    self._try_load()
            finally:
                self._flight.release()
            keys = self._fresh_enough()
        if keys is None:
            raise _unavailable()
        return keys

    def refreshed(self, seen: KeySet) -> KeySet:
        """Read the set again because a token did not verify by `seen` (KEY-005, KEY-026).

        Tokens provoke at most one fetch in the policy's time, the first at once; the period runs on its own,
        so that a flood of bad tokens cannot hold off a rotation (KEY-006, KEY-007). Those who come while one
        is under way wait for it.
        """
        with self._flight:
            now = self._monotonic()
            if self._keys is seen and now - self._provoked_at >= self._policy.refetch_min_s:
                self._provoked_at = now
                self._try_load()
        return self._fresh_enough() or seen

    def at_hand(self, seen: KeySet | None = None) -> KeySet | None:
        """Return a set without ever waiting, for callers that must not (an event loop); None where one has to.

        A set whose period is over is read again in a thread of its own meanwhile (OPS-006).
        """
        now = self._monotonic()
        keys = self._fresh_enough()
        if keys is not None and keys is not seen:
            if now >= self._due_at and self._flight.acquire(blocking=False):
                threading.Thread(target=self._load_in_flight, name="jwks-refresh", daemon=True).start()
            return keys
        if self._flight.locked():
            return None
        if seen is not None:
            return None if now - self._provoked_at >= self._policy.refetch_min_s else seen
        if now < self._due_at:
            raise _unavailable()
        return None

    def _load_in_flight(self) -> None:
        try:
            self._try_load()
        finally:
            self._flight.release()

    def _fresh_enough(self) -> KeySet | None:
        too_old = self._monotonic() - self._fetched_at > self._policy.jwks_staleness_s
        return None if too_old else self._keys

    def _try_load(self) -> None:
        try:
            self._load()
        except FetchError:  # KEY-027: the last good set serves on
            wait = min(_FIRST_RETRY_S * 2**self._failures, _LAST_RETRY_S)
            self._failures = min(self._failures + 1, 10)
            self._due_at = max(self._due_at, self._monotonic() + wait)

    def _load(self) -> KeySet:
        policy = self._policy
        answer = self._fetch(
            self.url, ca_file=self.ca_file, max_bytes=policy.jwks_max_bytes, timeout_s=policy.jwks_timeout_s
        )
        if answer.status != 200:  # KEY-030: a redirect is a failure like any other
            raise FetchError(f"the JWKS endpoint answered {answer.status}")
        try:
            keys = parse_jwks(answer.body)
        except ValueError as fault:
            raise FetchError(f"the JWKS endpoint answered no JWKS: {fault}") from None
        # A whole new set, even an empty one: a key that left it is gone (KEY-023, KEY-029).
        self._keys, self._failures = keys, 0
        self._fetched_at = self._monotonic()
        self._due_at = self._fetched_at + policy.jwks_period_s
        return keys


def _unavailable() -> TokenRejected:
    return TokenRejected("unavailable", "no keys: the JWKS endpoint does not answer")
