"""One JWKS URL for good, at which the JWKS of the scenario in hand is found: for targets that were configured by hand.

It passes requests on to the mock IdP and answers back unchanged, so that what the IdP counts and misdoes stays its own.
It knows what the target was told, because a target that caches keys would judge one scenario by the keys of another.
"""

from __future__ import annotations

import http.client
import shutil
import socket
import ssl
import tempfile
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from scenarios.targets import near
from scenarios.targets.channel import ChannelMissing
from scenarios.targets.http.serving import Server

if TYPE_CHECKING:
    from scenarios.targets.http.settings import Served

_TIMEOUT_S: Final = 20.0
_MAX_BODY: Final = 8 << 20
_NOT_PASSED: Final = frozenset({"host", "connection", "transfer-encoding", "keep-alive", "content-length"})


class Relay:
    """Serves one path; `lead_to` says whose document is there from now on. `close` ends it."""

    _context: ssl.SSLContext | None = None

    def __init__(self, served: Served, folder: Path) -> None:
        self._served = served
        self._upstream: str | None = None
        self._told: list[bytes] = []
        self._told_here = False
        relay = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = _TIMEOUT_S

            def do_GET(self) -> None:
                relay.answer(self, served.path)

            def log_message(self, *_: Any) -> None:
                """Say nothing: stderr is the report's."""

        try:
            self._server = Server(("127.0.0.1", served.port), Handler)
        except OSError as error:
            raise ChannelMissing(
                f"the port {served.port}, at which the JWKS is to be served, cannot be had: {error.strerror}"
            ) from None
        scheme = "https" if served.tls else "http"
        self.url = f"{scheme}://127.0.0.1:{served.port}{served.path}"
        if served.tls:
            self._with_tls(None if served.ca_file is None else folder / served.ca_file)
        threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="jwks relay", daemon=True
        ).start()

    def lead_to(self, uri: str, ca_file: str | None) -> bool:
        """Serve the document at a URL of the mock IdP; return whether that can be done without changing what is asked.

        An https URL needs `tls` here, and a certificate that is good: a flawed one cannot be passed on.
        """
        parts = urlsplit(uri)
        if parts.scheme == "https":
            context = ssl.create_default_context(cafile=ca_file)
            if not self._served.tls or not _is_good(parts.hostname or "", parts.port or 443, context):
                return False
            self._context = context
        self._told_here = self._told_here and uri == self._upstream
        self._upstream = uri
        return True

    def forget(self) -> None:
        """Take it that the target knows nothing that it was told: it was started, or has read its keys, anew."""
        self._told.clear()
        self._told_here = False

    @property
    def told_more(self) -> bool:
        """Whether another scenario may show: the target has fetched, and not once the document of now alone.

        A scenario that is about fetching publishes none, so that it finds a target that has fetched nothing.
        """
        return self._told_elsewhere and self._told != [self._document()]

    @property
    def is_behind(self) -> bool:
        """Whether the target holds another scenario's document, if any, and has not fetched since."""
        return self._told_elsewhere and self._told[-1] != self._document()

    @property
    def _told_elsewhere(self) -> bool:
        return bool(self._told) and not self._told_here

    def _document(self) -> bytes | None:
        return None if self._upstream is None else near.published(self._upstream)

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()

    def answer(self, asked: BaseHTTPRequestHandler, path: str) -> None:
        """Pass one request on."""
        asked.close_connection = True
        upstream = self._upstream
        if asked.path.partition("?")[0] != path or upstream is None:
            asked.send_error(404 if upstream else 503)
            return
        parts = urlsplit(upstream)
        host, port = parts.hostname or "", parts.port
        connection = (
            http.client.HTTPSConnection(host, port, timeout=_TIMEOUT_S, context=self._context)
            if parts.scheme == "https"
            else http.client.HTTPConnection(host, port, timeout=_TIMEOUT_S)
        )
        headers = {name: value for name, value in asked.headers.items() if name.lower() not in _NOT_PASSED}
        query = asked.path.partition("?")[2] or parts.query
        try:
            connection.request("GET", parts.path + (f"?{query}" if query else ""), headers=headers)
            answer = connection.getresponse()
            body = answer.read(_MAX_BODY)
        except (OSError, http.client.HTTPException):
            self._tell(b"", upstream)
            return  # the IdP closed the connection, and so does this one
        finally:
            connection.close()
        self._tell(body if answer.status == HTTPStatus.OK else b"", upstream)
        asked.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in _NOT_PASSED:
                asked.send_header(name, value)
        asked.send_header("Content-Length", str(len(body)))
        asked.send_header("Connection", "close")
        asked.end_headers()
        asked.wfile.write(body)

    def _tell(self, document: bytes, upstream: str) -> None:
        del self._told[:-2]  # two are enough to know that there was more than one
        self._told.append(document)
        self._told_here = self._told_here or upstream == self._upstream

    def _with_tls(self, ca_file: Path | None) -> None:
        from mock_idp.loopback_tls import loopback_tls

        with tempfile.TemporaryDirectory(prefix="touchstone-") as made:
            certificate, key, authority = loopback_tls(Path(made), None)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            if ca_file is not None:
                ca_file.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(authority, ca_file)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)


def _is_good(host: str, port: int, context: ssl.SSLContext) -> bool:
    """Whether a server's certificate is one that a client takes."""
    try:
        with (
            socket.create_connection((host, port), timeout=_TIMEOUT_S) as raw,
            context.wrap_socket(raw, server_hostname=host),
        ):
            return True
    except OSError:  # ssl.SSLError is one
        return False
