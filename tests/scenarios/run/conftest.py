"""Targets that answer as a test tells them and remember what they were told."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from scenarios.run import run
from scenarios.stage import Lab
from scenarios.tables.load import load
from scenarios.targets.in_process import ObjectTarget
from scenarios.targets.profile import Profile
from scenarios.targets.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from scenarios.results import Result
    from scenarios.tables.scenario import Scenario

Answer = dict[str, Any]


def claims_of(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return the claims of the token of an `authenticate`, or none when there are none to read."""
    try:
        payload = message["token"].split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (KeyError, ValueError, IndexError):
        return {}
    return claims if isinstance(claims, dict) else {}


class Double:
    """A target that keeps every message and answers as it is told; by default all is well and everybody is ann."""

    def __init__(
        self,
        authenticate: Callable[[dict[str, Any]], Answer] | None = None,
        onboard: Callable[[dict[str, Any]], Answer] | None = None,
        **declares: Any,
    ) -> None:
        self.messages: list[dict[str, Any]] = []
        self.on_authenticate = authenticate or (lambda _: {"verdict": "accept", "user": "ann"})
        self.on_onboard = onboard or (lambda _: {"verdict": "onboarded"})
        self.declares = {
            "ok": True,
            "scope": "system",
            "keys": ["jwks_uri"],
            "algorithms": ["RS256"],
            "capabilities": ["clock", "reset", "users", "onboarding", "reasons"],
            **declares,
        }

    def of(self, cmd: str) -> list[dict[str, Any]]:
        """Return the messages of one kind, in order."""
        return [message for message in self.messages if message["cmd"] == cmd]

    def start(self, message: dict[str, Any]) -> Answer:
        self.messages.append(message)
        return self.declares

    def onboard(self, message: dict[str, Any]) -> Answer:
        self.messages.append(message)
        return self.on_onboard(message)

    def authenticate(self, message: dict[str, Any]) -> Answer:
        self.messages.append(message)
        return self.on_authenticate(message)

    def offboard(self, message: dict[str, Any]) -> Answer:
        self.messages.append(message)
        return {"ok": True}

    def reset(self, message: dict[str, Any]) -> Answer:
        self.messages.append(message)
        return {"ok": True}

    def stop(self, _message: dict[str, Any]) -> Answer:
        return {"ok": True}


HEAD = "group: a/b\ntitle: A title that nobody must be told\ngiven: {users: {ann: ann-sub, bob: bob-sub}}\n"


def table(rows: str, head: str = HEAD) -> dict[str, Scenario]:
    """Return the scenarios of a table by the last word of their ids."""
    scenarios = load([("t.yaml", f"{head}scenarios:\n{rows}")])
    return {name.removeprefix("a/b/"): scenario for name, scenario in scenarios.items()}


class Play:
    """Runs tables against doubles on one mock IdP."""

    double = Double
    table = staticmethod(table)
    claims_of = staticmethod(claims_of)

    def __init__(self, lab: Lab) -> None:
        self.lab = lab

    def __call__(
        self,
        rows: str,
        double: object,
        *select: str,
        head: str = HEAD,
        knobs: Mapping[str, Any] | None = None,
    ) -> dict[str, Result]:
        """Return the results of a table's rows (those selected) by the last word of their ids."""
        scenarios = table(rows, head)
        wanted = [scenarios[name] for name in select or scenarios]
        by_id = {scenario.id: scenario for scenario in scenarios.values()}
        with Session(ObjectTarget(lambda: double), profile=Profile(knobs=knobs or {})) as session:
            results = list(run(wanted, by_id, session, self.lab))
        return {result.id.removeprefix("a/b/"): result for result in results}


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as made:
        yield made


@pytest.fixture
def play(lab: Lab) -> Play:
    return Play(lab)
