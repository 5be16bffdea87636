"""A rehearsal: a scenario is staged and every record and token of it made, with nobody there to judge them.

`lint` uses it to find what a table asks for and nobody can make, and `show` to show what would be sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from scenarios.stage import Lab, Stage
from scenarios.tables.scenario import Authenticate, Flood, Mint, Move, Onboard
from scenarios.targets.profile import Profile
from scenarios.targets.protocol import CAPABILITIES, KEY_FORMS
from scenarios.targets.reference import ALGORITHMS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scenarios.tables.expect import Expectation
    from scenarios.tables.scenario import Scenario

ABLE: Final = Profile(scope="system", keys=KEY_FORMS, algorithms=ALGORITHMS, capabilities=tuple(CAPABILITIES))
"""The profile of a target that can do everything."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One thing that would be sent or done."""

    what: str
    record: dict[str, Any] | None = None
    users: list[dict[str, Any]] | None = None
    token: str | bytes | None = None
    expect: Expectation | None = None


def rehearse(scenario: Scenario, lab: Lab) -> Iterator[Shown]:
    """Yield what a scenario would send and do, in order. Raises `StageError` for what cannot be made."""
    stage = Stage(scenario, lab, ABLE)
    try:
        for action in scenario.actions:
            match action:
                case Onboard():
                    stage.set_users(action.users)
                    record = stage.record(action.name, action.integration)
                    yield Shown(
                        f"onboard {action.name}", record, stage.directory(action.name), expect=action.expect
                    )
                case Authenticate():
                    for token in _tokens(stage, action):
                        yield Shown(_authenticate(action), token=token, expect=action.expect)
                case Flood():
                    token = stage.token(action.token)
                    yield Shown(
                        f"authenticate with {action.tokens} such tokens", token=token, expect=action.expect
                    )
                case Mint():
                    stage.kept[action.keep_as] = stage.token(action.token)
                    yield Shown(f"keep a token as '{action.keep_as}'", token=stage.kept[action.keep_as])
                case Move(what="offboard"):
                    yield Shown(f"offboard {action.argument}")
                case Move():
                    stage.move(action)
                    yield Shown(f"{action.what} {_plain(action.argument)}".strip())
    finally:
        stage.close()


def _tokens(stage: Stage, action: Authenticate) -> Iterator[str | bytes]:
    if isinstance(action.token, str):
        yield stage.kept[action.token]
        return
    keys = [key.kid for key in stage.party().issuer.ring.published()] if action.each_key else [None]
    for key in keys:
        token = stage.token(action.token, key=key)
        if action.keep_as is not None:
            stage.kept[action.keep_as] = token
        yield token


def _authenticate(action: Authenticate) -> str:
    words = ["authenticate"]
    if isinstance(action.token, str):
        words.append(f"with the token '{action.token}'")
    if action.times > 1:
        words.append(f"{action.times} times")
    if action.endpoint is not None:
        words.append(f"at endpoint {action.endpoint}")
    return " ".join(words)


def _plain(argument: Any) -> str:
    if isinstance(argument, bool):
        return ""
    fields = getattr(argument, "__struct_fields__", None)
    if fields is not None:
        given = ((name.rstrip("_"), getattr(argument, name)) for name in fields)
        return ", ".join(f"{name}: {value}" for name, value in given if value is not None)
    seconds = getattr(argument, "seconds", None)
    if seconds is not None:
        terms = [("-" if sign < 0 else "+") + knob for sign, knob in argument.knobs]
        return " ".join([*terms, f"+{seconds:g}s"] if seconds or not terms else terms).lstrip("+")
    return str(argument)
