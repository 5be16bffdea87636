"""`touchstone list`: the scenarios, or the forgeries, that there are."""

from __future__ import annotations

import click

from scenarios.cli.options import catalogue, chosen, plain_option, selecting, write


@click.command("list")
@selecting
@click.option("--json", "json_path", metavar="PATH", help="Write the list as JSON; `-` for stdout.")
@click.option("--forgeries", is_flag=True, help="List the named forgeries instead.")
@plain_option
def command(
    patterns: tuple[str, ...],
    rules: tuple[str, ...],
    levels: tuple[str, ...],
    catalogs: tuple[str, ...],
    json_path: str | None,
    forgeries: bool,  # noqa: FBT001 - click passes flags so
    plain: bool,  # noqa: FBT001 - as above
) -> None:
    """List the scenarios that there are."""
    if forgeries:
        _forgeries(plain=plain)
        return
    found = chosen(catalogue(catalogs), patterns, rules, levels)
    if json_path is not None:
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
        write(json_path, msgspec.json.format(msgspec.json.encode(entries), indent=1) + b"\n")
    if json_path == "-":
        return
    from rich.text import Text

    from scenarios.reports.terminal import console, row

    out = console(plain=plain)
    group = ""
    for scenario in found:
        if scenario.group != group:
            group = scenario.group
            out.print(
                Text.assemble(
                    "\n" if scenario is not found[0] else "", (group, "bold"), f"  {scenario.title}"
                )
            )
        name = scenario.id.removeprefix(f"{group}/")
        out.print(Text(f"   {scenario.rule.level.value:13}{scenario.rules[0]:9} {name}"))
        row(out, "", scenario.says)
    out.print(Text(f"\n{len(found)} scenarios", style="bold"))


def _forgeries(*, plain: bool) -> None:
    from rich.text import Text

    from mock_idp.forgeries import FORGERIES
    from scenarios.reports.terminal import console, row

    out = console(plain=plain)
    for name, forgery in sorted(FORGERIES.items()):
        out.print(Text.assemble((name, "bold"), f"  {' '.join((*forgery.rules, *forgery.advisories))}"))
        row(out, "", forgery.says)
