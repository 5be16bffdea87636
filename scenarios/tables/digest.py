"""The digest of a catalogue: whether two runs, perhaps on two machines, asked from the same tables."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from scenarios.tables.load import builtin_tables, own_tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def texts(catalogs: Sequence[str], only_catalogs: Sequence[str] = ()) -> list[tuple[str, bytes]]:
    """Return (name, content) of the tables that `load.together` reads. Raises `TableErrors`."""
    tables = [*([] if only_catalogs else builtin_tables()), *own_tables(catalogs, only_catalogs)]
    return [(name, text.encode() if isinstance(text, str) else text) for name, text in tables]


def digest(tables: Iterable[tuple[str, bytes]]) -> str:
    """Return the SHA-256 (hex) of tables by their content: where they lie differs by machine."""
    each = sorted(hashlib.sha256(text).digest() for _, text in tables)
    return hashlib.sha256(b"".join(each)).hexdigest()
