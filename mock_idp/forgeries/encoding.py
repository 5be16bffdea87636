"""Forgeries of the text around the bytes: base64url, whitespace, look-alike characters.

Header and payload that are changed here are signed as they will be sent, so that a verifier that decodes
leniently finds a true signature and has only the spelling to object to. With `signed: false` the signature is
made over the honest spelling, which catches a verifier that cleans the text before it checks.
"""

# ruff: noqa: D401 - the first sentence of an entry says what is false, and is shown to people

import base64
from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from mock_idp.draft import Draft, Segment
from mock_idp.forgeries.arguments import choice, fields, long_form, segment, text
from mock_idp.forgeries.registry import ForgeContext, ForgeryError, forgery, text_forgery
from mock_idp.forgeries.signatures import redrawn

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_FILLER = "x_filler"
"""A member that no rule knows, so that verifiers ignore it (FMT-022)."""


def _respell(draft: Draft, where: Segment, spell: Callable[[str], str], *, signed: bool = True) -> Draft:
    new = spell(draft.segment(where))
    if where == "signature":
        return replace(draft, signature_segment=new)
    kept = draft.signature if signed else draft.raw("signature")
    if where == "header":
        return replace(draft, header_segment=new, signature=kept)
    return replace(draft, payload_segment=new, signature=kept)


def _options(arg: Any, *more: str) -> tuple[Segment, bool, Mapping[str, Any]]:
    options = long_form(arg, "segment", "signed", *more)
    signed = options.get("signed", True)
    if not isinstance(signed, bool):
        raise ForgeryError(f"signed is true or false, not {signed!r}")
    return segment(options.get("segment"), "payload"), signed, options


def _filled(draft: Draft, where: Segment, filler: str) -> Draft:
    return draft.with_header({_FILLER: filler}) if where == "header" else draft.with_claims({_FILLER: filler})


@forgery("padding", rules=("FMT-002",))
def pad(draft: Draft, arg: Any, _context: ForgeContext) -> Draft:
    """A segment is padded with `=`, as base64 is and base64url in a JWS is not.

    Argument: the segment (payload by default), or `{segment, text: "=", signed}`; the text may spell it `%3D`.
    """
    where, signed, options = _options(arg, "text")
    sign = text(options.get("text", "="), "the padding")
    draft = _ensure(draft, where, lambda candidate: len(candidate.segment(where)) % 4 != 0)
    return _respell(draft, where, lambda t: t + sign * (-len(t) % 4 or 1), signed=signed)


def _ensure(draft: Draft, where: Segment, fits: Callable[[Draft], bool]) -> Draft:
    if fits(draft) or where == "signature":
        return draft
    return next(d for d in (_filled(draft, where, "x" * n) for n in range(4)) if fits(d))


@forgery("alphabet", rules=("FMT-003",))
def alphabet(draft: Draft, arg: Any, _context: ForgeContext) -> Draft:
    """A segment is written in the alphabet of plain base64, with `+` and `/` in place of `-` and `_`.

    Argument: the segment (payload by default), or `{segment, signed}`. What makes such a character appear is
    added where the honest segment has none: an unknown member, or for the signature another jti.
    """
    where, signed, _ = _options(arg)
    if where == "signature":
        draft = next((d for d in redrawn(draft) if set(d.segment(where)) & set("-_")), draft)
    elif not set(draft.segment(where)) & set("-_"):
        draft = _filled(draft, where, "???")  # three in a row: one of them ends a group of 24 bits
    return _respell(draft, where, lambda t: t.replace("-", "+").replace("_", "/"), signed=signed)


