"""A problem in a file that a person wrote: where it is and what to do, in one line."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A place in a text file; line and column count from 1."""

    source: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake; its text is `file:line:column: message`."""

    place: Place
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


class TableErrors(Exception):  # noqa: N818 - it holds all of them
    """A file that cannot be used; `problems` are sorted by place and never empty."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(sorted(set(problems)))
        super().__init__("\n".join(map(str, self.problems)))


MAX_LISTED: Final = 14
"""A message lists no more words than this: the names of all keys, and `old`, just fit."""


def nearest(word: str, words: Iterable[str]) -> str:
    """Return ` (did you mean 'x'?)` for the nearest of the words, or what there is, or nothing."""
    words = sorted(words)
    same = [known for known in words if len(word) > 1 and known.casefold() == word.casefold()]
    close = same[:1] or difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    if close:
        return f" (did you mean '{close[0]}'?)"
    if 0 < len(words) <= MAX_LISTED:
        return f" (there is {listed(words)})"
    return ""


def listed(words: Iterable[str], most: int = MAX_LISTED) -> str:
    """Return words by commas as a message lists them: the first `most`, and how many more there are."""
    known = list(words)
    more = f" … and {len(known) - most} more" if len(known) > most else ""
    return ", ".join(known[:most]) + more


def counted(count: int, noun: str) -> str:
    """Return a count with its noun, in the plural but for one."""
    return f"{count} {noun}{'s' * (count != 1)}"
