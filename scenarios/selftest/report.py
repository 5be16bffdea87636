"""What a selftest says, as `touchstone selftest --json` writes it (the names are a contract)."""

from __future__ import annotations

from typing import Final

import msgspec

SCHEMA: Final = "touchstone-selftest-1"
"""The version of the JSON."""


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers of a selftest."""

    mutants: int
    killed: int
    """By a scenario of the rule that the mutant breaks, and for the right reason."""
    survived: int
    explained_mutants: int
    """Survivors for which there is a reason."""
    scenarios: int
    """Scenarios that the verifier without a flaw passes."""
    rejecting_scenarios: int
    """Those that expect nothing but a no."""
    idle_scenarios: int
    """Rejecting scenarios that kill no mutant, without a reason."""
    explained_scenarios: int
    """Rejecting scenarios that kill no mutant, with a reason."""


class MutantRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one mutant."""

    id: str
    rule: str
    flaw: str
    killed_by: tuple[str, ...]
    """The scenarios that killed it for the right reason."""
    also_found_by: tuple[str, ...] = ()
    """Scenarios of other rules, or of lesser weight, that found something too; not all were asked."""
    like: str = ""
    asked: int = 0
    """How many scenarios of its rule it was asked."""
    seconds: float = 0.0
    explained: str | None = None
    """Why it may survive."""


class ScenarioRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Whether one rejecting scenario kills anybody."""

    id: str
    rule: str
    kills: bool
    explained: str | None = None
    """Why it may kill nobody."""


class Selftest(msgspec.Struct, frozen=True, kw_only=True):
    """A whole selftest."""

    schema: str = SCHEMA
    totals: Totals
    mutants: tuple[MutantRecord, ...]
    scenarios: tuple[ScenarioRecord, ...] = ()
    """The rejecting scenarios, where they were held to killing somebody."""
    whole: bool
    """Whether all mutants were asked, and scenarios held to killing somebody."""
    duration_s: float
    problems: tuple[str, ...] = ()
    """What is wrong with the catalogue or the explanations themselves."""

    @property
    def survivors(self) -> tuple[MutantRecord, ...]:
        """The mutants that nothing killed and no reason excuses."""
        return tuple(one for one in self.mutants if not one.killed_by and one.explained is None)

    @property
    def idle(self) -> tuple[ScenarioRecord, ...]:
        """The rejecting scenarios that kill nobody and that no reason excuses."""
        return tuple(one for one in self.scenarios if not one.kills and one.explained is None)

    @property
    def passed(self) -> bool:
        """Whether the catalogue held."""
        return not self.survivors and not self.idle and not self.problems
