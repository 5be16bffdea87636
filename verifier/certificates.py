"""From the files that a customer sends to X.509 certificates; what is no certificate is refused by its name.

Must never keep or show any part of a file, and never pick the certificate out of a file that also holds
something else (ONB-015, ONB-023). Only the key of a certificate counts, never what it or its issuer has
signed (ONB-017).
"""

import binascii
import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, load_der_public_key, pkcs12
from cryptography.x509.oid import PublicKeyAlgorithmOID

from verifier.algorithms import KeyMaterial
from verifier.errors import OnboardingRefused, RefuseReason, quoted
from verifier.keys import UnusableKey, check_not_shipped, material_of

MAX_FILE_BYTES = 256 * 1024
"""Largest certificate file that is looked at."""

PSS_ONLY = frozenset({"PS256", "PS384", "PS512"})
"""Algorithms of a certificate whose key is restricted to RSASSA-PSS (ONB-021)."""

_PEM_LABEL = re.compile(rb"-----BEGIN ([^\r\n-]{0,64})-----")
_PEM_CERTIFICATE = re.compile(
    rb"-----BEGIN CERTIFICATE-----[ \t]*\r?\n((?:[A-Za-z0-9+/=]+\r?\n)+)-----END CERTIFICATE-----"
)
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi"})
_KINDS_OF_PEM = {
    b"CERTIFICATE REQUEST": "a certificate signing request",
    b"NEW CERTIFICATE REQUEST": "a certificate signing request",
    b"PKCS7": "a PKCS#7 bundle",
    b"CMS": "a PKCS#7 bundle",
    b"X509 CRL": "a revocation list",
    b"TRUSTED CERTIFICATE": "an OpenSSL trusted certificate",
    b"PUBLIC KEY": "a bare public key",
    b"RSA PUBLIC KEY": "a bare public key",
}
_PKCS7_OID = bytes.fromhex("06092a864886f70d0107")
_SECRET_TEXT = re.compile(rb"[!-~]{1,512}")


