"""Floors: what no declaration takes away (rulebook section 2, scoring 3).

A declared value below a floor is a finding of its own, and the target is held to the floor all the same.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from scenarios import rulebook
from scenarios.targets.profile import Breach, Profile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scenarios.rulebook import Knob


def within_floors(profile: Profile) -> Profile:
    """Return the profile with every declared value that breaks a floor replaced, and with the breaches noted.

    Some floors hold for a system alone: ask once the scope is known.
    """
    breaches = tuple(_breaches(profile))
    held = {breach.knob: breach.held for breach in breaches}
    return replace(profile, knobs={**profile.knobs, **held}, breaches=(*profile.breaches, *breaches))


def _breaches(profile: Profile) -> Iterator[Breach]:
    for name, declared in profile.knobs.items():
        knob = rulebook.knobs().get(name)
        if knob is None:
            continue
        held = _held(knob, declared, profile.scope)
        if held != declared:
            yield Breach(name, declared, held, knob.floor)


def _held(knob: Knob, declared: Any, scope: str) -> Any:
    """Return what the floor leaves of a declared value."""
    if isinstance(declared, int):
        least = declared if knob.min is None else max(declared, knob.min)
        return least if knob.max is None else min(least, knob.max)
    if isinstance(declared, (list, tuple)):
        missing = [word for word in knob.always if word not in declared]
        return [*missing, *(word for word in declared if word.lower() not in knob.never)]
    if knob.system is not None and scope == rulebook.Scope.SYSTEM:
        return knob.system
    return declared
