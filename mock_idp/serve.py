"""Puts a `MockIdP` behind a real HTTP server: uvicorn in a thread, or pytest-httpserver in tests.

Both are thin adapters over `MockIdP.handle` and answer the same bytes. Nothing here may know an endpoint. The
servers are imported when they are used.
"""

import re
import socket
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeAlias

from mock_idp.http import Request, Response
from mock_idp.idp import MockIdP
from mock_idp.loopback_tls import loopback_tls

if TYPE_CHECKING:
    import uvicorn
    import werkzeug
    from pytest_httpserver import HTTPServer

__all__ = ["RunningServer", "asgi_app", "attach", "loopback_tls", "serve"]

MAX_REQUEST_BODY = 1024 * 1024
"""Bytes of a request's body; a longer one is a 413."""
START_LIMIT_S = 10.0

_Message: TypeAlias = MutableMapping[str, Any]
_Receive: TypeAlias = Callable[[], Awaitable[_Message]]
_Send: TypeAlias = Callable[[_Message], Awaitable[None]]
AsgiApp: TypeAlias = Callable[[_Message, _Receive, _Send], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server that is answering."""

    url: str
    """`http://127.0.0.1:1234`, without a final slash."""


def asgi_app(idp: MockIdP) -> AsgiApp:
    """Adapt an IdP to ASGI (HTTP only)."""

    async def app(scope: _Message, receive: _Receive, send: _Send) -> None:
        response = await _respond(idp, scope, receive)
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
        headers.append((b"content-length", str(len(response.body)).encode()))
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": response.body})

    return app


async def _respond(idp: MockIdP, scope: _Message, receive: _Receive) -> Response:
    body = await _read_body(receive)
    if body is None:
        return Response.of_json({"error": "request_too_large"}, 413).with_header("connection", "close")
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
    path, query = scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1")
    return idp.handle(Request(scope["method"], path, query, headers, body))


async def _read_body(receive: _Receive) -> bytes | None:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > MAX_REQUEST_BODY:
            return None
        if not message.get("more_body", False):
            return bytes(body)


@contextmanager
def serve(
    idp: MockIdP, *, host: str = "127.0.0.1", port: int = 0, tls: tuple[Path, Path] | None = None
) -> Iterator[RunningServer]:
    """Serve an IdP over HTTP, or HTTPS with `tls` (certificate and key file), while the context lasts.

    Port 0 takes a free one. Sets `idp.base_url`. At the end connections that are still open are closed at
    once. `OSError` when the address is taken, `RuntimeError` when the server does not start within ten
    seconds.
    """
    with _listen(host, port) as listener:
        server = _server(idp, tls)
        thread = Thread(target=server.run, args=([listener],), name="mock-idp", daemon=True)
        thread.start()
        try:
            _wait_for(server, thread)
            scheme = "http" if tls is None else "https"
            shown = f"[{host}]" if ":" in host else host
            idp.base_url = f"{scheme}://{shown}:{listener.getsockname()[1]}"
            yield RunningServer(idp.base_url)
        finally:
            server.should_exit = server.force_exit = True
            thread.join(START_LIMIT_S)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's algorithm off only where the protocol is named; with it, an answer on a kept connection
    # waits 40 ms for the client's acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener


def _server(idp: MockIdP, tls: tuple[Path, Path] | None) -> "uvicorn.Server":
    import uvicorn

    certificate, key = tls or (None, None)
    config = uvicorn.Config(
        asgi_app(idp),
        loop="asyncio",
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )
    return uvicorn.Server(config)


def _wait_for(server: "uvicorn.Server", thread: Thread) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise RuntimeError("the mock IdP's server did not start")
        time.sleep(0.001)


def attach(idp: MockIdP, httpserver: "HTTPServer") -> None:
    """Have a running pytest-httpserver answer everything by the IdP, and set `idp.base_url`."""
    from werkzeug import Response as WerkzeugResponse

    def handler(request: "werkzeug.Request") -> WerkzeugResponse:
        target = request.environ["REQUEST_URI"]
        path, _, query = target.partition("?")
        headers = tuple((name.lower(), value) for name, value in request.headers.items())
        answer = idp.handle(Request(request.method, path, query, headers, request.get_data()))
        return WerkzeugResponse(answer.body, answer.status, list(answer.headers))

    httpserver.expect_request(re.compile(".*")).respond_with_handler(handler)
    idp.base_url = httpserver.url_for("").rstrip("/")
