"""What the pytest plugin does once a test asks for it: scenarios as tests, tables as files, issuers for fixtures."""

from __future__ import annotations

import contextlib
import io
import itertools
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pytest

from mock_idp import Issuer, KeyRing, MockIdP, fixed_key, persona
from mock_idp.served import ServedIssuer
from scenarios.files.problems import TableErrors, nearest
from scenarios.results import Kind
from scenarios.run import run
from scenarios.selection import Selection, SelectionError
from scenarios.stage import Lab
from scenarios.tables.load import load, tables_at, together
from scenarios.targets.in_process import CallableTarget
from scenarios.targets.profile import TargetError
from scenarios.targets.reference import reference_session
from scenarios.targets.session import Session
from scenarios.targets.target_file import load_target, open_target, profile_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from scenarios.results import Result
    from scenarios.tables.scenario import Scenario

PROFILE_WORDS: Final = ("scope", "keys", "algorithms", "capabilities", "knobs", "checks")
WORDS: Final = (
    "target",
    "rejects",
    "reasons",
    "select",
    "rule",
    "level",
    "catalog",
    "only_catalog",
    *PROFILE_WORDS,
)


class TouchstoneWarning(UserWarning):
    """A broken SHOULD or MAY, or a right reject for the wrong reason."""


class MarkerError(ValueError):
    """A `touchstone` marker that cannot be used; its text is one sentence."""


class Bench:
    """The targets and the mock IdP that the scenario tests of one process share."""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()
        self._lab: Lab | None = None
        self._sessions: dict[Callable[[], Session], Session] = {}

    @property
    def lab(self) -> Lab:
        """The mock IdP, started when it is first needed."""
        if self._lab is None:
            self._lab = self._stack.enter_context(Lab())
        return self._lab

    def session(self, make: Callable[[], Session]) -> Session:
        """Return the started session of the target that `make` makes. Raises `TargetError`."""
        if make not in self._sessions:
            session = make()
            session.start()
            self._stack.callback(session.close)
            self._sessions[make] = session
        return self._sessions[make]

    def close(self) -> None:
        """End everything."""
        self._stack.close()


@dataclass(frozen=True, slots=True)
class Asked:
    """A target, and the catalogue that it is asked."""

    make: Callable[[], Session]
    catalogue: Mapping[str, Scenario]
    bench: Callable[[], Bench]
    known: dict[str, Result] = field(default_factory=dict)

    def result(self, scenario: Scenario) -> Result:
        """Ask a scenario and return its result; a control is asked once for all that need it."""
        bench = self.bench()
        session = bench.session(self.make)
        return next(run([scenario], self.catalogue, session, bench.lab, self.known))


@dataclass(frozen=True, slots=True)
class ScenarioTest:
    """One scenario as a test."""

    scenario: Scenario
    asked: Asked

    @property
    def id(self) -> str:
        """The scenario's id."""
        return self.scenario.id

    def result(self) -> Result:
        """Return what came of it. Raises `TargetError` when the target cannot be used."""
        return self.asked.result(self.scenario)

    def check(self) -> None:
        """Fail for a finding, skip when the scenario does not apply, and warn of a broken SHOULD."""
        __tracebackhide__ = True
        try:
            result = self.result()
        except TargetError as error:
            pytest.fail(error.message, pytrace=False)
        match result.outcome:
            case Kind.NOT_APPLICABLE:
                pytest.skip(result.message)
            case Kind.WARN:
                warnings.warn(TouchstoneWarning(f"{result.id}: {result.message}"), stacklevel=2)
            case Kind.PASS:
                return
            case _:
                pytest.fail(explained(result), pytrace=False)


def explained(result: Result) -> str:
    """Return a finding as the terminal report explains it."""
    from rich.console import Console

    from scenarios.reports.terminal import finding

    text = io.StringIO()
    finding(result, Console(file=text, width=100, no_color=True, highlight=False, markup=False, emoji=False))
    return text.getvalue().strip("\n")


def scenario_tests(marker: pytest.Mark, folder: Path, bench: Callable[[], Bench]) -> list[ScenarioTest]:
    """Return the tests that a `touchstone` marker asks for. Raises `MarkerError`."""
    words: dict[str, Any] = {**dict(zip(("target",), marker.args, strict=False)), **marker.kwargs}
    if unknown := next((word for word in words if word not in WORDS), None):
        raise MarkerError(f"the marker touchstone takes no '{unknown}'{nearest(unknown, WORDS)}")
    if "target" not in words:
        raise MarkerError("the marker touchstone needs a target: a callable, or the path of a target file")
    try:
        added, alone = (
            [folder / path for path in _words(words.get(word))] for word in ("catalog", "only_catalog")
        )
        catalogue = together(added, alone)
        selection = Selection(
            _words(words.get("select")), _words(words.get("rule")), _words(words.get("level"))
        )
        chosen = selection.of(catalogue)
        asked = Asked(_maker(words, folder), catalogue, bench)
    except (TableErrors, SelectionError, TargetError) as error:
        raise MarkerError(str(error)) from None
    return [ScenarioTest(scenario, asked) for scenario in chosen]


def _words(value: str | Iterable[str] | None) -> tuple[str, ...]:
    return () if value is None else (value,) if isinstance(value, str) else tuple(value)


def _maker(words: Mapping[str, Any], folder: Path) -> Callable[[], Session]:
    target = words["target"]
    if not callable(target):
        spec = load_target(folder / target)
        return lambda: open_target(spec)
    profile = profile_of({word: words[word] for word in PROFILE_WORDS if word in words})
    rejects = words.get("rejects", ())
    classes = (rejects,) if isinstance(rejects, type) else tuple(rejects)
    return lambda: Session(
        CallableTarget(target, rejects=classes, reasons=words.get("reasons")), profile=profile
    )


class TableFile(pytest.File):
    """A table of the user's own, collected: one item a scenario."""

    bench: Callable[[], Bench]

    def collect(self) -> Iterator[TableItem]:
        """Yield the scenarios of the table. Raises `CollectError` with each mistake in one line."""
        named = self.config.getini("touchstone_target")
        make: Callable[[], Session] = reference_session
        try:
            if named:
                spec = load_target(self.config.rootpath / str(named))
                make = lambda: open_target(spec)  # noqa: E731 - it closes over the file read just now
            catalogue = load(tables_at([self.path]))
        except (TableErrors, TargetError) as error:
            raise self.CollectError(str(error)) from None
        asked = Asked(make, catalogue, self.bench)
        for scenario in catalogue.values():
            item: TableItem = TableItem.from_parent(self, name=scenario.id)
            item.test = ScenarioTest(scenario, asked)
            yield item


class TableItem(pytest.Item):
    """One scenario of a collected table."""

    test: ScenarioTest

    def runtest(self) -> None:
        """Ask the scenario."""
        self.test.check()

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return where the row stands."""
        return self.path, self.test.scenario.place.line - 1, self.name


def issuer_factory(idp: MockIdP) -> Callable[..., ServedIssuer]:
    """Return a function that makes issuers on a mock IdP."""
    numbers = itertools.count(1)

    def make(
        name: str = "generic", *, alg: str = "RS256", path: str | None = None, **options: Any
    ) -> ServedIssuer:
        where = f"/idp-{next(numbers)}" if path is None else path
        options.setdefault("base_url", idp.base_url + where)
        issuer = Issuer(persona(name), KeyRing([fixed_key("a", alg)]), **options)
        idp.add_issuer(where, issuer)
        return ServedIssuer(idp, where, issuer)

    return make
