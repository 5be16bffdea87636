"""The protected API as an ASGI app: what a request may ask for, and what it is answered.

Everything is refused that is not known: a path is taken exactly as it is written (HTTP-023), whatever is neither the
health page nor the admin API needs a token (HTTP-020), no answer makes a session (HTTP-027), and no part of a request
but the token says who asks (MAP-044).
"""

import asyncio
import itertools
import json
import logging
import secrets
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from contextlib import suppress
from typing import Any, Final

from verifier.api.admin import PREFIX as ADMIN_PREFIX
from verifier.api.admin import Admin
from verifier.api.registry import Registry
from verifier.bearer import INSECURE, OLD_INTERFACE, TOO_LARGE, Answer, answer, is_form
from verifier.errors import VerifierError
from verifier.gate import Decision, Gate
from verifier.hooks.asgi import request_of
from verifier.verifier import Identity
from verifier.waiting import WaitingGate

LOGGER: Final = logging.getLogger("verifier.api")

PROPAGATION_S: Final = 0.5
"""A change by another process with the same state counts here after at most so many seconds, plus the time that it
takes to read it (OPS-012)."""
MAX_BODY_BYTES: Final = 1024 * 1024
"""Longest body of a request to the protected API; a longer one is a 413."""
MAX_HEAD_BYTES: Final = 32 * 1024
"""Longest request line and headers; a longer head is a 431 (HTTP-014). The token has a bound of its own below it."""

_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]

_OLD = (b"/api/1.0/", b"/msp/")
_HEALTHY: Final = answer(200, b'{"status":"ok"}')
_NOT_FOUND: Final = answer(404, b'{"error":"not_found"}')
_BODY_TOO_LARGE: Final = answer(413, b'{"error":"body_too_large"}', (b"connection", b"close"))
_FAULT: Final = answer(500, b'{"error":"internal"}')


def create_app(
    registry: Registry,
    *,
    admin_token: str | None = None,
    insecure_http: bool = False,
    trusted_proxies: Iterable[str] = (),
    propagation_s: float = PROPAGATION_S,
) -> "Api":
    """Make the ASGI app of a registry; without an `admin_token` there is no admin API.

    `insecure_http` and `trusted_proxies` as in `Gate`. Where the server has no lifespan, `Api.keep_in_step` has to
    be run as a task, or changes by other processes are not seen.
    """
    gate = Gate(registry.verifier, insecure_http=insecure_http, trusted_proxies=trusted_proxies)
    return Api(registry, gate, Admin(registry, admin_token) if admin_token else None, propagation_s)


class Api:
    """The app; every HTTP answer has an `X-Request-Id` that the log has too."""

    def __init__(self, registry: Registry, gate: Gate, admin: Admin | None, propagation_s: float) -> None:
        self._registry, self._gate, self._admin = registry, WaitingGate(gate), admin
        self._propagation_s = propagation_s
        self._process, self._count = secrets.token_hex(4), itertools.count(1)

    async def __call__(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        """Serve one connection of ASGI."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def keep_in_step(self) -> None:
        """Take over the changes of other processes, for ever."""
        while True:
            await asyncio.sleep(self._propagation_s)
            try:
                await asyncio.to_thread(self._registry.sync)
            except VerifierError as problem:
                LOGGER.error("state_unavailable", extra={"fields": {"detail": str(problem)}})  # noqa: TRY400 - one line

    async def _live(self, receive: _Receive, send: _Send) -> None:
        await receive()
        task = asyncio.create_task(self.keep_in_step())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        self._gate.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _serve(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        number = f"{self._process}-{next(self._count)}"
        try:
            found = await self._answer(scope, receive, number)
        except Exception:  # whatever it is, the client learns nothing of it (HTTP-018)
            LOGGER.exception("fault", extra={"fields": {"request_id": number}})
            found = _FAULT
        headers = [*found.headers, (b"x-request-id", number.encode())]
        await send({"type": "http.response.start", "status": found.status, "headers": headers})
        await send({"type": "http.response.body", "body": found.body})

    async def _answer(self, scope: _Message, receive: _Receive, number: str) -> Answer:
        path: bytes = scope["raw_path"]
        if _head_bytes(scope) > MAX_HEAD_BYTES:
            return TOO_LARGE
        if path == b"/health":
            return _HEALTHY
        if path.startswith(ADMIN_PREFIX) and self._admin:
            if not self._gate.gate.is_private(request_of(scope)):
                return self._admin.refused("insecure_transport", INSECURE, scope, number)
            return await self._admin.answer(scope, receive, number)
        decision = await self._gate.decide(request_of(scope))
        found = await self._protected(decision, scope, receive)
        decision.log(found.status, request_id=number, method=scope["method"], path=_shown(path))
        return found

    async def _protected(self, decision: Decision, scope: _Message, receive: _Receive) -> Answer:
        path: bytes = scope["raw_path"]
        if path.startswith(_OLD) and decision.answer is not INSECURE:  # HTTP-024
            decision.refuse(OLD_INTERFACE, "old_interface")
        if decision.answer:
            return decision.answer
        body = await _read(receive)
        if body is None:
            return _BODY_TOO_LARGE
        if is_form(scope["headers"]):
            decision.check_form(body)
        if decision.identity is None:
            return decision.answer or _FAULT
        endpoint = _ENDPOINTS.get(path)
        if endpoint is None:
            return _NOT_FOUND
        methods, handler = endpoint
        if scope["method"] not in methods:
            allow = ", ".join(sorted(methods)).encode()
            return answer(405, b'{"error":"method_not_allowed"}', (b"allow", allow))
        return handler(decision.identity, scope["method"], body)


def _whoami(identity: Identity, _method: str, _body: bytes) -> Answer:
    found = {
        "user": identity.user,
        "external_id": identity.external_id,
        "claim": identity.claim,
        "fallback": identity.fallback,
        "integration": identity.integration,
    }
    return answer(200, json.dumps(found).encode())


def _echo(identity: Identity, method: str, body: bytes) -> Answer:
    return answer(200, json.dumps({"user": identity.user, "method": method, "bytes": len(body)}).encode())


_ENDPOINTS: Final[dict[bytes, tuple[frozenset[str], Callable[[Identity, str, bytes], Answer]]]] = {
    b"/api/2.0/whoami": (frozenset({"GET", "HEAD", "POST"}), _whoami),
    b"/api/2.0/echo": (frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}), _echo),
}


def _head_bytes(scope: _Message) -> int:
    head = len(scope["raw_path"]) + len(scope["query_string"])
    return head + sum(len(name) + len(value) + 4 for name, value in scope["headers"])


def _shown(path: bytes) -> str | None:
    """Name a path in the log if it is one of ours: any other may hold whatever a client put there (HTTP-018)."""
    return path.decode("ascii") if path in _ENDPOINTS else None


async def _read(receive: _Receive) -> bytes | None:
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return body
        body += bytes(message.get("body", b""))
        if len(body) > MAX_BODY_BYTES:
            return None
        if not message.get("more_body", False):
            return body
