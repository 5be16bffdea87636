"""Emergency revocation: keys that an operator names are out, whatever a JWKS says (KEY-024).

Must never go by the kid: a kid can be given to another key, a thumbprint cannot.
"""

import hashlib
import json
import re
from typing import Any

from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from verifier.algorithms import KeyMaterial
from verifier.keys import KeySet, VerificationKey, encode_base64url

_TO_JWK: dict[str, Any] = {
    "RSA": RSAAlgorithm.to_jwk,
    "EC": ECAlgorithm.to_jwk,
    "OKP": OKPAlgorithm.to_jwk,
}
_REQUIRED = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x")}
_THUMBPRINT, _SPKI_HASH = re.compile(r"[A-Za-z0-9_-]{43}"), re.compile(r"[0-9A-Fa-f]{64}")


def thumbprint_of(material: KeyMaterial) -> str:
    """Return the JWK SHA-256 thumbprint in base64url (RFC 7638 section 3)."""
    jwk = _TO_JWK[material.kty](material.key, as_dict=True)
    required = {name: jwk[name] for name in _REQUIRED[material.kty]}
    return encode_base64url(hashlib.sha256(json.dumps(required, separators=(",", ":")).encode()).digest())


def checked(name: str) -> str:
    """Return the name of a key in its one spelling; ValueError if it is none.

    A key is named by its RFC 7638 thumbprint (43 characters of base64url), or by the SHA-256 of its SPKI (64
    hexadecimal digits).
    """
    if _SPKI_HASH.fullmatch(name):
        return name.lower()
    if _THUMBPRINT.fullmatch(name):
        return name
    raise ValueError("thumbprint: 43 characters of base64url (RFC 7638), or 64 hexadecimal digits (SPKI)")


def without(keys: KeySet, purged: frozenset[str]) -> KeySet:
    """Return the set without the keys that are named in `purged`."""
    if not purged:
        return keys

    def stays(key: VerificationKey) -> bool:
        spki_hash = hashlib.sha256(key.material.spki).hexdigest()
        return purged.isdisjoint((thumbprint_of(key.material), spki_hash))

    return KeySet(filter(stays, keys.keys), keys.faults, filter(stays, keys.lingering))
