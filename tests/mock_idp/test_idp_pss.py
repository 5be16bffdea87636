"""PSS by hand: true signatures, the same ones each time, as a foreign implementation checks them."""

from __future__ import annotations

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from mock_idp import fixed_key
from mock_idp.certificate_files import FORMS
from mock_idp.certificates import certificate
from mock_idp.forgeries import ForgeContext, finish, forge
from mock_idp.issuer import Issuer
from mock_idp.keyring import KeyRing
from mock_idp.people import Person
from mock_idp.personas import persona
from mock_idp.pss import longest_salt, sign_pss
from scenarios.stage.keys import staged_key

HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


def private(name: str = "a") -> rsa.RSAPrivateKey:
    key = fixed_key(name, "PS256").private
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def verify(signature: bytes, data: bytes, digest: str, salt_bytes: int) -> None:
    pss = padding.PSS(padding.MGF1(HASHES[digest]), salt_bytes)
    private().public_key().verify(signature, data, pss, HASHES[digest])


@pytest.mark.parametrize("digest", HASHES)
@pytest.mark.parametrize("salt_bytes", [0, 20, None])
def test_a_signature_is_true_and_the_same_each_time(digest: str, salt_bytes: int | None) -> None:
    signature = sign_pss(private(), b"data", digest, salt_bytes=salt_bytes)

    assert signature == sign_pss(private(), b"data", digest, salt_bytes=salt_bytes)
    verify(signature, b"data", digest, HASHES[digest].digest_size if salt_bytes is None else salt_bytes)
    with pytest.raises(InvalidSignature):
        verify(signature, b"date", digest, HASHES[digest].digest_size if salt_bytes is None else salt_bytes)


def test_other_data_and_other_keys_have_other_salts_and_signatures() -> None:
    made = {
        sign_pss(private(key), data, digest)
        for key in ("a", "b")
        for data in (b"", b"x", b"y" * 1000)
        for digest in HASHES
    }

    assert len(made) == 18


def test_the_longest_salt_fits_and_a_longer_one_is_refused() -> None:
    longest = longest_salt(private(), "sha512")

    verify(sign_pss(private(), b"x", "sha512", salt_bytes=longest), b"x", "sha512", longest)
    with pytest.raises(ValueError, match=r"2048 bits is too short for PSS with a salt of 191 bytes"):
        sign_pss(private(), b"x", "sha512", salt_bytes=longest + 1)


@pytest.mark.parametrize("alg", ["PS256", "PS384", "PS512", "RS256", "ES256", "ES512", "EdDSA"])
def test_the_key_of_a_scenario_signs_the_same_bytes_in_the_same_way(alg: str) -> None:
    remembered = staged_key("a", alg)

    assert {remembered.sign(b"data") for _ in range(2)} == {fixed_key("a", alg).sign(b"data")}


@pytest.mark.parametrize("argument", ["zero", "max", "other", "mgf1_sha1"])
def test_a_wrong_salt_is_the_same_wrong_salt_each_time(argument: str) -> None:
    issuer = Issuer(persona("generic"), KeyRing([staged_key("a", "PS256")]), clock=lambda: 1e9)

    def made() -> str | bytes:
        draft = issuer.draft(Person.named("ann"))
        return finish(forge(draft, "pss_salt", argument, context=ForgeContext.of(issuer)))

    assert made() == made()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("alg", ["RS256", "ES256", "EdDSA"])
def test_an_uploaded_file_is_the_same_each_time(form: str, alg: str) -> None:
    key = fixed_key("a", alg)

    assert FORMS[form]([key], [certificate(key)]) == FORMS[form]([key], [certificate(key)])
