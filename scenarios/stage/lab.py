"""The lab: the mock IdP of a whole run, behind real HTTP and HTTPS on loopback. It knows no scenario."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Self

from mock_idp import MockIdP

if TYPE_CHECKING:
    from mock_idp.loopback_tls import TlsFlaw
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
        self._stack = contextlib.ExitStack()
        self._servers: dict[str, RunningServer] = {}
        self._ca_files: dict[str, str] = {}
        self._count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop the servers, all at the same time."""
        for server in self._servers.values():
            server.end_soon()
        self._stack.close()

    def number(self) -> int:
        """Return the next number: opaque names for what a target sees."""
        self._count += 1
        return self._count

    def url(self, path: str, *, https: bool = False, flaw: TlsFlaw | None = None) -> str:
        """Return the URL of a path of the mock IdP; over HTTPS by a certificate with this flaw (KEY-031)."""
        server = flaw or ("https" if https else "http")
        if server not in self._servers:
            self._servers[server] = self._start(server, flaw)
        return self._servers[server].url + path

    def ca_file(self, flaw: TlsFlaw | None = None) -> str | None:
        """Return the CA certificate (a path) of the HTTPS server with this flaw, or None before that runs."""
        return self._ca_files.get(flaw or "https")

    def _start(self, server: str, flaw: TlsFlaw | None) -> RunningServer:
        from mock_idp.loopback_tls import loopback_tls
        from mock_idp.serve import serve

        if server == "http":
            return self._stack.enter_context(serve(self.idp))
        folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="touchstone-"))
        certfile, keyfile, ca_file = loopback_tls(Path(folder), flaw)
        self._ca_files[server] = str(ca_file)
        return self._stack.enter_context(serve(self.idp, tls=(certfile, keyfile)))
