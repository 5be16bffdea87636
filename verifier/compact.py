"""Strict reading of the JWS compact serialisation and of JSON.

Must never be lenient: what has two spellings elsewhere has one here, so that no two components can read one
token differently. Must never do work before the size of its input is known to be bounded.
"""

import binascii
import json
import math
import re
from typing import Any, NoReturn

import msgspec

from verifier.errors import TokenRejected

MAX_DEPTH = 64
"""Deepest nesting of JSON that is read (FMT-014)."""

MAX_DIGITS = 400
"""Longest whole number of JSON that is read, sign included; doubles end at 309 digits (FMT-025)."""

# The URL-safe alphabet becomes the standard one, in which strict decoding then finds everything else at fault:
# the standard alphabet's own "+" and "/", padding that was given, white space (FMT-002 to FMT-004).
_TO_STANDARD = bytes.maketrans(b"-_+/=", b"+/***")
_PADDING = {0: b"", 2: b"==", 3: b"="}
# The unused low bits of the last character are zero in canonical base64url (FMT-005, RFC 4648 section 3.5).
_CANONICAL_LAST = {2: frozenset(b"AQgw"), 3: frozenset(b"AEIMQUYcgkosw048")}
_JSON_SPACE = " \t\n\r"
_DIGITS_TO_ZERO = bytes.maketrans(b"123456789", b"000000000")
_LONG_NUMBER = b"0" * MAX_DIGITS
_SPACED_COLON = re.compile(rb"[ \t\n\r]:")


class CompactJws(msgspec.Struct, frozen=True):
    """One compact JWS taken apart; nothing in it is verified yet."""

    header_segment: bytes
    """The header as it was sent, in base64url."""
    payload: bytes
    signing_input: bytes
    signature: bytes


def split_compact(token: object, max_bytes: int) -> CompactJws:
    """Take a compact JWS apart, or raise TokenRejected `too_large` or `malformed`.

    Three segments (FMT-001) of canonical base64url (FMT-002 to FMT-005), of which only the payload may be empty
    (SIG-003): a JWS can sign nothing, and what is no JSON object is no token. JWE, the JSON serialisation and
    look-alike separators fall out (FMT-017 to FMT-019, FMT-024).
    """
    if not isinstance(token, (str, bytes)):
        raise TokenRejected("malformed", "not a text")
    if len(token) > max_bytes:  # FMT-016: before anything is decoded
        raise TokenRejected("too_large", f"more than {max_bytes} bytes")
    # What is no ASCII becomes "?", which is outside the alphabet.
    raw = token if isinstance(token, bytes) else token.encode("ascii", "replace")
    segments = raw.split(b".")
    if len(segments) != 3:
        raise TokenRejected("malformed", "not three base64url segments")
    header, payload, signature = segments
    if not header or not signature:
        raise TokenRejected("malformed", "no header or no signature")
    try:
        return CompactJws(
            header, decode_base64url(payload), raw[: -1 - len(signature)], decode_base64url(signature)
        )
    except ValueError as problem:
        raise TokenRejected("malformed", str(problem)) from None


def decode_base64url(text: bytes) -> bytes:
    """Decode canonical, unpadded base64url (RFC 7515 section 2); ValueError for every other spelling."""
    rest = len(text) % 4
    if rest and (rest == 1 or text[-1] not in _CANONICAL_LAST[rest]):
        raise ValueError("base64url is not canonical")
    try:
        return binascii.a2b_base64(text.translate(_TO_STANDARD) + _PADDING[rest], strict_mode=True)
    except binascii.Error:
        raise ValueError("not base64url") from None


def decode_object(data: bytes) -> dict[str, Any]:
    """Read one strict JSON object, as header and payload each are (FMT-006, FMT-007), or raise TokenRejected."""
    flat = _decode_flat(data)
    if flat is not None:
        return flat
    try:
        value = _decode_any(data)
    except ValueError as problem:
        raise TokenRejected("malformed", str(problem)) from None
    if not isinstance(value, dict):
        raise TokenRejected("malformed", "header and payload must each be a JSON object")
    return value


def decode_json(data: bytes) -> Any:
    """Read one strict JSON text in UTF-8 (FMT-008 to FMT-014, FMT-025); ValueError for every other text.

    Escaped names and values are equal to plain ones (FMT-021).
    Duplicate members, NaN, numbers beyond the range of a double, a byte order mark, and more than 64 levels
    are refused. The messages never quote the data.
    """
    flat = _decode_flat(data)
    return _decode_any(data) if flat is None else flat


def _decode_flat(data: bytes) -> dict[str, Any] | None:
    """Read one object without inner ones, as most headers and claims are, in a third of the time.

    None for every text of which it is not certain that `_decode_any` would read the same. msgspec is as strict
    as that, but lets the last of two equal names win. Where no white space stands before a colon, each member
    shows `":` once, and so as many of these as different names mean that no name came twice.
    """
    if data.count(b"{") != 1 or data.count(b"[") >= MAX_DEPTH:
        return None
    if len(data) > MAX_DIGITS and _LONG_NUMBER in data.translate(_DIGITS_TO_ZERO):
        return None
    if len(data.split(None, 1)) > 1 and _SPACED_COLON.search(data):
        return None
    try:
        value = _QUICK.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return value if isinstance(value, dict) and len(value) == data.count(b'":') else None


def _decode_any(data: bytes) -> Any:
    try:
        text = data.decode("utf-8").strip(_JSON_SPACE)
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    try:
        value, end = _EXACT.raw_decode(text)
    except RecursionError:
        raise ValueError("JSON is nested too deeply") from None
    except json.JSONDecodeError:
        raise ValueError("not JSON") from None
    if end != len(text):
        raise ValueError("not JSON")
    # Few brackets cannot nest deeply; most texts end here.
    if text.count("[") + text.count("{") > MAX_DEPTH:
        _check_depth(value)
    return value


def _check_depth(value: Any) -> None:
    level: list[Any] = [[value]]
    for _ in range(MAX_DEPTH + 1):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return
    raise ValueError("JSON is nested too deeply")


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
    if len(text) > MAX_DIGITS:  # bounded before the conversion, whose cost grows with the square
        raise ValueError("a JSON number is out of range")
    return int(text)


_QUICK = msgspec.json.Decoder()


def _no_constant(_: str) -> NoReturn:
    raise ValueError("not JSON")


_EXACT = json.JSONDecoder(
    object_pairs_hook=_unique_members, parse_float=_finite, parse_int=_whole, parse_constant=_no_constant
)
