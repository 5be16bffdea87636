"""Forgeries of the signature's bytes: cut, zeroed, out of range, otherwise encoded or padded.

What needs the private key is made truly with it, so that only the fault in the sentence is left.
"""

# ruff: noqa: D401 - the first sentence of an entry says what is false, and is shown to people

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from mock_idp.draft import Draft
from mock_idp.forgeries.arguments import choice
from mock_idp.forgeries.registry import ForgeContext, forgery

_TRIES = 8192


def redrawn(draft: Draft) -> Iterator[Draft]:
    """Give the draft with other values of jti, for forgeries that need a signature of a certain shape."""
    for number in range(_TRIES):
        yield draft.with_claims({"jti": f"redrawn-{number}"}) if number else draft


def _other_token(draft: Draft) -> bytes:
    return draft.with_claims({"jti": "another-token"}).raw("signature")


_CUTS: Mapping[str, Callable[[bytes], bytes]] = {
    "empty": lambda _signature: b"",
    "drop_last_byte": lambda signature: signature[:-1],
    "drop_first_byte": lambda signature: signature[1:],
    "half": lambda signature: signature[: len(signature) // 2],
    "extra_byte": lambda signature: signature + b"\x00",
    "zero": lambda signature: bytes(len(signature)),
}


@forgery("signature", rules=("SIG-003", "SIG-001"))
def signature(draft: Draft, arg: Any, _context: ForgeContext) -> Draft:
    """The signature is empty, cut, too long, all zero, or that of another token by the same key.

    Argument: `empty`, `drop_last_byte`, `drop_first_byte`, `half`, `extra_byte`, `zero` or `other_token`.
    """
    other: Mapping[str, Callable[[bytes], bytes]] = {"other_token": lambda _signature: _other_token(draft)}
    return replace(draft, signature=choice(arg, {**_CUTS, **other})(draft.raw("signature")))
