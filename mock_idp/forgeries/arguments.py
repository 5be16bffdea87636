"""Reading the argument of a forgery: a person wrote it into a table, so every error says what would do."""

from collections.abc import Mapping
from typing import Any, TypeVar

from mock_idp.draft import SEGMENTS, Segment
from mock_idp.forgeries.registry import ForgeryError, nearest

Value = TypeVar("Value")
MAX_SIZE = 64 * 1024 * 1024
"""The most bytes or levels that a forgery adds to a token."""
MAX_MEMBERS = 1_000_000
"""The most members that it adds; each costs far more memory than a byte does."""

JSON_SEGMENTS: tuple[Segment, ...] = ("header", "payload")


def choice(arg: Any, table: Mapping[str, Value], default: str | None = None) -> Value:
    """Look the argument up in a table; None means the default, where there is one."""
    name = default if arg is None else arg
    if name is None:
        raise ForgeryError(f"needs an argument{nearest('', tuple(table))}")
    if not isinstance(name, str) or name not in table:
        raise ForgeryError(f"no such form: {name!r}{nearest(name, tuple(table))}")
    return table[name]


def segment(arg: Any, default: Segment | None = None, allowed: tuple[Segment, ...] = SEGMENTS) -> Segment:
    """Read the name of a segment."""
    return choice(arg, {name: name for name in allowed}, default)


def fields(arg: Any, *, needed: tuple[str, ...] = (), optional: tuple[str, ...] = ()) -> Mapping[str, Any]:
    """Read a mapping with these members and no others."""
    allowed = needed + optional
    if not isinstance(arg, Mapping):
        raise ForgeryError(f"needs a mapping with {', '.join(allowed)}, not {arg!r}")
    for name in needed:
        if name not in arg:
            raise ForgeryError(f"needs {name!r} in its argument")
    for name in arg:
        if name not in allowed:
            raise ForgeryError(f"takes no {name!r}{nearest(name, allowed)}")
    return arg


def long_form(arg: Any, short: str, *optional: str) -> Mapping[str, Any]:
    """Read an argument that is either one value or a mapping in which that value is the member `short`."""
    if isinstance(arg, Mapping):
        return fields(arg, optional=(short, *optional))
    return {} if arg is None else {short: arg}


def text(value: Any, what: str) -> str:
    """Read a string."""
    if not isinstance(value, str):
        raise ForgeryError(f"{what} is text, not {value!r}")
    return value


def size(value: Any, what: str, most: int = MAX_SIZE) -> int:
    """Read a whole number from 1 to `most`."""
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise ForgeryError(f"{what} is a whole number from 1 to {most}, not {value!r}")
    return value
