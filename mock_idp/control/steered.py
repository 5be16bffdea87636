"""What every subject of the control shares: the mock IdP, its issuers by path, and fresh keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mock_idp.control.errors import Code, ControlError, refusing
from mock_idp.keys import ALGORITHMS, SigningKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from mock_idp.idp import MockIdP
    from mock_idp.issuer import Issuer


class Steered:
    """The `MockIdP` that the operations of one subject work on, and what they all ask of it."""

    def __init__(self, idp: MockIdP, *, make_key: Callable[[str], SigningKey] | None = None) -> None:
        self._idp = idp
        self._make_key = make_key or fresh_key

    def _issuer(self, path: str) -> Issuer:
        with refusing(Code.NOT_FOUND):
            return self._idp.issuer(path)

    def _new_key(self, alg: str, kid: str | None = None) -> SigningKey:
        if alg not in ALGORITHMS:
            raise ControlError(Code.INVALID, f"unknown algorithm {alg!r}: there are {', '.join(ALGORITHMS)}")
        key = self._make_key(alg)
        return key if kid is None else key.with_kid(kid)


def fresh_key(alg: str) -> SigningKey:
    """Make a key that never was, with its thumbprint as kid (RFC 7638)."""
    key = SigningKey.generate(alg, kid="")
    return key.with_kid(key.thumbprint())
