"""What all parts of a stage share: the scenario's time, its users, and the IdP behind each of its integrations."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from msgspec import UNSET

from mock_idp import Issuer, KeyRing, Person
from mock_idp.keys import ALGORITHMS
from mock_idp.personas import pairwise_sub, persona
from scenarios import rulebook
from scenarios.files.yaml12 import ABSENT
from scenarios.stage.keys import staged_key
from scenarios.tables import model
from scenarios.tables.requirements import DEFAULT_ALG
from scenarios.tables.scenario import MAIN, Move

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scenarios.stage.lab import Lab
    from scenarios.tables.model import IntegrationSpec, UserSpec
    from scenarios.tables.scenario import Scenario
    from scenarios.targets.profile import Profile

START: Final = 1_767_225_600.0
"""Where the clock of a scenario starts for a target that obeys `now`: 2026-01-01T00:00:00Z."""
AUDIENCE: Final = "api"
"""The audience of a plain integration."""
_OF_FETCHING: Final = frozenset(
    f"{group}-{number:03}"
    for group, numbers in {
        "ONB": (24, 25, 35),
        "KEY": (30, 31, 32, 33, 34, 35, 39),
        "OPS": (4, 5, 6, 7, 8, 9, 11),
    }.items()
    for number in numbers
)
"""The rules in which the way that a JWKS takes is, or may be, what is tested; the others ask what a set says, and when
it is read."""


class StagedIssuer(Issuer):
    """An issuer whose JWKS a scenario may write by hand."""

    handmade: bytes | None = None

    def jwks_bytes(self) -> bytes:
        """Give the JWKS as it is served."""
        return super().jwks_bytes() if self.handmade is None else self.handmade


@dataclass(slots=True)
class Party:
    """One integration: its record's id, its IdP and where that is served, and what the customer wants of it."""

    name: str
    id: str
    path: str
    alg: str
    issuer: StagedIssuer
    spec: IntegrationSpec
    old: list[str] = field(default_factory=list)
    """The kids that were active before, the latest last."""

    def change(self, spec: IntegrationSpec) -> None:
        """Take what the customer wants from now on."""
        self.spec = spec
        self.issuer.handmade = self._handmade(spec.jwks)

    def _handmade(self, entries: list[model.JwkSpec | str] | str | None) -> bytes | None:
        if entries is None:
            return None
        if isinstance(entries, str):
            return entries.encode()
        return json.dumps({"keys": [self._jwk(entry) for entry in entries]}).encode()

    def _jwk(self, entry: model.JwkSpec | str) -> Any:
        if isinstance(entry, str):
            entry = model.JwkSpec(key=entry)
        if entry.raw is not UNSET:
            return entry.raw
        key = staged_key(entry.key or "a", entry.alg or self.alg)
        jwk = {**self.issuer.persona.published(key, self.issuer.issuer)}
        if entry.private:
            jwk |= key.private_jwk()
        jwk |= entry.members
        return {name: value for name, value in jwk.items() if value is not ABSENT}


