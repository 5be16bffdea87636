"""`touchstone merge`: the shards of a run as one result, with one report."""

from __future__ import annotations

import click

from scenarios.cli.options import output_may_end, plain_option
from scenarios.cli.reporting import Outputs, reporting


@click.command("merge")
@click.argument("files", nargs=-1, required=True, metavar="RESULT.json...", type=click.Path())
@reporting
@click.option(
    "--baseline", metavar="FILE", type=click.Path(), help="The baseline of the shards: it excuses knobs here."
)
@click.option("--strict", is_flag=True, help="A warning is a finding too.")
@click.option(
    "--details", default="20", metavar="N|all", help="How many findings to explain.", show_default=True
)
@plain_option
def command(
    files: tuple[str, ...],
    annotations: str,
    baseline: str | None,
    strict: bool,  # noqa: FBT001 - click passes flags so
    details: str,
    plain: bool,  # noqa: FBT001 - as above
    **reports: str | None,
) -> int:
    """Make one result of files that `touchstone run --shard I/N --json` wrote, and report it as `run` would.

    Exit status: that of the whole run; 2 too for files that are not all shards of one run.
    """
    from scenarios.baseline import Baseline
    from scenarios.cli.run_command import count_of, exit_status
    from scenarios.merge_runs import MergeError, merge
    from scenarios.result_file import ResultFileError, read_run

    explained = count_of(details)
    outputs = Outputs(reports, annotations)
    known = Baseline.read(baseline) if baseline else None
    try:
        run = merge([(file, read_run(file)) for file in files], known)
    except (ResultFileError, MergeError) as error:
        raise click.UsageError(str(error)) from None
    if not outputs.quiet:
        from scenarios.reports.terminal import console, report

        with output_may_end():
            report(run, console(plain=plain), details=explained, again=run.again, strict=strict)
    outputs.write(run, strict=strict)
    return exit_status(run, strict=strict)
