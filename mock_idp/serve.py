"""Puts a `MockIdP` behind a real HTTP server: uvicorn, in a thread or in the main one, or pytest-httpserver in tests.

Both are thin adapters over `MockIdP.handle` and answer the same bytes. Nothing here may know an endpoint. The
servers are imported when they are used.

Both deliver an answer as its `Delivery` says. pytest-httpserver speaks HTTP/1.0: it ends a body of unknown length by
closing the connection where the other one sends chunks; and unless it was made with `threaded=True`, it answers one
request after the other, so that a slow answer holds up the next.
"""

import re
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import lru_cache, partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import msgspec

from mock_idp.http import PROMPT, Headers, Request, Response
from mock_idp.idp import MockIdP

if TYPE_CHECKING:
    import asyncio

    import uvicorn
    import werkzeug
    from pytest_httpserver import HTTPServer
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = [
    "RunningServer",
    "asgi_app",
    "attach",
    "listen",
    "serve",
    "serve_forever",
    "url_of",
    "warm_up",
]

MAX_REQUEST_BODY = 1024 * 1024
"""Bytes of a request's body; a longer one is a 413."""
START_LIMIT_S = 10.0
TICK_S = 0.1
"""So often uvicorn's housekeeping runs; it counts ten ticks a second."""
NOT_MODIFIED = 304
BACKLOG = 2048
_TRANSPORT = "mock_idp.transport"
_TOO_LARGE = Response.of_json({"error": "request_too_large"}, 413).with_header("connection", "close")

_Message: TypeAlias = MutableMapping[str, Any]
_Receive: TypeAlias = Callable[[], Awaitable[_Message]]
_Send: TypeAlias = Callable[[_Message], Awaitable[None]]
AsgiApp: TypeAlias = Callable[[_Message, _Receive, _Send], Awaitable[None]]


class RunningServer(msgspec.Struct, frozen=True):
    """A server that is answering."""

    url: str
    """`http://127.0.0.1:1234`, without a final slash."""
    end_soon: Callable[[], None]
    """Asks it to end and does not wait, so that several can end at the same time; the context waits for its own."""


class _Server(Protocol):
    """What we use of uvicorn's server, and of what ours adds to it."""

    started: bool

    def run(self, sockets: list[socket.socket]) -> None: ...
    async def serve(self, sockets: list[socket.socket]) -> None: ...
    def end(self) -> None: ...


def asgi_app(idp: MockIdP) -> AsgiApp:
    """Adapt an IdP to ASGI (HTTP only).

    To close a connection before its answer is complete, the app needs `serve` or `serve_forever`; another ASGI server
    is told by an exception, as ASGI has no word for it.
    """
    # One thread, so that slow requests are still answered one after the other.
    aside = ThreadPoolExecutor(max_workers=1, thread_name_prefix="mock-idp-aside")

    async def app(scope: _Message, receive: _Receive, send: _Send) -> None:
        request = await _request(scope, receive)
        if request is None:
            response = _TOO_LARGE
        elif idp.may_take_long(request):
            transport = _transport_of(scope)
            if transport is not None:
                transport.answering_aside = True
            response = await _running_loop().run_in_executor(aside, idp.handle, request)
        else:
            response = idp.handle(request)
        await _answer(response, scope, receive, send)

    return app


async def _answer(response: Response, scope: _Message, receive: _Receive, send: _Send) -> None:
    headers = list(_encoded(response.headers))
    start = {"type": "http.response.start", "status": response.status, "headers": headers}
    if response.status == NOT_MODIFIED:
        pass  # its Content-Length would be that of the body that it leaves out (RFC 9110 section 8.6)
    elif response.delivery.chunked:
        headers.append((b"transfer-encoding", b"chunked"))
    else:
        headers.append((b"content-length", b"%d" % response.length))
    if response.delivery != PROMPT:
        await _deliver(response, start, _Line(scope, receive, send))
        return
    transport = _transport_of(scope)
    if transport is not None:
        transport.hold()
    try:
        await send(start)
        await send({"type": "http.response.body", "body": response.body})
    finally:
        if transport is not None:
            transport.release()


def _transport_of(scope: _Message) -> "_JoiningTransport | None":
    """Give the transport of a request's connection, which only our own server shows."""
    transport: _JoiningTransport | None = scope.get("state", {}).get(_TRANSPORT)
    return transport


class _JoiningTransport:
    """A transport that can hold what is written until all of it goes at once.

    uvicorn writes the head of an answer and its body apart; together they take one system call and one packet.
    """

    def __init__(self, transport: "asyncio.Transport") -> None:
        self._transport = transport
        self._held: list[bytes] | None = None
        self.answering_aside = False
        """Whether the answer under way is made by another thread; see `_connection_class`."""
        self.is_closing = transport.is_closing
        self.abort = transport.abort

    def hold(self) -> None:
        """Send nothing before `release`."""
        self._held = []

    def release(self) -> None:
        """Send what was held, and hold no longer."""
        held, self._held = self._held, None
        if held:
            self._transport.write(b"".join(held))

    def write(self, data: bytes) -> None:
        """Send or hold."""
        if self._held is None:
            self._transport.write(data)
        else:
            self._held.append(data)

    def close(self) -> None:
        """Send what was held, then close."""
        self.release()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


