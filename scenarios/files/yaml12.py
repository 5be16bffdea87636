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
_ADVICE: Final = {
    "tab character": "; indent with spaces",
    "cannot start any token": "; indent with spaces, and put a text that starts with a sign into quotes",
    "mapping values are not allowed": "; a text with ': ' in it stands in quotes, and members of one mapping in one"
    " column",
    "did not find expected ',' or": "; close the bracket, and put a text with ':', ',' or a bracket in it into quotes",
    "unexpected end of stream": "; a quote is opened here or above and never closed",
    "did not find expected key": "; members of one mapping stand in one column, and a text with quotes in it in quotes",
    "did not find expected '-'": "; rows of one list start in one column",
    "could not find expected ':'": "; a member is written 'name: value'",
}
"""What to do, by a part of what libyaml says."""
_VALUES: Final = (yaml.ScalarEvent, yaml.CollectionStartEvent)
_TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"

Path: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Absent:
    """`!absent`: the member is not there at all."""

    def __repr__(self) -> str:
        return "!absent"

    def __reduce__(self) -> str:
        return "ABSENT"  # there is one, in a copy too: it is asked for with `is`


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
    marks: dict[Path, Any]
    """Where libyaml saw each: `line` and `column`, from 0. Few are ever asked for as a `Place`."""

    def place(self, path: Path = ()) -> Place:
        """Return the place of the value at `path`, or of the nearest thing that holds it."""
        while path and path not in self.marks:
            path = path[:-1]
        mark = self.marks.get(path)
        return Place(self.source, 1, 1) if mark is None else _place(self.source, mark)


def _place(source: str, mark: Any) -> Place:
    return Place(source, mark.line + 1, mark.column + 1)


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
    return Document(source, value, reader.marks)


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
        self.marks: dict[Path, Any] = {}
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
        advice = next((advice for part, advice in _ADVICE.items() if part in said), "")
        return Problem(place, f"this is not YAML: {said}{advice}")

    def _place(self, mark: Any) -> Place:
        return _place(self.source, mark)

    def document(self) -> Any:
        next(self.events)  # the stream starts
        value = None
        if isinstance(next(self.events), yaml.DocumentStartEvent):
            value = self.value(next(self.events), ())
            next(self.events)  # the document ends
            after = next(self.events)
            if isinstance(after, yaml.DocumentStartEvent):
                self.problem(after.start_mark, "a second document starts here: a file holds one")
        return value

    def value(self, event: yaml.Event, path: Path) -> Any:
        mark = event.start_mark
        self.marks[path] = mark
        if len(path) > MAX_DEPTH:
            raise self._too_deep(mark)
        if not isinstance(event, _VALUES):  # an alias: a few lines of them could stand for gigabytes
            self.problem(mark, "aliases (&x, *x) are not used here: write the value out")
            return None
        if event.tag is not None:
            return self._tagged(event, mark)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, mark)
        return (
            dict(self._members(path))
            if isinstance(event, yaml.MappingStartEvent)
            else list(self._items(path))
        )

    def problem(self, mark: Any, message: str) -> None:
        """Note a mistake at a mark of libyaml's."""
        self.problems.append(Problem(self._place(mark), message))

    def skip(self, event: yaml.Event) -> None:
        """Pass over everything that belongs to a value."""
        depth = int(isinstance(event, yaml.CollectionStartEvent))
        while depth > 0:
            event = next(self.events)
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                raise self._too_deep(event.start_mark)

    def _too_deep(self, mark: Any) -> TableErrors:
        """Return what is raised then: libyaml takes ever longer for each further level, so nothing more is read."""
        return TableErrors([*self.problems, Problem(self._place(mark), _TOO_DEEP)])

    def _items(self, path: Path) -> Iterator[Any]:
        index = 0
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            yield self.value(event, (*path, index))
            index += 1

    def _members(self, path: Path) -> Iterator[tuple[str, Any]]:
        seen: set[str] = set()
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            mark = event.start_mark
            key = self._key(event, mark)
            if key == "<<":
                self.problem(mark, "merge keys (<<) are not used here: write the members out")
                self.skip(next(self.events))
                continue
            if key in seen:
                self.problem(mark, f"'{key}' stands twice in one mapping")
            if key is None or key in seen:
                self.skip(next(self.events))
                continue
            seen.add(key)
            yield key, self.value(next(self.events), (*path, key))
            self.marks[(*path, key)] = mark  # a message about a member points at its name

    def _key(self, event: yaml.Event, mark: Any) -> str | None:
        if isinstance(event, yaml.ScalarEvent) and event.tag is None:
            return self._written(event)  # keys are always words: `no: 1` and `1: a` too
        self.skip(event)
        self.problem(mark, "a key is a word, not a list, a mapping, an alias or a tag")
        return None

    def _tagged(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent, mark: Any) -> Any:
        tag = "!absent" if self.shortened and event.tag == _SHORTER else str(event.tag)
        if isinstance(event, yaml.ScalarEvent):
            text = self._written(event)
            match tag:
                case "!absent":
                    if text:
                        self.problem(mark, "'!absent' takes no value")
                    return ABSENT
                case "!json":
                    return Json(text)
                case "!base64":
                    return self._base64(text, mark)
                case "!repeat":
                    return self._repeated(text, mark)
        self.skip(event)
        shown = tag.replace(_CORE_TAG, "!!")
        message = f"'{shown}' is no tag of these tables{nearest(shown, _TAGS)}"
        self.problem(mark, message)
        return None

    def _base64(self, text: str, mark: Any) -> bytes:
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            self.problem(mark, "'!base64' takes standard base64 text")
            return b""

    def _repeated(self, text: str, mark: Any) -> str:
        count, _, piece = text.partition(" ")
        if not (count.isascii() and count.isdecimal() and piece) or len(count) > len(str(MAX_REPEATED)):
            self.problem(mark, "'!repeat' takes a number and a text, such as !repeat 300 ab")
            return ""
        if int(count) * len(piece) > MAX_REPEATED:
            self.problem(mark, f"'!repeat' makes at most {MAX_REPEATED:,} characters")
            return ""
        return piece * int(count)

    def _written(self, event: yaml.ScalarEvent) -> str:
        """Return a scalar's text as it stands in the file."""
        text = str(event.value)
        if self.shortened and _SHORTER in text:
            return text.replace(f"{_SHORTER} ", "!absent").replace(_SHORTER, "!absent")
        return text

    def _scalar(self, event: yaml.ScalarEvent, mark: Any) -> Any:
        text = self._written(event)
        if event.style in _QUOTED or (text and text[0] not in _FIRST_OF_A_VALUE):
            return text  # quoted, block, or cannot be anything but a word
        if text in _WORDS:
            return _WORDS[text]
        number = _number(text)
        if number is not None and len(text) > MAX_DIGITS:
            message = f"a number of more than {MAX_DIGITS} characters is written !json '…', or quoted as text"
            self.problem(mark, message)
            return None
        return text if number is None else number(text)


def _number(text: str) -> Callable[[str], int | float] | None:
    """Return what makes a plain scalar the number that it is in the core schema, or None."""
    if _INTEGER.match(text):
        return int
    if _RADIX.match(text):
        return lambda digits: int(digits, 0)
    return float if _FLOAT.match(text) else None
