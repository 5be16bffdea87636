"""Whether a PKCS#12 file holds a private key that anybody can read, with the empty password or without any.

Must never open such a file as a whole: it says itself how many rounds its password is hashed for, up to two thousand
million times, again and again inside what is decrypted. Only bags that stand in the clear are looked at, as every
usual tool writes its keys, and no more rounds are run than the bound.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_der_private_key

MAX_ROUNDS = 1_000_000
"""Most rounds of hashing for all keys of one file together."""

_MAX_BAGS, _MAX_ALGORITHM_BYTES = 16, 256
# RFC 7292 appendix D: keyBag and pkcs8ShroudedKeyBag, each with its explicit [0] behind it.
_KEY_BAG = re.compile(re.escape(bytes.fromhex("060b2a864886f70d010c0a01")) + rb"([\x01\x02])")
_EXPLICIT_0, _INTEGER, _CONSTRUCTED = 0xA0, 0x02, 0x20
# An empty password is a zero character to the KDF of PKCS#12 (RFC 7292 appendix B.1), and to PBKDF2, whose HMAC fills
# up with zeros, the same as none; the loader itself takes no empty one.
_EMPTY_PASSWORD = b"\0"


def holds_open_key(content: bytes) -> bool:
    """Tell whether a file has a private key in the clear, or under the empty password (ONB-015)."""
    left = MAX_ROUNDS
    for bag in islice(_KEY_BAG.finditer(content), _MAX_BAGS):
        with suppress(ValueError, TypeError, UnsupportedAlgorithm):
            tag, wrapped = _first(content[bag.end() :])
            if tag != _EXPLICIT_0:
                continue
            if bag[1] == b"\x01":
                return True
            left -= _rounds(wrapped)
            if left >= 0:
                load_der_private_key(wrapped, _EMPTY_PASSWORD, unsafe_skip_rsa_key_validation=True)
                return True
    return False


def _rounds(encrypted: bytes) -> int:
    """Return at least as many rounds as the algorithm of an EncryptedPrivateKeyInfo names; ValueError if none."""
    _, info = _first(encrypted)
    _, algorithm = _first(info)
    if len(algorithm) > _MAX_ALGORITHM_BYTES:
        raise ValueError("no algorithm is so long")
    return sum(_numbers(algorithm))


def _numbers(der: bytes) -> Iterator[int]:
    for tag, content in _elements(der):
        if tag == _INTEGER:
            yield int.from_bytes(content)
        elif tag & _CONSTRUCTED:
            yield from _numbers(content)


def _first(der: bytes) -> tuple[int, bytes]:
    return next(_elements(der), (0, b""))


def _elements(der: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield tag and content of DER elements that stand one after the other; ValueError where one is cut off."""
    while der:
        size, start = int.from_bytes(der[1:2]), 2
        if size & 0x80:
            start += size & 0x7F
            size = int.from_bytes(der[2:start])
        if not 0 < len(der[:start]) == start <= len(der) - size:
            raise ValueError("cut off")
        yield der[0], der[start : start + size]
        der = der[start + size :]
