"""From plain values with places to typed structs, with every mistake named at its place.

msgspec does the work and stops at its first complaint; a member that it does not take is set aside and the rest
tried again, so that one pass names them all.
"""

from __future__ import annotations

import copy
import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from scenarios.files.problems import Problem, TableErrors, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from scenarios.files.problems import Place
    from scenarios.files.yaml12 import Document, Path

T = TypeVar("T")

MAX_ROUNDS = 100
"""So many mistakes of one value are named; each costs one more conversion."""

_WHERE = re.compile(r" - at `(?:key in )?\$(?P<path>[^`]*)`\Z")
_STEP = re.compile(r"\.(?P<name>[^.\[\]]+)|\[(?P<index>\d+)\]|\[\.\.\.\]")
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<name>.*)`\Z", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<name>.*)`\Z")
_NO_WORD = re.compile(r"Invalid enum value (?P<word>.*)\Z", re.DOTALL)


def convert(
    document: Document,
    type_: type[T],
    path: Path = (),
    value: Any = None,
    place: Callable[[Path], Place] | None = None,
) -> T:
    """Return the value at `path` of a document as an instance of a msgspec struct type.

    `value` stands in for the document's own value (a merged one, say), and `place` tells where a path below `path`
    was written when that is not in the document under that path. Raises `TableErrors` with every problem.
    """
    if value is None:
        value = at(document.value, path)
    place = place or document.place
    problems: list[Problem] = []
    taken: set[Path] = set()
    for _ in range(MAX_ROUNDS):
        try:
            converted = msgspec.convert(value, type_, strict=True)
        except msgspec.ValidationError as error:
            mistake = _Mistake(error, type_, value)
            if not (mistake.missing and _was_there(mistake.where, taken)):
                problems.append(Problem(place((*path, *mistake.where)), mistake.message))
            named = _up_to_a_name(mistake.where[:-1] if mistake.missing else mistake.where)
            if not named:
                break
            taken.add(named)
            value = _without(value, named)
        else:
            if not problems:
                return converted
            break
    raise TableErrors(problems)


def at(value: Any, path: Path) -> Any:
    """Return what stands at `path` inside plain values."""
    for step in path:
        value = value[step]
    return value


def _was_there(missing: Path, taken: set[Path]) -> bool:
    """Whether a member that is missing was taken out, or stood there misspelt: then that was said already."""
    return any(
        path[:-1] == missing[:-1] and get_close_matches(str(path[-1]), [str(missing[-1])]) for path in taken
    )


def _up_to_a_name(path: Path) -> Path:
    """Return a path up to its last member of a mapping: taking an item out of a list would move the others."""
    while path and not isinstance(path[-1], str):
        path = path[:-1]
    return path


def _without(value: Any, path: Path) -> Any:
    value = copy.deepcopy(value)
    at(value, path[:-1]).pop(path[-1])
    return value


class _Mistake:
    """One complaint of msgspec: where in the value it is, and what it says in the words of these tables."""

    def __init__(self, error: msgspec.ValidationError, type_: type, value: Any) -> None:
        text = str(error)
        found = _WHERE.search(text)
        inner = _path(found["path"], text, type_, value) if found else ()
        text = text[: found.start()] if found else text
        self.where = inner
        self.missing = False
        if unknown := _UNKNOWN.match(text):
            name = unknown["name"]
            self.where = (*inner, name)
            self.message = f"unknown field '{name}'{nearest(name, _fields_at(type_, inner))}"
        elif missing := _MISSING.match(text):
            self.where = (*inner, missing["name"])
            self.missing = True
            self.message = f"'{missing['name']}' is missing"
        else:
            named = _up_to_a_name(inner)
            self.message = (f"'{named[-1]}': " if named else "") + _said(text, _words_at(type_, inner))


def _said(text: str, words: Iterable[str]) -> str:
    if wrong := _NO_WORD.match(text):
        word = wrong["word"].strip("'")
        return f"'{word}' is no word for it{nearest(word, words)}"
    return _in_words(text)


def _path(written: str, text: str, type_: type, value: Any) -> Path:
    path: Path = ()
    for step in _STEP.finditer(written):
        if step["name"] is not None:
            path = (*path, step["name"])
        elif step["index"] is not None:
            path = (*path, int(step["index"]))
        else:
            path = (*path, _member_at_fault(text, type_, value, path))
    return path


def _member_at_fault(text: str, type_: type, value: Any, path: Path) -> str:
    """Return the member of a mapping that msgspec complains of; it does not say which one it was."""
    members = at(value, path)
    for name in members:
        alone = copy.deepcopy(value)
        inner = at(alone, path)
        for other in members:
            if other != name:
                del inner[other]
        try:
            msgspec.convert(alone, type_, strict=True)
        except msgspec.ValidationError as error:
            if str(error) == text:
                return str(name)
    return ""


def _fields_at(type_: Any, path: Path) -> Iterable[str]:
    """Return the field names of the struct that stands at `path` below a struct type."""
    for info in _infos_at(type_, path):
        if isinstance(info, msgspec.inspect.StructType):
            return [field.encode_name for field in info.fields]
    return ()


def _words_at(type_: Any, path: Path) -> Iterable[str]:
    """Return the words that may stand at `path` below a struct type."""
    for info in _infos_at(type_, path):
        if isinstance(info, msgspec.inspect.LiteralType):
            return [str(word) for word in info.values]
    return ()


def _infos_at(type_: Any, path: Path) -> list[Any]:
    infos = _alternatives(msgspec.inspect.type_info(type_))
    for step in path:
        infos = [choice for info in infos for below in _below(info, step) for choice in _alternatives(below)]
    return infos


def _alternatives(info: Any) -> list[Any]:
    match info:
        case msgspec.inspect.UnionType():
            return [choice for type_ in info.types for choice in _alternatives(type_)]
        case msgspec.inspect.Metadata():
            return _alternatives(info.type)
    return [info]


def _below(info: Any, step: str | int) -> Iterable[Any]:
    match info:
        case msgspec.inspect.StructType():
            return [field.type for field in info.fields if field.encode_name == step]
        case msgspec.inspect.DictType():
            return [info.value_type]
        case msgspec.inspect.ListType() | msgspec.inspect.VarTupleType():
            return [info.item_type]
    return ()


_TYPE = re.compile(r"`([^`]*)`")
_ADVICE = (
    (
        re.compile(r"Expected `bool.*got `str`"),
        ": in YAML 1.2 yes, no, on and off are text, write true or false",
    ),
    (re.compile(r"Expected `array.*got `object`"), ": start each item with '- '"),
    (re.compile(r"Expected `array[^`]*`, got `(?:str|int|float)`"), ": write it in brackets, [a, b]"),
    (re.compile(r"Expected `str.*got `(?:int|float|bool)`"), ": put it into quotes"),
)
"""What to do about a type that is often mistaken."""
_WORDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
    "Absent": "!absent",
    "Json": "!json",
    "bytes": "!base64",
}


def _in_words(text: str) -> str:
    """Say a complaint of msgspec, such as 'Expected `str | null`, got `int`', in the words of these tables."""
    advice = next((advice for pattern, advice in _ADVICE if pattern.search(text)), "")
    text = _TYPE.sub(lambda found: " or ".join(map(_word, found[1].split(" | "))), text)
    return text[0].lower() + text[1:] + advice


def _word(name: str) -> str:
    return _WORDS.get(name, f"'{name}'")


__all__ = ["at", "convert"]
