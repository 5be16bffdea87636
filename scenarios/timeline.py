"""The timeline of a scenario in which time passes: the IdP's keys, the fetches of its JWKS, and the tokens sent.

It is kept for the report alone and never judged. What it keeps is bounded, whatever a scenario sends.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Final, Self

from scenarios.decode import cut, header_of
from scenarios.rehearse import moved_in_words
from scenarios.results import Moment
from scenarios.tables.scenario import Mint, Move

if TYPE_CHECKING:
    from scenarios.results import Exchange
    from scenarios.stage import Stage
    from scenarios.tables.scenario import Action, Scenario

MAX_MOMENTS: Final = 60
"""So many moments of one scenario are kept: the first ones."""
MAX_WORDS: Final = 120
"""So much is kept of what a step did, and of its answer (characters)."""
MAX_KID: Final = 40
"""So much is kept of a kid (characters)."""


class Watch:
    """Who keeps the timeline of one scenario while it is played."""

    def __init__(self, stage: Stage) -> None:
        self.moments: list[Moment] = []
        self._stage = stage
        self._began = stage.now
        self._fetched = 0
        self._keys: dict[str, str] = {}
        self._answers: Counter[tuple[str, str, str, str]] = Counter()

    @classmethod
    def of(cls, scenario: Scenario, stage: Stage) -> Self | None:
        """Return a watch for a scenario that moves the world, and None for any other."""
        return cls(stage) if any(isinstance(action, Move) for action in scenario.actions) else None

    def answered(self, exchange: Exchange, kind: str) -> None:
        """Take what was sent in the step at hand, and the kind of the verdict on it."""
        kid = header_of(exchange.token).get("kid") if exchange.token else None
        known = kid if isinstance(kid, str) and kid in self._stage.keys() else ""  # noqa: SIM118 - a method
        self._answers[exchange.step, exchange.answer, kind, known] += 1

    def done(self, action: Action) -> None:
        """Close the step at hand: what it changed and what was answered in it become moments."""
        at = round(self._stage.now - self._began, 1)
        fetched = self._stage.requests()["jwks"]
        keys = self._stage.keys()
        changed = {cut(kid, MAX_KID): state for kid, state in keys.items()} if keys != self._keys else None
        seen: list[Moment] = []
        if isinstance(action, Move) and action.what not in {"offboard", "purge"}:
            seen.append(Moment(at, cut(moved_in_words(action), MAX_WORDS)))
        elif isinstance(action, Mint):
            seen.append(Moment(at, cut(f"mint a token, kept as {json.dumps(action.keep_as)}", MAX_WORDS)))
        for (step, answer, kind, kid), count in self._answers.items():
            words = cut(step, MAX_WORDS), cut(answer, MAX_WORDS)
            seen.append(Moment(at, *words, kind, cut(kid, MAX_KID), count))
        for index, moment in enumerate(seen[: MAX_MOMENTS - len(self.moments)]):
            first = index == 0
            self.moments.append(
                Moment(
                    moment.at,
                    moment.step,
                    moment.answer,
                    moment.kind,
                    moment.kid,
                    moment.count,
                    fetched - self._fetched if first else 0,
                    changed if first else None,
                )
            )
        self._answers.clear()
        self._fetched, self._keys = fetched, keys
