"""ONB: what a customer may send, and what is refused or asked back."""

import base64
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, x25519
from cryptography.hazmat.primitives.serialization import pkcs7, pkcs12
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from verifier import (
    CertificateFile,
    IntegrationRecord,
    OnboardingAsked,
    OnboardingRefused,
    Policy,
    TokenRejected,
    User,
)
from verifier.errors import REFUSE_REASONS

if TYPE_CHECKING:
    from tests.verifier.conftest import Signer, World

PEM, DER = serialization.Encoding.PEM, serialization.Encoding.DER
ANN = User("ann", "ann-sub")


def file(content: bytes, kid: str | None = "RS256", name: str = "cert.pem") -> CertificateFile:
    return CertificateFile(kid, content, name)


def reason_of(world: "World", content: bytes) -> str:
    return world.refuses(id="i-2", entity_id="urn:2", audience="two", certificates=[file(content)])


@pytest.mark.parametrize(
    "change, reason",
    [
        ({"id": None}, "id_missing"), ({"id": ""}, "id_missing"), ({"id": 5}, "id_missing"),
        ({"entity_id": None}, "entity_id_missing"), ({"entity_id": ""}, "entity_id_missing"),
        ({"entity_id": "   "}, "entity_id_missing"), ({"entity_id": "\n"}, "entity_id_missing"),
        ({"entity_id": 5}, "value_format"), ({"entity_id": "urn:a\nb"}, "value_format"),
        ({"entity_id": "u" * 3000}, "value_format"),
        ({"idp_name": "x" * 10_000}, "idp_name"), ({"idp_name": 5}, "idp_name"),
        ({"idp_name": "-----BEGIN PRIVATE KEY-----"}, "private_key"),
        ({"jwks_uri": None}, "keys_missing"), ({"jwks_uri": ""}, "keys_missing"), ({"certificates": []},
        "keys_missing"),
        ({"jwks_uri": 5}, "jwks_url"), ({"ca_file": 5}, "jwks_url"), ({"public_keys": ["x"]}, "not_a_certificate"),
        ({"certificates": "x"}, "not_a_certificate"), ({"certificates": [5]}, "not_a_certificate"),
        ({"certificates": [IntegrationRecord("x")]}, "not_a_certificate"),
        ({"certificates": [CertificateFile("a", None)]}, "not_a_certificate"),  # type: ignore[arg-type] # on purpose
        ({"issuer": None}, "issuer_missing"), ({"issuer": " "}, "issuer_missing"), ({"issuer": 5}, "value_format"),
        ({"audience": None}, "audience_missing"), ({"audience": ""}, "audience_missing"), ({"audience": {}},
        "value_format"),
        ({"issuer": ["https://a", "https://b"]}, "several_values"), ({"audience": ["api"]}, "several_values"),
        ({"issuer": "https://idp.example\n"}, "value_format"), ({"issuer": '"https://idp.example"'}, "value_format"),
        ({"audience": "ap\u200bi"}, "value_format"), ({"audience": " api"}, "value_format"),
        ({"audience": "\u201capi\u201d"}, "value_format"), ({"audience": "a" * 3000}, "value_format"),
        ({"audience": "a\ud800"}, "value_format"), ({"audience": "https://graph.microsoft.com"}, "value_format"),
        ({"issuer": "qas"}, "issuer_reserved"),
        ({"issuer": "https://login.microsoftonline.com/{tenantid}/v2.0"}, "value_format"),
        ({"issuer": "https://login.microsoftonline.com/common/v2.0"}, "value_format"),
        ({"issuer": "https://login.microsoftonline.com/organizations/v2.0"}, "value_format"),
        ({"issuer": "https://*.example"}, "value_format"),
        ({"algorithms": []}, "algorithm"), ({"algorithms": "RS256"}, "algorithm"), ({"algorithms": ["none"]},
        "algorithm"),
        ({"algorithms": ["HS256"]}, "algorithm"), ({"algorithms": ["RS256", 5]}, "algorithm"),
        ({"algorithms": [["RS256"]]}, "algorithm"), ({"algorithms": ["rs256"]}, "algorithm"),
        ({"leeway_s": -1}, "leeway"), ({"leeway_s": 301}, "leeway"), ({"leeway_s": True}, "leeway"),
        ({"leeway_s": "60"}, "leeway"), ({"leeway_s": 1.5}, "leeway"),
        ({"custom_claim": "preferred_username "}, "custom_claim"), ({"custom_claim": 5}, "custom_claim"),
        ({"custom_claim": "a\u200bb"}, "custom_claim"), ({"custom_claim": "x" * 300}, "custom_claim"),
        ({"sample_token": 5}, "sample_malformed"), ({"sample_token": "x.y"}, "sample_malformed"),
    ],
)  # fmt: skip
def test_a_record_that_cannot_stand_is_refused(
    world: "World", change: dict[str, object], reason: str
) -> None:
    """ONB-001 to ONB-005, ONB-013, ONB-026 to ONB-028, ONB-038, ONB-041, AZR-014, AZR-018, CLM-018, SIG-007."""
    assert world.refuses(**change) == reason
    assert reason in REFUSE_REASONS


