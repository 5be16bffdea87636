"""Forgeries of Ed25519 signatures: S not reduced, R not canonical, wrong lengths, no key at all (SIG-017)."""

# ruff: noqa: D401 - the first sentence of an entry says what is false, and is shown to people

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ed448, ed25519
from msgspec.structs import replace

from mock_idp.draft import Draft
from mock_idp.forgeries.arguments import choice
from mock_idp.forgeries.registry import ForgeContext, ForgeryError, forgery

_L = 2**252 + 27742317777372353535851937790883648493
_IDENTITY_NOT_CANONICAL = (2**255 - 19 + 1).to_bytes(32, "little")
"""The neutral point with y = p + 1 in place of 1 (RFC 8032 section 5.1.3 has decoding fail)."""


def _s_plus_l(draft: Draft, _private: ed25519.Ed25519PrivateKey) -> bytes:
    raw = draft.raw("signature")
    return raw[:32] + (int.from_bytes(raw[32:], "little") + _L).to_bytes(32, "little")


def _noncanonical_r(draft: Draft, private: ed25519.Ed25519PrivateKey) -> bytes:
    # With the nonce zero, R is the neutral point and S = k * a: the equation holds for whoever decodes R
    # leniently.
    head = hashlib.sha512(private.private_bytes_raw()).digest()[:32]
    secret = (int.from_bytes(head, "little") & ((1 << 254) - 8)) | (1 << 254)
    hashed = _IDENTITY_NOT_CANONICAL + private.public_key().public_bytes_raw() + draft.signing_input()
    k = int.from_bytes(hashlib.sha512(hashed).digest(), "little") % _L
    return _IDENTITY_NOT_CANONICAL + (k * secret % _L).to_bytes(32, "little")


def _ed448(draft: Draft, private: ed25519.Ed25519PrivateKey) -> bytes:
    seed = hashlib.shake_256(private.private_bytes_raw()).digest(57)
    return ed448.Ed448PrivateKey.from_private_bytes(seed).sign(draft.signing_input())


_EDDSA: Mapping[str, Callable[[Draft, ed25519.Ed25519PrivateKey], bytes]] = {
    "s_plus_l": _s_plus_l,
    "noncanonical_r": _noncanonical_r,
    "short": lambda draft, _private: draft.raw("signature")[:63],
    "long": lambda draft, _private: draft.raw("signature") + b"\x00",
    "zero": lambda _draft, _private: bytes(64),
    "ed448": _ed448,
    "neutral": lambda _draft, _private: (1).to_bytes(64, "little"),
}


@forgery("eddsa_signature", rules=("SIG-017",))
def eddsa_signature(draft: Draft, arg: Any, _context: ForgeContext) -> Draft:
    """An Ed25519 signature with S not below L, R not canonical, of a wrong length or curve, or made without a key.

    Argument: `s_plus_l`, `noncanonical_r`, `short`, `long`, `zero`, `ed448` (a true signature by a key of that
    curve, 114 bytes), or `neutral`: R is the neutral point and S zero, which the neutral point as public key
    verifies for every message.
    """
    if not isinstance(draft.key.private, ed25519.Ed25519PrivateKey):
        raise ForgeryError(f"eddsa_signature needs an Ed25519 key, and this token is signed with {draft.alg}")
    return replace(draft, signature=choice(arg, _EDDSA)(draft, draft.key.private))
