"""A small IdP of the verifier's own tests: it signs with `cryptography` alone and publishes what it is told."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from verifier import (
    FetchError,
    FetchResult,
    IntegrationRecord,
    OnboardingRefused,
    Policy,
    TokenRejected,
    User,
    Verifier,
)

NOW = 1_800_000_000.0
ISSUER, AUDIENCE, URL = "https://idp.example", "api", "https://idp.example/jwks"


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value: int, width: int | None = None) -> str:
    return b64(value.to_bytes(width or (value.bit_length() + 7) // 8))


def as_json(value: object) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value).encode()


@dataclass(frozen=True)
class Signer:
    """A private key that signs under one algorithm and shows itself as JWK or certificate."""

    key: Any
    alg: str
    kid: str

    def sign(self, message: bytes) -> bytes:
        if isinstance(self.key, (ed25519.Ed25519PrivateKey, ed448.Ed448PrivateKey)):
            return self.key.sign(message)
        digest = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}[self.alg[2:]]
        if isinstance(self.key, ec.EllipticCurvePrivateKey):
            r, s = decode_dss_signature(self.key.sign(message, ec.ECDSA(digest)))
            width = (self.key.key_size + 7) // 8
            return r.to_bytes(width) + s.to_bytes(width)
        pss = padding.PSS(padding.MGF1(digest), digest.digest_size)
        pad = pss if self.alg.startswith("PS") else padding.PKCS1v15()
        return bytes(self.key.sign(message, pad, digest))

    def jwk(self, **members: object) -> dict[str, Any]:
        public = self.key.public_key()
        if isinstance(public, rsa.RSAPublicKey):
            numbers = public.public_numbers()
            own = {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e)}
        elif isinstance(public, ec.EllipticCurvePublicKey):
            width, point = (public.key_size + 7) // 8, public.public_numbers()
            own = {"kty": "EC", "x": number(point.x, width), "y": number(point.y, width)}
            own["crv"] = {32: "P-256", 48: "P-384", 66: "P-521"}[width]
        else:
            raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
            own = {"kty": "OKP", "crv": "Ed25519" if len(raw) == 32 else "Ed448", "x": b64(raw)}
        return {"kid": self.kid, **own, **members}

    def token(self, claims: object, **header: object) -> str:
        return self.raw(as_json({"alg": self.alg, "kid": self.kid, **header}), as_json(claims))

    def raw(self, header: bytes, payload: bytes) -> str:
        signed = f"{b64(header)}.{b64(payload)}"
        return f"{signed}.{b64(self.sign(signed.encode()))}"

    def certificate(
        self,
        *,
        valid: tuple[int, int] = (2020, 2049),
        extensions: tuple[x509.ExtensionType, ...] = (),
        serial: int = 7,
    ) -> x509.Certificate:
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "idp-signing")])
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(serial)
        builder = builder.public_key(self.key.public_key())
        builder = builder.not_valid_before(datetime(valid[0], 1, 1, tzinfo=UTC))
        builder = builder.not_valid_after(datetime(valid[1], 1, 1, tzinfo=UTC))
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        edwards = isinstance(self.key, (ed25519.Ed25519PrivateKey, ed448.Ed448PrivateKey))
        return builder.sign(self.key, None if edwards else hashes.SHA256())

    def pem(self, **wishes: Any) -> bytes:
        return self.certificate(**wishes).public_bytes(serialization.Encoding.PEM)

    def der(self, **wishes: Any) -> bytes:
        return self.certificate(**wishes).public_bytes(serialization.Encoding.DER)


def new_signer(alg: str, kid: str, bits: int = 2048) -> Signer:
    curves = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}
    key: object
    if alg in curves:
        key = ec.generate_private_key(curves[alg])
    elif alg == "Ed448":
        key = ed448.Ed448PrivateKey.generate()
    elif alg in ("EdDSA", "Ed25519"):
        key = ed25519.Ed25519PrivateKey.generate()
    else:
        key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    return Signer(key, alg, kid)


@dataclass
class World:
    """One verifier, its clock, and what JWKS endpoints answer."""

    now: float = NOW
    uptime: float = 1000.0
    documents: dict[str, object] = field(default_factory=dict)
    fetches: list[str] = field(default_factory=list)
    conditions: list[dict[str, str]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    spawn: Callable[[Callable[[], None]], None] = lambda work: work()
    verifier: Verifier = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self, **knobs: Any) -> Verifier:
        self.verifier = Verifier(
            Policy(**knobs),
            clock=lambda: self.now,
            monotonic=lambda: self.uptime,
            fetch=self.fetch,
            spawn=self.spawn,
        )
        return self.verifier

    def fetch(
        self,
        url: str,
        *,
        ca_file: str | None,
        max_bytes: int,
        timeout_s: float,
        conditions: Mapping[str, str] = MappingProxyType({}),
    ) -> FetchResult:
        assert ca_file is None or ca_file.strip()
        assert max_bytes > 0
        assert timeout_s > 0
        self.fetches.append(url)
        self.conditions.append(dict(conditions))
        document = self.documents.get(url)
        if document is None:
            raise FetchError("down")
        if isinstance(document, int):
            return FetchResult(document, self.headers, b"")
        if "etag" in self.headers and conditions.get("If-None-Match") == self.headers["etag"]:
            return FetchResult(304, self.headers, b"")
        return FetchResult(200, self.headers, as_json(document))

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.uptime += seconds

    def publish(self, *keys: object, url: str = URL) -> None:
        self.documents[url] = {"keys": [key.jwk() if isinstance(key, Signer) else key for key in keys]}

    def claims(self, **changes: object) -> dict[str, object]:
        claims: dict[str, object] = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann-sub", "exp": self.now + 300}
        claims |= changes
        return {name: value for name, value in claims.items() if value is not ...}

    def onboard(self, *users: User, **changes: object) -> tuple[str, ...]:
        fields: dict[str, object] = {
            "id": "i-1",
            "entity_id": "https://idp.example/entity",
            "issuer": ISSUER,
            "audience": AUDIENCE,
            "jwks_uri": None if "certificates" in changes else URL,
        }
        return self.verifier.onboard(IntegrationRecord(**(fields | changes)), users or None).warnings

    def refuses(self, **changes: object) -> str:
        """Onboard, and return the reason of the refusal."""
        with pytest.raises(OnboardingRefused) as refusal:
            self.onboard(**changes)
        return refusal.value.reason

    def accepts(self, token: str | bytes) -> str:
        """Authenticate, and return the user's name."""
        return self.verifier.authenticate(token).user

    def rejects(self, token: str | bytes) -> str:
        """Authenticate, and return the reason of the rejection."""
        with pytest.raises(TokenRejected) as rejection:
            self.verifier.authenticate(token)
        return rejection.value.reason


@pytest.fixture(scope="session")
def signers() -> Mapping[str, Signer]:
    """One signer for each algorithm, with its name as kid, and a second RSA key `other`."""
    rsa_names = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
    curve_names = ("ES256", "ES384", "ES512", "EdDSA", "Ed25519", "Ed448")
    made = {name: new_signer(name, name) for name in rsa_names + curve_names}
    return made | {"other": new_signer("RS256", "other")}


@pytest.fixture(scope="session")
def rs256(signers: Mapping[str, Signer]) -> Signer:
    return signers["RS256"]


@pytest.fixture(scope="session")
def other(signers: Mapping[str, Signer]) -> Signer:
    return signers["other"]


@pytest.fixture
def world(rs256: Signer) -> World:
    """Set up one integration with the RS256 key behind a JWKS URL, and the users ann and bob."""
    world = World()
    world.publish(rs256)
    world.onboard(User("ann", "ann-sub"), User("bob", "bob-sub"))
    world.fetches.clear()
    world.conditions.clear()
    return world


@pytest.fixture(scope="session")
def make_signer() -> Callable[..., Signer]:
    return new_signer
