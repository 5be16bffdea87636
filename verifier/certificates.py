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
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    load_der_public_key,
    load_pem_public_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, PublicKeyAlgorithmOID

from verifier.algorithms import KeyMaterial
from verifier.errors import OnboardingRefused, RefuseReason, quoted
from verifier.keys import UnusableKey, check_not_shipped, dates_of, load_certificate, material_of, unwarned
from verifier.pkcs12_files import holds_open_key
from verifier.policy import Policy

MAX_FILE_BYTES = 256 * 1024
"""Largest certificate file that is looked at."""

_PSS_HASHES = {
    bytes.fromhex("0609608648016503040201"): "PS256",
    bytes.fromhex("0609608648016503040202"): "PS384",
    bytes.fromhex("0609608648016503040203"): "PS512",
}
_PSS_OID = bytes.fromhex("06092a864886f70d01010a")
_PRIME_FIELD_OID = bytes.fromhex("06072a8648ce3d0101")
"""What an elliptic curve that is spelled out begins with; a named curve has no such thing (ONB-020)."""

_PEM_LABEL = re.compile(rb"-----BEGIN ([^\r\n-]{0,64})-----")
_PEM_CERTIFICATE = re.compile(
    rb"^-----BEGIN CERTIFICATE-----[ \t]*\r?\n((?:[A-Za-z0-9+/=]+\r?\n)+)-----END CERTIFICATE-----[ \t]*\r?$",
    re.MULTILINE,
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
_WHAT_TO_SEND = "send the X.509 certificate that signs tokens, as PEM or DER"
_EXPORT_AGAIN = "export it again and send it unchanged"
_COMPROMISED = "a private key, which is compromised now: replace it at your IdP"
_STRONG_KEY = "use RSA of at least 2048 bits, P-256, P-384, P-521, Ed25519 or Ed448"
_PKCS7_OID = bytes.fromhex("06092a864886f70d0107")
# What a client secret looks like; no secret is ever a key (ONB-044).
_SECRET_TEXT = re.compile(rb"[!-~]{1,512}")


@dataclass(frozen=True, slots=True)
class CertificateFile:
    """One file as the customer sent it; `kid` is the key id that tokens by its key will carry."""

    kid: str | None
    content: bytes
    name: str = ""


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate of a file: its key, the algorithms that the key is held to, and what to warn of.

    `dates` are its first and last second (since the epoch); None for a bare public key, whose `der` is its
    SPKI.
    """

    kid: str | None
    material: KeyMaterial
    algorithms: frozenset[str] | None
    der: bytes
    dates: tuple[float, float] | None
    warnings: tuple[str, ...]


def read_certificates(file: CertificateFile, now: datetime, policy: Policy) -> list[Certificate]:
    """Read every certificate of a file, PEM (one or a bundle) or DER by its content (ONB-013, ONB-014).

    A bare public key is one too where the policy says so. Raises OnboardingRefused with `not_a_certificate`,
    `malformed_certificate`, `private_key`, `shared_secret` or `weak_key`; the detail names the file.
    """
    name = quoted(file.name or "certificate")
    content = file.content.removeprefix(b"\xef\xbb\xbf")
    if len(content) > MAX_FILE_BYTES:
        detail = f"{name} is larger than {MAX_FILE_BYTES} bytes; send certificates only"
        raise _refused("not_a_certificate", detail)
    with unwarned():
        if policy.raw_public_key == "accept" and (key := _public_key(content)):
            return [_bare_key(file.kid, key, name, policy)]
        found = list(_pem_bodies(content, name)) if b"-----BEGIN " in content else [_der_body(content, name)]
        return [_certificate(file.kid, der, name, now, policy) for der in found]


def holds_private_key(text: str) -> bool:
    """Tell whether a text holds a private key in PEM (ONB-015)."""
    return "PRIVATE KEY-----" in text


def _refused(reason: RefuseReason, detail: str) -> OnboardingRefused:
    return OnboardingRefused(reason, detail, "certificates")


def _pem_bodies(content: bytes, name: str) -> Iterator[bytes]:
    labels: list[bytes] = _PEM_LABEL.findall(content)
    if any(b"PRIVATE KEY" in label for label in labels):  # ONB-015: whatever else the file holds
        raise _refused("private_key", f"{name} holds {_COMPROMISED}")
    for label in labels:
        if label != b"CERTIFICATE":
            what = _KINDS_OF_PEM.get(label, "another kind of PEM")
            raise _refused("not_a_certificate", f"{name} holds {what}; {_WHAT_TO_SEND}")
    bodies = _PEM_CERTIFICATE.findall(content)
    # A line that wants to begin or end a block and does not is a certificate that nobody would miss otherwise.
    if {content.count(b"-----BEGIN"), content.count(b"-----END")} != {len(bodies)}:
        raise _refused("malformed_certificate", f"{name} is damaged PEM; {_EXPORT_AGAIN}")
    for body in bodies:
        try:
            yield binascii.a2b_base64(body.replace(b"\r", b"").replace(b"\n", b""), strict_mode=True)
        except binascii.Error:
            raise _refused("malformed_certificate", f"{name} holds damaged base64; {_EXPORT_AGAIN}") from None


def _der_body(content: bytes, name: str) -> bytes:
    """Return what may be a DER certificate, and refuse the other things that people send, each by name."""
    for reason, what, matches in _NOT_CERTIFICATES:
        if matches(content):
            advice = "" if reason == "private_key" else f"; {_WHAT_TO_SEND}"
            raise _refused(reason, f"{name} is {what}{advice}")
    if not content.startswith(b"\x30"):
        raise _refused("not_a_certificate", f"{name} is neither PEM nor DER; {_WHAT_TO_SEND}")
    return content


def _certificate(kid: str | None, der: bytes, name: str, now: datetime, policy: Policy) -> Certificate:
    try:
        certificate = load_certificate(der)
        if certificate.public_bytes(Encoding.DER) != der:
            raise ValueError  # noqa: TRY301 - the same end as damage that the parser finds
    except ValueError:  # truncated, trailing bytes, BER (ONB-023)
        raise _refused(
            "malformed_certificate", f"{name} holds a damaged certificate; {_EXPORT_AGAIN}"
        ) from None
    try:
        material = _material(certificate, policy)
        algorithms = _pss_algorithms(certificate)
    except (UnusableKey, ValueError, UnsupportedAlgorithm) as fault:  # ONB-020
        why = str(fault) if isinstance(fault, UnusableKey) else "its key is not supported"
        raise _refused("weak_key", f"{name}: {why}; {_STRONG_KEY}") from None
    wrong_dates = None if policy.cert_validity_onboarding == "ignore" else _wrong_dates(certificate, now)
    if wrong_dates and policy.cert_validity_onboarding == "refuse":  # ONB-016
        raise _refused("malformed_certificate", f"{name} {wrong_dates}; send the one that signs now")
    said = [wrong_dates] if wrong_dates else []
    warnings = tuple(f"{name} {warning}" for warning in (*said, *_odd_purposes(certificate)))
    return Certificate(kid, material, algorithms, der, dates_of(certificate), warnings)


def _material(certificate: x509.Certificate, policy: Policy) -> KeyMaterial:
    material = _of_nobody_else(material_of(certificate.public_key()), policy)
    if material.kty == "EC" and _PRIME_FIELD_OID in certificate.tbs_certificate_bytes:  # CVE-2020-0601
        raise UnusableKey("its curve is spelled out in place of named", weak=True)
    return material


def _of_nobody_else(material: KeyMaterial, policy: Policy) -> KeyMaterial:
    if not policy.allow_test_keys:
        check_not_shipped(material)
    return material


def _public_key(content: bytes) -> object | None:
    """Return the key of a file that is one bare public key (ONB-013, `raw_public_key=accept`)."""
    pem = content.strip().startswith(b"-----BEGIN PUBLIC KEY-----") and content.count(b"-----BEGIN ") == 1
    with suppress(ValueError, UnsupportedAlgorithm):
        return load_pem_public_key(content) if pem else load_der_public_key(content)
    return None


def _bare_key(kid: str | None, key: object, name: str, policy: Policy) -> Certificate:
    try:
        material = _of_nobody_else(material_of(key), policy)
    except UnusableKey as fault:
        raise _refused("weak_key", f"{name}: {fault}; {_STRONG_KEY}") from None
    return Certificate(kid, material, None, material.spki, None, ())


def _pss_algorithms(certificate: x509.Certificate) -> frozenset[str] | None:
    """Return what an RSA key that is restricted to RSASSA-PSS may verify, None for others (ONB-021, RFC 4055)."""
    if certificate.public_key_algorithm_oid != PublicKeyAlgorithmOID.RSASSA_PSS:
        return None
    body = _elements(certificate.tbs_certificate_bytes)[0][1]
    fields = [content for tag, content in _elements(body) if tag != 0xA0]  # without the version
    algorithm = _elements(fields[5])[0][1]  # serial, signature, issuer, validity, subject, SPKI
    parameters = algorithm.removeprefix(_PSS_OID)
    if not parameters:
        return frozenset(_PSS_HASHES.values())
    hashes = [content for tag, content in _elements(_elements(parameters)[0][1]) if tag == 0xA0]
    named = frozenset(name for oid, name in _PSS_HASHES.items() if hashes and oid in hashes[0])
    if not named:  # SHA-1, the default, among others
        raise UnusableKey("its key is for PSS with a hash that no algorithm here has", weak=True)
    return named


def _elements(der: bytes) -> list[tuple[int, bytes]]:
    """Return tag and content of the DER elements that stand one after the other; the parser has checked them."""
    found = []
    while der:
        size, start = der[1], 2
        if size & 0x80:
            start += size & 0x7F
            size = int.from_bytes(der[2:start])
        found.append((der[0], der[start : start + size]))
        der = der[start + size :]
    return found


def _wrong_dates(certificate: x509.Certificate, now: datetime) -> str | None:
    # ONB-016: said at onboarding; what it means for tokens is the policy's cert_validity_run_time.
    if now > certificate.not_valid_after_utc:
        return "has expired"
    return "is not valid yet" if now < certificate.not_valid_before_utc else None


def _odd_purposes(certificate: x509.Certificate) -> Iterator[str]:
    """Say what tells that this is not the certificate of a signer of tokens (ONB-018).

    Nobody's signature on it is asked for, nor its names or its revocation (ONB-017, ONB-019).
    """
    try:
        extensions = certificate.extensions
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        yield "has extensions that cannot be read"
        return
    with suppress(x509.ExtensionNotFound):
        if extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            yield "belongs to a certificate authority, not to a signer of tokens"
    with suppress(x509.ExtensionNotFound):
        if not extensions.get_extension_for_class(x509.KeyUsage).value.digital_signature:
            yield "is not meant for digital signatures"
    with suppress(x509.ExtensionNotFound):
        if ExtendedKeyUsageOID.SERVER_AUTH in extensions.get_extension_for_class(x509.ExtendedKeyUsage).value:
            yield "belongs to a web server, not to a signer of tokens"


def _inner(content: bytes) -> bytes:
    """Return the content of the outer DER SEQUENCE, or nothing."""
    if content[:1] != b"\x30" or len(content) < 2:
        return b""
    return content[2 + (content[1] & 0x7F if content[1] & 0x80 else 0) :]


def _loads(load: Callable[[bytes], object]) -> Callable[[bytes], bool]:
    def matches(content: bytes) -> bool:
        with suppress(ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion):
            load(content)
            return True
        return False

    return matches


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
        "a private JWK, which is compromised now: replace it at your IdP",
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
    ("private_key", f"a PKCS#12 file with {_COMPROMISED}", holds_open_key),
    ("not_a_certificate", "a PKCS#12 file", lambda content: _inner(content).startswith(b"\x02\x01\x03")),
    (
        "private_key",
        _COMPROMISED,
        lambda content: _inner(content)[:3] in (b"\x02\x01\x00", b"\x02\x01\x01"),
    ),
    ("not_a_certificate", "a PKCS#7 bundle", lambda content: _inner(content).startswith(_PKCS7_OID)),
    ("not_a_certificate", "a certificate signing request", _loads(x509.load_der_x509_csr)),
    ("not_a_certificate", "a revocation list", _loads(x509.load_der_x509_crl)),
    ("not_a_certificate", "a bare public key", _loads(load_der_public_key)),
)
