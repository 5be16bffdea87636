"""One private key of the mock IdP: it signs, and it shows its public half as JWK, PEM or DER.

Signing here may be deliberately wrong for the key (ES256 by a P-384 key, PS256 by an RS256 key): that is what
forgeries are made of. It must never verify a token: whoever checks what this package made has to come by
another route.
"""

import binascii
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Self, TypeAlias

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

PrivateKey: TypeAlias = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
Signer: TypeAlias = Callable[[bytes], bytes]

HASHES: Mapping[str, hashes.HashAlgorithm] = {
    "256": hashes.SHA256(),
    "384": hashes.SHA384(),
    "512": hashes.SHA512(),
}
CURVES: Mapping[str, tuple[str, Callable[[], ec.EllipticCurve]]] = {
    "ES256": ("P-256", ec.SECP256R1),
    "ES384": ("P-384", ec.SECP384R1),
    "ES512": ("P-521", ec.SECP521R1),
}
"""Curve of each ECDSA algorithm (RFC 7518 section 3.4)."""

# Made once: making one asks OpenSSL whether it can sign deterministically.
_ECDSA: Mapping[str, ec.ECDSA] = {
    f"ES{size}": ec.ECDSA(digest, deterministic_signing=True) for size, digest in HASHES.items()
}
_CURVE_NAMES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}
_FAMILY_TYPES: Mapping[str, type[Any]] = {
    "RS": rsa.RSAPrivateKey,
    "PS": rsa.RSAPrivateKey,
    "ES": ec.EllipticCurvePrivateKey,
    "Ed": ed25519.Ed25519PrivateKey,
}
ALGORITHMS = (
    *(f"{family}{size}" for family in ("RS", "PS", "ES") for size in HASHES),
    "EdDSA",
    "Ed25519",  # RFC 9864: the fully specified name of the same signature
)
"""The JWS algorithms that a `SigningKey` can sign with."""


def b64url(data: bytes) -> str:
    """Encode bytes as base64url without padding (RFC 7515 section 2, FMT-002)."""
    # As `base64.urlsafe_b64encode` does it, without its two calls: every token passes here several times.
    return binascii.b2a_base64(data, newline=False).rstrip(b"=").translate(_URL_SAFE).decode("ascii")


_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def check_algorithm(alg: str) -> None:
    """Raise `ValueError`, naming what there is, when `alg` is no algorithm of `ALGORITHMS`."""
    if alg not in ALGORITHMS:
        raise ValueError(f"unknown algorithm {alg!r}: there are {', '.join(ALGORITHMS)}")


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One private key with its key id and the JWS algorithm that it signs with by default.

    The key must be of the algorithm's family (RSA, elliptic curve, Ed25519), else `ValueError`; that an EC
    key lies on the curve of its algorithm is deliberately not asked, because SIG-015 needs tokens where it
    does not.
    """

    kid: str
    alg: str
    private: PrivateKey
    _sign: Signer = field(init=False, repr=False, compare=False)
    """Signs with `alg`: made once, because what depends on key and algorithm alone is then decided."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "_sign", self._signer(self.alg))

    def __hash__(self) -> int:
        return hash(self.kid)  # what is written once for each key is looked up by the key, in every token

    @classmethod
    def generate(cls, alg: str = "RS256", *, kid: str, bits: int = 2048) -> Self:
        """Make a fresh key fit for `alg`; `bits` is the length of an RSA modulus, 1024 to 8192."""
        check_algorithm(alg)
        if alg in CURVES:
            return cls(kid, alg, ec.generate_private_key(CURVES[alg][1]()))
        if alg.startswith("Ed"):
            return cls(kid, alg, ed25519.Ed25519PrivateKey.generate())
        if not 1024 <= bits <= 8192:
            raise ValueError(f"an RSA key has 1024 to 8192 bits here, not {bits}")
        return cls(kid, alg, rsa.generate_private_key(65537, bits))

    def with_kid(self, kid: str) -> Self:
        """Give the same key under another key id."""
        return self if kid == self.kid else replace(self, kid=kid)

    def with_alg(self, alg: str) -> Self:
        """Give the same key for another algorithm of its family; `ValueError` for one of another family."""
        return replace(self, alg=alg)

    def sign(self, data: bytes, alg: str | None = None) -> bytes:
        """Sign `data` as JWS does (RFC 7518 section 3.3 to 3.5, RFC 8037 section 3.1).

        ECDSA is R||S at the width of the key's curve and made deterministic by RFC 6979; PSS salts with as
        many random bytes as its hash has (a shipped key: with bytes that follow from what is signed). `alg`
        overrides the key's own algorithm inside its family, else `ValueError`.
        """
        if alg is None or alg == self.alg:
            return self._sign(data)
        return self._signer(alg)(data)

    def sign_encoded(self, encoded: bytes) -> bytes:
        """Sign by RSA what is encoded already, right or wrong (RSASP1, RFC 8017 section 5.2.1).

        `ValueError` for a key that is no RSA key.
        """
        from mock_idp.pss import private_operation  # only forgeries need it

        if not isinstance(self.private, rsa.RSAPrivateKey):
            raise ValueError(f"key {self.kid!r} is no RSA key")  # noqa: TRY004 - as in `_signer`
        return private_operation(encoded, self.private)

    def check_usable(self) -> None:
        """Raise `ValueError` for a key that no token could be signed with, or no JWKS could show.

        Its curve is none of `CURVES`, or its RSA modulus is too short for its algorithm (RFC 8017 section 9.1.1).
        """
        if (
            isinstance(self.private, ec.EllipticCurvePrivateKey)
            and self.private.curve.name not in _CURVE_NAMES
        ):
            raise ValueError(
                f"key {self.kid!r} lies on {self.private.curve.name}, which no JWS algorithm here uses"
            )
        try:
            self.sign(b"")
        except ValueError:
            raise ValueError(f"key {self.kid!r} is too short for {self.alg}") from None

    @property
    def coordinate_bytes(self) -> int:
        """Bytes of one coordinate of an EC key's curve (32, 48, 66); `ValueError` for another kind of key."""
        if not isinstance(self.private, ec.EllipticCurvePrivateKey):
            # A misfit of key and algorithm is one kind of error throughout, and it lies in the value.
            raise ValueError(f"key {self.kid!r} is not an elliptic-curve key")  # noqa: TRY004 - see above
        return (self.private.curve.key_size + 7) // 8

    def public_jwk(self) -> dict[str, str]:
        """Show the public half as JWK: `kid`, `kty` and the key's own members, neither `alg` nor `use`.

        Coordinates are fixed-width (RFC 7518 section 6.2.1.2, KEY-017), integers minimal (section 6.3.1).
        """
        return dict(_public_jwk(self))

    def private_jwk(self) -> dict[str, str]:
        """Show the private members alone, for an IdP that publishes them by mistake (KEY-015)."""
        if isinstance(self.private, rsa.RSAPrivateKey):
            numbers = self.private.private_numbers()
            values = {"d": numbers.d, "p": numbers.p, "q": numbers.q}
            values |= {"dp": numbers.dmp1, "dq": numbers.dmq1, "qi": numbers.iqmp}
            return {name: _uint(value) for name, value in values.items()}
        if isinstance(self.private, ec.EllipticCurvePrivateKey):
            secret = self.private.private_numbers().private_value
            return {"d": b64url(secret.to_bytes(self.coordinate_bytes, "big"))}
        return {"d": b64url(self.private.private_bytes_raw())}

    def spki_pem(self) -> bytes:
        """Show the public half as SubjectPublicKeyInfo in PEM, with its final newline."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # slow to import

        return self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def spki_der(self) -> bytes:
        """Show the public half as SubjectPublicKeyInfo in DER."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # slow to import

        return self.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def thumbprint(self) -> str:
        """Give the JWK thumbprint with SHA-256 as base64url (RFC 7638 section 3)."""
        members = {name: value for name, value in self.public_jwk().items() if name != "kid"}
        text = json.dumps(members, sort_keys=True, separators=(",", ":"))
        return b64url(hashlib.sha256(text.encode()).digest())

    def _signer(self, alg: str) -> Signer:
        """Give what signs with this key and an algorithm of its family, else `ValueError`."""
        check_algorithm(alg)
        if not isinstance(self.private, _FAMILY_TYPES[alg[:2]]):
            misfit = f"{alg} does not fit key {self.kid!r}, a {type(self.private).__name__}"
            raise ValueError(misfit)  # noqa: TRY004 - the type is right, the value does not fit
        private: PrivateKey = self.private
        if isinstance(private, rsa.RSAPrivateKey):
            return _rsa_signer(private, alg)
        if isinstance(private, ec.EllipticCurvePrivateKey):
            return _ecdsa_signer(private, alg, self.coordinate_bytes)
        return private.sign


