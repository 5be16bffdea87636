"""What is kept of integrations, and the store that keeps it in memory; `state.py` has the one in a file.

No token, sample or private key ever comes here: records are what onboarding has accepted, with the sample left out
(ONB-036).
"""

import itertools
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from verifier.errors import VerifierError
from verifier.mapping import User


@dataclass(frozen=True, slots=True)
class Stored:
    """One integration as it is kept; `record` is in the words of the admin API, without sample.

    `purged` names keys as `verifier.Verifier.purge_key` does (KEY-024).
    """

    id: str
    entity_id: str
    pairs: tuple[tuple[str, str], ...]
    """Its issuers, each with its audience; no other integration has one of them (ONB-040)."""
    record: Mapping[str, Any]
    active: bool
    users: tuple[User, ...] = ()
    purged: frozenset[str] = frozenset()


class ChangedMeanwhile(VerifierError):  # noqa: N818 - says what happened, as callers read it
    """Somebody else has changed the integration since it was read."""


class Store(Protocol):
    """Keeps integrations. Every change gives the integration a new revision, a number that only grows.

    The methods that change one raise KeyError if it is not there.
    """

    def version(self) -> int:
        """Return a number that is another one after another process has changed something."""

    def revisions(self) -> dict[str, int]:
        """Return the revision of each integration."""

    def get(self, identifier: str) -> tuple[Stored, int] | None:
        """Return an integration and its revision, read at one moment."""

    def put(self, stored: Stored, *, users: bool) -> int:
        """Keep an integration, and its users if `users`; return the revision. Purged keys stay as they are.

        OnboardingRefused if its Entity ID, or its issuer and audience, belong to another one.
        """

    def put_users(self, identifier: str, users: Iterable[User], expected: int | None) -> int:
        """Replace the users; return the revision. ChangedMeanwhile if the last one is not `expected`."""

    def set_active(self, identifier: str, *, active: bool) -> int:
        """Note whether tokens are let in; return the revision."""

    def set_purged(self, identifier: str, purged: frozenset[str]) -> int:
        """Replace the names of purged keys; return the revision. They outlive the integration."""

    def drop(self, identifier: str) -> None:
        """Forget an integration and its users, if it is there."""

    def close(self) -> None:
        """Let go of what is held."""


class MemoryStore:
    """Keeps integrations for as long as the process lives; the verifier itself refuses what belongs to others."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = itertools.count(1)
        self._kept: dict[str, tuple[Stored, int]] = {}
        self._purged: dict[str, frozenset[str]] = {}

    def version(self) -> int:
        """Return always the same: there is no other process."""
        return 0

    def revisions(self) -> dict[str, int]:
        """See `Store`."""
        with self._lock:
            return {identifier: revision for identifier, (_, revision) in self._kept.items()}

    def get(self, identifier: str) -> tuple[Stored, int] | None:
        """See `Store`."""
        with self._lock:
            return self._kept.get(identifier)

    def put(self, stored: Stored, *, users: bool) -> int:
        """See `Store`."""
        with self._lock:
            old = self._kept.get(stored.id)
            if old and not users:
                stored = replace(stored, users=old[0].users)
            return self._keep(replace(stored, purged=self._purged.get(stored.id, frozenset())))

    def put_users(self, identifier: str, users: Iterable[User], expected: int | None) -> int:
        """See `Store`."""
        with self._lock:
            stored, revision = self._kept[identifier]
            if expected not in (None, revision):
                raise ChangedMeanwhile
            return self._keep(replace(stored, users=tuple(users)))

    def set_active(self, identifier: str, *, active: bool) -> int:
        """See `Store`."""
        with self._lock:
            return self._keep(replace(self._kept[identifier][0], active=active))

    def set_purged(self, identifier: str, purged: frozenset[str]) -> int:
        """See `Store`."""
        with self._lock:
            self._purged[identifier] = purged
            return self._keep(replace(self._kept[identifier][0], purged=purged))

    def drop(self, identifier: str) -> None:
        """See `Store`."""
        with self._lock:
            self._kept.pop(identifier, None)

    def close(self) -> None:
        """There is nothing to let go of."""

    def _keep(self, stored: Stored) -> int:
        revision = next(self._count)
        self._kept[stored.id] = stored, revision
        return revision
