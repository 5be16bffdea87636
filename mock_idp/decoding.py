"""What a token says, taken apart for people to read.

It must neither judge a token nor check its signature, and nothing that a token holds may make it raise.
"""

import base64
import binascii
import json
import math
from dataclasses import dataclass
from typing import Any

MAX_DEPTH = 64
"""How deeply the JSON of a segment may be nested and still be shown as a value."""


@dataclass(frozen=True, slots=True)
class DecodedSegment:
    """The header or the payload of a token."""

    text: str
    """As it stands in the token, with U+FFFD for what is no UTF-8."""
    value: dict[str, Any] | None
    """The JSON object, or null where there is none."""
    problem: str | None
    """Why there is no value."""


@dataclass(frozen=True, slots=True)
class DecodedToken:
    """A compact token taken apart; its signature is not checked."""

    header: DecodedSegment
    payload: DecodedSegment
    signature_bytes: int
    segments: int
    """How many parts there are between the dots; a signed token has three (RFC 7515 section 7.1)."""


def decode_token(token: str) -> DecodedToken:
    """Take a token apart; whatever is missing or wrong becomes a `problem` of its segment."""
    parts = token.strip().split(".")
    header, payload, signature, *_ = (*parts, "", "", "")
    return DecodedToken(_segment(header), _segment(payload), len(_bytes(signature) or b""), len(parts))


def _segment(text: str) -> DecodedSegment:
    raw = _bytes(text)
    if raw is None:
        return DecodedSegment(text, None, "no base64url")
    shown = raw.decode(errors="replace")
    try:
        value = json.loads(raw.decode(), parse_constant=_no_constant, parse_float=_finite)
    except UnicodeDecodeError:
        return DecodedSegment(shown, None, "no UTF-8")
    except (ValueError, RecursionError) as error:
        return DecodedSegment(shown, None, f"no JSON that can be shown: {str(error)[:200]}")
    if not isinstance(value, dict):
        return DecodedSegment(shown, None, "no JSON object")
    if too_deep(raw, MAX_DEPTH):
        return DecodedSegment(shown, None, f"nested more than {MAX_DEPTH} deep")
    return DecodedSegment(shown, value, None)


def _bytes(segment: str) -> bytes | None:
    try:
        return base64.b64decode(segment + "=" * (-len(segment) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {text[:40]} is out of range")
    return number


def too_deep(text: bytes, limit: int) -> bool:
    """Whether JSON text opens more than `limit` objects and arrays inside one another.

    It reads brackets outside of strings and nothing else, so that it can be asked before a parser is.
    """
    depth = 0
    in_string = escaped = False
    for byte in text:
        if escaped:
            escaped = False
        elif in_string:
            in_string, escaped = byte != _QUOTE, byte == _BACKSLASH
        elif byte == _QUOTE:
            in_string = True
        elif byte in _OPENING:
            depth += 1
            if depth > limit:
                return True
        elif byte in _CLOSING:
            depth -= 1
    return False


_QUOTE, _BACKSLASH = b'"\\'
_OPENING, _CLOSING = b"[{", b"]}"
