"""The HTTP messages of the mock IdP as values, so that everything between them is a pure function.

No server appears here: whichever one carries them, the same request gets the same answer.
"""

import json
from dataclasses import dataclass, replace
from typing import Any, Self, TypeAlias

Headers: TypeAlias = tuple[tuple[str, str], ...]
"""Names in lower case, in their order, repeated where they are."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request: the path and the query as they came, still percent-encoded."""

    method: str
    path: str
    query: str = ""
    headers: Headers = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Response:
    """One answer; the server adds Content-Length."""

    status: int
    headers: Headers
    body: bytes

    @classmethod
    def of_json(cls, value: Any, status: int = 200) -> Self:
        """Answer with JSON."""
        return cls(status, (("content-type", "application/json"),), json.dumps(value).encode())

    def with_header(self, name: str, value: str) -> Self:
        """Set a header (name in lower case) in place of those of its name."""
        kept = tuple(pair for pair in self.headers if pair[0] != name)
        return replace(self, headers=(*kept, (name, value)))

    def with_body(self, body: bytes) -> Self:
        """Put another body in."""
        return replace(self, body=body)
