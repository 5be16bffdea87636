"""Targets inside this process: functions, and objects that speak the protocol."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from scenarios.targets.in_process import CallableTarget, ObjectTarget, Reject
from scenarios.targets.profile import Profile, TargetError
from scenarios.targets.session import Session, Timeouts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

RECORD = {"id": "i-1", "issuer": "https://idp.example", "custom_claim": "email", "jwks": {"keys": []}}
USERS = [{"name": "ann", "external_id": "ann-sub", "active": True}]


class TokenError(Exception):
    """A library's root of rejections."""


class ExpiredError(TokenError):
    """One of them."""


def session(function: Callable[..., Any], **options: Any) -> Session:
    channel = CallableTarget(function, rejects=[TokenError], reasons={"ExpiredError": "expired"})
    opened = Session(channel, timeouts=options.pop("timeouts", None), profile=Profile(**options))
    opened.start()
    opened.onboard(RECORD, USERS)
    return opened


def raising(error: BaseException) -> Callable[..., Any]:
    def function(_token: str | bytes, _integration: Mapping[str, Any]) -> None:
        raise error

    return function


def returning(value: object) -> Callable[..., Any]:
    return lambda _token, _integration: value


def test_a_name_accepts_the_user_and_none_rejects() -> None:
    accepted = session(returning("ann")).authenticate("x")
    rejected = session(returning(None)).authenticate("x")

    assert (accepted.kind, accepted.user) == ("accept", "ann")
    assert (rejected.kind, rejected.reason) == ("reject", "other")


def test_of_the_claims_only_the_ones_that_name_somebody_go_on() -> None:
    claims: dict[str, Any] = {
        "iss": "https://idp.example",
        "sub": "ann-sub",
        "email": None,
        "nested": [[[[]]]],
        "exp": 1,
    }

    verdict = session(returning(claims)).authenticate("x")

    assert verdict.claims == {"iss": "https://idp.example", "sub": "ann-sub", "email": None}


@pytest.mark.parametrize(
    "error, reason, detail",
    [
        (TokenError("bad"), "other", "bad"),
        (ExpiredError("late\n"), "expired", "late\\n"),
        (Reject("no_user", "nobody"), "no_user", "nobody"),
    ],
)
def test_a_declared_exception_is_a_rejection_with_its_reason(
    error: Exception, reason: str, detail: str
) -> None:
    verdict = session(raising(error)).authenticate("x")

    assert (verdict.kind, verdict.reason, verdict.detail) == ("reject", reason, detail)


@pytest.mark.parametrize("error", [ValueError("boom"), SystemExit(0), RecursionError("deep"), MemoryError()])
def test_any_other_exception_is_a_crash_and_the_target_goes_on(error: BaseException) -> None:
    opened = session(raising(error))

    verdicts = [opened.authenticate("x") for _ in range(300)]

    assert {(verdict.kind, verdict.reason) for verdict in verdicts} == {("error", "crash")}
    assert type(error).__name__ in verdicts[0].detail
    assert (opened.health.crashes, opened.health.restarts, opened.abandoned) == (300, 0, None)


def test_a_crash_says_how_to_declare_it_if_it_was_a_rejection() -> None:
    verdict = session(raising(ValueError("boom"))).authenticate("x")

    assert (
        verdict.detail
        == "it raised ValueError (boom); if this is how it rejects a token, name 'ValueError' under `rejects`"
    )


def test_an_exception_that_cannot_even_be_shown_is_a_crash() -> None:
    class Nasty(Exception):  # noqa: N818 - it is what it says
        def __str__(self) -> str:
            raise ValueError

    assert session(raising(Nasty())).authenticate("x").reason == "crash"


def test_an_interrupt_passes_through() -> None:
    opened = session(raising(KeyboardInterrupt()))

    with pytest.raises(KeyboardInterrupt):
        opened.authenticate("x")


@pytest.mark.parametrize("value", [True, 7, b"ann", ["ann"], object()])
def test_a_result_of_another_kind_breaks_the_protocol(value: object) -> None:
    verdict = session(returning(value)).authenticate("x")

    assert (verdict.kind, verdict.reason) == ("error", "protocol")
    assert "it returned" in verdict.detail


def test_claims_that_are_no_json_break_the_protocol() -> None:
    deep: list[Any] = []
    for _ in range(2000):
        deep = [deep]

    for value in ({1, 2}, float("nan"), deep, "x" * 2_000_000):
        verdict = session(returning({"sub": value})).authenticate("x")

        assert (verdict.kind, verdict.reason) == ("error", "protocol")


def test_a_hung_call_is_a_time_out_and_the_next_one_is_answered() -> None:
    forever = threading.Event()

    def function(token: str | bytes, _integration: Mapping[str, Any]) -> str:
        if token == "hang":
            forever.wait()
        return "ann"

    opened = session(function, timeouts=Timeouts(answer_s=0.2))
    hung, after = opened.authenticate("hang"), opened.authenticate("good")
    forever.set()

    assert (hung.kind, hung.reason, hung.detail) == ("error", "timeout", "no answer within 0.2 s")
    assert (after.kind, after.user) == ("accept", "ann")


def test_the_function_sees_the_record_the_users_and_the_time_it_asked_for() -> None:
    seen: list[Mapping[str, Any]] = []

    def function(_token: str | bytes, integration: Mapping[str, Any]) -> str:
        seen.append(integration)
        return "ann"

    session(function, capabilities=("clock",), keys=("jwks",)).authenticate("x", now=5.0)
    session(function).authenticate("x", now=5.0)

    assert seen[0] == {**RECORD, "users": USERS, "now": 5}
    assert "now" not in seen[1]


