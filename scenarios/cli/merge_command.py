"""`touchstone merge`: the shards of a run as one result, with one report."""

from __future__ import annotations

import click

from scenarios.cli.options import details_option, plain_option, strict_option
from scenarios.cli.reporting import Outputs, reporting


@click.command("merge")
@click.argument("files", nargs=-1, required=True, metavar="RESULT.json...", type=click.Path())
@reporting
@click.option(
    "--baseline", metavar="FILE", type=click.Path(), help="The baseline of the shards: it excuses knobs here."
)
@strict_option
@details_option
@plain_option
def command(
    files: tuple[str, ...],
    annotations: str,
    baseline: str | None,
    strict: bool,  # noqa: FBT001 - click passes flags so
    details: int | None,
    plain: bool,  # noqa: FBT001 - as above
    **reports: str | None,
) -> int:
    """Make one result of files that `touchstone run --shard I/N --json` wrote, and report it as `run` would.

    A file of a whole run, alone, is reported anew: a page of yesterday's results, say.

    Exit status: that of the whole run; 2 too for files that are not all shards of one run.
    """
    from msgspec.structs import replace

    from scenarios.baseline import Baseline
    from scenarios.merge_runs import MergeError, merge
    from scenarios.result_file import ResultFileError, read_run

    outputs = Outputs(reports, annotations)
    known = Baseline.read(baseline) if baseline else None
    try:
        run = replace(merge([(file, read_run(file)) for file in files], known), replay=outputs.replay)
    except (ResultFileError, MergeError) as error:
        raise click.UsageError(str(error)) from None
    return outputs.tell(run, details=details, strict=strict, plain=plain)
