"""An ASGI middleware: requests with a good token go on, the others are answered here (Starlette, Litestar, …)."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from verifier.bearer import answer, is_form
from verifier.gate import Decision, Gate, Request
from verifier.waiting import WaitingGate

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

MAX_FORM_BYTES: Final = 1024 * 1024
"""A longer form is a 413: it has to be read for a second token before the app sees it (HTTP-010)."""
FORM_TOO_LARGE: Final = answer(413, b'{"error":"body_too_large"}')


class BearerAuth:
    """Wraps an app; it finds the `verifier.Identity` in `scope["identity"]`.

    Paths of `public` are let through untouched, each exactly as it is written. A WebSocket without a good token is
    closed before it opens.
    """

    def __init__(self, app: App, gate: Gate, *, public: frozenset[str] = frozenset()) -> None:
        self._app, self._gate, self._public = app, WaitingGate(gate), public

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan" or scope["path"] in self._public:
            await self._app(scope, receive, send)
            return
        decision = await self._gate.decide(request_of(scope))
        if decision.identity and scope["type"] == "http" and is_form(scope["headers"]):
            receive = await _form_checked(decision, receive)
        if decision.answer:
            decision.log(decision.answer.status)
            await refuse(decision, scope, send)
            return
        decision.log(200)
        await self._app({**scope, "identity": decision.identity}, receive, send)


def request_of(scope: Message) -> Request:
    """Return what the gate wants to know of a connection."""
    client = scope.get("client")
    secure = scope.get("scheme") in {"https", "wss"}
    return Request(scope["headers"], scope.get("query_string", b""), client[0] if client else "", secure)


async def refuse(decision: Decision, scope: Message, send: Send) -> None:
    """Send the answer of a decision that has one."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
    elif decision.answer:
        start = {"status": decision.answer.status, "headers": list(decision.answer.headers)}
        await send({"type": "http.response.start", **start})
        await send({"type": "http.response.body", "body": decision.answer.body})


async def _form_checked(decision: Decision, receive: Receive) -> Receive:
    """Read a form and have the decision check it; return a `receive` that gives it again."""
    body = bytearray()
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > MAX_FORM_BYTES:
            decision.refuse(FORM_TOO_LARGE, "body_too_large")
            return receive
    decision.check_form(bytes(body))
    kept: list[Message] = [{"type": "http.request", "body": bytes(body), "more_body": False}]

    async def again() -> Message:
        return kept.pop() if kept else await receive()

    return again
