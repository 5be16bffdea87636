"""Verifiers that are wrong in one way each, as objects, and as an API: `python flawed.py WAY PORT FILE`.

The API takes the integration and its users by `PUT /`, tokens by `GET /`, and tells by `GET /count` how many it got.
FILE is made when the first one comes.
"""

from __future__ import annotations

import contextlib
import json
import sys
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jwt

if TYPE_CHECKING:
    from collections.abc import Callable


class Honest:
    """Verifies by PyJWT with the keys that the JWKS has now, read again for each kid that it lacks, and each second."""

    def __init__(
        self, fetch: Callable[[], bytes], clock: Callable[[], float], record: dict[str, Any]
    ) -> None:
        self.fetch = fetch
        self.clock = clock
        self.record = record
        self.users: dict[str, str] = {}
        self.keys: dict[str, jwt.PyJWK] = {}
        self.read_at = 0.0

    def read(self) -> None:
        """Take what the JWKS has now, and nothing else; while it cannot be had, what it had before."""
        with contextlib.suppress(OSError):
            self.keys = self.fetched()

    def fetched(self) -> dict[str, jwt.PyJWK]:
        """Read the JWKS."""
        self.read_at = self.clock()
        found = jwt.PyJWKSet.from_json(self.fetch().decode()).keys
        return {str(key.key_id): key for key in found}

    def key(self, kid: str) -> jwt.PyJWK:
        """Return a key; KeyError for none."""
        if kid not in self.keys or self.clock() > self.read_at + 1:
            self.read()
        return self.keys[kid]

    def user(self, token: str) -> str | None:
        """Return whom a token stands for, None for a false one."""
        try:
            claims = jwt.decode(
                token,
                self.key(jwt.get_unverified_header(token)["kid"]),
                algorithms=self.record["algorithms"],
                audience=self.record["audience"],
                issuer=self.record["issuer"],
                options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
            )
        except (jwt.PyJWTError, KeyError, ValueError):
            return None
        return (
            self.users.get(claims["sub"]) if self.clock() < claims["exp"] + self.record["leeway_s"] else None
        )


class NeverLearns(Honest):
    """Reads the keys once, and serves by them for ever."""

    def key(self, kid: str) -> jwt.PyJWK:
        """Return a key of the first set."""
        if not self.keys:
            self.read()
        return self.keys[kid]


class NeverForgets(Honest):
    """Learns every new key, and trusts each for ever."""

    def read(self) -> None:
        """Add what the JWKS has now."""
        with contextlib.suppress(OSError):
            self.keys |= self.fetched()


class TwoSegments(Honest):
    """Remembers who came in by the first two segments of the token."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.known: dict[str, str] = {}

    def user(self, token: str) -> str | None:
        """Return whom these two segments stood for before, or judge the token."""
        start = token.rpartition(".")[0]
        if start not in self.known:
            found = super().user(token)
            if found is None:
                return None
            self.known[start] = found
        return self.known[start]


class MixesUp(Honest):
    """Gives each request now and then the user of the one before."""

    last = "nobody"
    count = 0

    def user(self, token: str) -> str | None:
        """Return whom the token stands for, or the one before."""
        found = super().user(token)
        if found is None:
            return None
        self.count += 1
        before, self.last = self.last, found
        return before if self.count % 50 == 0 else found


WAYS = {
    "honest": Honest,
    "never_learns": NeverLearns,
    "never_forgets": NeverForgets,
    "two_segments": TwoSegments,
    "mixes_up": MixesUp,
}


def main() -> None:
    """Serve until the end."""
    import time

    held: list[Honest] = []
    count = [0]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_PUT(self) -> None:
            """Take the integration."""
            told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            uri = told["integration"]["jwks_uri"]
            judge = WAYS[sys.argv[1]](
                lambda: urllib.request.urlopen(uri, timeout=5).read(),  # noqa: S310 - on loopback
                time.time,
                told["integration"],
            )
            judge.users = {user["external_id"]: user["name"] for user in told["users"]}
            held[:] = [judge]
            self.answer(200, {})

        def do_GET(self) -> None:
            """Judge a token."""
            if self.path == "/count":
                self.answer(200, {"count": count[0]})
                return
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            if not held or not token:
                self.answer(401, {})
                return
            count[0] += 1
            Path(sys.argv[3]).touch()
            user = held[0].user(token)
            self.answer(200 if user else 401, {"user": user})

        def answer(self, status: int, value: Any) -> None:
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Handler).serve_forever()


if __name__ == "__main__":
    main()
