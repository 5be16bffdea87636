"""Where the reports for code-scanning pages place a finding: a file and a line of the user's own repository."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scenarios.results import FINDINGS, Kind

if TYPE_CHECKING:
    from scenarios.results import Result, Run

SHIPPED: Final = "catalog/"
"""How the tables that ship with Touchstone are named."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A file, from the working directory where it is below that, and a line from 1."""

    file: str
    line: int = 1


def spot_of(result: Result, run: Run) -> Spot:
    """Return the row of a table of the user's own; for one that ships, the target's file."""
    table, _, line = result.table.rpartition(":")
    if table and not table.startswith(SHIPPED):
        return Spot(_shown(table), int(line))
    return target_spot(run)


def target_spot(run: Run) -> Spot:
    """Return the file of the target; the reference verifier, which has none, is named in its place."""
    return Spot(_shown(run.target.file or "touchstone"))


def told(run: Run, *, strict: bool) -> list[tuple[Result, bool]]:
    """Return the findings, the worst first, each with whether it counts as one: warnings do with `strict` alone."""
    return [(one, strict or one.outcome in FINDINGS) for one in run.findings()]


def in_a_line(result: Result) -> str:
    """Return a finding in a line: what the scenario says, and what came."""
    more = f"; {result.severity.value}" if result.severity else ""
    came = result.message or ("no longer fails" if result.outcome is Kind.XPASS else result.outcome.value)
    return f"{result.says}: {came} ({result.rules[0]}, {result.level}{more})"


def _shown(path: str) -> str:
    near = os.path.relpath(path)
    return (path if near.startswith("..") else near).replace(os.sep, "/")
