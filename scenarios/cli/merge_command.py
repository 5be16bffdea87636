"""`touchstone merge`: the shards of a run as one result, with one report."""

from __future__ import annotations

import click

from scenarios.cli.options import check_writable, output_may_end, plain_option


@click.command("merge")
@click.argument("files", nargs=-1, required=True, metavar="RESULT.json...", type=click.Path())
@click.option("--junit", metavar="PATH", help="Write the results as JUnit XML.")
@click.option("--json", "json_path", metavar="PATH", help="Write the results as JSON; `-` for stdout.")
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
    junit: str | None,
    json_path: str | None,
    baseline: str | None,
    strict: bool,  # noqa: FBT001 - click passes flags so
    details: str,
    plain: bool,  # noqa: FBT001 - as above
) -> int:
    """Make one result of files that `touchstone run --shard I/N --json` wrote, and report it as `run` would.

    Exit status: that of the whole run; 2 too for files that are not all shards of one run.
    """
    from scenarios.baseline import Baseline
    from scenarios.cli.run_command import count_of, exit_status, write_results
    from scenarios.merge_runs import MergeError, merge
    from scenarios.result_file import ResultFileError, read_run

    explained = count_of(details)
    if junit == json_path == "-":
        raise click.UsageError("only one of --junit and --json can go to stdout")
    check_writable(junit, json_path)
    known = Baseline.read(baseline) if baseline else None
    try:
        run = merge([(file, read_run(file)) for file in files], known)
    except (ResultFileError, MergeError) as error:
        raise click.UsageError(str(error)) from None
    if "-" not in {junit, json_path}:
        from scenarios.reports.terminal import console, report

        again = f"touchstone run --target {run.target.file}" if run.target.file else "touchstone run"
        with output_may_end():
            report(run, console(plain=plain), details=explained, again=again, strict=strict)
    with output_may_end():
        write_results(run, junit, json_path, strict=strict)
    return exit_status(run, strict=strict)
