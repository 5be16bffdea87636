"""A scenario to a vector: rehearsed for a verifier that takes keys by value and obeys a clock, and written down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from scenarios import rulebook
from scenarios.stage import Lab, Stage
from scenarios.tables.expect import Expectation
from scenarios.tables.scenario import Authenticate, Flood, Mint, Move, Onboard, Together
from scenarios.targets.profile import Profile
from scenarios.targets.protocol import (
    CAPABILITIES,
    authenticate_message,
    offboard_message,
    onboard_message,
)
from scenarios.targets.reference import ALGORITHMS
from scenarios.vectors.model import (
    Answer,
    AuthenticateStep,
    Expected,
    OffboardStep,
    OnboardStep,
    Record,
    RuleRef,
    User,
    Vector,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scenarios.tables.expect import Outcome
    from scenarios.tables.scenario import Scenario

BY_VALUE: Final = ("jwks", "certificates", "public_keys")
"""The forms of keys that need no server."""
MAX_CERTIFICATES: Final = 5
"""So many certificates a record may hold (ONB-007)."""
_STATIC_MOVES: Final = frozenset({"advance", "offboard"})
"""The moves that concern the clock and the verifier alone."""

CANARY: Final = "it watches an address that must not be asked"
HTTP: Final = "it is about how the credential travels over HTTP"
TOGETHER: Final = "it sends several tokens at the same time"
FETCHES: Final = "the keys are fetched from the IdP's JWKS URL"
FAULTS: Final = "the IdP's HTTP side misbehaves"
KEYS_CHANGE: Final = "the IdP's published keys change, which a verifier learns by fetching them"
REQUESTS: Final = "it counts the requests that the IdP sees"


def why_not(scenario: Scenario) -> str | None:
    """Return why a scenario cannot be a static vector, or None when it can."""
    moves = {action.what for action in scenario.actions if isinstance(action, Move)}
    reasons = {
        CANARY: scenario.canary,
        HTTP: "http" in scenario.requires,
        TOGETHER: any(isinstance(action, Together) for action in scenario.actions),
        FAULTS: bool(moves & {"fault", "heal"}),
        REQUESTS: any(
            isinstance(action, Flood) or getattr(action, "requests", None) for action in scenario.actions
        ),
        KEYS_CHANGE: bool(moves - _STATIC_MOVES),
        FETCHES: "keys:jwks_uri" in scenario.requires,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def vector_of(scenario: Scenario) -> Vector:
    """Return a scenario as a vector. Raises `StageError` for one that cannot be made.

    The scenario must be one for which `why_not` is None. The same scenario gives the same vector everywhere.
    """
    with Lab() as lab:  # one of its own: ids must not depend on what else is exported
        steps = tuple(_steps(scenario, Stage(scenario, lab, _profile(scenario))))
    return Vector(
        id=scenario.id,
        says=scenario.says,
        scope=scenario.rule.scope.value,
        rules=tuple(map(_rule, scenario.rules)),
        requires=tuple(sorted(scenario.requires)),
        control=scenario.control,
        audit=dict(scenario.audit or {}),
        advisories=scenario.advisories,
        note=scenario.note,
        steps=steps,
    )


def _profile(scenario: Scenario) -> Profile:
    """Return the profile to stage for: all forms of keys in one record, but where the record itself is judged."""
    capabilities = set(CAPABILITIES)
    if "onboarding" not in scenario.requires:
        capabilities.remove("onboarding")
    return Profile(
        scope="system", keys=BY_VALUE, algorithms=ALGORITHMS, capabilities=tuple(sorted(capabilities))
    )


def _rule(name: str) -> RuleRef:
    rule = rulebook.rules()[name]
    return RuleRef(id=rule.id, level=rule.level.value, basis=rule.basis.value, source=rule.source)


def _seconds(time: float) -> int | float:
    """Return a time as JSON has it: a whole number where it is whole."""
    return int(time) if time.is_integer() else time


def _steps(scenario: Scenario, stage: Stage) -> Iterator[OnboardStep | OffboardStep | AuthenticateStep]:
    for action in scenario.actions:
        match action:
            case Onboard():
                stage.set_users(action.users)
                record = stage.record(action.name, action.integration)
                yield _onboarding(record, stage.directory(action.name), _seconds(stage.now), action.expect)
            case Authenticate():
                for token in _tokens(stage, action):
                    yield _asking(token, _seconds(stage.now), action)
            case Mint():
                stage.kept[action.keep_as] = stage.token(action.token)
            case Move(what="offboard"):
                message = offboard_message(stage.party(action.argument).id)
                yield OffboardStep(now=_seconds(stage.now), id=message["id"])
            case Move():
                stage.move(action)


def _onboarding(
    record: dict[str, Any], users: list[dict[str, Any]], now: float, expect: Expectation
) -> OnboardStep:
    forms = [form for form in BY_VALUE if form != "certificates" or not _too_many(record)]
    message = onboard_message(record, users, forms)
    return OnboardStep(
        now=now,
        integration=msgspec.convert(message["integration"], Record),
        users=msgspec.convert(message["users"], list[User]),
        expect=_expected(expect),
    )


def _too_many(record: dict[str, Any]) -> bool:
    """Whether a set of keys would be refused, as certificates, for their number: only those have a limit (ONB-008)."""
    return "jwks" in record and len(record.get("certificates", ())) > MAX_CERTIFICATES


def _asking(token: str | bytes, now: float, action: Authenticate) -> AuthenticateStep:
    message = authenticate_message(token)
    del message["cmd"]
    endpoint = action.endpoint or 1
    return AuthenticateStep(
        now=now, **message, times=action.times, endpoint=endpoint, expect=_expected(action.expect)
    )


def _tokens(stage: Stage, action: Authenticate) -> Iterator[str | bytes]:
    if isinstance(action.token, str):
        yield stage.kept[action.token]
        return
    if action.each_key:
        for key in stage.party().issuer.ring.published():
            yield stage.token(action.token, key=key.kid)
        return
    token = stage.token(action.token)
    if action.keep_as is not None:
        stage.kept[action.keep_as] = token
    yield token


def _expected(expect: Expectation) -> Expected:
    if expect.knob is None:
        return Expected(any_of=_answers(expect.first))
    by_value = {
        value: _expected(case) if isinstance(case, Expectation) else Expected(any_of=_answers(case))
        for value, case in expect.cases.items()
    }
    return Expected(any_of=_answers(expect.first), knob=expect.knob, by_value=by_value)


def _answers(outcomes: tuple[Outcome, ...]) -> tuple[Answer, ...]:
    return tuple(
        msgspec.convert({"kind": item.kind, "user": item.user, "reasons": item.reasons}, Answer)
        for item in outcomes
    )
