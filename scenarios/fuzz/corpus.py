"""A folder of cases that is kept: what once made a difference, and what first got an answer of its kind.

One file a case, named by its content; a file that is no case is a mistake of whoever put it there.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from scenarios.files.problems import Place, Problem, TableErrors
from scenarios.fuzz.case import Case, from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_FILES: Final = 10_000
MAX_BYTES: Final = 64 * 1024
"""A file of a case is no longer than this."""
SUFFIX: Final = ".case.json"


class Corpus:
    """The folder; it is made when the first case is kept. Without a folder nothing is kept or read."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._kept: set[str] = set()

    def read(self) -> list[Case]:
        """Return the cases that are there, by name. Raises `TableErrors` for files that are none."""
        if self._folder is None or not self._folder.exists():
            return []
        problems: list[Problem] = []
        cases: list[Case] = []
        for path in self._files(self._folder):
            try:
                cases.append(from_json(_content(path)))
                self._kept.add(path.name)
            except ValueError as error:
                problems.append(Problem(Place(str(path), 1, 1), f"{error}: take the file out of the corpus"))
        if problems:
            raise TableErrors(problems)
        return cases

    def keep(self, case: Case) -> None:
        """Write a case, unless it is there. Raises `OSError`."""
        if self._folder is None:
            return
        data = to_json(case)
        name = hashlib.sha256(data).hexdigest()[:20] + SUFFIX
        if name not in self._kept and len(self._kept) < MAX_FILES:
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / name).write_bytes(data)
            self._kept.add(name)

    def _files(self, folder: Path) -> Iterator[Path]:
        return iter(sorted(folder.glob(f"*{SUFFIX}"))[:MAX_FILES])


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ValueError(f"it cannot be read ({error.strerror or error})") from None
    if len(data) > MAX_BYTES:
        raise ValueError(f"it is longer than {MAX_BYTES:,} bytes")
    return data
