"""Why a mutant may survive, and why a rejecting scenario may kill nothing: reasons, held against every selftest."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Annotated

import msgspec

from scenarios.files import yaml12
from scenarios.files.convert import convert

if TYPE_CHECKING:
    from collections.abc import Mapping

_Text = Annotated[str, msgspec.Meta(min_length=1)]


class Reason(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One reason for all that are named."""

    ids: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    reason: _Text


class Explained(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The reasons that ship, in `explained.yaml`."""

    mutants: tuple[Reason, ...] = ()
    """Mutants that no scenario can kill."""
    scenarios: tuple[Reason, ...] = ()
    """Rejecting scenarios that no flaw of a few lines shows."""

    @property
    def by_mutant(self) -> Mapping[str, str]:
        """The reason of each mutant named."""
        return {name: entry.reason for entry in self.mutants for name in entry.ids}

    @property
    def by_scenario(self) -> Mapping[str, str]:
        """The reason of each scenario named."""
        return {name: entry.reason for entry in self.scenarios for name in entry.ids}


def shipped() -> Explained:
    """Return the reasons that ship. Raises `TableErrors` for a damaged file."""
    name = "scenarios/selftest/explained.yaml"
    text = files("scenarios").joinpath("selftest", "explained.yaml").read_bytes()
    return convert(yaml12.load(text, name), Explained)
