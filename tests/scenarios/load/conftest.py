"""A load run without Locust and without HTTP: a clock that the test moves, the IdP and a verifier in this process."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from mock_idp.http import Request
from scenarios.load.idp import PlannedIdP
from scenarios.load.plan import Plan, read_plan
from scenarios.load.result import LoadResult, result_of
from scenarios.load.run_file import Run, Target, make_keys, people
from scenarios.load.tally import Tally
from scenarios.load.worker import Work
from scenarios.targets.http.connection import Address
from scenarios.targets.http.settings import Admin, Call, Finder, Http
from scenarios.targets.protocol import HttpAnswer

if TYPE_CHECKING:
    from collections.abc import Callable

FLAWED = Path(__file__).with_name("flawed.py")
SINCE = 1_800_000_000.0
PLAN = """\
duration_s: 60
rate: 8
connections: 1
people: 20
mix: {good: 60, expired: 5, foreign: 5, unknown_kid: 5, retired: 5, replayed: 5, other_signature: 10,
      forged: {none_alg: 2, tamper: {share: 2, argument: {sub: somebody}}, other_key_same_kid: 1}}
lifetime_s: 5
leeway_s: 2
rotation: {every_s: 10, ahead_s: 3, overlap_s: 3}
events:
- {at_s: 25, for_s: 2, jwks: {status: 503}}
- {at_s: 40, for_s: 5, mix: {good: 1, unknown_kid: 9}}
limits: {forget_s: 4, fetches: {most: 200, in_s: 10}}
"""
HTTP = Http(
    url="http://127.0.0.1:1",
    endpoints=["/"],
    user=Finder(json="/user"),
    admin=Admin(onboard=[Call(path="/", method="PUT")]),
)


class Lab:
    """One run by a clock that the test moves."""

    def __init__(self, plan: Plan) -> None:
        self.now = SINCE
        target = Target(name="lab", url=HTTP.url, http=HTTP)
        self.run = Run(
            plan=plan,
            since=SINCE,
            issuer=plan.issuer,
            audience=plan.audience,
            keys=make_keys(plan),
            target=target,
        )
        self.idp = PlannedIdP(self.run, self.clock)
        self.record = {
            "issuer": plan.issuer,
            "audience": plan.audience,
            "algorithms": [plan.alg],
            "leeway_s": plan.leeway_s,
        }
        self.users = {person.subject: person.username for person in people(plan)}

    def clock(self) -> float:
        """Return the time of the test."""
        return self.now

    def fetch(self) -> bytes:
        """Return the JWKS; ConnectionError where the plan has it fail."""
        answer = self.idp.handle(Request("GET", "/jwks"))
        if answer.status != 200:
            raise ConnectionError(answer.status)
        return answer.body

    def kids(self) -> list[str]:
        """Return the kids that are published."""
        return [key["kid"] for key in json.loads(self.fetch())["keys"]]

    def worker(self, name: str = "one") -> Work:
        """Return the work of one process."""
        return Work(self.run, name, Address.of(HTTP.url, None), self.clock)

    def verifier(self, way: str) -> Any:
        """Return one of the flawed verifiers."""
        made = runpy.run_path(str(FLAWED))["WAYS"][way](self.fetch, self.clock, self.record)
        made.users = self.users
        return made

    def loaded(self, user: Callable[[str], str | None]) -> LoadResult:
        """Ask a verifier all tokens of the run, at the rate of the plan, and return the result."""
        work = self.worker()
        work.begin()
        while self.now < SINCE + self.run.plan.duration_s:
            made, _ = work.next()
            found = user(made.token)
            body = json.dumps({"user": found})
            work.answered(made, HttpAnswer(200 if found else 401, (), body), self.now, 1.5)
            self.now += work.interval_s(self.now)
        tally = Tally()
        tally.merge(work.take())
        return result_of(self.run, tally, self.idp.fetches)


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    path = tmp_path / "plan.yaml"
    path.write_text(PLAN, encoding="utf-8")
    return read_plan(path)


@pytest.fixture
def lab(plan: Plan) -> Lab:
    return Lab(plan)


@pytest.fixture
def make_lab(plan: Plan) -> Callable[..., Lab]:
    """Return a lab of the plan with changes."""

    def make(**changes: Any) -> Lab:
        return Lab(msgspec.structs.replace(plan, **changes))

    return make
