"""Signing keys: every algorithm signs what foreign readers accept, and the public half is shown truly."""

import base64
import json
import re
from datetime import UTC, datetime

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from joserfc import jws
from joserfc.jwk import import_key

from mock_idp import (
    ALGORITHMS,
    FIXED_KEYS,
    SigningKey,
    bundle_pem,
    certificate,
    certificate_der,
    certificate_pem,
    fixed_key,
    x5t,
    x5t_s256,
)
from mock_idp.fixed_keys import make_missing

HASHES: dict[str, hashes.HashAlgorithm] = {
    "256": hashes.SHA256(),
    "384": hashes.SHA384(),
    "512": hashes.SHA512(),
}
OF_FAMILY = {"rsa": "RS256", "p-256": "ES256", "p-384": "ES384", "p-521": "ES512", "ed25519": "EdDSA"}
ALL_FIXED = [(family, name) for family, names in FIXED_KEYS.items() for name in names]


def assert_verifies(key: SigningKey, alg: str, data: bytes, signature: bytes) -> None:
    public = key.private.public_key()
    if isinstance(public, ed25519.Ed25519PublicKey):
        public.verify(signature, data)
        return
    digest = HASHES[alg[2:]]
    if isinstance(public, ec.EllipticCurvePublicKey):
        half = len(signature) // 2
        r, s = (int.from_bytes(part, "big") for part in (signature[:half], signature[half:]))
        public.verify(encode_dss_signature(r, s), data, ec.ECDSA(digest))
    elif alg.startswith("PS"):
        public.verify(signature, data, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
    else:
        public.verify(signature, data, padding.PKCS1v15(), digest)


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_every_algorithm_signs_what_the_public_key_verifies(alg: str) -> None:
    key = fixed_key("a", alg)

    assert_verifies(key, alg, b"data", key.sign(b"data"))


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")  # EdDSA's old name, the weak key
@pytest.mark.parametrize("alg", ALGORITHMS)
def test_every_algorithm_makes_a_token_that_pyjwt_and_joserfc_read(alg: str) -> None:
    key = fixed_key("a", alg)
    header = base64.urlsafe_b64encode(json.dumps({"alg": alg}).encode()).rstrip(b"=")
    signed = header + b"." + base64.urlsafe_b64encode(b'{"sub":"ann"}').rstrip(b"=")
    token = (signed + b"." + base64.urlsafe_b64encode(key.sign(signed)).rstrip(b"=")).decode()

    joserfc_reads = jws.deserialize_compact(token, import_key(dict(key.public_jwk())), algorithms=[alg])

    assert json.loads(joserfc_reads.payload) == {"sub": "ann"}
    if alg != "Ed25519":  # PyJWT knows only the older name of this signature
        assert jwt.decode(token, key.spki_pem(), algorithms=[alg]) == {"sub": "ann"}


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_signature_of_a_shipped_key_is_the_same_on_every_run(alg: str) -> None:
    assert fixed_key("a", alg).sign(b"data") == fixed_key("a", alg).sign(b"data")


@pytest.mark.parametrize("alg, size", [("ES256", 64), ("ES384", 96), ("ES512", 132)])
def test_an_ecdsa_signature_has_the_fixed_width_of_its_curve(alg: str, size: int) -> None:
    key = fixed_key("a", alg)

    assert {len(key.sign(bytes([i]))) for i in range(200)} == {size}


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_generated_key_fits_its_algorithm(alg: str) -> None:
    key = SigningKey.generate(alg, kid="new")

    assert (key.kid, key.alg) == ("new", alg)
    assert_verifies(key, alg, b"data", key.sign(b"data"))


@pytest.mark.parametrize("bits", [3072, 4096])
def test_longer_rsa_keys_ship_and_can_be_made(bits: int) -> None:
    shipped, made = fixed_key(f"rsa-{bits}").private, SigningKey.generate(kid="x", bits=bits).private

    assert isinstance(shipped, rsa.RSAPrivateKey)
    assert isinstance(made, rsa.RSAPrivateKey)
    assert shipped.key_size == made.key_size == bits


def test_a_key_of_another_family_is_refused() -> None:
    with pytest.raises(ValueError, match=r"ES256 does not fit key 'a', a .*RSA"):
        fixed_key("a").with_alg("ES256")
    with pytest.raises(ValueError, match="does not fit"):
        fixed_key("a").sign(b"data", "EdDSA")
    with pytest.raises(ValueError, match=r"unknown algorithm 'RS257'.*RS256"):
        SigningKey.generate("RS257", kid="a")
    with pytest.raises(ValueError, match="8192 bits"):
        SigningKey.generate(kid="a", bits=512)


def test_an_ec_key_signs_with_the_hash_of_another_curve_when_asked() -> None:
    key = fixed_key("a", "ES256")

    assert_verifies(key, "ES384", b"data", key.sign(b"data", "ES384"))


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")  # EdDSA's old name, the weak key
@pytest.mark.parametrize("family, name", ALL_FIXED)
def test_every_shipped_key_is_sound_and_shown_as_a_full_width_jwk(family: str, name: str) -> None:
    key = fixed_key(name, OF_FAMILY[family])

    jwk = key.public_jwk()

    assert (key.kid, jwk["kid"]) == (name, name)
    assert import_key(dict(jwk)).thumbprint() == key.thumbprint()
    widths = {"P-256": 43, "P-384": 64, "P-521": 88, "Ed25519": 43}
    if "crv" in jwk:
        assert {len(jwk[m]) for m in ("x", "y") if m in jwk} == {widths[jwk["crv"]]}
    assert not {"alg", "use", "d", "p", "q"} & jwk.keys()


def test_no_two_shipped_keys_are_the_same() -> None:
    thumbprints = [fixed_key(name, OF_FAMILY[family]).thumbprint() for family, name in ALL_FIXED]

    assert len(set(thumbprints)) == len(thumbprints)


def test_the_thumbprint_is_that_of_rfc_7638() -> None:
    n = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCi"
        "FV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnY"
        "b9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0"
        "Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    )

    class Example(SigningKey):
        def public_jwk(self) -> dict[str, str]:
            return {"kty": "RSA", "n": n, "e": "AQAB", "kid": "2011-04-29"}

    example = Example("2011-04-29", "RS256", fixed_key("a").private)

    assert example.thumbprint() == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


@pytest.mark.parametrize("name, alg", [("g", "RS256"), ("c", "ES384"), ("weak", "PS256"), ("weak", "RS512")])
def test_an_unknown_fixed_key_is_an_error_that_names_those_there_are(name: str, alg: str) -> None:
    with pytest.raises(ValueError, match=f"no fixed key '{name}' for {alg}: there are a, b"):
        fixed_key(name, alg)


def test_the_weak_key_is_for_rs256_and_short() -> None:
    private = fixed_key("weak").private

    assert isinstance(private, rsa.RSAPrivateKey)
    assert private.key_size == 1024


@pytest.mark.parametrize("alg", ["RS256", "ES256", "ES512", "EdDSA"])
def test_the_private_members_complete_the_public_jwk(alg: str) -> None:
    key = fixed_key("a", alg)

    whole = import_key({**key.public_jwk(), **key.private_jwk()})

    assert whole.is_private
    assert whole.thumbprint() == key.thumbprint()
    assert not key.private_jwk().keys() & key.public_jwk().keys()


def test_a_shipped_key_can_go_by_another_kid() -> None:
    assert fixed_key("a", kid="k-1").public_jwk()["kid"] == "k-1"
    assert fixed_key("a").with_kid("").kid == ""


def test_all_shipped_keys_are_there_so_none_is_made() -> None:
    assert make_missing() == []


@pytest.mark.parametrize("alg", ["RS256", "ES256", "ES384", "ES512", "EdDSA"])
def test_a_certificate_is_the_same_bytes_again_and_verifies_itself(alg: str) -> None:
    key = fixed_key("a", alg)

    cert = certificate(key)
    certificate.cache_clear()

    assert certificate_der(certificate(key)) == certificate_der(cert)
    cert.verify_directly_issued_by(cert)
    assert cert.public_key() == key.private.public_key()
    assert x509.load_pem_x509_certificate(certificate_pem(cert)) == cert
    assert x509.load_der_x509_certificate(certificate_der(cert)) == cert


def test_a_certificate_can_be_issued_by_a_ca_and_expire_when_asked() -> None:
    ca_key, key = fixed_key("a"), fixed_key("b", "ES256")
    ca = certificate(ca_key, subject="CN=Example CA", ca=True)
    ends = datetime(2021, 1, 1, tzinfo=UTC)

    cert = certificate(key, subject="CN=idp", not_after=ends, issuer=(ca_key, "CN=Example CA"), serial=7)

    cert.verify_directly_issued_by(ca)
    assert (cert.not_valid_after_utc, cert.serial_number) == (ends, 7)
    assert ca.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_a_bundle_holds_its_certificates_in_order() -> None:
    certs = [certificate(fixed_key(name)) for name in "abc"]

    assert x509.load_pem_x509_certificates(bundle_pem(certs)) == certs


def test_thumbprints_are_digests_of_the_der() -> None:
    cert = certificate(fixed_key("a"))

    def encoded(digest: bytes) -> str:
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    assert x5t(cert) == encoded(cert.fingerprint(hashes.SHA1()))  # noqa: S303 - what RFC 7515 section 4.1.7 asks
    assert x5t_s256(cert) == encoded(cert.fingerprint(hashes.SHA256()))
    assert re.fullmatch(r"[\w-]{27}", x5t(cert))


@pytest.mark.parametrize("alg, size, width", [("ES256", 256, 32), ("ES384", 384, 48), ("ES512", 512, 66)])
def test_an_ecdsa_signature_is_both_numbers_at_full_width_however_small_they_are(
    alg: str, size: int, width: int
) -> None:
    key = fixed_key("a", alg)
    private = key.private
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    digest = {256: hashes.SHA256(), 384: hashes.SHA384(), 512: hashes.SHA512()}[size]
    algorithm = ec.ECDSA(digest, deterministic_signing=True)
    starts = set[int]()

    for number in range(700):  # one in 256 begins with a zero byte, or on P-521 one in two
        data = number.to_bytes(2)
        pair = [n.to_bytes(width) for n in decode_dss_signature(private.sign(data, algorithm))]
        assert key.sign(data) == b"".join(pair)
        starts.update(half[0] for half in pair)

    assert 0 in starts
