"""A run as Markdown: for a pull request, a chat, or the summary of a pipeline's step."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final

from scenarios import rulebook
from scenarios.decode import cut
from scenarios.reports.compare_markdown import cell, table
from scenarios.reports.run_words import PARTS, score, verdict_of
from scenarios.reports.stakes import stake
from scenarios.results import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scenarios.results import Result, Run

MAX_TOLD: Final = 20
"""So many findings are explained: the worst ones."""
MAX_NAMED: Final = 300
"""So many more are named; GitHub takes a mebibyte of summary."""


def markdown(run: Run, *, strict: bool = False) -> str:
    """Return the summary of a run; with `strict` a warning counts as a finding."""
    return "\n".join([*_lines(run, strict=strict), ""])


def _lines(run: Run, *, strict: bool) -> Iterator[str]:
    verdict = verdict_of(run, strict=strict)
    name = cell(cut(f"{run.target.name} {run.target.version}".strip(), 100))
    yield from (f"## Touchstone: {name}: {verdict.headline}", "")
    yield f"**{verdict.passed} of {verdict.asked}** scenarios pass; {run.totals['warn']} with a warning, "
    yield f"{run.totals['not_applicable']} do not apply. Touchstone {run.tool}, {run.started}, {run.duration_s:.1f} s."
    for note in verdict.notes:
        yield from ("", f"**{cell(cut(note, 300))}**")
    if run.command:
        yield from ("", f"`{_code(run.command)}`")
    for title, part in PARTS:
        yield ""
        kinds = (Kind.PASS, Kind.FAIL, Kind.ERROR, Kind.UNPROVEN, Kind.WARN, Kind.NOT_APPLICABLE)
        yield from table(
            (title, *(kind.value.replace("_", " ") for kind in kinds)),
            (
                (bar.name, *(str(bar.counts.get(kind, 0)) for kind in kinds))
                for bar in score(run.results, part)
            ),
        )
    findings = run.findings()
    for result in findings[:MAX_TOLD]:
        yield from _told(result, run)
    if rest := findings[MAX_TOLD : MAX_TOLD + MAX_NAMED]:
        yield from ("", f"And {len(findings) - MAX_TOLD} more:", "")
        yield from table(
            ("outcome", "rule", "scenario"),
            ((result.outcome.value, result.rules[0], f"`{_code(result.id)}`") for result in rest),
        )
    for record in run.profile_findings():
        yield from ("", f"- its own profile: {cell(cut(f'{record.knob}: {record.message}', 500))}")


def _told(result: Result, run: Run) -> Iterator[str]:
    rule = rulebook.rules()[result.rules[0]]
    severity = f": {result.severity.value}" if result.severity else ""
    yield from ("", f"### {result.outcome.value.upper()} `{_code(result.id)}` ({result.level}){severity}", "")
    rows = (
        ("scenario", result.says),
        ("rule", f"{rule.id}: {rule.statement} ({rule.source})"),
        ("expected", result.expected),
        ("target", result.message),
        ("what an attacker gains", stake(result)),
    )
    for label, text in rows:
        yield f"- {label}: {cell(cut(text, 500))}"
    yield f"- again: `{_code(f'{run.again} --select {shlex.quote(result.id)}')}`"


def _code(text: str) -> str:
    return cut(text, 500).replace("`", "'")
