"""The result of a load run for a person at a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.table import Table
from rich.text import Text

from scenarios.load.result import SAYS

if TYPE_CHECKING:
    from rich.console import Console

    from scenarios.load.result import LoadResult
    from scenarios.load.tally import Finding

SHOWN: Final = 3
"""So many findings of an outcome are shown; the files have more."""


def report(result: LoadResult, out: Console) -> None:
    """Print a result: what was sent, what was wrong, how long it took."""
    table = Table(box=None, pad_edge=False)
    table.add_column("token")
    for name in ("right", "excused", *SAYS):
        table.add_column(name.replace("_", " "), justify="right")
    for kind, outcomes in result.totals.items():
        table.add_row(kind, *(f"{outcomes.get(name, 0):,}" for name in ("right", "excused", *SAYS)))
    out.print(table)
    times, generator = result.times_ms, result.generator
    out.print(
        f"times        50 % {times.p50} ms, 90 % {times.p90} ms, 99 % {times.p99} ms, at most {times.longest} ms"
    )
    out.print(f"rate         {result.rate:,.0f} tokens a second, {len(result.rotations)} rotations")
    peak = result.fetch_peak
    out.print(
        f"JWKS         {result.fetches} fetches" + (f", at most {peak.count} {peak.says}" if peak else "")
    )
    cores = f"{generator.cores_per_1000} of a core for each 1,000 tokens a second"
    out.print(f"generator    {cores}, {len(result.workers)} workers")
    for note in result.notes:
        out.print(f"note         {note}")
    for problem in result.problems:
        _problem(result, problem.what, out)
    out.print(Text("passed" if result.passed else "failed", style="green" if result.passed else "bold red"))


def _problem(result: LoadResult, what: str, out: Console) -> None:
    (problem,) = (one for one in result.problems if one.what == what)
    first = "" if problem.first_s is None else f", first at {problem.first_s:g} s"
    out.print(Text(f"\nFAIL  {what}: {problem.count:,} {problem.says}{first}", style="bold red"))
    for finding in [one for one in result.findings if one.outcome == what][:SHOWN]:
        _finding(finding, out)


def _finding(finding: Finding, out: Console) -> None:
    of = f" of {finding.user}" if finding.user else ""
    age = "" if finding.key_age_s is None else f", which began to sign {finding.key_age_s:g} s before"
    out.print(f"  at {finding.at_s:g} s  {finding.kind}{of}: {finding.said}")
    out.print(f"    key    {finding.kid}{age}")
    out.print(f"    token  {finding.token}", soft_wrap=True)
