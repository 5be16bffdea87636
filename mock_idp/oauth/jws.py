"""Checks the signatures of JWTs that come back to an issuer: its own tokens, and the assertions of clients.

This is an IdP's own business and no reference: whoever tests a verifier must not take it for one. Nothing is
believed here but the algorithm of the key, and hostile input only ever makes `NotSignedError`.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from mock_idp.keys import CURVES, HASHES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_idp.issuer import Issuer

MAX_JWT: Final = 64 * 1024
"""Characters of a token or an assertion."""
MAX_CLIENT_KEYS: Final = 10
_RSA_ALGORITHMS: Final = frozenset(f"{family}{size}" for family in ("RS", "PS") for size in HASHES)
_PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


class NotSignedError(ValueError):
    """It is no JWT, or it was not signed by any of the keys."""


class Parts(NamedTuple):
    """A compact JWS, taken apart."""

    header: dict[str, Any]
    claims: dict[str, Any]
    signed: bytes
    signature: bytes


def take_apart(token: str) -> Parts:
    """Read a compact JWS without believing it; `NotSignedError` when it is none."""
    if len(token) > MAX_JWT or token.count(".") != 2:
        raise NotSignedError("no compact JWS")
    try:
        header, payload, signature = map(_segment, token.split("."))
        members = json.loads(header), json.loads(payload)
    except (ValueError, binascii.Error, RecursionError):
        raise NotSignedError("no compact JWS") from None
    if not all(isinstance(part, dict) for part in members):
        raise NotSignedError("header and payload are no JSON objects")
    return Parts(*members, token.rpartition(".")[0].encode(), signature)


def _segment(text: str) -> bytes:
    return base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)


def own_claims(issuer: Issuer, token: str) -> dict[str, Any]:
    """Give the claims of a token that one of the issuer's published keys signed; else `NotSignedError`."""
    parts = take_apart(token)
    for key in issuer.ring.published():
        if parts.header.get("alg") == key.alg and parts.header.get("kid", issuer.kid(key)) == issuer.kid(key):
            public: _PublicKey = key.private.public_key()
            if _signed(public, key.alg, parts):
                return parts.claims
    raise NotSignedError("not signed by a key of this issuer")


def client_claims(jwks: Mapping[str, Any], token: str) -> dict[str, Any]:
    """Give the claims of an assertion that a key of a client's JWKS signed; else `NotSignedError`."""
    parts = take_apart(token)
    kid, entries = parts.header.get("kid"), jwks.get("keys")
    known = [entry for entry in (entries if isinstance(entries, list) else ()) if isinstance(entry, dict)]
    named = [entry for entry in known if kid is not None and entry.get("kid") == kid] or known
    for entry in named[:MAX_CLIENT_KEYS]:
        alg = parts.header.get("alg")
        if isinstance(alg, str) and entry.get("alg", alg) == alg and _signed(_public(entry), alg, parts):
            return parts.claims
    raise NotSignedError("not signed by a key that the client registered")


def _public(jwk: Mapping[str, Any]) -> _PublicKey | None:
    try:
        if jwk.get("kty") == "RSA":
            return rsa.RSAPublicNumbers(_number(jwk["e"]), _number(jwk["n"])).public_key()
        if jwk.get("kty") == "EC":
            curve = next(make() for name, make in CURVES.values() if name == jwk.get("crv"))
            return ec.EllipticCurvePublicNumbers(_number(jwk["x"]), _number(jwk["y"]), curve).public_key()
        return ed25519.Ed25519PublicKey.from_public_bytes(_segment(jwk["x"]))
    except (KeyError, ValueError, TypeError, AttributeError, StopIteration):
        return None


def _number(text: str) -> int:
    return int.from_bytes(_segment(text), "big")


def _signed(key: _PublicKey | None, alg: str, parts: Parts) -> bool:
    try:
        return _verify(key, alg, parts.signed, parts.signature)
    except InvalidSignature:
        return False


def _verify(key: _PublicKey | None, alg: str, data: bytes, signature: bytes) -> bool:
    if isinstance(key, rsa.RSAPublicKey) and alg in _RSA_ALGORITHMS:
        digest = HASHES[alg[2:]]
        pss = padding.PSS(padding.MGF1(digest), padding.PSS.DIGEST_LENGTH)
        key.verify(signature, data, padding.PKCS1v15() if alg.startswith("RS") else pss, digest)
        return True
    if isinstance(key, ec.EllipticCurvePublicKey) and alg in CURVES:
        half = (key.curve.key_size + 7) // 8
        if len(signature) != 2 * half:
            return False
        r, s = (int.from_bytes(part, "big") for part in (signature[:half], signature[half:]))
        key.verify(encode_dss_signature(r, s), data, ec.ECDSA(HASHES[alg[2:]]))
        return True
    if isinstance(key, ed25519.Ed25519PublicKey) and alg in {"EdDSA", "Ed25519"}:
        key.verify(signature, data)
        return True
    return False
