"""From JWKs to keys that may verify, entry by entry.

Must never let one odd entry spoil a set (KEY-018), and never make a key of a secret or of a private key
(KEY-014, KEY-015): such an entry is unusable, and the set remembers why.
"""

import base64
import binascii
import hashlib
import re
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Self

import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.utils import CryptographyDeprecationWarning
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from jwt.exceptions import PyJWTError

from verifier.algorithms import ALGORITHMS, Algorithm, KeyMaterial, PublicKey
from verifier.compact import decode_base64url, decode_json
from verifier.errors import quoted
from verifier.policy import NoKid
from verifier.shipped_keys import SHIPPED_TEST_KEYS

MIN_RSA_BITS, MAX_RSA_BITS = 2048, 8192
"""RSA modulus lengths that are used (RFC 7518 section 3.3; the upper one bounds the cost, OPS-009)."""

MAX_RSA_EXPONENT = 2**64
"""RSA exponents are odd, from 3 up to here; longer ones only cost time (KEY-016)."""

MAX_KEYS = 1024
"""Most entries of one JWKS, and most keys that are kept of those that left it (OPS-009, KEY-032)."""

_FIELDS = {"RSA": ("n", "e"), "EC": ("x", "y"), "OKP": ("x",)}
_READERS: dict[str, Callable[[Any], Any]] = {
    "RSA": RSAAlgorithm.from_jwk,
    "EC": ECAlgorithm.from_jwk,
    "OKP": OKPAlgorithm.from_jwk,
}
_MAX_FIELD_CHARS = MAX_RSA_BITS // 6 + 8
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
# Group orders in as many bytes as half a signature has (FIPS 186-5 and RFC 8032).
_ORDERS = {
    "P-256": (0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551).to_bytes(32),
    "P-384": (2**384 - 0x389CB27E0BC8D220A7E5F24DB74F58851313E695333AD68D).to_bytes(48),
    "P-521": (2**521 - 0x5AE79787C40D069948033FEB708F65A2FC44A36477663B851449048E16EC79BF7).to_bytes(66),
    "Ed25519": (2**252 + 27742317777372353535851937790883648493).to_bytes(32),
    "Ed448": (2**446 - 13818066809895115352007386748515426880336692474882178609894547503885).to_bytes(57),
}
_CURVE_NAMES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}
_P25519, _P448 = 2**255 - 19, 2**448 - 2**224 - 1
_ORDER_8_Y = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
# SIG-017: y coordinates of the points whose order divides the cofactor; such a key fits any message.
_SMALL_ORDER_Y = {
    "Ed25519": (_P25519, {0, 1, _P25519 - 1, _ORDER_8_Y, _P25519 - _ORDER_8_Y}),
    "Ed448": (_P448, {0, 1, _P448 - 1}),
}
_WARNINGS = threading.Lock()  # Python's filters are one list for all threads
_GUID = re.compile(r"/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:/|$)")


class UnusableKey(ValueError):  # noqa: N818 - says what the key is
    """A key that must not verify; `weak` tells that the key itself is at fault and not its packing.

    `leaked` is the SPKI of a key whose private half is public (KEY-015).
    """

    def __init__(self, message: str, *, weak: bool = False, leaked: bytes | None = None) -> None:
        super().__init__(message)
        self.weak, self.leaked = weak, leaked


class KeyUse(msgspec.Struct, frozen=True):
    """How an integration uses its keys.

    `bare_rsa` is the one algorithm of an RSA key that names none (SIG-009); `tenant` the tenant of the
    issuer, which a key for another tenant does not serve (AZR-012); `nokid` what a token without kid gets
    (KEY-008).
    """

    bare_rsa: str | None
    tenant: str | None
    nokid: NoKid = "single"

    @classmethod
    def of(cls, algorithms: Iterable[str], issuer: str | None, nokid: NoKid = "single") -> Self:
        """Derive it from what was agreed: of a bare RSA key, RS256 if it is listed, else the first."""
        rsa = [name for name in algorithms if ALGORITHMS[name].kty == "RSA"]
        return cls("RS256" if "RS256" in rsa else next(iter(rsa), None), tenant_of(issuer), nokid)


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """One usable key: its kid, the algorithms that it is restricted to (None: those that fit), its tenant.

    `dates` are the first and the last second (since the epoch) of its certificate, None without one.
    """

    kid: str | None
    material: KeyMaterial
    algorithms: frozenset[str] | None = None
    tenant: str | None = None
    dates: tuple[float, float] | None = field(default=None, compare=False)

    def serves(self, algorithm: Algorithm, use: KeyUse) -> bool:
        """Tell whether this key may check signatures of an algorithm (KEY-013, SIG-009, SIG-019)."""
        if not algorithm.fits(self.material) or not self.is_for(use):
            return False
        if self.algorithms is not None:
            return algorithm.name in self.algorithms
        return self.material.kty != "RSA" or algorithm.name == use.bare_rsa

    def is_for(self, use: KeyUse) -> bool:
        """Tell whether the key may be used for the issuer's tenant at all (AZR-012)."""
        return not (self.tenant and use.tenant) or self.tenant == use.tenant


