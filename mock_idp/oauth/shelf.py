"""A bounded place for what expires: codes, refresh tokens, device codes, sessions.

It never reads a clock: `now` comes with each call, so that the issuer's clock decides.
"""

from __future__ import annotations

from typing import Final, Generic, TypeVar

T = TypeVar("T")

SHELF_SIZE: Final = 10_000


class Shelf(Generic[T]):
    """Values by key, each until a time (seconds since the epoch); the oldest go first when it is full."""

    def __init__(self, size: int = SHELF_SIZE) -> None:
        self._size = size
        self._held: dict[str, tuple[float, T]] = {}

    def put(self, key: str, value: T, until: float) -> None:
        """Hold a value in place of the one of its key."""
        self._held.pop(key, None)
        if len(self._held) >= self._size:
            del self._held[next(iter(self._held))]
        self._held[key] = (until, value)

    def get(self, key: str, now: float) -> T | None:
        """Give a value that has not expired."""
        held = self._held.get(key)
        return held[1] if held is not None and now < held[0] else None

    def drop(self, key: str) -> None:
        """Forget a value, if it is there."""
        self._held.pop(key, None)

    def clear(self) -> None:
        """Forget everything."""
        self._held.clear()

    def __len__(self) -> int:
        return len(self._held)
