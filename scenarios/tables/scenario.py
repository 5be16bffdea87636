"""A scenario as the rest of the program knows it: resolved, checked, and free of YAML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scenarios import rulebook
    from scenarios.files.problems import Place
    from scenarios.tables.expect import Expectation
    from scenarios.tables.model import IntegrationSpec, RequestBound, SendSpec, TokenSpec, UserSpec

MAIN: Final = "main"
"""The name of the integration that is meant when none is named."""


@dataclass(frozen=True, slots=True)
class Authenticate:
    """Send a token: one kept earlier (its name), or one made now."""

    expect: Expectation
    token: TokenSpec | str
    keep_as: str | None = None
    times: int = 1
    each_key: bool = False
    endpoint: int | None = None
    requests: Mapping[str, RequestBound] | None = None


@dataclass(frozen=True, slots=True)
class Onboard:
    """Send an onboarding record; it replaces the one that `name` had."""

    expect: Expectation
    name: str
    integration: IntegrationSpec
    users: Mapping[str, UserSpec]
    requests: Mapping[str, RequestBound] | None = None


@dataclass(frozen=True, slots=True)
class Flood:
    """Send many tokens, each forged in one way."""

    expect: Expectation
    token: TokenSpec
    tokens: int
    requests: Mapping[str, RequestBound] | None = None


@dataclass(frozen=True, slots=True)
class Mint:
    """Make a token now and keep it."""

    token: TokenSpec
    keep_as: str


@dataclass(frozen=True, slots=True)
class Move:
    """Change the world around the target: the IdP's keys, its HTTP side, or the clock."""

    what: str
    """offboard, rotate, publish, retire, revoke, replace, purge, fault, heal or advance."""
    argument: Any


Action: TypeAlias = Authenticate | Onboard | Flood | Mint | Move


@dataclass(frozen=True, slots=True)
class Scenario:
    """One situation and the verdicts expected in it."""

    id: str
    """`group/name`, with `[cell]` for a cell of a matrix."""
    group: str
    title: str
    """The group's title."""
    says: str
    rules: tuple[str, ...]
    """The rule under test first, then those that it touches."""
    rule: rulebook.Rule
    """The rule under test: its level, basis and scope are the scenario's."""
    requires: frozenset[str]
    """Capabilities (`clock`), key forms (`keys:jwks_uri`), algorithms (`alg:ES256`), checks (`check:aud`)."""
    control: str | None
    actions: tuple[Action, ...]
    integrations: Mapping[str, IntegrationSpec]
    users: Mapping[str, UserSpec]
    place: Place
    canary: bool = False
    quoted: bool = True
    """Whether an answer may repeat a part of the token that it is about."""
    send: SendSpec | None = None
    audit: Mapping[str, Any] | None = None
    advisories: tuple[str, ...] = ()
    note: str | None = None

    @property
    def negative(self) -> bool:
        """Whether every answer that it judges is a no: then a control must show that a yes is possible."""
        judged = [
            action.expect for action in self.actions if isinstance(action, Authenticate | Onboard | Flood)
        ]
        asked = [expect for expect in judged if not _is_setting(expect)] or judged
        return all(expect.negative for expect in asked)

    @property
    def expected(self) -> Expectation:
        """The expectation of the last judged step."""
        return next(
            action.expect
            for action in reversed(self.actions)
            if isinstance(action, Authenticate | Onboard | Flood)
        )


def _is_setting(expect: Expectation) -> bool:
    return expect.knob is None and all(outcome.kind == "onboarded" for outcome in expect.outcomes)
