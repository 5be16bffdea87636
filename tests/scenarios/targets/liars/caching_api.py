"""An API that keeps the keys it has fetched until a token names another: `python caching_api.py PORT JWKS_URL`.

It verifies nothing: a token's header has to name a key that it knows. The user is the number of its process.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

PORT, JWKS = int(sys.argv[1]), sys.argv[2]
known: set[str] = set()


def fetch() -> None:
    with urllib.request.urlopen(JWKS) as answer:  # noqa: S310 - an http URL of the test
        known.clear()
        known.update(key["kid"] for key in json.load(answer)["keys"])


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        head = self.headers.get("Authorization", "").removeprefix("Bearer ").partition(".")[0]
        kid = json.loads(base64.urlsafe_b64decode(head + "=="))["kid"] if head else None
        if kid is not None and kid not in known:
            fetch()
        body = json.dumps({"user": str(os.getpid())}).encode()
        self.send_response_only(200 if kid in known else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


HTTPServer(("127.0.0.1", PORT), Handler).serve_forever(0.05)
