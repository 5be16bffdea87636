"""What stands behind a gateway in a test: it answers what was passed on to it, and who that says it is.

It verifies nothing and knows no keys: whoever reaches it has been let in by the gateway, and nobody else may reach it.
"""

from __future__ import annotations

import base64
import json
from http.server import BaseHTTPRequestHandler
from typing import Any, Final

from scenarios.targets.http.serving import Server

MAX_BODY: Final = 1 << 20
"""So much of a request's content is read away (bytes, 1 MiB); one with more is answered 413."""
MAX_TOKEN: Final = 256 << 10
"""A token longer than this (bytes) has no claims here."""


def told(method: str, path: str, headers: list[tuple[str, str]]) -> dict[str, Any]:
    """Return what is answered to a request: headers by their name in small letters, and the claims of its token.

    Of several lines of one name, the values stand together, joined by commas.
    """
    joined: dict[str, str] = {}
    for name, value in headers:
        known = joined.get(name.lower())
        joined[name.lower()] = value if known is None else f"{known}, {value}"
    return {
        "method": method,
        "path": path,
        "headers": joined,
        "claims": _claims(joined.get("authorization", "")),
    }


def _claims(authorization: str) -> Any:
    """Return the payload of a Bearer token as it stands there, unverified; None where there is none."""
    scheme, _, token = authorization.partition(" ")
    parts = token.strip().split(".")
    if scheme.lower() != "bearer" or len(parts) != 3 or len(token) > MAX_TOKEN:
        return None
    try:
        return json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    wbufsize = (
        -1
    )  # head and content in one segment: a gateway that acknowledges late would wait 40 ms for the second

    def answer(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > MAX_BODY:
            self._reply(413, {"error": "body_too_large"})
            self.close_connection = True
            return
        self.rfile.read(int(length))
        self._reply(200, told(self.command, self.path, list(self.headers.items())))

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer  # noqa: N815 - http.server's names

    def log_message(self, *_: Any) -> None:
        """Say nothing: what passes here holds tokens."""

    def _reply(self, status: int, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response_only(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def server(host: str, port: int) -> Server:
    """Return a server that listens and is yet to be run. Raises `OSError` when the port cannot be had."""
    return Server((host, port), _Handler)
