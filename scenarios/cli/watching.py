"""`run --watch`: a run at each change, of what failed last first, and of all once that is mended.

Each run is a process of its own, so that a verifier in Python is read anew.
"""

from __future__ import annotations

import queue
import re
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from scenarios.cli import EXIT_FINDINGS, EXIT_INTERRUPTED
from scenarios.last_run import FOLDER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

WAITING = "touchstone run: waiting for a change; Ctrl-C ends"


_SOURCE: Final = re.compile(
    r"\.(c|cc|cfg|clj|conf|cpp|cs|erl|exs?|go|h|hpp|hs|in|ini|java|[cm]?js|kt|m?ts|php|p[lmy]|rb|rs|scala|sh|swift|toml"
    r"|ya?ml)\Z"
)
"""The endings of files that people write, and a run does not."""


def rounds(
    changes: Iterable[Iterable[Path]],
    ask: Callable[[Sequence[str]], int],
    say: Callable[[str], None],
    clock: Callable[[], float] = time.time,
) -> None:
    """Run all, and again when people change a file: what failed first, and all when none of that fails any more.

    `ask` runs with further options and returns the exit status; `clock` is that of the files (seconds since 1970).
    """
    began, status = clock(), ask(())
    ended = clock()
    say(WAITING)
    for changed in changes:
        if not any(is_reason(path, began, ended) for path in changed):
            continue
        began = clock()
        if status == EXIT_FINDINGS:
            status = ask(("--failed",))
        if status != EXIT_FINDINGS:
            status = ask(())
        ended = clock()
        say(WAITING)


def is_reason(changed: Path, began: float, ended: float) -> bool:
    """Whether a changed file is a reason to run again, after a run between two times.

    What is no source and was written meanwhile, or is gone, is a log, a cache or a state of the target itself: another
    run would only write it again.
    """
    if _SOURCE.match(changed.suffix):
        return True
    try:
        return not began <= changed.stat().st_mtime <= ended
    except OSError:
        return False


def watch_and_run(target: str | None, tables: Sequence[str], written: Iterable[str]) -> int:
    """Run at each change of the target's folder or of tables until interrupted; the exit status is then 130.

    `written` are files that a run writes, and no reason for another. Raises `click.UsageError` when there is nothing to
    watch, or nothing to watch it with.
    """
    if target is None:
        raise click.UsageError("--watch runs again when a target changes: give --target FILE")
    if not Path(target).is_file():
        raise click.UsageError(f"the target file '{target}' is not there to be watched")
    paths = [
        Path(target).resolve().parent,
        *(path for table in tables if (path := Path(table).resolve()).exists()),
    ]
    own = [Path(name).resolve() for name in written]
    command = [sys.executable, "-m", "scenarios", "run", *_words(click.get_current_context())]
    try:
        with _changes(paths, own) as changes:
            rounds(changes, lambda more: _run([*command, *more]), lambda text: click.echo(text, err=True))
    except KeyboardInterrupt:
        click.echo("touchstone run: no longer watching", err=True)
    return EXIT_INTERRUPTED


@contextmanager
def _changes(paths: Sequence[Path], ignored: Sequence[Path]) -> Iterator[Iterator[set[Path]]]:
    """Give changed files from now on, those during a run too; several at once are one."""
    try:
        from watchfiles import DefaultFilter, watch
    except ImportError:
        raise click.UsageError("--watch needs watchfiles: pip install 'oidc-touchstone[watch]'") from None
    sources = DefaultFilter(
        ignore_dirs=[*DefaultFilter.ignore_dirs, FOLDER, ".ruff_cache"], ignore_paths=list(ignored)
    )
    stop, seen = threading.Event(), queue.Queue[set[Path]]()

    def look() -> None:
        for changes in watch(*paths, watch_filter=sources, stop_event=stop, debounce=200):
            seen.put({Path(name) for _, name in changes})

    def each() -> Iterator[set[Path]]:
        while True:
            changed = seen.get()
            while not seen.empty():
                changed |= seen.get_nowait()
            yield changed

    thread = threading.Thread(target=look, name="watch", daemon=True)
    thread.start()
    try:
        yield each()
    finally:
        stop.set()
        thread.join()


def _run(command: Sequence[str]) -> int:
    """Run a command to its end. An interrupt reaches it too, and then its report is waited for."""
    with subprocess.Popen(command) as process:  # noqa: S603 - this very command
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.wait()
            raise


def _words(context: click.Context) -> list[str]:
    """Return the options of the command in hand, as they were given, but for --watch."""
    words: list[str] = []
    for parameter in context.command.params:
        value = context.params.get(parameter.name or "")
        if parameter.name == "watch" or value in (None, False, ()):
            continue
        for item in value if isinstance(value, tuple) else (value,):
            words += [parameter.opts[0]] if item in (True, "") else [parameter.opts[0], str(item)]
    return words
