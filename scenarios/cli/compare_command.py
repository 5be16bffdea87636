"""`touchstone compare`: the results of several runs side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from scenarios.cli import EXIT_FINDINGS
from scenarios.cli.options import check_writable, output_may_end, plain_option, write, write_json

if TYPE_CHECKING:
    from scenarios.compare import Comparison


@click.command("compare")
@click.argument("files", nargs=-1, metavar="RESULT.json...", type=click.Path())
@click.option(
    "--chain",
    "chains",
    nargs=2,
    multiple=True,
    metavar="A B",
    help="Two targets, by name or file, of which A stands in front of B: list what they disagree about.",
)
@click.option("--scenarios", is_flag=True, help="A row for each scenario, and not for each rule.")
@click.option(
    "--all", "everything", is_flag=True, help="Rows too in which no target differs from what is right."
)
@click.option(
    "--markdown", "markdown_path", metavar="PATH", help="Write both matrices as Markdown; `-` for stdout."
)
@click.option("--html", "html_path", metavar="PATH", help="Write both matrices as a page; `-` for stdout.")
@click.option("--json", "json_path", metavar="PATH", help="Write the comparison as JSON; `-` for stdout.")
@plain_option
def command(  # noqa: PLR0913, PLR0917 - one parameter an option
    files: tuple[str, ...],
    chains: tuple[tuple[str, str], ...],
    scenarios: bool,  # noqa: FBT001 - click passes flags so
    everything: bool,  # noqa: FBT001 - as above
    markdown_path: str | None,
    html_path: str | None,
    json_path: str | None,
    plain: bool,  # noqa: FBT001 - as above
) -> int:
    """Show targets side by side, by rule or by scenario, from files that `touchstone run --json` wrote.

    Exit status: 0 compared, 1 the two targets of a --chain disagree, 2 wrong usage or a file that is no result.
    """
    from scenarios.compare import CompareError, compare

    if len(files) < 2:
        raise click.UsageError("two result files or more are needed: touchstone run --json FILE writes one")
    outputs = (markdown_path, html_path, json_path)
    check_writable(*outputs)
    try:
        found = compare(files, chains)
    except CompareError as error:
        raise click.UsageError(str(error)) from None
    if "-" not in outputs:
        from scenarios.reports.compare_terminal import report
        from scenarios.reports.terminal import console

        with output_may_end():
            report(found, console(plain=plain), scenarios=scenarios, everything=everything)
    with output_may_end():
        _write(found, markdown_path, html_path, json_path, everything=everything)
    return EXIT_FINDINGS if any(chain.disagreements for chain in found.chains) else 0


def _write(
    found: Comparison,
    markdown_path: str | None,
    html_path: str | None,
    json_path: str | None,
    *,
    everything: bool,
) -> None:
    if markdown_path is not None:
        from scenarios.reports.compare_markdown import markdown

        write(markdown_path, markdown(found, everything=everything).encode())
    if html_path is not None:
        from scenarios.reports.compare_html import page

        write(html_path, page(found, everything=everything).encode())
    if json_path is not None:
        write_json(json_path, found)