@dataclass(frozen=True, slots=True)
class CertificateFile:
    """One file as the customer sent it; `kid` is the key id that tokens by its key will carry."""

    kid: str | None
    content: bytes
    name: str = ""


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate of a file: its key, the algorithms that the key is held to, and what to warn of."""

    kid: str | None
    material: KeyMaterial
    algorithms: frozenset[str] | None
    der: bytes
    warnings: tuple[str, ...]


def read_certificates(
    file: CertificateFile, now: datetime, *, allow_test_keys: bool = False
) -> list[Certificate]:
    """Read every certificate of a file, PEM (one or a bundle) or DER by its content (ONB-013, ONB-014).

    Raises OnboardingRefused with `not_a_certificate`, `malformed_certificate`, `private_key`, `shared_secret`
    or `weak_key`; the detail names the file.
    """
    name = quoted(file.name or "certificate")
    content = file.content.removeprefix(b"\xef\xbb\xbf")
    if len(content) > MAX_FILE_BYTES:
        raise _refused("not_a_certificate", f"{name} is larger than {MAX_FILE_BYTES} bytes")
    found = list(_pem_bodies(content, name)) if b"-----BEGIN " in content else [_der_body(content, name)]
    certificates = [_certificate(file.kid, der, name, now) for der in found]
    if not allow_test_keys:
        for certificate in certificates:
            _refuse_test_key(certificate, name)
    return certificates


def holds_private_key(text: str) -> bool:
    """Tell whether a text holds a private key in PEM (ONB-015)."""
    return "PRIVATE KEY-----" in text


def _refused(reason: RefuseReason, detail: str) -> OnboardingRefused:
    return OnboardingRefused(reason, detail, "certificates")


def _pem_bodies(content: bytes, name: str) -> Iterator[bytes]:
    labels: list[bytes] = _PEM_LABEL.findall(content)
    if any(b"PRIVATE KEY" in label for label in labels):  # ONB-015: whatever else the file holds
        raise _refused("private_key", f"{name} holds a private key, which is compromised now")
    for label in labels:
        if label != b"CERTIFICATE":
            raise _refused(
                "not_a_certificate", f"{name} is {_KINDS_OF_PEM.get(label, 'another kind of PEM')}"
            )
    bodies = _PEM_CERTIFICATE.findall(content)
    if len(bodies) != content.count(b"-----BEGIN "):
        raise _refused("malformed_certificate", f"{name} is damaged PEM")
    for body in bodies:
        try:
            yield binascii.a2b_base64(body.replace(b"\r", b"").replace(b"\n", b""), strict_mode=True)
        except binascii.Error:
            raise _refused("malformed_certificate", f"{name} holds damaged base64") from None


def _der_body(content: bytes, name: str) -> bytes:
    """Return what may be a DER certificate, and refuse the other things that people send, each by name."""
    for reason, what, matches in _NOT_CERTIFICATES:
        if matches(content):
            raise _refused(reason, f"{name} is {what}")
    if not content.startswith(b"\x30"):
        raise _refused("not_a_certificate", f"{name} is neither PEM nor DER")
    return content


def _certificate(kid: str | None, der: bytes, name: str, now: datetime) -> Certificate:
    try:
        certificate = x509.load_der_x509_certificate(der)
        if certificate.public_bytes(Encoding.DER) != der:
            raise ValueError  # noqa: TRY301 - the same end as damage that the parser finds
    except ValueError:  # truncated, trailing bytes, BER (ONB-023)
        raise _refused("malformed_certificate", f"{name} holds a damaged certificate") from None
    try:
        material = material_of(certificate.public_key())
    except (UnusableKey, ValueError, UnsupportedAlgorithm) as fault:  # ONB-020
        why = str(fault) if isinstance(fault, UnusableKey) else "its key is not supported"
        raise _refused("weak_key", f"{name}: {why}") from None
    pss = certificate.public_key_algorithm_oid == PublicKeyAlgorithmOID.RSASSA_PSS
    warnings = tuple(f"{name} {warning}" for warning in _warnings(certificate, now))
    return Certificate(kid, material, PSS_ONLY if pss else None, der, warnings)


def _refuse_test_key(certificate: Certificate, name: str) -> None:
    try:
        check_not_shipped(certificate.material)
    except UnusableKey as fault:
        raise _refused("weak_key", f"{name}: {fault}") from None


def _warnings(certificate: x509.Certificate, now: datetime) -> Iterator[str]:
    # ONB-016, ONB-018: said once at onboarding, and without effect on tokens.
    if now > certificate.not_valid_after_utc:
        yield "has expired"
    if now < certificate.not_valid_before_utc:
        yield "is not valid yet"
    try:
        extensions = certificate.extensions
    except (ValueError, x509.DuplicateExtension):
        yield "has extensions that cannot be read"
        return
    with suppress(x509.ExtensionNotFound):
        if extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            yield "belongs to a certificate authority, not to a signer of tokens"
    with suppress(x509.ExtensionNotFound):
        if not extensions.get_extension_for_class(x509.KeyUsage).value.digital_signature:
            yield "is not meant for digital signatures"


def _inner(content: bytes) -> bytes:
    """Return the content of the outer DER SEQUENCE, or nothing."""
    if content[:1] != b"\x30" or len(content) < 2:
        return b""
    return content[2 + (content[1] & 0x7F if content[1] & 0x80 else 0) :]


def _loads(load: Callable[[bytes], object]) -> Callable[[bytes], bool]:
    def matches(content: bytes) -> bool:
        with suppress(ValueError, TypeError, UnsupportedAlgorithm):
            load(content)
            return True
        return False

    return matches


def _pkcs12_with_key(content: bytes) -> bool:
    for password in (None, b""):
        with suppress(ValueError):
            return pkcs12.load_pkcs12(content, password).key is not None
    return False


def _jwk_kind(content: bytes) -> str | None:
    """Return what a JSON text is: `private`, `secret` or `json`; None if it is none."""
    if not content.lstrip().startswith((b"{", b"[")):
        return None
    with suppress(ValueError, RecursionError):
        document = json.loads(content)
        entries = document.get("keys", [document]) if isinstance(document, dict) else document
        members = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
        if any(entry.get("kty") == "oct" or "k" in entry for entry in members):
            return "secret"
        if any(_PRIVATE_MEMBERS & entry.keys() for entry in members):
            return "private"
    return "json"


def _is_armourless(content: bytes) -> bool:
    with suppress(ValueError):
        decoded = binascii.a2b_base64(b"".join(content.split()), strict_mode=True)
        return decoded.startswith((b"\x30\x82", b"-----BEGIN"))
    return False


_NOT_CERTIFICATES: tuple[tuple[RefuseReason, str, Callable[[bytes], bool]], ...] = (
    ("not_a_certificate", "empty", lambda content: not content.strip()),
    ("not_a_certificate", "UTF-16 text", lambda content: content.startswith((b"\xff\xfe", b"\xfe\xff"))),
    (
        "not_a_certificate",
        "UTF-16 text",
        lambda content: b"-\x00-\x00" in content or b"\x00-\x00-" in content,
    ),
    (
        "private_key",
        "a private JWK, which is compromised now",
        lambda content: _jwk_kind(content) == "private",
    ),
    ("shared_secret", "a shared secret", lambda content: _jwk_kind(content) == "secret"),
    ("not_a_certificate", "JSON", lambda content: _jwk_kind(content) == "json"),
    ("not_a_certificate", "a web page", lambda content: content.lstrip().startswith(b"<")),
    ("not_a_certificate", "an SSH key", lambda content: content.startswith((b"ssh-", b"ecdsa-sha2-"))),
    ("not_a_certificate", "base64 without its BEGIN line", _is_armourless),
    (
        "shared_secret",
        "a short text, as a client secret is",
        lambda content: bool(_SECRET_TEXT.fullmatch(content.strip())),
    ),
    ("private_key", "a PKCS#12 file with a private key, which is compromised now", _pkcs12_with_key),
    ("not_a_certificate", "a PKCS#12 file", lambda content: _inner(content).startswith(b"\x02\x01\x03")),
    (
        "private_key",
        "a private key, which is compromised now",
        lambda content: _inner(content)[:3] in (b"\x02\x01\x00", b"\x02\x01\x01"),
    ),
    ("not_a_certificate", "a PKCS#7 bundle", lambda content: _inner(content).startswith(_PKCS7_OID)),
    ("not_a_certificate", "a certificate signing request", _loads(x509.load_der_x509_csr)),
    ("not_a_certificate", "a revocation list", _loads(x509.load_der_x509_crl)),
    ("not_a_certificate", "a bare public key", _loads(load_der_public_key)),
)
