"""YAML 1.2 with the place of every value: what tables and target files are read with.

libyaml parses; the core schema of YAML 1.2 is applied here, so that `no` and `12:30` stay strings. Duplicate keys,
aliases, several documents and unknown tags are mistakes. A value never loses its place. Nothing from a file is ever
turned into an object of another kind than the plain ones and the three tags below.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import yaml

from scenarios.tables.problems import Place, Problem, TableErrors, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_BYTES: Final = 4_000_000
"""A file longer than this (bytes) is refused unread."""
MAX_DEPTH: Final = 40
"""Deeper nesting (levels) is a mistake; no table needs half of it."""

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


_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_RADIX = re.compile(r"0(?:o[0-7]+|x[0-9a-fA-F]+)\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_WORDS: Final[dict[str, Any]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf"), math.inf),
    "-.inf": -math.inf,
    ".nan": math.nan,
}
_FIRST_OF_A_VALUE: Final = frozenset("~nNtTfF.+-0123456789")
_QUOTED: Final = frozenset("'\"|>")
_TAGS: Final = ("!absent", "!json", "!base64")


def load(text: str | bytes, source: str) -> Document:
    """Parse one YAML document.

    `source` is how messages name the file. Raises `TableErrors` with every problem found.
    """
    if isinstance(text, bytes):
        raw = text
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = raw[: error.start].count(b"\n") + 1
            raise TableErrors([Problem(Place(source, line, 1), "this file is not UTF-8 text")]) from None
    if len(text) > MAX_BYTES:
        message = f"this file is longer than {MAX_BYTES:,} characters; split it"
        raise TableErrors([Problem(Place(source, 1, 1), message)])
    reader = _Reader(source)
    node = reader.compose(text)
    value = None if node is None else reader.value(node, ())
    if reader.problems:
        raise TableErrors(reader.problems)
    return Document(source, value, reader.places)


class _Reader:
    def __init__(self, source: str) -> None:
        self.source = source
        self.places: dict[Path, Place] = {}
        self.problems: list[Problem] = []
        self.seen: set[int] = set()

    def compose(self, text: str) -> yaml.Node | None:
        # YAML 1.2 lets a tag end at `}` or `]`; libyaml wants a space there. Where it says so, the last letter of
        # the tag is given up for that space (`!absen }`), which moves no column; `_tag` knows the shortened form.
        for _ in range(text.count("!absent}") + text.count("!absent]") + 1):
            try:
                return yaml.compose(text, Loader=yaml.CSafeLoader)
            except yaml.MarkedYAMLError as error:
                mark = error.problem_mark
                if mark is not None and text[: mark.index].endswith("!absent") and text[mark.index] in "}]":
                    text = text[: mark.index - 1] + " " + text[mark.index :]
                    continue
                raise TableErrors([self._syntax(error)]) from None
            except (yaml.YAMLError, RecursionError) as error:
                detail = str(error).splitlines()[0] if str(error) else "it is nested too deeply"
                problem = Problem(Place(self.source, 1, 1), f"this is not YAML: {detail}")
                raise TableErrors([problem]) from None
        message = "a '!absent' stands where no value can stand"
        raise TableErrors([Problem(Place(self.source, 1, 1), message)])

    def _syntax(self, error: yaml.MarkedYAMLError) -> Problem:
        mark = error.problem_mark or error.context_mark
        place = Place(self.source, mark.line + 1, mark.column + 1) if mark else Place(self.source, 1, 1)
        said = " ".join(part for part in (error.context, error.problem) if part)
        return Problem(place, f"this is not YAML: {said}")

    def value(self, node: yaml.Node, path: Path) -> Any:
        mark = node.start_mark
        place = Place(self.source, mark.line + 1, mark.column + 1)
        self.places[path] = place
        if len(path) > MAX_DEPTH:
            self.problems.append(Problem(place, f"nested deeper than {MAX_DEPTH} levels"))
            return None
        if id(node) in self.seen:  # an alias; a few lines of them could stand for gigabytes
            self.problems.append(Problem(place, "aliases (&x, *x) are not used here: write the value out"))
            return None
        self.seen.add(id(node))
        if node.tag.startswith("!"):
            return self._tagged(node, place)
        if isinstance(node, yaml.MappingNode):
            return dict(self._members(node, path))
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        return _scalar(node) if isinstance(node, yaml.ScalarNode) else None

    def _members(self, node: yaml.MappingNode, path: Path) -> Iterator[tuple[str, Any]]:
        seen: set[str] = set()
        for key_node, value_node in node.value:
            mark = key_node.start_mark
            place = Place(self.source, mark.line + 1, mark.column + 1)
            if not isinstance(key_node, yaml.ScalarNode):
                self.problems.append(Problem(place, "a key is a word, not a list or a mapping"))
                continue
            key = str(key_node.value)  # keys are always words: `no: 1` and `1: a` too
            if key in seen:
                self.problems.append(Problem(place, f"'{key}' stands twice in one mapping"))
                continue
            seen.add(key)
            yield key, self.value(value_node, (*path, key))
            self.places[(*path, key)] = place  # a message about a member points at its name

    def _tagged(self, node: yaml.Node, place: Place) -> Any:
        if isinstance(node, yaml.ScalarNode):
            match node.tag:
                case "!absent" | "!absen":
                    if node.value:
                        self.problems.append(Problem(place, "'!absent' takes no value"))
                    return ABSENT
                case "!json":
                    return Json(node.value)
                case "!base64":
                    try:
                        return base64.b64decode(node.value, validate=True)
                    except (binascii.Error, ValueError):
                        self.problems.append(Problem(place, "'!base64' takes standard base64 text"))
                        return b""
        known = nearest(node.tag, _TAGS)
        self.problems.append(Problem(place, f"'{node.tag}' is no tag of these tables{known}"))
        return None


def _scalar(node: yaml.ScalarNode) -> Any:
    text: str = node.value
    if node.style in _QUOTED or (text and text[0] not in _FIRST_OF_A_VALUE):
        return text  # quoted, block, or cannot be anything but a word
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.match(text):
        return int(text) if len(text) <= 400 else text
    if _RADIX.match(text):
        return int(text, 0)
    if _FLOAT.match(text):
        return float(text)
    return text
