"""The test keys that ship with Touchstone: everybody has their private halves, so nobody may trust them."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

import mock_idp
from verifier import CertificateFile, OnboardingRefused
from verifier.keys import UnusableKey, parse_jwk
from verifier.shipped_keys import SHIPPED_TEST_KEYS

if TYPE_CHECKING:
    from tests.verifier.conftest import Signer, World

FOLDER = Path(mock_idp.__file__).parent / "fixed_keys"


def load(name: str) -> Any:
    pem = (FOLDER / f"{name}.pem").read_bytes()
    return load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)


ALGORITHMS = {"rsa/a": "RS256", "rsa/b": "RS256", "p-256/attacker": "ES256", "ed25519/f": "EdDSA"}


def shipped(like: "Signer", name: str) -> "Signer":
    return type(like)(load(name), ALGORITHMS[name], "t")


def test_the_list_is_of_the_keys_that_ship() -> None:
    names = [str(path.relative_to(FOLDER).with_suffix("")) for path in FOLDER.rglob("*.pem")]
    spkis = [
        load(name).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        for name in names
    ]
    assert {hashlib.sha256(spki).hexdigest() for spki in spkis} == SHIPPED_TEST_KEYS


@pytest.mark.parametrize("name", ["rsa/a", "p-256/attacker", "ed25519/f"])
def test_a_shipped_key_in_a_jwks_is_not_used_except_in_tests(
    world: "World", rs256: "Signer", name: str
) -> None:
    key = shipped(rs256, name)
    with pytest.raises(UnusableKey, match="test key that ships with Touchstone"):
        parse_jwk(key.jwk())
    assert parse_jwk(key.jwk(), allow_test_keys=True).kid == "t"
    world.start()
    world.publish(key)
    assert world.refuses() == "jwks_unusable"
    world.publish(rs256, key)
    assert "test key that ships" in "".join(world.onboard(algorithms=["RS256", key.alg]))
    world.start(allow_test_keys=True)
    world.publish(key)
    world.onboard(algorithms=["RS256", key.alg])
    assert world.rejects(key.token(world.claims())) == "no_user"


def test_a_certificate_of_a_shipped_key_is_refused_by_its_name(world: "World", rs256: "Signer") -> None:
    files = [CertificateFile("t", shipped(rs256, "rsa/b").pem(), "idp.pem")]
    with pytest.raises(OnboardingRefused, match=r"idp\.pem.*test key that ships with Touchstone") as refusal:
        world.onboard(certificates=files)
    assert refusal.value.reason == "weak_key"
    world.start(allow_test_keys=True)
    assert world.onboard(certificates=files) == ()
