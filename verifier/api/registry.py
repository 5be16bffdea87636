"""Every change to integrations and users, each made durable before a token is judged by it.

A change is judged, kept in the store, and only then known to the verifier; several processes may share one store,
and `sync` takes over what the others did (ONB-043, OPS-012). Must never keep a sample token (ONB-036).
"""

import logging
import threading
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from verifier.api.bodies import record_of
from verifier.api.store import ChangedMeanwhile, MemoryStore, Store, Stored
from verifier.errors import OnboardingAsked, OnboardingRefused
from verifier.integration import Integration
from verifier.mapping import User
from verifier.onboarding import FirstFetch
from verifier.policy import Policy
from verifier.verifier import Onboarded, Verifier

LOGGER: Final = logging.getLogger("verifier.registry")
_NOT_TAKEN: Final = "integration_not_taken"


class UnknownIntegration(KeyError):  # noqa: N818 - says what happened, as callers read it
    """There is no integration with this id."""


class Registry:
    """The integrations of one verifier, and the store behind them; safe to use by many threads."""

    def __init__(self, verifier: Verifier, store: Store | None = None) -> None:
        self.verifier = verifier
        self._store: Store = store or MemoryStore()
        self._syncing, self._purges = threading.Lock(), threading.Lock()
        self._seen: dict[str, int] = {}  # the revision that the verifier knows of each integration
        self._version: int | None = None

    def onboard(
        self,
        document: Mapping[str, Any],
        users: Iterable[User] | None = None,
        *,
        active: bool | None = None,
        first_fetch: FirstFetch = "required",
    ) -> Onboarded:
        """Set up or replace an integration; `document` is in the words of the admin API.

        `users` and `active` None leave these as they are; `first_fetch` as in `Verifier.onboard`. Raises
        OnboardingRefused or OnboardingAsked.
        """
        self.sync()
        kept = None if users is None else distinct(users)

        def keep(new: tuple[Integration, ...]) -> None:
            one, pairs = new[0], tuple((each.issuer, each.audience) for each in new)
            record = _settled(document, new, self.verifier.policy)
            stored = Stored(one.id, one.entity_id, pairs, record, one.state == "active", kept or ())
            self._seen[one.id] = self._store.put(stored, users=kept is not None)

        record = record_of(document)
        if active is not None:
            record = replace(record, active=active)
        return self.verifier.onboard(record, kept, first_fetch=first_fetch, before=keep)

    def offboard(self, identifier: str) -> bool:
        """Remove an integration with its users; False if there was none."""
        self.sync()

        def drop(_: tuple[Integration, ...]) -> None:
            self._store.drop(identifier)
            self._seen.pop(identifier, None)

        gone = self.verifier.offboard(identifier, before=drop)
        if not gone:  # one that the policy of this process does not take, and that it keeps for others
            gone = self._store.get(identifier) is not None
            self._store.drop(identifier)
        return gone

    def set_users(self, identifier: str, users: Iterable[User]) -> None:
        """Replace the users. UnknownIntegration; OnboardingRefused `user`."""
        self._set_users(identifier, distinct(users), None)

    def merge_users(self, identifier: str, users: Iterable[User]) -> None:
        """Add users, or replace those of the same name. UnknownIntegration; OnboardingRefused `user`."""
        changed = {user.name: user for user in distinct(users)}
        while True:
            stored, revision = self._get(identifier)
            merged = {user.name: user for user in stored.users} | changed
            try:
                self._set_users(identifier, tuple(merged.values()), revision)
            except ChangedMeanwhile:
                continue
            return

    def set_active(self, identifier: str, *, active: bool) -> None:
        """Let the integration's tokens in, or none of them (ONB-042). UnknownIntegration."""
        self.sync()

        def keep(_: tuple[Integration, ...]) -> None:
            self._seen[identifier] = self._store.set_active(identifier, active=active)

        self._known(lambda: self.verifier.set_active(identifier, active=active, before=keep), identifier)

    def purge_key(
        self, identifier: str, *, kid: str | None = None, thumbprint: str | None = None
    ) -> tuple[str, ...]:
        """Make keys unusable at once, at every process (KEY-024); return their thumbprints.

        UnknownIntegration; LookupError if no key is held under the kid; ValueError for no thumbprint.
        """
        self.sync()
        with self._purges:
            stored, _ = self._get(identifier)
            purged = self.verifier.purge_key(identifier, kid=kid, thumbprint=thumbprint)
            self._seen[identifier] = self._store.set_purged(identifier, stored.purged | frozenset(purged))
        return purged

    def restore_key(self, identifier: str, thumbprint: str) -> bool:
        """Lift a purge; False if there was none. UnknownIntegration."""
        self.sync()
        with self._purges:
            stored, _ = self._get(identifier)
            self._seen[identifier] = self._store.set_purged(identifier, stored.purged - {thumbprint})
            return self.verifier.restore_key(identifier, thumbprint)

    def get(self, identifier: str) -> Stored:
        """Return an integration as it is kept. UnknownIntegration."""
        return self._get(identifier)[0]

    def ids(self) -> list[str]:
        """Return the ids of all integrations, sorted."""
        return sorted(self._store.revisions())

    def sync(self) -> None:
        """Take over what other processes have changed since the last time; quick if there was nothing."""
        if self._store.version() == self._version:
            return
        with self._syncing:
            version = self._store.version()
            if version == self._version:
                return
            known = list(self._seen)
            latest = self._store.revisions()
            for identifier in known:
                if identifier not in latest:
                    self._forget(identifier)
            changed = [one for one, revision in latest.items() if self._seen.get(one) != revision]
            # An Entity ID may have moved from one integration to another: then the second try succeeds.
            failed = [one for one in changed if not self._load(one, last=False)]
            for one in failed:
                self._load(one, last=True)
            self._version = version

    def close(self) -> None:
        """Close the store."""
        self._store.close()

    def _load(self, identifier: str, *, last: bool) -> bool:
        """Let the verifier know an integration as it is kept; False if its policy does not take it."""
        found = self._store.get(identifier)
        while found:
            stored, revision = found

            def still(_: tuple[Integration, ...], revision: int = revision) -> None:
                now = self._store.get(identifier)
                if now is None or now[1] != revision:
                    raise ChangedMeanwhile
                self._seen[identifier] = revision

            try:
                self._restore(stored, still)
            except ChangedMeanwhile:
                found = self._store.get(identifier)
            except (OnboardingRefused, OnboardingAsked) as refused:
                if last:
                    fields = {"integration": identifier, "detail": str(refused)}
                    LOGGER.error(_NOT_TAKEN, extra={"fields": fields})  # noqa: TRY400 - a refusal, no fault
                    self.verifier.offboard(identifier)
                    self._seen[identifier] = revision
                return False
            else:
                break
        return True

    def _restore(self, stored: Stored, still: Any) -> None:
        old = self.verifier.purged_keys(stored.id)
        new = stored.purged - old
        # A purged key must not verify a single token: the integration wakes up after it is gone.
        record = replace(record_of(stored.record), active=stored.active and not new)
        self.verifier.onboard(record, stored.users, first_fetch="later", before=still)
        for key in new:
            self.verifier.purge_key(stored.id, thumbprint=key)
        for key in old - stored.purged:
            self.verifier.restore_key(stored.id, key)
        if new and stored.active:
            self.verifier.set_active(stored.id, active=True, before=still)

    def _forget(self, identifier: str) -> None:
        def still(_: tuple[Integration, ...]) -> None:
            if self._store.get(identifier):
                raise ChangedMeanwhile

        try:
            self.verifier.offboard(identifier, before=still)
        except ChangedMeanwhile:
            return
        self._seen.pop(identifier, None)

    def _set_users(self, identifier: str, users: tuple[User, ...], expected: int | None) -> None:
        self.sync()

        def keep(_: tuple[Integration, ...]) -> None:
            self._seen[identifier] = self._store.put_users(identifier, users, expected)

        self._known(lambda: self.verifier.set_users(identifier, users, before=keep), identifier)

    def _get(self, identifier: str) -> tuple[Stored, int]:
        found = self._store.get(identifier)
        if found is None:
            raise UnknownIntegration(identifier)
        return found

    def _known(self, change: Any, identifier: str) -> None:
        try:
            change()
        except KeyError:
            raise UnknownIntegration(identifier) from None


def _settled(document: Mapping[str, Any], new: tuple[Integration, ...], policy: Policy) -> dict[str, Any]:
    """Return what to keep of a document: without sample, and with what it and the policy said (ONB-036)."""
    record = {name: value for name, value in document.items() if name not in ("sample_token", "active")}
    for name, values in (
        ("issuer", [one.issuer for one in new]),
        ("audience", [one.audience for one in new]),
    ):
        record[name] = values if len(set(values)) > 1 else values[0]
    record |= {
        "leeway_s": new[0].claim_rules.leeway_s,
        "aud_from": "client_id" if new[0].by_client else "aud",
    }
    if record.get("algorithms") is None:
        record["algorithms"] = list(policy.algorithms)
    return record


def distinct(users: Iterable[User]) -> tuple[User, ...]:
    """Return the users; OnboardingRefused `user` if two have one name: a change could not tell them apart."""
    found = tuple(users)
    if len({user.name for user in found}) != len(found):
        raise OnboardingRefused("user", "two users have the same name", "users")
    return found
