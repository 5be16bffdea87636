"""A rehearsal: a scenario is staged and every record and token of it made, with nobody there to judge them.

`lint` uses it to find what a table asks for and nobody can make, and `show` to show what would be sent.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import UNSET

from scenarios.decode import times_in
from scenarios.files.problems import Problem
from scenarios.stage import START, Stage, StageError
from scenarios.tables.model import SendSpec
from scenarios.tables.scenario import Authenticate, Flood, Mint, Move, Onboard, Together
from scenarios.targets.profile import Profile
from scenarios.targets.protocol import CAPABILITIES, KEY_FORMS
from scenarios.targets.reference import ALGORITHMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from scenarios.stage import Lab
    from scenarios.tables.expect import Expectation
    from scenarios.tables.model import RequestBound
    from scenarios.tables.scenario import Scenario

MAX_LEEWAY_S: Final = 300
"""No target has a longer leeway (knob `leeway_s`)."""
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
    canary: str | None = None
    """The address that must not be asked meanwhile."""
    requests: tuple[str, ...] = ()
    """The bounds on what the IdP may see meanwhile, in words."""
    request: dict[str, Any] | None = None
    """How the credential travels over HTTP, as the target protocol has it, where the scenario says so."""
    answer: dict[str, Any] | None = None
    """What the HTTP answer must say beside the verdict."""
    now: float | None = None
    """The scenario's time when a token is sent (seconds since the epoch)."""


def rehearse(scenario: Scenario, lab: Lab) -> Iterator[Shown]:
    """Yield what a scenario would send and do, in order. Raises `StageError` for what cannot be made."""
    stage = Stage(scenario, lab, ABLE)
    canary = stage.canary_url or None
    try:
        for action in scenario.actions:
            match action:
                case Onboard():
                    stage.set_users(action.users)
                    record = stage.record(action.name, action.integration)
                    users = stage.directory(action.name)
                    # Of what onboarding sends only a sample token can hold the canary's address.
                    watched = canary if action.integration.sample_token is not None else None
                    bounds = _bounds(action.requests or {})
                    yield Shown(
                        f"onboard {action.name}",
                        record,
                        users,
                        expect=action.expect,
                        canary=watched,
                        requests=bounds,
                    )
                case Authenticate() | Flood():
                    bounds = _bounds(action.requests or {})
                    for token in _tokens(stage, action):
                        yield Shown(
                            _sending(action),
                            token=token,
                            expect=action.expect,
                            canary=canary,
                            requests=bounds,
                            now=stage.now,
                            **_over_http(stage, action, token),
                        )
                case Together():
                    yield from _together(stage, action)
                case Mint():
                    stage.kept[action.keep_as] = stage.token(action.token)
                    yield Shown(f"keep a token as '{action.keep_as}'", token=stage.kept[action.keep_as])
                case Move():
                    yield _moved(stage, action)
    finally:
        stage.close()


def mistakes(scenarios: Iterable[Scenario], lab: Lab) -> Iterator[Problem]:
    """Yield what shows only when scenarios are rehearsed, at the place of each: the first mistake of a scenario."""
    for scenario in scenarios:
        try:
            for shown in rehearse(scenario, lab):
                if _died_meanwhile(shown):
                    yield Problem(scenario.place, _DIED)
                    break
        except StageError as error:
            yield Problem(scenario.place, error.reason)


_DIED: Final = (
    "a token that must be rejected, and not as expired, has expired when it is sent: its reject proves nothing; give"
    " it a longer life, such as claim: {exp: +2d}"
)


def _died_meanwhile(shown: Shown) -> bool:
    """Whether a token expired on its way through the steps, beyond any leeway, and is rejected for something else."""
    if shown.expect is None or shown.now is None or not isinstance(shown.token, str):
        return False
    reasons = {reason for outcome in shown.expect.outcomes for reason in outcome.reasons}
    if not shown.expect.negative or not reasons or "expired" in reasons:
        return False
    return START <= times_in(shown.token).get("exp", 0) < shown.now - MAX_LEEWAY_S


def _tokens(stage: Stage, action: Authenticate | Flood) -> Iterator[str | bytes]:
    if isinstance(action.token, str):
        yield stage.kept[action.token]
        return
    if isinstance(action, Flood):
        yield stage.token(action.token)
        return
    keys = [key.kid for key in stage.party().issuer.ring.published()] if action.each_key else [None]
    for key in keys:
        token = stage.token(action.token, key=key)
        if action.keep_as is not None:
            stage.kept[action.keep_as] = token
        yield token


def _moved(stage: Stage, action: Move) -> Shown:
    if action.what in ("offboard", "purge"):
        if action.what == "purge":
            stage.thumbprint(action.argument)
        return Shown(f"{action.what} {action.argument}")
    stage.move(action)
    return Shown(moved_in_words(action))


def moved_in_words(move: Move) -> str:
    """Return a change of the world in words, such as `advance +10m`."""
    return f"{move.what} {_plain(move.argument)}".strip()


def _together(stage: Stage, action: Together) -> Iterator[Shown]:
    for name, expect in action.expected:
        yield Shown(
            f"authenticate with the token '{name}', {action.times} times, at the same time as the others",
            token=stage.kept[name],
            expect=expect,
            requests=_bounds(action.requests or {}),
            now=stage.now,
        )


def _over_http(stage: Stage, action: Authenticate | Flood, token: str | bytes) -> dict[str, Any]:
    if isinstance(action, Flood) or (action.send is None and action.answer is None):
        return {}
    request = stage.request(action.send or SendSpec(), token, {})
    said = None if action.answer is None else msgspec.structs.asdict(action.answer)
    wanted = {name: item for name, item in (said or {}).items() if item not in (None, UNSET, [], False)}
    if action.answer is not None and action.answer.error is None:
        wanted["error"] = None
    return {"request": request, "answer": wanted}


def _sending(action: Authenticate | Flood) -> str:
    if isinstance(action, Flood):
        return f"authenticate with {action.tokens} such tokens"
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
        return ", ".join(f"{name}: {in_words(value)}" for name, value in given if value is not None)
    seconds = getattr(argument, "seconds", None)
    if seconds is not None:
        terms = [("-" if sign < 0 else "+") + knob for sign, knob in argument.knobs]
        return " ".join([*terms, f"+{seconds:g}s"] if seconds or not terms else terms).lstrip("+")
    return in_words(argument)


def _bounds(requests: Mapping[str, RequestBound]) -> tuple[str, ...]:
    said = []
    for endpoint, bound in requests.items():
        limits = [("at least", bound.at_least), ("at most", bound.at_most)]
        given = [f"{word} {number}" for word, number in limits if number is not None]
        given += [] if bound.query is None else [f"the query '{bound.query}'"]
        given += [f"no header {header}" for header in bound.without]
        said.append(f"{' and '.join(given)} for {endpoint}")
    return tuple(said)


def in_words(value: Any) -> str:
    """Return a value of a table or a record as a table would write it: a list as words, a mapping as JSON."""
    match value:
        case str():
            return value if value and value == value.strip() else json.dumps(value)
        case bytes():
            return f"base64 {base64.b64encode(value).decode()}"
        case list() | tuple() if value and all(isinstance(item, str | int) for item in value):
            return ", ".join(map(in_words, value))
    return json.dumps(value, ensure_ascii=False, default=str)
