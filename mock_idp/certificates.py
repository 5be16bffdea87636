"""X.509 certificates of the mock IdP's keys: PEM, DER, bundles, self-signed or issued, and their thumbprints.

Everything is derived from what is asked, the serial included, so that the same key has the same certificate
on every run. It must never look at the clock: an expired certificate is one that was asked to be.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, TypeAlias

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from mock_idp.keys import SigningKey, b64url

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cryptography import x509

NOT_BEFORE = datetime(2020, 1, 1, tzinfo=UTC)
NOT_AFTER = datetime(2100, 1, 1, tzinfo=UTC)
DEFAULT_SUBJECT = "CN=Touchstone mock IdP"

Purpose: TypeAlias = Literal["web_server", "encipherment"]
CertificateIssuer: TypeAlias = tuple[SigningKey, str]
"""The key that signs a certificate, and its name as RFC 4514 text (`CN=Example CA`)."""


@lru_cache(maxsize=256)
def certificate(  # noqa: PLR0913 - each is a field of a certificate that a test may want another way
    key: SigningKey,
    *,
    subject: str = DEFAULT_SUBJECT,
    not_before: datetime = NOT_BEFORE,
    not_after: datetime = NOT_AFTER,
    issuer: CertificateIssuer | None = None,
    ca: bool = False,
    serial: int | None = None,
    purpose: Purpose | None = None,
) -> x509.Certificate:
    """Make the certificate of a key: the same bytes for the same arguments (RFC 5280).

    `subject` is RFC 4514 text. Without `issuer` the certificate is self-signed. `purpose` says that it is for
    another one than signing tokens (ONB-018); without it nothing is said. The serial is derived from
    the public key and the subject unless given. `ValueError` for a name that does not parse or a validity
    that ends before it starts.
    """
    from cryptography import x509  # slow to import, and many a server makes no certificate

    signer, issuer_name = issuer or (key, subject)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name.from_rfc4514_string(subject))
        .issuer_name(x509.Name.from_rfc4514_string(issuer_name))
        .public_key(key.private.public_key())
        .serial_number(serial or _serial(key, subject))
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.private.public_key()), critical=False)
    )
    if purpose is not None:
        builder = _for_purpose(builder, purpose)
    if isinstance(signer.private, ed25519.Ed25519PrivateKey):
        return builder.sign(signer.private, None)
    deterministic = True if isinstance(signer.private, ec.EllipticCurvePrivateKey) else None
    return builder.sign(signer.private, hashes.SHA256(), ecdsa_deterministic=deterministic)


def _for_purpose(builder: x509.CertificateBuilder, purpose: Purpose) -> x509.CertificateBuilder:
    from cryptography import x509

    if purpose == "web_server":
        usage = x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH])
        names = x509.SubjectAlternativeName([x509.DNSName("idp.example.com")])
        return builder.add_extension(usage, critical=False).add_extension(names, critical=False)
    encipherment = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=True,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    return builder.add_extension(encipherment, critical=True)


def _serial(key: SigningKey, subject: str) -> int:
    digest = hashlib.sha256(key.spki_der() + subject.encode()).digest()
    # RFC 5280 section 4.1.2.2: positive and at most 20 bytes.
    return int.from_bytes(b"\x01" + digest[:15], "big")


def certificate_pem(cert: x509.Certificate) -> bytes:
    """Write a certificate as PEM (the content of a `.pem` file)."""
    from cryptography.hazmat.primitives.serialization import Encoding  # as slow as x509

    return cert.public_bytes(Encoding.PEM)


def certificate_der(cert: x509.Certificate) -> bytes:
    """Write a certificate as DER (the content of a binary `.cer` file)."""
    from cryptography.hazmat.primitives.serialization import Encoding  # as slow as x509

    return cert.public_bytes(Encoding.DER)


def bundle_pem(certs: Iterable[x509.Certificate]) -> bytes:
    """Write several certificates as one PEM file, in the given order (ONB-007 counts them, not files)."""
    return b"".join(map(certificate_pem, certs))


@lru_cache(maxsize=256)
def x5t(cert: x509.Certificate) -> str:
    """Give the SHA-1 thumbprint as base64url, 27 characters (RFC 7515 section 4.1.7)."""
    return b64url(hashlib.sha1(certificate_der(cert), usedforsecurity=False).digest())


def x5t_s256(cert: x509.Certificate) -> str:
    """Give the SHA-256 thumbprint as base64url, 43 characters (RFC 7515 section 4.1.8)."""
    return b64url(hashlib.sha256(certificate_der(cert)).digest())


@lru_cache(maxsize=256)
def x5c(cert: x509.Certificate) -> str:
    """Give a certificate as a member of `x5c`: base64 of its DER, not base64url (RFC 7517 section 4.7)."""
    return base64.b64encode(certificate_der(cert)).decode("ascii")
