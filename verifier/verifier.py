"""The reference verifier: integrations in, tokens judged, users out.

`Verifier.authenticate` is the whole check of one token, in the order in which it must happen. It must never
raise anything but TokenRejected, or WouldWait where that was asked for.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from verifier.background import Spawn, ThreadPerWork
from verifier.claims import check_claims
from verifier.compact import decode_object, split_compact
from verifier.errors import TokenRejected, WouldWait
from verifier.fetch import Fetch, HttpFetch
from verifier.header import accepted_types, check_replicas, check_type, read_header
from verifier.integration import Integration, State, check_dates
from verifier.key_source import JwksSource
from verifier.keys import VerificationKey
from verifier.mapping import Match, User
from verifier.onboarding import FirstFetch, IntegrationRecord, Onboarding, jwks_of
from verifier.policy import Policy
from verifier.purge import checked, thumbprint_of
from verifier.register import Register

Before = Callable[[tuple[Integration, ...]], None]
"""Called with the integrations of a record after all checks of a change, and before it counts for any token.

What it raises stops the change, so that a change can be made durable first. Changes come one at a time.
"""


class Identity(msgspec.Struct, frozen=True, gc=False):
    """Who a token stands for, and how that was found (MAP-046); `claims` are the verified ones."""

    user: str
    external_id: str
    claim: str
    fallback: bool
    integration: str
    kid: str | None
    claims: Mapping[str, Any]
    api_access: bool = True
    """Whether the user may use the API at all (MAP-040)."""


def identity_of(
    match: Match, integration: Integration, key: VerificationKey, claims: Mapping[str, Any]
) -> Identity:
    """Put together whom a token that passed every check stands for."""
    user = match.user
    return Identity(
        user.name,
        match.external_id,
        match.claim,
        match.fallback,
        integration.id,
        key.kid,
        claims,
        user.api_access,
    )


@dataclass(frozen=True, slots=True)
class Onboarded:
    """An integration was set up; `warnings` are for the customer to read."""

    warnings: tuple[str, ...] = ()


class Verifier:
    """Judges tokens by the integrations that were onboarded; safe to use by many threads.

    Nothing of one judgement is left for the next: no state of a token, a user or a thread (OPS-003, OPS-013), and
    no result that another token could share (OPS-010, SIG-016).

    `clock` gives seconds since the epoch and judges tokens; `monotonic` gives seconds that never go back and
    paces the fetching of keys; `fetch` gets JWKS documents, and `spawn` runs it in the background.
    """

    def __init__(
        self,
        policy: Policy | None = None,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        fetch: Fetch | None = None,
        spawn: Spawn | None = None,
    ) -> None:
        self.policy = policy or Policy()
        self.register = Register()
        self._clock, self._monotonic = clock, monotonic
        self._fetch = fetch or HttpFetch(
            allow_local=self.policy.allow_local_jwks, redirects=self.policy.redirects
        )
        self._spawn = spawn or ThreadPerWork()
        self.types = accepted_types(self.policy)
        self._change = threading.Lock()  # serialises changes; judging takes no lock
        self._purged: dict[str, frozenset[str]] = {}  # KEY-024: by id, whatever becomes of the integration

    def authenticate(self, token: str | bytes, *, wait: bool = True) -> Identity:
        """Judge one token and return whom it stands for; TokenRejected, whatever the input is.

        With `wait` false it never waits for an endpoint, and raises WouldWait instead.
        """
        jws = split_compact(token, self.policy.max_token_bytes)
        header, claims = read_header(jws.header_segment), decode_object(jws.payload)
        check_type(header, self.types)
        if header.replicas:
            check_replicas(header, claims)
        integration = None
        try:
            integration = self.register.choose(claims)
            key = integration.check_signature(jws, header, wait=wait)
            now = self._clock()
            if integration.dated_keys:
                check_dates(key, now)
            check_claims(claims, now, integration.claim_rules)
            match = integration.users.find(claims)
        except TokenRejected as rejected:
            rejected.kid, rejected.integration = header.kid, integration.id if integration else None
            raise
        except WouldWait as need:
            need.rejected.kid, need.rejected.integration = header.kid, need.integration
            raise
        return identity_of(match, integration, key, claims)

    def now(self) -> float:
        """Return the time by which tokens are judged, in seconds since the epoch."""
        return self._clock()

    def onboard(
        self,
        record: IntegrationRecord,
        users: Iterable[User] | None = None,
        *,
        first_fetch: FirstFetch = "required",
        before: Before | None = None,
    ) -> Onboarded:
        """Set up an integration, or replace the one with the same id, at once or not at all (ONB-043).

        `users` None leaves the users as they are. `first_fetch` says whether the JWKS must be had now
        (ONB-025), or, for a record that was accepted before, is `tried`, with a warning, or left for `later`,
        when the first token needs it (OPS-011). Raises OnboardingRefused or OnboardingAsked.
        """
        known = jwks_of(self.register.get(record.id))
        onboarding = Onboarding(self.policy, self._clock(), self._jwks_source, known, first_fetch=first_fetch)
        made = onboarding.integrations(record)
        given = None if users is None else made[0].users.having(users)
        with self._change:
            current = self.register.get(made[0].id)
            known_users = current[0].users.users if current else ()
            finder = given if given is not None else made[0].users.having(known_users)
            state = made[0].state if record.active is not None or not current else current[0].state
            new = tuple(replace(one, users=finder, state=state) for one in made)
            self.register.check_free(new)
            if before:
                before(new)
            new[0].keys.purge(self.purged_keys(new[0].id))  # pairs of one record share their keys
            self.register.put(new)
        return Onboarded(tuple(onboarding.warnings))

    def offboard(self, id: str, *, before: Before | None = None) -> bool:  # noqa: A002 - the protocol's word
        """Remove an integration; its tokens are rejected from now on (ONB-042). False if there was none."""
        with self._change:
            old = self.register.get(id)
            if old and before:
                before(old)
            self.register.remove(id)
        return bool(old)

    def set_active(
        self,
        id: str,  # noqa: A002 - the protocol's word
        *,
        active: bool,
        before: Before | None = None,
    ) -> None:
        """Let an integration's tokens count from now on, or none of them (ONB-042); KeyError if there is none."""
        with self._change:
            state: State = "active" if active else "disabled"
            self._replace(id, lambda one: replace(one, state=state), before)

    def state(self, id: str) -> State:  # noqa: A002 - the protocol's word
        """Tell whether the tokens of an integration count (ONB-042); KeyError if there is none."""
        return self._known(id)[0].state

    def set_users(
        self,
        id: str,  # noqa: A002 - the protocol's word
        users: Iterable[User],
        *,
        before: Before | None = None,
    ) -> None:
        """Replace the users of an integration, for tokens already issued too (MAP-039, MAP-042).

        Raises KeyError if there is no such integration, and OnboardingRefused `user` for a user that is none
        or has the External ID of another (MAP-037).
        """
        given = tuple(users)
        with self._change:
            finder = self._known(id)[0].users.having(given)
            self._replace(id, lambda one: replace(one, users=finder), before)

    def purge_key(
        self,
        id: str,  # noqa: A002 - the protocol's word
        *,
        kid: str | None = None,
        thumbprint: str | None = None,
    ) -> tuple[str, ...]:
        """Make the keys held under a kid, or the one with a thumbprint, unusable at once (KEY-024).

        It holds for the key, not the kid: until `restore_key`, and whatever the JWKS endpoint answers, or
        does not. Returns the thumbprints purged. `thumbprint` is an RFC 7638 one, or the SHA-256 of the SPKI
        in hexadecimal; it need not be of a key that is held. Raises KeyError if there is no such integration
        or no key under the kid, ValueError if not exactly one of the two is given or it is no thumbprint.
        """
        if (kid is None) == (thumbprint is None):
            raise ValueError("either a kid or a thumbprint")
        with self._change:
            source = self._known(id)[0].keys
            if thumbprint is not None:
                names = frozenset({checked(thumbprint)})
            else:
                names = frozenset(thumbprint_of(key.material) for key in source.named(str(kid)))
            if not names:
                raise KeyError(kid)
            self._set_purged(id, self.purged_keys(id) | names)
        return tuple(sorted(names))

    def restore_key(self, id: str, thumbprint: str) -> bool:  # noqa: A002 - the protocol's word
        """Lift the purge of a key, named as `purged_keys` lists it; False if there was none."""
        with self._change:
            purged = self.purged_keys(id)
            self._set_purged(id, purged - {thumbprint})
        return thumbprint in purged

    def purged_keys(self, id: str) -> frozenset[str]:  # noqa: A002 - the protocol's word
        """Return the thumbprints of the keys that were purged; also of an integration that has gone."""
        return self._purged.get(id, frozenset())

    def reset(self) -> None:
        """Forget every integration, user and key, and which keys were purged."""
        with self._change:
            self.register.clear()
            self._purged.clear()

    def _jwks_source(self, url: str, ca_file: str | None) -> JwksSource:
        return JwksSource(url, ca_file, self.policy, self._fetch, self._monotonic, self._spawn)

    def _known(self, id: str) -> tuple[Integration, ...]:  # noqa: A002 - the protocol's word
        made = self.register.get(id)
        if not made:
            raise KeyError(id)
        return made

    def _replace(
        self,
        id: str,  # noqa: A002 - the protocol's word
        change: Callable[[Integration], Integration],
        before: Before | None,
    ) -> None:
        new = tuple(change(one) for one in self._known(id))
        if before:
            before(new)
        self.register.put(new)

    def _set_purged(self, id: str, purged: frozenset[str]) -> None:  # noqa: A002 - the protocol's word
        if purged:
            self._purged[id] = purged
        else:
            self._purged.pop(id, None)
        if made := self.register.get(id):
            made[0].keys.purge(purged)
