"""Waiting in an event loop ends, however many tokens wait and however slowly the endpoint answers (OPS-007)."""

from __future__ import annotations

import asyncio
import threading

from verifier import FetchError, IntegrationRecord, Policy, TokenRejected, User, Verifier, WouldWait
from verifier.gate import Decision, Gate, Request
from verifier.waiting import MAX_WAITS, WaitingGate

REQUEST = Request((), b"", "127.0.0.1", secure=True)


class Provoked(Gate):
    """A gate before which some fetch is always under way: each that ends has brought nothing."""

    def __init__(self) -> None:
        super().__init__(Verifier())
        self.may_end = threading.Semaphore(0)
        self.fetches = 0

    def decide(self, request: Request, *, wait: bool = True, patient: bool = True) -> Decision:  # noqa: ARG002 - as Gate
        if wait:
            self.fetches += 1
            assert self.may_end.acquire(timeout=30)
        elif patient:
            raise WouldWait("one", TokenRejected("unknown_key", "no key for kid 'x'"))
        return Decision(reason="unknown_key")


def test_nobody_waits_for_more_fetches_of_others_than_two() -> None:
    gate = Provoked()
    waiting = WaitingGate(gate)

    async def all_at_once() -> list[Decision]:
        for _ in range(MAX_WAITS + 1):
            gate.may_end.release()
        return await asyncio.wait_for(asyncio.gather(*(waiting.decide(REQUEST) for _ in range(12))), 30)

    decisions = asyncio.run(all_at_once())
    waiting.close()

    assert {decision.reason for decision in decisions} == {"unknown_key"}
    assert gate.fetches <= MAX_WAITS + 1


def test_who_waits_no_more_is_judged_by_the_keys_at_hand() -> None:
    """Without any key that is `unavailable`, with the integration and the kid for the log (OPS-015)."""

    def fails(*_: object, **__: object) -> None:
        raise FetchError("down")

    verifier = Verifier(Policy(allow_local_jwks=True), fetch=fails, spawn=lambda _: None)  # type: ignore[arg-type]
    record = IntegrationRecord(
        id="one",
        entity_id="urn:one",
        issuer="https://one.example",
        audience="api",
        jwks_uri="https://one.example/jwks",
    )
    verifier.onboard(record, [User("ann", "x")], first_fetch="later")
    token = b"eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ.eyJpc3MiOiJodHRwczovL29uZS5leGFtcGxlIiwiYXVkIjoiYXBpIn0.AAAA"
    request = Request(((b"authorization", b"Bearer " + token),), b"", "127.0.0.1", secure=True)

    decision = Gate(verifier).decide(request, wait=False, patient=False)

    assert (decision.reason, decision.integration, decision.kid) == ("unavailable", "one", "k")
