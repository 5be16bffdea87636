"""The words that tables may use, as the packages that give them a meaning know them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

from scenarios.targets.protocol import CAPABILITIES, CHECKS, KEY_FORMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@cache
def personas() -> frozenset[str]:
    """Return the names of the IdP dialects."""
    from mock_idp.personas import PERSONAS

    return frozenset(PERSONAS)


@cache
def keys() -> frozenset[str]:
    """Return the names of the keys."""
    from mock_idp.fixed_keys import FIXED_KEYS

    return frozenset(name for names in FIXED_KEYS.values() for name in names)


@cache
def forgeries() -> frozenset[str]:
    """Return the names of the forgeries."""
    from mock_idp.forgeries import FORGERIES

    return frozenset(FORGERIES)


@cache
def certificate_forms() -> frozenset[str]:
    """Return the ways in which an uploaded certificate can be written."""
    from mock_idp.certificate_files import FORMS

    return frozenset(FORMS)


@cache
def faults() -> frozenset[str]:
    """Return the names of the faults of the IdP's HTTP side."""
    from mock_idp.faults import FAULTS

    return frozenset(FAULTS)


@cache
def requirements() -> frozenset[str]:
    """Return what a scenario may require of a target beyond what follows from its content."""
    return frozenset(
        [
            *CAPABILITIES,
            *(f"keys:{form}" for form in KEY_FORMS),
            *(f"check:{claim}" for claim in CHECKS),
        ]
    )


def forge_steps(forge: str | dict[str, Any] | list[Any] | None) -> Iterator[tuple[str, Any]]:
    """Yield (name, argument) for each forgery of a token's `forge`, in order."""
    for item in forge if isinstance(forge, list) else [] if forge is None else [forge]:
        if isinstance(item, str):
            yield item, None
        else:
            yield from item.items()


def forge_names(forge: str | dict[str, Any] | list[Any] | None) -> Iterable[str]:
    """Return the names of the forgeries of a token's `forge`."""
    return [name for name, _ in forge_steps(forge)]


def fault_name(fault: str | dict[str, Any]) -> str:
    """Return the name of a fault that is given as a word or as `{name: argument}`."""
    return fault if isinstance(fault, str) else next(iter(fault), "")


def keys_of_move(argument: Any) -> Iterable[str]:
    """Return the names of the keys that a move of the key ring speaks of."""
    if isinstance(argument, str):
        return [argument]
    if isinstance(argument, msgspec.Struct):
        return [
            value for name in ("to", "by", "kid") if isinstance(value := getattr(argument, name, None), str)
        ]
    return []
