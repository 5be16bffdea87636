"""How long the page of a run takes and how large it is: 2,000 results, of which so many are findings (default 100).

python bench/report.py [FINDINGS]
"""

from __future__ import annotations

import sys
import time

from scenarios.reports.run_html import page
from scenarios.results import Exchange, Kind, Result, Run, Severity, TargetRecord, VerdictRecord, totals
from scenarios.tables.load import together

RESULTS = 2_000


def run_of(findings: int) -> Run:
    """Return a run of the catalogue's first scenarios, the first of which have failed with a token of usual size."""
    token = "e" * 40 + "." + "e" * 500 + "." + "A" * 342
    results = []
    for number, scenario in enumerate(list(together(()).values())[:RESULTS]):
        bad = number < findings
        results.append(
            Result(
                id=scenario.id,
                rules=scenario.rules,
                level=scenario.rule.level.value,
                basis=scenario.rule.basis.value,
                outcome=Kind.FAIL if bad else Kind.PASS,
                severity=Severity.FALSE_ACCEPT if bad else None,
                expected=str(scenario.expected),
                says=scenario.says,
                verdict=VerdictRecord("accept", "ann"),
                table=str(scenario.place),
                exchanges=(Exchange("authenticate", "accepted as ann", token=token),) if bad else (),
            )
        )
    return Run(
        target=TargetRecord("bench"),
        profile={},
        started="",
        duration_s=0,
        totals=totals(tuple(results)),
        results=tuple(results),
    )


def main() -> None:
    """Print CPU seconds and bytes, the best of five."""
    run = run_of(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
    took = []
    for _ in range(5):
        began = time.process_time()
        made = page(run)
        took.append(time.process_time() - began)
    print(f"{len(run.results)} results: {min(took):.2f} s of CPU, {len(made.encode()) / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
