"""The signing keys of one issuer, each somewhere in its life: staged, active, retiring, retired, revoked.

    staged -> active -> retiring -> retired
    any of them -> revoked

Exactly one key is active at any time. Server threads read while tests rotate, so every change builds a new
immutable `RingSnapshot` and puts it in place at once: a reader never sees half a rotation.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from threading import RLock

import msgspec
from msgspec.structs import replace

from mock_idp.keys import SigningKey

MAX_AGE_S = 300
"""How long a JWKS may be cached (seconds) while no rotation is planned."""
MAX_FINISHED = 256
"""How many retired and revoked keys a ring remembers; the oldest are forgotten first."""


class KeyState(StrEnum):
    """Where a key stands in its life."""

    STAGED = "staged"
    """Published so that verifiers can learn it, not yet signing (KEY-022)."""
    ACTIVE = "active"
    """Published and signing."""
    RETIRING = "retiring"
    """Published until its last token has expired, no longer signing (KEY-022)."""
    RETIRED = "retired"
    """Gone from the published set in good order (KEY-023)."""
    REVOKED = "revoked"
    """Gone from the published set at once, because it is no longer trusted (KEY-024)."""


PUBLISHED = frozenset({KeyState.STAGED, KeyState.ACTIVE, KeyState.RETIRING})


class KeyRingError(ValueError):
    """A move that the life cycle does not have; the ring is unchanged."""


class RingEntry(msgspec.Struct, frozen=True):
    """One key and its state."""

    key: SigningKey
    state: KeyState


@dataclass(frozen=True, slots=True)
class RingSnapshot:
    """A ring at one instant: what is published and which key signs belong together."""

    entries: tuple[RingEntry, ...]
    active: SigningKey = field(init=False)
    published: tuple[SigningKey, ...] = field(init=False)

    def __post_init__(self) -> None:
        signing = [e.key for e in self.entries if e.state is KeyState.ACTIVE]
        if len(signing) != 1 or len({e.key.kid for e in self.entries}) < len(self.entries):
            raise KeyRingError("a ring has one active key, and every kid once")
        object.__setattr__(self, "active", signing[0])
        object.__setattr__(self, "published", tuple(e.key for e in self.entries if e.state in PUBLISHED))

    def entry(self, kid: str) -> RingEntry:
        """Give the entry of a kid; `KeyRingError` naming the kids there are."""
        for entry in self.entries:
            if entry.key.kid == kid:
                return entry
        raise KeyRingError(f"no key {kid!r} in the ring: it has {', '.join(e.key.kid for e in self.entries)}")

    def holds(self, kid: str) -> bool:
        """Whether the kid is taken, in whatever state."""
        return any(entry.key.kid == kid for entry in self.entries)

    def oldest_staged(self) -> SigningKey | None:
        """Give the key that has been staged longest, if any."""
        return next((e.key for e in self.entries if e.state is KeyState.STAGED), None)

    def changed(self, kid: str, entry: RingEntry) -> "RingSnapshot":
        """Give the same ring with one entry in another's place."""
        return RingSnapshot(tuple(entry if e.key.kid == kid else e for e in self.entries))


