"""Strict reading of the JWS compact serialisation and of JSON.

Must never be lenient: what has two spellings elsewhere has one here, so that no two components can read one
token differently. Must never do work before the size of its input is known to be bounded.
"""

import binascii
import json
import math
import re
from dataclasses import dataclass
from typing import Any, NoReturn

from verifier.errors import TokenRejected

MAX_DEPTH = 64
"""Deepest nesting of JSON that is read (FMT-014)."""

_COMPACT = re.compile(rb"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
_BASE64URL = re.compile(rb"[A-Za-z0-9_-]*")
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
_PADDING = {0: b"", 2: b"==", 3: b"="}
# The unused low bits of the last character are zero in canonical base64url (FMT-005, RFC 4648 section 3.5).
_CANONICAL_LAST = {2: frozenset(b"AQgw"), 3: frozenset(b"AEIMQUYcgkosw048")}
_STRUCTURE = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)


@dataclass(frozen=True, slots=True)
class CompactToken:
    """One token taken apart; nothing in it is verified yet."""

    header: dict[str, Any]
    claims: dict[str, Any]
    signing_input: bytes
    signature: bytes


def parse_compact(token: object, max_bytes: int) -> CompactToken:
    """Take a compact JWS apart, or raise TokenRejected `too_large` or `malformed`.

    Three non-empty segments (FMT-001) of canonical base64url (FMT-002 to FMT-005), header and payload each
    one JSON object (FMT-006, FMT-007). JWE, the JSON serialisation and look-alike separators fall out
    (FMT-017, FMT-019, FMT-024).
    """
    if not isinstance(token, (str, bytes)):
        raise TokenRejected("malformed", "not a text")
    if len(token) > max_bytes:  # FMT-016: before anything is decoded
        raise TokenRejected("too_large", f"more than {max_bytes} bytes")
    raw = (
        token if isinstance(token, bytes) else token.encode("ascii", "replace")
    )  # "?" is outside the alphabet
    parts = _COMPACT.fullmatch(raw)
    if parts is None:
        raise TokenRejected("malformed", "not three base64url segments")
    try:
        header, claims = (decode_json(_decode_alphabet(parts[part])) for part in (1, 2))
        signature = _decode_alphabet(parts[3])
    except ValueError as problem:
        raise TokenRejected("malformed", str(problem)) from None
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise TokenRejected("malformed", "header and payload must each be a JSON object")
    return CompactToken(header, claims, raw[: parts.end(2)], signature)


def decode_base64url(text: bytes) -> bytes:
    """Decode canonical, unpadded base64url (RFC 7515 section 2); ValueError for every other spelling."""
    if not _BASE64URL.fullmatch(text):
        raise ValueError("not base64url")
    return _decode_alphabet(text)


def _decode_alphabet(text: bytes) -> bytes:
    """Decode a text that is known to be within the alphabet."""
    rest = len(text) % 4
    if rest == 1:
        raise ValueError("not base64url")
    if rest and text[-1] not in _CANONICAL_LAST[rest]:
        raise ValueError("base64url is not canonical")
    return binascii.a2b_base64(text.translate(_TO_STANDARD) + _PADDING[rest])


def decode_json(data: bytes) -> Any:
    """Read one strict JSON text in UTF-8 (FMT-008 to FMT-014, FMT-025); ValueError for every other text.

    Duplicate members, NaN, numbers beyond the range of a double, a byte order mark, and more than 64 levels
    are refused. The messages never quote the data.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    _check_depth(text)
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError:
        raise ValueError("not JSON") from None


def _check_depth(text: str) -> None:
    # Few brackets cannot nest deeply; most tokens end here.
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    depth = 0
    for found in _STRUCTURE.finditer(text):
        mark = found[0]
        if mark in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise ValueError("JSON is nested too deeply")
        elif mark in "]}":
            depth -= 1


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a JSON object names a member twice")
    return members


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a JSON number is out of range")
    return number


def _whole(text: str) -> int:
    if len(text) > 400:  # FMT-025: bounded before the conversion, whose cost grows with the square
        raise ValueError("a JSON number is out of range")
    return int(text)


def _no_constant(_: str) -> NoReturn:
    raise ValueError("not JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique_members, parse_float=_finite, parse_int=_whole, parse_constant=_no_constant
)
