"""The journal of a mock IdP: what was asked and what was answered, bounded in number and in size.

Secrets stand in it as they were sent: this is a mock, and its journal is there to be read. It must never keep
more of a message than its bounds allow, whatever a client sends.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec
from msgspec.structs import replace

if TYPE_CHECKING:
    from mock_idp.http import Headers, Request, Response

    _Message = TypeVar("_Message", Request, Response)

JOURNAL_LENGTH: Final = 1_000
"""How many requests are kept; the oldest are forgotten first."""
JOURNAL_METHOD: Final = 32
JOURNAL_PATH: Final = 512
JOURNAL_QUERY: Final = 2_048
"""How many characters of a method, a path and a query are kept."""
JOURNAL_HEADERS: Final = 40
"""How many headers of a message are kept."""
JOURNAL_HEADER: Final = 2_048
"""How many characters of a header's name and of its value are kept."""
JOURNAL_HEADER_TOTAL: Final = 8_192
"""How many characters all kept headers of a message have together."""
JOURNAL_BODY: Final = 4_096
"""How many bytes of a body are kept."""


class JournalEntry(msgspec.Struct, frozen=True):
    """One request that was answered, each part cut to the journal's bounds."""

    number: int
    """Counts the requests from 1 and never repeats, so that a reader can ask for what is new."""
    when: float
    """Seconds since the epoch, by the IdP's clock."""
    request: Request
    response: Response
    answer_bytes: int
    """The length of the whole answer's body."""

    @classmethod
    def of(cls, number: int, when: float, request: Request, response: Response) -> JournalEntry:
        """Record an exchange, cut to size."""
        asked, answered = _bounded(_short_target(request)), _bounded(response)
        return cls(number, when, asked, answered, len(response.body))

    @property
    def method(self) -> str:
        """The request's method."""
        return self.request.method

    @property
    def path(self) -> str:
        """The request's path."""
        return self.request.path

    @property
    def query(self) -> str:
        """The request's query, still percent-encoded."""
        return self.request.query

    @property
    def body(self) -> bytes:
        """The start of the request's body."""
        return self.request.body

    @property
    def status(self) -> int:
        """The answer's status."""
        return self.response.status

    @property
    def answer_type(self) -> str:
        """The Content-Type of the answer, empty when it had none."""
        return next((value for name, value in self.response.headers if name == "content-type"), "")


def _short_target(request: Request) -> Request:
    if (
        len(request.path) <= JOURNAL_PATH
        and len(request.query) <= JOURNAL_QUERY
        and len(request.method) <= JOURNAL_METHOD
    ):
        return request
    return replace(
        request,
        method=request.method[:JOURNAL_METHOD],
        path=request.path[:JOURNAL_PATH],
        query=request.query[:JOURNAL_QUERY],
    )


def _bounded(message: _Message) -> _Message:
    # Messages are frozen, so one that fits is kept as it is.
    if len(message.body) > JOURNAL_BODY:
        message = replace(message, body=message.body[:JOURNAL_BODY])
    kept = _kept_headers(message.headers)
    return message if kept is message.headers or kept == message.headers else replace(message, headers=kept)


@lru_cache(maxsize=64)
def _kept_headers(headers: Headers) -> Headers:
    # The same headers come and go with nearly every message.
    if len(headers) <= JOURNAL_HEADERS and sum(len(n) + len(v) for n, v in headers) <= JOURNAL_HEADER:
        return headers
    return _first_headers(headers)


def _first_headers(headers: Headers) -> Headers:
    kept: list[tuple[str, str]] = []
    left = JOURNAL_HEADER_TOTAL
    for name, value in headers[:JOURNAL_HEADERS]:
        kept.append((name[:JOURNAL_HEADER], value[:JOURNAL_HEADER]))
        left -= len(kept[-1][0]) + len(kept[-1][1])
        if left < 0:
            return tuple(kept[:-1])
    return tuple(kept)
