"""The signature algorithms that exist here, and the check of one signature.

Must never list `none` or an HMAC algorithm (SIG-004, SIG-006), so that no public key is ever a secret (SIG-005):
what is not in the table cannot be enabled.
The cryptography is that of PyJWT's algorithm objects; the checks of form before it close what libraries leave open.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import HashAlgorithm
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm, RSAPSSAlgorithm

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


@dataclass(frozen=True, slots=True)
class Algorithm:
    """One JWA name: the key type and curves that it goes with, and the two steps that check a signature."""

    name: str
    kty: str
    curves: frozenset[str | None]
    well_formed: Callable[[bytes, bytes], bool]
    check: Callable[[bytes, Any, bytes], bool]

    def fits(self, material: KeyMaterial) -> bool:
        """Tell whether a key is of the type and curve that this algorithm demands (SIG-015, SIG-019)."""
        return material.kty == self.kty and material.crv in self.curves

    def verify(self, message: bytes, material: KeyMaterial, signature: bytes) -> bool:
        """Tell whether the signature over the message is good; the key must fit."""
        return self.well_formed(signature, material.bound) and self.check(message, material.key, signature)


def _rsa_well_formed(signature: bytes, modulus: bytes) -> bool:
    # SIG-012: exactly as long as the modulus, and below it as a number. SIG-011: the padding itself is checked
    # by encoding what it must be and comparing, in the library behind PyJWT.
    return len(signature) == len(modulus) and signature < modulus


def _ecdsa_well_formed(signature: bytes, order: bytes) -> bool:
    # SIG-013, SIG-014: R and S of fixed width, each in [1, n-1]; DER has another length. SIG-016: S may be high.
    width = len(order)
    r, s = signature[:width], signature[width:]
    return len(signature) == 2 * width and any(r) and any(s) and r < order and s < order


def _ecdsa_check(hash_algorithm: HashAlgorithm) -> Callable[[bytes, Any, bytes], bool]:
    """Return the check of R || S; PyJWT's own goes over hexadecimal text, which costs a tenth of a verification."""
    ecdsa = ECDSA(hash_algorithm)

    def check(message: bytes, key: EllipticCurvePublicKey, signature: bytes) -> bool:
        width = len(signature) // 2
        r, s = int.from_bytes(signature[:width]), int.from_bytes(signature[width:])
        try:
            key.verify(encode_dss_signature(r, s), message, ecdsa)
        except InvalidSignature:
            return False
        return True

    return check


def _eddsa_well_formed(signature: bytes, order: bytes) -> bool:
    # SIG-017: S below the group order, or one message has many signatures (RFC 8032 section 5.1.7, step 1).
    width = len(order)
    return len(signature) == 2 * width and signature[: width - 1 : -1] < order


def _table() -> dict[str, Algorithm]:
    rows: list[Algorithm] = []
    no_curve: frozenset[str | None] = frozenset({None})
    for bits, crv in (("256", "P-256"), ("384", "P-384"), ("512", "P-521")):
        pkcs1 = RSAAlgorithm(getattr(RSAAlgorithm, f"SHA{bits}"))
        # SIG-010: PyJWT fixes MGF1 to the same hash and the salt to the length of the hash.
        pss = RSAPSSAlgorithm(getattr(RSAPSSAlgorithm, f"SHA{bits}"))
        ecdsa = _ecdsa_check(getattr(ECAlgorithm, f"SHA{bits}")())
        rows += (
            Algorithm(f"RS{bits}", "RSA", no_curve, _rsa_well_formed, pkcs1.verify),
            Algorithm(f"PS{bits}", "RSA", no_curve, _rsa_well_formed, pss.verify),
            Algorithm(f"ES{bits}", "EC", frozenset({crv}), _ecdsa_well_formed, ecdsa),
        )
    eddsa = OKPAlgorithm()
    # SIG-018: the polymorphic and the fully specified names are distinct (RFC 9864).
    for name, curves in (("EdDSA", ("Ed25519", "Ed448")), ("Ed25519", ("Ed25519",)), ("Ed448", ("Ed448",))):
        rows.append(Algorithm(name, "OKP", frozenset(curves), _eddsa_well_formed, eddsa.verify))
    return {row.name: row for row in rows}


ALGORITHMS = _table()
"""Every algorithm that an integration may list, by its exact JWA name (SIG-007, SIG-008)."""
