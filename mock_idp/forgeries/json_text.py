"""Forgeries of the JSON in header and payload, all truly signed: encodings, duplicates, odd texts."""

# ruff: noqa: D401 - the first sentence of an entry says what is false, and is shown to people

import itertools
import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from mock_idp.draft import Draft, RawJSON, Segment, write_json
from mock_idp.forgeries.arguments import (
    JSON_SEGMENTS,
    MAX_MEMBERS,
    choice,
    fields,
    long_form,
    segment,
    size,
    text,
)
from mock_idp.forgeries.registry import ForgeContext, forgery

_MARK = "\ue000"
"""A private-use character that no honest token holds, where other bytes will stand."""


def _put(draft: Draft, where: Segment, data: bytes) -> Draft:
    return replace(draft, header_bytes=data) if where == "header" else replace(draft, payload_bytes=data)


def _with_member(draft: Draft, where: Segment, name: str, value: Any) -> Draft:
    return draft.with_header({name: value}) if where == "header" else draft.with_claims({name: value})


@forgery("bom", rules=("FMT-012",))
def bom(draft: Draft, arg: Any, _context: ForgeContext) -> Draft:
    """The JSON of header or payload (default) starts with a UTF-8 byte order mark."""
    where = segment(arg, "payload", JSON_SEGMENTS)
    return _put(draft, where, b"\xef\xbb\xbf" + draft.raw(where))


