"""The stage: one scenario made real. The mock IdP's state, the records to onboard, the tokens to send, the clock.

It turns what a table says into bytes and messages, and never knows what is expected of them. What a target cannot
take is adapted in its delivery (the form of the keys, the clock), never in its content.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

from scenarios.stage import moves, records, requests, tokens
from scenarios.stage.lab import Lab
from scenarios.stage.scene import START, Scene
from scenarios.tables.scenario import MAIN
from scenarios.targets import near

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mock_idp import Request
    from scenarios.stage.scene import Party
    from scenarios.tables.model import IntegrationSpec, SendSpec, TokenSpec, UserSpec
    from scenarios.tables.scenario import Move, Scenario
    from scenarios.targets.profile import Profile

__all__ = ["START", "Lab", "Stage", "StageError"]


class StageError(Exception):
    """A scenario that cannot be made real; a mistake of its table, found only when it is made."""

    def __init__(self, scenario: Scenario, reason: str) -> None:
        super().__init__(f"{scenario.place}: {scenario.id}: {reason}")
        self.reason: Final = reason


class Stage:
    """One scenario being played. Not to be used by two threads. Every method may raise `StageError`."""

    def __init__(self, scenario: Scenario, lab: Lab, profile: Profile) -> None:
        self.lab = lab
        self.kept: dict[str, str | bytes] = {}
        """Tokens by the name under which a step keeps them."""
        self._canary = f"c-{lab.number()}"
        canary_url = lab.url(lab.idp.canary(self._canary)) if scenario.canary else ""
        self._scene = Scene(scenario, lab, profile, scenario.users, canary_url)
        try:
            with self._making():
                for name, spec in scenario.integrations.items():
                    self._scene.add_party(name, spec)
        except StageError:
            self.close()
            raise

    @contextlib.contextmanager
    def _making(self) -> Iterator[None]:
        """Turn the complaints of keys, certificates, forgeries and personas into one about the table."""
        try:
            yield
        except (ValueError, LookupError) as error:
            raise StageError(self._scene.scenario, str(error)) from error

    def close(self) -> None:
        """Take the scenario's issuers off the mock IdP."""
        for url in self._scene.near:
            near.withdraw(url)
        for party in self._scene.parties.values():
            self.lab.fetches += self.lab.idp.requests(party.path, "jwks")
            self.lab.idp.remove_issuer(party.path)
        self.lab.idp.clear_faults()

    @property
    def now(self) -> float:
        """The scenario's time (seconds since the epoch)."""
        return self._scene.now()

    @property
    def sent_now(self) -> float | None:
        """The time to tell the target, or None when it goes by the real one."""
        return self._scene.now() if self._scene.virtual else None

    def knob(self, name: str) -> float:
        """Return a knob that holds seconds, as the target declares it or by default."""
        return self._scene.knob(name)

    def party(self, name: str = MAIN) -> Party:
        """Return an integration with its IdP."""
        return self._scene.parties[name]

    def record(self, name: str, spec: IntegrationSpec | None = None) -> dict[str, Any]:
        """Return an integration's onboarding record, as `onboard` sends it; `spec` changes it from now on."""
        party = self.party(name)
        with self._making():
            if spec is not None:
                party.change(spec)
            return records.record(self._scene, party)

    def integrations(self) -> Mapping[str, IntegrationSpec]:
        """Return the integrations of the scenario by name."""
        return self._scene.scenario.integrations

    def record_for(self, profile: Profile, name: str) -> dict[str, Any]:
        """Return an integration's onboarding record as a target with another profile takes it, keys and all."""
        own, self._scene.profile = self._scene.profile, profile
        try:
            return self.record(name)
        finally:
            self._scene.profile = own

    def published(self, name: str) -> str | None:
        """Return the JWKS that an integration's IdP serves, for a scenario that is about keys."""
        party, rule = self.party(name), self._scene.scenario.rule
        if party.spec.jwks is None and not rule.id.startswith("KEY-"):
            return None
        return party.issuer.jwks_bytes().decode("utf-8", "replace")

    def set_users(self, users: Mapping[str, UserSpec]) -> None:
        """Let these be the users from now on."""
        self._scene.users = users

    def directory(self, name: str) -> list[dict[str, Any]]:
        """Return the users of an integration, as `onboard` sends them."""
        return records.directory(self._scene, name)

    def user_of(self, claims: Mapping[str, Any]) -> str | None:
        """Return the user of the scenario that claims name."""
        return self._scene.user_of(claims)

    def token(self, spec: TokenSpec, *, key: str | None = None, seed: int = 0) -> str | bytes:
        """Return a credential made as `spec` says, signed by `key` when given."""
        with self._making():
            return tokens.token(self._scene, spec, self.party(spec.of or MAIN), key=key, seed=seed)

    def request(self, spec: SendSpec, token: str | bytes, cookies: Mapping[str, str]) -> dict[str, Any]:
        """Return an HTTP request as the target protocol has it: tokens filled in, `{path}` left to the target."""
        return requests.request(spec, {**self.kept, "token": token}, cookies)

    def move(self, move: Move) -> bool:
        """Change the world; return whether the IdP's keys are others now."""
        with self._making():
            moves.MOVES[move.what](self._scene, self.party(), move.argument)
        return move.what in moves.OF_KEYS

    def thumbprint(self, name: str) -> str:
        """Return the thumbprint of a key of the main integration, by which an operator names it."""
        with self._making():
            return moves.thumbprint(self.party(), name)

    def keys(self) -> dict[str, str]:
        """Return the keys of the main integration's IdP: each kid with its state, such as `active`."""
        return {entry.key.kid: entry.state.value for entry in self.party().issuer.ring.snapshot.entries}

    def asked(self, endpoint: str, latest: int) -> tuple[Request, ...]:
        """Return so many of the latest requests to an endpoint of the main integration's IdP."""
        path = f"{self.party().path}/{endpoint}"
        seen = [entry.request for entry in self.lab.idp.journal if entry.path == path]
        return tuple(seen[-latest:] if latest else ())

    def requests(self) -> dict[str, int]:
        """Return how many requests the main integration's IdP has seen so far, by endpoint."""
        return {"jwks": self.lab.idp.requests(self.party().path, "jwks")}

    @property
    def canary_url(self) -> str:
        """The address that stands for `{canary}`; empty for a scenario that has none."""
        return self._scene.canary_url

    def canary_hits(self) -> int:
        """Return how often the address that stands for `{canary}` was asked."""
        return self.lab.idp.canary_hits(self._canary)