@pytest.mark.parametrize(
    "name",
    [
        "iss",
        "aud",
        "exp",
        "nbf",
        "iat",
        "jti",
        "azp",
        "appid",
        "client_id",
        "tid",
        "nonce",
        "ver",
        "scp",
        "typ",
    ],
)
def test_a_claim_that_identifies_nobody_is_refused(world: "World", name: str) -> None:
    """ONB-039."""
    assert world.refuses(custom_claim=name) == "custom_claim"


@pytest.mark.parametrize("name", ["preferred_username", "email", "upn", "unique_name", "name"])
def test_a_claim_that_may_change_is_taken_with_a_warning(world: "World", name: str) -> None:
    """AZR-009."""
    assert any(name in warning for warning in world.onboard(custom_claim=name))


def test_ordinary_records_are_taken_without_a_warning(world: "World") -> None:
    """ONB-002, ONB-004, ONB-027, ONB-037, ONB-045, IDP-003."""
    for change in (
        {"custom_claim": name}
        for name in ("", "  ", None, "oid", "sub", "employeeid", "https://acme/eid", "extn.id")
    ):
        assert world.onboard(**change) == ()
    for issuer in (
        "https://t.auth0.com/",
        "http://sts.contoso.com/adfs/services/trust",
        "urn:acme:idp",
        "acme",
        "a,b",
    ):
        assert world.onboard(issuer=issuer) == ()
    for name in (None, "", "TestNameforIDP", "\u65e5\u672c", "<script>\r\n\"'"):
        assert world.onboard(idp_name=name) == ()
    assert world.onboard(entity_id="my idp") != ()


def test_an_issuer_is_kept_code_point_for_code_point(world: "World", rs256: "Signer") -> None:
    """ONB-027, ONB-046: the Entity ID plays no part."""
    world.onboard(issuer="https://T.auth0.com:443/")
    assert world.accepts(rs256.token(world.claims(iss="https://T.auth0.com:443/"))) == "ann"
    for other in (
        "https://t.auth0.com/",
        "https://T.auth0.com/",
        "https://T.auth0.com:443",
        "https://idp.example/entity",
    ):
        assert world.rejects(rs256.token(world.claims(iss=other))) == "issuer"


def test_what_belongs_to_another_integration_is_refused(world: "World", rs256: "Signer") -> None:
    """ONB-003, ONB-040: and the first goes on unharmed."""
    world.publish(rs256, url="https://two.example/jwks")
    two = {"id": "i-2", "jwks_uri": "https://two.example/jwks"}
    assert world.refuses(**two, audience="two") == "entity_id_taken"
    assert world.refuses(**two, entity_id="urn:2") == "issuer_taken"
    assert world.accepts(rs256.token(world.claims())) == "ann"
    assert world.onboard(**two, entity_id="urn:2", audience="two") == ()
    assert world.verifier.offboard("i-1")
    assert world.onboard(**two) == ()


def test_a_change_is_whole_or_not_at_all(world: "World", rs256: "Signer", other: "Signer") -> None:
    """ONB-023, ONB-042, ONB-043."""
    token = rs256.token(world.claims())
    assert world.refuses(audience="other", leeway_s=-1) == "leeway"
    assert world.accepts(token) == "ann"
    world.onboard(audience="other")
    assert world.rejects(token) == "audience"
    world.onboard(certificates=[file(other.pem(), "other")])
    assert world.rejects(token) == "unknown_key"
    assert world.accepts(other.token(world.claims())) == "ann"
    assert world.verifier.offboard("i-1")
    assert not world.verifier.offboard("i-1")
    assert world.rejects(other.token(world.claims())) == "issuer"


