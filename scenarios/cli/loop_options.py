"""Options of `run` for the loop of whoever runs it often: a part of it, what failed, again at each change."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scenarios.cli.options import write

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from scenarios.baseline import Baseline
    from scenarios.results import Run, ShardRecord
    from scenarios.shards import Shard
    from scenarios.tables.scenario import Scenario

_OPTIONS = (
    click.option("--shard", metavar="I/N", help="Run part I of N, the same split everywhere; see `merge`."),
    click.option(
        "--durations",
        metavar="RESULT.json",
        type=click.Path(),
        help="Split by how long each scenario took in an earlier run.",
    ),
    click.option(
        "--failed",
        metavar="[RESULT.json]",
        is_flag=False,
        flag_value="",
        help="Only what failed when it was asked last, or in a result file.",
    ),
    click.option(
        "--write-baseline",
        metavar="FILE",
        help="Write the findings as a baseline; reason and link of each are yours to fill in.",
    ),
    click.option(
        "--watch",
        is_flag=True,
        help="Run again when the target's files or tables change, what failed first.",
    ),
)


@dataclass(frozen=True, slots=True)
class Loop:
    """What those options ask for."""

    shard: Shard | None
    durations: Mapping[str, float]
    failed: str | None
    """None where everything is meant; else the result file that says what failed, or empty for the last run."""
    write_baseline: str | None
    watch: bool

    def narrowed(self, wanted: Sequence[Scenario], target: str | None) -> list[Scenario]:
        """Return what is left to run. Raises `click.UsageError` when nobody knows what failed."""
        if self.failed is not None:
            names = set(_failed(self.failed, target))
            wanted = [scenario for scenario in wanted if scenario.id in names]
        return list(wanted) if self.shard is None else self.shard.of(wanted, self.durations)

    def record(self, wanted: Sequence[Scenario], mine: Sequence[Scenario]) -> ShardRecord | None:
        """Return what the result says of the part that it is."""
        return None if self.shard is None else self.shard.record(wanted, mine)

    def after(self, run: Run, target: str | None, known: Baseline, *, strict: bool) -> None:
        """Keep what failed for the next time, and write the baseline that was asked for."""
        from scenarios.last_run import remember

        if target is not None:
            remember(target, run.results, strict=strict)
        if self.write_baseline is None:
            return
        if run.interrupted:
            click.echo(f"touchstone run: interrupted, so '{self.write_baseline}' was not written", err=True)
            return
        from scenarios.baseline_writer import baseline_text

        write(self.write_baseline, baseline_text(run, known, strict=strict).encode())
        click.echo(
            f"touchstone run: wrote {self.write_baseline}; say in each entry why it is known and where that is "
            "followed up, and name it with --baseline",
            err=True,
        )


def looping(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command these options, in one parameter `loop`."""

    @functools.wraps(command)
    def with_loop(
        *,
        shard: str | None,
        durations: str | None,
        failed: str | None,
        write_baseline: str | None,
        watch: bool,
        **others: Any,
    ) -> Any:
        if watch and (write_baseline is not None or failed is not None):
            raise click.UsageError("--watch runs again by itself: leave --failed and --write-baseline out")
        if durations is not None and shard is None:
            raise click.UsageError("--durations says how to split: give --shard too")
        if write_baseline is not None:
            _check_baseline(write_baseline, others.get("baseline"), whole=shard is None)
        loop = Loop(_shard(shard), _durations(durations), failed, write_baseline, watch)
        return command(loop=loop, **others)

    for option in reversed(_OPTIONS):
        with_loop = option(with_loop)
    return with_loop


def _check_baseline(path: str, baseline: str | None, *, whole: bool) -> None:
    """Raise `click.UsageError` before a run whose findings could not be written, or would take a person's words."""
    from scenarios.cli.options import check_writable

    if not whole:
        raise click.UsageError("a shard sees a part of the findings: write the baseline from a whole run")
    check_writable(path)
    if Path(path).exists() and (baseline is None or Path(baseline).resolve() != Path(path).resolve()):
        raise click.UsageError(f"'{path}' exists: name it with --baseline too, and what it says is kept")


def _shard(text: str | None) -> Shard | None:
    from scenarios.shards import Shard

    try:
        return None if text is None else Shard.parse(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--shard") from None


def _durations(path: str | None) -> dict[str, float]:
    return {} if path is None else {result.id: result.duration_s for result in _read(path).results}


def _failed(file: str, target: str | None) -> Sequence[str]:
    """Return the ids of what failed. Raises `click.UsageError` when nothing is known."""
    from scenarios import last_run

    if file:
        return last_run.failed(_read(file).results, strict=True)
    if target is None:
        raise click.UsageError(
            "--failed remembers targets by their file: give --target, or --failed RESULT.json"
        )
    known = last_run.recall(target)
    if known is None:
        raise click.UsageError(
            f"nothing is known of an earlier run of '{target}' ({last_run.place(target)}): run it without --failed, "
            "or name the file that --json wrote: --failed RESULT.json"
        )
    return known


def _read(path: str) -> Run:
    from scenarios.result_file import ResultFileError, read_run

    try:
        return read_run(path)
    except ResultFileError as error:
        raise click.UsageError(str(error)) from None
