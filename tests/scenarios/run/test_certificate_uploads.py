"""The files that a customer uploads: each form is what its name says."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key, pkcs7

from mock_idp.certificate_files import FORMS, certificate_file
from mock_idp.certificates import certificate
from mock_idp.fixed_keys import fixed_key

A, B = fixed_key("a", "ES256"), fixed_key("b", "ES256")


def content(form: str) -> bytes:
    made = certificate_file([A, B], form, certificate)
    return made.encode() if isinstance(made, str) else made


def serials(certificates: list[x509.Certificate]) -> list[int]:
    return [made.serial_number for made in certificates]


BOTH = serials([certificate(A), certificate(B)])


@pytest.mark.parametrize("form", sorted(FORMS))
def test_a_form_is_the_same_bytes_each_time(form: str) -> None:
    if form in {"csr", "pkcs12"}:
        assert content(form)  # their signature, or their salt, is new each time
    else:
        assert content(form) == content(form)


@pytest.mark.parametrize("form", ["pem", "crlf", "bag_attributes", "no_final_newline", "with_private_key"])
def test_a_pem_form_holds_every_certificate(form: str) -> None:
    assert serials(x509.load_pem_x509_certificates(content(form))) == BOTH


def test_the_other_encodings_hold_what_they_say() -> None:
    assert x509.load_der_x509_certificate(content("der")).serial_number == BOTH[0]
    assert content("bom").startswith(b"\xef\xbb\xbf-----BEGIN CERTIFICATE")
    assert content("utf16").decode("utf-16") == content("pem").decode()
    assert sorted(serials(pkcs7.load_pem_pkcs7_certificates(content("pkcs7")))) == sorted(BOTH)
    assert content("trusted").startswith(b"-----BEGIN TRUSTED CERTIFICATE-----")
    assert x509.load_pem_x509_csr(content("csr")).is_signature_valid
    load_pem_public_key(content("public_key"))
    load_pem_private_key(content("private_key"), None)


@pytest.mark.parametrize("form", ["truncated", "trailing_bytes"])
def test_a_damaged_form_cannot_be_read(form: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        x509.load_pem_x509_certificate(content(form))


def test_two_dates_replace_the_validity() -> None:
    start, end = datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 2, 1, tzinfo=UTC)

    made = certificate_file([A], "pem", certificate, start, end)

    (read,) = x509.load_pem_x509_certificates(str(made).encode())
    assert (read.not_valid_before_utc, read.not_valid_after_utc) == (start, end)
