"""Strict reading of the JWS compact serialisation and of JSON.

Must never be lenient: what has two spellings elsewhere has one here, so that no two components can read one
token differently. Must never do work before the size of its input is known to be bounded.
"""

import json
import math
from typing import Any, NoReturn

import msgspec

from verifier.errors import TokenRejected

MAX_DEPTH = 64
"""Deepest nesting of JSON that is read (FMT-014)."""

MAX_DIGITS = 400
"""Longest whole number of JSON that is read, sign included; doubles end at 309 digits (FMT-025)."""

_TEXTS = str, bytes
_DOT, _LIST = b".["
# The URL-safe alphabet becomes the standard one, and what would mean something else to its decoder becomes what is
# none of it: the standard alphabet's own "+" and "/", padding that was given, the end of a JSON text (FMT-002 to
# FMT-004). All the rest is outside the alphabet as it is.
_TO_STANDARD = bytes.maketrans(b'-_+/="\\', b"+/*****")
_CLOSING = {0: b'"', 2: b'=="', 3: b'="'}
# The unused low bits of the last character are zero in canonical base64url (FMT-005, RFC 4648 section 3.5).
_CANONICAL_LAST = {1: frozenset(), 2: frozenset(b"AQgw"), 3: frozenset(b"AEIMQUYcgkosw048")}
_JSON_SPACE = " \t\n\r"
_JSON_SPACE_BYTES = _JSON_SPACE.encode()
_DIGITS_TO_ZERO = bytes.maketrans(b"123456789", b"000000000")
_LONG_NUMBER = b"0" * MAX_DIGITS


class CompactJws(msgspec.Struct, frozen=True, gc=False):
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
    if not isinstance(token, _TEXTS):
        raise TokenRejected("malformed", "not a text")
    if len(token) > max_bytes:  # FMT-016: before anything is decoded
        raise TokenRejected("too_large", f"more than {max_bytes} bytes")
    # What is no ASCII becomes "?", which is outside the alphabet.
    raw = token.encode("ascii", "replace") if isinstance(token, str) else token
    signing_input, _, signature = raw.rpartition(b".")
    header, dot, payload = signing_input.partition(b".")
    if not dot or _DOT in payload:
        raise TokenRejected("malformed", "not three base64url segments")
    if not header or not signature:
        raise TokenRejected("malformed", "no header or no signature")
    try:
        return CompactJws(header, decode_base64url(payload), signing_input, decode_base64url(signature))
    except ValueError as problem:
        raise TokenRejected("malformed", str(problem)) from None


def decode_base64url(text: bytes) -> bytes:
    """Decode canonical, unpadded base64url (RFC 7515 section 2); ValueError for every other spelling.

    A text in quotes is JSON, of which msgspec reads bytes in base64 in half the time that binascii takes.
    """
    rest = len(text) % 4
    if rest and text[-1] not in _CANONICAL_LAST[rest]:
        raise ValueError("base64url is not canonical")
    try:
        return _decode_base64(b'"' + text.translate(_TO_STANDARD) + _CLOSING[rest])
    except msgspec.DecodeError:
        raise ValueError("not base64url") from None


def decode_object(data: bytes) -> dict[str, Any]:
    """Read one strict JSON object, as header and payload each are (FMT-006, FMT-007), or raise TokenRejected.

    An object whose values hold no members, as most headers and claims are, takes a third of the time. msgspec is as
    strict as `decode_json`, but lets the last of two equal names win. Where white space is taken out, each member
    shows `":` once, wherever it is: as many of these as different names mean that no name came twice.
    """
    squeezed = data.translate(_DIGITS_TO_ZERO, _JSON_SPACE_BYTES)
    shallow = _LIST not in data or data.count(b"[") < MAX_DEPTH - 1  # lists alone nest, around {} at most
    if shallow and (len(data) <= MAX_DIGITS or _LONG_NUMBER not in squeezed):
        try:
            members = _decode_members(data)
            if len(members) == squeezed.count(b'":'):
                return members
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass  # judged below, as everything else is
    try:
        value = decode_json(data)
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


_decode_base64 = msgspec.json.Decoder(bytes).decode
_decode_members = msgspec.json.Decoder(dict[str, Any]).decode


def _no_constant(_: str) -> NoReturn:
    raise ValueError("not JSON")


_EXACT = json.JSONDecoder(
    object_pairs_hook=_unique_members, parse_float=_finite, parse_int=_whole, parse_constant=_no_constant
)
