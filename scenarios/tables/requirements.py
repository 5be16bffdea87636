"""What a target must be able to do for a scenario to be asked of it; most follows from the scenario itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import msgspec

from scenarios.rulebook import Scope
from scenarios.tables.scenario import Authenticate, Flood, Move, Onboard, Scenario, Together

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scenarios.tables.expect import Expectation
    from scenarios.tables.model import IntegrationSpec

DEFAULT_ALG: Final = "RS256"
USER_REASONS: Final = frozenset({"no_user", "user_inactive", "user_ambiguous"})
"""Reasons that only a target with a user directory can have."""
OF_MOVES: Final = {"fault": "keys:jwks_uri", "heal": "keys:jwks_uri", "advance": "clock", "purge": "purge"}
"""Moves that not every target can follow or notice, and what it takes."""


def with_requirements(scenario: Scenario, stated: Iterable[str]) -> Scenario:
    """Return the scenario with what its author stated and what follows from its content."""
    return replace(scenario, requires=frozenset([*stated, *_of_content(scenario)]))


def _of_content(scenario: Scenario) -> Iterator[str]:
    if scenario.over_http:
        yield "http"
    if any(not user.api_access for user in scenario.users.values()):
        yield "permissions"
    if scenario.audit:
        yield "audit"
    asked = _onboarding_asked(scenario)
    if asked:
        yield "onboarding"
    if scenario.rule.scope == Scope.SYSTEM and not asked:
        yield "users"
    for spec in scenario.integrations.values():
        yield from _of_integration(spec)
    for action in scenario.actions:
        yield from _of_action(action)


def _onboarding_asked(scenario: Scenario) -> bool:
    """Whether an answer to onboarding is judged beyond the plain yes that every row starts with."""
    onboards = [action for action in scenario.actions if isinstance(action, Onboard)]
    if len(onboards) == len(scenario.actions):
        return True
    return any(_is_judgement(action.expect) for action in onboards)


def _is_judgement(expect: Expectation) -> bool:
    """Whether only a target that judges records can answer: a plain yes is what any other says."""
    kinds = {outcome.kind for outcome in expect.outcomes}
    return "onboarded" not in kinds or (expect.knob is not None and kinds != {"onboarded"})


def _of_integration(spec: IntegrationSpec) -> Iterator[str]:
    for alg in spec.algorithms or [spec.alg or DEFAULT_ALG]:
        yield f"alg:{alg}"
    if spec.keys is not None:
        yield f"keys:{spec.keys}"
    if spec.certificates is not None:
        yield "keys:certificates"
    if isinstance(spec.jwks, str):
        yield "keys:jwks_uri"  # a set that is written as text may be no JSON, and only a server can send that
    elif spec.jwks_uri is not msgspec.UNSET or spec.tls is not None:
        yield "keys:jwks_uri"
    elif spec.jwks is not None:
        yield "keys:jwks"  # by value or by URL: see `judge.not_applicable`


def _of_action(action: object) -> Iterator[str]:
    match action:
        case Authenticate():
            if action.endpoint is not None:
                yield "endpoints"
            if action.requests:
                yield "keys:jwks_uri"
            reasons = {reason for outcome in action.expect.outcomes for reason in outcome.reasons}
            if reasons and reasons <= USER_REASONS:
                yield "users"
        case Together():
            yield "concurrent"
            if action.requests:
                yield "keys:jwks_uri"
        case Onboard() if action.requests or action.integration.tls is not None:
            yield "keys:jwks_uri"
        case Flood():
            yield "keys:jwks_uri"
        case Move() if action.what in OF_MOVES:
            yield OF_MOVES[action.what]
