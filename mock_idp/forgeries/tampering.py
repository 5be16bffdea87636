"""Forgeries that change a token after it was signed and keep the signature (SIG-002)."""

# ruff: noqa: D401 - the first sentence of an entry says what is false, and is shown to people

import json
from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from mock_idp.draft import Draft, Segment, write_json
from mock_idp.forgeries.arguments import JSON_SEGMENTS, segment
from mock_idp.forgeries.registry import ForgeContext, ForgeryError, forgery

_TELLING = ("alg", "kid", "crit", "iss", "aud", "exp", "nbf", "iat", "sub")
"""Members in which a flipped bit would be a second fault beside the broken signature."""


def _with_bytes(draft: Draft, where: Segment, data: bytes) -> Draft:
    return replace(draft, header_bytes=data) if where == "header" else replace(draft, payload_bytes=data)


def _keep_signature(signed: Draft, changed: Draft) -> Draft:
    return replace(changed, signature=signed.raw("signature"))


@forgery("tamper", rules=("SIG-002",))
def tamper(draft: Draft, arg: Any, _context: ForgeContext) -> Draft:
    """Claims are changed after signing; the argument maps each claim to its new value."""
    return _keep_signature(draft, draft.with_claims(_members(arg, "claims")))


@forgery("tamper_header", rules=("SIG-002",))
def tamper_header(draft: Draft, arg: Any, _context: ForgeContext) -> Draft:
    """Header members are changed after signing; the argument maps each member to its new value."""
    return _keep_signature(draft, draft.with_header(_members(arg, "header members")))


def _members(arg: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(arg, Mapping) or not arg:
        raise ForgeryError(f"needs the {what} to change, not {arg!r}")
    return arg


@forgery("tamper_layout", rules=("SIG-002",))
def tamper_layout(draft: Draft, arg: Any, _context: ForgeContext) -> Draft:
    """The same JSON is laid out with other whitespace after signing, in header or payload (default)."""
    where = segment(arg, "payload", JSON_SEGMENTS)
    return _keep_signature(draft, _with_bytes(draft, where, draft.raw(where).replace(b"{", b"{ ", 1)))


@forgery("flip_bit", rules=("SIG-002",))
def flip_bit(draft: Draft, arg: Any, _context: ForgeContext) -> Draft:
    """One bit of a segment is flipped after signing, in header, payload (default) or signature.

    In header and payload it is, where there is such a bit, one that leaves the JSON whole and the members
    that other rules look at alone, so that the signature is the only fault.
    """
    where = segment(arg, "payload")
    raw = draft.raw(where)
    if where == "signature":
        return replace(draft, signature=_flipped(raw, len(raw) // 2))
    places = (i for i in range(len(raw) - 1, -1, -1) if _harmless(raw, _flipped(raw, i)))
    return _keep_signature(draft, _with_bytes(draft, where, _flipped(raw, next(places, len(raw) // 2))))


def _flipped(data: bytes, index: int) -> bytes:
    return data[:index] + bytes([data[index] ^ 1]) + data[index + 1 :]


def _harmless(before: bytes, after: bytes) -> bool:
    try:
        old, new = json.loads(before), json.loads(after)
    except ValueError:
        return False
    if not isinstance(old, dict) or not isinstance(new, dict):
        return False
    return old.keys() == new.keys() and all(
        write_json(old.get(m)) == write_json(new.get(m)) for m in _TELLING
    )
