"""A baseline from a run: every finding as an entry, its reason and link left to a person.

What it leaves open the reader of baselines refuses, at its line: a machine knows what failed and never why that is
known.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from scenarios.baseline import EXCUSABLE, PROFILE, UNWRITTEN
from scenarios.decode import cut
from scenarios.results import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scenarios.baseline import Baseline, Entry
    from scenarios.results import Run


def baseline_text(run: Run, known: Baseline, *, strict: bool = False) -> str:
    """Return the text of a baseline (YAML) that names all findings of a run.

    Entries of `known` keep their words; those that no longer fail are left out. With `strict` warnings are findings.
    """
    entries = [*_found(run, strict=strict)]
    named = {name for name, _ in entries}
    asked = {result.id for result in run.results} | _shown(run)
    kept = [entry.id for entry, _ in known.lines if entry.id not in named | asked]
    lines = [_HEAD.format(target=cut(run.target.name, 80))]
    lines += [_entry(name, said, known.by_id.get(name)) for name, said in entries]
    lines += [_entry(name, "", known.by_id[name]) for name in kept]
    return "".join(lines) if len(lines) > 1 else lines[0] + "[]\n"


_HEAD = "# Known failures of {target}: for each, say why it is known and where that is followed up.\n"


def _found(run: Run, *, strict: bool) -> Iterator[tuple[str, str]]:
    for record in run.profile_findings():
        yield PROFILE + record.knob, record.message
    kinds = (EXCUSABLE if strict else EXCUSABLE - {Kind.WARN}) | {Kind.XFAIL}
    for result in run.results:
        if result.outcome in kinds and not result.unasked and not result.table_fault:
            yield result.id, f"{result.rules[0]}, {result.message}"


def _shown(run: Run) -> set[str]:
    """Return the entries about knobs that the answers no longer bear out."""
    excused = {record.knob for record in run.policies if record.known is not None}
    return {PROFILE + knob for result in run.results for knob in result.like if knob not in excused}


def _entry(name: str, said: str, known: Entry | None) -> str:
    reason, link = (known.reason, known.link) if known else (UNWRITTEN["reason"], UNWRITTEN["link"])
    comment = f"# {cut(' '.join(said.split()), 200)}\n" if said else ""
    spelt = json.dumps(name) if any(sign in name for sign in "[]{},") else name
    return (
        f"{comment}- id: {spelt}\n"
        f"  reason: {json.dumps(reason, ensure_ascii=False)}\n"
        f"  link: {json.dumps(link, ensure_ascii=False)}\n"
    )
