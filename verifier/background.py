"""Where work goes that no request waits for.

Must never let one piece of work hold up another (OPS-008), and never run more of it than the bound.
"""

import threading
from collections.abc import Callable
from typing import Final

Spawn = Callable[[Callable[[], None]], None]
"""Runs work elsewhere, or at once where a test wants no threads; RuntimeError if it cannot be taken on."""

MAX_THREADS: Final = 256
"""Most fetches at one time of one verifier; each ends by its own deadline."""


class ThreadPerWork:
    """A daemon thread for each piece of work: a tenant whose endpoint hangs holds one, and no queue."""

    def __init__(self, limit: int = MAX_THREADS) -> None:
        self._room = threading.BoundedSemaphore(limit)

    def __call__(self, work: Callable[[], None]) -> None:
        """Start the work; RuntimeError if there are too many threads already."""
        if not self._room.acquire(blocking=False):
            raise RuntimeError("too much work in the background")
        try:
            threading.Thread(target=self._run, args=(work,), name="jwks", daemon=True).start()
        except RuntimeError:
            self._room.release()
            raise

    def _run(self, work: Callable[[], None]) -> None:
        try:
            work()
        finally:
            self._room.release()
