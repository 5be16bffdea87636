"""Runs side by side: a matrix of targets by rule and by scenario, and where two targets of one chain disagree.

It reads what `touchstone run --json` wrote, and asks no target anything.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from scenarios import rulebook
from scenarios.files.problems import nearest
from scenarios.result_file import ResultFileError, read_run
from scenarios.results import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from scenarios.results import Result, Run

DIFFERS: Final = frozenset({Kind.FAIL, Kind.WARN, Kind.ERROR, Kind.UNPROVEN, Kind.XFAIL})
"""The outcomes that are a difference from what is right, known before or not."""
YES: Final = frozenset({"accept", "onboarded"})
JUDGED: Final = frozenset({"accept", "reject", "onboarded", "refused"})
_HOW: Final = ("other users", "only the first lets it in", "only the second lets it in")


class CompareError(ValueError):
    """A file, or a name of a target, that cannot be compared: in one line."""


class Column(msgspec.Struct, frozen=True):
    """One target of the matrix."""

    name: str
    """What the target and its release are called; with the file's name where two are called the same."""
    file: str
    totals: dict[str, int]


class ScenarioRow(msgspec.Struct, frozen=True):
    """One scenario: its outcome for each target, None where a run did not have it."""

    id: str
    rule: str
    level: str
    basis: str
    says: str
    outcomes: tuple[str | None, ...]


class RuleCell(msgspec.Struct, frozen=True):
    """Of the scenarios of one rule, how many were asked of one target, and how many came out otherwise than right."""

    asked: int
    differ: int


class RuleRow(msgspec.Struct, frozen=True):
    """One rule: its cell for each target."""

    rule: str
    level: str
    basis: str
    statement: str
    cells: tuple[RuleCell, ...]

    @property
    def quiet(self) -> bool:
        """Whether no target differs."""
        return not any(cell.differ for cell in self.cells)


class Disagreement(msgspec.Struct, frozen=True):
    """One scenario in which two targets of a chain say different things of one credential, or record."""

    id: str
    rule: str
    says: str
    how: str
    """`other users`, `only the first lets it in` or `only the second lets it in`."""
    first: str
    second: str


class Chain(msgspec.Struct, frozen=True):
    """Two targets, the first in front of the second, and all that they disagree about, the worst first."""

    first: str
    second: str
    compared: int
    """How many scenarios both of them answered."""
    disagreements: tuple[Disagreement, ...]


class Comparison(msgspec.Struct, frozen=True):
    """Everything that is shown; `--json` writes it."""

    targets: tuple[Column, ...]
    rules: tuple[RuleRow, ...]
    scenarios: tuple[ScenarioRow, ...]
    chains: tuple[Chain, ...] = ()
    notes: tuple[str, ...] = ()
    """What a reader must know of the files: a run that was interrupted, different releases of Touchstone."""


@dataclass(frozen=True, slots=True)
class _Loaded:
    file: str
    run: Run
    by_id: Mapping[str, Result]


def compare(paths: Sequence[str], chains: Iterable[tuple[str, str]] = ()) -> Comparison:
    """Compare result files. Raises `CompareError` for one that cannot be read, and for a chain of unknown targets."""
    loaded = [_load(path) for path in paths]
    names = _names(loaded)
    rows = _scenarios(loaded)
    return Comparison(
        targets=tuple(
            Column(name, one.file, one.run.totals) for name, one in zip(names, loaded, strict=True)
        ),
        rules=_rules(rows, len(loaded)),
        scenarios=rows,
        chains=tuple(_chain(first, second, names, loaded) for first, second in chains),
        notes=_notes(names, loaded),
    )


def _load(path: str) -> _Loaded:
    try:
        run = read_run(path)
    except ResultFileError as error:
        raise CompareError(str(error)) from None
    return _Loaded(path, run, {result.id: result for result in run.results})


def _names(loaded: Sequence[_Loaded]) -> list[str]:
    names = [" ".join(filter(None, (one.run.target.name, one.run.target.version))) for one in loaded]
    often = Counter(names)
    return [
        f"{name} ({Path(one.file).stem})" if often[name] > 1 else name
        for name, one in zip(names, loaded, strict=True)
    ]