_WIDE = {name: name for name in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be")}


@forgery("utf16", rules=("FMT-012",))
def utf16(draft: Draft, arg: Any, _context: ForgeContext) -> Draft:
    """The JSON of header or payload is written in UTF-16 or UTF-32.

    Argument: the segment (payload by default), or `{segment, encoding: utf-16-le}`; `utf-16` and `utf-32`
    have a byte order mark, the names with an ending have none.
    """
    options = long_form(arg, "segment", "encoding")
    where = segment(options.get("segment"), "payload", JSON_SEGMENTS)
    encoding = choice(options.get("encoding"), _WIDE, "utf-16-le")
    if encoding in {"utf-16", "utf-32"}:  # the same bytes on every machine
        return _put(draft, where, ("\ufeff" + draft.raw(where).decode()).encode(f"{encoding}-le"))
    return _put(draft, where, draft.raw(where).decode().encode(encoding))


_BAD_UTF8 = {
    "ff": b"\xff",
    "overlong": b"\xc0\xaf",
    "surrogate": b"\xed\xa0\x80",
    "latin1": b"\xe9",
    "truncated": b"\xe2\x82",
}


@forgery("bad_utf8", rules=("FMT-010",))
def bad_utf8(draft: Draft, arg: Any, _context: ForgeContext) -> Draft:
    """A text in header or payload ends with bytes that are no UTF-8.

    Argument: the segment (payload by default), or `{segment, member, sequence: ff | overlong | surrogate |
    latin1 | truncated}`. The bytes are put behind the text of `member`, an unknown one by default.
    """
    options = long_form(arg, "segment", "member", "sequence")
    where = segment(options.get("segment"), "payload", JSON_SEGMENTS)
    sequence = choice(options.get("sequence"), _BAD_UTF8, "ff")
    name = text(options.get("member", "x_text"), "the member")
    before = (draft.header if where == "header" else draft.claims).get(name, "")
    draft = _with_member(draft, where, name, f"{before}{_MARK}")
    return _put(draft, where, draft.raw(where).replace(_MARK.encode(), sequence))


def _doubled(draft: Draft, where: Segment, arg: Any) -> Draft:
    options = fields(arg, needed=("member", "value"), optional=("place", "spelling"))
    member = text(options["member"], "the member")
    # The spelling goes into the JSON verbatim, so that an escaped twin stays one (`a\u006cg`).
    name = f'"{text(options["spelling"], "the spelling")}"' if "spelling" in options else write_json(member)
    twin = f"{name}:{write_json(options['value'])}"
    inside = draft.raw(where).decode()[1:-1]
    places: Mapping[str, Callable[[], str]] = {
        "first": lambda: ",".join(filter(None, (twin, inside))),
        "last": lambda: ",".join(filter(None, (inside, twin))),
    }
    return _put(draft, where, f"{{{choice(options.get('place'), places, 'last')()}}}".encode())


@forgery("duplicate_header", rules=("FMT-008",))
def duplicate_header(draft: Draft, arg: Any, _context: ForgeContext) -> Draft:
    """A header member stands twice; the argument is `{member, value, place: first | last, spelling}`.

    The given value stands before or behind (default) all honest members; `spelling` writes the twin's name
    with escapes.
    """
    return _doubled(draft, "header", arg)


@forgery("duplicate_claim", rules=("FMT-009",))
def duplicate_claim(draft: Draft, arg: Any, _context: ForgeContext) -> Draft:
    """A claim stands twice; the argument is `{member, value, place: first | last, spelling}`.

    The given value stands before or behind (default) all honest claims; `spelling` writes the twin's name
    with escapes.
    """
    return _doubled(draft, "payload", arg)


def _template(draft: Draft, where: Segment, arg: Any) -> Draft:
    honest = draft.raw(where).decode()
    name = "header" if where == "header" else "claims"
    filled = text(arg, "the template").replace(f"{{{name}_open}}", honest.removesuffix("}"))
    # A lone surrogate can come from a table's escape; it stays what it is in bytes too.
    return _put(draft, where, filled.replace(f"{{{name}}}", honest).encode("utf-8", "surrogatepass"))


@forgery("header_text", rules=("FMT-006", "FMT-008", "FMT-013", "FMT-021"))
def header_text(draft: Draft, arg: Any, _context: ForgeContext) -> Draft:
    """The header is the given text, verbatim and truly signed.

    `{header}` in it stands for the honest JSON, `{header_open}` for the same without its last brace.
    """
    return _template(draft, "header", arg)


@forgery("payload_text", rules=("FMT-007", "FMT-009", "FMT-013", "FMT-021"))
def payload_text(draft: Draft, arg: Any, _context: ForgeContext) -> Draft:
    """The payload is the given text, verbatim and truly signed.

    `{claims}` in it stands for the honest JSON, `{claims_open}` for the same without its last brace.
    """
    return _template(draft, "payload", arg)


@forgery("trailing_text", rules=("FMT-006", "FMT-007", "FMT-013"))
def trailing_text(draft: Draft, arg: Any, _context: ForgeContext) -> Draft:
    """Text follows the JSON object of header or payload.

    Argument: the segment (payload by default), or `{segment, text: "{}"}`.
    """
    options = long_form(arg, "segment", "text")
    where = segment(options.get("segment"), "payload", JSON_SEGMENTS)
    return _put(
        draft, where, draft.raw(where) + text(options.get("text", "{}"), "the trailing text").encode()
    )


@forgery("not_an_object", rules=("FMT-006", "FMT-007"))
def not_an_object(draft: Draft, arg: Any, _context: ForgeContext) -> Draft:
    """The header or payload is no JSON object.

    Argument: the segment (payload by default), or `{segment, text: "[]"}`.
    """
    options = long_form(arg, "segment", "text")
    where = segment(options.get("segment"), "payload", JSON_SEGMENTS)
    return _put(draft, where, text(options.get("text", "[]"), "the JSON text").encode())


@forgery(
    "claim_as_raw",
    rules=("FMT-011", "FMT-013", "FMT-025", "CLM-002", "CLM-013"),
    advisories=("CVE-2024-53861", "CVE-2026-25537"),
)
def claim_as_raw(draft: Draft, arg: Any, _context: ForgeContext) -> Draft:
    """A claim's value is the given JSON text, verbatim; the argument is `{member, json}`."""
    options = fields(arg, needed=("member", "json"))
    return draft.with_claims({text(options["member"], "the member"): RawJSON(text(options["json"], "json"))})


_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')


def _escaped(honest: str) -> str:
    def escape(found: re.Match[str]) -> str:
        inside = found[1]
        if "\\" in inside or max(inside, default="") > "\uffff":
            return found[0]
        return '"' + "".join(f"\\u{ord(c):04x}" for c in inside) + '"'

    return _STRING.sub(escape, honest)


_LAYOUTS: Mapping[str, Callable[[str], str]] = {
    "spaces": lambda honest: json.dumps(json.loads(honest), separators=(" , ", " : ")),
    "newlines": lambda honest: json.dumps(json.loads(honest), indent=2).replace("\n", "\r\n"),
    "reversed": lambda honest: write_json(dict(reversed(json.loads(honest).items()))),
    "escaped": _escaped,
}


@forgery("layout", rules=("SIG-029", "FMT-021"))
def layout(draft: Draft, arg: Any, _context: ForgeContext) -> Draft:
    """A true token whose JSON is laid out unusually.

    Argument: `spaces`, `newlines`, `reversed` or `escaped`.
    """
    lay = choice(arg, _LAYOUTS)
    for where in JSON_SEGMENTS:
        draft = _put(draft, where, lay(draft.raw(where).decode()).encode())
    return draft


@forgery("deep_nesting", rules=("FMT-014",))
def deep_nesting(draft: Draft, arg: Any, _context: ForgeContext) -> Draft:
    """An unknown member holds arrays nested very deeply.

    Argument: `{where: header | payload, depth: 10000}`, each with its default (payload).
    """
    options = long_form(arg, "where", "depth")
    depth = size(options.get("depth", 10_000), "depth")
    where = segment(options.get("where"), "payload", JSON_SEGMENTS)
    return _with_member(draft, where, "x_deep", RawJSON("[" * depth + "]" * depth))


def _plain(count: int) -> Iterable[str]:
    return map("x_{}".format, range(count))


def _colliding(count: int) -> Iterable[str]:
    # `Aa` and `BB` have one hash, and so has every row of so many of them.
    return itertools.islice(
        map("".join, itertools.product(("Aa", "BB"), repeat=MAX_MEMBERS.bit_length())), count
    )


_NAMES: Mapping[str, Callable[[int], Iterable[str]]] = {"plain": _plain, "colliding": _colliding}


@forgery("many_members", rules=("FMT-014",))
def many_members(draft: Draft, arg: Any, _context: ForgeContext) -> Draft:
    """Header or payload has very many unknown members.

    Argument: `{where: header | payload, count: 100000, names: plain | colliding}`, each with its default (payload,
    plain). Colliding names all have one hash where a hash is 31 times the last one plus the next character, as
    Java's `String.hashCode` is.
    """
    options = long_form(arg, "where", "count", "names")
    count = size(options.get("count", 100_000), "count", MAX_MEMBERS)
    where = segment(options.get("where"), "payload", JSON_SEGMENTS)
    names = choice(options.get("names"), _NAMES, "plain")
    added = {name: number for number, name in enumerate(names(count))}
    return draft.with_header(added) if where == "header" else draft.with_claims(added)


@forgery("huge", rules=("FMT-015", "FMT-016"), advisories=("CVE-2025-61920", "CVE-2025-65015"))
def huge(draft: Draft, arg: Any, _context: ForgeContext) -> Draft:
    """The token is about so many bytes long.

    Argument: the number of bytes (1,000,000), or `{bytes, where: header | payload}`.
    """
    options = long_form(arg, "bytes", "where")
    wanted = size(options.get("bytes", 1_000_000), "bytes")
    where = segment(options.get("where"), "payload", JSON_SEGMENTS)
    missing = max(0, (wanted - len(draft.token())) * 3 // 4)
    return _with_member(draft, where, "x_huge", "x" * missing)
