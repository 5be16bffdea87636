"""The HTTP messages of the mock IdP as values, so that everything between them is a pure function.

No server appears here: whichever one carries them, the same request gets the same answer. How an answer is to
be carried (late, in drips, cut off) is part of the value too, so that a fault stays a pure function as well.
"""

import hashlib
import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Self, TypeAlias

import msgspec
from msgspec.structs import replace

Headers: TypeAlias = tuple[tuple[str, str], ...]
"""Names in lower case, in their order, repeated where they are."""

PIECE = 64 * 1024
"""Bytes that are handed to a server at once."""


class Request(msgspec.Struct, frozen=True):
    """One request: the path and the query as they came, still percent-encoded."""

    method: str
    path: str
    query: str = ""
    headers: Headers = ()
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """Give the first header of a name (in lower case), or None."""
        return _first(self.headers, name)


class Delivery(msgspec.Struct, frozen=True):
    """How an answer travels; as it stands here, at once and whole with its Content-Length."""

    delay_s: float = 0.0
    """Seconds before the first byte."""
    piece: int = PIECE
    """Bytes of the body that are sent at once."""
    interval_s: float = 0.0
    """Seconds between two pieces."""
    cut_at: int | None = None
    """The connection is closed after so many bytes of the body; Content-Length is that of the whole."""
    closed: bool = False
    """The connection is closed without any answer."""
    chunked: bool = False
    """Sent with Transfer-Encoding: chunked in place of Content-Length (RFC 9112 section 7.1)."""
    padded_to: int = 0
    """The body is followed by spaces up to so many bytes, which never are in memory together."""


PROMPT = Delivery()


class Response(msgspec.Struct, frozen=True):
    """One answer; the server adds Content-Length."""

    status: int
    headers: Headers
    body: bytes
    delivery: Delivery = PROMPT

    @classmethod
    def of_json(cls, value: Any, status: int = 200) -> Self:
        """Answer with JSON."""
        return cls(status, (("content-type", "application/json"),), json.dumps(value).encode())

    def header(self, name: str) -> str | None:
        """Give the first header of a name (in lower case), or None."""
        return _first(self.headers, name)

    def with_header(self, name: str, value: str) -> Self:
        """Set a header (name in lower case) in place of those of its name."""
        return replace(self, headers=(*self.without_header(name).headers, (name, value)))

    def without_header(self, name: str) -> Self:
        """Leave out the headers of a name (in lower case)."""
        return replace(self, headers=tuple(pair for pair in self.headers if pair[0] != name))

    def with_body(self, body: bytes) -> Self:
        """Put another body in; an entity tag follows it, or whoever knows the old one would get a 304."""
        changed = replace(self, body=body)
        return changed if self.header("etag") is None else changed.with_header("etag", etag(body))

    def delivered(self, **how: Any) -> Self:
        """Change how the answer travels; the names are those of `Delivery`."""
        return replace(self, delivery=replace(self.delivery, **how))

    @property
    def length(self) -> int:
        """Bytes of the whole body with its padding: what Content-Length says."""
        return max(len(self.body), self.delivery.padded_to)

    def pieces(self) -> Iterator[bytes]:
        """Give the body piece by piece, as far as it is to be sent."""
        size = self.delivery.piece
        whole = self.length
        end = whole if self.delivery.cut_at is None else min(whole, self.delivery.cut_at)
        padding = b" " * min(size, max(0, whole - len(self.body)))
        for start in range(0, end, size):
            piece = self.body[start : start + size]
            yield (piece + padding[: size - len(piece)])[: end - start]


def _first(headers: Headers, name: str) -> str | None:
    for key, value in headers:
        if key == name:
            return value
    return None


@lru_cache(maxsize=64)
def etag(body: bytes) -> str:
    """Give a strong entity tag that follows from the body alone (RFC 9110 section 8.8.3)."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def conditional(request: Request, response: Response) -> Response:
    """Answer 304 to whoever has this very body already (RFC 9110 section 13.1.2), by the answer's own ETag."""
    known = request.header("if-none-match")
    padded = response.length != len(response.body)  # by a fault, and then the ETag is not of what is sent
    if known is None or response.status != 200 or padded:
        return response
    tag = response.header("etag")
    if tag is None or not _matches(known, tag):
        return response
    kept = tuple(pair for pair in response.headers if not pair[0].startswith("content-"))
    return replace(response, status=304, headers=kept, body=b"")


def _matches(known: str, tag: str) -> bool:
    if known.strip() == "*":
        return True
    # If-None-Match compares weakly (RFC 9110 section 8.8.3.2).
    return tag.removeprefix("W/") in (part.strip().removeprefix("W/") for part in known.split(","))
