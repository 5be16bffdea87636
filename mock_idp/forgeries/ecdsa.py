"""Forgeries of ECDSA signatures: out of range, otherwise encoded, high-s (SIG-013, SIG-014, SIG-016)."""

# ruff: noqa: D401 - the first sentence of an entry says what is false, and is shown to people

from collections.abc import Callable, Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from msgspec.structs import replace

from mock_idp.draft import Draft
from mock_idp.forgeries.arguments import choice
from mock_idp.forgeries.registry import ForgeContext, ForgeryError, forgery
from mock_idp.forgeries.signatures import redrawn

_ORDERS = {
    "secp256r1": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    "secp384r1": int("F" * 48 + "C7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973", 16),
    "secp521r1": int(
        "1" + "F" * 65 + "A51868783BF2F966B7FCC0148F709A5D03BB5C9B8899C47AEBB6FB71E91386409", 16
    ),
}
_Pair = tuple[int, int]
_PAIRS: Mapping[str, Callable[[int, int, int], _Pair]] = {
    "zero": lambda _r, _s, _n: (0, 0),
    "r_zero": lambda _r, s, _n: (0, s),
    "s_zero": lambda r, _s, _n: (r, 0),
    "r_n": lambda _r, s, n: (n, s),
    "s_n": lambda r, _s, n: (r, n),
    "r_n_s_one": lambda _r, _s, n: (n, 1),
    "high_s": lambda r, s, n: (r, max(s, n - s)),
}
"""Pairs written at the curve's width (SIG-013); `high_s` is the other valid twin (SIG-016)."""

_ENCODINGS: Mapping[str, Callable[[int, int, int], bytes]] = {
    "der": lambda r, s, _width: encode_dss_signature(r, s),
    "short": lambda r, s, width: (_pair_bytes(r, s, width))[:-1],
    "long": lambda r, s, width: _pair_bytes(r, s, width + 1),
    "all_ff": lambda _r, _s, width: b"\xff" * (2 * width),
    "low_512_bits": lambda r, s, _width: _pair_bytes(r % 2**512, s % 2**512, 64),
}


_TRIMMED: Mapping[str, tuple[int, ...]] = {"zero_trimmed": (1,), "zeros_trimmed": (0, 1)}
"""Which of r and s lose their leading zero byte, which they have by chance: s, or both."""
_OF_ES512 = frozenset({"zeros_trimmed", "low_512_bits"})
"""What no other curve has: r and s of 521 bits begin with a byte that is zero every second time."""


def _pair_bytes(r: int, s: int, width: int) -> bytes:
    return r.to_bytes(width, "big") + s.to_bytes(width, "big")


def _split(raw: bytes) -> _Pair:
    half = len(raw) // 2
    return int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big")


@forgery("ecdsa_signature", rules=("SIG-013", "SIG-014", "SIG-016"), advisories=("CVE-2022-21449",))
def ecdsa_signature(draft: Draft, arg: Any, _context: ForgeContext) -> Draft:
    """An ECDSA signature with r or s out of range, in another encoding, or as its high-s twin.

    Argument: `zero`, `r_zero`, `s_zero`, `r_n`, `s_n`, `r_n_s_one`, `all_ff`, `der`, `short`, `long`,
    `zero_trimmed` (an s with a leading zero byte, written without it) or `high_s`, which is valid; with ES512 also
    `zeros_trimmed` (130 bytes: r and s both without their leading zero byte) and `low_512_bits` (128 bytes: no more
    than that of either).
    """
    private = draft.key.private
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise ForgeryError(f"ecdsa_signature needs an EC key, and this token is signed with {draft.alg}")
    width = draft.key.coordinate_bytes
    choice(arg, {**_PAIRS, **_ENCODINGS, **_TRIMMED})
    if arg in _OF_ES512 and private.curve.name != "secp521r1":
        raise ForgeryError(f"{arg} needs a key for ES512, and this token is signed with {draft.alg}")
    if arg in _TRIMMED:
        return _trimmed(draft, width, _TRIMMED[arg])
    r, s = _split(draft.raw("signature"))
    if arg in _PAIRS:
        return replace(draft, signature=_pair_bytes(*_PAIRS[arg](r, s, _ORDERS[private.curve.name]), width))
    return replace(draft, signature=_ENCODINGS[arg](r, s, width))


def _trimmed(draft: Draft, width: int, which: tuple[int, ...]) -> Draft:
    for candidate in redrawn(draft):
        raw = candidate.raw("signature")
        numbers = raw[:width], raw[width:]
        if all(numbers[place][0] == 0 for place in which):
            kept = (number[1:] if place in which else number for place, number in enumerate(numbers))
            return replace(candidate, signature=b"".join(kept))
    raise ForgeryError("no signature with a leading zero byte was found")