def test_a_reset_forgets_everything(world: "World", rs256: "Signer") -> None:
    world.verifier.reset()
    assert world.rejects(rs256.token(world.claims())) == "issuer"
    assert world.onboard(ANN, id="i-9") == ()


def test_the_cached_set_survives_a_change_unless_the_url_changes(world: "World", rs256: "Signer") -> None:
    world.onboard(leeway_s=0)
    assert world.fetches == []
    world.publish(rs256, url="https://idp.example/new")
    world.onboard(jwks_uri="https://idp.example/new")
    assert world.fetches == ["https://idp.example/new"]


# Certificates.


def test_one_to_five_certificates_are_taken_and_each_verifies(
    world: "World", make_signer: Callable[..., "Signer"]
) -> None:
    """ONB-005, ONB-007, ONB-019, ONB-043."""
    signers = [make_signer("ES256", f"k{number}") for number in range(6)]
    for count in range(1, 6):
        kids = [one.kid for one in signers[:count]]
        files = [file(one.pem(), one.kid) for one in signers[:count]]
        world.onboard(ANN, certificates=files, selected=kids, algorithms=["ES256"])
        for one in signers[:count]:
            assert world.accepts(one.token(world.claims())) == "ann"
    files = [file(one.pem(), one.kid) for one in signers]
    assert world.refuses(certificates=files, selected=["k0"]) == "too_many_certificates"
    bundle = [*files[:4], file(signers[4].pem() + signers[5].pem(), "k4")]
    assert world.refuses(certificates=bundle, selected=["k0"]) == "too_many_certificates"
    assert world.onboard(certificates=[files[0], *files[:5]], selected=["k0"], algorithms=["ES256"]) != ()


def test_only_selected_certificates_verify(world: "World", rs256: "Signer", other: "Signer") -> None:
    """ONB-009 to ONB-011."""
    files = [file(rs256.pem()), file(other.pem(), "other")]
    world.onboard(certificates=files, selected=["other"])
    assert world.accepts(other.token(world.claims())) == "ann"
    assert world.rejects(rs256.token(world.claims())) == "unknown_key"
    assert world.rejects(rs256.token(world.claims(), kid="other")) == "bad_signature"
    with pytest.raises(OnboardingAsked) as question:
        world.onboard(certificates=files)
    assert question.value.about == "selection"
    assert world.refuses(certificates=files, selected=[]) == "selection_missing"
    for wrong in (["zzz"], ["other", "zzz"], [None], [5]):
        assert world.refuses(certificates=files, selected=wrong) == "selection_unknown"


def test_a_kid_is_bound_to_one_key(world: "World", rs256: "Signer", other: "Signer") -> None:
    """ONB-011, ONB-012, ONB-022."""
    a, b = file(rs256.pem(), "a"), file(other.pem(), "a")
    assert world.refuses(certificates=[a, b], selected=["a"]) == "kid_conflict"
    assert world.refuses(certificates=[a, file(other.pem(), None)], selected=["a"]) == "kid_missing"
    assert world.refuses(certificates=[file(rs256.pem(), "")]) == "kid_missing"
    world.onboard(
        certificates=[a, file(other.pem(), "A"), file(rs256.pem(serial=8), "a2")], selected=["a", "A", "a2"]
    )
    for signer, kid in ((rs256, "a"), (other, "A"), (rs256, "a2")):
        assert world.accepts(signer.token(world.claims(), kid=kid)) == "ann"
    assert world.rejects(rs256.token(world.claims(), kid="A")) == "bad_signature"


def test_a_certificate_without_kid_serves_tokens_without_kid(world: "World", rs256: "Signer") -> None:
    """KEY-004, KEY-008, rulebook section 8, 12."""
    world.onboard(certificates=[file(rs256.pem(), None)])
    bare = rs256.raw(b'{"alg":"RS256"}', json.dumps(world.claims()).encode())
    assert world.accepts(bare) == "ann"
    assert world.rejects(rs256.token(world.claims())) == "unknown_key"