class KeyRing:
    """The keys of one issuer. The first key given is active, the others are staged; at least one is needed.

    Thread-safe. Every illegal move raises `KeyRingError` and leaves the ring as it was.
    """

    def __init__(self, keys: Iterable[SigningKey]) -> None:
        first, *others = tuple(keys) or (None,)
        if first is None:
            raise KeyRingError("a key ring needs at least one key")
        self._lock = RLock()
        self._snapshot = RingSnapshot((RingEntry(first, KeyState.ACTIVE),))
        self._previous: RingSnapshot | None = None
        self._version = 0
        for key in others:
            self.add(key)

    @property
    def snapshot(self) -> RingSnapshot:
        """The ring as it is now; another object after every change and only then."""
        return self._snapshot

    @property
    def previous(self) -> RingSnapshot | None:
        """The ring before the last change of what it publishes, if there was one."""
        return self._previous

    @property
    def version(self) -> int:
        """How often the ring was changed; whoever asks does not change it, not even by what a clock says."""
        return self._version

    @property
    def max_age_s(self) -> int:
        """How long the published set may be cached, in whole seconds."""
        return MAX_AGE_S

    @property
    def active(self) -> SigningKey:
        """The key that signs."""
        return self.snapshot.active

    def published(self) -> tuple[SigningKey, ...]:
        """Give the staged, active and retiring keys, in the order in which they came."""
        return self.snapshot.published

    def state(self, kid: str) -> KeyState:
        """Where a key stands; `KeyRingError` for an unknown kid."""
        return self.snapshot.entry(kid).state

    def key(self, kid: str) -> SigningKey:
        """Give the key of a kid, in whatever state; `KeyRingError` for an unknown kid."""
        return self.snapshot.entry(kid).key

    def add(self, key: SigningKey, state: KeyState = KeyState.STAGED) -> None:
        """Take a new key in; a key becomes active only by `rotate`."""
        if state is KeyState.ACTIVE:
            raise KeyRingError("a ring has one active key: use rotate(new)")
        with self._lock:
            self._put(_with_new(self._snapshot, RingEntry(key, state)))

    def rotate(self, new: SigningKey | None = None, *, keep_old: bool = True) -> SigningKey:
        """Make `new`, or else the key staged longest, the active one, and return it.

        The key that was active becomes retiring, or retired unless `keep_old` (KEY-022, KEY-023).
        """
        old_state = KeyState.RETIRING if keep_old else KeyState.RETIRED
        with self._lock:
            return self._succeed(new, old_state)

    def retire(self, kid: str) -> None:
        """Take a staged or retiring key out of the published set; rotate the active one first."""
        with self._lock:
            entry = self._snapshot.entry(kid)
            if entry.state not in {KeyState.STAGED, KeyState.RETIRING}:
                raise KeyRingError(f"key {kid!r} is {entry.state}: only a staged or retiring key can retire")
            self._put(self._snapshot.changed(kid, replace(entry, state=KeyState.RETIRED)))

    def revoke(self, kid: str, new: SigningKey | None = None) -> None:
        """Take a key out of the published set at once, in whatever state it is (KEY-024).

        When it is the active key, `new` or else the key staged longest takes over in the same instant; with
        neither the move is refused, because a ring without a signing key is no issuer.
        """
        with self._lock:
            entry = self._snapshot.entry(kid)
            if entry.state is KeyState.REVOKED:
                raise KeyRingError(f"key {kid!r} is revoked already")
            if entry.state is KeyState.ACTIVE:
                self._succeed(new, KeyState.REVOKED)
            elif new is not None:
                raise KeyRingError(f"key {kid!r} is {entry.state}, so no key takes over from it")
            else:
                self._put(self._snapshot.changed(kid, replace(entry, state=KeyState.REVOKED)))

    def replace(self, kid: str, key: SigningKey) -> None:
        """Put another key under the kid of a published one, which keeps its state (kid reuse, KEY-026)."""
        with self._lock:
            entry = self._snapshot.entry(kid)
            if entry.state not in PUBLISHED:
                raise KeyRingError(f"key {kid!r} is {entry.state}: only a published key can be replaced")
            self._put(self._snapshot.changed(kid, replace(entry, key=key.with_kid(kid))))

    def restore(self, snapshot: RingSnapshot) -> None:
        """Put a whole ring, for instance a saved one, in the place of this one."""
        with self._lock:
            self._put(snapshot)

    def _succeed(self, new: SigningKey | None, old_state: KeyState) -> SigningKey:
        snapshot = self._snapshot
        heir = new or snapshot.oldest_staged()
        if heir is None:
            raise KeyRingError("no staged key to take over: give one, or add one first")
        old = snapshot.active
        if snapshot.holds(heir.kid):
            entry = snapshot.entry(heir.kid)
            if entry != RingEntry(heir, KeyState.STAGED):
                raise KeyRingError(f"kid {heir.kid!r} is taken by a key that is {entry.state}")
        else:
            snapshot = _with_new(snapshot, RingEntry(heir, KeyState.STAGED))
        states = {old.kid: old_state, heir.kid: KeyState.ACTIVE}
        self._put(
            RingSnapshot(tuple(replace(e, state=states.get(e.key.kid, e.state)) for e in snapshot.entries))
        )
        return heir

    def _put(self, snapshot: RingSnapshot) -> None:
        finished = [e for e in snapshot.entries if e.state not in PUBLISHED]
        forgotten = finished[: max(0, len(finished) - MAX_FINISHED)]
        if forgotten:
            snapshot = RingSnapshot(tuple(e for e in snapshot.entries if e not in forgotten))
        if snapshot.published != self._snapshot.published:
            self._previous = self._snapshot
        self._snapshot = snapshot
        self._version += 1


def _with_new(snapshot: RingSnapshot, entry: RingEntry) -> RingSnapshot:
    if snapshot.holds(entry.key.kid):
        raise KeyRingError(f"kid {entry.key.kid!r} is taken: use replace() to reuse a kid")
    return RingSnapshot((*snapshot.entries, entry))