@dataclass(frozen=True, slots=True)
class Unused:
    """An entry of a JWKS that is not used: its place in the list, from 0, its kid if that is a text, and why."""

    number: int
    kid: str | None
    why: str

    def __str__(self) -> str:
        name = "no kid" if self.kid is None else f"kid {quoted(self.kid)}"
        return f"key {self.number} ({name}) is not used: {self.why}"


@dataclass(frozen=True, slots=True)
class Jwks:
    """One JWKS as it was read: its usable keys, and for every other entry why it is not used.

    `named` holds the kids of all entries, usable or not; `leaked` the SPKIs of keys whose private half it
    publishes.
    """

    keys: tuple[VerificationKey, ...]
    faults: tuple[Unused, ...]
    named: frozenset[str]
    leaked: frozenset[bytes]

    @property
    def is_empty(self) -> bool:
        """Tell whether there was no entry at all (KEY-029)."""
        return not self.keys and not self.faults


class KeySet:
    """An immutable set of keys, found by kid at a cost that does not grow with their number (OPS-009).

    Order and number mean nothing (KEY-022, KEY-038). `lingering` keys are found by their kid alone; see
    `key_lifetimes`.
    """

    def __init__(
        self,
        keys: Iterable[VerificationKey],
        faults: Iterable[Unused] = (),
        lingering: Iterable[VerificationKey] = (),
    ) -> None:
        self.keys = tuple(dict.fromkeys(keys))
        self.faults = tuple(faults)
        self.lingering = tuple(lingering)
        self._by_kid: dict[str | None, list[VerificationKey]] = {}
        self._tenants: dict[str | None, set[str | None]] = {}
        for key in (*self.keys, *self.lingering):
            self._by_kid.setdefault(key.kid, []).append(key)
            self._tenants.setdefault(key.kid, set()).add(key.tenant)
        # No more entries than kids of this set times algorithms times uses, whatever tokens come (OPS-007).
        self._found: dict[tuple[str | None, str, KeyUse], tuple[VerificationKey, ...]] = {}

    def knows(self, kid: str | None, use: KeyUse) -> bool:
        """Tell whether the kid, compared exactly (KEY-003), names a key that this issuer may use at all."""
        tenants = self._tenants.get(kid, set())
        return bool(tenants) if use.tenant is None else not tenants.isdisjoint((None, use.tenant))

    def find(self, kid: str | None, algorithm: Algorithm, use: KeyUse) -> tuple[VerificationKey, ...]:
        """Return the different keys that the kid names and that serve the algorithm.

        A token without kid asks all keys (KEY-008); a token with one never gets a key of another kid or of
        none (KEY-004, KEY-009). More than one answer is ambiguous, in whatever order they came (KEY-010).
        """
        question = (kid, algorithm.name, use)
        if (found := self._found.get(question)) is not None:
            return found
        named = self.keys if kid is None else self._by_kid.get(kid)
        if not named:  # and nothing is remembered of it
            return ()
        different = {key.material.spki: key for key in named if key.serves(algorithm, use)}
        found = self._found[question] = tuple(different.values())
        return found


