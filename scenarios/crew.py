"""Who asks: this process alone, or several workers at once, each with a target and a mock IdP of its own.

The results come in the order asked for, whoever asked. Nothing is shared between workers but what was loaded before
they were forked, so that no verdict can depend on their number.
"""

from __future__ import annotations

import itertools
import multiprocessing
import multiprocessing.util
import os
import signal
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar, Final

from scenarios.run import run
from scenarios.stage import Lab
from scenarios.stage.signatures import SIGNATURES
from scenarios.targets.profile import Profile, TargetError
from scenarios.targets.protocol import Declaration
from scenarios.targets.session import Health

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from scenarios.results import Result
    from scenarios.tables.scenario import Scenario
    from scenarios.targets.session import Session

WORTH_FORKING: Final = 200
"""Fewer scenarios than this (a count) are sooner asked than workers are started."""


@dataclass(frozen=True, slots=True)
class Account:
    """What one asker has seen so far: its target, how that bore up, and what its mock IdP did."""

    declaration: Declaration = field(default_factory=Declaration)
    profile: Profile = field(default_factory=Profile)
    health: Health = field(default_factory=Health)
    abandoned: str | None = None
    tokens: int = 0
    fetches: int = 0

    @classmethod
    def of(cls, session: Session, lab: Lab) -> Account:
        """Take it from a session and a lab."""
        return cls(
            session.declaration, session.profile, session.health, session.abandoned, lab.tokens, lab.fetches
        )

    def plus(self, other: Account) -> Account:
        """Add another asker's account of the same target."""
        numbers = [f.name for f in fields(Health) if isinstance(getattr(self.health, f.name), int)]
        health = Health(
            **{name: getattr(self.health, name) + getattr(other.health, name) for name in numbers},
            stderr_tail=self.health.stderr_tail or other.health.stderr_tail,
            last_exit=self.health.last_exit or other.health.last_exit,
        )
        abandoned = self.abandoned or other.abandoned
        tokens, fetches = self.tokens + other.tokens, self.fetches + other.fetches
        return Account(self.declaration, self.profile, health, abandoned, tokens, fetches)


class Solo:
    """One asker, in this process."""

    def __init__(self, open_session: Callable[[], Session], catalogue: Mapping[str, Scenario]) -> None:
        self._lab = Lab()
        self._session = open_session()
        self._catalogue = catalogue
        self._known: dict[str, Result] = {}
        self._session.start()

    def results(self, wanted: Sequence[Scenario]) -> Iterator[Result]:
        """Yield the result of each wanted scenario as it comes; then the target forgets, and shows what came late."""
        yield from run(wanted, self._catalogue, self._session, self._lab, self._known)
        self._session.reset()

    @property
    def account(self) -> Account:
        """What was seen so far."""
        return Account.of(self._session, self._lab)

    def close(self) -> None:
        """End the target and the mock IdP; what was signed may serve the next run."""
        self._session.close()
        self._lab.close()
        if self._session.profile.can("clock"):  # else the tokens were of this very second
            SIGNATURES.keep()


class Crew:
    """Several askers, each in a forked process; a group of scenarios is always asked by one of them."""

    def __init__(
        self, open_session: Callable[[], Session], catalogue: Mapping[str, Scenario], jobs: int
    ) -> None:
        self._accounts: dict[int, Account] = {}
        _Worker.recipe = (open_session, catalogue)  # inherited by fork: nothing needs to be pickled
        self._pool = ProcessPoolExecutor(
            jobs, mp_context=multiprocessing.get_context("fork"), initializer=_Worker.ignore_signals
        )

    def results(self, wanted: Sequence[Scenario]) -> Iterator[Result]:
        """Yield the result of each wanted scenario, a group at a time. Raises `TargetError`."""
        groups = [[s.id for s in group] for _, group in itertools.groupby(wanted, lambda s: s.group)]
        try:
            for pid, account, results, failure in self._pool.map(_Worker.ask, groups):
                if failure is not None:
                    raise TargetError(*failure)
                self._accounts[pid] = account
                yield from results
        except BrokenProcessPool:
            raise TargetError(
                "crash", "the target ended the process that asked it; run it over JSON lines"
            ) from None

    @property
    def account(self) -> Account:
        """What all of them saw so far."""
        accounts = list(self._accounts.values())
        total = accounts[0] if accounts else Account()
        for account in accounts[1:]:
            total = total.plus(account)
        return total

    def close(self) -> None:
        """Let the workers finish the group in hand, and end; at a second interrupt they are ended at once."""
        try:
            self._pool.shutdown(cancel_futures=True)
        except KeyboardInterrupt:
            for worker in multiprocessing.active_children():
                worker.kill()
            self._pool.shutdown(wait=False)


class _Worker:
    """What lives in a forked process."""

    recipe: ClassVar[tuple[Callable[[], Session], Mapping[str, Scenario]]]
    solo: ClassVar[Solo | None] = None

    @staticmethod
    def ignore_signals() -> None:
        """Leave an interrupt to the process that was started first; it ends the others in order."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)

    @classmethod
    def ask(cls, ids: Sequence[str]) -> tuple[int, Account, list[Result], tuple[str, str] | None]:
        """Ask a group. Errors of the target come back as words: exceptions do not travel well."""
        open_session, catalogue = cls.recipe
        try:
            if cls.solo is None:
                cls.solo = Solo(open_session, catalogue)
                multiprocessing.util.Finalize(None, cls.solo.close, exitpriority=10)
            results = list(cls.solo.results([catalogue[name] for name in ids]))
        except TargetError as error:
            return os.getpid(), Account(), [], (error.kind, error.message)
        return os.getpid(), cls.solo.account, results, None


def asker(
    open_session: Callable[[], Session], catalogue: Mapping[str, Scenario], jobs: int, count: int
) -> Solo | Crew:
    """Return who asks `count` scenarios with up to `jobs` workers. Raises `TargetError`."""
    forking = "fork" in multiprocessing.get_all_start_methods()
    if jobs > 1 and count >= WORTH_FORKING and forking:
        return Crew(open_session, catalogue, jobs)
    return Solo(open_session, catalogue)


def cores() -> int:
    """Return how many processors this process may use."""
    affinity: Any = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
