"""Forgeries of RSA signatures: integers out of range, wrong paddings (SIG-010 to SIG-012).

The wrong paddings are signed truly by the raw private operation, so that only the padding is at fault.
"""

# ruff: noqa: D401 - the first sentence of an entry says what is false, and is shown to people

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from msgspec.structs import replace

from mock_idp.draft import Draft
from mock_idp.forgeries.arguments import choice
from mock_idp.forgeries.registry import ForgeContext, ForgeryError, forgery
from mock_idp.forgeries.signatures import redrawn
from mock_idp.pss import encoded_message, longest_salt

_OIDS = {
    "sha1": bytes.fromhex("06052b0e03021a"),
    "sha256": bytes.fromhex("0609608648016503040201"),
    "sha384": bytes.fromhex("0609608648016503040202"),
    "sha512": bytes.fromhex("0609608648016503040203"),
}
_NULL = b"\x05\x00"


def _der(tag: int, content: bytes, *, ber: bool = False) -> bytes:
    length = bytes([0x81, len(content)]) if ber else bytes([len(content)])
    return bytes([tag]) + length + content


def _digest_info(data: bytes, name: str, parameters: bytes = _NULL, *, ber: bool = False) -> bytes:
    digest = hashlib.new(name, data, usedforsecurity=False).digest()
    return _der(0x30, _der(0x30, _OIDS[name] + parameters) + _der(0x04, digest), ber=ber)


def _padded(info: bytes, width: int) -> bytes:
    return b"\x00\x01" + b"\xff" * (width - len(info) - 3) + b"\x00" + info


def _short_padded(info: bytes, width: int) -> bytes:
    return (b"\x00\x01" + b"\xff" * 8 + b"\x00" + info).rjust(width, b"\x00")


def _garbage_after(info: bytes, width: int) -> bytes:
    return (b"\x00\x01" + b"\xff" * 8 + b"\x00" + info).ljust(width, b"\x5a")


_ENCODED: Mapping[str, Callable[[bytes, str, int], bytes]] = {
    "pkcs1_no_null": lambda data, name, width: _padded(_digest_info(data, name, b""), width),
    "pkcs1_ber_length": lambda data, name, width: _padded(_digest_info(data, name, ber=True), width),
    "pkcs1_sha1": lambda data, _name, width: _padded(_digest_info(data, "sha1"), width),
    "pkcs1_garbage_parameters": lambda data, name, width: _padded(
        _digest_info(data, name, _der(0x04, b"\x5a" * 32)), width
    ),
    "pkcs1_garbage_after": lambda data, name, width: _garbage_after(_digest_info(data, name), width),
    "pkcs1_short_padding": lambda data, name, width: _short_padded(_digest_info(data, name), width),
    "pkcs1_block_type_2": lambda data, name, width: (
        b"\x00\x02" + _padded(_digest_info(data, name), width)[2:]
    ),
}
"""EMSA-PKCS1-v1_5 gone wrong (RFC 8017 section 9.2, SIG-011), signed truly by the raw private operation."""

_INTEGERS: Mapping[str, Callable[[int], int]] = {
    "zero": lambda _n: 0,
    "one": lambda _n: 1,
    "n_minus_one": lambda n: n - 1,
}


def _plus_n(draft: Draft, n: int, width: int) -> Draft:
    for candidate in redrawn(draft):
        value = int.from_bytes(candidate.raw("signature"), "big") + n
        if value.bit_length() <= 8 * width:
            return replace(candidate, signature=value.to_bytes(width, "big"))
    raise ForgeryError("no signature s was found for which s + n has the length of n")


def _first_byte_zero(draft: Draft, _n: int, _width: int) -> Draft:
    for candidate in redrawn(draft):
        raw = candidate.raw("signature")
        if raw[0] == 0:
            return replace(candidate, signature=raw)
    raise ForgeryError("no signature with a leading zero byte was found")


def _zero_removed(draft: Draft, n: int, width: int) -> Draft:
    found = _first_byte_zero(draft, n, width)
    return replace(found, signature=found.raw("signature")[1:])


_REDRAWN: Mapping[str, Callable[[Draft, int, int], Draft]] = {
    "plus_n": _plus_n,
    "first_byte_zero": _first_byte_zero,
    "zero_removed": _zero_removed,
    "leading_zero": lambda draft, _n, _width: replace(draft, signature=b"\x00" + draft.raw("signature")),
}


@forgery("rsa_signature", rules=("SIG-011", "SIG-012", "KEY-016"), advisories=("CVE-2020-13757",))
def rsa_signature(draft: Draft, arg: Any, _context: ForgeContext) -> Draft:
    """An RSA signature whose integer, length or PKCS #1 encoding is wrong.

    Argument: `plus_n`, `leading_zero`, `zero_removed`, `zero`, `one`, `n_minus_one`, `first_byte_zero` (which
    is valid), or `pkcs1_no_null`, `pkcs1_ber_length`, `pkcs1_sha1`, `pkcs1_garbage_parameters`,
    `pkcs1_garbage_after`, `pkcs1_short_padding`, `pkcs1_block_type_2`, or `encoded_message`: the padded hash
    itself, made without any private key, which every key with the public exponent 1 verifies (KEY-016).
    """
    private = _rsa_private(draft, "rsa_signature")
    n, width = private.public_key().public_numbers().n, private.key_size // 8
    choice(arg, {**_REDRAWN, **_INTEGERS, **_ENCODED, "encoded_message": None})
    if arg in _REDRAWN:
        return _REDRAWN[arg](draft, n, width)
    if arg in _INTEGERS:
        return replace(draft, signature=_INTEGERS[arg](n).to_bytes(width, "big"))
    data, digest = draft.signing_input(), f"sha{draft.alg[2:]}"
    if arg == "encoded_message":
        return replace(draft, signature=_padded(_digest_info(data, digest), width))
    return replace(draft, signature=draft.key.sign_encoded(_ENCODED[arg](data, digest, width)))


def _rsa_private(draft: Draft, name: str) -> rsa.RSAPrivateKey:
    if not isinstance(draft.key.private, rsa.RSAPrivateKey):
        raise ForgeryError(f"{name} needs an RSA key, and this token is signed with {draft.alg}")
    return draft.key.private


_PSS: Mapping[str, Callable[[rsa.RSAPrivateKey, str], tuple[int, str]]] = {
    "zero": lambda _private, digest: (0, digest),
    "max": lambda private, digest: (longest_salt(private, digest), digest),
    "other": lambda _private, digest: (20, digest),
    "mgf1_sha1": lambda _private, digest: (hashlib.new(digest).digest_size, "sha1"),
}
"""The length of the salt (bytes), and the hash of the mask."""


@forgery("pss_salt", rules=("SIG-010",))
def pss_salt(draft: Draft, arg: Any, _context: ForgeContext) -> Draft:
    """A PSS signature by the true key with a salt of the wrong length, or with MGF1 over SHA-1.

    Argument: `zero`, `max`, `other` (20 bytes) or `mgf1_sha1`. The salt follows from what is signed.
    """
    private = _rsa_private(draft, "pss_salt")
    if not draft.alg.startswith("PS"):
        raise ForgeryError(f"pss_salt needs a PS* token, and this one is signed with {draft.alg}")
    digest = f"sha{draft.alg[2:]}"
    salt_bytes, mgf = choice(arg, _PSS)(private, digest)
    encoded = encoded_message(private, draft.signing_input(), digest, salt_bytes=salt_bytes, mgf=mgf)
    return replace(draft, signature=draft.key.sign_encoded(encoded))
