"""What was asked: the recorded requests, and the canaries."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from mock_idp.control.errors import Code, refusing
from mock_idp.control.steered import Steered
from mock_idp.control.views import CanaryView, RequestView

if TYPE_CHECKING:
    from mock_idp.journal import JournalEntry


MAX_READ = 1_000
"""How many recorded requests one reading gives."""


class Records(Steered):
    """Read and forgotten."""

    def requests(self, *, path: str = "", since: int = 0, limit: int = MAX_READ) -> tuple[RequestView, ...]:
        """Give the recorded requests after number `since`, oldest first: the last `limit` of them.

        `path` has only those whose path starts with it.
        """
        newest_first = reversed(self._idp.journal)
        fresh = (entry for entry in newest_first if entry.number > since and entry.path.startswith(path))
        return tuple(request_view(entry) for entry in reversed(tuple(islice(fresh, limit))))

    def clear_requests(self) -> None:
        """Forget the recorded requests and the counts."""
        self._idp.clear_journal()

    def canaries(self) -> tuple[CanaryView, ...]:
        """List the canaries with their hits."""
        return tuple(self._canary(name, hits) for name, hits in self._idp.canaries.items())

    def add_canary(self, name: str) -> CanaryView:
        """Set a trap: whoever asks its URL, by any method, is counted (SIG-021). One that is there stays."""
        with refusing(Code.INVALID):
            self._idp.canary(name)
        return self.canary(name)

    def canary(self, name: str) -> CanaryView:
        """Show a canary with its hits."""
        with refusing(Code.NOT_FOUND):
            return self._canary(name, self._idp.canary_hits(name))

    def _canary(self, name: str, hits: int) -> CanaryView:
        path = f"/canary/{name}"
        return CanaryView(name, path, self._idp.base_url + path, hits)


def request_view(entry: JournalEntry) -> RequestView:
    """Show one recorded request; what is no UTF-8 becomes U+FFFD."""
    return RequestView(
        number=entry.number,
        when=entry.when,
        method=entry.method,
        path=entry.path,
        query=entry.query,
        headers=entry.request.headers,
        body=entry.body.decode(errors="replace"),
        status=entry.status,
        answer_type=entry.answer_type,
        answer_bytes=entry.answer_bytes,
        answer_headers=entry.response.headers,
        answer_body=entry.response.body.decode(errors="replace"),
    )
