"""Forgeries of the signature's bytes: cut, zeroed, out of range, in another encoding, or with another padding.

What needs the private key is made truly with it, so that only the fault in the sentence is left.
"""

# ruff: noqa: D401 - the first sentence of an entry says what is false, and is shown to people

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from mock_idp.draft import Draft
from mock_idp.forgeries.arguments import choice
from mock_idp.forgeries.registry import ForgeContext, ForgeryError, forgery
from mock_idp.keys import HASHES

_TRIES = 8192


def redrawn(draft: Draft) -> Iterator[Draft]:
    """Give the draft with other values of jti, for forgeries that need a signature of a certain shape."""
    for number in range(_TRIES):
        yield draft.with_claims({"jti": f"redrawn-{number}"}) if number else draft


def _other_token(draft: Draft) -> bytes:
    return draft.with_claims({"jti": "another-token"}).raw("signature")


_CUTS: Mapping[str, Callable[[bytes], bytes]] = {
    "empty": lambda _signature: b"",
    "drop_last_byte": lambda signature: signature[:-1],
    "drop_first_byte": lambda signature: signature[1:],
    "half": lambda signature: signature[: len(signature) // 2],
    "extra_byte": lambda signature: signature + b"\x00",
    "zero": lambda signature: bytes(len(signature)),
}


@forgery("signature", rules=("SIG-003", "SIG-001"))
def signature(draft: Draft, arg: Any, _context: ForgeContext) -> Draft:
    """The signature is empty, cut, too long, all zero, or that of another token by the same key.

    Argument: `empty`, `drop_last_byte`, `drop_first_byte`, `half`, `extra_byte`, `zero` or `other_token`.
    """
    other: Mapping[str, Callable[[bytes], bytes]] = {"other_token": lambda _signature: _other_token(draft)}
    return replace(draft, signature=choice(arg, {**_CUTS, **other})(draft.raw("signature")))


# ECDSA
# ---------------------------------------------------------------------------------------------------------------

_ORDERS = {
    "secp256r1": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    "secp384r1": int("F" * 48 + "C7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973", 16),
    "secp521r1": int(
        "1" + "F" * 65 + "A51868783BF2F966B7FCC0148F709A5D03BB5C9B8899C47AEBB6FB71E91386409", 16
    ),
}
_Pair = tuple[int, int]
_PAIRS: Mapping[str, Callable[[int, int, int], _Pair]] = {
    "zero": lambda _r, _s, _n: (0, 0),
    "r_zero": lambda _r, s, _n: (0, s),
    "s_zero": lambda r, _s, _n: (r, 0),
    "r_n": lambda _r, s, n: (n, s),
    "s_n": lambda r, _s, n: (r, n),
    "r_n_s_one": lambda _r, _s, n: (n, 1),
    "high_s": lambda r, s, n: (r, max(s, n - s)),
}
"""Pairs written at the curve's width (SIG-013); `high_s` is the other valid twin (SIG-016)."""

_ENCODINGS: Mapping[str, Callable[[int, int, int], bytes]] = {
    "der": lambda r, s, _width: encode_dss_signature(r, s),
    "short": lambda r, s, width: (_pair_bytes(r, s, width))[:-1],
    "long": lambda r, s, width: _pair_bytes(r, s, width + 1),
    "all_ff": lambda _r, _s, width: b"\xff" * (2 * width),
}


def _pair_bytes(r: int, s: int, width: int) -> bytes:
    return r.to_bytes(width, "big") + s.to_bytes(width, "big")


def _split(raw: bytes) -> _Pair:
    half = len(raw) // 2
    return int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big")


@forgery("ecdsa_signature", rules=("SIG-013", "SIG-014", "SIG-016"), advisories=("CVE-2022-21449",))
def ecdsa_signature(draft: Draft, arg: Any, _context: ForgeContext) -> Draft:
    """An ECDSA signature with r or s out of range, in another encoding, or as its high-s twin.

    Argument: `zero`, `r_zero`, `s_zero`, `r_n`, `s_n`, `r_n_s_one`, `all_ff`, `der`, `short`, `long`,
    `zero_trimmed` (an s with a leading zero byte, written without it) or `high_s`, which is valid.
    """
    private = draft.key.private
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise ForgeryError(f"ecdsa_signature needs an EC key, and this token is signed with {draft.alg}")
    width = draft.key.coordinate_bytes
    if arg == "zero_trimmed":
        return _zero_trimmed(draft, width)
    forms = {**_PAIRS, **_ENCODINGS}
    choice(arg, forms)
    r, s = _split(draft.raw("signature"))
    if arg in _PAIRS:
        return replace(draft, signature=_pair_bytes(*_PAIRS[arg](r, s, _ORDERS[private.curve.name]), width))
    return replace(draft, signature=_ENCODINGS[arg](r, s, width))


def _zero_trimmed(draft: Draft, width: int) -> Draft:
    for candidate in redrawn(draft):
        raw = candidate.raw("signature")
        if raw[width] == 0:
            return replace(candidate, signature=raw[:width] + raw[width + 1 :])
    raise ForgeryError("no signature with a leading zero byte was found")


# EdDSA
# ---------------------------------------------------------------------------------------------------------------

_L = 2**252 + 27742317777372353535851937790883648493
_IDENTITY_NOT_CANONICAL = (2**255 - 19 + 1).to_bytes(32, "little")
"""The neutral point with y = p + 1 in place of 1 (RFC 8032 section 5.1.3 has decoding fail)."""


def _s_plus_l(draft: Draft, _private: ed25519.Ed25519PrivateKey) -> bytes:
    raw = draft.raw("signature")
    return raw[:32] + (int.from_bytes(raw[32:], "little") + _L).to_bytes(32, "little")


def _noncanonical_r(draft: Draft, private: ed25519.Ed25519PrivateKey) -> bytes:
    # With the nonce zero, R is the neutral point and S = k * a: the equation holds for whoever decodes R
    # leniently.
    head = hashlib.sha512(private.private_bytes_raw()).digest()[:32]
    secret = (int.from_bytes(head, "little") & ((1 << 254) - 8)) | (1 << 254)
    hashed = _IDENTITY_NOT_CANONICAL + private.public_key().public_bytes_raw() + draft.signing_input()
    k = int.from_bytes(hashlib.sha512(hashed).digest(), "little") % _L
    return _IDENTITY_NOT_CANONICAL + (k * secret % _L).to_bytes(32, "little")


_EDDSA: Mapping[str, Callable[[Draft, ed25519.Ed25519PrivateKey], bytes]] = {
    "s_plus_l": _s_plus_l,
    "noncanonical_r": _noncanonical_r,
    "short": lambda draft, _private: draft.raw("signature")[:63],
    "long": lambda draft, _private: draft.raw("signature") + b"\x00",
    "zero": lambda _draft, _private: bytes(64),
}


@forgery("eddsa_signature", rules=("SIG-017",))
def eddsa_signature(draft: Draft, arg: Any, _context: ForgeContext) -> Draft:
    """An Ed25519 signature with S not below L, R not canonical, or of a wrong length.

    Argument: `s_plus_l`, `noncanonical_r`, `short`, `long` or `zero`.
    """
    if not isinstance(draft.key.private, ed25519.Ed25519PrivateKey):
        raise ForgeryError(f"eddsa_signature needs an Ed25519 key, and this token is signed with {draft.alg}")
    return replace(draft, signature=choice(arg, _EDDSA)(draft, draft.key.private))


# RSA
# -----------------------------------------------------------------------------------------------------------------

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


@forgery("rsa_signature", rules=("SIG-011", "SIG-012"), advisories=("CVE-2020-13757",))
def rsa_signature(draft: Draft, arg: Any, _context: ForgeContext) -> Draft:
    """An RSA signature whose integer, length or PKCS #1 encoding is wrong.

    Argument: `plus_n`, `leading_zero`, `zero_removed`, `zero`, `one`, `n_minus_one`, `first_byte_zero` (which
    is valid), or `pkcs1_no_null`, `pkcs1_ber_length`, `pkcs1_sha1`, `pkcs1_garbage_parameters`,
    `pkcs1_garbage_after`, `pkcs1_short_padding`, `pkcs1_block_type_2`.
    """
    private = _rsa_private(draft, "rsa_signature")
    numbers = private.private_numbers()
    n, width = numbers.public_numbers.n, private.key_size // 8
    choice(arg, {**_REDRAWN, **_INTEGERS, **_ENCODED})
    if arg in _REDRAWN:
        return _REDRAWN[arg](draft, n, width)
    if arg in _INTEGERS:
        return replace(draft, signature=_INTEGERS[arg](n).to_bytes(width, "big"))
    encoded = _ENCODED[arg](draft.signing_input(), f"sha{draft.alg[2:]}", width)
    return replace(draft, signature=pow(int.from_bytes(encoded, "big"), numbers.d, n).to_bytes(width, "big"))


def _rsa_private(draft: Draft, name: str) -> rsa.RSAPrivateKey:
    if not isinstance(draft.key.private, rsa.RSAPrivateKey):
        raise ForgeryError(f"{name} needs an RSA key, and this token is signed with {draft.alg}")
    return draft.key.private


_PSS: Mapping[str, Callable[[hashes.HashAlgorithm], padding.PSS]] = {
    "zero": lambda digest: padding.PSS(padding.MGF1(digest), 0),
    "max": lambda digest: padding.PSS(padding.MGF1(digest), padding.PSS.MAX_LENGTH),
    "other": lambda digest: padding.PSS(padding.MGF1(digest), 20),
    "mgf1_sha1": lambda digest: padding.PSS(padding.MGF1(hashes.SHA1()), digest.digest_size),  # noqa: S303 - the fault
}


@forgery("pss_salt", rules=("SIG-010",))
def pss_salt(draft: Draft, arg: Any, _context: ForgeContext) -> Draft:
    """A PSS signature by the true key with a salt of the wrong length, or with MGF1 over SHA-1.

    Argument: `zero`, `max`, `other` (20 bytes) or `mgf1_sha1`. All but `zero` are salted, so they differ from
    run to run.
    """
    private = _rsa_private(draft, "pss_salt")
    if not draft.alg.startswith("PS"):
        raise ForgeryError(f"pss_salt needs a PS* token, and this one is signed with {draft.alg}")
    digest = HASHES[draft.alg[2:]]
    return replace(draft, signature=private.sign(draft.signing_input(), choice(arg, _PSS)(digest), digest))
