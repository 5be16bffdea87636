"""What an endpoint is: the methods that it takes and the function that answers.

It must never know a path or a server: where an endpoint lies is the persona's matter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

    from mock_idp.http import Request, Response
    from mock_idp.issuer import Issuer
    from mock_idp.people import Directory

READING = ("GET", "HEAD")
"""HEAD is answered as GET is, and the server leaves the body out."""


class Context(msgspec.Struct, frozen=True):
    """The server around an issuer, as far as an answer depends on it."""

    base_url: str
    """Where clients reach the issuer, its path included, without a final slash."""
    browser_url: str
    """Where a person's browser reaches it: the same, unless the server was told otherwise."""
    people: Directory
    """Who can sign in at every issuer of the server."""


Handler: TypeAlias = "Callable[[Issuer, Request, Context], Response]"


class Endpoint(msgspec.Struct, frozen=True):
    """One row of the endpoint table."""

    methods: tuple[str, ...]
    handler: Handler
    path: str
    """Where it always is, below the issuer; a persona may add a second place."""
    cors: bool = True
    """Whether a page of another origin may call it (the Fetch standard's CORS protocol)."""
