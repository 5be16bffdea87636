"""A scenario in words for people who have never seen its table: what its no turns on, and what its words mean."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from scenarios.decode import times_in
from scenarios.rehearse import in_words
from scenarios.tables import words
from scenarios.tables.model import TokenSpec
from scenarios.tables.scenario import MAIN
from scenarios.targets.protocol import REFUSE_REASONS, REJECT_REASONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scenarios.tables.expect import Expectation
    from scenarios.tables.scenario import Scenario

MAX_YEAR: Final = 9999
UNITS: Final = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


def meanings(expect: Expectation) -> list[tuple[str, str]]:
    """Return each reason that an expectation names, with what it means."""
    named = dict.fromkeys(reason for outcome in expect.outcomes for reason in outcome.reasons)
    known = {**REFUSE_REASONS, **REJECT_REASONS}
    return [(reason, known[reason]) for reason in named if reason in known]


def forgeries(scenario: Scenario) -> list[tuple[str, str]]:
    """Return each forgery of a scenario's tokens, with what it makes false."""
    from mock_idp.forgeries import FORGERIES

    names = dict.fromkeys(name for spec in _tokens(scenario) for name in words.forge_names(spec.forge))
    return [(name, FORGERIES[name].says) for name in names]


def differences(scenario: Scenario, control: Scenario) -> list[str]:
    """Return in what a scenario's last token, main integration and users are unlike those of its control."""
    here, there = _tokens(scenario)[-1:], _tokens(control)[-1:]
    pairs: list[tuple[str, Any, Any]] = []
    if here and there:
        pairs += _members("token.", here[0], there[0])
    pairs += _members("onboard.", scenario.integrations[MAIN], control.integrations[MAIN])
    pairs += _entries("users.", scenario.users, control.users)
    if len(scenario.actions) != len(control.actions):
        pairs.append(("the steps", f"{len(scenario.actions)} of them", len(control.actions)))
    return [f"{name}: {mine}, there {other}" for name, *both in pairs for mine, other in [_apart(*both)]]


def _apart(mine: Any, other: Any) -> tuple[str, str]:
    """Return two values that differ in words that differ: a list of one is not that one, and a number no text."""
    said = _said(mine), _said(other)
    lists = isinstance(mine, list | tuple) or isinstance(other, list | tuple)
    if msgspec.UNSET in (mine, other) or (said[0] != said[1] and not lists):
        return said
    return _as_json(mine), _as_json(other)


def _as_json(value: Any) -> str:
    if value is None or isinstance(value, msgspec.Struct):
        return _said(value)
    return json.dumps(value, ensure_ascii=False, default=str)[:200]


def times_of(token: str | bytes | None, now: float | None) -> str:
    """Return the times of a token relative to when it is sent, such as `sent at …; exp +5m`; empty if it has none."""
    if not isinstance(token, str) or now is None:
        return ""
    given = sorted(times_in(token).items())
    if not given:
        return ""
    said = ", ".join(f"{name} {_relative(value - now)}" for name, value in given)
    return f"sent at {datetime.fromtimestamp(now, UTC):%Y-%m-%dT%H:%M:%SZ}; {said}"


def _relative(seconds: float) -> str:
    if not abs(seconds) < 86400 * 365 * MAX_YEAR:
        return "beyond any calendar"
    if not round(seconds):
        return "now"
    left, made = abs(round(seconds)), ""
    for unit, size in UNITS:
        if left >= size:
            made += f"{left // size}{unit}"
            left %= size
    return ("-" if seconds < 0 else "+") + made


def _tokens(scenario: Scenario) -> list[TokenSpec]:
    return [t for action in scenario.actions if isinstance(t := getattr(action, "token", None), TokenSpec)]


def _members(prefix: str, one: msgspec.Struct, other: msgspec.Struct) -> Iterator[tuple[str, Any, Any]]:
    for name in one.__struct_fields__:
        mine, theirs = getattr(one, name), getattr(other, name)
        if isinstance(mine, dict) and isinstance(theirs, dict) and name != "forge":
            yield from _entries(f"{prefix}{name}.", mine, theirs)
        elif repr(mine) != repr(theirs):
            yield f"{prefix}{name}", mine, theirs


def _entries(
    prefix: str, mine: Mapping[str, Any], theirs: Mapping[str, Any]
) -> Iterator[tuple[str, Any, Any]]:
    for name in dict.fromkeys([*mine, *theirs]):
        one, other = mine.get(name, msgspec.UNSET), theirs.get(name, msgspec.UNSET)
        if repr(one) != repr(other):
            yield f"{prefix}{name}", one, other


def _said(value: Any) -> str:
    if value is msgspec.UNSET or value is None:
        return "as usual"
    if isinstance(value, msgspec.Struct):
        given = {name: item for name, item in msgspec.structs.asdict(value).items() if item is not None}
        return in_words(given)[:200]
    return in_words(value)[:200]
