"""The simulation leaves tokens out and draws what remains: it comes to the same as asking for every single one."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from msgspec.structs import replace

from scenarios.fleet.arrivals import PoissonArrivals
from scenarios.fleet.plan import Fleet, Idp, Plan, Rotation
from scenarios.fleet.publication import ALG, Edge, Origin
from scenarios.fleet.simulate import Simulation
from tests.scenarios.fleet.conftest import plans
from verifier.fetch import FetchResult
from verifier.key_source import JwksSource
from verifier.keys import KeyUse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scenarios.fleet.arrivals import Kid
    from verifier.keys import KeySet

USE = KeyUse.of((ALG,), None)
NONE: Mapping[str, str] = {}
KIDS: tuple[Kid, ...] = ("old", "new", "unknown")


class Listed:
    """Tokens that come at moments that are known before."""

    def __init__(self, moments: Mapping[Kid, list[float]]) -> None:
        self.moments = moments

    def after(self, kid: Kid, at: float) -> float:
        found = self.moments[kid]
        place = bisect_right(found, at)
        return found[place] if place < len(found) else math.inf

    def count(self, kid: Kid, start: float, end: float) -> float:
        found = self.moments[kid]
        return max(0, bisect_left(found, end) - bisect_right(found, start))


def listed(plan: Plan, fleet: Fleet, random: Random) -> Listed:
    """Draw all tokens of one node, from before it starts to after the end."""
    drawn, moments = PoissonArrivals(plan, fleet, random), {kid: list[float]() for kid in KIDS}
    for kid, found in moments.items():
        at = drawn.after(kid, -fleet.jitter_s)
        while at < 12_000:
            found.append(at)
            at = drawn.after(kid, at)
    return Listed(moments)


class EveryToken:
    """One node that is asked for every token, and does nothing clever."""

    def __init__(self, plan: Plan, moments: Mapping[Kid, list[float]], start: float, end: float) -> None:
        self.fleet, self.plan, self.now = plan.fleets[0], plan, start
        origin = Origin(plan.rotation)
        self.answer = Edge(plan.cdn, origin).answer if plan.cdn.edges else origin.answer
        self.fetched: list[float] = []
        self.refused: dict[Kid, int] = dict.fromkeys(KIDS, 0)
        self.waiting: list[tuple[float, Kid]] = []
        self.landing: tuple[float, Callable[[], None]] | None = None
        policy = self.fleet.policy.policy()
        self.source = JwksSource(
            "https://idp.example/jwks",
            None,
            policy,
            self.fetch,
            lambda: self.now,
            self.spawn,
        )
        self.source.at_hand()
        for at, kid in sorted(
            (at, kid) for kid, found in moments.items() for at in found if start < at <= end
        ):
            self.land_until(at)
            self.now = at
            self.judge(at, kid)
        self.land_until(math.inf)

    def fetch(self, url: str, *, conditions: Mapping[str, str] = NONE, **_: Any) -> FetchResult:
        assert url.endswith("/jwks")
        copy = self.answer(self.now)
        self.fetched.append(self.now)
        headers = {"etag": copy.jwks.tag}
        if self.plan.idp.max_age_s is not None:
            headers["cache-control"] = f"max-age={int(self.plan.idp.max_age_s)}"
        if self.plan.cdn.edges and self.plan.cdn.age:
            headers["age"] = str(int(copy.age_s))
        same = conditions.get("If-None-Match") == copy.jwks.tag
        return FetchResult(304 if same else 200, headers, b"" if same else copy.jwks.body)

    def spawn(self, work: Callable[[], None]) -> None:
        self.landing = self.now + self.fleet.fetch_s, work

    def judge(self, came: float, kid: Kid) -> None:
        keys = self.source.at_hand()
        if keys is None or not keys.knows(kid, USE):
            newer: KeySet | None = self.source.at_hand(keys)
            if newer is None:
                self.waiting.append((came, kid))
            elif not newer.knows(kid, USE):
                self.refuse(came, kid)

    def refuse(self, came: float, kid: Kid) -> None:
        expires = self.plan.rotation.activate_s + self.plan.idp.token_lifetime_s
        self.refused[kid] += kid != "old" or came < expires

    def land_until(self, at: float) -> None:
        while self.landing is not None and self.landing[0] <= at:
            self.now, work = self.landing
            self.landing = None
            work()
            keys = self.source.at_hand()
            assert keys is not None
            for came, kid in self.waiting:
                if not keys.knows(kid, USE):
                    self.refuse(came, kid)
            self.waiting = []


@given(plans(nodes=1))
@settings(max_examples=15, deadline=None)
def test_tokens_that_are_left_out_change_nothing(plan: Plan) -> None:
    fleet = replace(plan.fleets[0], restart_every_s=None)
    cdn = replace(plan.cdn, sticky=True, edges=min(plan.cdn.edges, 1))
    plan = replace(plan, fleets=(fleet,), cdn=cdn)
    made: list[Listed] = []

    def remembered(plan: Plan, fleet: Fleet, random: Random) -> Listed:
        made.append(listed(plan, fleet, random))
        return made[-1]

    done = Simulation(plan, remembered).run()

    (node,), start = done.nodes, done.fetches.times[0] - fleet.fetch_s
    every = EveryToken(plan, made[0].moments, start, done.end_s)
    assert done.fetches.times == pytest.approx(every.fetched, abs=1e-6)
    assert node.refusals["new"].tokens == every.refused["new"]
    assert node.refusals["old"].tokens == every.refused["old"]


@pytest.mark.parametrize(
    "kid, at", [("new", -5.0), ("new", 7.0), ("new", 25.0), ("old", -5.0), ("unknown", 3.0)]
)
def test_the_time_to_the_next_token_follows_its_rate(kid: Kid, at: float) -> None:
    """The tokens that are to be expected until the next one comes have the mean 1, and the deviation 1."""
    plan = Plan(Rotation(5.0, 30.0), idp=Idp(token_lifetime_s=10.0))
    arrivals = PoissonArrivals(plan, Fleet(tokens_per_s=3.0, unknown_kids_per_s=0.5), Random(7))  # noqa: S311 - chance

    expected = [arrivals.count(kid, at, arrivals.after(kid, at)) for _ in range(4000)]

    mean = sum(expected) / len(expected)
    assert mean == pytest.approx(1.0, rel=0.06)
    assert math.sqrt(sum((one - mean) ** 2 for one in expected) / len(expected)) == pytest.approx(
        1.0, rel=0.08
    )


def test_tokens_of_the_old_key_end_and_those_of_the_new_one_begin() -> None:
    plan = Plan(Rotation(5.0, 30.0), idp=Idp(token_lifetime_s=10.0))
    arrivals = PoissonArrivals(plan, Fleet(tokens_per_s=2.0), Random(7))  # noqa: S311 - chance

    assert arrivals.after("old", 15.0) == math.inf
    assert arrivals.after("new", 0.0) > 5.0
    assert arrivals.after("unknown", 0.0) == math.inf
    assert arrivals.count("old", 0.0, 30.0) == pytest.approx(2 * (5 + 5))
    assert arrivals.count("new", 0.0, 30.0) == pytest.approx(2 * (5 + 15))
