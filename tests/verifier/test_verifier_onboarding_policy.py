"""ONB under each policy, activation, and the certificates that only few people send."""

import base64
import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from verifier import CertificateFile, OnboardingAsked, OnboardingRefused, User

if TYPE_CHECKING:
    from tests.verifier.conftest import Signer, World

ANN = User("ann", "ann-sub")
SPKI = serialization.PublicFormat.SubjectPublicKeyInfo
PEM, DER = serialization.Encoding.PEM, serialization.Encoding.DER


def file(content: bytes, kid: str | None = "RS256", name: str = "cert.pem") -> CertificateFile:
    return CertificateFile(kid, content, name)


def element(tag: int, *content: bytes) -> bytes:
    """Write one DER element."""
    body = b"".join(content)
    if len(body) < 128:
        return bytes((tag, len(body))) + body
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(size))) + size + body


def certified(spki: bytes) -> bytes:
    """Write a certificate of any SPKI; its own signature, which counts for nothing here, is of zeros."""
    algorithm = element(0x30, bytes.fromhex("06092a864886f70d01010b0500"))
    name = element(0x30)
    dates = element(0x30, element(0x17, b"200101000000Z"), element(0x17, b"490101000000Z"))
    body = element(0x30, element(0xA0, b"\x02\x01\x02"), b"\x02\x01\x07", algorithm, name, dates, name, spki)
    return element(0x30, body, algorithm, element(0x03, b"\0" * 257))


def pss_certificate(signer: "Signer", digest: str | None) -> bytes:
    """Write the certificate of an RSA key for PSS alone; its hash: the last digit of the OID, "" for SHA-1."""
    public = signer.key.public_key().public_bytes(DER, serialization.PublicFormat.PKCS1)
    oid = bytes.fromhex("06092a864886f70d01010a")
    parameters = b"" if digest is None else element(0x30)
    if digest:
        chosen = element(0x30, bytes.fromhex(f"060960864801650304020{digest}"))
        mgf = element(0x30, bytes.fromhex("06092a864886f70d010108"), chosen)
        parameters = element(0x30, element(0xA0, chosen), element(0xA1, mgf))
    return certified(element(0x30, element(0x30, oid, parameters), element(0x03, b"\0", public)))


def test_a_key_that_is_restricted_to_pss_verifies_only_that(
    world: "World", make_signer: Callable[..., "Signer"]
) -> None:
    """ONB-021: and only with the hash of its parameters."""
    key = make_signer("RS256", "k")
    listed = ["RS256", "PS256", "PS384", "PS512"]
    for digest, good in (
        (None, {"PS256", "PS384", "PS512"}),
        ("1", {"PS256"}),
        ("2", {"PS384"}),
        ("3", {"PS512"}),
    ):
        world.onboard(ANN, certificates=[file(pss_certificate(key, digest), "k")], algorithms=listed)
        for alg in listed:
            token = type(key)(key.key, alg, "k").token(world.claims())
            if alg in good:
                assert world.accepts(token) == "ann"
            else:
                assert world.rejects(token) == "algorithm_not_allowed"
    for parameters in ("", "4", "8"):  # SHA-1, SHA-224, SHA3-256
        assert world.refuses(certificates=[file(pss_certificate(key, parameters), "k")]) == "weak_key"


def test_a_curve_that_is_spelled_out_is_refused(world: "World", make_signer: Callable[..., "Signer"]) -> None:
    """ONB-020, CVE-2020-0601: even where its numbers are those of P-256."""
    point = make_signer("ES256", "k").key.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )  # fmt: skip

    def integer(text: str) -> bytes:
        return element(0x02, b"\0", bytes.fromhex(text))

    prime = "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"
    field = element(0x30, bytes.fromhex("06072a8648ce3d0101"), integer(prime))
    a = bytes.fromhex("ffffffff00000001000000000000000000000000fffffffffffffffffffffffc")
    b = bytes.fromhex("5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b")
    base = bytes.fromhex(
        "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
        "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
    )
    order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"
    curve = element(0x30, element(0x04, a), element(0x04, b))
    spelled = element(
        0x30, b"\x02\x01\x01", field, curve, element(0x04, base), integer(order), b"\x02\x01\x01"
    )
    algorithm = element(0x30, bytes.fromhex("06072a8648ce3d0201"), spelled)
    content = certified(element(0x30, algorithm, element(0x03, b"\0", point)))
    assert world.refuses(certificates=[file(content, "k")], algorithms=["ES256"]) == "weak_key"


