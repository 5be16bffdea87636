"""The signature algorithms that exist here, and the check of one signature.

Must never list `none` or an HMAC algorithm (SIG-004, SIG-006), so that no public key is ever a secret (SIG-005):
what is not in the table cannot be enabled.
The checks of form close what libraries leave open. The cryptography is that of PyJWT's algorithm objects for PSS and
EdDSA, and of the key objects themselves for what most tokens have, PKCS #1 v1.5 and ECDSA: PyJWT makes paddings and
hashes anew for each signature, and goes over numbers in hexadecimal, which costs more than all checks here.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import HashAlgorithm
from jwt.algorithms import OKPAlgorithm, RSAAlgorithm, RSAPSSAlgorithm

PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey | Ed448PublicKey
"""A key that can verify; no private key is ever held."""


@dataclass(frozen=True, slots=True)
class KeyMaterial:
    """A public key that passed the checks of strength, and what a signature by it must look like.

    `bound` is the RSA modulus, or the order of the curve's group in as many bytes as half a signature has:
    every number in a signature is below it. `spki` is the key in DER, by which two keys are told to be the
    same.
    """

    kty: str
    crv: str | None
    key: PublicKey = field(compare=False)
    bound: bytes
    spki: bytes


Verify = Callable[[bytes, KeyMaterial, bytes], bool]
"""Takes the message, the key and the signature over it."""

_ZERO = bytes(66)  # below every text with another byte in its first 66, whatever its length
# What stands before a number and before a sequence in DER, by their length in bytes (X.690 sections 8.1.3 and 10.1);
# before a number whose first bit is set, a zero too.
_INTEGER = [bytes((2, size)) for size in range(67)], [bytes((2, size + 1, 0)) for size in range(67)]
_SEQUENCE = tuple(bytes((0x30, size) if size < 128 else (0x30, 0x81, size)) for size in range(140))


@dataclass(frozen=True, slots=True)
class Algorithm:
    """One JWA name: the key type and curves that it goes with, and the check of message, key and signature."""

    name: str
    kty: str
    curves: frozenset[str | None]
    verify: Verify
    """Tells whether a signature is good; the key must fit."""

    def fits(self, material: KeyMaterial) -> bool:
        """Tell whether a key is of the type and curve that this algorithm demands (SIG-015, SIG-019)."""
        return material.kty == self.kty and material.crv in self.curves


def _pkcs1(hash_algorithm: HashAlgorithm) -> Verify:
    padding = PKCS1v15()

    def verify(message: bytes, material: KeyMaterial, signature: bytes) -> bool:
        key: Any = material.key
        modulus = material.bound
        # SIG-012: exactly as long as the modulus, and below it as a number.
        if len(signature) != len(modulus) or signature >= modulus:
            return False
        try:
            # SIG-011: by encoding what the padding must be and comparing, in the library behind the key.
            key.verify(signature, message, padding, hash_algorithm)
        except InvalidSignature:
            return False
        return True

    return verify


def _pss(check: Callable[[bytes, Any, bytes], bool]) -> Verify:
    def verify(message: bytes, material: KeyMaterial, signature: bytes) -> bool:
        modulus = material.bound
        well_formed = len(signature) == len(modulus) and signature < modulus  # SIG-012
        return well_formed and check(message, material.key, signature)

    return verify


def _ecdsa(hash_algorithm: HashAlgorithm) -> Verify:
    ecdsa, new_hash = ECDSA(Prehashed(hash_algorithm)), getattr(hashlib, hash_algorithm.name)

    def verify(message: bytes, material: KeyMaterial, signature: bytes) -> bool:
        key: Any = material.key
        order = material.bound
        width = len(order)
        r, s = signature[:width], signature[width:]
        # SIG-013, SIG-014: R and S of fixed width, each in [1, n-1]; DER has another length. SIG-016: S may be high.
        if len(s) != width or not (_ZERO < r < order and _ZERO < s < order):
            return False
        try:
            key.verify(_in_der(r, s), new_hash(message).digest(), ecdsa)
        except InvalidSignature:
            return False
        return True

    return verify


def _in_der(r: bytes, s: bytes) -> bytes:
    """Return the sequence of two positive numbers, of at most 66 bytes each (RFC 3279 section 2.2.3)."""
    if not (r[0] and s[0]):
        r, s = r.lstrip(b"\0"), s.lstrip(b"\0")
    first, second = _INTEGER[r[0] > 127][len(r)], _INTEGER[s[0] > 127][len(s)]
    return _SEQUENCE[len(first) + len(r) + len(second) + len(s)] + first + r + second + s


def _eddsa(check: Callable[[bytes, Any, bytes], bool]) -> Verify:
    def verify(message: bytes, material: KeyMaterial, signature: bytes) -> bool:
        # SIG-017: S below the group order, or one message has many signatures (RFC 8032 section 5.1.7, step 1).
        order = material.bound
        width = len(order)
        well_formed = len(signature) == 2 * width and signature[: width - 1 : -1] < order
        return well_formed and check(message, material.key, signature)

    return verify


def _table() -> dict[str, Algorithm]:
    rows: list[Algorithm] = []
    no_curve: frozenset[str | None] = frozenset({None})
    for bits, crv in (("256", "P-256"), ("384", "P-384"), ("512", "P-521")):
        hash_algorithm: HashAlgorithm = getattr(RSAAlgorithm, f"SHA{bits}")()
        # SIG-010: PyJWT fixes MGF1 to the same hash and the salt to the length of the hash.
        pss = RSAPSSAlgorithm(getattr(RSAPSSAlgorithm, f"SHA{bits}"))
        rows += (
            Algorithm(f"RS{bits}", "RSA", no_curve, _pkcs1(hash_algorithm)),
            Algorithm(f"PS{bits}", "RSA", no_curve, _pss(pss.verify)),
            Algorithm(f"ES{bits}", "EC", frozenset({crv}), _ecdsa(hash_algorithm)),
        )
    eddsa = _eddsa(OKPAlgorithm().verify)
    # SIG-018: the polymorphic and the fully specified names are distinct (RFC 9864).
    for name, curves in (("EdDSA", ("Ed25519", "Ed448")), ("Ed25519", ("Ed25519",)), ("Ed448", ("Ed448",))):
        rows.append(Algorithm(name, "OKP", frozenset(curves), eddsa))
    return {row.name: row for row in rows}


ALGORITHMS = _table()
"""Every algorithm that an integration may list, by its exact JWA name (SIG-007, SIG-008)."""
