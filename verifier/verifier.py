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
from verifier.header import accepted_types, check_replicas, check_type, read_header
from verifier.integration import Integration, State, check_dates
from verifier.key_source import JwksSource
from verifier.mapping import User
from verifier.onboarding import IntegrationRecord, Onboarding, jwks_of
from verifier.policy import Policy
from verifier.purge import checked, thumbprint_of

_Pair = tuple[str, str]
"""Issuer and audience."""


class Identity(msgspec.Struct, frozen=True):
    """Who a token stands for, and how that was found (MAP-046); `claims` are the verified ones."""

    user: str
    external_id: str
    claim: str
    fallback: bool
    integration: str
    kid: str | None
    claims: Mapping[str, Any]


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
        self._types = accepted_types(self.policy)
        self._change = threading.Lock()  # serialises changes; judging takes no lock
        self._by_id: dict[str, tuple[Integration, ...]] = {}  # one for each pair of issuer and audience
        self._by_entity: dict[str, str] = {}
        self._owners: dict[_Pair, str] = {}  # pairs that are taken, active or not
        self._by_pair: dict[_Pair, Integration] = {}  # active integrations alone (ONB-042)
        self._by_client: dict[_Pair, Integration] = {}
        self._issuers: dict[str, int] = {}  # how many pairs an issuer has, to tell `issuer` from `audience`
        self._purged: dict[str, frozenset[str]] = {}  # KEY-024: by id, whatever becomes of the integration

    def authenticate(self, token: str | bytes) -> Identity:
        """Judge one token and return whom it stands for; TokenRejected, whatever the input is."""
        jws = split_compact(token, self.policy.max_token_bytes)
        header, claims = read_header(jws.header_segment), decode_object(jws.payload)
        check_type(header, self._types)
        check_replicas(header, claims)
        integration = self._integration_of(claims)
        key = integration.check_signature(jws, header)
        now = self._clock()
        if integration.dated_keys:
            check_dates(key, now)
        check_claims(claims, now, integration.claim_rules)
        match = integration.users.find(claims)
        return Identity(
            match.user.name, match.external_id, match.claim, match.fallback, integration.id, key.kid, claims
        )

    def onboard(
        self, record: IntegrationRecord, users: Iterable[User] | None = None, *, restart: bool = False
    ) -> Onboarded:
        """Set up an integration, or replace the one with the same id, at once or not at all (ONB-043).

        `users` None leaves the users as they are. `restart` says that the record was accepted before: if its
        JWKS endpoint is down now, its tokens are rejected until it is back (OPS-011). Raises
        OnboardingRefused or OnboardingAsked.
        """
        old = self._by_id.get(record.id, ()) if isinstance(record.id, str) else ()
        onboarding = Onboarding(self.policy, self._clock(), self._jwks_source, jwks_of(old), restart=restart)
        made = onboarding.integrations(record)
        given = None if users is None else tuple(users)
        with self._change:
            current = self._by_id.get(made[0].id, ())
            known = given if given is not None else current[0].users.users if current else ()
            users_of_it = made[0].users.having(known)
            state = made[0].state if record.active is not None or not current else current[0].state
            new = tuple(replace(one, users=users_of_it, state=state) for one in made)
            self._check_free(new)
            new[0].keys.purge(self._purged.get(new[0].id, frozenset()))
            self._put(new)
        return Onboarded(tuple(onboarding.warnings))

    def offboard(self, id: str) -> bool:  # noqa: A002 - the protocol's word
        """Remove an integration; its tokens are rejected from now on (ONB-042). False if there was none."""
        with self._change:
            old = self._by_id.pop(id, ())
            for one in old:
                self._drop(one)
                self._by_entity.pop(one.entity_id, None)
        return bool(old)

    def activate(self, id: str) -> None:  # noqa: A002 - the protocol's word
        """Let the tokens of an integration count from now on (ONB-042); KeyError if there is none."""
        self._set_state(id, "active")

    def deactivate(self, id: str) -> None:  # noqa: A002 - the protocol's word
        """Let its tokens count no more, and keep all else (ONB-042); KeyError if there is none."""
        self._set_state(id, "disabled")

    def state(self, id: str) -> State:  # noqa: A002 - the protocol's word
        """Tell whether the tokens of an integration count (ONB-042); KeyError if there is none."""
        return self._by_id[id][0].state

    def set_users(self, id: str, users: Iterable[User]) -> None:  # noqa: A002 - the protocol's word
        """Replace the users of an integration, for tokens already issued too (MAP-039, MAP-042).

        Raises KeyError if there is no such integration, and OnboardingRefused `user` for a user that is none
        or has the External ID of another (MAP-037).
        """
        given = tuple(users)
        with self._change:
            old = self._by_id[id]
            found = old[0].users.having(given)
            self._put(tuple(replace(one, users=found) for one in old))

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
            source = self._by_id[id][0].keys
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
            indexes = (
                self._by_pair,
                self._by_client,
                self._by_id,
                self._by_entity,
                self._owners,
                self._purged,
            )
            for index in indexes:
                index.clear()
            self._issuers.clear()

    def _integration_of(self, claims: Mapping[str, Any]) -> Integration:
        """Choose by the unverified issuer and audience, exactly and as a pair (CLM-001 to CLM-009, CLM-033).

        No IdP has a form of its own here: versions, tenants, clouds, realms and hosts are other texts (AZR-001
        to AZR-004, AZR-013, AZR-023, IDP-008, IDP-010), and no claim but `aud` says for whom a token is, unless
        an integration says so (IDP-006, IDP-011, IDP-014).
        """
        issuer = _present(claims, "iss")
        if not isinstance(issuer, str):  # CLM-003
            raise TokenRejected("claim_type", "iss is no string", "iss")
        if "aud" not in claims and (by_client := self._of_client(issuer, claims)):
            return by_client
        audience = _present(claims, "aud")
        audiences = [audience] if isinstance(audience, str) else audience
        if not isinstance(audiences, list) or not all(isinstance(one, str) for one in audiences):  # CLM-006
            raise TokenRejected("claim_type", "aud is neither a string nor a list of strings", "aud")
        found = {one.id: one for value in audiences if (one := self._by_pair.get((issuer, value)))}
        if len(found) == 1:
            return found.popitem()[1]
        if issuer not in self._issuers:
            raise TokenRejected("issuer", f"iss {quoted(issuer)} is not configured", "iss")
        detail = "meant for several integrations at once" if found else "not meant for this API"
        raise TokenRejected("audience", detail, "aud")

    def _of_client(self, issuer: str, claims: Mapping[str, Any]) -> Integration | None:
        """Choose by issuer and `client_id`, where an integration says that this is its audience (IDP-014)."""
        client = claims.get("client_id")
        return self._by_client.get((issuer, client)) if isinstance(client, str) else None

    def _jwks_source(self, url: str, ca_file: str | None) -> JwksSource:
        return JwksSource(url, ca_file, self.policy, self._fetch, self._monotonic, self._spawn)

    def _set_purged(self, id: str, purged: frozenset[str]) -> None:  # noqa: A002 - the protocol's word
        if purged:
            self._purged[id] = purged
        else:
            self._purged.pop(id, None)
        if made := self._by_id.get(id):
            made[0].keys.purge(purged)  # pairs of one record share their keys

    def _check_free(self, new: tuple[Integration, ...]) -> None:
        """Refuse what belongs to another integration, without telling whose it is (ONB-003, ONB-040)."""
        if self._by_entity.get(new[0].entity_id, new[0].id) != new[0].id:
            detail = "this Entity ID is in use by another integration; send the one of your own IdP"
            raise OnboardingRefused("entity_id_taken", detail, "entity_id")
        for one in new:
            if self._owners.get(_pair(one), one.id) != one.id:
                detail = "this issuer with this audience is in use by another integration; use an audience of your own"
                raise OnboardingRefused("issuer_taken", detail, "issuer")

    def _put(self, new: tuple[Integration, ...]) -> None:
        """Let the new integration stand before the old one goes: a token in between sees one of them."""
        old = self._by_id.get(new[0].id, ())
        for one in new:
            self._owners[_pair(one)] = one.id
            if one.state == "active":
                if _pair(one) not in self._by_pair:
                    self._issuers[one.issuer] = self._issuers.get(one.issuer, 0) + 1
                self._by_pair[_pair(one)] = one
            if one.state == "active" and one.by_client:
                self._by_client[_pair(one)] = one
        self._by_id[new[0].id] = new
        kept = {_pair(one): one for one in new}
        for one in old:
            successor = kept.get(_pair(one))
            if successor is None:
                self._drop(one)
            elif successor.state != "active":
                self._close(one)
            elif not successor.by_client:
                self._by_client.pop(_pair(one), None)
            if one.entity_id != new[0].entity_id:
                self._by_entity.pop(one.entity_id, None)
        self._by_entity[new[0].entity_id] = new[0].id

    def _set_state(self, id: str, state: State) -> None:  # noqa: A002 - the protocol's word
        with self._change:
            self._put(tuple(replace(one, state=state) for one in self._by_id[id]))

    def _drop(self, old: Integration) -> None:
        """Let a pair go to whoever asks for it next."""
        self._close(old)
        del self._owners[_pair(old)]

    def _close(self, old: Integration) -> None:
        """Let no token come to a pair any more."""
        self._by_client.pop(_pair(old), None)
        if self._by_pair.pop(_pair(old), None):
            self._issuers[old.issuer] -= 1
            if not self._issuers[old.issuer]:
                del self._issuers[old.issuer]


def _pair(one: Integration) -> _Pair:
    return one.issuer, one.audience


def _present(claims: Mapping[str, Any], name: str) -> object:
    if name not in claims:
        raise TokenRejected("claim_missing", f"no {name}", name)
    return claims[name]
