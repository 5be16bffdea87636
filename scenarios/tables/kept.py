"""The catalogue that ships, kept as it was read: reading it takes a second, and most commands begin with it.

What is kept lies in the user's cache folder, under a name that follows from the tables' text and from the code that
reads them; where anything about it is odd the tables are read as if nothing were there. Tables of a user are never
kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import pickle
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scenarios.files.user_cache import CacheFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from scenarios.tables.scenario import Scenario

_PACKAGES: Final = ("scenarios", "mock_idp")
"""Whose code decides what a table says: its words, its types, its rules, its forgeries."""


def shipped(
    tables: Sequence[tuple[str, str]], read: Callable[[Sequence[tuple[str, str]]], dict[str, Scenario]]
) -> dict[str, Scenario]:
    """Return the scenarios of the tables that ship, (name, text) each: as they were kept, or else by `read`."""
    file = CacheFile.of(_key(tables), ".catalogue")
    if file is None:
        return read(tables)
    with contextlib.suppress(Exception):  # a damaged file is as good as none, whatever is wrong with it
        kept: dict[str, Scenario] = pickle.loads(file.read())  # noqa: S301 - the user's own file, nobody else's
        return kept
    scenarios = read(tables)
    with contextlib.suppress(OSError):
        file.write(pickle.dumps(scenarios, pickle.HIGHEST_PROTOCOL))
    return scenarios


def _key(tables: Iterable[tuple[str, str]]) -> str:
    digest = hashlib.sha256(f"{sys.version} {sys.flags.optimize}".encode())
    for part in (*(part for table in tables for part in table), *_code()):
        digest.update(b"%d:" % len(part))
        digest.update(part.encode())
    return digest.hexdigest()[:32]


def _code() -> Iterator[str]:
    """Yield what changes when a file of the packages does: its name, size and time of change."""
    for package in _PACKAGES:
        root = Path(__file__).parents[2] / package
        for path in sorted((*root.rglob("*.py"), *root.rglob("*.yaml"))):
            about = path.stat()
            yield f"{path} {about.st_size} {about.st_mtime_ns}"
