"""APIs that are wrong in one way each: `python api.py WAY PORT [FILE]`; `honest` is wrong in none."""

from __future__ import annotations

import os
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

WAY, PORT = sys.argv[1], int(sys.argv[2])
FILE: Final = Path(sys.argv[3]) if len(sys.argv) > 3 else None
SLEEP: Final = [sys.executable, "-c", "import time; time.sleep(600)"]
asked: list[bytes] = []
kept: list[socket.socket] = []


def answer(status: str, body: bytes, *lines: bytes) -> bytes:
    head = [b"HTTP/1.1 " + status.encode(), b"Content-Length: %d" % len(body), *lines]
    return b"\r\n".join([*head, b"", body])


YES: Final = answer("200 OK", b'{"user": "ann"}')
NO: Final = answer("401 Unauthorized", b"{}", b"WWW-Authenticate: Bearer")


def honest(head: bytes) -> bytes:
    return YES if b"Bearer good" in head else NO


def slow(_head: bytes) -> bytes:
    time.sleep(600)
    return b""


def twice(head: bytes) -> bytes:
    return honest(head) * 2


def later(head: bytes) -> bytes:
    """Answer, and once more when nobody has asked."""
    return honest(head)


def belated(head: bytes) -> bytes:
    """Answer a request over a kept connection with the answer before, once more; `/late` lets the true one follow."""
    if b" /late " in head:
        kept[0].sendall(honest(asked[-1]))
        return YES
    if b"Connection: close" in head:
        return honest(head)
    asked.append(head)
    return honest(asked[max(0, len(asked) - 2)])


def huge(_head: bytes) -> bytes:
    return answer("200 OK", b"x" * 100_000_000)


def endless_head(_head: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\n" + b"X-Line: " + b"y" * 20_000_000


def many_headers(_head: bytes) -> bytes:
    return answer("200 OK", b'{"user": "ann"}', *[b"X-%d: y" % number for number in range(500)])


def rubbish(_head: bytes) -> bytes:
    return b"hello there\r\n\r\n"


def cut(_head: bytes) -> bytes:
    return b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"user": "ann"}'


def silent(_head: bytes) -> bytes:
    return b""


def forbids(head: bytes) -> bytes:
    return YES if b"Bearer good" in head else answer("403 Forbidden", b"no")


def redirects(head: bytes) -> bytes:
    return YES if b"Bearer good" in head else answer("302 Found", b"", b"Location: /login")


def fails(head: bytes) -> bytes:
    return YES if b"Bearer good" in head else answer("500 Internal Server Error", b"oops")


def nameless(_head: bytes) -> bytes:
    return answer("200 OK", b'{"name": "ann"}')


def dies(head: bytes) -> bytes:
    threading.Timer(0.05, os._exit, (7,)).start()
    return honest(head)


def continues(head: bytes) -> bytes:
    return b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + honest(head)


def chunked(head: bytes) -> bytes:
    body = b'{"user": "ann"}' if b"Bearer good" in head else b"{}"
    first = b"HTTP/1.1 200 OK" if b"Bearer good" in head else b"HTTP/1.1 401 Unauthorized"
    return first + b"\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n"


def unframed(head: bytes) -> bytes:
    if b"Bearer good" not in head:
        return NO
    return b'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{"user": "ann"}'


def early(head: bytes) -> bytes:
    return answer("431 Request Header Fields Too Large", b"") if len(head) > 30_000 else honest(head)


def records(head: bytes) -> bytes:
    if FILE is not None:
        with FILE.open("ab") as file:
            file.write(head)
    return honest(head)


ENDS: Final = {"unframed", "cut", "silent", "rubbish"}


class Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        buffer = b""
        while True:
            while b"\r\n\r\n" not in buffer:
                part = self.request.recv(65536)
                if not part:
                    return
                buffer += part
                if WAY == "early" and len(buffer) > 30_000:
                    self.request.sendall(early(buffer))
                    return
            head, _, buffer = buffer.partition(b"\r\n\r\n")
            if b"Connection: keep-alive" in head:
                kept[:] = [self.request]
            act: Callable[[bytes], bytes] = globals().get(WAY, honest)
            try:
                self.request.sendall(answer("200 OK", b"") if b" /health " in head else act(head))
            except OSError:
                return
            if WAY == "later" and b" /health " not in head:
                time.sleep(0.05)
                self.request.sendall(YES)
            if WAY in ENDS or b"Connection: close" in head:
                return


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    request_queue_size = 256
    daemon_threads = True


def main() -> None:
    if WAY == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if WAY == "forks" and FILE is not None:
        near = subprocess.Popen(SLEEP)
        far = subprocess.Popen(SLEEP, start_new_session=True)
        FILE.write_text(f"{os.getpid()} {near.pid} {far.pid}")
    if WAY == "stubborn" and FILE is not None:
        FILE.write_text(str(os.getpid()))
    if WAY == "floods":
        threading.Thread(target=lambda: [sys.stderr.write("noise " * 2000) for _ in range(2000)]).start()
    if WAY == "never_ready":
        time.sleep(600)
    if WAY == "breaks":
        sys.stderr.write("no such setting\n")
        sys.exit(3)
    with Server(("127.0.0.1", PORT), Handler) as server:
        server.serve_forever(0.05)


if __name__ == "__main__":
    main()