def _scenarios(loaded: Sequence[_Loaded]) -> tuple[ScenarioRow, ...]:
    first_seen: dict[str, Result] = {}
    for one in loaded:
        for result in one.run.results:
            first_seen.setdefault(result.id, result)
    return tuple(
        ScenarioRow(
            name,
            result.rules[0] if result.rules else "",
            result.level,
            result.basis,
            result.says,
            tuple(one.by_id[name].outcome.value if name in one.by_id else None for one in loaded),
        )
        for name, result in first_seen.items()
    )


def _rules(rows: Iterable[ScenarioRow], targets: int) -> tuple[RuleRow, ...]:
    by_rule: dict[str, list[ScenarioRow]] = {}
    for row in rows:
        by_rule.setdefault(row.rule, []).append(row)
    known = rulebook.rules()
    order = [name for name in known if name in by_rule] + [name for name in by_rule if name not in known]
    return tuple(
        RuleRow(
            name,
            by_rule[name][0].level,
            by_rule[name][0].basis,
            known[name].statement if name in known else "",
            tuple(_cell(row.outcomes[index] for row in by_rule[name]) for index in range(targets)),
        )
        for name in order
    )


def _cell(outcomes: Iterable[str | None]) -> RuleCell:
    asked = [outcome for outcome in outcomes if outcome not in (None, Kind.NOT_APPLICABLE.value)]
    return RuleCell(len(asked), sum(outcome in DIFFERS for outcome in asked))


def _chain(first: str, second: str, names: Sequence[str], loaded: Sequence[_Loaded]) -> Chain:
    front, back = (_named(word, names, loaded) for word in (first, second))
    if front == back:
        raise CompareError(f"a chain is of two targets, and '{first}' and '{second}' are one")
    ahead, behind = loaded[front].by_id, loaded[back].by_id
    pairs = [(ahead[name], behind[name]) for name in ahead if name in behind]
    both = [(one, other) for one, other in pairs if _answered(one) and _answered(other)]
    found = [disagreement for one, other in both if (disagreement := _disagreement(one, other))]
    found.sort(key=lambda one: _HOW.index(one.how))
    return Chain(names[front], names[back], len(both), tuple(found))


def _named(word: str, names: Sequence[str], loaded: Sequence[_Loaded]) -> int:
    """Return which target is meant: by its name as shown, its name alone, or its file."""
    for index, (name, one) in enumerate(zip(names, loaded, strict=True)):
        if word in (name, one.file, Path(one.file).name, Path(one.file).stem):
            return index
    alone = [index for index, one in enumerate(loaded) if one.run.target.name == word]
    if len(alone) == 1:
        return alone[0]
    if alone:
        raise CompareError(f"more than one target is called '{word}': say which by its file")
    raise CompareError(f"no target of these files is called '{word}'{nearest(word, names)}")


def _answered(result: Result) -> bool:
    return result.verdict is not None and result.verdict.kind in JUDGED


def _disagreement(first: Result, second: Result) -> Disagreement | None:
    one, other = first.verdict, second.verdict
    if one is None or other is None:
        return None
    if (one.kind in YES) != (other.kind in YES):
        how = _HOW[1] if one.kind in YES else _HOW[2]
    elif one.kind == other.kind == "accept" and one.user != other.user:
        how = _HOW[0]
    else:
        return None
    return Disagreement(
        first.id, first.rules[0] if first.rules else "", first.says, how, _said(first), _said(second)
    )


def _said(result: Result) -> str:
    verdict = result.verdict
    if verdict is None:
        return "nothing"
    if verdict.kind == "accept":
        return f"accepts as {verdict.user or 'nobody who is known'}"
    word = {"reject": "rejects", "refused": "refuses"}.get(verdict.kind, verdict.kind)
    return f"{word} ({verdict.reason})" if verdict.reason not in (None, "other") else word


def _notes(names: Sequence[str], loaded: Sequence[_Loaded]) -> tuple[str, ...]:
    notes = [
        f"{name}: the run was interrupted"
        for name, one in zip(names, loaded, strict=True)
        if one.run.interrupted
    ]
    notes += [
        f"{name}: the target was given up: {one.run.health.abandoned}"
        for name, one in zip(names, loaded, strict=True)
        if one.run.health.abandoned
    ]
    if len({one.run.tool for one in loaded}) > 1:
        notes.append(
            "the files are of different releases of Touchstone, and so perhaps of different scenarios"
        )
    return tuple(notes)
