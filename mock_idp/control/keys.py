"""The keys of an issuer: staged, rotated, retired, revoked, replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from mock_idp.control.errors import Code, ControlError, refusing
from mock_idp.control.steered import Steered
from mock_idp.control.views import KeyView
from mock_idp.keyring import PUBLISHED, RingSnapshot

if TYPE_CHECKING:
    from mock_idp.issuer import Issuer
    from mock_idp.keyring import RingEntry


MAX_PUBLISHED = 1_000
"""How many published keys a ring may have before no further one is taken in."""


class Keys(Steered):
    """Each move of a key's life, and the list of them."""

    def keys(self, path: str) -> tuple[KeyView, ...]:
        """List the keys of an issuer, retired and revoked ones included."""
        return key_views(self._issuer(path))

    def stage(self, path: str, *, alg: str | None = None, kid: str | None = None) -> KeyView:
        """Publish a fresh key that does not sign yet; by default of the active key's algorithm (KEY-022)."""
        issuer = self._issuer(path)
        _room_for_a_key(issuer)
        key = self._new_key(alg or issuer.ring.active.alg, kid)
        with refusing(Code.CONFLICT):
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
        with refusing(Code.CONFLICT):
            active = issuer.ring.rotate(new, keep_old=keep_old)
        return self._shown(issuer, active.kid)

    def retire(self, path: str, kid: str) -> KeyView:
        """Take a staged or retiring key out of the published set in good order (KEY-023)."""
        issuer = self._issuer(path)
        name = ring_name(issuer, kid)
        with refusing(Code.CONFLICT):
            issuer.ring.retire(name)
        return self._shown(issuer, name)

    def revoke(self, path: str, kid: str) -> KeyView:
        """Take a key out of the published set at once (KEY-024).

        When it is the active one, the key staged longest takes over, or else a fresh one.
        """
        issuer = self._issuer(path)
        name = ring_name(issuer, kid)
        snapshot = issuer.ring.snapshot
        needs_heir = snapshot.active.kid == name and snapshot.oldest_staged() is None
        with refusing(Code.CONFLICT):
            issuer.ring.revoke(name, self._new_key(snapshot.active.alg) if needs_heir else None)
        return self._shown(issuer, name)

    def replace(self, path: str, kid: str) -> KeyView:
        """Put a fresh key under the kid of a published one: the reuse of a kid, which is a fault (KEY-026)."""
        issuer = self._issuer(path)
        name = ring_name(issuer, kid)
        fresh = self._new_key(issuer.ring.key(name).alg, name)
        if issuer.kid(fresh) != issuer.kid(issuer.ring.key(name)):
            raise ControlError(
                Code.CONFLICT, f"{issuer.persona.name} derives the kid from the key: no other key can have it"
            )
        with refusing(Code.CONFLICT):
            issuer.ring.replace(name, fresh)
        return self._shown(issuer, name)

    def _shown(self, issuer: Issuer, name: str) -> KeyView:
        return key_view(issuer, issuer.ring.snapshot.entry(name))


def ring_name(issuer: Issuer, kid: str) -> str:
    """Give the name in its ring of the key that goes by a kid, published or its own."""
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


def key_views(issuer: Issuer) -> tuple[KeyView, ...]:
    """Show the keys of an issuer."""
    # The console asks every second, and a kid may be the hash of a certificate: that is worked out once a change.
    snapshot, viewed = issuer.ring.snapshot, _VIEWED.get(issuer)
    if viewed is None or viewed[0] is not snapshot:
        views = tuple(key_view(issuer, entry) for entry in snapshot.entries)
        viewed = _VIEWED[issuer] = (snapshot, views)
    return viewed[1]


def key_view(issuer: Issuer, entry: RingEntry) -> KeyView:
    """Show one key of a ring."""
    key = entry.key
    return KeyView(issuer.kid(key), key.kid, key.alg, entry.state, key.thumbprint())
