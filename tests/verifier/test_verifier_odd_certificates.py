"""Certificates that a parser trips over: an odd one is refused or taken, and never spoils what stands beside it."""

import base64
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from verifier import CertificateFile, IntegrationRecord, OnboardingRefused, User
from verifier.pkcs12_files import MAX_ROUNDS, holds_open_key

if TYPE_CHECKING:
    from tests.verifier.conftest import Signer, World

URL = "https://idp.example/jwks"
SUBJECT_ALTERNATIVE_NAME = x509.ObjectIdentifier("2.5.29.17")
EDI_PARTY_NAME, X400_ADDRESS = bytes.fromhex("3002a500"), bytes.fromhex("3002a300")


def element(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(octets)]) + octets + content


def of_version(der: bytes, version: int) -> bytes:
    return der.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01" + bytes([version]), 1)


def of_year_0(signer: "Signer") -> bytes:
    """Make a certificate that was valid from the year 0 on, which ASN.1 can write and no calendar has."""
    der = signer.der(
        valid=(2051, 2055)
    )  # from 2050 on, times have four digits of the year (RFC 5280 section 4.1.2.5)
    return der.replace(b"20510101000000Z", b"00000101000000Z")


ODD: dict[str, Callable[["Signer"], bytes]] = {
    "version 6": lambda signer: of_version(signer.der(), 5),
    "year 0": of_year_0,
}


@pytest.mark.parametrize("kind", ODD)
def test_an_odd_certificate_is_refused_as_damaged(world: "World", rs256: "Signer", kind: str) -> None:
    """ONB-023."""
    files = [CertificateFile("k", ODD[kind](rs256))]
    assert world.refuses(certificates=files) == "malformed_certificate"


@pytest.mark.parametrize("kind", ODD)
def test_an_odd_certificate_in_one_entry_spoils_no_set(
    world: "World", rs256: "Signer", other: "Signer", kind: str
) -> None:
    """KEY-018, KEY-019."""
    odd = base64.b64encode(ODD[kind](rs256)).decode()
    world.publish(rs256.jwk(x5c=[odd]), other)
    world.pass_time(3600)
    assert world.accepts(other.token(world.claims())) == "ann"
    assert world.rejects(rs256.token(world.claims())) == "unknown_key"


@pytest.mark.parametrize("name", [EDI_PARTY_NAME, X400_ADDRESS])
def test_names_that_the_parser_does_not_know_are_a_warning(
    world: "World", rs256: "Signer", name: bytes
) -> None:
    """ONB-017, ONB-018: only the key of a certificate counts."""
    odd = x509.UnrecognizedExtension(SUBJECT_ALTERNATIVE_NAME, name)
    (warning,) = world.onboard(certificates=[CertificateFile(rs256.kid, rs256.pem(extensions=(odd,)))])
    assert "extensions that cannot be read" in warning
    assert world.accepts(rs256.token(world.claims())) == "ann"


def test_a_serial_number_of_zero_is_taken_without_a_word(world: "World", rs256: "Signer") -> None:
    """ONB-017: the parser's own warning would be an error here, as it is wherever warnings are."""
    der = rs256.der(serial=7)
    assert der.count(b"\x02\x01\x07") == 1
    zero = der.replace(b"\x02\x01\x07", b"\x02\x01\x00")
    world.onboard(certificates=[CertificateFile(rs256.kid, zero)])
    assert world.accepts(rs256.token(world.claims())) == "ann"
    thumbprint = base64.urlsafe_b64encode(hashlib.sha256(zero).digest()).rstrip(b"=").decode()
    world.publish(rs256.jwk(**{"x5c": [base64.b64encode(zero).decode()], "x5t#S256": thumbprint}))
    world.onboard()
    assert world.accepts(rs256.token(world.claims())) == "ann"


@pytest.mark.parametrize("kind", ["request", "revocation list"])
def test_other_artefacts_of_an_odd_version_are_refused(world: "World", rs256: "Signer", kind: str) -> None:
    """ONB-013."""
    name, moment = rs256.certificate().subject, datetime(2020, 1, 1, tzinfo=UTC)
    if kind == "request":
        request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(rs256.key, hashes.SHA256())
        der, version = request.public_bytes(Encoding.DER), b"\x02\x01\x00"
    else:
        revoked = x509.CertificateRevocationListBuilder().issuer_name(name)
        revoked = revoked.last_update(moment).next_update(moment.replace(year=2049))
        der, version = revoked.sign(rs256.key, hashes.SHA256()).public_bytes(Encoding.DER), b"\x02\x01\x01"
    odd = der.replace(version, b"\x02\x01\x09", 1)
    assert world.refuses(certificates=[CertificateFile("k", odd)]) == "malformed_certificate"


# PKCS#12: never opened as a whole, because it says itself how long that takes.


