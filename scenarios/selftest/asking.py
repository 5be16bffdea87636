"""Asking copies of the verifier, in worker processes: each has a mock IdP of its own and one copy at a time."""

from __future__ import annotations

import gc
import multiprocessing
import multiprocessing.util
import signal
import time
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple, Self

from scenarios.results import Kind, Severity
from scenarios.run import run_scenario
from scenarios.selftest.copies import session_with
from scenarios.stage import Lab

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from concurrent.futures import Future

    from scenarios.results import Result
    from scenarios.selftest.mutant import Mutant
    from scenarios.tables.scenario import Scenario

HONEST: Final = ""
"""The id that stands for the copy without a flaw."""


class Seen(NamedTuple):
    """What one scenario showed of one copy."""

    mutant: str
    scenario: str
    outcome: Kind
    severity: Severity | None

    @property
    def is_finding(self) -> bool:
        """Whether the copy did something that it must not do, beyond a reason that names another fault."""
        bad = self.outcome in (Kind.FAIL, Kind.ERROR, Kind.WARN)
        return bad and self.severity not in (None, Severity.WRONG_REASON)


class Asked(NamedTuple):
    """One piece of work done: what was seen, how many scenarios were asked, and the seconds it took."""

    seen: list[Seen]
    asked: int
    seconds: float


class Askers:
    """Worker processes that ask. Must be closed, by `close` or in `with`."""

    def __init__(self, catalogue: Mapping[str, Scenario], known: Mapping[str, Mutant], jobs: int) -> None:
        _Worker.catalogue, _Worker.mutants = (
            catalogue,
            known,
        )  # inherited by fork: nothing needs to be pickled
        self._pool = ProcessPoolExecutor(
            jobs, mp_context=multiprocessing.get_context("fork"), initializer=_Worker.begin
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the workers end after the work in hand."""
        self._pool.shutdown(cancel_futures=True)

    def ask_all(self, mutant: str, scenarios: Sequence[str]) -> Future[Asked]:
        """Ask one copy these scenarios; what comes back is every result."""
        return self._pool.submit(_Worker.ask_all, mutant, list(scenarios))

    def ask_until_killing(self, mutants: Sequence[str], scenarios: Sequence[str]) -> Future[Asked]:
        """Ask copies, in order, these scenarios, each until it has killed one; what comes back are the kills."""
        return self._pool.submit(_Worker.ask_until_killing, list(mutants), list(scenarios))


class _Worker:
    """What lives in a forked process."""

    catalogue: ClassVar[Mapping[str, Scenario]]
    mutants: ClassVar[Mapping[str, Mutant]]
    lab: ClassVar[Lab | None] = None

    @staticmethod
    def begin() -> None:
        """Leave an interrupt to the process that was started first; it ends the others in order."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        gc.freeze()

    @classmethod
    def ask_all(cls, mutant: str, scenarios: list[str]) -> Asked:
        began = time.perf_counter()
        seen = [_seen(mutant, result) for result in cls._results(mutant, scenarios)]
        return Asked(seen, len(scenarios), time.perf_counter() - began)

    @classmethod
    def ask_until_killing(cls, mutants: list[str], scenarios: list[str]) -> Asked:
        began, asked, left = time.perf_counter(), 0, scenarios
        kills: list[Seen] = []
        for mutant in mutants:
            if not left:
                break
            asked += len(left)
            new = [one for r in cls._results(mutant, left) if (one := _seen(mutant, r)).is_finding]
            kills += new
            killing = {one.scenario for one in new}
            left = [name for name in left if name not in killing]
        return Asked(kills, asked, time.perf_counter() - began)

    @classmethod
    def _results(cls, mutant: str, scenarios: list[str]) -> Iterable[Result]:
        if cls.lab is None:
            cls.lab = Lab()
            multiprocessing.util.Finalize(None, cls.lab.close, exitpriority=10)
        edits = cls.mutants[mutant].edits if mutant else ()
        with session_with(edits) as session:
            for name in scenarios:
                yield run_scenario(cls.catalogue[name], session, cls.lab)


def _seen(mutant: str, result: Result) -> Seen:
    outcome = Kind.NOT_APPLICABLE if result.unasked else result.outcome
    severity = Severity.BROKEN if result.table_fault else result.severity
    return Seen(mutant, result.id, outcome, severity)
