"""How an authorization answer travels to the client: response modes query, fragment and form_post.

Sources: OAuth 2.0 Multiple Response Type Encoding Practices; OAuth 2.0 Form Post Response Mode.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from mock_idp.http import Response
from mock_idp.oauth import pages

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def redirect(address: str) -> Response:
    """Send the browser to an address; a POST before it becomes a GET."""
    return Response(303, (("location", address), ("cache-control", "no-store")), b"")


def with_query(address: str, members: Mapping[str, str]) -> str:
    """Give an address with parameters added to its query, which it may have already."""
    if not members:
        return address
    return f"{address}{'&' if '?' in address else '?'}{urlencode(members)}"


def _query(address: str, members: Mapping[str, str]) -> Response:
    return redirect(with_query(address, members))


def _fragment(address: str, members: Mapping[str, str]) -> Response:
    return redirect(f"{address}#{urlencode(members)}")


_MODES: Final[Mapping[str, Callable[[str, Mapping[str, str]], Response]]] = {
    "query": _query,
    "fragment": _fragment,
    "form_post": pages.form_post,
}
RESPONSE_MODES: Final = tuple(_MODES)


def deliver(mode: str, address: str, members: Mapping[str, str]) -> Response:
    """Bring the members to the client's address."""
    return _MODES[mode](address, members)
