"""A scenario as the rest of the program knows it: resolved, checked, and free of YAML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scenarios import rulebook
    from scenarios.files.problems import Place
    from scenarios.tables.expect import Expectation
    from scenarios.tables.model import (
        AnswerSpec,
        IntegrationSpec,
        RequestBound,
        SendSpec,
        TokenSpec,
        UserSpec,
    )

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
    send: SendSpec | None = None
    answer: AnswerSpec | None = None


@dataclass(frozen=True, slots=True)
class Together:
    """Send tokens that were kept, each so often, all at the same time."""

    expected: tuple[tuple[str, Expectation], ...]
    """The name of each token, and what is right for it."""
    times: int
    requests: Mapping[str, RequestBound] | None = None

    @property
    def expect(self) -> Expectation:
        """The expectation that stands for all: a yes where there is one."""
        every = [expect for _, expect in self.expected]
        return next((expect for expect in every if not expect.negative), every[0])


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


Action: TypeAlias = Authenticate | Together | Onboard | Flood | Mint | Move
_JUDGED: Final = (Authenticate, Together, Onboard, Flood)


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
    unless: Mapping[str, str] | None = None
    """It is not for a target that declares this word in this knob, a list."""
    audit: Mapping[str, Any] | None = None
    advisories: tuple[str, ...] = ()
    note: str | None = None

    @property
    def negative(self) -> bool:
        """Whether every answer that it judges is a no: then a control must show that a yes is possible."""
        judged = [action.expect for action in self.actions if isinstance(action, _JUDGED)]
        asked = [expect for expect in judged if not _is_setting(expect)] or judged
        return all(expect.negative for expect in asked)

    @property
    def expected(self) -> Expectation:
        """The expectation of the last judged step."""
        return next(action.expect for action in reversed(self.actions) if isinstance(action, _JUDGED))

    @property
    def over_http(self) -> bool:
        """Whether a request is told, or an answer judged, as HTTP has it."""
        return any(
            isinstance(action, Authenticate) and (action.send is not None or action.answer is not None)
            for action in self.actions
        )


def _is_setting(expect: Expectation) -> bool:
    return expect.knob is None and all(outcome.kind == "onboarded" for outcome in expect.outcomes)
