"""A gateway as an integrator has one: `python gateway.py PORT JWKS UPSTREAM [CA]` checks tokens and passes requests on.

JWKS is a URL, read anew for each token, or the path of a file.
"""

from __future__ import annotations

import base64
import json
import ssl
import sys
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt

PORT, JWKS, UPSTREAM, *CA = sys.argv[1:]


def keys() -> jwt.PyJWKSet:
    if not JWKS.startswith("http"):
        return jwt.PyJWKSet.from_json(Path(JWKS).read_text(encoding="utf-8"))
    context = ssl.create_default_context(cafile=CA[0]) if CA else None
    with urllib.request.urlopen(JWKS, context=context, timeout=5) as answer:  # noqa: S310 - the test's own URL
        return jwt.PyJWKSet.from_json(answer.read().decode())


class Gateway(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        try:
            key = keys()[jwt.get_unverified_header(token)["kid"]]
            claims: dict[str, Any] = jwt.decode(
                token, key, algorithms=["RS256"], audience="api", issuer="https://idp.example.com"
            )
        except (jwt.PyJWTError, KeyError, OSError, ValueError):
            self.reply(401, b"{}")
            return
        passed = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
        request = urllib.request.Request(  # noqa: S310 - as above
            UPSTREAM + self.path, headers={"Authorization": f"{scheme} {token}", "X-Claims": passed}
        )
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - as above
            self.reply(200, answer.read())

    def reply(self, status: int, body: bytes) -> None:
        self.send_response_only(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *_: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 256


if __name__ == "__main__":
    Server(("127.0.0.1", int(PORT)), Gateway).serve_forever(0.05)