def test_the_encoding_is_told_by_content(world: "World", rs256: "Signer") -> None:
    """ONB-014."""
    pem = rs256.pem()
    for content in (pem, rs256.der(), pem.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + pem, pem.rstrip(),
                    b"Bag Attributes\n    friendlyName: idp\nsubject=CN = x\n" + pem):  # fmt: skip
        for name in ("cert.pem", "cert.cer"):
            world.onboard(certificates=[file(content, name=name)])
            assert world.accepts(rs256.token(world.claims())) == "ann"


def test_other_artefacts_are_refused_by_name(world: "World", rs256: "Signer") -> None:
    """ONB-013 to ONB-015, ONB-044."""
    key, certificate, pem = rs256.key, rs256.certificate(), rs256.pem()
    request = (
        x509.CertificateSigningRequestBuilder().subject_name(certificate.subject).sign(key, hashes.SHA256())
    )
    revoked = x509.CertificateRevocationListBuilder().issuer_name(certificate.subject)
    revoked = revoked.last_update(certificate.not_valid_before_utc).next_update(
        certificate.not_valid_after_utc
    )
    crl = revoked.sign(key, hashes.SHA256())
    plain = serialization.NoEncryption()
    formats = serialization.PrivateFormat
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    cases: list[tuple[str, bytes]] = [
        ("private_key", key.private_bytes(encoding, form, plain))
        for encoding in (PEM, DER)
        for form in (formats.PKCS8, formats.TraditionalOpenSSL)
    ]
    cases += [
        ("private_key", pem + key.private_bytes(PEM, formats.PKCS8, plain)),
        ("private_key", key.private_bytes(PEM, formats.PKCS8, plain) + pem),
        ("private_key", key.private_bytes(PEM, formats.PKCS8, serialization.BestAvailableEncryption(b"x"))),
        ("private_key", key.private_bytes(PEM, formats.OpenSSH, plain)),
        ("private_key", pkcs12.serialize_key_and_certificates(b"x", key, certificate, None, plain)),
        ("not_a_certificate", pkcs12.serialize_key_and_certificates(
            b"x", key, certificate, None, serialization.BestAvailableEncryption(b"pw"))),
        ("private_key", json.dumps(rs256.jwk(d="AQAB")).encode()),
        ("shared_secret", b'{"kty":"oct","k":"c2VjcmV0"}'),
        ("shared_secret", b'{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}'),
        ("shared_secret", b"s3cr3t~client~secret"),
        ("not_a_certificate", json.dumps(rs256.jwk()).encode()),
        ("not_a_certificate", b"[[["),
        ("not_a_certificate", request.public_bytes(PEM)),
        ("not_a_certificate", request.public_bytes(DER)),
        ("not_a_certificate", crl.public_bytes(PEM)),
        ("not_a_certificate", crl.public_bytes(DER)),
        ("not_a_certificate", pkcs7.serialize_certificates([certificate], PEM)),
        ("not_a_certificate", pkcs7.serialize_certificates([certificate], DER)),
        ("not_a_certificate", key.public_key().public_bytes(PEM, spki)),
        ("not_a_certificate", key.public_key().public_bytes(DER, spki)),
        ("not_a_certificate",
        key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)),
        ("not_a_certificate", pem.replace(b"BEGIN CERT", b"BEGIN TRUSTED CERT").replace(b"END CERT",
        b"END TRUSTED CERT")),
        ("not_a_certificate", b""), ("not_a_certificate", b" \n"), ("not_a_certificate", b"\x00\x01\x02"),
        ("not_a_certificate", b"<!DOCTYPE html><html>Sign in</html>"),
        ("not_a_certificate", pem.decode().encode("utf-16")), ("not_a_certificate", pem.decode().encode("utf-16-le")),
        ("not_a_certificate", base64.b64encode(pem)), ("not_a_certificate", base64.b64encode(rs256.der())),
        ("not_a_certificate", b"x" * 300_000),
    ]  # fmt: skip
    for number, (reason, content) in enumerate(cases):
        assert (number, reason_of(world, content)) == (number, reason)