def test_text_reaches_the_function_as_text_and_other_bytes_as_bytes() -> None:
    seen: list[str | bytes] = []

    def function(token: str | bytes, _integration: Mapping[str, Any]) -> None:
        seen.append(token)

    opened = session(function)
    for token in ("a.b.c", b"a.b.\xc3\xa9", b"a.b.\xff", "a.b.\ud800"):
        opened.authenticate(token)

    assert seen == ["a.b.c", "a.b.é", b"a.b.\xff", b"a.b.\xed\xa0\x80"]


def test_a_function_knows_one_integration_at_a_time() -> None:
    opened = session(returning("ann"))

    second = opened.onboard({**RECORD, "id": "i-2"}, USERS)
    opened.reset()
    nobody = opened.authenticate("x")

    assert (second.kind, second.capability) == ("unsupported", "several_integrations")
    assert (nobody.kind, nobody.reason) == ("reject", "issuer")


def test_a_reason_that_does_not_exist_is_refused_with_the_nearest() -> None:
    with pytest.raises(TargetError, match=r"'expird' is no reason of the protocol .did you mean 'expired'"):
        CallableTarget(returning(None), reasons={"X": "expird"})
    with pytest.raises(ValueError, match="did you mean 'expired'"):
        Reject("expird")


class Counter:
    """An object target with state: it counts what it was asked since it was made."""

    def __init__(self, capabilities: Sequence[str] = ("reset", "users")) -> None:
        self.asked = 0
        self.onboarded_at: object = None
        self.capabilities = list(capabilities)

    def start(self, message: dict[str, Any]) -> dict[str, Any]:
        return {"seq": message["seq"], "ok": True, "name": "counter", "capabilities": self.capabilities}

    def onboard(self, message: dict[str, Any]) -> dict[str, Any]:
        self.onboarded_at = message.get("now")
        message["integration"].clear()  # what it does to a message stays with it
        return {"verdict": "onboarded"}

    def authenticate(self, message: dict[str, Any]) -> object:
        self.asked += 1
        if message["token"] == "crash":
            raise TokenError("not declared")
        if message["token"] == "list":
            return []
        return {"verdict": "accept", "user": str(self.asked)}

    def reset(self, _message: dict[str, Any]) -> dict[str, Any]:
        self.asked = 0
        return {"ok": True}


def test_an_object_keeps_its_state_until_it_is_reset_or_crashes() -> None:
    with Session(ObjectTarget(Counter)) as opened:
        opened.onboard(RECORD, USERS)
        users = [opened.authenticate("x").user for _ in range(2)]
        opened.reset()
        users.append(opened.authenticate("x").user)
        opened.onboard(RECORD, USERS)
        crashed = opened.authenticate("crash")
        users.append(opened.authenticate("x").user)

    assert users == ["1", "2", "1", "1"]
    assert crashed.detail == f"it raised {TokenError.__module__}.TokenError (not declared)"
    assert opened.health.restarts == 1


@pytest.mark.parametrize("capabilities, told", [([], None), (["clock"], 5)])
def test_only_a_target_with_a_clock_is_told_the_time_when_it_onboards(
    capabilities: list[str], told: int | None
) -> None:
    counter = Counter(capabilities)

    with Session(ObjectTarget(lambda: counter)) as opened:
        opened.onboard(RECORD, USERS, now=5.0)

    assert counter.onboarded_at == told


def test_an_object_that_answers_no_object_or_lacks_a_method_breaks_the_protocol() -> None:
    with Session(ObjectTarget(Counter)) as opened:
        listed, lacking = opened.authenticate("list"), opened.offboard("i-1")

    assert listed.detail == "its answer is a list, not an object"
    assert (lacking.reason, lacking.detail) == ("protocol", "it has no method 'offboard'")


def test_an_object_that_cannot_be_made_does_not_start() -> None:
    def make() -> object:
        raise ImportError("no such library")

    with pytest.raises(TargetError, match=r"it raised ImportError .no such library."):
        Session(ObjectTarget(make)).start()


def test_one_that_hangs_now_and_then_is_given_up_after_ten_time_outs() -> None:
    calls = iter(range(1000))

    def every_second_call_hangs(_token: str | bytes, _integration: Mapping[str, Any]) -> None:
        if next(calls) % 2:
            threading.Event().wait(5)

    session = Session(CallableTarget(every_second_call_hangs), timeouts=Timeouts(start_s=5, answer_s=0.25))
    with session:
        session.onboard({"id": "i-1"}, [])
        for _ in range(30):
            session.authenticate("x")

        assert session.health.timeouts == 10
        assert "10 times" in (session.abandoned or "")


def test_calls_at_the_same_time_are_each_answered_on_their_own() -> None:
    met = threading.Barrier(8)

    def function(token: str | bytes, _integration: Mapping[str, Any]) -> str | None:
        met.wait(10)  # nobody comes by who is asked alone
        return str(token) if token != "bad" else None

    verdicts = session(function, capabilities=("concurrent",)).authenticate_together(["ann", "bad"] * 4)

    assert [(one.kind, one.user) for one in verdicts] == [("accept", "ann"), ("reject", None)] * 4


def test_one_without_the_capability_is_not_asked_several_things_at_once() -> None:
    verdicts = session(returning("ann")).authenticate_together(["a", "b"])

    assert [one.capability for one in verdicts] == ["concurrent", "concurrent"]