def parse_jwks(data: bytes, *, read_x5c: bool = True, allow_test_keys: bool = False) -> Jwks:
    """Read a JWKS (RFC 7517 section 5); ValueError if the document is none at all (KEY-028, KEY-040).

    A key that any entry publishes with its private half is untrusted in every entry (KEY-015).
    """
    document = decode_json(data)
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise ValueError("not a JWKS: no list of keys")  # noqa: TRY004 - one error for all that is no JWKS
    if len(entries) > MAX_KEYS:  # OPS-009
        raise ValueError(f"more than {MAX_KEYS} keys")
    keys, faults, leaked = [], [], set()
    for number, entry in enumerate(entries):
        try:
            keys.append(parse_jwk(entry, read_x5c=read_x5c, allow_test_keys=allow_test_keys))
        except UnusableKey as fault:
            kid = entry.get("kid") if isinstance(entry, dict) else None
            faults.append(Unused(number, kid if isinstance(kid, str) else None, str(fault)))
            if fault.leaked:
                leaked.add(fault.leaked)
    kids = (entry.get("kid") for entry in entries if isinstance(entry, dict))
    return Jwks(
        keys=tuple(key for key in keys if key.material.spki not in leaked),
        faults=tuple(faults),
        named=frozenset(kid for kid in kids if isinstance(kid, str)),
        leaked=frozenset(leaked),
    )


def parse_jwk(entry: object, *, read_x5c: bool = True, allow_test_keys: bool = False) -> VerificationKey:
    """Make a verification key of one JWK, or raise UnusableKey; Entra's have no alg and an issuer (AZR-011)."""
    if not isinstance(entry, dict):
        raise UnusableKey("it is no JSON object")
    kid, kty = entry.get("kid"), entry.get("kty")
    if kid is not None and not isinstance(kid, str):
        raise UnusableKey("its kid is no string")
    if not isinstance(kty, str) or kty not in _FIELDS:
        raise UnusableKey("its key type is none that verifies here")
    material = _material_of_jwk(kty, entry)
    if _PRIVATE & entry.keys():  # KEY-015
        fault = "it publishes private parts, and everybody can sign with it"
        raise UnusableKey(fault, weak=True, leaked=material.spki)
    _check_purpose(entry)
    if not allow_test_keys:
        check_not_shipped(material)
    dates = _check_certificate(entry, material) if read_x5c else None
    tenant = tenant_of(entry.get("issuer"))
    return VerificationKey(kid, material, _restriction(entry, material), tenant, dates)


def check_not_shipped(material: KeyMaterial) -> None:
    """Refuse a test key that ships with Touchstone, which everybody can sign with; UnusableKey."""
    if hashlib.sha256(material.spki).hexdigest() in SHIPPED_TEST_KEYS:
        fault = (
            "it is a test key that ships with Touchstone, and everybody can sign with it "
            "(for tests on one machine: policy allow_test_keys: true)"
        )
        raise UnusableKey(fault, weak=True)


def material_of(key: object) -> KeyMaterial:
    """Check type and strength of a public key (ONB-020, KEY-016, KEY-017), or raise UnusableKey."""
    kty, crv, bound = _shape(key)
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined] # _shape
    return KeyMaterial(kty, crv, key, bound, spki)  # type: ignore[arg-type] # _shape let only PublicKey pass


def encode_base64url(data: bytes) -> str:
    """Encode in unpadded base64url (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@contextmanager
def unwarned() -> Iterator[None]:
    """Let the parser of certificates take, without a word, what its later releases mean to refuse.

    It warns of a serial number of zero, for one, by Python's warnings: on the standard error of whoever runs the
    verifier, or as an exception that is none of ours.
    """
    with _WARNINGS, warnings.catch_warnings():
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        yield


def load_certificate(der: bytes) -> x509.Certificate:
    """Read one certificate in DER; ValueError for every other text, and for dates that no calendar has."""
    try:
        certificate = x509.load_der_x509_certificate(der)
    except x509.InvalidVersion:  # the one refusal of the parser that is no ValueError
        raise ValueError("not an X.509 version") from None
    dates_of(certificate)  # the parser takes the year 0
    return certificate


def dates_of(certificate: x509.Certificate) -> tuple[float, float]:
    """Return the first and the last second of a certificate, since the epoch (ONB-016, KEY-021)."""
    return certificate.not_valid_before_utc.timestamp(), certificate.not_valid_after_utc.timestamp()


def tenant_of(issuer: object) -> str | None:
    """Return the tenant id that a path segment of an issuer holds, as Entra's do (AZR-012, AZR-015)."""
    found = _GUID.search(issuer) if isinstance(issuer, str) else None
    return found[1] if found else None


def _check_purpose(entry: dict[str, Any]) -> None:
    # KEY-011, KEY-012: optional, but what is said counts, and exactly as it is spelled.
    if "use" in entry and entry["use"] != "sig":
        raise UnusableKey("its use is not sig")
    operations = entry.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        raise UnusableKey("its key_ops lack verify")


