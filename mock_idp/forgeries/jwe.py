"""Forgeries by encryption: a JWE where a signed token belongs (FMT-017, FMT-018)."""

# ruff: noqa: D401 - the first sentence of an entry says what is false, and is shown to people

import hashlib
import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mock_idp.draft import Draft, compact, write_json
from mock_idp.forgeries.arguments import choice, long_form
from mock_idp.forgeries.registry import ForgeContext, ForgeryError, forgery
from mock_idp.keys import b64url


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


@dataclass(frozen=True, slots=True)
class _Sealed:
    """How the receiver gets the content key."""

    key: bytes
    encrypted_key: bytes = b""
    members: Mapping[str, Any] = field(default_factory=dict)
    """What the header says besides `alg`, `enc` and `kid`."""


def _agreed(context: ForgeContext, _key: bytes, random: Random) -> _Sealed:
    # RFC 7518 section 4.6: the key itself comes of the agreement (Concat KDF, one round, no party info).
    public = context.trusted.private.public_key()
    if not isinstance(public, ec.EllipticCurvePublicKey):
        raise ForgeryError(f"ECDH-ES needs an EC key, and the trusted key is for {context.trusted.alg}")
    ephemeral = ec.derive_private_key(random.getrandbits(250) + 1, public.curve)
    shared = ephemeral.exchange(ec.ECDH(), public)
    name = _ENC.encode()
    info = len(name).to_bytes(4, "big") + name + bytes(8) + (128).to_bytes(4, "big")
    key = hashlib.sha256((1).to_bytes(4, "big") + shared + info).digest()[:16]
    return _Sealed(key, members={"epk": _public_point(ephemeral.public_key(), context.jwk["crv"])})


def _public_point(public: ec.EllipticCurvePublicKey, crv: str) -> dict[str, str]:
    numbers, width = public.public_numbers(), (public.curve.key_size + 7) // 8
    x, y = (b64url(value.to_bytes(width, "big")) for value in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": crv, "x": x, "y": y}


_ENC = "A128GCM"
_JWE: Mapping[str, Callable[[ForgeContext, bytes, Random], _Sealed]] = {
    "RSA-OAEP": lambda context, key, random: _Sealed(key, _to_public_key(context, key, random)),
    "ECDH-ES": _agreed,
    "dir": lambda _context, key, _random: _Sealed(key),
    "PBES2-HS256+A128KW": lambda _context, key, random: _Sealed(
        key, random.randbytes(24), {"p2s": b64url(bytes(16)), "p2c": 2**31 - 1}
    ),
}


@forgery("jwe", rules=("FMT-017", "FMT-018"), advisories=("CVE-2022-3102",))
def jwe(draft: Draft, arg: Any, context: ForgeContext) -> str:
    """An encrypted token of five parts, which proves nothing of who made it.

    Argument: `RSA-OAEP` (default) or `ECDH-ES` (both to the trusted public key), `dir` or `PBES2-HS256+A128KW`
    (two thousand million rounds), or `{alg, inner: claims | none, zip: false}`; inner `none` is an unsecured token,
    `zip` compresses a bomb of 10 MB.
    """
    options = long_form(arg, "alg", "inner", "zip")
    alg = options.get("alg", "RSA-OAEP")
    seal, random = choice(alg, _JWE), context.random("jwe")
    key, iv = random.randbytes(16), random.randbytes(12)
    how = seal(context, key, random)
    plain, more = _inner(draft, options)
    header = {"alg": alg, "enc": _ENC, "kid": draft.header.get("kid"), **how.members, **more}
    protected = b64url(write_json(header).encode())
    sealed = AESGCM(how.key).encrypt(iv, plain, protected.encode())
    parts = (how.encrypted_key, iv, sealed[:-16], sealed[-16:])
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
