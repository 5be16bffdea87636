"""Keys as files: certificates to upload where a customer is asked for one, and the keys themselves.

What is exported of a key is what its JWKS entry says (`x5c`), unless another certificate is asked for.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, TypedDict, Unpack

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from mock_idp.certificates import (
    NOT_AFTER,
    NOT_BEFORE,
    bundle_pem,
    certificate,
    certificate_der,
    certificate_pem,
)
from mock_idp.control.errors import Code, ControlError, refusing
from mock_idp.control.keys import ring_name
from mock_idp.control.steered import Steered
from mock_idp.keys import SigningKey

if TYPE_CHECKING:
    from cryptography import x509

AUTHORITY = "CN=Touchstone mock CA"


class CertificateOptions(TypedDict, total=False):
    """Which certificate of a key is meant; by default the one that the persona publishes, self-signed."""

    not_before: float | None
    """Seconds since the epoch; one that has expired or is not valid yet is made by these two."""
    not_after: float | None
    subject: str | None
    """RFC 4514 text, such as `CN=idp.example`."""
    by_authority: bool
    """Whether a CA issued it, whose own certificate is `authority_certificate`."""


class Exports(Steered):
    """Certificates as `.pem`, `.cer` and bundle; public and private keys."""

    def certificate_pem(self, path: str, kid: str, **asked: Unpack[CertificateOptions]) -> bytes:
        """Write the certificate of a key, in whatever state, as PEM (a `.pem` file)."""
        return certificate_pem(self._certificate(path, kid, asked))

    def certificate_cer(self, path: str, kid: str, **asked: Unpack[CertificateOptions]) -> bytes:
        """Write the certificate of a key, in whatever state, as DER (a binary `.cer` file)."""
        return certificate_der(self._certificate(path, kid, asked))

    def certificates_pem(self, path: str) -> bytes:
        """Write the certificates of all published keys as one PEM file, in the order of the JWKS."""
        issuer = self._issuer(path)
        return bundle_pem(issuer.persona.certificate(key) for key in issuer.ring.published())

    def authority_certificate(self) -> bytes:
        """Write the certificate of the CA that issues `by_authority`, as PEM; it is another in each process."""
        return certificate_pem(certificate(_authority(), subject=AUTHORITY, ca=True))

    def public_key(self, path: str, kid: str) -> bytes:
        """Write the public half of a key as SubjectPublicKeyInfo in PEM."""
        return self._key(path, kid).spki_pem()

    def private_key(self, path: str, kid: str) -> bytes:
        """Write a key as unencrypted PKCS#8 in PEM, for tests that sign by themselves."""
        return self._key(path, kid).private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def _key(self, path: str, kid: str) -> SigningKey:
        issuer = self._issuer(path)
        return issuer.ring.key(ring_name(issuer, kid))

    def _certificate(self, path: str, kid: str, asked: CertificateOptions) -> x509.Certificate:
        issuer, key = self._issuer(path), self._key(path, kid)
        subject = asked.get("subject") or issuer.persona.certificate_subject
        _check_name(subject)
        with refusing(Code.INVALID):
            return certificate(
                key,
                subject=subject,
                not_before=_instant(asked.get("not_before"), NOT_BEFORE),
                not_after=_instant(asked.get("not_after"), NOT_AFTER),
                issuer=(_authority(), AUTHORITY) if asked.get("by_authority") else None,
            )


def _check_name(subject: str) -> None:
    from cryptography import x509  # slow to import, and many a server makes no certificate

    try:
        x509.Name.from_rfc4514_string(subject)
    except ValueError:
        raise ControlError(
            Code.INVALID, f"{subject[:80]!r} is no name as `CN=idp.example` is (RFC 4514)"
        ) from None


def _instant(seconds: float | None, default: datetime) -> datetime:
    return default if seconds is None else datetime.fromtimestamp(int(seconds), UTC)


@cache
def _authority() -> SigningKey:
    return SigningKey.generate("ES256", kid="authority")
