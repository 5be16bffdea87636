"""The catalogue that ships, kept as it was read: reading it takes a second, and most commands begin with it.

What is kept lies in the user's cache folder (`$XDG_CACHE_HOME/touchstone`, else `~/.cache/touchstone`), under a name
that follows from the tables' text and from the code that reads them. It is only read where nobody else could have
written it, and where anything about it is odd the tables are read as if nothing were there. Tables of a user are never
kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
import stat
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from scenarios.tables.scenario import Scenario

_PACKAGES: Final = ("scenarios", "mock_idp")
"""Whose code decides what a table says: its words, its types, its rules, its forgeries."""
_SUFFIX: Final = ".catalogue"
_KEPT_FILES: Final = 4
"""So many are left lying: one for each installation that is used in turns."""


def shipped(
    tables: Sequence[tuple[str, str]], read: Callable[[Sequence[tuple[str, str]]], dict[str, Scenario]]
) -> dict[str, Scenario]:
    """Return the scenarios of the tables that ship, (name, text) each: as they were kept, or else by `read`."""
    folder = _folder()
    if folder is None:
        return read(tables)
    file = folder / f"{_key(tables)}{_SUFFIX}"
    with contextlib.suppress(Exception):  # a damaged file is as good as none, whatever is wrong with it
        return _load(file)
    scenarios = read(tables)
    with contextlib.suppress(OSError):
        _keep(file, scenarios)
    return scenarios


def _folder() -> Path | None:
    """Return the folder, made if need be; None where there can be none that is the user's alone."""
    try:
        root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        folder = root / "touchstone"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder if _is_own(folder.lstat()) else None
    except (OSError, RuntimeError):  # RuntimeError: nobody's home
        return None


def _is_own(about: os.stat_result) -> bool:
    return about.st_uid == os.getuid() and not about.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


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


def _load(file: Path) -> dict[str, Scenario]:
    with file.open("rb") as opened:
        if not _is_own(os.fstat(opened.fileno())):
            raise PermissionError(file)
        kept: dict[str, Scenario] = pickle.load(opened)  # noqa: S301 - the user's own file, in a folder of theirs alone
    return kept


def _keep(file: Path, scenarios: dict[str, Scenario]) -> None:
    with tempfile.NamedTemporaryFile(dir=file.parent, delete=False) as written:
        written.write(pickle.dumps(scenarios, pickle.HIGHEST_PROTOCOL))
    Path(written.name).replace(file)
    for old in sorted(file.parent.glob(f"*{_SUFFIX}"), key=lambda one: -one.stat().st_mtime)[_KEPT_FILES:]:
        old.unlink(missing_ok=True)
