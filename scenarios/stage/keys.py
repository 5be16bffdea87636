"""The shipped keys as scenarios use them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from mock_idp.fixed_keys import FixedKey, fixed_key
from scenarios.stage.signatures import SIGNATURES

if TYPE_CHECKING:
    from mock_idp import SigningKey


@lru_cache(maxsize=256)
def staged_key(name: str, alg: str) -> SigningKey:
    """Return a shipped key by name. Raises `ValueError`, with what there is, for one that is not there."""
    key = fixed_key(name, alg)
    return _StagedKey(key.kid, key.alg, key.private)


class _StagedKey(FixedKey):
    """A shipped key that remembers its signatures."""

    def sign(self, data: bytes, alg: str | None = None) -> bytes:
        return SIGNATURES.signature(self.private, alg or self.alg, data)

    def sign_encoded(self, encoded: bytes) -> bytes:
        return SIGNATURES.of_encoded(self.private, encoded)
