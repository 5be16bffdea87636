"""Keys in a file: several IdPs serve the same ones, through rotations and restarts."""

import json
from pathlib import Path

import pytest

from mock_idp import Issuer, KeyRing, KeyState, Request, SigningKey, fixed_key, persona
from mock_idp.keyring import KeyRingError
from mock_idp.schedule import Rotation, ScheduledRing
from mock_idp.state import KeyFile, SharedIdP, StateError

START = 1_767_225_600.0


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


def shared(file: Path, ring: KeyRing) -> SharedIdP:
    idp = SharedIdP(KeyFile(file))
    idp.add_issuer("/t", Issuer(persona("generic"), ring))
    idp.share()
    return idp


def fresh() -> KeyRing:
    return KeyRing([SigningKey.generate("ES256", kid="first")])


def scheduled(clock: Clock) -> ScheduledRing:
    def make(period: int) -> SigningKey:
        return SigningKey.generate("ES256", kid=f"k{period}")

    return ScheduledRing(
        [SigningKey.generate("ES256", kid="k0")], Rotation(100, 50, 20), clock=clock, make_key=make
    )


def jwks(idp: SharedIdP) -> bytes:
    answer = idp.handle(Request("GET", "/t/jwks"))
    assert answer.status == 200
    return answer.body


def test_the_second_process_takes_the_keys_of_the_first(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"

    one, other = shared(file, fresh()), shared(file, fresh())

    assert jwks(one) == jwks(other)
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_rotation_in_one_process_is_served_by_the_other(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    one, other = shared(file, fresh()), shared(file, fresh())
    before = jwks(other)

    one.issuer("/t").ring.rotate(fixed_key("b", "RS256"))
    one_says = jwks(one)

    assert jwks(other) == one_says != before
    assert other.issuer("/t").ring.active.thumbprint() == fixed_key("b", "RS256").thumbprint()
    assert other.issuer("/t").ring.state("first") is KeyState.RETIRING


def test_processes_on_one_schedule_rotate_once(tmp_path: Path) -> None:
    clock, file = Clock(), tmp_path / "keys.json"
    one, other = shared(file, scheduled(clock)), shared(file, scheduled(clock))

    for moment in (0, 85, 100, 149, 150, 250, 1000):
        clock.now = START + moment
        assert jwks(one) == jwks(other)

    assert one.issuer("/t").ring.active.kid == "k10"
    restarted = shared(file, scheduled(clock))
    assert jwks(restarted) == jwks(one)


def test_issuers_that_this_process_has_not_stay_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    shared(file, fresh())
    other = SharedIdP(KeyFile(file))
    other.add_issuer("/u", Issuer(persona("generic"), fresh()))
    other.share()

    assert set(json.loads(file.read_bytes())["issuers"]) == {"/t", "/u"}


@pytest.mark.parametrize(
    "change",
    [
        {"private_key": "zzz"},
        {"private_key": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"},
        {"alg": "RS256"},
        {"alg": "zzz"},
        {"state": "retired"},
        {"state": "zzz"},
        {"kid": 7},
    ],
)
def test_a_file_that_holds_something_else_is_refused_with_its_name(
    tmp_path: Path, change: dict[str, object]
) -> None:
    file = tmp_path / "keys.json"
    shared(file, fresh())
    state = json.loads(file.read_bytes())
    state["issuers"]["/t"]["keys"][0] |= change
    file.write_text(json.dumps(state))

    with pytest.raises(StateError, match=r"keys\.json"):
        shared(file, fresh())


def test_a_ring_has_one_active_key_and_every_kid_once() -> None:
    entries = fresh().snapshot.entries

    with pytest.raises(KeyRingError, match="one active key"):
        type(fresh().snapshot)(entries * 2)
