"""Scenario files to a catalogue of scenarios, or to every problem in them with its place.

This is the only door from YAML to `Scenario`. It runs nothing and talks to nobody.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from scenarios.tables import model, yaml12
from scenarios.tables.convert import convert
from scenarios.tables.problems import Place, Problem, TableErrors, nearest
from scenarios.tables.resolve import Cell, Sink, resolve

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from importlib.resources.abc import Traversable

    from scenarios.tables.scenario import Scenario

MATRIX_WORDS: Final = ("alg", "keys", "persona", "hmac")
MAX_CELLS: Final = 200
"""More cells than this in one matrix is a mistake."""
_PLACEHOLDER: Final = {"id": "x", "says": "x"}


def builtin_tables() -> list[tuple[str, str]]:
    """Return (name, text) of each table that ships with the package, sorted by name."""
    root = resources.files("scenarios") / "catalog"
    return sorted((name, item.read_text(encoding="utf-8")) for name, item in _walk(root, "catalog"))


def _walk(folder: Traversable, name: str) -> Iterator[tuple[str, Traversable]]:
    for item in folder.iterdir():
        if item.is_dir():
            yield from _walk(item, f"{name}/{item.name}")
        elif item.name.endswith((".yaml", ".yml")):
            yield f"{name}/{item.name}", item


def tables_at(paths: Iterable[str | Path]) -> list[tuple[str, str | bytes]]:
    """Return (name, content) of each table at the paths; a folder stands for the tables below it.

    Raises `TableErrors` for a path that is not there, cannot be read, or holds no table.
    """
    tables: list[tuple[str, str | bytes]] = []
    problems = []
    for path in map(Path, paths):
        files = sorted(f for f in path.rglob("*.y*ml") if f.is_file()) if path.is_dir() else [path]
        if not files:
            problems.append(_problem(path, "this folder holds no .yaml file"))
        for file in files:
            try:
                tables.append((str(file), file.read_bytes()))
            except OSError as error:
                problems.append(_problem(file, f"cannot be read: {error.strerror or error}"))
    if problems:
        raise TableErrors(problems)
    return tables


def _problem(path: Path, message: str) -> Problem:
    return Problem(Place(str(path), 1, 1), message)


def load(tables: Iterable[tuple[str, str | bytes]]) -> dict[str, Scenario]:
    """Return the scenarios of all tables by id, in their order.

    Raises `TableErrors` with the problems of every table, not of the first alone.
    """
    scenarios: dict[str, Scenario] = {}
    problems: list[Problem] = []
    for source, text in tables:
        try:
            made = load_table(text, source)
        except TableErrors as errors:
            problems.extend(errors.problems)
            continue
        for scenario in made:
            if (other := scenarios.get(scenario.id)) is not None:
                problems.append(Problem(scenario.place, f"id '{scenario.id}' is taken by {other.place}"))
            scenarios[scenario.id] = scenario
    if problems:
        raise TableErrors(problems)
    return scenarios


def load_table(text: str | bytes, source: str) -> list[Scenario]:
    """Return the scenarios of one table. Raises `TableErrors`."""
    document = yaml12.load(text, source)
    sink = Sink(document)
    _check_types(sink)
    if sink.problems:
        raise TableErrors(sink.problems)
    rows = _rows(document.value)
    _check_ids(sink, rows)
    scenarios = [
        scenario
        for cell in _cells(document.value)
        for path, raw in rows
        if (scenario := resolve(sink, raw, path, cell)) is not None
    ]
    if not sink.problems:
        scenarios = _with_controls(sink, scenarios, rows)
    if sink.problems:
        raise TableErrors(sink.problems)
    return scenarios


def _check_types(sink: Sink) -> None:
    document = sink.document
    head = document.value
    if not isinstance(head, dict):
        sink.add((), "a table is a mapping that starts with group: and title:")
        return
    rows = head.get("scenarios")
    checks: list[tuple[type, yaml12.Path, Any]] = [
        (
            model.GroupFile,
            (),
            {**head, "scenarios": [_PLACEHOLDER]} if isinstance(rows, list) and rows else head,
        )
    ]
    if isinstance(rows, list):
        checks += [(model.Row, ("scenarios", index), row) for index, row in enumerate(rows)]
    for type_, path, value in checks:
        try:
            convert(document, type_, path, value if value is not None else {})
        except TableErrors as errors:
            sink.problems.update(errors.problems)
    vary = head.get("vary")
    if isinstance(vary, str) and not vary.startswith(("token.", "onboard.", "users.")):
        sink.add(("vary",), f"'{vary}' is no column: write token.…, onboard.… or users.…")
    for name, values in (head.get("matrix") or {}).items() if isinstance(head.get("matrix"), dict) else ():
        if name not in MATRIX_WORDS:
            sink.add(("matrix", name), f"'{name}' is no word of a matrix{nearest(name, MATRIX_WORDS)}")
        if not values:
            sink.add(("matrix", name), f"the matrix has no value for '{name}'")


def _rows(head: Mapping[str, Any]) -> list[tuple[yaml12.Path, Mapping[str, Any]]]:
    rows: list[tuple[yaml12.Path, Mapping[str, Any]]] = []
    if head.get("control"):
        rows.append((("control",), {"id": "control", **head["control"]}))
    rows.extend((("scenarios", index), row) for index, row in enumerate(head["scenarios"]))
    return rows


def _cells(head: Mapping[str, Any]) -> list[Cell]:
    matrix = head.get("matrix") or {}
    combinations = itertools.islice(itertools.product(*matrix.values()), MAX_CELLS)
    return [Cell(dict(zip(matrix, values, strict=True))) for values in combinations]


def _check_ids(sink: Sink, rows: list[tuple[yaml12.Path, Mapping[str, Any]]]) -> None:
    seen: set[str] = set()
    vary = sink.document.value.get("vary")
    for path, row in rows:
        if row["id"] in seen:
            sink.add((*path, "id"), f"id '{row['id']}' stands twice in this group")
        seen.add(row["id"])
        if "value" in row and vary is None:
            sink.add((*path, "value"), "this group has no `vary` that says which column `value` fills")


def _with_controls(
    sink: Sink, scenarios: list[Scenario], rows: list[tuple[yaml12.Path, Mapping[str, Any]]]
) -> list[Scenario]:
    """Return the scenarios with each control as a whole id of the same cell; note those that lack one."""
    by_id = {scenario.id: scenario for scenario in scenarios}
    paths = {row["id"]: path for path, row in rows}
    made = []
    for scenario in scenarios:
        name, suffix = _split(scenario.id)
        path = paths[name]
        if scenario.control is None:
            if scenario.negative:
                sink.add(
                    path, "a scenario that expects a no names its control: control: ID of its accepting twin"
                )
            made.append(scenario)
            continue
        control = by_id.get(f"{scenario.group}/{scenario.control}{suffix}")
        if control is None:
            known = nearest(scenario.control, paths)
            sink.add((*path, "control"), f"control '{scenario.control}' is no scenario of this group{known}")
        elif control.id == scenario.id or control.negative:
            sink.add((*path, "control"), f"control '{scenario.control}' does not expect a yes")
        else:
            made.append(replace(scenario, control=control.id))
    return made


def _split(scenario_id: str) -> tuple[str, str]:
    name, bracket, cell = scenario_id.rpartition("/")[2].partition("[")
    return name, bracket + cell
