"""The lab: the mock IdP of a whole run, behind real HTTP and HTTPS on loopback. It knows no scenario."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Self

from mock_idp import MockIdP

if TYPE_CHECKING:
    from mock_idp.serve import RunningServer


class Lab:
    """One mock IdP for a run; each scenario gets paths of its own on it.

    Use it in `with`, or call `close`. HTTP starts with the first URL that is asked for, HTTPS likewise.
    """

    def __init__(self) -> None:
        self.idp = MockIdP()
        self.tokens = 0
        """How many tokens were issued so far."""
        self.fetches = 0
        """How many JWKS fetches the scenarios so far have seen."""
        self.ca_file: str | None = None
        """The CA certificate of the HTTPS server (a path), once that runs."""
        self._stack = contextlib.ExitStack()
        self._servers: dict[bool, RunningServer] = {}
        self._count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop the servers."""
        self._stack.close()

    def number(self) -> int:
        """Return the next number: opaque names for what a target sees."""
        self._count += 1
        return self._count

    def url(self, path: str, *, https: bool = False) -> str:
        """Return the URL of a path of the mock IdP."""
        if https not in self._servers:
            self._servers[https] = self._start(https=https)
        return self._servers[https].url + path

    def _start(self, *, https: bool) -> RunningServer:
        from mock_idp.loopback_tls import loopback_tls
        from mock_idp.serve import serve

        if not https:
            return self._stack.enter_context(serve(self.idp))
        folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="touchstone-"))
        certfile, keyfile, ca_file = loopback_tls(Path(folder))
        self.ca_file = str(ca_file)
        return self._stack.enter_context(serve(self.idp, tls=(certfile, keyfile)))