def bags(kind: bytes, value: bytes) -> bytes:
    """Make what a PKCS#12 file holds of one key: the bag's type and its value (RFC 7292 section 4.2)."""
    bag = element(0x06, bytes.fromhex("2a864886f70d010c0a01") + kind) + element(0xA0, value)
    inner = element(0x04, element(0x30, element(0x30, bag)))
    data = element(0x06, bytes.fromhex("2a864886f70d010701"))
    safe = element(0x30, element(0x30, data + element(0xA0, inner)))
    contents = element(0x30, data + element(0xA0, element(0x04, safe)))
    return element(0x30, b"\x02\x01\x03" + contents)


def shrouded(key: Any, password: bytes, rounds: int | None = None) -> bytes:
    """Make a file with one key under a password; `rounds` replaces how often its password is hashed."""
    form = PrivateFormat.PKCS8
    encrypted = key.private_bytes(Encoding.DER, form, BestAvailableEncryption(password))
    if rounds is not None:
        start = encrypted.index(b"\x02\x02\x08\x00")  # 2048 rounds
        honest = encrypted[start - 18 : start + 4]  # the salt, 16 bytes, and the rounds
        octets = rounds.to_bytes(rounds.bit_length() // 8 + 1)
        # The lengths of what holds it grow with it; all of them are short or have their own two bytes.
        grown = honest[:-4] + element(0x02, octets)
        encrypted = regrown(encrypted, honest, grown)
    return bags(b"\x02", encrypted)


def regrown(der: bytes, old: bytes, new: bytes) -> bytes:
    """Replace a part of DER, and correct the length of every element around it."""
    if der.startswith(old):
        return new + der[len(old) :]
    size, start = der[1], 2
    if size & 0x80:
        start += size & 0x7F
        size = int.from_bytes(der[2:start])
    content, rest = der[start : start + size], der[start + size :]
    if old in content:
        return element(der[0], regrown(content, old, new)) + rest
    return der[: start + size] + regrown(rest, old, new)


def test_a_private_key_in_the_clear_or_under_the_empty_password_is_seen(rs256: "Signer") -> None:
    """ONB-015."""
    plain = rs256.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    assert holds_open_key(bags(b"\x01", plain))
    assert holds_open_key(shrouded(rs256.key, b"\0"))
    assert not holds_open_key(shrouded(rs256.key, b"secret"))
    whole = pkcs12.serialize_key_and_certificates(b"x", rs256.key, rs256.certificate(), None, NoEncryption())
    assert holds_open_key(whole)


@pytest.mark.parametrize("rounds", [MAX_ROUNDS, 2**31 - 1, 2**39])
def test_a_password_is_not_hashed_more_often_than_the_bound(
    world: "World", rs256: "Signer", rounds: int
) -> None:
    """OPS-009: two thousand million rounds would be half an hour."""
    content = shrouded(rs256.key, b"\0", rounds)
    assert rounds.to_bytes(rounds.bit_length() // 8 + 1) in content
    assert world.refuses(certificates=[CertificateFile("k", content)]) == "not_a_certificate"


@pytest.mark.parametrize("cut", [1, 2, 3, 13, 20, 60])
def test_a_file_that_is_cut_off_has_no_key(rs256: "Signer", cut: int) -> None:
    content = shrouded(rs256.key, b"\0")
    start = content.index(bytes.fromhex("2a864886f70d010c0a0102")) + 11
    assert not holds_open_key(content[: start + cut])


def test_elements_that_are_nested_without_end_cost_nothing() -> None:
    nest = b"\x30\x80" * 100_000
    bag = bytes.fromhex("060b2a864886f70d010c0a0102")
    deep = b"\x30\x84\0\0\0\x7f" * 30_000
    for value in (nest, deep, element(0x30, element(0x30, element(0x30, b"\x30\x02" * 1_000)))):
        assert not holds_open_key(bag + element(0xA0, value))


# A record whose endpoint is down, which was accepted before.


@pytest.mark.parametrize("first_fetch", ["tried", "later"])
def test_a_sample_is_refused_while_there_are_no_keys(
    world: "World", rs256: "Signer", first_fetch: Any
) -> None:
    """ONB-030, OPS-011."""
    world.documents.clear()
    world.start()
    sample = rs256.token(world.claims())
    record = IntegrationRecord(
        "i-1", "urn:idp", issuer="https://idp.example", audience="api", jwks_uri=URL, sample_token=sample
    )
    with pytest.raises(OnboardingRefused) as refusal:
        world.verifier.onboard(record, first_fetch=first_fetch)
    assert refusal.value.reason == "sample_unverified"


@pytest.mark.parametrize("first_fetch", ["tried", "later"])
def test_certificates_beside_a_silent_endpoint_serve_alone(
    world: "World", rs256: "Signer", first_fetch: Any
) -> None:
    """OPS-011, ONB-006: a restart while the IdP is down leaves what was accepted."""
    world.documents.clear()
    world.start(cert_plus_jwks="union")
    files = [CertificateFile(rs256.kid, rs256.pem())]
    record = IntegrationRecord(
        "i-1", "urn:idp", issuer="https://idp.example", audience="api", jwks_uri=URL, certificates=files
    )
    world.verifier.onboard(record, [User("ann", "ann-sub")], first_fetch=first_fetch)
    assert world.accepts(rs256.token(world.claims())) == "ann"
