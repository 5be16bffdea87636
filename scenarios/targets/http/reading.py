"""What an answer says: conditions on it, and what stands somewhere in it. Pure: it opens no connection."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from scenarios.targets import wire
from scenarios.targets.http.settings import Condition, Finder, is_one_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scenarios.targets.protocol import HttpAnswer

ABSENT: Final = object()
"""What is found where nothing stands."""


def holds(condition: Condition, answer: HttpAnswer) -> bool:
    """Whether everything that a condition says is true of an answer."""
    return next(_broken(condition, answer), None) is None


def _broken(condition: Condition, answer: HttpAnswer) -> Iterator[str]:
    if condition.status and not is_one_of(answer.status, condition.status):
        yield "status"
    for name, pattern in condition.header.items():
        if not any(re.search(pattern, value) for value in answer.all(name.lower())):
            yield name
    if condition.body is not None and not re.search(condition.body, text_of(answer)):
        yield "body"
    if condition.json:
        document = document_of(answer)
        for pointer, value in condition.json.items():
            if at(document, pointer) != value:
                yield pointer


def find(finder: Finder, answer: HttpAnswer) -> Any:
    """Return what stands where a finder says, or `ABSENT`; several header lines of a name are one by commas."""
    value: Any
    if finder.header is not None:
        lines = answer.all(finder.header.lower())
        value = ", ".join(lines).encode("latin-1", "replace").decode("utf-8", "replace") if lines else ABSENT
    elif finder.json is not None:
        value = at(document_of(answer), finder.json)
    else:
        value = text_of(answer)
    if finder.regex is not None and isinstance(value, str):
        match = re.search(finder.regex, value)
        value = ABSENT if match is None or match[1] is None else match[1]
    return _decoded(value, finder.decode) if isinstance(value, str) else value


def claims_of(where: Finder | Mapping[str, Finder], answer: HttpAnswer) -> dict[str, Any] | None:
    """Return the claims that an answer names; None where it names none."""
    if isinstance(where, Finder):
        found = find(where, answer)
        return found if isinstance(found, dict) else None
    each = {name: find(finder, answer) for name, finder in where.items()}
    return {name: value for name, value in each.items() if value is not ABSENT} or None


def document_of(answer: HttpAnswer) -> Any:
    """Return the content as JSON, strictly; `ABSENT` where it is none."""
    try:
        # A bare list or text is JSON too; `wire` reads objects, which bounds depth and spelling.
        return wire.decode(b'{"a":' + answer.body.encode("latin-1", "replace") + b"}")["a"]
    except (wire.BadLine, KeyError):
        return ABSENT


def text_of(answer: HttpAnswer) -> str:
    """Return the content as text; what is no UTF-8 is shown as such."""
    return answer.body.encode("latin-1", "replace").decode("utf-8", "replace")


def at(document: Any, pointer: str) -> Any:
    """Return what stands at a JSON pointer (RFC 6901), or `ABSENT`."""
    for part in pointer.split("/")[1:]:
        step = part.replace("~1", "/").replace("~0", "~")
        if isinstance(document, dict) and step in document:
            document = document[step]
        elif (
            isinstance(document, list) and re.fullmatch(r"0|[1-9]\d{0,6}", step) and int(step) < len(document)
        ):
            document = document[int(step)]
        else:
            return ABSENT
    return document


def in_words(finder: Finder) -> str:
    """Say where a finder looks."""
    place = f"the header {finder.header}" if finder.header else f"{finder.json or '/'} of its JSON"
    if finder.header is None and finder.json is None:
        place = "its content"
    return place + (f" by '{finder.regex}'" if finder.regex else "")


def _decoded(value: str, how: str | None) -> Any:
    if how == "percent":
        return unquote(value)
    if how is None:
        return value
    try:
        return json.loads(base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)))
    except (ValueError, RecursionError):
        return ABSENT
