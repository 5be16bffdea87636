"""`touchstone plan-rotation`: a rotation of keys before a fleet of verifiers, simulated, and the shortest safe one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from scenarios.cli import EXIT_FINDINGS
from scenarios.cli.options import check_writable, output_may_end, plain_option, write, write_json

if TYPE_CHECKING:
    from scenarios.fleet.plan import Plan
    from scenarios.fleet.rehearsal import Rehearsal


class _Lasting(click.ParamType[float]):
    """A number of seconds, or a duration such as `90s` or `1h30m`."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        from scenarios.tables.times import parse

        if isinstance(value, int | float):
            return float(value)
        try:
            length = parse(f"{value}s" if value.isdecimal() else value)
        except ValueError:
            length = None
        if length is None or length.knobs or length.seconds < 0:
            self.fail(f"'{value}' is no length of time, such as 90s, 5m or 1h30m", param, ctx)
        return length.seconds


_TIME = _Lasting()
_FIELDS = {
    "nodes": ("fleet", "nodes", int, "Verifiers in the fleet (10,000)."),
    "tokens": ("fleet", "tokens_per_s", float, "Good tokens that a node is shown, per second (1)."),
    "unknown-kids": (
        "fleet",
        "unknown_kids_per_s",
        float,
        "Tokens of kids that do not exist, at a node per second (0).",
    ),
    "jitter": ("fleet", "start_jitter_s", _TIME, "The nodes started within such a time before (one period)."),
    "restart-every": ("fleet", "restart_every_s", _TIME, "A node starts anew so often (24h)."),
    "fetch": ("fleet", "fetch_s", _TIME, "How long a fetch takes (100ms)."),
    "period": ("policy", "jwks_period_s", _TIME, "A node reads the JWKS so often (1h)."),
    "cooldown": (
        "policy",
        "refetch_min_s",
        _TIME,
        "Least time between two fetches that tokens provoke (5m).",
    ),
    "staleness": ("policy", "jwks_staleness_s", _TIME, "So long a key counts after it was last seen (24h)."),
    "edges": ("cdn", "edges", int, "Edges of the CDN before the JWKS (0: no CDN)."),
    "edge-ttl": ("cdn", "ttl_s", _TIME, "How long an edge serves its copy (5m)."),
    "edge-stale": ("cdn", "stale_s", _TIME, "How much longer, while it gets a new one (0s)."),
    "edge-purge": ("cdn", "purge_s", _TIME, "The time after a change in which every copy is purged (never)."),
    "max-age": ("idp", "max_age_s", _TIME, "The max-age of the JWKS (none)."),
    "token-lifetime": ("idp", "token_lifetime_s", _TIME, "From iat to exp (1h)."),
}
"""The options that describe what a plan file describes otherwise: where they go, their type, and their help."""
_OF_ROTATION = {
    "activate": ("activate_s", "The new key signs so long after it was published (2h)."),
    "retire": ("retire_s", "The old key is published so long after the new one came (4h)."),
}


def _with_options(command: Any) -> Any:
    for name, (_, _, kind, text) in reversed(_FIELDS.items()):
        command = click.option(f"--{name}", type=kind, default=None, help=text)(command)
    for name, (_, text) in reversed(_OF_ROTATION.items()):
        command = click.option(f"--{name}", type=_TIME, default=None, help=text)(command)
    return command


@click.command("plan-rotation")
@click.argument("plan_path", required=False, metavar="[PLAN.yaml]", type=click.Path())
@_with_options
@click.option("--emergency", is_flag=True, help="The old key is lost: its tokens are false from now on.")
@click.option("--seed", type=int, default=None, help="Draw other chances (1).")
@click.option("--html", "html_path", metavar="PATH", help="Write a page with a timeline; `-` for stdout.")
@click.option("--json", "json_path", metavar="PATH", help="Write all figures as JSON; `-` for stdout.")
@plain_option
def command(
    *,
    plan_path: str | None,
    emergency: bool,
    seed: int | None,
    html_path: str | None,
    json_path: str | None,
    plain: bool,
    **given: Any,
) -> int:
    """Simulate a rotation of keys before a fleet of verifiers, and tell the shortest one that is safe.

    The reference verifier's own key source runs at every node, under a virtual clock. The fleets, the CDN and the
    rotation are described by options, or by a file (docs/scale.md).

    Times count from the publication of the new key: 90s, 5m, 1h30m. Exit status: 0 safe, or an emergency; 1 unsafe.
    """
    check_writable(html_path, json_path)
    plan = _planned(plan_path, given, emergency=emergency, seed=seed)
    from scenarios.fleet.rehearsal import rehearse

    done = rehearse(plan)
    if "-" not in {html_path, json_path}:
        from scenarios.reports.fleet_terminal import report
        from scenarios.reports.terminal import console

        with output_may_end():
            report(done, console(plain=plain))
    with output_may_end():
        _write(done, html_path, json_path)
    return EXIT_FINDINGS if done.findings else 0


def _planned(path: str | None, given: dict[str, Any], *, emergency: bool, seed: int | None) -> Plan:
    """Put a plan together from a file and options. Raises `click.UsageError` for what cannot be."""
    from msgspec.structs import replace

    from scenarios.fleet.plan import mistakes, read

    told = {name: given[name.replace("-", "_")] for name in (*_FIELDS, *_OF_ROTATION)}
    told = {name: value for name, value in told.items() if value is not None}
    if path is None:
        plan = _described(told)
    elif both := sorted(told.keys() - _OF_ROTATION):
        raise click.UsageError(f"--{both[0]} and a plan file exclude each other: say it in the file")
    else:
        try:
            plan = read(path)
        except OSError as error:
            raise click.UsageError(
                f"the plan '{path}' cannot be read: {error.strerror}; without one, options describe the fleet"
            ) from None
    rotation: dict[str, Any] = {_OF_ROTATION[name][0]: told[name] for name in _OF_ROTATION if name in told}
    if emergency:
        rotation = {"activate_s": 0.0, "retire_s": 0.0, "emergency": True, **rotation}
    plan = replace(
        plan, rotation=replace(plan.rotation, **rotation), **({} if seed is None else {"seed": seed})
    )
    for _, message in mistakes(plan):
        raise click.UsageError(_by_option(message))
    return plan


def _described(told: dict[str, Any]) -> Plan:
    from scenarios.fleet.plan import Cdn, Fleet, Idp, Pace, Plan

    parts: dict[str, dict[str, Any]] = {"fleet": {}, "policy": {}, "cdn": {}, "idp": {}}
    for name, value in told.items():
        if name in _FIELDS:
            part, field, *_ = _FIELDS[name]
            parts[part][field] = value
    fleet = Fleet(policy=Pace(**parts["policy"]), **parts["fleet"])
    return Plan(fleets=(fleet,), cdn=Cdn(**parts["cdn"]), idp=Idp(**parts["idp"]))


def _by_option(message: str) -> str:
    """Name the options that a message about a plan means by the names of its fields."""
    for name, (_, field, *_rest) in _FIELDS.items():
        message = message.replace(f"'{field}'", f"--{name}")
    for name, (field, _) in _OF_ROTATION.items():
        message = message.replace(f"'{field}'", f"--{name}")
    return message


def _write(done: Rehearsal, html_path: str | None, json_path: str | None) -> None:
    if html_path is not None:
        from scenarios.reports.fleet_html import page

        write(html_path, page(done).encode())
    if json_path is not None:
        write_json(json_path, done)