def test_a_damaged_certificate_is_refused_and_never_skipped(
    world: "World", rs256: "Signer", other: "Signer"
) -> None:
    """ONB-014, ONB-023: alone or beside good ones."""
    pem, der = rs256.pem(), rs256.der()
    lines = pem.split(b"\n")
    damaged = (
        der[:-1], der + b"\0", der + der, b"\x30\x80" + der[4:] + b"\0\0", b"\x30\x03abc", pem.replace(b"-----END",
        b"--END"),
        b"\n".join([*lines[:2], lines[2][:-1] + b"*", *lines[3:]]),
        b"\n".join([*lines[:2], lines[2] + b" x", *lines[3:]]),
        b"\n".join([*lines[:2], lines[2][1:], *lines[3:]]), pem + b"-----BEGIN CERTIFICATE-----\n",
        b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
    )  # fmt: skip
    for content in damaged:
        assert reason_of(world, content) == "malformed_certificate"
    files = [file(other.pem(), "other"), file(der[:-1], "cut")]
    assert world.refuses(certificates=files, selected=["other"]) == "malformed_certificate"


def test_weak_and_unsupported_keys_are_refused(world: "World", make_signer: Callable[..., "Signer"]) -> None:
    """ONB-020."""
    weak = make_signer("RS256", "weak", 1024)
    assert reason_of(world, weak.pem()) == "weak_key"
    issuer = make_signer("ES256", "ca")
    for key in (
        dsa.generate_private_key(2048),
        ec.generate_private_key(ec.SECP256K1()),
        x25519.X25519PrivateKey.generate(),
    ):
        name = issuer.certificate().subject
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(9)
        builder = builder.not_valid_before(issuer.certificate().not_valid_before_utc)
        builder = builder.not_valid_after(issuer.certificate().not_valid_after_utc).public_key(
            key.public_key()
        )
        assert reason_of(world, builder.sign(issuer.key, hashes.SHA256()).public_bytes(PEM)) == "weak_key"


def test_the_dates_and_the_purpose_of_a_certificate_are_warned_of_only(
    world: "World", rs256: "Signer"
) -> None:
    """ONB-016, ONB-018."""
    usage = x509.KeyUsage(False, False, True, False, False, False, False, False, False)  # noqa: FBT003 - its signature
    authority = x509.BasicConstraints(ca=True, path_length=None)
    cases = (
        {"valid": (2001, 2002)},
        {"valid": (2040, 2049)},
        {"extensions": (authority,)},
        {"extensions": (usage,)},
    )
    for wishes in cases:
        assert len(world.onboard(certificates=[file(rs256.pem(**wishes))])) == 1
        assert world.accepts(rs256.token(world.claims())) == "ann"
    assert world.onboard(certificates=[file(rs256.pem())]) == ()


def test_certificates_and_a_url_are_not_mixed(world: "World", rs256: "Signer") -> None:
    """ONB-006."""
    assert (
        world.refuses(certificates=[file(rs256.pem())], jwks_uri="https://idp.example/jwks")
        == "keys_conflict"
    )


# The JWKS URL.


@pytest.mark.parametrize(
    "url",
    [
        "http://idp.example/jwks", "file:///etc/passwd", "gopher://idp.example", "https://u:p@idp.example/",
        "https://@h/",
        "https://idp.example/#x", "https://idp.example/#", "https://", "idp.example/jwks", "/jwks", "https:///x",
        "https://127.0.0.1/", "https://[::1]/", "https://169.254.169.254/latest", "https://10.1.2.3/",
        "https://2130706433/",
        "https://0x7f000001/", "https://0177.0.0.1/", "https://127.1/", "https://[::ffff:127.0.0.1]/",
        "https://[fd00::1]/",
        "https://0.0.0.0/", "https://idp.example:x/", "https://idp.example/a b", "https://idp.example/\n",
        "https://\u00e9.example/",
        "https://idp.example:99999/", "https://[::1/", "https://100.64.0.1/", "https://192.168.0.1/",
        "https://224.0.0.1/",
    ],
)  # fmt: skip
def test_a_jwks_url_is_https_and_public(world: "World", url: str) -> None:
    """ONB-024."""
    assert world.refuses(jwks_uri=url) == "jwks_url"
    assert world.fetches == []


@pytest.mark.parametrize(
    "document",
    [
        404,
        302,
        b"<html>",
        {"issuer": "https://idp.example"},
        {"keys": []},
        {"keys": [{"kty": "oct", "k": "AA"}]},
        None,
    ],
)
def test_a_jwks_must_hold_a_usable_key(world: "World", document: object) -> None:
    """ONB-025."""
    world.documents["https://idp.example/other"] = document
    assert world.refuses(jwks_uri="https://idp.example/other") == "jwks_unusable"


