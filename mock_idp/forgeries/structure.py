"""Forgeries of the token's shape: segments, other serialisations, encryption, nesting, critical extensions."""

# ruff: noqa: D401 - the first sentence of an entry says what is false, and is shown to people

import hashlib
import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mock_idp.draft import Draft, compact, write_json
from mock_idp.forgeries.arguments import choice, fields, long_form
from mock_idp.forgeries.registry import ForgeContext, ForgeryError, forgery, text_forgery
from mock_idp.keys import b64url

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


def _general(h: str, p: str, s: str) -> str:
    other = b64url(bytes(64))
    pair = [{"protected": h, "signature": other}, {"protected": h, "signature": s}]
    return write_json({"payload": p, "signatures": pair})


@text_forgery("json_serialisation", rules=("FMT-019",))
def json_serialisation(token: str, arg: Any, _context: ForgeContext) -> str:
    """The token in a JSON serialisation: `flattened` (default), or `general` with a bad signature beside the good one."""
    forms = {"flattened": _flattened, "general": _general}
    return choice(arg, forms, "flattened")(*_parts(token))


@forgery("polyglot", rules=("FMT-019",), advisories=("CVE-2022-39227",))
def polyglot(draft: Draft, arg: Any, _context: ForgeContext) -> str:
    """A true JSON serialisation that read as a compact token shows other claims; the argument maps those claims."""
    if not isinstance(arg, Mapping):
        raise ForgeryError(f"needs the claims to show, not {arg!r}")
    h, p, s = _parts(draft.token())
    shown = b64url(write_json({**draft.claims, **arg}).encode())
    return f'{{"  {h}.{shown}.":"","protected":"{h}","payload":"{p}","signature":"{s}"}}'


@forgery("nested", rules=("FMT-020",))
def nested(draft: Draft, arg: Any, _context: ForgeContext) -> Draft:
    """The payload is itself a token: unsecured (`none`, default) or truly signed (`honest`)."""
    inner: Mapping[str, Callable[[], str]] = {
        "none": lambda: compact({"alg": "none"}, draft.raw("payload"), b""),
        "honest": draft.token,
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


# JWE
# -----------------------------------------------------------------------------------------------------------------


def _mask(seed: bytes, size: int) -> bytes:
    blocks = (
        hashlib.sha1(seed + i.to_bytes(4, "big"), usedforsecurity=False).digest()
        for i in range(size // 20 + 1)
    )
    return b"".join(blocks)[:size]


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def _rsa_oaep(public: rsa.RSAPublicKey, message: bytes, random: Random) -> bytes:
    # RFC 8017 section 7.1.1, by hand because the library's is salted from the system and differs on every
    # run.
    width = public.key_size // 8
    empty_label = hashlib.sha1(b"", usedforsecurity=False).digest()
    block = empty_label + bytes(width - len(message) - 42) + b"\x01" + message
    seed = random.randbytes(20)
    masked = _xor(block, _mask(seed, len(block)))
    encoded = b"\x00" + _xor(seed, _mask(masked, 20)) + masked
    numbers = public.public_numbers()
    return pow(int.from_bytes(encoded, "big"), numbers.e, numbers.n).to_bytes(width, "big")


def _to_public_key(context: ForgeContext, key: bytes, random: Random) -> bytes:
    public = context.trusted.private.public_key()
    if not isinstance(public, rsa.RSAPublicKey):
        raise ForgeryError(f"RSA-OAEP needs an RSA key, and the trusted key is for {context.trusted.alg}")
    return _rsa_oaep(public, key, random)


_Wrap = Callable[[ForgeContext, bytes, Random], bytes]
_JWE: Mapping[str, tuple[Mapping[str, Any], _Wrap]] = {
    "RSA-OAEP": ({}, _to_public_key),
    "dir": ({}, lambda _context, _key, _random: b""),
    "PBES2-HS256+A128KW": (
        {"p2s": b64url(bytes(16)), "p2c": 2**31 - 1},
        lambda _context, _key, random: random.randbytes(24),
    ),
}


@forgery("jwe", rules=("FMT-017", "FMT-018"), advisories=("CVE-2022-3102",))
def jwe(draft: Draft, arg: Any, context: ForgeContext) -> str:
    """An encrypted token of five parts, which proves nothing of who made it.

    Argument: `RSA-OAEP` (default; to the trusted public key), `dir` or `PBES2-HS256+A128KW` (two thousand
    million rounds), or `{alg, inner: claims | none, zip: false}`; inner `none` is an unsecured token, `zip`
    compresses a bomb of 10 MB.
    """
    options = long_form(arg, "alg", "inner", "zip")
    alg = options.get("alg", "RSA-OAEP")
    members, wrap = choice(alg, _JWE)
    random = context.random("jwe")
    key, iv = random.randbytes(16), random.randbytes(12)
    header = {"alg": alg, "enc": "A128GCM", "kid": draft.header.get("kid"), **members}
    plain, more = _inner(draft, options)
    protected = b64url(write_json({**header, **more}).encode())
    sealed = AESGCM(key).encrypt(iv, plain, protected.encode())
    parts = (wrap(context, key, random), iv, sealed[:-16], sealed[-16:])
    return ".".join((protected, *map(b64url, parts)))


def _inner(draft: Draft, options: Mapping[str, Any]) -> tuple[bytes, dict[str, str]]:
    forms: Mapping[str, Callable[[], tuple[bytes, dict[str, str]]]] = {
        "claims": lambda: (draft.raw("payload"), {}),
        "none": lambda: (compact({"alg": "none"}, draft.raw("payload"), b"").encode(), {"cty": "JWT"}),
    }
    plain, members = choice(options.get("inner"), forms, "claims")()
    if not options.get("zip", False):
        return plain, members
    packer = zlib.compressobj(wbits=-15)
    bomb = json.loads(draft.payload_text()) | {"x_bomb": "x" * 10_000_000}
    return packer.compress(write_json(bomb).encode()) + packer.flush(), {**members, "zip": "DEF"}
