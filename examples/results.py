"""Write docs/results.md: the example targets side by side, and what each is known to do, from results and baselines.

`nox -s results` runs the targets and then this: `python examples/results.py RESULT.json... > docs/results.md`. With
`--gateways` first it is the page of the gateways, docs/gateways.md, which `nox -s gateway_targets` writes.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from scenarios import rulebook
from scenarios.baseline import PROFILE, Baseline
from scenarios.compare import compare
from scenarios.reports.compare_markdown import markdown
from scenarios.tables.load import builtin_tables, load

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scenarios.baseline import Entry
    from scenarios.tables.scenario import Scenario

TARGETS = Path(__file__).resolve().parent / "targets"
ABOUT = """\
# Results of the example targets

Written by `nox -s results`, which runs the targets of `examples/targets/`: libraries in the releases that the
registries and Debian offered, each driven as its documentation shows it, none hardened. A difference is no verdict on
a library: most concern key sets that an IdP would have to publish, or tokens that a trusted key has signed, and each
says by what authority it is one (`touchstone list --rules`; "hardening" and "system" are this project's own). No
release here took a forged token.
"""
GATEWAYS = """\
# Results of the gateways

Written by `nox -s gateway_targets`, which runs the targets of `examples/targets/gateways/`: each configured as its own
documentation shows it, none hardened, in front of `touchstone echo`. A difference is no verdict on a gateway: much is
a default that an operator may change, and each says by what authority it is one (`touchstone list --rules`; "hardening"
and "system" are this project's own). Bugs among them are written up with
[those of the libraries](results.md).
"""
KNOWN = """\
## What each of them does

From the baselines beside the targets: each rule and reason was read beside the rule's source, and
samples of each were tried at the library. The number counts the scenarios that show it.
"""


def baseline_of(result: Path) -> Path:
    """Return the baseline of the target whose results a file holds; the two are called alike."""
    (found,) = TARGETS.rglob(f"{result.stem}.baseline.yaml")
    return found


def findings(baseline: Baseline, catalogue: Mapping[str, Scenario]) -> Iterator[str]:
    """Return the known findings of a target as rows, a rule and a reason at a time."""
    grouped: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for entry in baseline.by_id.values():
        grouped[rule_of(entry.id, catalogue), entry.reason].append(entry)
    yield "| rule | authority | what it does | scenarios |"
    yield "|---|---|---|---|"
    for (rule, reason), entries in sorted(grouped.items()):
        known = rulebook.rules()[rule]
        yield f"| {rule} | [{known.basis.value}]({entries[0].link}) | {reason} | {len(entries)} |"


def rule_of(name: str, catalogue: Mapping[str, Scenario]) -> str:
    """Return the rule that a known finding is about: a scenario's, or that of a knob of the profile."""
    knob = name.removeprefix(PROFILE)
    return catalogue[name].rules[0] if knob == name else rulebook.knobs()[knob].rules[0]


def main() -> None:
    """Print the page."""
    gateways = sys.argv[1:2] == ["--gateways"]
    results = [Path(name) for name in sys.argv[2 if gateways else 1 :]]
    comparison = compare([str(path) for path in results])
    catalogue = load(builtin_tables())
    parts = [
        GATEWAYS if gateways else ABOUT,
        "## Side by side\n",
        markdown(comparison, scenarios=False),
        KNOWN,
    ]
    for path, target in zip(results, comparison.targets, strict=True):
        rows = findings(Baseline.read(baseline_of(path)), catalogue)
        parts.append("\n".join([f"### {target.name}", "", *rows, ""]))
    if not gateways:
        parts.append((TARGETS / "bugs.md").read_text(encoding="utf-8"))
    print("\n".join(parts), end="")  # noqa: T201 - a script that prints its page


if __name__ == "__main__":
    main()
