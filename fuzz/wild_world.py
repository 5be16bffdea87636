"""The small world that wild inputs are thrown at: fixed keys, one honest IdP, and an oracle that trusts nobody.

The oracle reads a token anew, by the standard library and `cryptography` alone, and must never import the verifier:
what both get wrong has to be two mistakes. It says when a yes is deserved; that a no has a reason of the closed lists
is asked by `wild_targets`.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from mock_idp import fixed_key

NOW: Final = 1_800_000_000.0
"""The time of every judgement, in seconds since the epoch."""
ISSUER, AUDIENCE, URL = "https://idp.example", "api", "https://idp.example/jwks"
USERS: Final = {"ann-sub": "ann", "bob-sub": "bob", "0": "zero"}
"""Names of users by their External ID."""
LEEWAY_S: Final = 60

_HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
_CURVES: dict[str, ec.EllipticCurve] = {
    "P-256": ec.SECP256R1(),
    "P-384": ec.SECP384R1(),
    "P-521": ec.SECP521R1(),
}
_CURVE_OF_ALG = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}


def b64(data: bytes) -> str:
    """Encode in unpadded base64url."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass(frozen=True)
class Signer:
    """A key that is the same in every run: its kid, its one algorithm, and the JWK that shows it."""

    kid: str
    alg: str
    jwk: Mapping[str, Any]
    private: ed448.Ed448PrivateKey | None = None
    """What signs for Ed448, of which no key ships."""

    def sign(self, message: bytes) -> bytes:
        """Sign as the algorithm has it (RFC 7518, RFC 8037)."""
        if self.private:
            return self.private.sign(message)
        return fixed_key("a", self.alg, kid=self.kid).sign(message)

    def token(self, header: bytes, payload: bytes) -> bytes:
        """Sign a header and a payload, whatever bytes they are."""
        signed = f"{b64(header)}.{b64(payload)}"
        return f"{signed}.{b64(self.sign(signed.encode()))}".encode()

    def honest(self, claims: Mapping[str, Any], **header: Any) -> bytes:
        """Sign claims under the signer's own header."""
        head = {"alg": self.alg, "kid": self.kid, **header}
        return self.token(json.dumps(head).encode(), json.dumps(claims).encode())


@cache
def signers() -> tuple[Signer, ...]:
    """Return one signer for each algorithm; its kid is the algorithm's name."""
    made = []
    for alg in ("ES256", "EdDSA", "RS256", "ES384", "ES512", "PS256", "PS384", "PS512", "RS384", "RS512"):
        jwk: dict[str, Any] = dict(fixed_key("a", alg, kid=alg).public_jwk())
        made.append(Signer(alg, alg, {**jwk, "alg": alg}))
    private = ed448.Ed448PrivateKey.from_private_bytes(bytes(range(57)))
    shown = {"kty": "OKP", "crv": "Ed448", "x": b64(private.public_key().public_bytes_raw()), "kid": "Ed448"}
    return (*made, Signer("Ed448", "Ed448", shown, private))


def claims(**changes: Any) -> dict[str, Any]:
    """Return claims that are accepted; a change to `...` leaves the claim out."""
    plain = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann-sub", "exp": int(NOW) + 300, "iat": int(NOW)}
    return {name: value for name, value in (plain | changes).items() if value is not ...}


def verified_by(token: bytes, entries: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return an entry, of the kid that a token names, whose key signed it; None if none did.

    A token that names no kid may be by any entry (KEY-008).
    """
    head, _, rest = token.partition(b".")
    try:
        header, signature = json.loads(_exactly(head)), _exactly(rest.rpartition(b".")[2])
    except (ValueError, AssertionError):
        return None
    fitting = (
        entry
        for entry in entries
        if header.get("kid", entry.get("kid")) == entry.get("kid")
        and entry.get("alg", header["alg"]) == header["alg"]
    )
    for entry in fitting:
        with suppress(ValueError, KeyError, TypeError, InvalidSignature):
            _verify(header["alg"], entry, token.rpartition(b".")[0], signature)
            return entry
    return None


def deserved(token: bytes, entries: Sequence[Mapping[str, Any]], user: str) -> bool:
    """Tell whether a token is genuinely signed and its claims say that it is this user's, for this API, now."""
    if verified_by(token, entries) is None:
        return False
    said = json.loads(_exactly(token.split(b".")[1]), object_pairs_hook=_once)
    audiences = said["aud"] if isinstance(said["aud"], list) else [said["aud"]]
    starts = [said[name] for name in ("nbf", "iat") if name in said]
    times = [said["exp"], *starts]
    return (
        said["iss"] == ISSUER
        and AUDIENCE in audiences
        and all(type(time) in (int, float) for time in times)
        and said["exp"] + LEEWAY_S > NOW
        and all(start <= NOW + LEEWAY_S and start < said["exp"] for start in starts)
        and USERS.get(said["sub"]) == user
    )


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) != len(pairs):
        raise AssertionError("a member came twice")
    return dict(pairs)


def _exactly(segment: bytes) -> bytes:
    data = base64.urlsafe_b64decode(segment + b"=" * (-len(segment) % 4))
    if b64(data).encode() != segment:
        raise AssertionError("another spelling of base64url")
    return data


def _number(text: str) -> int:
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def _verify(alg: str, jwk: Mapping[str, Any], message: bytes, signature: bytes) -> None:
    """Verify by the JWK's own numbers; InvalidSignature, or ValueError for a key of another kind."""
    if alg in _CURVE_OF_ALG:
        curve = _CURVES[_CURVE_OF_ALG[alg]]
        width = (curve.key_size + 7) // 8
        if jwk["crv"] != _CURVE_OF_ALG[alg] or len(signature) != 2 * width:
            raise ValueError("another curve or width")
        r, s = int.from_bytes(signature[:width]), int.from_bytes(signature[width:])
        point = ec.EllipticCurvePublicNumbers(_number(jwk["x"]), _number(jwk["y"]), curve).public_key()
        point.verify(encode_dss_signature(r, s), message, ec.ECDSA(_HASHES[alg[2:]]))
        return
    if jwk["kty"] == "OKP":
        raw = base64.urlsafe_b64decode(jwk["x"] + "=" * (-len(jwk["x"]) % 4))
        if (alg, jwk["crv"]) in (("EdDSA", "Ed25519"), ("Ed25519", "Ed25519")):
            ed25519.Ed25519PublicKey.from_public_bytes(raw).verify(signature, message)
        elif (alg, jwk["crv"]) in (("EdDSA", "Ed448"), ("Ed448", "Ed448")):
            ed448.Ed448PublicKey.from_public_bytes(raw).verify(signature, message)
        else:
            raise ValueError("another curve")
        return
    if alg[:2] not in ("RS", "PS"):
        raise ValueError("another algorithm")
    digest = _HASHES[alg[2:]]
    pss = padding.PSS(padding.MGF1(digest), digest.digest_size)
    key = rsa.RSAPublicNumbers(_number(jwk["e"]), _number(jwk["n"])).public_key()
    key.verify(signature, message, pss if alg.startswith("PS") else padding.PKCS1v15(), digest)
