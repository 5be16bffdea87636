"""A FastAPI dependency: `user: Annotated[Identity, Depends(bearer_auth(gate))]` in any route."""

import json
from collections.abc import Awaitable, Callable

from fastapi import HTTPException, Request

from verifier.bearer import INVALID_REQUEST, is_form
from verifier.gate import Decision, Gate
from verifier.hooks.asgi import request_of
from verifier.verifier import Identity
from verifier.waiting import WaitingGate

_KEPT = frozenset({b"www-authenticate", b"cache-control"})


def bearer_auth(gate: Gate) -> Callable[[Request], Awaitable[Identity]]:
    """Make a dependency that gives the identity of a request, or answers 400, 401, 403 or 431."""
    waiting = WaitingGate(gate)

    async def identity(request: Request) -> Identity:
        decision = await waiting.decide(request_of(request.scope))
        if decision.identity and is_form(request.scope["headers"]):
            await _check_form(decision, request)
        if decision.identity is None:
            raise _refusal(decision)
        decision.log(200)
        return decision.identity

    return identity


async def _check_form(decision: Decision, request: Request) -> None:
    try:
        decision.check_form(await request.body())
    except RuntimeError:  # FastAPI has read it already, for a route that declares a form
        if "access_token" in await request.form():
            decision.refuse(INVALID_REQUEST, "credential_twice")


def _refusal(decision: Decision) -> HTTPException:
    answer = decision.answer or INVALID_REQUEST
    decision.log(answer.status)
    headers = {name.decode(): value.decode() for name, value in answer.headers if name in _KEPT}
    return HTTPException(answer.status, json.loads(answer.body)["error"], headers)
