"""KEY-024: an operator takes a key out, and it stays out until the operator lifts that."""

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import JWKRegistry

from verifier import CertificateFile, FetchResult, User
from verifier.keys import parse_jwk
from verifier.purge import checked, thumbprint_of

if TYPE_CHECKING:
    from tests.verifier.conftest import Signer, World

URL = "https://idp.example/jwks"


def rfc7638(signer: "Signer") -> str:
    return str(JWKRegistry.import_key(signer.jwk()).thumbprint())


def spki_hash(signer: "Signer") -> str:
    spki = signer.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(spki).hexdigest()


def test_thumbprints_are_those_of_rfc_7638(signers: Mapping[str, "Signer"]) -> None:
    for signer in signers.values():
        assert thumbprint_of(parse_jwk(signer.jwk()).material) == rfc7638(signer)


@pytest.mark.parametrize("name", ["kid", "thumbprint", "spki", "SPKI"])
def test_a_purged_key_is_out_at_once_and_stays_out(
    world: "World", rs256: "Signer", other: "Signer", name: str
) -> None:
    """Through refetches that bring it back, under its kid or another, and while the endpoint is down."""
    world.publish(rs256, other)
    world.onboard(User("ann", "ann-sub"))
    world.pass_time(3600)
    assert world.accepts(rs256.token(world.claims())) == "ann"
    purged = {
        "kid": lambda: world.verifier.purge_key("i-1", kid="RS256"),
        "thumbprint": lambda: world.verifier.purge_key("i-1", thumbprint=rfc7638(rs256)),
        "spki": lambda: world.verifier.purge_key("i-1", thumbprint=spki_hash(rs256)),
        "SPKI": lambda: world.verifier.purge_key("i-1", thumbprint=spki_hash(rs256).upper()),
    }[name]()
    assert purged == ((rfc7638(rs256),) if name in ("kid", "thumbprint") else (spki_hash(rs256),))
    assert world.verifier.purged_keys("i-1") == set(purged)
    for document in (world.documents[URL], 503, {"keys": [rs256.jwk(kid="new"), other.jwk()]}):
        world.documents[URL] = document
        for kid in ("RS256", "new"):
            assert world.rejects(rs256.token(world.claims(), kid=kid)) == "unknown_key"
        world.pass_time(3600)
        assert world.rejects(rs256.token(world.claims())) == "unknown_key"
        assert world.accepts(other.token(world.claims())) == "ann"
    assert world.verifier.restore_key("i-1", purged[0])
    assert not world.verifier.restore_key("i-1", purged[0])
    assert world.accepts(rs256.token(world.claims(), kid="new")) == "ann"
    assert world.verifier.purged_keys("i-1") == frozenset()


def test_a_lingering_key_can_be_purged(world: "World", rs256: "Signer", other: "Signer") -> None:
    """KEY-024 against KEY-025: what has left the set is out at once."""
    world.publish(other)
    world.pass_time(3600)
    assert world.accepts(rs256.token(world.claims())) == "ann"
    world.verifier.purge_key("i-1", kid="RS256")
    assert world.rejects(rs256.token(world.claims())) == "unknown_key"
    assert world.accepts(other.token(world.claims())) == "ann"


def test_another_key_under_the_kid_of_a_purged_one_verifies(
    world: "World", rs256: "Signer", other: "Signer"
) -> None:
    """The purge is of the key, not of its kid."""
    world.verifier.purge_key("i-1", kid="RS256")
    world.publish(other.jwk(kid="RS256"))
    assert world.accepts(other.token(world.claims(), kid="RS256")) == "ann"
    assert world.rejects(rs256.token(world.claims())) == "bad_signature"


def test_the_key_of_a_certificate_can_be_purged(world: "World", rs256: "Signer", other: "Signer") -> None:
    files = [CertificateFile("RS256", rs256.pem()), CertificateFile("other", other.pem())]
    world.onboard(User("ann", "ann-sub"), certificates=files, selected=["RS256", "other"])
    assert world.accepts(rs256.token(world.claims())) == "ann"
    world.verifier.purge_key("i-1", kid="RS256")
    assert world.rejects(rs256.token(world.claims())) == "unknown_key"
    assert world.accepts(other.token(world.claims())) == "ann"
    world.onboard(certificates=files, selected=["RS256", "other"])
    assert world.rejects(rs256.token(world.claims())) == "unknown_key"
    assert world.verifier.restore_key("i-1", rfc7638(rs256))
    assert world.accepts(rs256.token(world.claims())) == "ann"


def test_a_purge_outlives_a_change_of_the_integration_and_of_its_key_source(
    world: "World", rs256: "Signer"
) -> None:
    world.verifier.purge_key("i-1", kid="RS256")
    url = "https://idp.example/other"
    world.publish(rs256, url=url)
    world.onboard(jwks_uri=url)
    assert world.rejects(rs256.token(world.claims())) == "unknown_key"
    world.verifier.offboard("i-1")
    assert world.verifier.purged_keys("i-1") == {rfc7638(rs256)}
    world.onboard(User("ann", "ann-sub"))
    assert world.rejects(rs256.token(world.claims())) == "unknown_key"
    world.verifier.reset()
    world.onboard(User("ann", "ann-sub"))
    assert world.accepts(rs256.token(world.claims())) == "ann"


def test_a_purge_is_of_one_integration(world: "World", rs256: "Signer") -> None:
    """KEY-036."""
    world.onboard(User("tom", "ann-sub"), id="i-2", entity_id="urn:2", audience="two")
    world.verifier.purge_key("i-1", kid="RS256")
    assert world.rejects(rs256.token(world.claims())) == "unknown_key"
    assert world.accepts(rs256.token(world.claims(aud="two"))) == "tom"


def test_a_fetch_that_was_under_way_does_not_bring_a_purged_key_back(world: "World", rs256: "Signer") -> None:
    """The answer was made before the purge, and lands after it."""
    good = world.verifier.register.get("i-1")[0].keys

    def purge_first(*_: object, **__: object) -> FetchResult:
        world.verifier.purge_key("i-1", kid="RS256")
        return world.fetch(URL, ca_file=None, max_bytes=1, timeout_s=1)

    good._fetch = purge_first  # type: ignore[attr-defined] # the source behind a JWKS URL has one
    world.pass_time(3600)
    assert world.rejects(rs256.token(world.claims())) == "unknown_key"


def test_what_cannot_be_purged_is_said(world: "World", rs256: "Signer") -> None:
    verifier = world.verifier
    with pytest.raises(KeyError):
        verifier.purge_key("i-9", kid="RS256")
    with pytest.raises(KeyError):
        verifier.purge_key("i-1", kid="nobody")
    for wrong in ("", "RS256", "x" * 42, "g" * 64, rfc7638(rs256) + "="):
        with pytest.raises(ValueError, match="thumbprint"):
            verifier.purge_key("i-1", thumbprint=wrong)
        with pytest.raises(ValueError, match="thumbprint"):
            checked(wrong)
    with pytest.raises(ValueError, match="either"):
        verifier.purge_key("i-1")
    with pytest.raises(ValueError, match="either"):
        verifier.purge_key("i-1", kid="RS256", thumbprint=rfc7638(rs256))
    assert world.accepts(rs256.token(world.claims())) == "ann"
