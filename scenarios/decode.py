"""A credential as a person can read it: decoded leniently, for display only, never to judge by."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from scenarios.tables.times import TIME_CLAIMS

_STRANGE: Final = re.compile(r"[^A-Za-z0-9_-]")
MAX_SHOWN: Final = 1_500
"""So much of one part is shown (characters)."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """The parts of a credential in words; a part that cannot be read is shown as it stands."""

    header: str
    payload: str
    signature: str
    rest: str = ""


def decode(token: str) -> Decoded:
    """Decode a credential; any text gives an answer."""
    header, _, tail = token.partition(".")
    payload, _, tail = tail.partition(".")
    signature, dot, rest = tail.partition(".")
    return Decoded(_part(header), _part(payload), _signature(signature), cut(dot + rest))


def times_in(token: str) -> dict[str, float]:
    """Return the claims of a token that are times and numbers (seconds since the epoch); any text gives an answer."""
    claims = _object(token, 1)
    return {name: claims[name] for name in TIME_CLAIMS if type(claims.get(name)) in (int, float)}


def header_of(token: str) -> dict[str, Any]:
    """Return the members of a token's header; any text gives an answer."""
    return _object(token, 0)


def _object(token: str, part: int) -> dict[str, Any]:
    try:
        members = json.loads(_bytes(token.split(".")[part]) or b"")
    except (IndexError, ValueError, RecursionError):
        return {}
    return members if isinstance(members, dict) else {}


def _part(segment: str) -> str:
    if not segment:
        return "(empty)"
    raw = _bytes(segment)
    if raw is None:
        return f"not base64url: {cut(segment)}"
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return f"not UTF-8: {cut(repr(raw))}"
    odd = _odd(segment)
    try:
        return cut(json.dumps(json.loads(text, object_pairs_hook=_members), ensure_ascii=False)) + odd
    except (ValueError, RecursionError):
        return f"not JSON: {cut(text)}{odd}"


def _odd(segment: str) -> str:
    """Say what is odd about a segment that decodes all the same; decoding alone would hide it."""
    strange = sorted(set(_STRANGE.findall(segment)))
    return f"  (sent with {', '.join(map(repr, strange))} in it)" if strange else ""


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members: dict[str, object] = {}
    count: Counter[str] = Counter()
    for name, value in pairs:
        count[name] += 1  # a member that stands twice must be seen twice
        members[name if count[name] == 1 else f"{name} (again, {count[name]})"] = value
    return members


def _signature(segment: str) -> str:
    raw = _bytes(segment)
    if raw is None:
        return f"not base64url: {cut(segment, 80)}"
    shown = raw[:8].hex() + ("…" if len(raw) > 8 else "")
    return f"{len(raw)} bytes {shown}{_odd(segment)}" if raw else "(empty)"


def _bytes(segment: str) -> bytes | None:
    try:
        return base64.b64decode(segment + "=" * (-len(segment) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None


def cut(text: str, limit: int = MAX_SHOWN) -> str:
    """Return text that a terminal can show: bounded, and without control characters."""
    if len(text) > limit:
        text = f"{text[:limit]}… ({len(text):,} characters)"
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode("ascii") for c in text
    )
