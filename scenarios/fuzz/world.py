"""The world of a case in which time passes: the clock, the IdP's keys and its endpoint, the records; step by step.

It tells nobody. Who has to be told of a change, and what a target may know by then (`fate.py`), stands beside it.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import msgspec

from scenarios.fuzz.case import Case, user_specs
from scenarios.fuzz.fate import BY_VALUE, Bounds, Moment, Publications
from scenarios.tables import model, times
from scenarios.tables.merge import over
from scenarios.tables.scenario import Move

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scenarios.fuzz.case import Part
    from scenarios.stage import Stage

_OF_KEYS: Final[Mapping[str, Any]] = {
    "rotate": model.RotateStep,
    "replace": model.ReplaceStep,
    "publish": str,
    "retire": str,
    "revoke": str,
}
"""The moves after which the IdP's keys are others, and the types of what a table says of them."""


class Changed(enum.Enum):
    """What a step has changed that somebody may have to be told of."""

    NOTHING = "nothing"
    KEYS = "keys"
    RECORD = "record"


@dataclass(slots=True)
class World:
    """The world of one case. `by_value` says that a target is handed its keys. Raises what a stage raises."""

    case: Case
    stage: Stage
    by_value: bool
    keys: Publications = field(init=False)
    _elapsed: float = 0.0
    _fails: bool = False

    def __post_init__(self) -> None:
        knob = self.stage.knob
        bounds = Bounds(knob("jwks_period_s"), knob("jwks_staleness_s"), knob("refetch_min_s"))
        self.keys = Publications(BY_VALUE if self.by_value else bounds, self.now, self._published())

    @property
    def now(self) -> Moment:
        """What time it is."""
        return Moment(self._elapsed, self.stage.now)

    def takes(self, step: Part) -> Changed:
        """Take a step that sends no token."""
        match step.name:
            case "advance":
                self._advance(step.value)
            case "fault":
                self._fails = True
                self._move("fault", msgspec.convert(step.value, model.FaultStep))
            case "heal":
                self._fails = False
                self._move("heal", step.value)
            case "onboard":
                self._record(step.value)
                return Changed.RECORD
            case _:
                self._move(step.name, msgspec.convert(step.value, _OF_KEYS[step.name]))
                return Changed.KEYS
        return Changed.NOTHING

    def _published(self) -> dict[str, str] | None:
        if self._fails:
            return None
        issuer = self.stage.party().issuer
        return {issuer.kid(key): key.thumbprint() for key in issuer.ring.published()}

    def _move(self, what: str, argument: Any) -> None:
        self.stage.move(Move(what, argument))
        self.keys.answers(self._published(), self.now)

    def _advance(self, text: str) -> None:
        if self.stage.sent_now is None:
            raise ValueError("nobody can be told the time")
        duration = times.parse(text)
        self.stage.move(Move("advance", duration))
        self._elapsed += max(0.0, duration.of(self.stage.knob))

    def _record(self, changed: Mapping[str, Any]) -> None:
        own = {name: value for name, value in changed.items() if name not in {"users", "without"}}
        party = self.stage.party()
        party.change(over(party.spec, msgspec.convert(own, model.IntegrationSpec), own))
        users = {**self.case.directory(), **changed.get("users", {})}
        gone = changed.get("without", ())
        self.stage.set_users(user_specs({name: user for name, user in users.items() if name not in gone}))
        self.keys.stirred(self.now)
