"""One connection: raw bytes out, one answer back, both bounded in size, count and time. It knows no tokens.

A client library would mend what is sent: the odd bytes are the point here. What comes back is read by httptools.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import urlsplit

from scenarios.targets.channel import ChannelCrash, ChannelGarbage, ChannelTimeout
from scenarios.targets.protocol import HttpAnswer, readable

if TYPE_CHECKING:
    from pathlib import Path

MAX_BODY: Final = 1 << 20
"""An answer with more content than this (bytes, 1 MiB) is an error."""
MAX_HEAD: Final = 64 << 10
"""An answer whose head is larger than this (bytes, 64 KiB) is an error."""
MAX_HEADERS: Final = 200
"""An answer with more header lines than this (a count) is an error."""
_CHUNK: Final = 64 << 10
_DRAIN_S: Final = 0.2
_QUICKACK: Final[int | None] = getattr(socket, "TCP_QUICKACK", None)
_NO_CONTENT: Final = frozenset({204, 304})


class AnsweredTwice(ChannelGarbage):
    """More came over a connection than one answer to each request."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where an API listens."""

    host: str
    port: int
    tls: ssl.SSLContext | None

    @classmethod
    def of(cls, url: str, ca_file: Path | None) -> Address:
        """Read it from a URL. Raises `ChannelCrash` for a CA file that is none."""
        parts = urlsplit(url)
        context = None
        if parts.scheme == "https":
            try:
                context = ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
            except (OSError, ssl.SSLError) as error:
                raise ChannelCrash(f"the CA file '{ca_file}' cannot be used: {error}") from None
        return cls(parts.hostname or "", parts.port or (443 if context else 80), context)

    @property
    def name(self) -> str:
        """As the Host header has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"


class Connection:
    """One connection. `open` makes it; `close` may be called twice."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.open = True

    @classmethod
    def to(cls, address: Address, deadline: float) -> Self:
        """Connect. Raises `ChannelCrash` when nobody listens, `ChannelTimeout`."""
        rest = max(0.001, deadline - time.monotonic())
        try:
            sock = socket.create_connection((address.host, address.port), timeout=rest)
        except TimeoutError:
            raise ChannelTimeout(f"{address.name} took no connection in time") from None
        except OSError as error:
            raise ChannelCrash(
                f"nobody takes connections at {address.name}: {error.strerror or error}"
            ) from None
        try:
            if address.tls is not None:
                sock = address.tls.wrap_socket(sock, server_hostname=address.host)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setblocking(False)  # noqa: FBT003 - the name of socket's own argument is `flag`
        except (OSError, ssl.SSLError) as error:
            sock.close()
            reason = getattr(error, "verify_message", "") or getattr(error, "reason", "") or str(error)
            raise ChannelCrash(f"no TLS with {address.name}: {reason}") from None
        return cls(sock)

    def close(self) -> None:
        """Close it."""
        self.open = False
        self._sock.close()

    def is_stale(self) -> bool:
        """Whether the other end closed it meanwhile. Raises `AnsweredTwice` for what nobody asked for."""
        try:
            waiting = self._receive()
        except OSError:
            waiting = b""
        if waiting is None:
            return False
        self.close()
        if waiting:
            shown = readable(waiting[:80].decode("latin-1"), 80)
            raise AnsweredTwice(f"it answers twice: after an answer came '{shown}'", survives=True)
        return True

    def drain(self) -> None:
        """End it from this side, and read until the other one does. Raises `AnsweredTwice` for what nobody asked for.

        What the other end has sent comes before its end does, however late it is.
        """
        deadline = time.monotonic() + _DRAIN_S
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_WR)
        while not self.is_stale() and (rest := deadline - time.monotonic()) > 0:
            self._poll(rest, select.POLLIN)
        self.close()

    def exchange(self, request: bytes, *, head_only: bool, deadline: float, timeout_s: float) -> HttpAnswer:
        """Send a request and return its answer; `head_only` for an answer that has no content (HEAD).

        An answer may come before all is sent. Raises `ChannelTimeout`, `ChannelCrash` when the connection ends
        without an answer, `ChannelGarbage` for an answer that is none or above a bound.
        """
        reader = _Reader(head_only=head_only)
        left = memoryview(request)
        try:
            while not reader.done:
                if left:
                    left = left[self._send(left) :]
                received = self._receive_or_end()
                if received is None:
                    self._wait(deadline, timeout_s, writing=bool(left))
                elif received:
                    reader.feed(received)
                else:
                    reader.end()
        except BaseException:
            self.close()
            raise
        if left or not reader.keeps_alive:
            self.close()
        return reader.answer()

    def _wait(self, deadline: float, timeout_s: float, *, writing: bool) -> None:
        rest = deadline - time.monotonic()
        if rest <= 0:
            raise ChannelTimeout(f"no answer within {timeout_s:g} s")
        self._poll(rest, select.POLLIN | (select.POLLOUT if writing else 0))

    def _poll(self, seconds: float, events: int) -> None:
        poll = select.poll()
        poll.register(self._sock, events)
        poll.poll(seconds * 1000)

    def _send(self, data: memoryview) -> int:
        try:
            return self._sock.send(data[:_CHUNK])
        except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
            return 0
        except OSError:
            return len(data)  # nobody reads on; an answer may be there all the same

    def _receive(self) -> bytes | None:
        try:
            received = self._sock.recv(_CHUNK)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None
        if _QUICKACK is not None and received:
            # Else what comes next, in small pieces, waits 40 ms for this side's delayed acknowledgement (RFC 1122).
            self._sock.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)
        return received

    def _receive_or_end(self) -> bytes | None:
        try:
            return self._receive()
        except OSError:  # a reset
            return b""


