"""The files that customers upload when they are asked for a certificate: good ones, odd ones and wrong ones."""

from __future__ import annotations

import base64
import textwrap
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs7, pkcs12

from mock_idp.certificates import NOT_AFTER, NOT_BEFORE, bundle_pem, certificate, certificate_der

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from mock_idp.keys import SigningKey

_AUTHORITY: Final = "CN=Example signing CA"
_BAG: Final = b"Bag Attributes\n    friendlyName: idp-signing\nsubject=CN = idp-signing\n"


def certificate_file(
    keys: Sequence[SigningKey],
    form: str,
    certify: Callable[[SigningKey], x509.Certificate],
    not_before: datetime | None = None,
    not_after: datetime | None = None,
) -> str | bytes:
    """Return the content of an upload: text where it is ASCII, else bytes.

    `form` is one of `FORMS` (ONB-007, ONB-013 to ONB-015, ONB-018, ONB-023); `certify` makes the certificate of a
    key, and the two dates (UTC) replace its validity.
    """
    certificates = [_certified(key, certify, not_before, not_after) for key in keys]
    content = FORMS[form](keys, certificates)
    return content.decode("ascii") if content.isascii() else content


def _certified(
    key: SigningKey,
    certify: Callable[[SigningKey], x509.Certificate],
    not_before: datetime | None,
    not_after: datetime | None,
) -> x509.Certificate:
    plain = certify(key)
    if not_before is None and not_after is None:
        return plain
    subject = plain.subject.rfc4514_string()
    return certificate(
        key, subject=subject, not_before=not_before or NOT_BEFORE, not_after=not_after or NOT_AFTER
    )


def _private_pem(keys: Sequence[SigningKey]) -> bytes:
    return b"".join(
        key.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) for key in keys
    )


def _csr(keys: Sequence[SigningKey], certificates: Sequence[x509.Certificate]) -> bytes:
    builder = x509.CertificateSigningRequestBuilder().subject_name(certificates[0].subject)
    key = keys[0].private
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return builder.sign(key, None).public_bytes(Encoding.PEM)
    deterministic = True if isinstance(key, ec.EllipticCurvePrivateKey) else None
    return builder.sign(key, hashes.SHA256(), ecdsa_deterministic=deterministic).public_bytes(Encoding.PEM)


def _pkcs12(keys: Sequence[SigningKey], certificates: Sequence[x509.Certificate]) -> bytes:
    return _without_mac(
        pkcs12.serialize_key_and_certificates(
            b"signing", keys[0].private, certificates[0], None, NoEncryption()
        )
    )


def _leaf(keys: Sequence[SigningKey]) -> x509.Certificate:
    """Return the certificate of the first key, issued by the last one."""
    return certificate(keys[0], subject="CN=idp-signing", issuer=(keys[-1], _AUTHORITY))


def _without_mac(pfx: bytes) -> bytes:
    """Return a PFX without its MAC, which is optional (RFC 7292 section 4) and salted: the same bytes each time."""
    start = _content(pfx, 0)[0]
    version_end = _content(pfx, start)[1]
    end = _content(pfx, version_end)[1]
    body = pfx[start:end]
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([0x30, 0x80 | len(size)]) + size + body


def _content(der: bytes, at: int) -> tuple[int, int]:
    """Return where the content of the DER element at a place starts and ends."""
    size, start = der[at + 1], at + 2
    if size & 0x80:
        start += size & 0x7F
        size = int.from_bytes(der[at + 2 : start], "big")
    return start, start + size


def _relabelled(content: bytes, label: bytes) -> bytes:
    return content.replace(b"CERTIFICATE-----", label + b"-----")


def _wrapped(der: bytes) -> bytes:
    body = "\n".join(textwrap.wrap(base64.b64encode(der).decode("ascii"), 64))
    return f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n".encode("ascii")


FORMS: Final[dict[str, Callable[[Sequence[SigningKey], Sequence[x509.Certificate]], bytes]]] = {
    "pem": lambda _, certs: bundle_pem(certs),
    "der": lambda _, certs: certificate_der(certs[0]),
    "crlf": lambda _, certs: bundle_pem(certs).replace(b"\n", b"\r\n"),
    "bom": lambda _, certs: b"\xef\xbb\xbf" + bundle_pem(certs),
    "bag_attributes": lambda _, certs: _BAG + bundle_pem(certs),
    "no_final_newline": lambda _, certs: bundle_pem(certs).rstrip(b"\n"),
    "utf16": lambda _, certs: b"\xff\xfe" + bundle_pem(certs).decode("ascii").encode("utf-16-le"),
    "trusted": lambda _, certs: _relabelled(bundle_pem(certs), b"TRUSTED CERTIFICATE"),
    "private_key": lambda keys, _: _private_pem(keys),
    "with_private_key": lambda keys, certs: _private_pem(keys) + bundle_pem(certs),
    "private_key_after": lambda keys, certs: bundle_pem(certs) + _private_pem(keys),
    "public_key": lambda keys, _: b"".join(key.spki_pem() for key in keys),
    "csr": _csr,
    "pkcs7": lambda _, certs: pkcs7.serialize_certificates(list(certs), Encoding.PEM),
    "pkcs7_der": lambda _, certs: pkcs7.serialize_certificates(list(certs), Encoding.DER),
    "pkcs12": _pkcs12,
    "leaf": lambda keys, _: certificate_der(_leaf(keys)),
    "chain": lambda keys, _: bundle_pem([_leaf(keys), certificate(keys[-1], subject=_AUTHORITY, ca=True)]),
    "encipherment": lambda keys, _: certificate_der(certificate(keys[0], purpose="encipherment")),
    "web_server": lambda keys, _: certificate_der(certificate(keys[0], purpose="web_server")),
    "spaced": lambda _, certs: bundle_pem(certs).replace(b"\nMII", b"\nMI I"),
    "authority": lambda keys, _: certificate_der(certificate(keys[0], ca=True)),
    "double_base64": lambda _, certs: base64.b64encode(bundle_pem(certs)),
    "truncated": lambda _, certs: _wrapped(certificate_der(certs[0])[:-40]),
    "first_damaged": lambda _, certs: (
        bundle_pem(certs[:1]).replace(b"BEGIN ", b"BEGIN$") + bundle_pem(certs[1:] or certs)
    ),
    "trailing_bytes": lambda _, certs: _wrapped(certificate_der(certs[0]) + b"\x00\x01"),
}
"""How an upload can be written: each makes the file's bytes from keys and their certificates."""