@lru_cache(maxsize=256)
def _encoded(headers: Headers) -> tuple[tuple[bytes, bytes], ...]:
    return tuple([(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers])


class _Line(msgspec.Struct, frozen=True):
    """One request's connection, as far as ASGI and our server let the app at it."""

    scope: _Message
    receive: _Receive
    send: _Send

    async def left_within(self, seconds: float) -> bool:
        """Wait so long, and no longer once the client has gone; tell whether it has."""
        import asyncio  # the module must be quick to import for those who start no server

        try:
            async with asyncio.timeout(seconds):
                while (await self.receive())["type"] != "http.disconnect":
                    pass
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        """Close the connection, after what was sent has left."""
        transport = _transport_of(self.scope)
        if transport is None:
            raise ConnectionAbortedError("the answer is a closed connection")
        transport.close()
        while (await self.receive())["type"] != "http.disconnect":
            pass


async def _deliver(response: Response, start: _Message, line: _Line) -> None:
    how = response.delivery
    if how.delay_s and await line.left_within(how.delay_s):
        return
    if how.closed:
        await line.close()
        return
    await line.send(start)
    for number, piece in enumerate(response.pieces()):
        # A receive that never waits would let neither others be answered nor the client's leaving be seen.
        if number and await line.left_within(how.interval_s):
            return
        await line.send({"type": "http.response.body", "body": piece, "more_body": True})
        if line.scope["method"] == "HEAD":
            break
    if how.cut_at is not None and how.cut_at < response.length:
        await line.close()
    else:
        await line.send({"type": "http.response.body", "body": b""})


def _running_loop() -> "asyncio.AbstractEventLoop":
    import asyncio  # as in `_Line.left_within`

    return asyncio.get_running_loop()


async def _request(scope: _Message, receive: _Receive) -> Request | None:
    """Read a request; None when its body is too long."""
    headers, announce_body = _decoded(tuple(scope["headers"]))
    has_body = announce_body or scope["method"] not in {"GET", "HEAD"}
    body = await _read_body(receive) if has_body else b""
    if body is None:
        return None
    path, query = scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1")
    return Request(scope["method"], path, query, headers, body)


@lru_cache(maxsize=64)
def _decoded(headers: tuple[tuple[bytes, bytes], ...]) -> tuple[Headers, bool]:
    """Give the headers as text, and whether a body follows: without either header none does (RFC 9112 section 6.3)."""
    # A client on a kept connection sends the same ones again and again.
    decoded = tuple([(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers])
    return decoded, any(name in {"content-length", "transfer-encoding"} for name, _ in decoded)


async def _read_body(receive: _Receive) -> bytes | None:
    message = await receive()
    if not message.get("more_body", False) and len(message.get("body", b"")) <= MAX_REQUEST_BODY:
        return bytes(message.get("body", b""))  # it came at once, as nearly all do
    body = bytearray(message.get("body", b""))
    while message.get("more_body", False) and len(body) <= MAX_REQUEST_BODY:
        message = await receive()
        body += message.get("body", b"")
    return bytes(body) if len(body) <= MAX_REQUEST_BODY else None


@contextmanager
def serve(
    idp: MockIdP, *, host: str = "127.0.0.1", port: int = 0, tls: tuple[Path, Path] | None = None
) -> Iterator[RunningServer]:
    """Serve an IdP over HTTP, or HTTPS with `tls` (certificate and key file), while the context lasts.

    Port 0 takes a free one. Sets `idp.base_url`. At the end connections that are still open are closed at
    once. `OSError` when the address is taken, `RuntimeError` when the server does not start within ten
    seconds.
    """
    with listen(host, port) as listener:
        server = _server(idp, tls)
        thread = Thread(target=server.run, args=([listener],), name="mock-idp", daemon=True)
        thread.start()
        try:
            _wait_for(server, thread)
            idp.base_url = url_of(listener, host, secure=tls is not None)
            yield RunningServer(idp.base_url, server.end)
        finally:
            server.end()
            thread.join(START_LIMIT_S)


def serve_forever(
    idp: MockIdP, listener: socket.socket, ready: Callable[[], None], tls: tuple[Path, Path] | None = None
) -> int:
    """Serve an IdP from the main thread until SIGTERM or SIGINT, and return the number of that signal.

    `ready` is called once the server answers. At the end open connections are closed at once.
    """
    import asyncio

    server = _server(idp, tls, ready)
    received: list[int] = []

    def stop(number: int) -> None:
        received.append(number)
        server.end()

    async def main() -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop, number)
        await server.serve([listener])

    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(main())
    return received[0] if received else 0


def warm_up() -> None:
    """Import what a server needs, for whoever has something else to wait for meanwhile."""
    for name in ("asyncio", "uvicorn", "uvicorn.protocols.http.httptools_impl"):
        import_module(name)


def _loop_factory() -> Callable[[], "asyncio.AbstractEventLoop"] | None:
    """Give uvloop's, which answers twice as many requests, where it is installed."""
    if find_spec("uvloop") is None:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = import_module("uvloop").new_event_loop
    return factory


def url_of(listener: socket.socket, host: str, *, secure: bool) -> str:
    """Give the URL of a listening socket, without a final slash."""
    shown = f"[{host}]" if ":" in host else host
    return f"{'https' if secure else 'http'}://{shown}:{listener.getsockname()[1]}"


def listen(host: str, port: int) -> socket.socket:
    """Listen on an address (port 0 for a free one), so that whoever connects from now on waits for the server.

    `OSError` when the address is taken or none of this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's algorithm off only where the protocol is named; with it, an answer on a kept connection
    # waits 40 ms for the client's acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _connection_class(*, secure: bool) -> "type[HttpToolsProtocol]":
    import asyncio

    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

    class Connection(HttpToolsProtocol):
        """Lets the app see the transport: to send an answer at once, and because a fault may have to close it."""

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            joining: Any = _JoiningTransport(transport)
            self.transport = joining
            self.app_state = {**self.app_state, _TRANSPORT: joining}

        def eof_received(self) -> bool | None:  # type: ignore[override]
            """Let a client that has only ended its own side have an answer that is still being made.

            Over TLS that is not possible; and where the answer waits for a fault, it is taken for gone.
            """
            cycle, waits = self.cycle, not secure and self.transport.answering_aside  # type: ignore[attr-defined]
            if not waits or cycle.response_complete:
                return None
            cycle.keep_alive = False  # uvicorn then closes the connection after the answer
            return True

    return Connection


async def _abort(connections: set[Any]) -> None:
    """Close what is open: a slow answer must not hold up the end, and its task sees that the client is gone."""
    import asyncio

    for connection in list(connections):
        connection.transport.abort()
    await asyncio.sleep(0)  # now each has heard that it is lost


def _server_class() -> Callable[["uvicorn.Config", Callable[[], None]], _Server]:
    import asyncio

    import uvicorn

    class Server(uvicorn.Server):
        """Says when it listens, ends at once when told, and leaves signals to whoever runs it."""

        def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
            super().__init__(config)
            self._listens = started
            self._wake: Callable[[], object] = lambda: None

        def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
            return nullcontext()

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            ending, loop = asyncio.Event(), asyncio.get_running_loop()
            self._ending, self._wake = ending, partial(loop.call_soon_threadsafe, ending.set)
            self._listens()

        async def main_loop(self) -> None:
            # uvicorn's own looks ten times a second whether it shall end; who makes many servers would wait for each.
            ticks = 0
            while not await self.on_tick(ticks):
                ticks += 1
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._ending.wait(), TICK_S)

        def end(self) -> None:
            self.should_exit = self.force_exit = True
            with suppress(RuntimeError):  # the loop has ended by itself
                self._wake()

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            await _abort(self.server_state.connections)
            if self.server_state.connections or self.server_state.tasks:
                await super().shutdown(sockets)  # which gives them a tenth of a second
            else:
                for listening in self.servers:
                    listening.close()

    return Server


def _server(
    idp: MockIdP, tls: tuple[Path, Path] | None, started: Callable[[], None] = lambda: None
) -> _Server:
    import uvicorn

    certificate, key = tls or (None, None)
    config = uvicorn.Config(
        asgi_app(idp),
        loop="asyncio",
        http=_connection_class(secure=tls is not None),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )
    return _server_class()(config, started)


def _wait_for(server: _Server, thread: Thread) -> None:
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
        if answer.delivery == PROMPT:
            return WerkzeugResponse(answer.body, answer.status, list(answer.headers))
        time.sleep(answer.delivery.delay_s)
        if answer.delivery.closed:
            request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        known = [] if answer.delivery.chunked else [("content-length", str(answer.length))]
        return WerkzeugResponse(_in_time(answer), answer.status, [*answer.headers, *known])

    httpserver.expect_request(re.compile(".*")).respond_with_handler(handler)
    idp.base_url = httpserver.url_for("").rstrip("/")


def _in_time(answer: Response) -> Iterator[bytes]:
    for number, piece in enumerate(answer.pieces()):
        if number:
            time.sleep(answer.delivery.interval_s)
        yield piece
