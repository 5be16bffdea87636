"""YAML 1.2 with the place of every value: what tables and target files are read with.

libyaml parses; the core schema of YAML 1.2 is applied here, so that `no` and `12:30` stay strings. Duplicate keys,
aliases, several documents and unknown tags are mistakes. A value never loses its place. Nothing from a file is ever
turned into an object of another kind than the plain ones and those that the four tags below make.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import yaml

from scenarios.files.problems import Place, Problem, TableErrors, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_BYTES: Final = 4_000_000
"""A file longer than this (bytes) is refused unread."""
MAX_DEPTH: Final = 40
"""Deeper nesting (levels) is a mistake; no table needs half of it."""
_TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"

Path: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Absent:
    """`!absent`: the member is not there at all."""

    def __repr__(self) -> str:
        return "!absent"


ABSENT: Final = Absent()


@dataclass(frozen=True, slots=True)
class Json:
    """`!json '1e400'`: this JSON text, verbatim and unchecked."""

    text: str


@dataclass(frozen=True, slots=True)
class Document:
    """One parsed file: plain values, and the place of each."""

    source: str
    value: Any
    places: dict[Path, Place]

    def place(self, path: Path = ()) -> Place:
        """Return the place of the value at `path`, or of the nearest thing that holds it."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path) or Place(self.source, 1, 1)


MAX_REPEATED: Final = 2_000_000
"""`!repeat` makes no longer text (characters)."""
MAX_DIGITS: Final = 400
"""A longer number (characters) is a mistake; what a target makes of one is asked with `!json`."""

_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_RADIX = re.compile(r"0(?:o[0-7]+|x[0-9a-fA-F]+)\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_WORDS: Final[dict[str, Any]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **{sign + word: math.inf for sign in ("", "+") for word in (".inf", ".Inf", ".INF")},
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
}
_FIRST_OF_A_VALUE: Final = frozenset("~nNtTfF.+-0123456789")
_QUOTED: Final = frozenset("'\"|>")
_TAGS: Final = ("!absent", "!json", "!base64", "!repeat")
_CORE_TAG: Final = "tag:yaml.org,2002:"

# YAML 1.2 lets a tag end at `}` or `]`; libyaml wants a space there. The tag is written as a shorter one and a
# space, which moves no column, and written back in every text that it was not a tag in.
_TIGHT_ABSENT = re.compile(r"(?<=[\s,:\[{])!absent(?=[}\]])")
_SHORTER: Final = "!~~~~~~"


def load(text: str | bytes, source: str) -> Document:
    """Parse one YAML document.

    `source` is how messages name the file. Raises `TableErrors` with every problem found.
    """
    if len(text) > MAX_BYTES:
        message = f"this file is longer than {MAX_BYTES:,} bytes; split it"
        raise TableErrors([Problem(Place(source, 1, 1), message)])
    if isinstance(text, bytes):
        text = _decoded(text, source)
    text = text.removeprefix("\ufeff")
    reader = _Reader(source, text)
    value = reader.document()
    if reader.problems:
        raise TableErrors(reader.problems)
    return Document(source, value, reader.places)


def _decoded(raw: bytes, source: str) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8")
        raise TableErrors([Problem(_end_of(before, source), "this file is not UTF-8 text")]) from None


def _end_of(text: str, source: str) -> Place:
    """Return the place right after a text that begins a file."""
    start_of_line = text.rfind("\n") + 1
    return Place(source, text.count("\n") + 1, len(text[start_of_line:].removeprefix("\ufeff")) + 1)


