"""Forgeries of the token's shape: segments, serialisations, nesting, critical extensions."""

# ruff: noqa: D401 - the first sentence of an entry says what is false, and is shown to people

import zlib
from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from mock_idp.draft import Draft, compact, write_json
from mock_idp.forgeries.arguments import choice, fields, long_form
from mock_idp.forgeries.registry import ForgeContext, ForgeryError, forgery, text_forgery
from mock_idp.keys import b64url

_OTHER_ISSUER = "https://other-issuer.example"
_SHAPES: Mapping[str, Callable[[str, str, str], str]] = {
    "one": lambda h, _p, _s: h,
    "two": lambda h, p, _s: f"{h}.{p}",
    "four": lambda h, p, s: f"{h}.{p}.{s}.{s}",
    "five": lambda h, p, s: f"{h}.{p}.{s}.{p}.{s}",
    "six": lambda h, p, s: f"{h}.{p}.{s}.{h}.{p}.{s}",
    "leading_dot": lambda h, p, s: f".{h}.{p}.{s}",
    "trailing_dot": lambda h, p, s: f"{h}.{p}.{s}.",
    "detached": lambda h, _p, s: f"{h}..{s}",
    "no_header": lambda _h, p, s: f".{p}.{s}",
    "dots": lambda _h, _p, _s: "..",
    "only_dots": lambda _h, _p, _s: ".....",
    "empty": lambda _h, _p, _s: "",
}


def _parts(token: str) -> tuple[str, str, str]:
    parts = token.split(".")
    if len(parts) != 3:
        raise ForgeryError("needs a token of three segments")
    return parts[0], parts[1], parts[2]


@text_forgery("segments", rules=("FMT-001",))
def segments(token: str, arg: Any, _context: ForgeContext) -> str:
    """The token has not exactly three segments, or one of them is empty.

    Argument: `one`, `two`, `four`, `five`, `six`, `leading_dot`, `trailing_dot`, `detached`, `no_header`,
    `dots`, `only_dots` or `empty`.
    """
    return choice(arg, _SHAPES)(*_parts(token))


def _flattened(h: str, p: str, s: str) -> str:
    return write_json({"protected": h, "payload": p, "signature": s})


def _with_compact(h: str, p: str, s: str) -> str:
    return write_json({"protected": h, "payload": p, "signature": s, "x": f"{h}.{p}.{s}"})


def _general(h: str, p: str, s: str) -> str:
    other = b64url(bytes(64))
    pair = [{"protected": h, "signature": other}, {"protected": h, "signature": s}]
    return write_json({"payload": p, "signatures": pair})


@text_forgery("json_serialisation", rules=("FMT-019",))
def json_serialisation(token: str, arg: Any, _context: ForgeContext) -> str:
    """The token in a JSON serialisation.

    Argument: `flattened` (default), `with_compact`, which has the compact token in a member `x` besides, or
    `general` with a bad signature beside the good one.
    """
    forms = {"flattened": _flattened, "with_compact": _with_compact, "general": _general}
    return choice(arg, forms, "flattened")(*_parts(token))


@forgery("polyglot", rules=("FMT-019",), advisories=("CVE-2022-39227",))
def polyglot(draft: Draft, arg: Any, _context: ForgeContext) -> str:
    """A true JSON serialisation shows other claims when it is read as a compact token.

    Argument: a mapping of those claims.
    """
    if not isinstance(arg, Mapping):
        raise ForgeryError(f"needs the claims to show, not {arg!r}")
    h, p, s = _parts(draft.token())
    shown = b64url(write_json({**draft.claims, **arg}).encode())
    return f'{{"  {h}.{shown}.":"","protected":"{h}","payload":"{p}","signature":"{s}"}}'


@forgery("nested", rules=("FMT-020",))
def nested(draft: Draft, arg: Any, _context: ForgeContext) -> Draft:
    """The payload is itself a token: unsecured (`none`, default), truly signed (`honest`), or of `other_issuer`."""
    inner: Mapping[str, Callable[[], str]] = {
        "none": lambda: compact({"alg": "none"}, draft.raw("payload"), b""),
        "honest": draft.token,
        "other_issuer": lambda: draft.with_claims({"iss": _OTHER_ISSUER}).token(),
    }
    payload = choice(arg, inner, "none")().encode()
    return replace(draft.with_header({"cty": "JWT"}), payload_bytes=payload)


@forgery("crit", rules=("SIG-024", "SIG-025"), advisories=("CVE-2026-32597",))
def crit(draft: Draft, arg: Any, _context: ForgeContext) -> Draft:
    """The header has a crit; the argument is its value, or `{crit, header}` with further header members."""
    if isinstance(arg, Mapping):
        options = fields(arg, needed=("crit",), optional=("header",))
        return draft.with_header({**options.get("header", {}), "crit": options["crit"]})
    return draft.with_header({"crit": arg})


@forgery("b64_false", rules=("SIG-026",), advisories=("CVE-2026-48990",))
def b64_false(draft: Draft, arg: Any, _context: ForgeContext) -> Draft:
    r"""The header says `b64: false`, and the payload is raw or encoded, truly signed in that form (RFC 7797).

    Argument: `raw` (default) or `encoded`, or `{payload, crit: true}`; without crit the member `crit` is left
    out. A raw payload has its dots written as `\u002e`, so that the token keeps its three parts.
    """
    options = long_form(arg, "payload", "crit")
    names = {"crit": ["b64"]} if options.get("crit", True) else {}
    draft = draft.with_header({"b64": False, **names})
    forms: Mapping[str, str | None] = {"raw": draft.payload_text().replace(".", "\\u002e"), "encoded": None}
    return replace(draft, payload_segment=choice(options.get("payload"), forms, "raw"))


@forgery("zip_deflate", rules=("SIG-031",))
def zip_deflate(draft: Draft, _arg: Any, _context: ForgeContext) -> Draft:
    """The payload is compressed and the header says `zip: DEF`, which only JWE has."""
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(draft.raw("payload")) + packer.flush()
    return replace(draft.with_header({"zip": "DEF"}), payload_bytes=packed)
