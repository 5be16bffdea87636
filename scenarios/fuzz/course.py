"""A case in which time passes, played before everybody who is asked, with the same bytes for all.

Each course has a stage of its own, because the world is another one at its end.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import msgspec

from mock_idp.http import Response
from scenarios.fuzz.case import OTHER
from scenarios.fuzz.fate import Fate, Known
from scenarios.fuzz.live import Live
from scenarios.fuzz.stand import Answer, Unmakeable, answered, onboard, onboard_all
from scenarios.fuzz.world import Changed, World
from scenarios.stage import Stage, StageError
from scenarios.stage.keys import staged_key
from scenarios.tables import model
from scenarios.tables.merge import merge_tokens
from scenarios.tables.scenario import MAIN
from scenarios.targets import near

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mock_idp import SigningKey
    from scenarios.fuzz.case import Case, Part
    from scenarios.fuzz.stand import Asked
    from scenarios.stage import Lab
    from scenarios.targets.profile import Profile

_PAGE: Final = "https://keys.example.com/jwks"
"""Where a verifier is told that a key is, to see what it says of a token once it knows the key."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One token of a course, and what came of it."""

    step: int
    """The index of the step."""
    answers: tuple[Answer, ...]
    """What each who was asked said."""
    fate: Fate
    """What a target may know of the key."""
    known: Answer | None
    """What the reference verifier says once it knows the key; None where that is not open."""


@dataclass(frozen=True, slots=True)
class _Sent:
    """A token that was made, and the key of the main IdP that may verify it; None where none of them does."""

    credential: str | bytes
    key: SigningKey | None


@dataclass(slots=True)
class Course:
    """One case being played; use `play` once. `profile` is that of all who are asked, `scout` nobody's verifier."""

    case: Case
    lab: Lab
    profile: Profile
    asked: Sequence[Asked]
    scout: Asked
    _stage: Stage = field(init=False)
    _kept: dict[str, _Sent] = field(default_factory=dict)

    def play(self) -> Iterator[Ask]:
        """Yield what came of each token, until somebody had to be started anew and so knows nothing any more.

        Raises `Unmakeable` for what cannot be played, such as a kept token that nobody has made.
        """
        try:
            self._stage = Stage(self.case.scenario(), self.lab, self.profile)
            try:
                yield from self._played()
            finally:
                self._stage.close()
        except (StageError, ValueError, LookupError) as error:
            raise Unmakeable(str(error)) from None

    def _played(self) -> Iterator[Ask]:
        self._tell(anew=True)
        world = World(self.case, self._stage, by_value="jwks_uri" not in self.profile.keys)
        for index, step in enumerate(self.case.steps):
            if step.name == "authenticate":
                yield self._ask(index, step, world)
                if any(isinstance(who, Live) and who.renewed() for who in self.asked):
                    return
            else:
                changed = world.takes(step)
                if changed is Changed.RECORD or (changed is Changed.KEYS and world.by_value):
                    self._tell(anew=False, forgotten=changed is Changed.KEYS)

    def _tell(self, *, anew: bool, forgotten: bool = False) -> None:
        """Onboard what stands; a verifier of ours that fetches has `forgotten` the keys that it has seen."""
        for who in self.asked:
            again = not anew and not (forgotten and not isinstance(who, Live))
            refused = onboard(who, self._stage, MAIN) if again else onboard_all(who, self._stage)
            if refused is not None:
                raise Unmakeable(f"a record is not taken: {refused.reason}")

    def _ask(self, index: int, step: Part, world: World) -> Ask:
        sent = self._sent(step.value)
        fate = self._fate(sent, world)
        answers = tuple(answered(who, sent.credential, self._stage) for who in self.asked)
        known = self._once_known(sent.credential, sent.key) if sent.key and fate.known is Known.OPEN else None
        return Ask(index, answers, fate, known)

    def _sent(self, how: Mapping[str, Any]) -> _Sent:
        token = how.get("token") or {}
        if isinstance(token, str):
            return self._kept[token]
        spec = msgspec.convert(merge_tokens(self.case.token(), token), model.TokenSpec)
        sent = _Sent(self._stage.token(spec), self._key_of(spec))
        if "as" in how:
            self._kept[how["as"]] = sent
        return sent

    def _key_of(self, spec: model.TokenSpec) -> SigningKey | None:
        if spec.forge is not None or spec.of == OTHER:
            return None
        party = self._stage.party()
        ring = party.issuer.ring
        if spec.key is None:
            return ring.active
        return ring.key(spec.key) if ring.snapshot.holds(spec.key) else staged_key(spec.key, party.alg)

    def _fate(self, sent: _Sent, world: World) -> Fate:
        if sent.key is None:  # whatever anybody knows of keys, it decides nothing here
            world.keys.stirred(world.now)
            return Fate(Known.SURE)
        kid = self._stage.party().issuer.kid(sent.key)
        return world.keys.asked(kid, sent.key.thumbprint(), world.now)

    def _once_known(self, credential: str | bytes, key: SigningKey) -> Answer:
        """Return what is said of a token by a verifier that reads its key just now."""
        issuer = self._stage.party().issuer
        body = json.dumps({"keys": [issuer.persona.published(key, issuer.issuer)]}).encode()
        near.offer(_PAGE, "/jwks", lambda _request: Response(200, (), body))
        try:
            self.scout.reset()
            record = {**self._stage.record_for(self.scout.profile, MAIN), "jwks_uri": _PAGE, "ca_file": None}
            self.scout.onboard(record, self._stage.directory(MAIN), now=self._stage.now)
            return answered(self.scout, credential, self._stage)
        finally:
            near.withdraw(_PAGE)
