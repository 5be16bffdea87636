"""Signatures alone, without claims or users: for test vectors, and for those who bring their own claims.

Must never be what an API asks: a signature says who made a text, not whom it lets in. `Verifier` does that.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from verifier.algorithms import ALGORITHMS, PublicKey
from verifier.compact import split_compact
from verifier.errors import TokenRejected
from verifier.header import read_header
from verifier.integration import verifying_key
from verifier.keys import KeySet, KeyUse, material_of, parse_jwk, parse_jwks
from verifier.policy import MAX_TOKEN_BYTES


def verify_jws(
    token: str | bytes,
    keys: Mapping[str, Any] | bytes,
    algorithms: Sequence[str],
    *,
    max_bytes: int = MAX_TOKEN_BYTES,
) -> bytes:
    """Return the payload of a compact JWS whose signature is good (RFC 7515 section 5.2).

    `keys` is one JWK as a mapping, or a JWKS as a mapping or as the bytes of its document; the rules of
    choosing a key are those of a token (KEY-001 to KEY-014). Raises TokenRejected for a JWS that is not to be
    trusted, and ValueError for keys that are none or an algorithm that is not supported.
    """
    for name in algorithms:
        if name not in ALGORITHMS:
            raise ValueError(f"algorithms: {name!r} is not supported")
    jws = split_compact(token, max_bytes)
    header = read_header(jws.header_segment)
    if header.algorithm.name not in algorithms:  # SIG-007
        raise TokenRejected("algorithm_not_allowed", f"alg {header.algorithm.name}", "alg")
    verifying_key(jws, header, _key_set(keys), KeyUse.of(algorithms, None))
    return jws.payload


def verify_signature(algorithm: str, key: PublicKey, message: bytes, signature: bytes) -> bool:
    """Tell whether a signature, laid out as RFC 7518 and RFC 8037 say, is good.

    Raises ValueError for an algorithm that is not supported, a key that is too weak to be asked (KEY-016,
    KEY-017), or one of another type or curve (SIG-019).
    """
    material = material_of(key)
    if algorithm not in ALGORITHMS or not ALGORITHMS[algorithm].fits(material):
        raise ValueError(f"{algorithm} is not supported, or not with a key of this type and curve")
    return ALGORITHMS[algorithm].verify(message, material, signature)


def _key_set(keys: Mapping[str, Any] | bytes) -> KeySet:
    if not isinstance(keys, bytes) and "kty" in keys:
        return KeySet([parse_jwk(dict(keys), allow_test_keys=True)])
    document = keys if isinstance(keys, bytes) else json.dumps(keys).encode()
    return KeySet(parse_jwks(document, allow_test_keys=True).keys)
