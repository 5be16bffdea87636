"""KEY-005 to KEY-007, KEY-034, KEY-035, OPS-005 to OPS-008, OPS-011, OPS-016, OPS-017: when a JWKS is read."""

import base64
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest

from verifier import FetchResult, IntegrationRecord, TokenRejected, User
from verifier.background import ThreadPerWork
from verifier.freshness import conditions, fresh_for
from verifier.key_source import MAX_WAITING, JwksSource

if TYPE_CHECKING:
    from tests.verifier.conftest import Signer, World

URL = "https://idp.example/jwks"
WAIT_S = 20


class Gate:
    """The endpoint of a world that can hang: each fetch waits until the gate is opened."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.entered, self.leave = threading.Event(), threading.Event()
        self.leave.set()
        self.under_way, self.most_at_once = 0, 0
        self.lock = threading.Lock()

    def __call__(
        self,
        url: str,
        *,
        ca_file: str | None,
        max_bytes: int,
        timeout_s: float,
        conditions: Mapping[str, str] = MappingProxyType({}),
    ) -> FetchResult:
        with self.lock:
            self.under_way += 1
            self.most_at_once = max(self.most_at_once, self.under_way)
        try:
            if url == URL:
                self.entered.set()
                assert self.leave.wait(WAIT_S)
            return self.world.fetch(
                url, ca_file=ca_file, max_bytes=max_bytes, timeout_s=timeout_s, conditions=conditions
            )
        finally:
            with self.lock:
                self.under_way -= 1

    def close(self) -> None:
        self.leave.clear()
        self.entered.clear()


@pytest.fixture
def gate(world: "World") -> Iterator[Gate]:
    """Give the world an endpoint that can hang, and a verifier with threads."""
    gate = Gate(world)
    world.spawn = ThreadPerWork()
    world.start()
    world.verifier._fetch = gate
    world.onboard(User("ann", "ann-sub"))
    world.fetches.clear()
    yield gate
    gate.leave.set()


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def outcome(world: "World", token: str) -> str:
    try:
        return world.verifier.authenticate(token).user
    except TokenRejected as rejected:
        return rejected.reason


def source_of(world: "World") -> JwksSource:
    source = world.verifier.register.get("i-1")[0].keys
    assert isinstance(source, JwksSource)
    return source


def landed(world: "World") -> None:
    """Wait until no fetch is under way."""
    flight = source_of(world)._flight
    assert flight is None or flight.done.wait(WAIT_S)


def test_a_token_of_a_known_kid_never_waits_for_the_endpoint(
    world: "World", gate: Gate, rs256: "Signer", other: "Signer"
) -> None:
    """OPS-006: not when the refresh is due, not when its signature is bad, not long after the period."""
    gate.close()
    for _ in range(5):
        world.pass_time(4000)
        assert world.accepts(rs256.token(world.claims())) == "ann"
        assert world.rejects(other.token(world.claims(), kid="RS256")) == "bad_signature"
    assert gate.entered.wait(WAIT_S)
    assert gate.most_at_once == 1


def test_the_refresh_starts_before_the_period_ends(world: "World", rs256: "Signer") -> None:
    """OPS-006: early enough for a fetch, and not much earlier."""
    world.pass_time(3500)
    assert world.accepts(rs256.token(world.claims())) == "ann"
    assert world.fetches == []
    world.pass_time(95)
    assert world.accepts(rs256.token(world.claims())) == "ann"
    assert len(world.fetches) == 1


def test_tokens_of_a_new_key_share_the_fetch_that_is_under_way(
    world: "World", gate: Gate, rs256: "Signer", other: "Signer"
) -> None:
    """KEY-005, OPS-005: forty of them cost one fetch, and tokens of a known key go on meanwhile."""
    world.publish(rs256, other)
    gate.close()
    token = other.token(world.claims())
    with ThreadPoolExecutor(40) as pool:
        waiting = [pool.submit(outcome, world, token) for _ in range(40)]
        assert gate.entered.wait(WAIT_S)
        assert world.accepts(rs256.token(world.claims())) == "ann"
        gate.leave.set()
        assert [one.result(WAIT_S) for one in waiting] == ["ann"] * 40
    assert len(world.fetches) == 1


def test_a_cold_start_under_load_costs_one_fetch(world: "World", gate: Gate, rs256: "Signer") -> None:
    """OPS-005: after the staleness bound a hundred first tokens wait for it, and all succeed."""
    world.pass_time(86_401)
    gate.close()
    token = rs256.token(world.claims())
    with ThreadPoolExecutor(100) as pool:
        waiting = [pool.submit(outcome, world, token) for _ in range(100)]
        assert gate.entered.wait(WAIT_S)
        gate.leave.set()
        assert [one.result(WAIT_S) for one in waiting] == ["ann"] * 100
    assert len(world.fetches) == 1


def test_no_more_tokens_wait_than_the_bound(world: "World", gate: Gate, other: "Signer") -> None:
    """OPS-007: a flood during a hang cannot take every thread; who comes too late is rejected at once."""
    source = source_of(world)
    for _ in range(MAX_WAITING):
        source._waiting.acquire()
    gate.close()
    assert world.rejects(other.token(world.claims())) == "unknown_key"


def test_one_tenant_that_hangs_does_not_hold_up_another(
    world: "World", gate: Gate, rs256: "Signer", other: "Signer"
) -> None:
    """OPS-008, KEY-036."""
    url = "https://two.example/jwks"
    world.publish(rs256, url=url)
    world.onboard(User("tom", "ann-sub"), id="i-2", entity_id="urn:2", audience="two", jwks_uri=url)
    world.publish(rs256, other, url=url)
    gate.close()
    world.pass_time(3600)
    assert world.accepts(rs256.token(world.claims())) == "ann"
    assert gate.entered.wait(WAIT_S)
    assert world.accepts(other.token(world.claims(aud="two"))) == "tom"
    assert not gate.leave.is_set()


def test_work_in_the_background_has_a_bound_and_gives_its_place_back() -> None:
    """OPS-008: also when the work fails."""
    spawn, leave, ended = ThreadPerWork(2), threading.Event(), threading.Event()

    def work() -> None:
        assert leave.wait(WAIT_S)
        ended.set()

    spawn(work)
    spawn(work)
    with pytest.raises(RuntimeError, match="too much"):
        spawn(ended.set)
    leave.set()
    assert ended.wait(WAIT_S)
    assert spawn._room.acquire(timeout=WAIT_S)


def test_where_no_thread_is_to_be_had_the_set_serves_on(world: "World", rs256: "Signer") -> None:
    """OPS-008, KEY-027: and it is tried again later."""
    source, tries = source_of(world), []

    def refuse(work: Callable[[], None]) -> None:
        tries.append(work)
        raise RuntimeError("can't start new thread")

    spawn, source._spawn = source._spawn, refuse
    world.pass_time(3600)
    for _ in range(3):
        assert world.accepts(rs256.token(world.claims())) == "ann"
    assert len(tries) == 1
    source._spawn = spawn
    world.pass_time(5)
    assert world.accepts(rs256.token(world.claims())) == "ann"
    assert len(world.fetches) == 1


def test_whatever_a_fetch_raises_is_a_failed_fetch(world: "World", rs256: "Signer") -> None:
    """KEY-027, OPS-011: and the next one is made."""

    def broken(*_: object, **__: object) -> FetchResult:
        raise ZeroDivisionError

    source = source_of(world)
    good, source._fetch = source._fetch, broken
    world.pass_time(3600)
    assert world.accepts(rs256.token(world.claims())) == "ann"
    assert world.rejects(rs256.token(world.claims(), kid="new")) == "unknown_key"
    source._fetch = good
    world.pass_time(300)
    assert world.accepts(rs256.token(world.claims())) == "ann"
    assert len(world.fetches) == 1


def test_an_endpoint_that_comes_back_is_found_within_the_back_off(world: "World", rs256: "Signer") -> None:
    """OPS-011: 5 s after the first failure, at most 300 s after the last."""
    good, world.documents[URL] = world.documents[URL], 503
    world.pass_time(90_000)
    assert world.rejects(rs256.token(world.claims())) == "unavailable"
    for _ in range(20):
        world.pass_time(300)
        assert world.rejects(rs256.token(world.claims())) == "unavailable"
    world.documents[URL] = good
    world.pass_time(300)
    assert world.accepts(rs256.token(world.claims())) == "ann"


@pytest.mark.parametrize("down", [503, b"<html>", {"keys": []}])
def test_a_restart_while_the_endpoint_is_down_fails_closed_and_heals(
    world: "World", rs256: "Signer", down: object
) -> None:
    """OPS-011: what was accepted before is not refused now, and needs no second start."""
    good, world.documents[URL] = world.documents[URL], down
    world.start()
    assert world.refuses() == "jwks_unusable"
    record = IntegrationRecord("i-1", "urn:idp", issuer="https://idp.example", audience="api", jwks_uri=URL)
    warnings = world.verifier.onboard(record, [User("ann", "ann-sub")], first_fetch="tried").warnings
    assert "until its JWKS URL shows keys" in warnings[-1]
    assert world.rejects(rs256.token(world.claims())) in ("unavailable", "unknown_key")
    world.documents[URL] = good
    world.pass_time(300)
    assert world.accepts(rs256.token(world.claims())) == "ann"


def test_a_clock_that_is_set_back_freezes_no_refresh(
    world: "World", rs256: "Signer", other: "Signer"
) -> None:
    """OPS-016: the period runs by a clock of its own."""
    assert world.accepts(rs256.token(world.claims())) == "ann"
    world.publish(other)
    world.now -= 7200
    world.uptime += 3600
    assert world.accepts(other.token(world.claims())) == "ann"


def test_a_flood_of_unknown_kids_leaves_nothing_behind(
    world: "World", rs256: "Signer", other: "Signer"
) -> None:
    """KEY-006, OPS-007, OPS-017: there is no negative cache to grow, and one fetch was made."""
    _, payload, signature = other.token(world.claims()).split(".")
    for number in range(2000):
        header = b64(b'{"alg":"RS256","kid":"k%d"}' % number)
        assert outcome(world, f"{header}.{payload}.{signature}") == "unknown_key"
    assert world.accepts(rs256.token(world.claims())) == "ann"
    assert len(source_of(world).current()._found) == 1
    assert len(world.fetches) == 1


# Cache headers and conditional requests.


@pytest.mark.parametrize(
    "headers, seconds",
    [
        ({}, 3600),
        ({"cache-control": "public"}, 3600),
        ({"cache-control": "max-age=1800"}, 1800),
        ({"cache-control": "Public, MAX-AGE=1800"}, 1800),
        ({"cache-control": 'max-age="1800"'}, 1800),
        ({"cache-control": "max-age=1800", "age": "600"}, 1200),
        ({"cache-control": "max-age=1800", "age": "9999"}, 300),
        ({"cache-control": "max-age=1800", "age": "junk"}, 1800),
        ({"cache-control": "max-age=1800, max-age=900"}, 900),
        ({"cache-control": "max-age=31536000"}, 3600),
        ({"cache-control": "max-age=" + "9" * 5000}, 300),
        ({"cache-control": "max-age=0"}, 300),
        ({"cache-control": "max-age=0, must-revalidate"}, 300),
        ({"cache-control": "max-age=-1"}, 300),
        ({"cache-control": "max-age=junk"}, 300),
        ({"cache-control": "no-store"}, 300),
        ({"cache-control": "no-cache"}, 300),
        ({"cache-control": "max-age=1800, no-store"}, 300),
    ],
)
def test_cache_headers_count_between_a_floor_and_a_ceiling(headers: dict[str, str], seconds: float) -> None:
    """KEY-034."""
    assert fresh_for(headers, least_s=300, most_s=3600) == seconds


def test_an_answer_that_must_not_be_stored_costs_no_fetch_a_token(world: "World", rs256: "Signer") -> None:
    """KEY-034: one in the floor, also where the period is below it."""
    world.headers["cache-control"] = "no-store"
    world.pass_time(3600)
    for _ in range(60):
        assert world.accepts(rs256.token(world.claims())) == "ann"
        world.pass_time(10)
    assert len(world.fetches) in (2, 3)
    assert fresh_for(world.headers, least_s=300, most_s=60) == 60


@pytest.mark.parametrize(
    "headers, asked",
    [
        ({}, {}),
        ({"etag": '"v1"'}, {"If-None-Match": '"v1"'}),
        ({"etag": '"v1"', "last-modified": "Sat, 01 Jan 2028 00:00:00 GMT"}, {"If-None-Match": '"v1"'}),
        ({"etag": 'W/"v1"'}, {}),
        ({"etag": 'W/"v1"', "last-modified": "Sat, 01 Jan 2028 00:00:00 GMT"}, {}),
        ({"etag": "v1"}, {}),
        ({"etag": '"v1"\r\nX: y'}, {}),
        ({"etag": '"' + "x" * 5000 + '"'}, {}),
        (
            {"last-modified": "Sat, 01 Jan 2028 00:00:00 GMT"},
            {"If-Modified-Since": "Sat, 01 Jan 2028 00:00:00 GMT"},
        ),
        ({"last-modified": "yesterday\r\n"}, {}),
    ],
)
def test_only_validators_that_can_be_relied_on_are_sent(
    headers: dict[str, str], asked: dict[str, str]
) -> None:
    """KEY-035: a weak ETag may stay the same where the keys changed."""
    assert conditions(headers) == asked


def test_a_304_renews_what_is_held(world: "World", rs256: "Signer") -> None:
    """KEY-035: for days, and yet the body itself is read once in each staleness bound."""
    world.headers["etag"] = '"v1"'
    for _ in range(72):
        world.pass_time(3600)
        assert world.accepts(rs256.token(world.claims())) == "ann"
    asked = [bool(one) for one in world.conditions]
    assert len(asked) == 72
    assert asked.count(False) == 3
    assert all(not all(asked[start : start + 24]) for start in range(48))


def test_validators_that_lie_keep_no_key_beyond_the_bound(
    world: "World", rs256: "Signer", other: "Signer"
) -> None:
    """KEY-023, KEY-035: the keys change under one ETag, and no token of a new key asks."""
    world.headers["etag"] = '"same"'
    world.pass_time(3600)
    assert world.accepts(rs256.token(world.claims())) == "ann"
    world.publish(other)
    for _ in range(48):
        world.pass_time(3600)
        outcome(world, rs256.token(world.claims()))
    assert world.rejects(rs256.token(world.claims())) == "unknown_key"
    assert world.accepts(other.token(world.claims())) == "ann"


def test_a_304_that_nobody_asked_for_is_a_failure(world: "World", rs256: "Signer") -> None:
    """KEY-035: there is no body to renew."""
    world.documents[URL] = 304
    world.pass_time(86_401)
    assert world.rejects(rs256.token(world.claims())) == "unavailable"


def test_a_304_after_the_keys_were_given_up_is_a_failure(world: "World", rs256: "Signer") -> None:
    """KEY-035: the answer to a question from before the bound brings nothing back."""
    world.headers["etag"] = '"v1"'
    world.pass_time(3600)
    assert world.accepts(rs256.token(world.claims())) == "ann"
    source = source_of(world)
    work: list[Callable[[], None]] = []
    source._spawn = work.append
    world.documents[URL] = 304
    world.pass_time(3600)
    assert world.accepts(rs256.token(world.claims())) == "ann"
    world.pass_time(90_000)
    assert source._trusted(world.uptime) is None
    work.pop()()
    assert source._trusted(world.uptime) is None
    assert source._flight is None


def test_a_token_of_a_new_key_asks_for_the_body_itself(
    world: "World", rs256: "Signer", other: "Signer"
) -> None:
    """KEY-005, KEY-035: validators that lie cannot hide a key from who looks for it."""
    world.headers["etag"] = '"same"'
    world.pass_time(3600)
    assert world.accepts(rs256.token(world.claims())) == "ann"
    world.publish(rs256, other)
    world.pass_time(3600)
    assert world.rejects(other.token(world.claims())) == "unknown_key"  # its refresh was a 304, just now
    world.pass_time(1)
    assert world.accepts(other.token(world.claims())) == "ann"
    assert [bool(one) for one in world.conditions] == [False, True, False]


def test_an_entry_that_is_not_used_is_told_once(
    world: "World", rs256: "Signer", other: "Signer", caplog: pytest.LogCaptureFixture
) -> None:
    """KEY-015: the alarm, without any part of the key."""
    secret = rs256.jwk(kid="leak\r\ned", d="c2VjcmV0")
    world.publish(secret, other)
    with caplog.at_level(logging.WARNING, logger="verifier"):
        for _ in range(3):
            world.pass_time(3600)
            world.rejects(other.token(world.claims(sub="nobody")))
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 1
    assert "publishes private parts" in told[0]
    assert told[0].isprintable()
    assert "c2VjcmV0" not in told[0]


# All at once.


def test_64_threads_with_rotation_outage_purge_and_flood(
    world: "World", gate: Gate, rs256: "Signer", other: "Signer"
) -> None:
    """OPS-003, OPS-005 to OPS-008: no good token is refused, no bad one accepted, fetches stay in the bound."""
    good = [rs256.token(world.claims(exp=world.now + 10**6)) for _ in range(4)]
    late = other.token(world.claims(exp=world.now + 10**6))
    bad = [
        other.token(world.claims(), kid="RS256"),
        *(other.token(world.claims(), kid=f"k{n}") for n in range(8)),
    ]
    start, stop = threading.Barrier(65), threading.Event()

    def use(number: int) -> set[str]:
        start.wait(WAIT_S)
        seen: set[str] = set()
        while not stop.is_set():
            seen.add("good:" + outcome(world, good[number % 4]))
            seen.add("bad:" + outcome(world, bad[number % 9]))
        return seen

    with ThreadPoolExecutor(64) as pool:
        users: list[Future[set[str]]] = [pool.submit(use, number) for number in range(64)]
        start.wait(WAIT_S)
        for turn in range(12):
            gate.close()
            world.publish(*((rs256, other) if turn % 3 else (other,)))
            if turn % 4 == 3:
                world.documents[URL] = 500
            world.pass_time(3600)
            assert gate.entered.wait(WAIT_S)
            gate.leave.set()
            landed(world)
        world.publish(rs256, other)
        world.pass_time(3600)
        stop.set()
        answers = set().union(*(one.result(WAIT_S) for one in users))
    assert {one for one in answers if one.startswith("good:")} == {"good:ann"}
    assert {one for one in answers if one.startswith("bad:")} <= {"bad:unknown_key", "bad:bad_signature"}
    assert outcome(world, late) == "ann"
    # One that is scheduled and one that tokens provoke for each period, and the back-off after each failure.
    assert len(world.fetches) <= 13 * 2 + 3
    assert gate.most_at_once == 1
