"""A throw-away certificate authority and a server certificate for the loopback, good or flawed, for HTTPS in tests.

Fresh on every call: unlike the shipped token keys, a CA that anybody could sign with must not end up in a
trust store.
"""

import ipaddress
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

_CA_NAME = x509.Name.from_rfc4514_string("CN=Touchstone throw-away CA")
_SERVER_NAME = x509.Name.from_rfc4514_string("CN=localhost")
_LIFETIME = timedelta(days=30)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


TlsFlaw: TypeAlias = Literal["expired", "not_yet_valid", "self_signed", "wrong_host"]
_SHIFTS: Mapping[TlsFlaw | None, timedelta] = {
    "expired": timedelta(days=-60),
    "not_yet_valid": timedelta(days=60),
}
TLS_FLAWS: tuple[TlsFlaw, ...] = ("expired", "not_yet_valid", "self_signed", "wrong_host")


def loopback_tls(
    directory: Path, flaw: TlsFlaw | None = None, hosts: Iterable[str] = ()
) -> tuple[Path, Path, Path]:
    """Write a server certificate, its private key and the CA's certificate; give their paths so.

    The certificate is for `localhost`, `127.0.0.1`, `::1` and further `hosts` (names or addresses), and lasts 30
    days. With a `flaw` it has exactly that one (KEY-031): a self-signed one is its own issuer, and one for the wrong
    host is for `other.example` alone. The CA's private key is written nowhere.
    """
    now = datetime.now(UTC) + _SHIFTS.get(flaw, timedelta())
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    identifier = x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key())
    ca = (
        _builder(_CA_NAME, ca_key, now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(ca=True), critical=True)
        .add_extension(identifier, critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    authority = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)
    names = ["other.example"] if flaw == "wrong_host" else [*_LOOPBACK, *hosts]
    alone = flaw == "self_signed"
    if alone:
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
    server = (
        _builder(_SERVER_NAME, key, now, issuer=_SERVER_NAME if alone else _CA_NAME)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(ca=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_alternative(name) for name in names]), critical=False)
        .add_extension(authority, critical=False)
        .sign(key if alone else ca_key, hashes.SHA256())
    )
    return _write(directory, server, key, ca)


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _builder(
    subject: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, issuer: x509.Name = _CA_NAME
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _LIFETIME)
    )


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        key_cert_sign=ca,
        crl_sign=ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _write(
    directory: Path, server: x509.Certificate, key: ec.EllipticCurvePrivateKey, ca: x509.Certificate
) -> tuple[Path, Path, Path]:
    certificate_file, key_file, ca_file = (
        directory / name for name in ("server.pem", "server.key", "ca.pem")
    )
    key_file.touch(mode=0o600)
    key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    certificate_file.write_bytes(server.public_bytes(Encoding.PEM))
    ca_file.write_bytes(ca.public_bytes(Encoding.PEM))
    return certificate_file, key_file, ca_file
