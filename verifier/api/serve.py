"""Serves the protected API by uvicorn, with what that leaves open closed: the size of a head, and its time.

Must never log a header or a path: uvicorn's access log is off.
"""

import asyncio
import signal
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import uvicorn

MAX_HEAD_BYTES: Final = 64 * 1024
"""A head that goes on beyond this is answered 431 before it has ended (HTTP-014)."""
HEAD_S: Final = 10.0
"""Seconds in which a head has to arrive, from its first byte or from the connection on."""
KEEP_ALIVE_S: Final = 15
GRACE_S: Final = 5
"""Seconds that requests have to end in when the server stops."""
_LINGER_S: Final = 2.0
_START_S: Final = 10.0
_LINGER_BYTES: Final = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Tls:
    """Files of the server's certificate (with its chain) and private key, both PEM."""

    certificate: Path
    key: Path

    def check(self) -> None:
        """Raise ValueError, with one line, if a server cannot be made of the files."""
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self.certificate, self.key)
        except ssl.SSLError:
            raise ValueError(f"{self.certificate} and {self.key} are no certificate and its key") from None
        except OSError as problem:
            raise ValueError(f"{self.certificate}, {self.key}: {problem.strerror}") from None


def serve_forever(
    app: Callable[..., Awaitable[None]],
    listener: socket.socket,
    ready: Callable[[], None],
    tls: Tls | None = None,
) -> int:
    """Serve an app from the main thread until SIGTERM or SIGINT; return the number of that signal.

    `ready` is called once the server answers.
    """
    server = _server(app, tls, ready)
    received: list[int] = []

    def stop(number: int) -> None:
        server.force_exit = bool(received)  # a second signal does not wait
        received.append(number)
        server.should_exit = True

    async def main() -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop, number)
        await server.serve([listener])

    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(main())
    return received[0] if received else 0


class BackgroundServer:
    """An app behind the same server, in a thread of its own on a free port of loopback; `close` ends it.

    For who has to ask an app over real connections from the process that made it, as a test harness does.
    """

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        started = threading.Event()
        self._server = _server(app, None, started.set)
        self._thread = threading.Thread(target=self._run, name="protected api", daemon=True)
        self._thread.start()
        started.wait(_START_S)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        """Stop serving, without waiting for requests."""
        self._server.force_exit = self._server.should_exit = True
        self._thread.join(GRACE_S)
        self._listener.close()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(self._server.serve([self._listener]))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if find_spec("uvloop") is None:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = import_module("uvloop").new_event_loop
    return factory


def _server(
    app: Callable[..., Awaitable[None]], tls: Tls | None, started: Callable[[], None]
) -> "uvicorn.Server":
    import uvicorn
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

    class Protocol(_BoundedHead, HttpToolsProtocol):
        pass

    class Server(uvicorn.Server):
        """Says when it listens, and leaves signals to whoever runs it."""

        def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
            return nullcontext()

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            started()

    config = uvicorn.Config(
        app,
        loop="asyncio",
        http=Protocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # HTTP-026: the gate alone says whom to believe
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
        ssl_certfile=tls.certificate if tls else None,
        ssl_keyfile=tls.key if tls else None,
    )
    config.load()
    if config.ssl:
        config.ssl.minimum_version = ssl.TLSVersion.TLSv1_2
    return Server(config)


if TYPE_CHECKING:
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol as _Base
else:
    _Base = object  # uvicorn is imported when something is served


class _BoundedHead(_Base):
    """Bounds a head in bytes and seconds, and refuses so that the client can read the answer."""

    _in_head = True
    _head = 0
    _left = _LINGER_BYTES
    _refused = False
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            self._left -= len(data)
            if self._left < 0:
                self.transport.abort()
            return
        if self._in_head:
            self._head += len(data)
        super().data_received(data)
        if self._in_head and self._head > MAX_HEAD_BYTES and not self._refused:
            self._refuse(431, b'{"error":"header_too_large"}')

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if not self._in_head:
            self._head = 0
            self._await_head()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._cancel()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's signature
        self._refuse(400, b'{"error":"bad_request"}')

    def _await_head(self) -> None:
        self._in_head = True
        self._cancel()
        self._deadline = self.loop.call_later(HEAD_S, self._give_up)

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()

    def _cancel(self) -> None:
        if self._deadline:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self, status: int, body: bytes) -> None:
        """Answer, and read on for a moment: a reset would take the answer from the client (HTTP-014)."""
        self._cancel()
        self._refused = True
        cycle: Any = self.cycle  # None before the first request
        if cycle and not cycle.response_complete:
            self.transport.abort()  # an answer is under way that this one must not get into
            return
        self.transport.write(_whole_answer(status, body))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._deadline = self.loop.call_later(_LINGER_S, self._give_up)


def _whole_answer(status: int, body: bytes) -> bytes:
    from verifier.bearer import answer

    made = answer(status, body, (b"connection", b"close"))
    reason: dict[int, bytes] = {400: b"Bad Request", 431: b"Request Header Fields Too Large"}
    lines: list[Any] = [b"HTTP/1.1 %d %s" % (status, reason[status])]
    lines += [b"%s: %s" % header for header in made.headers]
    return b"\r\n".join((*lines, b"", body))
