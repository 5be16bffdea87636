"""Rotation by the clock: what a verifier sees as time goes by."""

import json

import jwt
import pytest

from mock_idp import Issuer, KeyRing, KeyState, MockIdP, Person, Request, SigningKey, fixed_key, persona
from mock_idp.keyring import MAX_AGE_S
from mock_idp.schedule import Rotation, ScheduledRing

START = 1_767_225_600.0
HOUR = 3600.0


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now

    def after(self, seconds: float) -> None:
        self.now = START + seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def ring(clock: Clock, rotation: Rotation) -> ScheduledRing:
    def make(period: int) -> SigningKey:
        return fixed_key("b", "ES256", kid=f"k{period}")

    return ScheduledRing([fixed_key("a", "ES256", kid="k0")], rotation, clock=clock, make_key=make)


def kids(found: KeyRing) -> list[str]:
    return [key.kid for key in found.published()]


def test_keys_are_staged_ahead_rotated_on_time_and_retired_after_the_overlap(clock: Clock) -> None:
    found = ring(clock, Rotation(HOUR, overlap_s=600, ahead_s=900))
    seen = []

    for moment in (0, HOUR - 901, HOUR - 900, HOUR, HOUR + 599, HOUR + 600, 2 * HOUR - 900, 2 * HOUR):
        clock.after(moment)
        seen.append((found.active.kid, kids(found)))

    assert seen == [
        ("k0", ["k0"]),
        ("k0", ["k0"]),
        ("k0", ["k0", "k1"]),
        ("k1", ["k0", "k1"]),
        ("k1", ["k0", "k1"]),
        ("k1", ["k1"]),
        ("k1", ["k1", "k2"]),
        ("k2", ["k1", "k2"]),
    ]


def test_a_jump_over_many_periods_makes_only_the_key_that_signs_now(clock: Clock) -> None:
    found = ring(clock, Rotation(HOUR, overlap_s=600))

    clock.after(1_000_000 * HOUR)

    assert (found.active.kid, len(found.snapshot.entries)) == ("k1000000", 2)


def test_a_clock_that_is_set_back_undoes_nothing(clock: Clock) -> None:
    found = ring(clock, Rotation(HOUR))
    clock.after(HOUR)
    assert found.active.kid == "k1"

    clock.after(0)

    assert found.active.kid == "k1"


def test_a_rotation_by_hand_is_followed_by_the_schedule(clock: Clock) -> None:
    found = ring(clock, Rotation(HOUR, overlap_s=600))

    found.rotate(fixed_key("c", "ES256", kid="by-hand"))
    assert (found.active.kid, kids(found)) == ("by-hand", ["k0", "by-hand"])
    clock.after(601)
    assert kids(found) == ["by-hand"]
    clock.after(HOUR)

    assert (found.active.kid, found.state("by-hand")) == ("k1", KeyState.RETIRING)


def test_the_cache_headers_never_promise_more_than_the_schedule_keeps(clock: Clock) -> None:
    found = ring(clock, Rotation(HOUR, overlap_s=600, ahead_s=100))
    ages = []

    for moment in (0, HOUR - 200.5, HOUR - 101, HOUR - 100, HOUR):
        clock.after(moment)
        ages.append(found.max_age_s)

    assert ages == [MAX_AGE_S, 200, 101, MAX_AGE_S, MAX_AGE_S]
    assert found.next_rotation == START + 2 * HOUR


def test_an_issuer_signs_with_the_key_of_the_hour_and_serves_it(clock: Clock) -> None:
    idp = MockIdP(clock=clock)
    issuer = Issuer(persona("generic"), ring(clock, Rotation(HOUR, 600)), clock=clock)
    idp.add_issuer("", issuer)
    clock.after(HOUR - 10)
    before = idp.handle(Request("GET", "/jwks"))

    clock.after(HOUR)
    answer = idp.handle(Request("GET", "/jwks"))

    assert before.header("cache-control") == "public, max-age=10"
    assert [entry["kid"] for entry in json.loads(answer.body)["keys"]] == ["k0", "k1"]
    assert jwt.get_unverified_header(issuer.mint(Person.named("ann")))["kid"] == "k1"


def test_a_stale_answer_follows_the_schedule(clock: Clock) -> None:
    idp = MockIdP(clock=clock)
    idp.add_issuer("", Issuer(persona("generic"), ring(clock, Rotation(HOUR)), clock=clock))
    idp.set_fault("", "jwks", "stale")
    clock.after(HOUR)

    seen = [json.loads(idp.handle(Request("GET", "/jwks")).body)["keys"][0]["kid"] for _ in range(2)]

    assert seen == ["k0", "k1"]


@pytest.mark.parametrize("plan", [(0.5, 0, 0), (60, 61, 0), (60, 0, 61), (60, -1, 0), (float("nan"), 0, 0)])
def test_a_plan_that_cannot_be_is_refused(plan: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match=r"keys rotate|from 0 s"):
        Rotation(*plan)