class _Reader:
    """Builds values from the events of libyaml, which nests without recursion; its own depth is bounded."""

    def __init__(self, source: str, text: str) -> None:
        self.source = source
        self.text = text
        self.places: dict[Path, Place] = {}
        self.problems: list[Problem] = []
        self.shortened = _SHORTER not in text
        if self.shortened:
            text, count = _TIGHT_ABSENT.subn(f"{_SHORTER} ", text)
            self.shortened = count > 0
        self.events = self._events(text)

    def _events(self, text: str) -> Iterator[yaml.Event]:
        try:
            yield from yaml.parse(text, Loader=yaml.CSafeLoader)
        except yaml.MarkedYAMLError as error:
            raise TableErrors([*self.problems, self._syntax(error)]) from None
        except yaml.reader.ReaderError as error:
            place = _end_of(text.encode()[: error.position].decode(errors="ignore"), self.source)
            raise TableErrors([Problem(place, f"this is not YAML: {error.reason}")]) from None
        except UnicodeEncodeError as error:
            place = _end_of(text[: error.start], self.source)
            raise TableErrors([Problem(place, "half a surrogate pair is no character")]) from None

    def _syntax(self, error: yaml.MarkedYAMLError) -> Problem:
        mark = error.problem_mark or error.context_mark
        place = self._place(mark) if mark else Place(self.source, 1, 1)
        said = " ".join(part for part in (error.context, error.problem) if part)
        if (
            "maximum nesting depth" in said
        ):  # libyaml's own bound, which it may meet before we see a single event
            return Problem(place, _TOO_DEEP)
        return Problem(place, f"this is not YAML: {said}")

    def _place(self, mark: Any) -> Place:
        return Place(self.source, mark.line + 1, mark.column + 1)

    def document(self) -> Any:
        next(self.events)  # the stream starts
        value = None
        if isinstance(next(self.events), yaml.DocumentStartEvent):
            value = self.value(next(self.events), ())
            next(self.events)  # the document ends
            after = next(self.events)
            if isinstance(after, yaml.DocumentStartEvent):
                place = self._place(after.start_mark)
                self.problems.append(Problem(place, "a second document starts here: a file holds one"))
        return value

    def value(self, event: yaml.Event, path: Path) -> Any:
        place = self._place(event.start_mark)
        self.places[path] = place
        self._check_depth(len(path), place)
        if not isinstance(
            event, yaml.ScalarEvent | yaml.CollectionStartEvent
        ):  # an alias: a few lines of them could stand for gigabytes
            self.problems.append(Problem(place, "aliases (&x, *x) are not used here: write the value out"))
            return None
        if event.tag is not None:
            return self._tagged(event, place)
        if isinstance(event, yaml.MappingStartEvent):
            return dict(self._members(path))
        return self._scalar(event, place) if isinstance(event, yaml.ScalarEvent) else list(self._items(path))

    def skip(self, event: yaml.Event) -> None:
        """Pass over everything that belongs to a value."""
        depth = int(isinstance(event, yaml.CollectionStartEvent))
        while depth > 0:
            event = next(self.events)
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            self._check_depth(depth, self._place(event.start_mark))

    def _check_depth(self, depth: int, place: Place) -> None:
        if depth > MAX_DEPTH:  # libyaml takes ever longer for each further level: nothing more is read
            raise TableErrors([*self.problems, Problem(place, _TOO_DEEP)])

    def _items(self, path: Path) -> Iterator[Any]:
        index = 0
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            yield self.value(event, (*path, index))
            index += 1

    def _members(self, path: Path) -> Iterator[tuple[str, Any]]:
        seen: set[str] = set()
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            place = self._place(event.start_mark)
            key = self._key(event, place)
            if key in seen:
                self.problems.append(Problem(place, f"'{key}' stands twice in one mapping"))
            if key is None or key in seen:
                self.skip(next(self.events))
                continue
            seen.add(key)
            yield key, self.value(next(self.events), (*path, key))
            self.places[(*path, key)] = place  # a message about a member points at its name

    def _key(self, event: yaml.Event, place: Place) -> str | None:
        if isinstance(event, yaml.ScalarEvent) and event.tag is None:
            return self._written(event)  # keys are always words: `no: 1` and `1: a` too
        self.skip(event)
        self.problems.append(Problem(place, "a key is a word, not a list, a mapping, an alias or a tag"))
        return None

    def _tagged(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent, place: Place) -> Any:
        tag = "!absent" if self.shortened and event.tag == _SHORTER else str(event.tag)
        if isinstance(event, yaml.ScalarEvent):
            text = self._written(event)
            match tag:
                case "!absent":
                    if text:
                        self.problems.append(Problem(place, "'!absent' takes no value"))
                    return ABSENT
                case "!json":
                    return Json(text)
                case "!base64":
                    return self._base64(text, place)
                case "!repeat":
                    return self._repeated(text, place)
        self.skip(event)
        shown = tag.replace(_CORE_TAG, "!!")
        message = f"'{shown}' is no tag of these tables{nearest(shown, _TAGS)}"
        self.problems.append(Problem(place, message))
        return None

    def _base64(self, text: str, place: Place) -> bytes:
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            self.problems.append(Problem(place, "'!base64' takes standard base64 text"))
            return b""

    def _repeated(self, text: str, place: Place) -> str:
        count, _, piece = text.partition(" ")
        if not (count.isascii() and count.isdecimal() and piece) or len(count) > len(str(MAX_REPEATED)):
            self.problems.append(
                Problem(place, "'!repeat' takes a number and a text, such as !repeat 300 ab")
            )
            return ""
        if int(count) * len(piece) > MAX_REPEATED:
            self.problems.append(Problem(place, f"'!repeat' makes at most {MAX_REPEATED:,} characters"))
            return ""
        return piece * int(count)

    def _written(self, event: yaml.ScalarEvent) -> str:
        """Return a scalar's text as it stands in the file."""
        text = str(event.value)
        if self.shortened and _SHORTER in text:
            return text.replace(f"{_SHORTER} ", "!absent").replace(_SHORTER, "!absent")
        return text

    def _scalar(self, event: yaml.ScalarEvent, place: Place) -> Any:
        text = self._written(event)
        if event.style in _QUOTED or (text and text[0] not in _FIRST_OF_A_VALUE):
            return text  # quoted, block, or cannot be anything but a word
        if text in _WORDS:
            return _WORDS[text]
        number = _number(text)
        if number is not None and len(text) > MAX_DIGITS:
            message = f"a number of more than {MAX_DIGITS} characters is written !json '…', or quoted as text"
            self.problems.append(Problem(place, message))
            return None
        return text if number is None else number(text)


def _number(text: str) -> Callable[[str], int | float] | None:
    """Return what makes a plain scalar the number that it is in the core schema, or None."""
    if _INTEGER.match(text):
        return int
    if _RADIX.match(text):
        return lambda digits: int(digits, 0)
    return float if _FLOAT.match(text) else None