@dataclass(slots=True)
class Scene:
    """The state of one scenario being played, for one profile."""

    scenario: Scenario
    lab: Lab
    profile: Profile
    users: Mapping[str, UserSpec]
    canary_url: str = ""
    offset: float = 0.0
    """How far the scenario has moved its clock (seconds)."""
    parties: dict[str, Party] = field(default_factory=dict)
    near: set[str] = field(default_factory=set)
    """The URLs whose documents are offered or published in this process (`near.py`)."""

    @property
    def of_fetching(self) -> bool:
        """Whether the way in which keys are fetched may matter here: by its rules, or because an endpoint fails."""
        return not _OF_FETCHING.isdisjoint(self.scenario.rules) or any(
            isinstance(action, Move) and action.what == "fault" for action in self.scenario.actions
        )

    @property
    def virtual(self) -> bool:
        """Whether time is the scenario's own: the target obeys a clock."""
        return self.profile.can("clock")

    def now(self) -> float:
        """Return the scenario's time (seconds since the epoch)."""
        return (START if self.virtual else time.time()) + self.offset

    def knob(self, name: str) -> float:
        """Return a knob that holds seconds, as the target declares it or by default."""
        value = self.profile.knobs.get(name, rulebook.knobs()[name].default)
        return float(value) if value is not None else 0.0

    def users_of(self, party: str) -> list[str]:
        """Return the names of an integration's users, in their order."""
        return [name for name, spec in self.users.items() if (spec.of or MAIN) == party]

    def external_id(self, user: str) -> str | None:
        """Return a user's External ID."""
        spec = self.users[user]
        if spec.pairwise is None:
            return spec.external_id
        party = self.parties[spec.of or MAIN]
        return pairwise_sub(party.issuer.tenant, Person.named(user).oid, spec.pairwise)

    def claim_of(self, user: str) -> str:
        """Return the claim that a user's External ID is of: for verifiers that ask (MAP-019, MAP-023)."""
        spec = self.users[user]
        custom = self.parties[spec.of or MAIN].spec.custom_claim
        named = isinstance(custom, str) and custom.strip() and spec.pairwise is None
        return spec.claim or (str(custom) if named else "sub")

    def user_of(self, claims: Mapping[str, Any]) -> str | None:
        """Return the user that claims name: by the custom claim when it has a value, else by `sub`.

        For targets that map no users themselves and answer the claims that they read.
        """
        custom = self.parties[MAIN].spec.custom_claim
        value = claims.get(custom) if isinstance(custom, str) and custom else None
        if value is None or value == "":
            value = claims.get("sub")
        found = [user for user in self.users if isinstance(value, str) and self._is(user, value, claims)]
        return found[0] if len(found) == 1 else None

    def _is(self, user: str, external_id: str, claims: Mapping[str, Any]) -> bool:
        """Whether claims that hold this External ID mean the user: of two issuers' users with one ID, one is meant."""
        if self.external_id(user) != external_id:
            return False
        party = self.parties.get(self.users[user].of or MAIN)
        return "iss" not in claims or party is None or claims["iss"] == party.issuer.issuer

    def add_party(self, name: str, spec: IntegrationSpec) -> None:
        """Set up an integration's IdP and serve it. Raises `ValueError` for what cannot be."""
        number = self.lab.number()
        alg = spec.alg or (spec.algorithms or [DEFAULT_ALG])[0]
        if alg not in ALGORITHMS:  # a list that names what nobody signs with, to be refused
            alg = DEFAULT_ALG
        party = Party(
            name, f"i-{number}", f"/i-{number}", alg, _issuer(self.scenario, name, spec, alg, self.now), spec
        )
        party.change(spec)
        self.lab.idp.add_issuer(party.path, party.issuer)
        self.parties[name] = party


def _issuer(
    scenario: Scenario, name: str, spec: IntegrationSpec, alg: str, clock: Callable[[], float]
) -> StagedIssuer:
    dialect = persona(spec.persona or _persona_of_tokens(scenario) or "generic")
    index = list(scenario.integrations).index(name) + 1
    host = "https://idp.example.com" if index == 1 else f"https://idp-{index}.example.com"
    plain = dialect.name == "generic"
    issuer, audience = (host, AUDIENCE) if plain else (None, None)
    return StagedIssuer(
        dialect,
        KeyRing([staged_key(letter, alg) for letter in _letters(spec)]),
        issuer=spec.issuer if isinstance(spec.issuer, str) else issuer,
        audience=spec.audience if isinstance(spec.audience, str) else audience,
        tenant=None if name == MAIN else str(uuid.uuid5(uuid.NAMESPACE_URL, name)),
        base_url=host,
        clock=clock,
    )


def _persona_of_tokens(scenario: Scenario) -> str | None:
    """Return the persona of the scenario's tokens when they have one, which is then the IdP's too."""
    tokens = (getattr(action, "token", None) for action in scenario.actions)
    named = {token.persona for token in tokens if isinstance(token, model.TokenSpec) and token.persona}
    return named.pop() if len(named) == 1 else None


def _letters(spec: IntegrationSpec) -> list[str]:
    if spec.published is not None:
        return spec.published
    letters: list[str] = []
    for item in spec.certificates or ():
        names = [item] if isinstance(item, str) else item.bundle or [item.key or "a"]
        letters += [name for name in names if name not in letters and name != "weak"]
    return letters or ["a"]
