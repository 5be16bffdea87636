"""SIG: only the right key, by the right algorithm, in the right form."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from itertools import count
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from verifier import User, verify_signature
from verifier.algorithms import ALGORITHMS

if TYPE_CHECKING:
    from tests.verifier.conftest import Signer, World

ALL = sorted(ALGORITHMS)
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def resigned(token: str, change: Callable[[bytes], bytes]) -> str:
    signed, _, signature = token.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    return f"{signed}.{b64(change(raw))}"


def enable(world: "World", signer: "Signer", **members: object) -> None:
    world.publish(signer.jwk(**members))
    world.start()
    world.onboard(User("ann", "ann-sub"), algorithms=[signer.alg])


@pytest.mark.parametrize("alg", ALL)
def test_a_correct_signature_of_every_listed_algorithm_is_accepted(
    world: "World", signers: Mapping[str, "Signer"], alg: str
) -> None:
    """SIG-001, KEY-012: with and without `alg` in the JWK."""
    for members in ({}, {"alg": alg, "use": "sig", "key_ops": ["verify"]}):
        enable(world, signers[alg], **members)
        assert world.accepts(signers[alg].token(world.claims())) == "ann"


@pytest.mark.parametrize("alg", ALL)
@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw[:-1],
        lambda raw: raw + b"\0",
        lambda raw: b"\0" + raw,
        lambda raw: raw[: len(raw) // 2],
        lambda raw: bytes(len(raw)),
        lambda raw: b"\xff" * len(raw),
        lambda raw: bytes(len(raw) - 1) + b"\1",
        lambda raw: raw[:-1] + bytes([raw[-1] ^ 1]),
    ],
)
def test_a_damaged_signature_is_rejected(
    world: "World", signers: Mapping[str, "Signer"], alg: str, change: Callable[[bytes], bytes]
) -> None:
    """SIG-003, SIG-012 to SIG-014, SIG-017."""
    enable(world, signers[alg])
    assert world.rejects(resigned(signers[alg].token(world.claims()), change)) == "bad_signature"


def test_a_signature_of_another_valid_token_is_rejected(world: "World", rs256: "Signer") -> None:
    """SIG-001, SIG-002."""
    signed = rs256.token(world.claims()).rpartition(".")[0]
    signature = rs256.token(world.claims(sub="bob-sub")).rpartition(".")[2]
    assert world.rejects(f"{signed}.{signature}") == "bad_signature"


@pytest.mark.parametrize(
    "alg",
    [
        "none",
        "None",
        "NONE",
        "nOnE",
        "none ",
        None,
        "",
        [],
        True,
        "rs256",
        "RS256 ",
        "RS256\x00",
        "RS-256",
        ["RS256"],
        "XX999",
        "RSA-OAEP",
        "dir",
        "RS1",
        "HS256",
        "HS384",
        "HS512",
        "ES256K",
        {"RS256": 1},
    ],
)
def test_an_algorithm_outside_the_table_is_not_allowed(world: "World", rs256: "Signer", alg: object) -> None:
    """SIG-004, SIG-006 to SIG-008: however it is spelled, and however well it is signed."""
    token = rs256.token(world.claims(), alg=alg)
    assert world.rejects(token) == "algorithm_not_allowed"


def test_a_header_without_algorithm_is_not_allowed(world: "World", rs256: "Signer") -> None:
    """SIG-004, FMT-006."""
    payload = json.dumps(world.claims()).encode()
    assert world.rejects(rs256.raw(b"{}", payload)) == "algorithm_not_allowed"


@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512"])
def test_a_public_key_is_no_hmac_secret(world: "World", rs256: "Signer", alg: str) -> None:
    """SIG-005."""
    pem = rs256.key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    for secret in (pem, pem.strip(), json.dumps(rs256.jwk()).encode(), rs256.der(), b"", b"secret"):
        header = b64(json.dumps({"alg": alg, "kid": rs256.kid}).encode())
        signed = f"{header}.{b64(json.dumps(world.claims()).encode())}"
        mac = hmac.new(secret, signed.encode(), getattr(hashlib, f"sha{alg[2:]}")).digest()
        assert world.rejects(f"{signed}.{b64(mac)}") == "algorithm_not_allowed"


@pytest.mark.parametrize("alg", [alg for alg in ALL if alg != "RS256"])
def test_an_algorithm_that_the_integration_does_not_list_is_not_allowed(
    world: "World", signers: Mapping[str, "Signer"], alg: str
) -> None:
    """SIG-007: even by a published key with a correct signature."""
    signer = signers[alg]
    world.publish(signers["RS256"], signer)
    world.pass_time(3600)
    assert world.rejects(signer.token(world.claims())) == "algorithm_not_allowed"


def test_a_bare_rsa_key_has_one_algorithm(world: "World", rs256: "Signer") -> None:
    """SIG-009: RS256 if it is listed; a key that names another one has that one only (KEY-013)."""
    ps256 = type(rs256)(rs256.key, "PS256", rs256.kid)
    world.onboard(algorithms=["PS256", "RS256"])
    assert world.accepts(rs256.token(world.claims())) == "ann"
    assert world.rejects(ps256.token(world.claims())) == "algorithm_not_allowed"
    world.publish(rs256.jwk(alg="PS256"))
    world.pass_time(3600)
    assert world.accepts(ps256.token(world.claims())) == "ann"
    assert world.rejects(rs256.token(world.claims())) == "algorithm_not_allowed"


def test_the_two_paddings_of_rsa_are_not_interchangeable(world: "World", rs256: "Signer") -> None:
    """SIG-010."""
    for claimed, made in (("RS256", "PS256"), ("PS256", "RS256"), ("PS256", "PS384"), ("RS256", "RS512")):
        enable(world, type(rs256)(rs256.key, claimed, rs256.kid))
        token = type(rs256)(rs256.key, made, rs256.kid).token(world.claims(), alg=claimed)
        assert world.rejects(token) == "bad_signature"


@pytest.mark.parametrize("salt", [0, 20, 31, 33, padding.PSS.MAX_LENGTH])
def test_a_pss_salt_is_as_long_as_the_hash(world: "World", rs256: "Signer", salt: int) -> None:
    """SIG-010, RFC 7518 section 3.5."""
    enable(world, type(rs256)(rs256.key, "PS256", rs256.kid))
    signed = rs256.token(world.claims(), alg="PS256").rpartition(".")[0]
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), salt)
    signature = rs256.key.sign(signed.encode(), pss, hashes.SHA256())
    assert world.rejects(f"{signed}.{b64(signature)}") == "bad_signature"


def test_a_pss_mask_uses_the_hash_of_the_signature(world: "World", rs256: "Signer") -> None:
    """SIG-010."""
    enable(world, type(rs256)(rs256.key, "PS256", rs256.kid))
    signed = rs256.token(world.claims(), alg="PS256").rpartition(".")[0]
    signature = rs256.key.sign(signed.encode(), padding.PSS(padding.MGF1(hashes.SHA1()), 32), hashes.SHA256())  # noqa: S303 - the point of the test
    assert world.rejects(f"{signed}.{b64(signature)}") == "bad_signature"


def test_an_rsa_signature_is_below_the_modulus(world: "World", rs256: "Signer") -> None:
    """SIG-012: s+n is the same number to arithmetic, and s=0, 1, n-1 are no signatures."""
    modulus = rs256.key.public_key().public_numbers().n
    token = rs256.token(world.claims())
    signed, _, signature = token.rpartition(".")
    honest = int.from_bytes(base64.urlsafe_b64decode(signature + "=="))
    for twin in (honest + modulus, modulus + 1, modulus, modulus - 1):
        raw = b64(twin.to_bytes(257).removeprefix(b"\0"))
        assert world.rejects(f"{signed}.{raw}") == "bad_signature"


@pytest.mark.parametrize(
    "r, s", [(0, 1), (1, 0), (P256_ORDER, 1), (1, P256_ORDER), (P256_ORDER, P256_ORDER), (0, 0)]
)
def test_ecdsa_numbers_are_in_range(world: "World", signers: Mapping[str, "Signer"], r: int, s: int) -> None:
    """SIG-013: the "psychic" signature and its kin."""
    enable(world, signers["ES256"])
    token = signers["ES256"].token(world.claims())
    assert world.rejects(resigned(token, lambda _: r.to_bytes(32) + s.to_bytes(32))) == "bad_signature"


@pytest.mark.parametrize("alg, width", [("ES256", 32), ("ES384", 48), ("ES512", 66)])
def test_ecdsa_numbers_may_begin_with_zeros(signers: Mapping[str, "Signer"], alg: str, width: int) -> None:
    """SIG-013: they are fixed in width, and shorter in DER, which the library takes."""
    key = signers[alg].key.public_key()
    messages = (str(number).encode() for number in count())
    made = ((message, signers[alg].sign(message)) for message in messages)
    short = {place: next(one for one in made if one[1][place] == 0) for place in (0, width)}

    assert all(verify_signature(alg, key, message, signature) for message, signature in short.values())
    assert not any(verify_signature(alg, key, b"another", signature) for _, signature in short.values())


def test_ecdsa_in_der_is_rejected(world: "World", signers: Mapping[str, "Signer"]) -> None:
    """SIG-014."""
    enable(world, signers["ES256"])
    token = signers["ES256"].token(world.claims())

    def der(raw: bytes) -> bytes:
        return encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))

    assert world.rejects(resigned(token, der)) == "bad_signature"
    assert world.rejects(resigned(token, lambda raw: der(raw)[:64])) == "bad_signature"


def test_the_high_s_twin_of_an_ecdsa_signature_is_valid(
    world: "World", signers: Mapping[str, "Signer"]
) -> None:
    """SIG-016: RFC 7518 knows no low-s rule, and nothing here goes by the text of a token."""
    enable(world, signers["ES256"])
    token = signers["ES256"].token(world.claims())
    twin = resigned(token, lambda raw: raw[:32] + (P256_ORDER - int.from_bytes(raw[32:])).to_bytes(32))
    assert world.accepts(twin) == "ann"


def test_an_ed25519_signature_has_one_s(world: "World", signers: Mapping[str, "Signer"]) -> None:
    """SIG-017: S+L is refused."""
    enable(world, signers["Ed25519"])
    token = signers["Ed25519"].token(world.claims())
    twin = resigned(
        token,
        lambda raw: raw[:32] + (int.from_bytes(raw[32:], "little") + ED25519_ORDER).to_bytes(32, "little"),
    )
    assert world.rejects(twin) == "bad_signature"


@pytest.mark.parametrize(
    "claimed, by",
    [
        ("ES256", "ES384"),
        ("ES512", "ES256"),
        ("Ed25519", "Ed448"),
        ("RS256", "ES256"),
        ("ES256", "RS256"),
        ("EdDSA", "ES256"),
        ("PS256", "Ed25519"),
    ],
)
def test_a_key_of_another_kind_rejects_cleanly(
    world: "World", signers: Mapping[str, "Signer"], claimed: str, by: str
) -> None:
    """SIG-015, SIG-018, SIG-019."""
    world.publish(signers[by], signers[claimed])
    world.start()
    world.onboard(algorithms=[claimed, by])
    assert world.rejects(signers[by].token(world.claims(), alg=claimed)) == "algorithm_not_allowed"


def test_the_polymorphic_and_the_specified_name_are_distinct(
    world: "World", signers: Mapping[str, "Signer"]
) -> None:
    """SIG-018."""
    enable(world, signers["Ed25519"])
    assert world.rejects(signers["Ed25519"].token(world.claims(), alg="EdDSA")) == "algorithm_not_allowed"


def test_keys_and_addresses_in_the_header_are_ignored(
    world: "World", rs256: "Signer", other: "Signer"
) -> None:
    """SIG-020 to SIG-023: never trusted, never fetched, and harmless beside the right kid."""
    world.documents["https://evil.example/jwks"] = {"keys": [other.jwk()]}
    x5c = [base64.b64encode(other.der()).decode()]
    brought: dict[str, object] = {
        "jwk": other.jwk(),
        "jku": "https://evil.example/jwks",
        "x5u": "file:///etc/passwd",
        "x5c": x5c,
        "x5t": "AAAA",
    }
    assert world.accepts(rs256.token(world.claims(), **brought)) == "ann"
    assert world.rejects(other.token(world.claims(), **brought, kid=rs256.kid)) == "bad_signature"
    assert world.rejects(other.token(world.claims(), **brought)) == "unknown_key"
    assert set(world.fetches) <= {"https://idp.example/jwks"}


@pytest.mark.parametrize(
    "header",
    [
        {"crit": ["exp"], "exp": 1}, {"crit": ["x"], "x": 1}, {"crit": ["http://acme/UNDEFINED"]}, {"crit": "b64"},
        {"crit": {}}, {"crit": [1]}, {"crit": ["x"]}, {"crit": []}, {"crit": ["alg"]}, {"crit": None},
        {"crit": ["b64", "b64"], "b64": True}, {"crit": ["b64"]}, {"crit": ["b64"], "b64": False}, {"b64": False},
        {"b64": None}, {"b64": 1}, {"b64": "true"},
    ],
)  # fmt: skip
def test_an_extension_that_is_not_understood_rejects(
    world: "World", rs256: "Signer", header: dict[str, object]
) -> None:
    """SIG-024 to SIG-026."""
    assert world.rejects(rs256.token(world.claims(), **header)) == "header_not_allowed"


def test_b64_true_changes_nothing(world: "World", rs256: "Signer") -> None:
    """SIG-026."""
    assert world.accepts(rs256.token(world.claims(), crit=["b64"], b64=True)) == "ann"


@pytest.mark.parametrize(
    "kid", ["../../../../dev/null", "' UNION SELECT 'key", "*)(uid=*", "%00", "${jndi:ldap://x}"]
)
def test_a_kid_is_only_compared(world: "World", rs256: "Signer", kid: str) -> None:
    """SIG-027, KEY-037."""
    assert world.rejects(rs256.token(world.claims(), kid=kid)) == "unknown_key"
    world.publish(rs256.jwk(kid=kid))
    world.pass_time(3600)
    assert world.accepts(rs256.token(world.claims(), kid=kid)) == "ann"


def test_a_forged_pkcs1_signature_for_a_small_exponent_is_rejected(world: "World", rs256: "Signer") -> None:
    """SIG-011: a cube root that gives the right first bytes, with garbage after the hash (Bleichenbacher 2006)."""
    signer = type(rs256)(rsa.generate_private_key(public_exponent=3, key_size=2048), "RS256", "e3")
    enable(world, signer)
    signed = signer.token(world.claims()).rpartition(".")[0]
    info = bytes.fromhex("3031300d060960864801650304020105000420") + hashlib.sha256(signed.encode()).digest()
    start = b"\0\1" + b"\xff" * 8 + b"\0" + info
    root = cube_root(int.from_bytes(start + b"\xff" * (256 - len(start))))
    assert (root**3).to_bytes(256).startswith(start)
    assert world.rejects(f"{signed}.{b64(root.to_bytes(256))}") == "bad_signature"


def cube_root(value: int) -> int:
    low, high = 0, 1 << (value.bit_length() // 3 + 1)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**3 <= value else (low, middle - 1)
    return low
