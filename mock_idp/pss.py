"""RSA signatures by hand: the raw private operation, and PSS whose salt follows from what is signed.

`cryptography` salts PSS with random bytes and takes no salt from its caller. A test vector must come out the same on
every machine, so the encoding of RFC 8017 section 9.1 is written out here. Only for test keys: Python's integers take
a time that tells of the key.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import rsa

if TYPE_CHECKING:
    from mock_idp.keys import PrivateKey


def private_operation(encoded: bytes, private: rsa.RSAPrivateKey) -> bytes:
    """Sign what is encoded already: RSASP1 by the Chinese remainder theorem (RFC 8017 section 5.2.1).

    By `d` it would take four times as long. The signature is as long as the modulus.
    """
    numbers, message = private.private_numbers(), int.from_bytes(encoded, "big")
    first, second = pow(message, numbers.dmp1, numbers.p), pow(message, numbers.dmq1, numbers.q)
    signature = second + numbers.q * ((first - second) * numbers.iqmp % numbers.p)
    return signature.to_bytes((private.key_size + 7) // 8, "big")


def sign_pss(
    private: PrivateKey, data: bytes, digest: str, *, salt_bytes: int | None = None, mgf: str = ""
) -> bytes:
    """Sign by RSASSA-PSS (RFC 8017 section 8.1.1): the same bytes for the same arguments.

    `digest` and `mgf` (the digest itself when empty) are names of `hashlib`. `salt_bytes` is as long as the digest
    when None. Raises `ValueError` for a key that is no RSA key, or too short for the salt.
    """
    if not isinstance(private, rsa.RSAPrivateKey):
        raise ValueError(f"PSS needs an RSA key, not a {type(private).__name__}")  # noqa: TRY004 - as in keys.py
    return private_operation(encoded_message(private, data, digest, salt_bytes=salt_bytes, mgf=mgf), private)


def encoded_message(
    private: rsa.RSAPrivateKey, data: bytes, digest: str, *, salt_bytes: int | None = None, mgf: str = ""
) -> bytes:
    """Give what `sign_pss` signs (EM of RFC 8017 section 8.1.1); arguments and errors are its own."""
    modulus = private.public_key().public_numbers().n
    hashed = hashlib.new(digest, data, usedforsecurity=False).digest()
    salt = _salt(hashed, modulus, len(hashed) if salt_bytes is None else salt_bytes)
    return _encoded(hashed, salt, modulus.bit_length() - 1, digest, mgf or digest)


def longest_salt(private: rsa.RSAPrivateKey, digest: str) -> int:
    """Return the greatest length of a salt (bytes) that the key has room for (RFC 8017 section 9.1.1)."""
    return (private.key_size + 6) // 8 - hashlib.new(digest, usedforsecurity=False).digest_size - 2


def _salt(hashed: bytes, modulus: int, size: int) -> bytes:
    seed = b"touchstone pss salt" + modulus.to_bytes((modulus.bit_length() + 7) // 8, "big") + hashed
    return hashlib.shake_256(seed).digest(size)


def _encoded(hashed: bytes, salt: bytes, bits: int, digest: str, mgf: str) -> bytes:
    """EMSA-PSS-ENCODE (RFC 8017 section 9.1.1)."""
    width = (bits + 7) // 8
    filling = width - len(salt) - len(hashed) - 2
    if filling < 0:
        raise ValueError(f"a key of {bits + 1} bits is too short for PSS with a salt of {len(salt)} bytes")
    inner = hashlib.new(digest, bytes(8) + hashed + salt, usedforsecurity=False).digest()
    block = bytes(filling) + b"\x01" + salt
    mask = _mgf1(inner, len(block), mgf)
    masked = bytearray(a ^ b for a, b in zip(block, mask, strict=True))
    masked[0] &= 0xFF >> (8 * width - bits)
    return bytes(masked) + inner + b"\xbc"


def _mgf1(seed: bytes, size: int, name: str) -> bytes:
    """MGF1 (RFC 8017 appendix B.2.1)."""
    made = b""
    while len(made) < size:
        counter = (len(made) // hashlib.new(name, usedforsecurity=False).digest_size).to_bytes(4, "big")
        made += hashlib.new(name, seed + counter, usedforsecurity=False).digest()
    return made[:size]
