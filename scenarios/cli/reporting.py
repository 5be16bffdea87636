"""The reports of a run: the files that can be written, their options, and the one place that writes them."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import click

from scenarios.cli import EXIT_FINDINGS, EXIT_INTERRUPTED, EXIT_TARGET, EXIT_USAGE
from scenarios.cli.options import check_writable, output_may_end, write

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scenarios.results import Run


@dataclass(frozen=True, slots=True)
class Report:
    """One kind of file: what its option says, and where its writer is, which is imported when it is asked for."""

    says: str
    module: str
    function: str


REPORTS: Final = {
    "html": Report("Write one page with every result, for people.", "scenarios.reports.run_html", "page"),
    "markdown": Report("Write a summary as Markdown.", "scenarios.reports.run_markdown", "markdown"),
    "junit": Report("Write the results as JUnit XML.", "scenarios.reports.junit", "junit_xml"),
    "json": Report("Write the results as JSON; `-` for stdout.", "scenarios.reports.run_json", "run_json"),
    "sarif": Report("Write the findings as SARIF 2.1.0.", "scenarios.reports.sarif", "sarif"),
    "code-quality": Report(
        "Write the findings as GitLab's Code Quality JSON.", "scenarios.reports.annotations", "code_quality"
    ),
}
"""By the name of its option."""
SUMMARY: Final = "GITHUB_STEP_SUMMARY"
"""The variable by which GitHub names the file that a step's summary is added to."""


def reporting(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command an option for each report; it gets their paths by name, such as `code_quality`."""
    annotations = click.option(
        "--annotations",
        type=click.Choice(["auto", "github", "none"]),
        default="auto",
        show_default=True,
        help="Findings as lines that GitHub shows beside the code; auto does so when it runs there.",
    )
    command = annotations(command)
    for name, report in reversed(list(REPORTS.items())):
        command = click.option(f"--{name}", metavar="PATH", help=report.says)(command)
    return command


class Outputs:
    """Where the reports of one run go. Raises `click.UsageError` for a place that nothing can be written to."""

    def __init__(self, paths: Mapping[str, str | None], annotations: str) -> None:
        self._paths = {
            name: path for name in REPORTS if (path := paths.get(name.replace("-", "_"))) is not None
        }
        self._annotate = annotations == "github" or (
            annotations == "auto" and os.environ.get("GITHUB_ACTIONS") == "true"
        )
        places = [path if path == "-" else os.path.realpath(path) for path in self._paths.values()]
        if len(set(places)) < len(places):
            options = " and ".join(f"--{name}" for name in self._paths)
            raise click.UsageError(f"each of {options} needs a place of its own; only one can go to stdout")
        check_writable(*self._paths.values())

    @property
    def quiet(self) -> bool:
        """Whether stdout is for a report alone."""
        return "-" in self._paths.values()

    @property
    def replay(self) -> str:
        """The command that asks results of this run again, less their ids; empty where no file of them is written."""
        path = self._paths.get("json", "-")
        return "" if path == "-" else shlex.join(["touchstone", "replay", path])

    @property
    def files(self) -> list[str]:
        """The files that are written."""
        return [path for path in self._paths.values() if path != "-"]

    def tell(self, run: Run, *, details: int | None, strict: bool, plain: bool) -> int:
        """Report a run in the terminal, write every report, and return the exit status."""
        if not self.quiet:
            from scenarios.reports.terminal import console, report

            with output_may_end():
                report(run, console(plain=plain), details=details, again=run.again, strict=strict)
        self._write(run, strict=strict)
        return _exit_status(run, strict=strict)

    def _write(self, run: Run, *, strict: bool) -> None:
        """Write every report, each whole or not at all."""
        with output_may_end():
            for name, path in self._paths.items():
                write(path, _written(REPORTS[name], run, strict=strict))
        if (summary := os.environ.get(SUMMARY)) is not None:
            _add(summary, _written(REPORTS["markdown"], run, strict=strict))
        if self._annotate:
            from scenarios.reports.annotations import github

            for line in github(run, strict=strict):
                click.echo(line, err=True)


def build_address(environ: Mapping[str, str]) -> str:
    """Return the address of the job of GitHub, GitLab or Jenkins that runs this; empty elsewhere."""
    github = [environ.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID")]
    found = "{}/{}/actions/runs/{}".format(*github) if all(github) else ""
    found = found or environ.get("CI_JOB_URL", "") or environ.get("BUILD_URL", "")
    return found if found.startswith(("https://", "http://")) else ""


def _written(report: Report, run: Run, *, strict: bool) -> bytes:
    made = getattr(import_module(report.module), report.function)(run, strict=strict)
    return made if isinstance(made, bytes) else str(made).encode("utf-8", "backslashreplace")


def _add(path: str, content: bytes) -> None:
    """Add to a file. A summary that cannot be written is said, and is no reason to lose the run's own status."""
    try:
        with open(path, "ab") as file:  # noqa: PTH123 - a path as GitHub gives it
            file.write(content)
    except OSError as error:
        click.echo(
            f"touchstone run: {SUMMARY} names '{path}', which cannot be written: {error.strerror}", err=True
        )


def _exit_status(run: Run, *, strict: bool) -> int:
    """Return the status that a run ends with; a shard to which nothing applies is no mistake."""
    from scenarios.results import FINDINGS, Kind

    if run.interrupted:
        return EXIT_INTERRUPTED
    if any(result.table_fault for result in run.results):
        return EXIT_USAGE
    if run.health.protocol_errors or (run.health.abandoned and not run.answered):
        return EXIT_TARGET
    findings = FINDINGS | {Kind.WARN} if strict else FINDINGS
    if run.shard is None and all(result.outcome is Kind.NOT_APPLICABLE for result in run.results):
        return EXIT_USAGE
    found = run.profile_findings() or run.baseline_problems
    return EXIT_FINDINGS if found or any(result.outcome in findings for result in run.results) else 0
