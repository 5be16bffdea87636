"""`touchstone list`: the scenarios, the rules and what tests them, the forgeries, or the knobs of a profile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from scenarios.cli.options import catalogue, chosen, plain_option, selecting, write

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scenarios.exclusions import Coverage
    from scenarios.rulebook import Knob
    from scenarios.tables.scenario import Scenario

LIBRARY: Final = {
    "any": "any of these",
    "default": "the default",
    "caller": "what its caller passes in",
    "none": "nothing: no rule for libraries asks",
}
"""What a library that declares nothing is held to, by `LibraryDefault`."""


@click.command("list")
@selecting
@click.option("--json", "json_path", metavar="PATH", help="Write the list as JSON; `-` for stdout.")
@click.option(
    "--rules",
    "by_rule",
    is_flag=True,
    help="List the rules instead: how many scenarios name each, or why none.",
)
@click.option("--forgeries", is_flag=True, help="List the named forgeries instead.")
@click.option("--knobs", is_flag=True, help="List the knobs that a target's profile may declare instead.")
@plain_option
def command(  # noqa: PLR0913, PLR0917 - one parameter an option
    patterns: tuple[str, ...],
    rules: tuple[str, ...],
    levels: tuple[str, ...],
    catalogs: tuple[str, ...],
    only_catalogs: tuple[str, ...],
    json_path: str | None,
    by_rule: bool,  # noqa: FBT001 - click passes flags so
    forgeries: bool,  # noqa: FBT001 - as above
    knobs: bool,  # noqa: FBT001 - as above
    plain: bool,  # noqa: FBT001 - as above
) -> None:
    """List the scenarios that there are, or the rules and what tests each of them."""
    if forgeries or knobs:
        if (
            (forgeries and knobs)
            or json_path is not None
            or any((patterns, rules, levels, catalogs, only_catalogs))
        ):
            raise click.UsageError("--forgeries and --knobs each stand alone, or with --plain")
        if by_rule:
            raise click.UsageError("--rules, --forgeries and --knobs are three lists: ask for one")
        (_forgeries if forgeries else _knobs)(plain=plain)
        return
    if by_rule:
        if patterns:
            raise click.UsageError("--rules lists rules, and --select chooses scenarios: choose with --rule")
        _rules(_coverage(catalogs, only_catalogs, rules, levels), json_path, plain=plain)
        return
    found = chosen(catalogue(catalogs, only_catalogs), patterns, rules, levels)
    if json_path is not None:
        write(json_path, _as_json(found))
    if json_path != "-":
        _scenarios(found, plain=plain)


def _as_json(found: list[Scenario]) -> bytes:
    import msgspec

    entries = [
        {
            "id": scenario.id,
            "title": scenario.says,
            "rules": list(scenario.rules),
            "level": scenario.rule.level.value,
            "group": scenario.group,
            "requires": sorted(scenario.requires),
        }
        for scenario in found
    ]
    return msgspec.json.format(msgspec.json.encode(entries), indent=1) + b"\n"


def _coverage(
    catalogs: tuple[str, ...], only_catalogs: tuple[str, ...], rules: tuple[str, ...], levels: tuple[str, ...]
) -> list[Coverage]:
    from scenarios import exclusions
    from scenarios.selection import SelectionError, rules_meant

    try:
        wanted = set(rules_meant(rules, levels))
    except SelectionError as error:
        raise click.UsageError(str(error)) from None
    found = exclusions.shipped().coverage(catalogue(catalogs, only_catalogs))
    return [entry for entry in found if entry.rule.id in wanted]


def _rules(found: list[Coverage], json_path: str | None, *, plain: bool) -> None:
    if json_path is not None:
        write(json_path, _rules_as_json(found))
    if json_path == "-":
        return
    from rich.text import Text

    from scenarios.files.problems import counted
    from scenarios.reports.terminal import console, row

    out = console(plain=plain)
    for entry in found:
        count = counted(entry.scenarios, "scenario")
        stands = "excluded" if entry.excluded else count
        out.print(Text.assemble((f"{entry.rule.id:9}", "bold"), f"{entry.rule.level.value:7} {stands}"))
        row(out, "", entry.rule.statement)
        for exclusion in entry.exclusions:
            what = "" if exclusion.case is None else f"{exclusion.case}: "
            row(out, "excluded", f"{what}{exclusion.reason}; needs {exclusion.needs}")
    tested = sum(1 for entry in found if entry.scenarios)
    excluded = sum(entry.excluded for entry in found)
    out.print(
        Text(f"\n{counted(len(found), 'rule')}, {tested} with scenarios, {excluded} excluded", style="bold")
    )


def _rules_as_json(found: list[Coverage]) -> bytes:
    import msgspec

    entries: list[Mapping[str, object]] = [
        {
            "id": entry.rule.id,
            "level": entry.rule.level.value,
            "statement": entry.rule.statement,
            "scenarios": entry.scenarios,
            "exclusions": [
                {"case": item.case, "reason": item.reason, "needs": item.needs} for item in entry.exclusions
            ],
        }
        for entry in found
    ]
    return msgspec.json.format(msgspec.json.encode(entries), indent=1) + b"\n"


def _scenarios(found: list[Scenario], *, plain: bool) -> None:
    from rich.text import Text

    from scenarios.files.problems import counted
    from scenarios.reports.terminal import console, paragraph, row

    out = console(plain=plain)
    group = ""
    for scenario in found:
        if scenario.group != group:
            group = scenario.group
            if scenario is not found[0]:
                out.print()
            paragraph(out, Text.assemble((group, "bold"), f"  {scenario.title}"), indent=3)
        name = scenario.id.removeprefix(f"{group}/")
        out.print(Text(f"   {scenario.rule.level.value:13}{scenario.rules[0]:9} {name}"))
        row(out, "", scenario.says)
    out.print(Text(f"\n{counted(len(found), 'scenario')}", style="bold"))


def _forgeries(*, plain: bool) -> None:
    from rich.text import Text

    from mock_idp.forgeries import FORGERIES
    from scenarios.reports.terminal import console, row

    out = console(plain=plain)
    for name, forgery in sorted(FORGERIES.items()):
        out.print(Text.assemble((name, "bold"), f"  {' '.join((*forgery.rules, *forgery.advisories))}"))
        row(out, "", forgery.says)
        if forgery.takes:
            row(out, "argument", forgery.takes)


def _knobs(*, plain: bool) -> None:
    from rich.text import Text

    from scenarios import rulebook
    from scenarios.reports.terminal import console, row

    out = console(plain=plain)
    for name, knob in rulebook.knobs().items():
        out.print(Text.assemble((name, "bold"), f"  {' '.join(knob.rules)}"))
        row(out, "", knob.about)
        row(out, "values", _values(knob))
        row(out, "a library", ", or ".join((LIBRARY[knob.library.value], *knob.library_also)))
        if knob.floor:
            row(out, "floor", knob.floor)


def _values(knob: Knob) -> str:
    if knob.values:
        return ", ".join((f"{knob.values[0]} (the default)", *knob.values[1:]))
    default = knob.default
    if isinstance(default, tuple):
        default = f"[{', '.join(default)}]"
    bounds = [("at least", knob.min), ("at most", knob.max)]
    limits = [f"{words} {number}" for words, number in bounds if number is not None]
    return ", ".join(
        [knob.type.value, *limits, "no limit by default" if default is None else f"{default} by default"]
    )
