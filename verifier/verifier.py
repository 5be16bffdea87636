"""The reference verifier: integrations in, tokens judged, users out.

`Verifier.authenticate` is the whole check of one token, in the order in which it must happen. It must never
let an unverified claim do more than choose the integration (SIG-030), and never raise anything but
TokenRejected.
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
from verifier.errors import OnboardingRefused, TokenRejected, quoted
from verifier.fetch import Fetch, HttpFetch
from verifier.header import check_replicas, read_header
from verifier.integration import Integration
from verifier.key_source import JwksSource
from verifier.mapping import User, directory_of, find_user
from verifier.onboarding import IntegrationRecord, Onboarding
from verifier.policy import Policy
from verifier.purge import checked, thumbprint_of


class Identity(msgspec.Struct, frozen=True):
    """Who a token stands for, and how that was found (MAP-046); `claims` are the verified ones."""

    user: str
    external_id: str
    claim: str
    fallback: bool
    integration: str
    kid: str | None
    claims: Mapping[str, Any]
    api_access: bool = True


Before = Callable[[Integration], None]
"""Called with an integration after all checks of a change to it and before the change counts for any token.

What it raises stops the change, so that a change can be made durable first. Changes come one at a time.
"""


@dataclass(frozen=True, slots=True)
class Onboarded:
    """An integration was set up; `warnings` are for the customer to read."""

    warnings: tuple[str, ...] = ()


class Verifier:
    """Judges tokens by the integrations that were onboarded; safe to use by many threads.

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
        self._clock, self._monotonic = clock, monotonic
        self._fetch = fetch or HttpFetch(
            allow_local=self.policy.allow_local_jwks, redirects=self.policy.redirects
        )
        self._spawn = spawn or ThreadPerWork()
        self._change = threading.Lock()  # serialises changes; judging takes no lock
        self._by_id: dict[str, Integration] = {}
        self._by_pair: dict[tuple[str, str], Integration] = {}
        self._by_entity: dict[str, str] = {}
        self._issuers: dict[str, int] = {}  # how many pairs an issuer has, to tell `issuer` from `audience`
        self._purged: dict[str, frozenset[str]] = {}  # KEY-024: by id, whatever becomes of the integration

    def authenticate(self, token: str | bytes, *, wait: bool = True) -> Identity:
        """Judge one token and return whom it stands for; TokenRejected, whatever the input is.

        With `wait` false it never waits for an endpoint, and raises WouldWait instead.
        """
        jws = split_compact(token, self.policy.max_token_bytes)
        header, claims = read_header(jws.header_segment), decode_object(jws.payload)
        check_replicas(header, claims)
        integration = None
        try:
            integration = self._integration_of(claims)
            key = integration.check_signature(jws, header, wait=wait)
            exp_required = self.policy.exp_required
            check_claims(
                claims, integration.issuer, self._clock(), integration.leeway_s, exp_required=exp_required
            )
            match = find_user(claims, integration.custom_claim, integration.users)
        except TokenRejected as rejected:
            rejected.kid, rejected.integration = header.kid, integration.id if integration else None
            raise
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

    def onboard(
        self,
        record: IntegrationRecord,
        users: Iterable[User] | None = None,
        *,
        active: bool | None = None,
        restart: bool = False,
        before: Before | None = None,
    ) -> Onboarded:
        """Set up an integration, or replace the one with the same id, at once or not at all (ONB-043).

        `users` and `active` None leave these as they are; a new integration is active. `restart` says that the
        record was accepted before: if its JWKS endpoint is down now, its tokens are rejected until it is back
        (OPS-011). Raises OnboardingRefused or OnboardingAsked.
        """
        onboarding = self._onboarding(record, restart=restart)
        self._accept(onboarding.integration(record), users, active, before)
        return Onboarded(tuple(onboarding.warnings))

    def restore(
        self,
        record: IntegrationRecord,
        users: Iterable[User],
        *,
        active: bool = True,
        before: Before | None = None,
    ) -> None:
        """Set up an integration that was accepted before, without asking its IdP now (OPS-011).

        Raises OnboardingRefused or OnboardingAsked if the policy no longer allows the record.
        """
        onboarding = self._onboarding(record, restart=True, restoring=True)
        self._accept(onboarding.integration(record), users, active, before)

    def set_active(
        self,
        id: str,  # noqa: A002 - the protocol's word
        *,
        active: bool,
        before: Before | None = None,
    ) -> None:
        """Let an integration's tokens in, or none of them (ONB-042). KeyError if there is no such one."""
        with self._change:
            new = replace(self._by_id[id], active=active)
            if before:
                before(new)
            self._put(new)

    def offboard(self, id: str, *, before: Before | None = None) -> bool:  # noqa: A002 - the protocol's word
        """Remove an integration; its tokens are rejected from now on (ONB-042). False if there was none."""
        with self._change:
            old = self._by_id.get(id)
            if old and before:
                before(old)
            if old:
                del self._by_id[id]
                self._by_entity.pop(old.entity_id, None)
                self._drop_pair(old)
        return old is not None

    def set_users(
        self,
        id: str,  # noqa: A002 - the protocol's word
        users: Iterable[User],
        *,
        before: Before | None = None,
    ) -> None:
        """Replace the users of an integration, for tokens already issued too (MAP-039, MAP-042).

        Raises KeyError if there is no such integration, and OnboardingRefused `user` for a user that is none.
        """
        directory = directory_of(users)
        with self._change:
            new = replace(self._by_id[id], users=directory)
            if before:
                before(new)
            self._put(new)

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
            source = self._by_id[id].keys
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
            for index in (self._by_pair, self._by_id, self._by_entity, self._issuers, self._purged):
                index.clear()

    def _integration_of(self, claims: Mapping[str, Any]) -> Integration:
        """Choose by the unverified issuer and audience, exactly and as a pair (CLM-001 to CLM-009)."""
        issuer, audience = (_present(claims, name) for name in ("iss", "aud"))
        if not isinstance(issuer, str):  # CLM-003
            raise TokenRejected("claim_type", "iss is no string", "iss")
        audiences = [audience] if isinstance(audience, str) else audience
        if not isinstance(audiences, list) or not all(isinstance(one, str) for one in audiences):  # CLM-006
            raise TokenRejected("claim_type", "aud is neither a string nor a list of strings", "aud")
        found = {id(one): one for value in audiences if (one := self._by_pair.get((issuer, value)))}
        if len(found) == 1:
            integration = found.popitem()[1]
            if not integration.active:  # ONB-042
                raise TokenRejected("issuer", f"integration {quoted(integration.id)} is not active", "iss")
            return integration
        if issuer not in self._issuers:
            raise TokenRejected("issuer", f"iss {quoted(issuer)} is not configured", "iss")
        detail = "meant for several integrations at once" if found else "not meant for this API"
        raise TokenRejected("audience", detail, "aud")

    def _jwks_source(self, url: str, ca_file: str | None) -> JwksSource:
        return JwksSource(url, ca_file, self.policy, self._fetch, self._monotonic, self._spawn)

    def _onboarding(self, record: IntegrationRecord, *, restart: bool, restoring: bool = False) -> Onboarding:
        old = self._by_id.get(record.id) if isinstance(record.id, str) else None
        known = old.keys if old and isinstance(old.keys, JwksSource) else None
        source, now = self._jwks_source, self._clock()
        return Onboarding(self.policy, now, source, known, restart=restart, restoring=restoring)

    def _accept(
        self,
        new: Integration,
        users: Iterable[User] | None,
        active: bool | None,  # noqa: FBT001 - private; its callers name it
        before: Before | None,
    ) -> None:
        directory = None if users is None else directory_of(users)
        with self._change:
            current = self._by_id.get(new.id)
            if directory is None:
                directory = current.users if current else {}
            if active is None:
                active = current.active if current else True
            new = replace(new, users=directory, active=active)
            self._check_free(new)
            if before:
                before(new)
            new.keys.purge(self._purged.get(new.id, frozenset()))
            self._put(new)

    def _set_purged(self, id: str, purged: frozenset[str]) -> None:  # noqa: A002 - the protocol's word
        if purged:
            self._purged[id] = purged
        else:
            self._purged.pop(id, None)
        if integration := self._by_id.get(id):
            integration.keys.purge(purged)

    def _check_free(self, new: Integration) -> None:
        """Refuse what belongs to another integration, without telling whose it is (ONB-003, ONB-040)."""
        if self._by_entity.get(new.entity_id, new.id) != new.id:
            raise OnboardingRefused("entity_id_taken", "this Entity ID is in use", "entity_id")
        owner = self._by_pair.get((new.issuer, new.audience))
        if owner and owner.id != new.id:
            raise OnboardingRefused("issuer_taken", "this issuer with this audience is in use", "issuer")

    def _put(self, new: Integration) -> None:
        """Let the new integration stand before the old one goes: a token in between sees one of them."""
        old = self._by_id.get(new.id)
        pair = (new.issuer, new.audience)
        if pair not in self._by_pair:
            self._issuers[new.issuer] = self._issuers.get(new.issuer, 0) + 1
        self._by_pair[pair] = self._by_id[new.id] = new
        if old and (old.issuer, old.audience) != pair:
            self._drop_pair(old)
        if old and old.entity_id != new.entity_id:
            self._by_entity.pop(old.entity_id, None)
        self._by_entity[new.entity_id] = new.id

    def _drop_pair(self, old: Integration) -> None:
        self._by_pair.pop((old.issuer, old.audience), None)
        self._issuers[old.issuer] -= 1
        if not self._issuers[old.issuer]:
            del self._issuers[old.issuer]


def _present(claims: Mapping[str, Any], name: str) -> object:
    if name not in claims:
        raise TokenRejected("claim_missing", f"no {name}", name)
    return claims[name]
