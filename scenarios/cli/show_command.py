"""`touchstone show ID`: one scenario explained to somebody who has never seen its table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from scenarios.cli.options import catalogue, chosen, plain_option, with_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

    from scenarios.rehearse import Shown
    from scenarios.tables.scenario import Scenario


@click.command("show")
@click.argument("scenario_id", metavar="ID")
@with_tables
@click.option("--raw", is_flag=True, help="Print each token as it is sent, too.")
@plain_option
def command(
    scenario_id: str,
    catalogs: tuple[str, ...],
    only_catalogs: tuple[str, ...],
    raw: bool,  # noqa: FBT001 - click passes flags so
    plain: bool,  # noqa: FBT001 - as above
) -> None:
    """Explain one scenario: the rule, the token, what is expected and why."""
    from scenarios.rehearse import rehearse
    from scenarios.reports.terminal import console, row
    from scenarios.stage import Lab

    scenarios = catalogue(catalogs, only_catalogs)
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
            *((f"  {key}", gist) for key, gist in rulebook.source_gists(rule.source)),
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

    out.print(Text(f"\n{shown.what}", style="bold"))
    for label, text in (*_onboarded(shown), *_sent(shown.token)):
        row(out, label, text)
    if raw and isinstance(shown.token, str):
        out.print(shown.token, soft_wrap=True)
    if shown.expect is not None:
        row(out, "expected", str(shown.expect))
    if shown.canary is not None:
        row(out, " untouched", f"{shown.canary} must not be asked")
    for bound in shown.requests:
        row(out, " requests", bound)


def _onboarded(shown: Shown) -> Iterator[tuple[str, str]]:
    from scenarios.decode import cut
    from scenarios.rehearse import in_words

    for name, value in (shown.record or {}).items():
        if value is not None:
            yield name, cut(in_words(value), 400)
    for user in shown.users or ():
        external_id = json.dumps(user["external_id"], ensure_ascii=False)
        state = "" if user["active"] else " (inactive)"
        yield "user", cut(f"{user['name']}: External ID {external_id}{state}", 400)


def _sent(token: str | bytes | None) -> Iterator[tuple[str, str]]:
    from scenarios.decode import cut, decode

    if isinstance(token, bytes):
        yield "sent", f"bytes that are no text: {cut(repr(token), 400)}"
    elif token is not None:
        decoded = decode(token)
        for label in ("header", "payload", "signature", "rest"):
            if text := getattr(decoded, label):
                yield label, text