def test_an_even_or_tiny_exponent_is_refused(world: "World", rs256: "Signer") -> None:
    """ONB-020."""
    for exponent in (1, 2, 65536):
        numbers = rs256.key.public_key().public_numbers()
        body = element(
            0x30,
            element(0x02, b"\0", numbers.n.to_bytes(256)),
            element(0x02, exponent.to_bytes(3)[-3:].lstrip(b"\0")),
        )
        spki = element(
            0x30, element(0x30, bytes.fromhex("06092a864886f70d0101010500")), element(0x03, b"\0", body)
        )
        assert world.refuses(certificates=[file(certified(spki))]) == "weak_key"


def test_a_web_servers_certificate_is_warned_of(world: "World", rs256: "Signer") -> None:
    """ONB-018: taken from the padlock of a browser."""
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    (warning,) = world.onboard(certificates=[file(rs256.pem(extensions=(usage,)), name="padlock.cer")])
    assert "'padlock.cer'" in warning
    assert "web server" in warning


def test_dates_are_refused_or_ignored_where_that_is_declared(world: "World", rs256: "Signer") -> None:
    """ONB-016."""
    for wrong in ((2001, 2002), (2040, 2049)):
        world.start(cert_validity_onboarding="refuse")
        assert world.refuses(certificates=[file(rs256.pem(valid=wrong))]) == "malformed_certificate"
        world.start(cert_validity_onboarding="ignore")
        assert world.onboard(certificates=[file(rs256.pem(valid=wrong))]) == ()


def test_a_key_ends_with_its_certificate_where_that_is_declared(
    world: "World", rs256: "Signer", other: "Signer"
) -> None:
    """ONB-016, KEY-021: renewed, it goes on; and so it does behind a URL without a certificate."""
    world.start(cert_validity_run_time="enforce")
    old, new = file(rs256.pem(valid=(2020, 2027))), file(rs256.pem(valid=(2026, 2049), serial=8))
    world.onboard(ANN, certificates=[old])
    year = 365 * 86400
    for later, verdict in ((0, "unknown_key"), (-20 * year, "unknown_key")):
        world.now = 1_800_000_000 + later  # in January 2027, and before 2020
        assert world.rejects(rs256.token(world.claims())) == verdict
    world.now = 1_790_000_000
    assert world.accepts(rs256.token(world.claims())) == "ann"
    world.onboard(certificates=[old, new])
    world.now = 1_800_000_000
    assert world.accepts(rs256.token(world.claims())) == "ann"
    for x5c, verdict in ((old, "unknown_key"), (new, "ann")):
        der = x509.load_pem_x509_certificate(x5c.content).public_bytes(DER)
        world.publish(rs256.jwk(x5c=[base64.b64encode(der).decode()]), other)
        world.onboard(jwks_uri="https://idp.example/jwks")
        world.pass_time(4000)
        token = rs256.token(world.claims())
        assert (world.accepts(token) if verdict == "ann" else world.rejects(token)) == verdict
        assert world.accepts(other.token(world.claims())) == "ann"


