"""One JSON object a line: how a message becomes bytes, and how bytes that a target wrote become a message.

What a target wrote is hostile until it has passed `decode`: its size, its depth and its spelling are bounded
here. Nothing here knows what a message means.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, NoReturn

from scenarios.targets.protocol import readable

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_LINE: Final = 1 << 20
"""An answer longer than this (bytes, 1 MiB) is an error."""
MAX_DEPTH: Final = 64
"""An answer nested deeper than this (levels) is an error."""

_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_BRACKET: Final = re.compile(rb"[\[\]{}]")


class BadLine(ValueError):  # noqa: N818 - reads as what was found
    """A line that is no message; the text says what it is, and quotes its beginning."""


def encode(message: Mapping[str, Any]) -> bytes:
    """Return the message as one line of ASCII, which is UTF-8 in any locale."""
    return _ENCODER.encode(message).encode("ascii") + b"\n"


def decode(line: bytes) -> dict[str, Any]:
    """Return the JSON object that the line holds, strictly (RFC 8259); raises `BadLine`, and nothing else."""
    if len(line) > MAX_LINE:
        raise BadLine(f"is longer than {MAX_LINE:,} bytes: {quoted(line)}")
    if _too_deep(line):
        raise BadLine(f"is nested deeper than {MAX_DEPTH} levels: {quoted(line)}")
    try:
        value = _DECODER.decode(line.decode("utf-8"))
    except BadLine as problem:
        raise BadLine(f"{problem}: {quoted(line)}") from None
    except (ValueError, RecursionError):  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        raise BadLine(f"is no JSON object: {quoted(line)}") from None
    if not isinstance(value, dict):
        raise BadLine(f"is no JSON object: {quoted(line)}")
    return value


def quoted(line: bytes) -> str:
    """Return the beginning of a line as a message quotes it."""
    return f"'{readable(line[:400].decode('utf-8', 'replace').rstrip(), 80)}'"


def _too_deep(line: bytes) -> bool:
    if line.count(b"[") + line.count(b"{") <= MAX_DEPTH:
        return False
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub(b"", line)):
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_DEPTH:
            return True
    return False


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise BadLine("names one member twice")
    return members


def _no_constant(name: str) -> NoReturn:
    raise BadLine(f"holds {name}, which is not JSON")


# Made once: `json.dumps` and `json.loads` make one for each message.
_ENCODER: Final = json.JSONEncoder(allow_nan=False, separators=(",", ":"))
_DECODER: Final = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)
