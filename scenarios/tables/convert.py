"""From plain values with places to typed structs, with every mistake named at its place.

msgspec does the work and stops at its first complaint; a member that it does not know is set aside and the rest
tried again, so that one pass names them all.
"""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from scenarios.tables.problems import Problem, TableErrors, nearest
from scenarios.tables.yaml12 import ABSENT, Json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scenarios.tables.yaml12 import Document, Path

T = TypeVar("T")

_WHERE = re.compile(r" - at `(?:key in )?\$(?P<path>[^`]*)`\Z")
_STEP = re.compile(r"\.(?P<name>[^.\[\]]+)|\[(?P<index>\d+)\]|\[\.\.\.\]")
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<name>.*)`\Z", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<name>.*)`\Z")


def convert(document: Document, type_: type[T], path: Path = (), value: Any = None) -> T:
    """Return the value at `path` of a document as an instance of a msgspec struct type.

    `value` stands in for the document's own value (a merged one, say). Raises `TableErrors` with every problem.
    """
    if value is None:
        value = at(document.value, path)
    problems: list[Problem] = []
    for _ in range(100):  # each round names one problem and removes its cause
        try:
            converted = msgspec.convert(value, type_, strict=True)
        except msgspec.ValidationError as error:
            problem, unknown = _explain(error, document, type_, path)
            problems.append(problem)
            if unknown is None:
                break
            value = _without(value, unknown)
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


def _without(value: Any, path: Path) -> Any:
    value = copy.deepcopy(value)
    at(value, path[:-1]).pop(path[-1])
    return value


def _explain(
    error: msgspec.ValidationError, document: Document, type_: type, prefix: Path
) -> tuple[Problem, Path | None]:
    text = str(error)
    found = _WHERE.search(text)
    inner: Path = ()
    exact = True
    if found:
        text = text[: found.start()]
        for step in _STEP.finditer(found["path"]):
            if step["name"] is not None:
                inner = (*inner, step["name"])
            elif step["index"] is not None:
                inner = (*inner, int(step["index"]))
            else:  # msgspec does not say which member of a mapping it was
                exact = False
                break
    where = (*prefix, *inner)
    if unknown := _UNKNOWN.match(text):
        name = unknown["name"]
        known = nearest(name, _fields_at(type_, inner)) if exact else ""
        problem = Problem(document.place((*where, name)), f"unknown field '{name}'{known}")
        return problem, (*inner, name) if exact else None
    if missing := _MISSING.match(text):
        return Problem(document.place(where), f"'{missing['name']}' is missing"), None
    field = f"'{inner[-1]}': " if inner else ""
    return Problem(document.place(where), f"{field}{_in_words(text)}"), None


def _fields_at(type_: Any, path: Path) -> Iterable[str]:
    """Return the field names of the struct that stands at `path` below a struct type."""
    info: Any = msgspec.inspect.type_info(type_)
    for step in path:
        info = _struct_of(info)
        if info is None:
            return ()
        if isinstance(step, str):
            info = next((f.type for f in info.fields if f.encode_name == step), None)
    info = _struct_of(info)
    return () if info is None else [field.encode_name for field in info.fields]


def _struct_of(info: Any) -> msgspec.inspect.StructType | None:
    while True:
        match info:
            case msgspec.inspect.StructType():
                return info
            case msgspec.inspect.UnionType():
                kinds = [t for t in info.types if _struct_of(t) is not None]
                info = kinds[0] if kinds else None
            case msgspec.inspect.ListType() | msgspec.inspect.VarTupleType():
                info = info.item_type
            case _:
                return None


_WORDS = {
    "`str`": "text",
    "`str | null`": "text",
    "`int`": "a whole number",
    "`float`": "a number",
    "`bool`": "true or false",
    "`array`": "a list",
    "`object`": "a mapping",
    "`null`": "nothing",
}


def _in_words(text: str) -> str:
    text = text[0].lower() + text[1:]
    for name, word in _WORDS.items():
        text = text.replace(name, word)
    return text.replace("`", "'")


def plain(value: Any) -> Any:
    """Return a value as JSON can show it: `!absent` and `!json` as the words that were written."""
    match value:
        case dict():
            return {key: plain(item) for key, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case bytes():
            return f"!base64 ({len(value)} bytes)"
        case Json():
            return f"!json {value.text}"
        case _ if value is ABSENT:
            return "!absent"
        case _:
            return value


__all__ = ["at", "convert", "plain"]