def _restriction(entry: dict[str, Any], material: KeyMaterial) -> frozenset[str] | None:
    if "alg" not in entry:
        return None
    name = entry["alg"]
    algorithm = ALGORITHMS.get(name) if isinstance(name, str) else None
    if algorithm is None or not algorithm.fits(material):  # SIG-032
        raise UnusableKey("its alg is none that it can verify here")
    return frozenset({algorithm.name})


def _material_of_jwk(kty: str, entry: dict[str, Any]) -> KeyMaterial:
    fields = {name: entry.get(name) for name in _FIELDS[kty]}
    for name, value in fields.items():
        if not isinstance(value, str) or not 0 < len(value) <= _MAX_FIELD_CHARS:
            raise UnusableKey(f"its {name} is missing, too long or no string")
    crv = entry.get("crv")
    return _material(kty, crv if isinstance(crv, str) else None, tuple(fields.items()))


@lru_cache(maxsize=MAX_KEYS)
def _material(kty: str, crv: str | None, numbers: tuple[tuple[str, str], ...]) -> KeyMaterial:
    # Remembered, because a set is read again and again, and hardly ever with another key in it.
    fields = dict(numbers)
    try:
        # Only the public fields reach the reader, each in strict base64url; PyJWT's own decoder is lenient.
        for value in fields.values():
            decode_base64url(value.encode())
        return material_of(_READERS[kty]({"kty": kty, "crv": crv, **fields}))
    except UnusableKey:
        raise
    except (ValueError, TypeError, OverflowError, PyJWTError, UnsupportedAlgorithm):
        raise UnusableKey("its numbers are no public key", weak=True) from None


def _shape(key: object) -> tuple[str, str | None, bytes]:
    match key:
        case RSAPublicKey():
            return "RSA", None, _check_rsa(key)
        case EllipticCurvePublicKey() if key.curve.name in _CURVE_NAMES:
            crv = _CURVE_NAMES[key.curve.name]
            return "EC", crv, _ORDERS[crv]
        case Ed25519PublicKey():
            return "OKP", "Ed25519", _check_edwards(key, "Ed25519")
        case Ed448PublicKey():
            return "OKP", "Ed448", _check_edwards(key, "Ed448")
    raise UnusableKey("its key type or curve is not supported", weak=True)


def _check_rsa(key: RSAPublicKey) -> bytes:
    numbers = key.public_numbers()
    if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
        raise UnusableKey(f"its RSA modulus has {key.key_size} bits", weak=True)
    if numbers.n % 2 == 0 or numbers.e % 2 == 0 or not 3 <= numbers.e <= MAX_RSA_EXPONENT:
        raise UnusableKey("its RSA numbers are no safe public key", weak=True)
    return numbers.n.to_bytes((key.key_size + 7) // 8)


def _check_edwards(key: PublicKey, crv: str) -> bytes:
    raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    prime, small = _SMALL_ORDER_Y[crv]
    y = int.from_bytes(raw, "little") & ~(1 << (8 * len(raw) - 1))  # the top bit is the sign of x
    if y >= prime or y in small:
        raise UnusableKey(f"its {crv} point is of small order or not canonical", weak=True)
    return _ORDERS[crv]


def _check_certificate(entry: dict[str, Any], material: KeyMaterial) -> tuple[float, float] | None:
    """KEY-019: a JWK that carries certificates holds the first one's key, and thumbprints agree with it.

    Returns the dates of that certificate; a JWK need not carry any (KEY-020).
    """
    if "x5c" not in entry:
        return None
    chain = entry["x5c"]
    try:
        der = binascii.a2b_base64(chain[0].encode("ascii"), strict_mode=True)
        with unwarned():
            certificate = load_certificate(der)
            certified = material_of(certificate.public_key())
    except (ValueError, TypeError, AttributeError, LookupError, UnsupportedAlgorithm):
        raise UnusableKey("its x5c holds no certificate of a usable key") from None
    if not isinstance(chain, list) or certified.spki != material.spki:
        raise UnusableKey("its x5c is of another key")
    for name, digest in (
        ("x5t", hashlib.sha1(der, usedforsecurity=False)),
        ("x5t#S256", hashlib.sha256(der)),
    ):
        if name in entry and entry[name] != encode_base64url(digest.digest()):
            raise UnusableKey(f"its {name} is of another certificate")
    return dates_of(certificate)
