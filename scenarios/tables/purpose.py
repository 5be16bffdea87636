"""Rows that are well formed and would prove nothing; it looks at resolved scenarios and never at YAML."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from scenarios.tables import words
from scenarios.tables.expect import Expectation
from scenarios.tables.model import FaultStep, TokenSpec
from scenarios.tables.scenario import Authenticate, Flood, Move, Onboard, Together

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scenarios.tables.scenario import Action, Scenario

CANARY: Final = "{canary}"
"""What stands in a token for the address that must not be asked."""
_ANY: Final = Expectation({"": ()})


def holds_canary(scenario: Scenario) -> bool:
    """Whether a token or a fault of the scenario holds `{canary}`; else `canary: untouched` cannot fail (SIG-021)."""
    faults = (action.argument for action in scenario.actions if isinstance(action, Move))
    return any(_within((spec.claims, spec.header, spec.forge)) for spec in _tokens(scenario)) or any(
        _within(fault.is_) for fault in faults if isinstance(fault, FaultStep)
    )


def differs(scenario: Scenario, control: Scenario) -> bool:
    """Whether a scenario asks a target anything that its control has not asked by then.

    If not, no target can do both right, so one of the two expectations is a mistake.
    """
    asked_before = len(scenario.actions) <= len(control.actions) and all(
        map(_is_asked_alike, scenario.actions, control.actions)
    )
    return not asked_before or _setting(scenario) != _setting(control)


def same(scenario: Scenario, other: Scenario) -> bool:
    """Whether two scenarios ask the same in the same setting, whatever they expect."""
    alike = len(scenario.actions) == len(other.actions) and all(
        map(_is_asked_alike, scenario.actions, other.actions)
    )
    return alike and _setting(scenario) == _setting(other)


def forges_hmac(scenario: Scenario) -> bool:
    """Whether any token of the scenario has an HMAC forgery."""
    return any(
        name.startswith("hmac_") for spec in _tokens(scenario) for name in words.forge_names(spec.forge)
    )


def _tokens(scenario: Scenario) -> Iterator[TokenSpec]:
    for action in scenario.actions:
        if isinstance(token := getattr(action, "token", None), TokenSpec):
            yield token
        if isinstance(action, Onboard) and isinstance(action.integration.sample_token, TokenSpec):
            yield action.integration.sample_token


def _within(value: Any) -> bool:
    match value:
        case str():
            return CANARY in value
        case dict():
            return any(map(_within, value.values()))
        case list() | tuple():
            return any(map(_within, value))
    return False


def _is_asked_alike(action: Action, other: Action) -> bool:
    # Words and not values are compared: to Python 1, 1.0 and true are equal, to a verifier they are not.
    return type(action) is type(other) and repr(_without_answer(action)) == repr(_without_answer(other))


def _without_answer(action: Action) -> Action:
    """Return what is done, without what is right then."""
    match action:
        case Authenticate():
            return replace(action, expect=_ANY, answer=None)
        case Onboard() | Flood():
            return replace(action, expect=_ANY)
        case Together():
            return replace(action, expected=tuple((name, _ANY) for name, _ in action.expected))
    return action


def _setting(scenario: Scenario) -> str:
    return repr((scenario.integrations, scenario.users))