@dataclass(slots=True)
class _Parsed:
    """What the parser has called back with so far."""

    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)


class _Reader:
    """Reads one answer from the bytes of a connection; later bytes are a second one."""

    def __init__(self, *, head_only: bool) -> None:
        import httptools

        self._parser = httptools.HttpResponseParser(self)
        self._error: type[Exception] = httptools.HttpParserError
        self._head_only = head_only
        self._now = _Parsed()
        self._head = 0
        self._in_head = True
        self._begun = False
        self._complete = False
        self.keeps_alive = False
        self.surplus = False

    @property
    def done(self) -> bool:
        return self._complete

    def feed(self, data: bytes) -> None:
        if self._in_head:
            self._head += len(data)
        try:
            self._parser.feed_data(data)
        except self._error as error:
            if self._complete:
                self.surplus = True
            else:
                shown = readable(data[:80].decode("latin-1"), 80)
                raise ChannelGarbage(f"its answer is no HTTP ({error}): '{shown}'", survives=True) from None
        self._check_bounds()

    def end(self) -> None:
        """Take the end of the connection."""
        if not self._begun:
            raise ChannelCrash("it closed the connection without an answer", survives=True)
        framed = any(name in ("content-length", "transfer-encoding") for name, _ in self._now.headers)
        if self._in_head or framed:
            raise ChannelCrash("it closed the connection in the middle of its answer", survives=True)
        self._complete = True

    def answer(self) -> HttpAnswer:
        if self.surplus:
            raise AnsweredTwice("it answers twice: one request got two answers", survives=True)
        body = bytes(self._now.body).decode("latin-1")
        return HttpAnswer(self._now.status, tuple(self._now.headers), body)

    def _check_bounds(self) -> None:
        if self._in_head and self._head > MAX_HEAD:
            raise ChannelGarbage(f"the head of its answer is larger than {MAX_HEAD:,} bytes", survives=True)
        if len(self._now.headers) > MAX_HEADERS:
            raise ChannelGarbage(f"its answer has more than {MAX_HEADERS} header lines", survives=True)
        if len(self._now.body) > MAX_BODY:
            raise ChannelGarbage(f"its answer is larger than {MAX_BODY:,} bytes", survives=True)

    # What httptools calls.

    def on_message_begin(self) -> None:
        if self._complete:
            self.surplus = True
        self._begun = True

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._complete and len(self._now.headers) <= MAX_HEADERS:
            self._now.headers.append((name.decode("latin-1").lower(), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        if self._complete:
            return
        self._now.status = self._parser.get_status_code()
        if self._now.status < 200:
            return
        self._in_head = False
        self.keeps_alive = self._parser.should_keep_alive()
        if self._head_only or self._now.status in _NO_CONTENT:
            # The parser would wait for the content that Content-Length tells of, and that HEAD does not get.
            self.keeps_alive, self._complete = False, True

    def on_body(self, body: bytes) -> None:
        if not self._complete and len(self._now.body) <= MAX_BODY:
            self._now.body += body

    def on_message_complete(self) -> None:
        if self._complete:
            return
        if self._now.status < 200:  # 100 and its like: the answer is yet to come (RFC 9110 section 15.2)
            self._now = _Parsed()
            return
        self._complete = True


def until_ready(address: Address, deadline: float) -> None:
    """Connect once. Raises `ChannelFailure` when nobody listens yet."""
    with contextlib.closing(Connection.to(address, deadline)):
        pass