def test_a_jwks_may_hold_any_number_of_keys(world: "World", signers: Mapping[str, "Signer"]) -> None:
    """ONB-008, KEY-038."""
    curve = signers["ES256"]
    keys = [signers["RS256"].jwk(kid=f"k{number}") for number in range(40)]
    world.publish(*keys[:20], curve, *keys[20:], url="https://idp.example/many")
    world.onboard(jwks_uri="https://idp.example/many", algorithms=["ES256"])
    assert world.accepts(curve.token(world.claims())) == "ann"


# The sample token.


def test_issuer_and_audience_are_read_from_a_sample(world: "World", rs256: "Signer") -> None:
    """ONB-026, ONB-029, ONB-031, ONB-034: cleaned of what copying adds; times only warn."""
    payload = json.dumps(world.claims()).replace("/", "\\/").encode()
    sample = rs256.raw(b'{"alg":"RS256","kid":"RS256"}', payload)
    wrapped = "\r\n ".join(sample[start : start + 76] for start in range(0, len(sample), 76))
    for text in (
        sample,
        f"Bearer {sample}",
        f"bearer  {sample}\n",
        f'"{sample}"',
        f"'Bearer {wrapped}'",
        wrapped,
    ):
        world.verifier.reset()
        assert world.onboard(ANN, issuer=None, audience=None, sample_token=text) == ()
        assert world.accepts(sample) == "ann"
    assert world.onboard(sample_token=sample) == ()
    expired = rs256.token(world.claims(exp=1))
    assert len(world.onboard(issuer=None, audience=None, sample_token=expired)) == 1
    assert world.rejects(expired) == "expired"
    early = rs256.token(world.claims(nbf=world.now + 100))
    assert len(world.onboard(issuer=None, audience=None, sample_token=early)) == 1


def test_a_sample_verifies_by_the_keys_sent_with_it(world: "World", rs256: "Signer", other: "Signer") -> None:
    """ONB-030, ONB-035: what it brings along adds no trust and opens no connection."""
    good = rs256.token(world.claims())
    head, body, _ = good.split(".")
    unsigned = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    samples = (
        other.token(world.claims()), other.token(world.claims(), kid="RS256"),
        f"{unsigned}.{body}.AAAA", f"{head}.{body}.AAAA",
        other.token(world.claims(), jwk=other.jwk(), jku="https://evil.example"), rs256.token(world.claims(),
        alg="HS256"),
        rs256.token(world.claims(), alg="RS512"), rs256.token(world.claims(), kid="zzz"), rs256.token(world.claims(),
        crit=["x"]),
    )  # fmt: skip
    for sample in samples:
        with pytest.raises(OnboardingRefused) as refusal:
            world.onboard(issuer=None, audience=None, sample_token=sample)
        assert refusal.value.reason == "sample_unverified"
        assert sample[-12:] not in str(refusal.value)
    assert world.fetches == []
    for cut in (f"{head}.{body}.", f"{head}.{body}", "", f"{head}.{body}.A"):
        if cut:
            assert world.refuses(sample_token=cut) == "sample_malformed"


def test_a_sample_of_an_unselected_certificate_is_refused(
    world: "World", rs256: "Signer", other: "Signer"
) -> None:
    """ONB-009, ONB-030."""
    files = [file(rs256.pem()), file(other.pem(), "other")]
    sample = rs256.token(world.claims())
    assert world.refuses(certificates=files, selected=["other"], sample_token=sample) == "sample_unverified"
    assert world.onboard(certificates=files, selected=["RS256"], sample_token=sample) == ()


@pytest.mark.parametrize(
    "change",
    [
        {"iss": ...},
        {"iss": None},
        {"iss": ""},
        {"iss": ["x"]},
        {"aud": ...},
        {"aud": None},
        {"aud": {}},
        {"aud": []},
        {"aud": ""},
        {"aud": [""]},
        {"aud": [1]},
        {"aud": ["api", 1]},
    ],
)
def test_a_sample_without_usable_values_is_refused(
    world: "World", rs256: "Signer", change: dict[str, object]
) -> None:
    """ONB-033."""
    sample = rs256.token(world.claims(**change))
    assert world.refuses(issuer=None, audience=None, sample_token=sample) == "sample_incomplete"


