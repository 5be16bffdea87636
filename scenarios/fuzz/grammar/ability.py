"""What those who are asked can all judge: what else there is to draw is left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scenarios.rulebook import Scope
from scenarios.targets.reference import ALGORITHMS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scenarios.targets.profile import Profile


@dataclass(frozen=True, slots=True)
class Ability:
    """What those who are asked can all judge."""

    scope: Scope
    algorithms: tuple[str, ...]
    clock: bool
    checks: frozenset[str]
    keys: frozenset[str]
    onboarding: bool
    users: bool
    fetches: bool
    """Whether all of them read a JWKS by its URL, when they see fit."""
    strict_kids: bool
    """Whether none of them may take a kid for a hint (knob `kid_binding`)."""

    @classmethod
    def of(cls, profiles: Sequence[Profile]) -> Ability:
        """Return what all of the profiles declare."""
        scopes = [Scope(profile.scope) for profile in profiles]
        return cls(
            scope=next(scope for scope in Scope if scope in scopes),
            algorithms=tuple(a for a in ALGORITHMS if all(a in profile.algorithms for profile in profiles)),
            clock=all(profile.can("clock") for profile in profiles),
            checks=frozenset.intersection(*(frozenset(profile.checks) for profile in profiles)),
            keys=frozenset.intersection(*(_forms(profile) for profile in profiles)),
            onboarding=all(profile.can("onboarding") for profile in profiles),
            users=all(profile.can("users") for profile in profiles),
            fetches=all("jwks_uri" in profile.keys for profile in profiles),
            strict_kids=all(_is_strict(profile) for profile in profiles),
        )

    @property
    def jwks(self) -> bool:
        """Whether a hand-made JWKS reaches all of them."""
        return bool(self.keys & {"jwks", "jwks_uri"})

    @property
    def library(self) -> bool:
        """Whether one of them is a function that checks tokens against keys, and no more."""
        return self.scope is Scope.LIBRARY

    @property
    def families(self) -> tuple[str, ...]:
        """The first algorithm of each kind of key and padding."""
        return tuple({name[:2]: name for name in reversed(self.algorithms)}.values())


def _forms(profile: Profile) -> frozenset[str]:
    """Return the forms of keys that reach a target: a set can be handed over by URL too."""
    forms = frozenset(profile.keys)
    return forms | {"jwks"} if "jwks_uri" in forms else forms


def _is_strict(profile: Profile) -> bool:
    said = profile.knobs.get("kid_binding")
    return profile.scope != Scope.LIBRARY if said is None else said == "strict"
