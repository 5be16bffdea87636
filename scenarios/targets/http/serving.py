"""A small HTTP server of the harness's own, beside a target: its key URL, or what stands behind a gateway."""

from __future__ import annotations

import sys
from http.server import ThreadingHTTPServer
from typing import Any


class Server(ThreadingHTTPServer):
    """Serves many connections at once, and says nothing of those that the other end breaks off."""

    daemon_threads = True
    request_queue_size = 256  # a target or a gateway under test may open many at once

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Pass over a connection that is reset: whoever made it was ended, or ended it."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)
