"""JWKS documents of a mock IdP in this very process, read by their URL with no HTTP between.

A stage offers the documents of a scenario that is not about fetching; a verifier that runs in this process too may
read them here. The URL is the same one that HTTP serves, and so are the bytes, the counts and the journal: only the
sockets are left out, which are half the cost of such a scenario and decide nothing in it. What is not offered goes
over HTTP, as everything does for any other target.

A stage also publishes what stands at such a URL: an adapter may look without the IdP counting it, to tell whether a
target that caches keys holds those of another scenario. One that is about fetching needs a target that has none.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from mock_idp.http import Request
from verifier.errors import FetchError
from verifier.fetch import FetchResult

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mock_idp.http import Response
    from verifier.fetch import Fetch

_OFFERED: Final[dict[str, tuple[str, Callable[[Request], Response]]]] = {}
"""URL to the path and the IdP that answers it; a URL holds the port of a listening socket, so none comes twice."""

_NO_CONDITIONS: Final[Mapping[str, str]] = MappingProxyType({})

_PUBLISHED: Final[dict[str, Callable[[], bytes]]] = {}
"""URL to what gives the document that stands there now."""


def offer(url: str, path: str, answer: Callable[[Request], Response]) -> None:
    """Let the document at a URL be read here, as `answer` gives it for a GET of `path`."""
    _OFFERED[url] = path, answer


def publish(url: str, document: Callable[[], bytes]) -> None:
    """Let the document at a URL be looked at here, without a request."""
    _PUBLISHED[url] = document


def published(url: str) -> bytes | None:
    """Return the document that stands at a URL now, faults aside; None where none was published."""
    document = _PUBLISHED.get(url)
    return None if document is None else document()


def withdraw(url: str) -> None:
    """Take back what was offered and published; nothing happens where nothing was."""
    _OFFERED.pop(url, None)
    _PUBLISHED.pop(url, None)


class NearFetch:
    """The verifier's `Fetch`: what is offered here is read here, all else by `otherwise`."""

    def __init__(self, otherwise: Fetch) -> None:
        self._otherwise = otherwise

    def __call__(
        self,
        url: str,
        *,
        ca_file: str | None,
        max_bytes: int,
        timeout_s: float,
        conditions: Mapping[str, str] = _NO_CONDITIONS,
    ) -> FetchResult:
        """Fetch once; see `verifier.fetch.Fetch`."""
        offered = _OFFERED.get(url)
        if offered is not None:
            path, answer = offered
            headers = tuple((name.lower(), value) for name, value in conditions.items())
            response = answer(Request("GET", path, headers=headers))
            if len(response.body) > max_bytes:
                raise FetchError("too large")
            return FetchResult(response.status, dict(response.headers), response.body)
        return self._otherwise(
            url, ca_file=ca_file, max_bytes=max_bytes, timeout_s=timeout_s, conditions=conditions
        )
