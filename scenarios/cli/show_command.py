"""`touchstone show ID`: one scenario explained to somebody who has never seen its table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from scenarios.cli.options import catalogue, chosen, plain_option, scenario_ids, with_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rich.console import Console

    from scenarios.rehearse import Shown
    from scenarios.tables.scenario import Scenario


@click.command("show")
@click.argument("scenario_id", metavar="ID", shell_complete=scenario_ids)
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
    from scenarios.files.problems import listed
    from scenarios.rehearse import rehearse
    from scenarios.reports.terminal import console, row
    from scenarios.stage import Lab

    scenarios = catalogue(catalogs, only_catalogs)
    found = chosen(scenarios, (scenario_id,), (), ())
    if len(found) > 1 and scenario_id not in scenarios:
        several = listed((scenario.id for scenario in found), 6)
        raise click.UsageError(f"'{scenario_id}' is {len(found)} scenarios: {several}")
    scenario = scenarios.get(scenario_id, found[0])
    out = console(plain=plain)
    _about(scenario, out, row)
    for label, text in _in_short(scenario, scenarios):
        row(out, label, text)
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


def _in_short(scenario: Scenario, scenarios: Mapping[str, Scenario]) -> Iterator[tuple[str, str]]:
    """Yield what is right and why, in words: who has never seen a table reads this first."""
    from scenarios import rulebook
    from scenarios.explain import differences, forgeries, meanings
    from scenarios.tables.expect import in_words

    expect = scenario.expected
    if expect.knob is None:
        yield "right is", str(expect)
    else:
        knob = rulebook.knobs()[expect.knob]
        yield "right is", f"decided by the target's knob {knob.name}: {knob.about}"
        for value, outcomes in expect.cases.items():
            default = " (the default)" if value == knob.default else ""
            yield f" {value}", in_words(outcomes) + default
    for word, meaning in meanings(expect):
        yield f" {word}", meaning
    for name, says in forgeries(scenario):
        yield "forgery", f"{name}: {says}"
    if scenario.control is not None:
        for text in differences(scenario, scenarios[scenario.control]):
            yield "unlike it", text


def _step(shown: Shown, out: Console, row: Callable[[Console, str, str], None], *, raw: bool) -> None:
    from rich.text import Text

    out.print(Text(f"\n{shown.what}", style="bold"))
    for label, text in (*_onboarded(shown), *_sent(shown.token), *_timed(shown)):
        row(out, label, text)
    if raw and isinstance(shown.token, str):
        out.print(shown.token, soft_wrap=True)
    for label, text in _over_http(shown):
        row(out, label, text)
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


def _over_http(shown: Shown) -> Iterator[tuple[str, str]]:
    from scenarios.decode import cut
    from scenarios.rehearse import in_words
    from scenarios.targets.protocol import readable

    request = shown.request or {}
    if request:
        yield (
            "request",
            readable(f"{request.get('method', '(its method)')} {request.get('target', '{path}')}", 400),
        )
    for line in request.get("headers", ()):
        yield " header", cut(readable(line), 200)
    if "body" in request:
        yield " body", cut(readable(request["body"]), 200)
    if request.get("connection") == "kept":
        yield " connection", "the one that an earlier step left open"
    for name, value in (shown.answer or {}).items():
        yield "answer has", f"{name}: {in_words(value)}"


def _timed(shown: Shown) -> Iterator[tuple[str, str]]:
    from scenarios.explain import times_of

    if times := times_of(shown.token, shown.now):
        yield "times", times


def _sent(token: str | bytes | None) -> Iterator[tuple[str, str]]:
    from scenarios.decode import cut, decode

    if isinstance(token, bytes):
        yield "sent", f"bytes that are no text: {cut(repr(token), 400)}"
    elif token is not None:
        decoded = decode(token)
        for label in ("header", "payload", "signature", "rest"):
            if text := getattr(decoded, label):
                yield label, text
