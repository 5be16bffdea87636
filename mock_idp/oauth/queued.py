"""Answers that a test lines up before they are asked for: the next user, the next code, the next error.

Each is used once, first come first served. Nothing here decides anything by itself.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import msgspec

MAX_QUEUED: Final = 1_000


class QueuedError(msgspec.Struct, frozen=True):
    """An OAuth error to answer with, instead of what would have been right."""

    error: str
    description: str = "this error was queued"
    status: int = 400


class Queue(msgspec.Struct):
    """What comes next at one issuer; the oldest are dropped beyond `MAX_QUEUED`."""

    users: deque[str] = msgspec.field(default_factory=lambda: deque(maxlen=MAX_QUEUED))
    """User names: the next authorization request signs this person in, without a page."""
    codes: deque[str] = msgspec.field(default_factory=lambda: deque(maxlen=MAX_QUEUED))
    """The next authorization codes, instead of random ones."""
    token_errors: deque[QueuedError] = msgspec.field(default_factory=lambda: deque(maxlen=MAX_QUEUED))
    """The next answers of the token endpoint."""
    authorization_errors: deque[QueuedError] = msgspec.field(default_factory=lambda: deque(maxlen=MAX_QUEUED))
    """The next answers of the authorization endpoint, sent back to the client's redirect URI."""

    def clear(self) -> None:
        """Drop everything that is lined up."""
        for line in (self.users, self.codes, self.token_errors, self.authorization_errors):
            line.clear()
