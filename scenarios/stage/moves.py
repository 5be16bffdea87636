"""Moves: the world around the target changes. The IdP's keys, its HTTP side, the clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scenarios.stage.keys import staged_key
from scenarios.stage.tokens import filled

if TYPE_CHECKING:
    from collections.abc import Callable

    from mock_idp import SigningKey
    from scenarios.stage.scene import Party, Scene


def _rotate(_scene: Scene, party: Party, argument: Any) -> None:
    ring = party.issuer.ring
    party.old.append(ring.active.kid)
    ring.rotate(_heir(party, argument.to), keep_old=argument.keep == "old")


def _publish(_scene: Scene, party: Party, argument: Any) -> None:
    party.issuer.ring.add(staged_key(argument, party.alg))


def _retire(_scene: Scene, party: Party, argument: Any) -> None:
    party.issuer.ring.retire(_kid(party, argument))


def _revoke(_scene: Scene, party: Party, argument: Any) -> None:
    kid, ring = _kid(party, argument), party.issuer.ring
    if ring.active.kid == kid:
        party.old.append(kid)
        ring.revoke(kid, _heir(party, None))
    else:
        ring.revoke(kid)


def _replace(_scene: Scene, party: Party, argument: Any) -> None:
    party.issuer.ring.replace(_kid(party, argument.kid), staged_key(argument.by, party.alg))


def _fault(scene: Scene, party: Party, argument: Any) -> None:
    party = party if argument.of is None else scene.parties[argument.of]
    fault = argument.is_ if isinstance(argument.is_, str) else filled(dict(argument.is_), scene.canary_url)
    scene.lab.idp.set_fault(party.path, argument.at, fault, times=argument.times)


def _heal(scene: Scene, _party: Party, _argument: Any) -> None:
    scene.lab.idp.clear_faults()


def _advance(scene: Scene, _party: Party, argument: Any) -> None:
    scene.offset += argument.of(scene.knob)


OF_KEYS: Final[dict[str, Callable[[Scene, Party, Any], None]]] = {
    "rotate": _rotate,
    "publish": _publish,
    "retire": _retire,
    "revoke": _revoke,
    "replace": _replace,
}
"""The moves after which the IdP's keys are others."""

MOVES: Final = {**OF_KEYS, "fault": _fault, "heal": _heal, "advance": _advance}
"""All moves by their word in a table; each raises `ValueError` when it cannot be made."""


def _heir(party: Party, name: str | None) -> SigningKey | None:
    """Return the key that takes over: the named one, else the staged one, else the next letter."""
    snapshot = party.issuer.ring.snapshot
    if name is None and snapshot.oldest_staged() is None:
        name = next(letter for letter in "abcdef" if not snapshot.holds(letter))
    return None if name is None or snapshot.holds(name) else staged_key(name, party.alg)


def thumbprint(party: Party, name: str) -> str:
    """Return the RFC 7638 thumbprint of a key of a party. Raises `ValueError` for one that is not there."""
    return staged_key(_kid(party, name), party.alg).thumbprint()


def _kid(party: Party, name: str) -> str:
    if name != "old":
        return name
    return party.old[-1] if party.old else party.issuer.ring.active.kid
