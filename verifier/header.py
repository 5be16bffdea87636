"""The JOSE header of a token: what it says, judged as far as no key and no claim is needed.

Everything that could bring in a key (`jwk`, `jku`, `x5u`, `x5c`, `x5t`) is ignored, and nothing is fetched
(SIG-020 to SIG-023); so are `zip`, `cty` and unknown parameters (SIG-031, FMT-020, FMT-022).
"""

from functools import lru_cache
from typing import Any

import msgspec

from verifier.algorithms import ALGORITHMS, Algorithm
from verifier.compact import decode_base64url, decode_object
from verifier.errors import TokenRejected, quoted

MAX_KID_CHARS = 1024
"""Longest kid that is looked up (KEY-037)."""

_TYPES = frozenset({"jwt", "at+jwt"})
_REMEMBERED, _REMEMBERED_BYTES = 256, 1024


class JoseHeader(msgspec.Struct, frozen=True):
    """A header that may be acted upon; treat it as read-only, since tokens of one key share it."""

    algorithm: Algorithm
    kid: str | None
    replicas: tuple[tuple[str, Any], ...]
    """The claims that the header repeats (RFC 7519 section 5.3), to be held against the payload's."""


def read_header(segment: bytes) -> JoseHeader:
    """Judge the header segment of a token; TokenRejected if it may not be acted upon.

    The tokens of one key have one header, byte for byte, so what a short one says is remembered. A header
    that is refused never is, and a flood of others costs time alone.
    """
    return _remembered(segment) if len(segment) <= _REMEMBERED_BYTES else judge_header(segment)


def judge_header(segment: bytes) -> JoseHeader:
    """Judge a header segment that was not seen before; see `read_header`."""
    try:
        data = decode_base64url(segment)
    except ValueError as problem:
        raise TokenRejected("malformed", str(problem)) from None
    header = decode_object(data)
    name = header.get("alg")
    algorithm = ALGORITHMS.get(name) if isinstance(name, str) else None
    if algorithm is None:  # SIG-004, SIG-006, SIG-008
        raise TokenRejected("algorithm_not_allowed", f"alg {quoted(name)}", "alg")
    _check_critical(header)
    _check_type(header)
    replicas = tuple((claim, header[claim]) for claim in ("iss", "sub", "aud") if claim in header)
    return JoseHeader(algorithm, _kid(header), replicas)


_remembered = lru_cache(_REMEMBERED)(judge_header)


def check_replicas(header: JoseHeader, claims: dict[str, Any]) -> None:
    """Refuse a header that repeats a claim with another value (FMT-023)."""
    for claim, value in header.replicas:
        if claim not in claims or value != claims[claim]:
            raise TokenRejected("header_not_allowed", f"the header holds another {claim}", claim)


def _check_critical(header: dict[str, Any]) -> None:
    # SIG-024 to SIG-026: the only extension understood is b64, and only with the value that changes nothing.
    if "b64" in header and header["b64"] is not True:
        raise TokenRejected("header_not_allowed", "b64 must be true", "b64")
    if "crit" in header and not (header["crit"] == ["b64"] and "b64" in header):
        raise TokenRejected("header_not_allowed", "crit names what is not understood", "crit")


def _check_type(header: dict[str, Any]) -> None:
    if "typ" not in header:
        return
    media_type = header["typ"]
    if (
        not isinstance(media_type, str) or media_type.lower().removeprefix("application/") not in _TYPES
    ):  # CLM-022
        raise TokenRejected("token_type", f"typ {quoted(media_type)}", "typ")


def _kid(header: dict[str, Any]) -> str | None:
    if "kid" not in header:
        return None
    kid = header["kid"]
    if not isinstance(kid, str):  # KEY-009
        raise TokenRejected("malformed", "kid is no string", "kid")
    if not kid or len(kid) > MAX_KID_CHARS:
        raise TokenRejected("unknown_key", "kid is empty or too long", "kid")
    return kid