def test_a_sample_for_several_audiences_needs_a_choice(world: "World", rs256: "Signer") -> None:
    """ONB-032."""
    several = rs256.token(world.claims(aud=["https://api", "https://t/userinfo"]))
    for sample in (several, rs256.token(world.claims(aud=["a", "a"]))):
        with pytest.raises(OnboardingAsked) as question:
            world.onboard(issuer=None, audience=None, sample_token=sample)
        assert question.value.about == "audience"
    world.onboard(audience="https://api", sample_token=several)
    assert world.accepts(rs256.token(world.claims(aud="https://api"))) == "ann"
    assert world.rejects(rs256.token(world.claims(aud="https://t/userinfo"))) == "audience"
    assert world.refuses(audience="api", sample_token=several) == "sample_mismatch"
    world.onboard(audience=None, sample_token=rs256.token(world.claims(aud=["one"])))
    assert world.accepts(rs256.token(world.claims(aud="one"))) == "ann"


def test_a_sample_that_disagrees_is_refused(world: "World", rs256: "Signer") -> None:
    """ONB-034, ONB-041: and its values are held to the same rules as typed ones."""
    for change in ({"iss": "https://idp.example/"}, {"aud": "API"}):
        assert world.refuses(sample_token=rs256.token(world.claims(**change))) == "sample_mismatch"
    for value, reason in (("qas", "issuer_reserved"), ("https://idp.example ", "value_format")):
        sample = rs256.token(world.claims(iss=value))
        assert world.refuses(issuer=None, sample_token=sample) == reason


# Anything at all.

WILD = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.lists(st.text())
    | st.dictionaries(st.text(), st.text())
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(change=st.dictionaries(st.sampled_from(sorted(IntegrationRecord.__slots__)), WILD, min_size=1))
def test_any_record_is_taken_refused_or_asked_about(world: "World", change: dict[str, object]) -> None:
    with suppress(OnboardingRefused, OnboardingAsked):
        assert isinstance(world.onboard(**change), tuple)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(content=st.binary(), data=st.data())
def test_any_file_is_taken_or_refused(
    world: "World", rs256: "Signer", content: bytes, data: st.DataObject
) -> None:
    der = rs256.der()
    place = data.draw(st.integers(0, len(der)))
    for one in (
        content,
        b"\x30" + content,
        der[:place] + content + der[place + len(content) :],
        rs256.pem()[:place] + content,
    ):
        with suppress(OnboardingRefused):
            assert isinstance(world.onboard(certificates=[file(one)]), tuple)


def test_users_are_checked(world: "World") -> None:
    """MAP-018."""
    for wrong in (User("", "x"), User(5, "x"), User("ann", 5)):  # type: ignore[arg-type] # wrong on purpose
        with pytest.raises(OnboardingRefused) as refusal:
            world.verifier.set_users("i-1", [wrong])
        assert refusal.value.reason == "user"


@pytest.mark.parametrize(
    "knobs",
    [
        {"leeway_s": 301}, {"leeway_s": -1}, {"algorithms": ()}, {"algorithms": ("none",)}, {"algorithms": ("HS256",)},
        {"max_token_bytes": 8191}, {"jwks_period_s": 0}, {"jwks_staleness_s": 8 * 86400}, {"jwks_staleness_s": 60},
        {"refetch_min_s": 0}, {"jwks_max_bytes": 0}, {"jwks_timeout_s": 0}, {"empty_jwks": "x"}, {"redirects": "all"},
        {"x5c_mismatch": "x"},
    ],
)  # fmt: skip
def test_a_policy_cannot_break_a_floor(knobs: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=":"):
        Policy(**knobs)  # type: ignore[arg-type] # the names are checked above


def test_errors_show_text_from_outside_bounded_and_escaped(world: "World", rs256: "Signer") -> None:
    """OPS-014: no line breaks, no escape sequences, no half token."""
    token = rs256.token(world.claims(iss="\x1b[31m\r\n\u202e" + "x" * 5000))
    with pytest.raises(TokenRejected) as rejection:
        world.verifier.authenticate(token)
    assert str(rejection.value).isprintable()
    assert len(str(rejection.value)) < 200
    assert rejection.value.__cause__ is None
