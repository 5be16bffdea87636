"""How far a run is: a bar with the time left on a terminal, and a plain line now and then where there is none."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scenarios.results import Result

EVERY_S: Final = 30.0
"""A plain line each so many seconds: most runs are over before the first, and no pipeline takes a long one for dead."""


@dataclass(slots=True)
class Lines:
    """Progress in plain lines. `clock` gives seconds; only their differences count."""

    count: int
    say: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    _done: int = 0
    _began: float = field(init=False)
    _said: float = field(init=False)

    def __post_init__(self) -> None:
        self._began = self._said = self.clock()

    def __call__(self, result: Result) -> None:
        """Note that a result has come, and say so when it is time."""
        self._done += 1
        now = self.clock()
        if now - self._said < EVERY_S:
            return
        self._said = now
        left = (now - self._began) / self._done * (self.count - self._done)
        group = result.id.rpartition("/")[0]
        self.say(f"touchstone run: {self._done} of {self.count} asked, about {left:.0f} s left ({group})")


@contextmanager
def bar(count: int) -> Iterator[Callable[[Result], None]]:
    """Show a bar with the time left on stderr, a terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from scenarios.reports.terminal import console

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=count)
        yield lambda result: progress.update(task, advance=1, description=result.id.rpartition("/")[0])
