"""Where the mistakes of one table are collected, each once and with its place."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from scenarios.files.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scenarios.files.problems import Place
    from scenarios.files.yaml12 import Document, Path


class Sink:
    """Collects the problems of one document, once each."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: set[Problem] = set()

    def add(self, path: Path, message: str) -> None:
        """Note a mistake at a path of the document."""
        self.problems.add(Problem(self.document.place(path), message))

    def nearest_place(self, paths: Iterable[Path]) -> Place:
        """Return the place of the path that leads furthest to its end; of equal ones, that of the first."""
        best: Path = ()
        missing = sys.maxsize
        for path in paths:
            there = path
            while there and there not in self.document.marks:
                there = there[:-1]
            if len(path) - len(there) < missing:
                best, missing = there, len(path) - len(there)
        return self.document.place(best)
