"""The keys of all issuers as one value that can be kept and put back, as `touchstone idp --state` keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mock_idp.control.errors import Code, ControlError
from mock_idp.control.steered import Steered
from mock_idp.state import StateError, restore, saved

if TYPE_CHECKING:
    from mock_idp.state import SavedState

MAX_RESTORED = 300
"""How many RSA keys of 2048 bits one state may bring, or as many of others as take as long to check."""
_PEM_2048 = 1_700
"""Characters of such a key; checking one takes 40 ms, and time by the cube of its length."""


class Saved(Steered):
    """Saved and loaded. People, clients, codes, faults and clocks are not part of it."""

    def state(self) -> SavedState:
        """Give the keys of all issuers, private halves included; `msgspec.json.encode` writes a state file of it."""
        return saved(self._idp)

    def load_state(self, state: SavedState) -> None:
        """Put the keys of a saved state in the place of those that there are; issuers that it lacks keep theirs.

        An issuer that is not there is refused, and so is a key that is none; then nothing has changed.
        """
        unknown = state.issuers.keys() - self._idp.issuers.keys()
        if unknown:
            raise ControlError(Code.NOT_FOUND, f"no issuer under {min(unknown)!r}: add it first")
        lengths = (len(key.private_key) for ring in state.issuers.values() for key in ring.keys)
        if sum((length / _PEM_2048) ** 3 for length in lengths) > MAX_RESTORED:
            raise ControlError(
                Code.INVALID, f"a state is loaded with at most {MAX_RESTORED} RSA keys, or fewer long ones"
            )
        try:
            restore(self._idp, state)
        except StateError as error:
            raise ControlError(Code.INVALID, str(error)) from error