@pytest.mark.parametrize("encoding", [PEM, DER])
def test_a_bare_public_key_is_taken_where_that_is_declared(
    world: "World", rs256: "Signer", encoding: serialization.Encoding
) -> None:
    """ONB-013, ONB-015, ONB-020: and a private or weak one never."""
    world.start(raw_public_key="accept")
    bare = file(rs256.key.public_key().public_bytes(encoding, SPKI))
    for field in ("certificates", "public_keys"):
        world.onboard(ANN, **{"certificates": None, field: [bare]})
        assert world.accepts(rs256.token(world.claims())) == "ann"
    private = rs256.key.private_bytes(
        encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    weak = (
        rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - to be refused
        .public_key()
        .public_bytes(encoding, SPKI)
    )
    for content, reason in (
        (private, "private_key"),
        (weak, "weak_key"),
        (b'{"kty":"oct","k":"AA"}', "shared_secret"),
    ):
        assert world.refuses(certificates=[file(content)]) == reason
    both = rs256.pem() + rs256.key.private_bytes(
        PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    assert world.refuses(certificates=[file(both)]) == "private_key"


def test_a_bad_file_is_left_out_and_named_where_that_is_declared(
    world: "World", rs256: "Signer", other: "Signer"
) -> None:
    """ONB-023, ONB-015, ONB-044: but a private key or a secret refuses all, and so does a bad file alone."""
    world.start(partial_upload="per_item")
    good, cut = file(rs256.pem()), file(other.der()[:-1], "other", "cut.cer")
    (warning,) = world.onboard(ANN, certificates=[good, cut], selected=["RS256", "other"])
    assert "'cut.cer'" in warning
    assert world.accepts(rs256.token(world.claims())) == "ann"
    assert world.rejects(other.token(world.claims())) == "unknown_key"
    assert world.refuses(certificates=[cut]) == "malformed_certificate"
    assert world.refuses(certificates=[good, cut], selected=["other"]) == "selection_missing"
    assert world.refuses(certificates=[good, cut], selected=["third"]) == "selection_unknown"
    assert world.refuses(certificates=[good, file(b"s3cr3t~text", "s")]) == "shared_secret"
    assert world.refuses(certificates=[good, *[cut] * 5]) == "too_many_certificates"


def test_certificates_beside_a_url_count_as_declared(
    world: "World", rs256: "Signer", other: "Signer"
) -> None:
    """ONB-006, ONB-012: together, or the URL alone; and one kid never names two keys."""
    world.publish(other)
    both = {"certificates": [file(rs256.pem())], "jwks_uri": "https://idp.example/jwks"}
    world.start(cert_plus_jwks="union")
    assert world.onboard(ANN, **both) == ()
    for signer in (rs256, other):
        assert world.accepts(signer.token(world.claims())) == "ann"
    world.documents.clear()
    world.pass_time(90_000)  # beyond the staleness: the certificates go on
    assert world.accepts(rs256.token(world.claims())) == "ann"
    assert world.rejects(other.token(world.claims())) == "unknown_key"
    world.publish(other.jwk(kid="new"))
    world.pass_time(400)
    assert world.accepts(other.token(world.claims(), kid="new")) == "ann"
    world.publish(other.jwk(kid="newer"))
    world.pass_time(301)  # before the period: a token provokes the fetch
    assert world.accepts(other.token(world.claims(), kid="newer")) == "ann"
    world.publish(other.jwk(kid="RS256"))
    world.pass_time(4000)
    assert world.rejects(rs256.token(world.claims())) == "unknown_key"
    assert world.refuses(**both) == "kid_conflict"
    world.publish(other)
    world.start(cert_plus_jwks="jwks_only")
    (warning,) = world.onboard(ANN, **both)
    assert "certificates" in warning
    assert world.accepts(other.token(world.claims())) == "ann"
    assert world.rejects(rs256.token(world.claims())) == "unknown_key"


def test_several_issuers_and_audiences_are_pairs(world: "World", rs256: "Signer") -> None:
    """ONB-028, CLM-009, ONB-040: never the product of two lists."""
    world.start(multi_issuer=True, multi_audience=True)
    lists = {"issuer": ["https://a.example", "https://b.example"], "audience": ["one", "two"]}
    world.onboard(ANN, **lists)
    cases = {
        (iss, aud): iss[8] + aud in ("aone", "btwo") for iss in lists["issuer"] for aud in lists["audience"]
    }
    for (iss, aud), good in cases.items():
        token = rs256.token(world.claims(iss=iss, aud=aud))
        assert (world.accepts(token) == "ann") if good else (world.rejects(token) == "audience")
    assert world.refuses(issuer=lists["issuer"], audience=["one", "two", "three"]) == "several_values"
    assert (
        world.refuses(id="i-2", entity_id="urn:2", issuer="https://b.example", audience="two")
        == "issuer_taken"
    )
    for wrong, reason in (
        ([], "issuer_missing"),
        ([""], "value_format"),
        ([None], "value_format"),
        (["qas"], "issuer_reserved"),
    ):
        assert world.refuses(issuer=wrong) == reason
    assert world.refuses(issuer=[f"https://{number}.example" for number in range(21)]) == "several_values"
    world.onboard(issuer=lists["issuer"])
    for iss in lists["issuer"]:
        assert world.accepts(rs256.token(world.claims(iss=iss))) == "ann"
    world.onboard(issuer="https://a.example", audience=["api", "two"])
    assert world.accepts(rs256.token(world.claims(iss="https://a.example", aud=["api", "two"]))) == "ann"
    assert world.rejects(rs256.token(world.claims(iss="https://b.example"))) == "issuer"
    assert world.verifier.offboard("i-1")
    assert world.rejects(rs256.token(world.claims(iss="https://a.example"))) == "issuer"


def test_both_versions_of_a_tenant_work_where_both_are_listed(world: "World", rs256: "Signer") -> None:
    """AZR-002, AZR-003, AZR-012, AZR-015, ONB-028."""
    tenant, stranger = "11111111-2222-3333-4444-555555555555", "99999999-2222-3333-4444-555555555555"
    world.start(multi_issuer=True)
    issuers = [f"https://sts.windows.net/{tenant}/", f"https://login.microsoftonline.com/{tenant}/v2.0"]
    world.onboard(ANN, issuer=issuers)
    for iss in issuers:
        assert world.accepts(rs256.token(world.claims(iss=iss, tid=tenant))) == "ann"
        assert world.rejects(rs256.token(world.claims(iss=iss, tid=stranger))) == "claim_value"


def test_tokens_count_from_activation_to_deactivation(world: "World", rs256: "Signer") -> None:
    """ONB-042, ONB-043: and a change of the record is no activation."""
    token = rs256.token(world.claims())
    world.verifier.set_active("i-1", active=False)
    assert world.verifier.state("i-1") == "disabled"
    assert world.rejects(token) == "issuer"
    world.onboard(leeway_s=0)
    assert (world.verifier.state("i-1"), world.rejects(token)) == ("disabled", "issuer")
    taken = {"id": "i-2", "entity_id": "urn:2"}
    assert world.refuses(**taken) == "issuer_taken"
    world.verifier.set_active("i-1", active=True)
    assert (world.verifier.state("i-1"), world.accepts(token)) == ("active", "ann")
    world.onboard(active=False)
    assert (world.verifier.state("i-1"), world.rejects(token)) == ("requested", "issuer")
    world.onboard(User("tom", "tom-sub"), **taken, audience="two", aud_from="client_id")
    assert world.rejects(token) == "issuer"
    world.verifier.set_active("i-2", active=False)
    assert (
        world.rejects(rs256.token(world.claims(aud=..., client_id="two", sub="tom-sub"))) == "claim_missing"
    )
    world.onboard(active=True)
    assert world.accepts(token) == "ann"
    assert world.refuses(active="yes") == "value_format"
    with pytest.raises(KeyError):
        world.verifier.set_active("i-9", active=True)
    with pytest.raises(KeyError):
        world.verifier.state("i-9")


def test_a_renewed_certificate_keeps_every_kid_and_takes_one_place(
    world: "World", rs256: "Signer", make_signer: Callable[..., "Signer"]
) -> None:
    """ONB-022, ONB-007."""
    kids = [f"k{number}" for number in range(6)]
    files = [file(rs256.pem(serial=number + 1), kid) for number, kid in enumerate(kids)]
    (warning,) = world.onboard(ANN, certificates=files, selected=kids)
    assert "one key" in warning
    for kid in kids:
        assert world.accepts(rs256.token(world.claims(), kid=kid)) == "ann"
    others = [file(make_signer("ES256", f"e{number}").pem(), f"e{number}") for number in range(5)]
    assert world.refuses(certificates=[*files, *others], selected=kids) == "too_many_certificates"


def test_only_the_leaf_of_a_chain_that_was_selected_verifies(
    world: "World", make_signer: Callable[..., "Signer"]
) -> None:
    """ONB-017: whoever has signed a certificate signs no token by it."""
    leaf, root = make_signer("ES256", "leaf"), make_signer("ES256", "root")
    builder = x509.CertificateBuilder().subject_name(leaf.certificate().subject).serial_number(9)
    builder = builder.issuer_name(root.certificate().subject).public_key(leaf.key.public_key())
    builder = builder.not_valid_before(root.certificate().not_valid_before_utc)
    issued = builder.not_valid_after(root.certificate().not_valid_after_utc).sign(root.key, hashes.SHA256())
    files = [file(issued.public_bytes(PEM), "leaf"), file(root.pem(), "root")]
    world.onboard(ANN, certificates=files, selected=["leaf"], algorithms=["ES256"])
    assert world.accepts(leaf.token(world.claims())) == "ann"
    for kid, reason in (("root", "unknown_key"), ("leaf", "bad_signature")):
        assert world.rejects(root.token(world.claims(), kid=kid)) == reason


def test_a_refusal_says_what_and_where_and_what_to_do(world: "World", rs256: "Signer") -> None:
    """The field comes first, or the file; then the fault, and what to send instead."""
    cases: tuple[tuple[dict[str, object], str, str], ...] = (
        ({"entity_id": ""}, "entity_id", "mandatory"),
        ({"issuer": None}, "issuer", "send"),
        ({"audience": ["a", "b"]}, "audience", "send one text"),
        ({"custom_claim": "aud"}, "custom_claim", "name a claim"),
        ({"jwks_uri": "http://idp.example/"}, "jwks_uri", "https"),
        ({"algorithms": ["HS256"]}, "algorithms", "choose from"),
        ({"sample_token": "x"}, "sample_token", "send the whole JWT"),
        ({"certificates": [file(b"<html>", name="saved.cer")]}, "'saved.cer'", "send the X.509 certificate"),
        ({"certificates": [file(rs256.der()[:-1], name="cut.cer")]}, "'cut.cer'", "export it again"),
    )
    for change, where, advice in cases:
        with pytest.raises(OnboardingRefused) as refusal:
            world.onboard(**change)
        assert refusal.value.detail.startswith(where)
        assert advice in refusal.value.detail
        assert "\n" not in refusal.value.detail
    questions: tuple[dict[str, object], ...] = (
        {"certificates": [file(rs256.pem()), file(rs256.pem(serial=9), "b")]},
        {"issuer": None, "audience": None, "sample_token": rs256.token(world.claims(aud=["a", "b"]))},
    )
    for change in questions:
        with pytest.raises(OnboardingAsked, match=r"\?"):
            world.onboard(**change)


def test_nothing_of_a_sample_is_kept_or_shown(world: "World", rs256: "Signer") -> None:
    """ONB-036, ONB-029."""
    sample = rs256.token(world.claims())
    world.onboard(issuer=None, audience=None, sample_token=sample)
    kept = json.dumps([repr(one) for one in vars(world.verifier).values()])
    assert sample.split(".")[2] not in kept
    with pytest.raises(OnboardingRefused) as refusal:
        world.onboard(audience="other", sample_token=sample)
    assert sample.split(".")[2][:12] not in str(refusal.value)