@lru_cache(maxsize=256)
def _public_jwk(key: SigningKey) -> Mapping[str, str]:
    """Write the public half, once for each key: a JWKS is served far more often than a key is made."""
    public = key.private.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        numbers = public.public_numbers()
        return {"kty": "RSA", "kid": key.kid, "n": _uint(numbers.n), "e": _uint(numbers.e)}
    if isinstance(public, ec.EllipticCurvePublicKey):
        point, width = public.public_numbers(), key.coordinate_bytes
        x, y = (b64url(value.to_bytes(width, "big")) for value in (point.x, point.y))
        return {"kty": "EC", "kid": key.kid, "crv": _CURVE_NAMES[public.curve.name], "x": x, "y": y}
    return {"kty": "OKP", "kid": key.kid, "crv": "Ed25519", "x": b64url(public.public_bytes_raw())}


def _rsa_signer(private: rsa.RSAPrivateKey, alg: str) -> Signer:
    digest = HASHES[alg[2:]]
    if alg.startswith("RS"):
        pkcs1 = padding.PKCS1v15()
        return lambda data: private.sign(data, pkcs1, digest)
    pss = padding.PSS(padding.MGF1(digest), padding.PSS.DIGEST_LENGTH)
    return lambda data: private.sign(data, pss, digest)


def _ecdsa_signer(private: ec.EllipticCurvePrivateKey, alg: str, width: int) -> Signer:
    algorithm = _ECDSA[alg]

    return lambda data: _fixed_width(private.sign(data, algorithm), width)


def _fixed_width(der: bytes, width: int) -> bytes:
    """Give R||S (RFC 7518 section 3.4) for the ECDSA-Sig-Value (RFC 3279 section 2.2.3) that was just made.

    Cut out of the bytes, because by way of integers it takes a tenth of the time of the signature.
    """
    r = 4 if der[1] < 0x80 else 5  # behind tag and length of the sequence, which P-521 makes longer, and of R
    s = r + der[r - 1] + 2
    # A DER integer has a zero byte in front when it would look negative, and lacks those that it does not need.
    return der[r : s - 2][-width:].rjust(width, b"\0") + der[s:][-width:].rjust(width, b"\0")


def _uint(value: int) -> str:
    return b64url(value.to_bytes((value.bit_length() + 7) // 8, "big"))