def _inserted(what: str) -> Callable[[str], str]:
    return lambda t: t[: len(t) // 2] + what + t[len(t) // 2 :]


@forgery("junk", rules=("FMT-003",))
def junk(draft: Draft, arg: Any, _context: ForgeContext) -> Draft:
    """A character of no alphabet stands in the middle of a segment.

    Argument: the segment (payload by default), or `{segment, text: "*", signed}`.
    """
    where, signed, options = _options(arg, "text")
    return _respell(draft, where, _inserted(text(options.get("text", "*"), "the junk")), signed=signed)


@forgery("dangling_character", rules=("FMT-003",))
def dangling_character(draft: Draft, arg: Any, _context: ForgeContext) -> Draft:
    """A segment ends with a character that is part of no byte, so that its length is one that base64url never has.

    Argument: the segment (payload by default), or `{segment, signed}`. Header and payload decode as they did, where
    the last character is ignored; so does a signature of whole groups of three bytes (ES384, ES512).
    """
    where, signed, _ = _options(arg)
    draft = _ensure(draft, where, lambda candidate: len(candidate.segment(where)) % 4 == 0)
    return _respell(draft, where, lambda t: t + "A" * ((1 - len(t)) % 4), signed=signed)


@forgery("whitespace", rules=("FMT-004",))
def whitespace(draft: Draft, arg: Any, _context: ForgeContext) -> Draft:
    """Whitespace or a line break stands in the middle of a segment.

    Argument: the segment (payload by default), or `{segment, text: " ", signed}`.
    """
    where, signed, options = _options(arg, "text")
    return _respell(draft, where, _inserted(text(options.get("text", " "), "the whitespace")), signed=signed)


@forgery("noncanonical", rules=("FMT-005",))
def noncanonical(draft: Draft, arg: Any, _context: ForgeContext) -> Draft:
    """The unused bits of a segment's last character are not zero, so the same bytes have another spelling.

    Argument: the segment (signature by default), or `{segment, signed}`.
    """
    where, signed, options = _options(arg)
    where = where if "segment" in options else "signature"
    draft = _ensure(draft, where, lambda candidate: len(candidate.segment(where)) % 4 != 0)
    if len(draft.segment(where)) % 4 == 0:
        raise ForgeryError(f"the {where} of this token has no unused bits")
    return _respell(draft, where, lambda t: t[:-1] + _ALPHABET[_ALPHABET.index(t[-1]) | 1], signed=signed)


@forgery("raw_byte", rules=("FMT-003",))
def raw_byte(draft: Draft, arg: Any, _context: ForgeContext) -> bytes:
    """A byte that is no ASCII stands in the middle of a segment, and the credential is no text any more.

    Argument: the segment (payload by default), or `{segment, byte: 255}`.
    """
    options = long_form(arg, "segment", "byte")
    where, value = segment(options.get("segment"), "payload"), options.get("byte", 0xFF)
    if not isinstance(value, int) or not 0x80 <= value <= 0xFF:
        raise ForgeryError(f"byte is a number from 128 to 255, not {value!r}")
    before, _, after = _respell(draft, where, _inserted("*")).token().partition("*")
    return before.encode() + bytes([value]) + after.encode()


@text_forgery("outer_whitespace", rules=("FMT-004",))
def outer_whitespace(token: str, arg: Any, _context: ForgeContext) -> str:
    """Whitespace stands around the token; the argument is `{before, after}`, each text."""
    options = fields(arg, optional=("before", "after"))
    return text(options.get("before", ""), "before") + token + text(options.get("after", ""), "after")


@text_forgery("wrapped", rules=("FMT-004",))
def wrapped(token: str, arg: Any, _context: ForgeContext) -> str:
    """The token is broken into lines of 76 characters, as MIME does; the argument is the break (CR LF)."""
    end = "\r\n" if arg is None else text(arg, "the line break")
    return end.join(token[i : i + 76] for i in range(0, len(token), 76))


_AGAIN: Mapping[str, Callable[[str], str]] = {
    "percent": lambda token: "".join(f"%{byte:02X}" for byte in token.encode()),
    "percent_dot": lambda token: token.replace(".", "%2E"),
    "base64": lambda token: base64.b64encode(token.encode()).decode(),
    "lookalike_dot": lambda token: token.replace(".", "\uff0e"),
    "one_dot_leader": lambda token: token.replace(".", "\u2024"),
}


@text_forgery("encoded_again", rules=("FMT-024",))
def encoded_again(token: str, arg: Any, _context: ForgeContext) -> str:
    """The whole token, or its dots, are encoded once more.

    Argument: `percent`, `percent_dot`, `base64`, `lookalike_dot` (U+FF0E) or `one_dot_leader` (U+2024).
    """
    return choice(arg, _AGAIN)(token)
