"""The kill matrix: which scenarios are asked of which mutant, and what the answers prove.

Asking every mutant everything would take half an hour and prove no more. First the copy without a flaw is asked
everything: what it fails proves nothing. Then each mutant is asked the scenarios that name its rule, for those alone
can kill it for the right reason. At last each rejecting scenario that has killed nobody yet is asked of all
mutants of its group of rules, and of those others that most scenarios killed, until it has killed one.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from scenarios import rulebook
from scenarios.results import Kind, Severity
from scenarios.rulebook import Level
from scenarios.selftest.asking import HONEST, Askers, Seen
from scenarios.selftest.report import MutantRecord, ScenarioRecord, Selftest, Totals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from concurrent.futures import Future

    from scenarios.selftest.asking import Asked
    from scenarios.selftest.explained import Explained
    from scenarios.selftest.mutant import Mutant
    from scenarios.tables.scenario import Scenario

_CHUNK: Final = 60
"""So many scenarios (a count) of the honest copy are one piece of work."""
_BROADEST: Final = 40
"""So many mutants of other groups, those that most scenarios killed, are tried by a scenario that killed nobody."""


@dataclass(slots=True)
class _Board:
    """What is known so far."""

    passing: set[str] = field(default_factory=set)
    broken: list[str] = field(default_factory=list)
    kills: dict[str, list[Seen]] = field(default_factory=dict)
    """By mutant: the findings."""
    asked: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def note(self, mutant: str, done: Asked) -> None:
        for seen in done.seen:
            if seen.outcome is not Kind.PASS and seen.outcome is not Kind.NOT_APPLICABLE:
                self.kills.setdefault(seen.mutant, []).append(seen)
        self.asked[mutant] = self.asked.get(mutant, 0) + done.asked
        self.seconds[mutant] = self.seconds.get(mutant, 0.0) + done.seconds

    def killing(self) -> set[str]:
        """Return the scenarios that have killed somebody."""
        return {seen.scenario for kills in self.kills.values() for seen in kills if seen.is_finding}


def selftest(
    catalogue: Mapping[str, Scenario],
    mutants: Mapping[str, Mutant],
    explained: Explained,
    *,
    jobs: int,
    whole: bool,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> Selftest:
    """Ask scenarios of mutants and return what it proved.

    With `whole`, rejecting scenarios are held to killing somebody too, which makes sense for all mutants and the whole
    catalogue alone. `progress` is told of a step, and how much of it is done.
    """
    began, board = time.perf_counter(), _Board()
    by_rule = _by_rule(catalogue.values())
    wanted = (
        catalogue if whole else {n: s for m in mutants.values() for n, s in by_rule.get(m.rule, {}).items()}
    )
    with Askers(catalogue, mutants, jobs) as askers:
        _ask_honest(askers, list(wanted), board, progress)
        _ask_own(askers, mutants, by_rule, board, progress)
        if whole:
            rejecting = [n for n, s in catalogue.items() if n in board.passing and s.negative]
            _ask_idle(askers, mutants, catalogue, rejecting, board, jobs, progress)
    return _judged(catalogue, mutants, explained, board, whole=whole, took=time.perf_counter() - began)


def _by_rule(scenarios: Iterable[Scenario]) -> dict[str, dict[str, Scenario]]:
    found: dict[str, dict[str, Scenario]] = {}
    for scenario in scenarios:
        for rule in scenario.rules:
            found.setdefault(rule, {})[scenario.id] = scenario
    return found


def _ask_honest(
    askers: Askers, wanted: Sequence[str], board: _Board, progress: Callable[[str, int, int], None]
) -> None:
    chunks = [wanted[at : at + _CHUNK] for at in range(0, len(wanted), _CHUNK)]
    for number, future in enumerate([askers.ask_all(HONEST, chunk) for chunk in chunks], 1):
        for seen in future.result().seen:
            if seen.outcome is Kind.PASS:
                board.passing.add(seen.scenario)
            elif seen.outcome is not Kind.NOT_APPLICABLE:
                board.broken.append(seen.scenario)
        progress("the verifier without a flaw", number, len(chunks))


def _ask_own(
    askers: Askers,
    mutants: Mapping[str, Mutant],
    by_rule: Mapping[str, Mapping[str, Scenario]],
    board: _Board,
    progress: Callable[[str, int, int], None],
) -> None:
    own = {
        name: [one for one in by_rule.get(mutant.rule, {}) if one in board.passing]
        for name, mutant in mutants.items()
    }
    longest_first = sorted(own, key=lambda name: -len(own[name]))
    futures = {name: askers.ask_all(name, own[name]) for name in longest_first}
    for number, (name, future) in enumerate(futures.items(), 1):
        board.note(name, future.result())
        progress("each mutant by the scenarios of its rule", number, len(futures))


def _ask_idle(
    askers: Askers,
    mutants: Mapping[str, Mutant],
    catalogue: Mapping[str, Scenario],
    rejecting: Sequence[str],
    board: _Board,
    jobs: int,
    progress: Callable[[str, int, int], None],
) -> None:
    # A mutant that many scenarios killed is likely to be killed by more.
    broadest = sorted(mutants, key=lambda name: -len(board.kills.get(name, ())))
    killing = board.killing()
    groups: dict[str, list[str]] = {}
    for name in rejecting:
        if name not in killing:
            groups.setdefault(catalogue[name].rule.id.partition("-")[0], []).append(name)
    futures: list[Future[Asked]] = []
    for group, idle in groups.items():
        near = [name for name in broadest if name.startswith(f"{group}-")]
        who = [*near, *(name for name in broadest[:_BROADEST] if name not in near)]
        futures += [askers.ask_until_killing(who, idle[at::jobs]) for at in range(min(jobs, len(idle)))]
    for number, future in enumerate(futures, 1):
        board.note("", future.result())
        progress("scenarios that have killed nobody yet", number, len(futures))


def kills_rightly(seen: Seen, mutant: Mutant, scenario: Scenario) -> bool:
    """Tell whether a finding kills a mutant for the right reason.

    The scenario names the rule that the mutant breaks, and finds what is as grave as that rule: of a MUST or a policy a
    failure, of a SHOULD or a MAY a warning too. A wrong reason will do only where reasons are the flaw.
    """
    if mutant.rule not in scenario.rules:
        return False
    if mutant.reasons and seen.severity is Severity.WRONG_REASON:
        return True
    lenient = rulebook.rules()[mutant.rule].level in (Level.SHOULD, Level.MAY)
    return seen.is_finding and (lenient or seen.outcome is not Kind.WARN)


def _judged(
    catalogue: Mapping[str, Scenario],
    mutants: Mapping[str, Mutant],
    explained: Explained,
    board: _Board,
    *,
    whole: bool,
    took: float,
) -> Selftest:
    records = []
    for mutant in mutants.values():
        seen = board.kills.get(mutant.id, [])
        right = [one.scenario for one in seen if kills_rightly(one, mutant, catalogue[one.scenario])]
        records.append(
            MutantRecord(
                id=mutant.id,
                rule=mutant.rule,
                flaw=mutant.flaw,
                like=mutant.like,
                killed_by=tuple(right),
                also_found_by=tuple(
                    one.scenario for one in seen if one.is_finding and one.scenario not in right
                ),
                asked=board.asked.get(mutant.id, 0),
                seconds=round(board.seconds.get(mutant.id, 0.0), 3),
                explained=explained.by_mutant.get(mutant.id),
            )
        )
    killing = board.killing()
    scenarios = tuple(
        ScenarioRecord(
            id=name,
            rule=scenario.rule.id,
            kills=name in killing,
            explained=explained.by_scenario.get(name),
        )
        for name, scenario in catalogue.items()
        if whole and name in board.passing and scenario.negative
    )
    survived = [one for one in records if not one.killed_by]
    return Selftest(
        totals=Totals(
            mutants=len(records),
            killed=len(records) - len(survived),
            survived=len(survived),
            explained_mutants=sum(one.explained is not None for one in survived),
            scenarios=len(board.passing),
            rejecting_scenarios=len(scenarios),
            idle_scenarios=sum(not one.kills and one.explained is None for one in scenarios),
            explained_scenarios=sum(not one.kills and one.explained is not None for one in scenarios),
        ),
        mutants=tuple(records),
        scenarios=scenarios,
        whole=whole,
        duration_s=round(took, 2),
        problems=tuple(_problems(catalogue, mutants, explained, board, records, scenarios, whole=whole)),
    )


def _problems(
    catalogue: Mapping[str, Scenario],
    mutants: Mapping[str, Mutant],
    explained: Explained,
    board: _Board,
    records: Sequence[MutantRecord],
    scenarios: Sequence[ScenarioRecord],
    *,
    whole: bool,
) -> Iterable[str]:
    """Say what makes the selftest fail besides survivors and idle scenarios."""
    for name in board.broken:
        yield f"{name} finds something at the verifier without a flaw, and so proves nothing"
    for record in records:
        if record.killed_by and record.explained is not None:
            yield f"{record.id} is explained as a survivor, and was killed by {record.killed_by[0]}: remove the entry"
    for one in scenarios:
        if one.kills and one.explained is not None:
            yield f"{one.id} is explained as idle, and kills a mutant: remove the entry"
    if whole:
        yield from _unknown(catalogue, mutants, explained, {one.id for one in scenarios})


def _unknown(
    catalogue: Mapping[str, Scenario],
    mutants: Mapping[str, Mutant],
    explained: Explained,
    rejecting: set[str],
) -> Iterable[str]:
    """Say which reasons are for what is not there."""
    for name in explained.by_mutant:
        if name not in mutants:
            yield f"{name} is explained, and no mutant is called so"
    for name in explained.by_scenario:
        if name not in catalogue:
            yield f"{name} is explained, and no scenario is called so"
        elif name not in rejecting:
            yield f"{name} is explained as idle, and is no rejecting scenario that applies"
