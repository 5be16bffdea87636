"""`touchstone show ID`: one scenario explained to somebody who has never seen its table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from scenarios.cli.options import catalog_option, catalogue, chosen, plain_option

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from scenarios.rehearse import Shown
    from scenarios.tables.scenario import Scenario


@click.command("show")
@click.argument("scenario_id", metavar="ID")
@catalog_option
@click.option("--raw", is_flag=True, help="Print each token as it is sent, too.")
@plain_option
def command(scenario_id: str, catalogs: tuple[str, ...], raw: bool, plain: bool) -> None:  # noqa: FBT001 - click passes flags so
    """Explain one scenario: the rule, the token, what is expected and why."""
    from scenarios.rehearse import rehearse
    from scenarios.reports.terminal import console, row
    from scenarios.stage import Lab

    scenarios = catalogue(catalogs)
    found = chosen(scenarios, (scenario_id,), (), ())
    if len(found) > 1 and scenario_id not in scenarios:
        several = ", ".join(scenario.id for scenario in found[:6]) + (", …" if len(found) > 6 else "")
        raise click.UsageError(f"'{scenario_id}' is {len(found)} scenarios: {several}")
    scenario = scenarios.get(scenario_id, found[0])
    out = console(plain=plain)
    _about(scenario, out, row)
    with Lab() as lab:
        for shown in rehearse(scenario, lab):
            _step(shown, out, row, raw=raw)


def _about(scenario: Scenario, out: Console, row: Callable[[Console, str, str], None]) -> None:
    from rich.text import Text

    from scenarios import rulebook

    rules = rulebook.rules()
    out.print(Text.assemble((scenario.id, "bold"), f"  {scenario.rule.level.value}"))
    rows = [("fact", scenario.says), ("group", scenario.title), ("table", str(scenario.place))]
    for name in scenario.rules:
        rule = rules[name]
        rows += [
            ("rule", f"{rule.id} ({rule.level.value}, asked of a {rule.scope.value}): {rule.statement}"),
            (" source", rule.source),
            (" authority", f"{rule.basis.value}: {rulebook.basis_text(rule.basis)}"),
            (" catches", rule.bug),
        ]
        if rule.note:
            rows.append((" note", rule.note))
    rows.append(("control", scenario.control or "none: it expects a yes itself"))
    rows.append(("needs", ", ".join(sorted(scenario.requires)) or "nothing special"))
    if scenario.advisories:
        rows.append(("advisories", ", ".join(scenario.advisories)))
    if scenario.note:
        rows.append(("note", scenario.note))
    for label, text in rows:
        row(out, label, text)


def _step(shown: Shown, out: Console, row: Callable[[Console, str, str], None], *, raw: bool) -> None:
    from rich.text import Text

    from scenarios.decode import cut, decode

    out.print(Text(f"\n{shown.what}", style="bold"))
    for name, value in (shown.record or {}).items():
        if value is not None:
            row(out, name, cut(str(value), 400))
    for user in shown.users or ():
        state = "" if user["active"] else " (inactive)"
        row(out, "user", f"{user['name']}: External ID {user['external_id']!r}{state}")
    if isinstance(shown.token, bytes):
        row(out, "sent", f"bytes that are no text: {cut(repr(shown.token), 400)}")
    elif shown.token is not None:
        decoded = decode(shown.token)
        for label in ("header", "payload", "signature", "rest"):
            if text := getattr(decoded, label):
                row(out, label, text)
        if raw:
            out.print(shown.token, soft_wrap=True)
    if shown.expect is not None:
        row(out, "expected", str(shown.expect))
