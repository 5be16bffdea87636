"""The user's cache folder: `$XDG_CACHE_HOME/touchstone`, else `~/.cache/touchstone`.

What lies there is made again at a loss of time alone, so nothing that goes wrong with it is an error of the command.
It is only read where nobody else could have written it.
"""

from __future__ import annotations

import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from typing import Self

_KEPT_FILES: Final = 4
"""So many files of a kind are left lying: one for each installation that is used in turns."""


@dataclass(frozen=True, slots=True)
class CacheFile:
    """One file of the folder, which need not be there yet; `key` says what it was made from."""

    folder: Path
    key: str
    suffix: str

    @classmethod
    def of(cls, key: str, suffix: str) -> Self | None:
        """Return the file by its key; None where there can be no folder that is the user's alone."""
        try:
            root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
            folder = root / "touchstone"
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return cls(folder, key, suffix) if _is_own(folder.lstat()) else None
        except (OSError, RuntimeError):  # RuntimeError: nobody's home
            return None

    def read(self) -> bytes:
        """Return what it holds. Raises `OSError`: it is not there, or another user could have written it."""
        with (self.folder / f"{self.key}{self.suffix}").open("rb") as opened:
            if not _is_own(os.fstat(opened.fileno())):
                raise PermissionError(opened.name)
            return opened.read()

    def write(self, content: bytes) -> None:
        """Replace it in one step, and remove the oldest of its kind. Raises `OSError`."""
        with tempfile.NamedTemporaryFile(dir=self.folder, delete=False) as written:
            written.write(content)
        Path(written.name).replace(self.folder / f"{self.key}{self.suffix}")
        files = sorted(self.folder.glob(f"*{self.suffix}"), key=lambda one: -one.stat().st_mtime)
        for old in files[_KEPT_FILES:]:
            old.unlink(missing_ok=True)


def _is_own(about: os.stat_result) -> bool:
    return about.st_uid == os.getuid() and not about.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
