"""Signatures alone: the examples that the RFCs print, and what the two doors refuse."""

import base64
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pytest

from verifier import TokenRejected, verify_jws, verify_signature

if TYPE_CHECKING:
    from tests.verifier.conftest import Signer, World

RFC_7515_A3 = (
    "eyJhbGciOiJFUzI1NiJ9"
    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
)
RFC_7515_A3_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}
RFC_8037_A4 = (
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
    ".hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
)
RFC_8037_A4_KEY = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
EXAMPLES = [
    (RFC_7515_A3, RFC_7515_A3_KEY, "ES256", b'{"iss":"joe",'),
    (RFC_8037_A4, RFC_8037_A4_KEY, "EdDSA", b"Example of Ed25519 signing"),
]


@pytest.mark.parametrize("token, key, algorithm, start", EXAMPLES)
def test_the_examples_of_the_rfcs_verify(
    token: str, key: dict[str, Any], algorithm: str, start: bytes
) -> None:
    """RFC 7515 appendix A.3, whose header has no kid, and RFC 8037 appendix A.4, whose payload is no JSON."""
    assert verify_jws(token, key, [algorithm]).startswith(start)
    assert verify_jws(token.encode(), {"keys": [key]}, [algorithm, "RS256"]).startswith(start)
    assert verify_jws(token, json.dumps({"keys": [key]}).encode(), [algorithm]).startswith(start)


@pytest.mark.parametrize("token, key, algorithm, start", EXAMPLES)
def test_no_changed_character_of_an_example_verifies(
    token: str, key: dict[str, Any], algorithm: str, start: bytes
) -> None:
    assert start
    for at in range(len(token)):
        changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
        with pytest.raises(TokenRejected):
            verify_jws(changed, key, [algorithm])


def test_a_jws_may_sign_nothing(signers: Mapping[str, "Signer"]) -> None:
    """RFC 7515 section 3.1: the payload is any sequence of octets, none of them too; Wycheproof's emptyPayload."""
    for signer in signers.values():
        token = signer.raw(json.dumps({"alg": signer.alg, "kid": signer.kid}).encode(), b"")
        assert token.split(".")[1] == ""
        assert verify_jws(token, signer.jwk(alg=signer.alg), [signer.alg]) == b""
        for changed in (token[:-4] + "AAAA", token.replace("..", ".AA."), token.rpartition(".")[0] + "."):
            with pytest.raises(TokenRejected):
                verify_jws(changed, signer.jwk(alg=signer.alg), [signer.alg])


def test_a_token_signs_something(world: "World", rs256: "Signer") -> None:
    """FMT-001, FMT-007."""
    token = rs256.raw(json.dumps({"alg": "RS256", "kid": rs256.kid}).encode(), b"")
    assert world.rejects(token) == "malformed"


def test_an_algorithm_that_is_not_listed_is_not_tried() -> None:
    with pytest.raises(TokenRejected) as caught:
        verify_jws(RFC_7515_A3, RFC_7515_A3_KEY, ["RS256"])
    assert caught.value.reason == "algorithm_not_allowed"


def test_a_key_of_another_kid_is_not_tried() -> None:
    header = base64.urlsafe_b64encode(b'{"alg":"ES256","kid":"z"}').rstrip(b"=").decode()
    with pytest.raises(TokenRejected) as caught:
        verify_jws(header + RFC_7515_A3[20:], {**RFC_7515_A3_KEY, "kid": "a"}, ["ES256"])
    assert caught.value.reason == "unknown_key"


@pytest.mark.parametrize("keys", [b"", b"{}", {"keys": 1}, {"kty": "oct", "k": "AAAA"}, {"kty": "EC"}])
def test_keys_that_are_none_are_a_mistake_of_the_caller(keys: Any) -> None:
    with pytest.raises(ValueError, match=r"JWKS|JSON|its "):
        verify_jws(RFC_7515_A3, keys, ["ES256"])


@pytest.mark.parametrize("algorithm", ["none", "HS256", "es256", ""])
def test_an_algorithm_that_is_not_supported_is_a_mistake_of_the_caller(
    algorithm: str, signers: Mapping[str, "Signer"]
) -> None:
    with pytest.raises(ValueError, match="not supported"):
        verify_jws(RFC_7515_A3, RFC_7515_A3_KEY, [algorithm])
    with pytest.raises(ValueError, match="not supported"):
        verify_signature(algorithm, signers["ES256"].key.public_key(), b"", b"")


def test_a_raw_signature_is_judged_by_the_key_of_its_algorithm(
    signers: Mapping[str, "Signer"], make_signer: Callable[..., "Signer"]
) -> None:
    for signer in signers.values():
        alg = signer.alg
        signature = signer.sign(b"message")
        public = signer.key.public_key()
        assert verify_signature(alg, public, b"message", signature)
        assert not verify_signature(alg, public, b"another", signature)
        assert not verify_signature(alg, public, b"message", signature + b"\0")
    with pytest.raises(ValueError, match="curve"):
        verify_signature("ES256", signers["ES384"].key.public_key(), b"", b"")
    with pytest.raises(ValueError, match="bits"):
        verify_signature("RS256", make_signer("RS256", "weak", 1024).key.public_key(), b"", b"")
