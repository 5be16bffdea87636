"""`touchstone load`: a protected API under load, while keys rotate and the IdP fails, judged token by token."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scenarios.cli import EXIT_FINDINGS, EXIT_INTERRUPTED
from scenarios.cli.options import MAX_PORT, check_writable, output_may_end, plain_option, write, write_json

if TYPE_CHECKING:
    from scenarios.load.plan import Plan
    from scenarios.load.result import LoadResult
    from scenarios.load.run_file import Run
    from scenarios.load.stage import Staged
    from scenarios.targets.target_file import TargetSpec

_SHIPPED = Path(__file__).parents[1] / "load"


@click.command("load")
@click.argument("plan", required=False, type=click.Path(), metavar="[PLAN.yaml]")
@click.option(
    "--target", metavar="FILE", help="The target file of the API (HTTP); this project's own without."
)
@click.option(
    "--host", metavar="URL", help="Where the API runs already; an address off this machine needs it."
)
@click.option(
    "--processes", metavar="N", type=click.IntRange(1, 256), default=1, help="So many processes send (1)."
)
@click.option(
    "--hold", metavar="FILE", help="Write the run to FILE and leave the sending to a Locust of yours."
)
@click.option(
    "--start-in",
    "start_in_s",
    type=click.FloatRange(3, 3600),
    metavar="S",
    help="Begin in so many seconds (5; with --hold 60).",
)
@click.option(
    "--idp-port",
    metavar="PORT",
    type=click.IntRange(0, MAX_PORT),
    default=0,
    help="The IdP's port; 0 (default) takes a free one.",
)
@click.option("--json", "json_path", metavar="PATH", help="Write the result as JSON; `-` for stdout.")
@click.option("--html", "html_path", metavar="PATH", help="Write the result as a page; `-` for stdout.")
@plain_option
def command(  # noqa: PLR0913, PLR0917 - one parameter an option
    plan: str | None,
    target: str | None,
    host: str | None,
    processes: int,
    hold: str | None,
    start_in_s: float | None,
    idp_port: int,
    json_path: str | None,
    html_path: str | None,
    plain: bool,  # noqa: FBT001 - click passes flags so
) -> int:
    """Send good and false tokens of many users to an API while keys rotate, and judge each answer.

    Exit status: 0 no good token was refused, no false one accepted, no user mixed up, and every limit of the plan
    kept; 1 findings; 2 wrong usage or a mistake in a file; 3 the API could not be started; 130 interrupted.
    """
    from scenarios.load import generator

    if not hold and not generator.is_installed():
        raise click.UsageError("Locust is missing: python -m pip install 'oidc-touchstone[load]'")
    if hold and processes > 1:
        raise click.UsageError("--processes is said to your own Locust where --hold leaves the sending to it")
    check_writable(json_path, html_path, hold)
    read, spec = _plan(plan), _spec(target)
    with tempfile.TemporaryDirectory(prefix="touchstone-load-") as folder:
        path = Path(hold) if hold else Path(folder) / "run.json"
        lead = start_in_s or (60.0 if hold else 5.0)
        from scenarios.load.stage import staged

        try:
            with staged(read, spec, path, host=host, start_in_s=lead, port=idp_port) as ready:
                result = _generated(ready, path, processes, held=hold is not None)
        except OSError as error:
            raise click.UsageError(f"{error.filename or path}: {error.strerror or error}") from None
    _write(result, json_path, html_path, plain=plain)
    if result.interrupted:
        return EXIT_INTERRUPTED
    return 0 if result.passed else EXIT_FINDINGS


def _plan(path: str | None) -> Plan:
    from scenarios.load.plan import read_plan

    try:
        return read_plan(path or _SHIPPED / "plan.yaml")
    except OSError as error:
        raise click.UsageError(
            f"the plan '{path}' cannot be read: {error.strerror or error}; without one, the plan that ships runs"
        ) from None


def _spec(path: str | None) -> TargetSpec:
    from scenarios.targets.target_file import load_target

    return load_target(path or _SHIPPED / "api.yaml")


def _generated(ready: Staged, path: Path, processes: int, *, held: bool) -> LoadResult:
    """Have the tokens sent, and judge what came of it."""
    from scenarios.load import generator
    from scenarios.load.result import result_of

    interrupted = False
    try:
        if held:
            _say_how(ready.run, path)
            tally = generator.await_tally(ready.run, path)
        else:
            tally = generator.generate(ready.run, path, processes)
    except generator.Interrupted as early:
        tally, interrupted = early.tally, True
    except generator.GeneratorError as error:
        raise click.ClickException(str(error)) from None
    return result_of(ready.run, tally, ready.idp.fetches, interrupted=interrupted)


def _say_how(run: Run, path: Path) -> None:
    from scenarios.load.generator import LOCUSTFILE
    from scenarios.load.run_file import ENVIRONMENT

    begins = time.strftime("%H:%M:%S", time.localtime(run.since))
    click.echo(
        f"touchstone load: {path} is written, and the run begins at {begins}. Until then start, each with this file:\n"
        f"  {ENVIRONMENT}={path} locust -f {LOCUSTFILE} --headless --master --expect-workers 2\n"
        f"  {ENVIRONMENT}={path} locust -f {LOCUSTFILE} --worker --master-host ADDRESS",
        err=True,
    )


def _write(result: LoadResult, json_path: str | None, html_path: str | None, *, plain: bool) -> None:
    if "-" not in (json_path, html_path):
        from scenarios.reports.load_terminal import report
        from scenarios.reports.terminal import console

        with output_may_end():
            report(result, console(plain=plain))
    with output_may_end():
        if json_path is not None:
            write_json(json_path, result)
        if html_path is not None:
            from scenarios.reports.load_html import page

            write(html_path, page(result).encode())
