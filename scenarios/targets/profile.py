"""What a target declares about itself: the profile that every expectation is adapted to (rulebook section 2).

A profile says what to send and what to hold the target to. It never changes what is right.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from scenarios.targets.protocol import CHECKS, KEY_FORMS, Declaration

if TYPE_CHECKING:
    from collections.abc import Mapping

DECLARED: Final = ("scope", "keys", "algorithms", "capabilities")
"""What may stand in the profile as well as in the answer to `start`."""


class TargetError(Exception):
    """A target that cannot be used.

    `kind` is `configuration` (its file, or its file against its own words), `not_found` (its command or its
    module), `crash`, `timeout` or `protocol`; `message` is one sentence. `where` is the path in the target file of the
    word that is at fault, where one is.
    """

    def __init__(self, kind: str, message: str, where: tuple[str | int, ...] = ()) -> None:
        super().__init__(message)
        self.kind: Final = kind
        self.message: Final = message
        self.where: Final = where


@dataclass(frozen=True, slots=True)
class Breach:
    """A declared value that breaks a floor, and what the target is held to in its place."""

    knob: str
    declared: Any
    held: Any
    floor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One target's profile; what nobody declares has the defaults that stand here.

    `knobs` holds the declared policies by name. `checks` names the claims that the target checks itself.
    `stated` names what the profile says on purpose even where that is the default. `breaches` are the declared
    values that broke a floor; `knobs` then holds the floor in their place.
    """

    scope: str = "library"
    keys: tuple[str, ...] = KEY_FORMS
    algorithms: tuple[str, ...] = ("RS256",)
    capabilities: tuple[str, ...] = ()
    knobs: Mapping[str, Any] = field(default_factory=dict)
    checks: tuple[str, ...] = CHECKS
    notes: str = ""
    stated: frozenset[str] = frozenset()
    breaches: tuple[Breach, ...] = ()

    def can(self, capability: str) -> bool:
        """Return whether the capability is declared."""
        return capability in self.capabilities

    @property
    def declared(self) -> dict[str, Any]:
        """The policies as they were declared, those below a floor too."""
        return {**self.knobs, **{breach.knob: breach.declared for breach in self.breaches}}

    def merge(self, declaration: Declaration) -> Profile:
        """Return the profile with what the target says of itself.

        Raises `TargetError` (`configuration`) where the two contradict each other: lists as sets, the scope
        as a word.
        """
        said = {name: value for name in DECLARED if (value := getattr(declaration, name)) is not None}
        for name, value in said.items():
            own = getattr(self, name)
            if self._states(name) and _comparable(own) != _comparable(value):
                raise TargetError(
                    "configuration",
                    f"the profile says {name}: {_listed(own)}, and the target says {name}: {_listed(value)};"
                    " correct one of them, or say it in one place",
                )
        return replace(self, **said, stated=self.stated | said.keys())

    def declaration(self, answer: Declaration) -> Declaration:
        """Return the answer to `start` with its gaps filled from this profile."""
        return replace(answer, **{name: getattr(self, name) for name in DECLARED})

    def _states(self, name: str) -> bool:
        return name in self.stated or getattr(self, name) != getattr(_DEFAULT, name)


_DEFAULT: Final = Profile()


def _comparable(value: str | tuple[str, ...]) -> str | frozenset[str]:
    return value if isinstance(value, str) else frozenset(value)


def _listed(value: str | tuple[str, ...]) -> str:
    return value if isinstance(value, str) else f"[{', '.join(value)}]"
