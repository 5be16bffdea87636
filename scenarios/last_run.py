"""What failed last time: a small file beside the target file, in `.touchstone/`, for `run --failed`.

It is a convenience and no result: a folder that cannot be written is no error, and a file that cannot be read counts
as none. `.touchstone/` keeps itself out of git, as pytest's cache does.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from scenarios.results import FINDINGS, Kind, Result

if TYPE_CHECKING:
    from collections.abc import Iterable

FOLDER: Final = ".touchstone"
MAX_BYTES: Final = 4 * 1024 * 1024
"""A file of what failed is read up to this size (bytes)."""


class _Last(msgspec.Struct, frozen=True):
    failed: tuple[str, ...]


def failed(results: Iterable[Result], *, strict: bool = False) -> list[str]:
    """Return the ids of the results that are findings; with `strict`, warnings too."""
    kinds = FINDINGS | {Kind.WARN} if strict else FINDINGS
    return [result.id for result in results if result.outcome in kinds]


def place(target: str) -> Path:
    """Return where it is kept what failed of a target file."""
    path = Path(target)
    return path.parent / FOLDER / f"{path.name}.json"


def recall(target: str) -> tuple[str, ...] | None:
    """Return the ids that failed when they were asked last; None when nothing is known."""
    with (
        contextlib.suppress(OSError, msgspec.DecodeError, UnicodeDecodeError),
        place(target).open("rb") as file,
    ):
        return msgspec.json.decode(file.read(MAX_BYTES), type=_Last).failed
    return None


def remember(target: str, results: Iterable[Result], *, strict: bool = False) -> None:
    """Keep what failed now, and what failed earlier and was not asked this time."""
    results = list(results)
    asked = {result.id for result in results}
    earlier = [name for name in recall(target) or () if name not in asked]
    content = msgspec.json.encode(_Last((*failed(results, strict=strict), *earlier)))
    with contextlib.suppress(OSError):
        _write(place(target), content)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    ignore = path.parent / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
    # In one move: two runs at once leave the file of one of them, and never half of each.
    handle, name = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
