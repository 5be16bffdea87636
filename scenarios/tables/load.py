"""Scenario files to a catalogue of scenarios, or to every problem in them with its place.

This is the only door from YAML to `Scenario`. It runs nothing and talks to nobody.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import defaultdict
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from scenarios.files import yaml12
from scenarios.files.convert import convert
from scenarios.files.problems import Place, Problem, TableErrors, nearest
from scenarios.tables import kept, model, purpose
from scenarios.tables.resolve import Cell, resolve
from scenarios.tables.sink import Sink

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from importlib.resources.abc import Traversable

    from scenarios.tables.scenario import Scenario

MATRIX_WORDS: Final = ("alg", "keys", "persona", "hmac")
_GROUP: Final = re.compile(r"[a-z0-9]+(?:[-/][a-z0-9]+)*\Z")
_GROUP_LINE: Final = re.compile(r"^group: (\S+)$", re.MULTILINE)
"""How every shipped table names its group; a search is a hundred times as fast as reading the table."""
MANY_TAKEN: Final = 3
"""A table that takes so many ids of another is a copy of it, which is told once."""
MAX_CELLS: Final = 200
"""More cells than this in one matrix is a mistake."""
_PLACEHOLDER: Final = {"id": "x", "says": "x"}


def builtin_tables() -> list[tuple[str, str]]:
    """Return (name, text) of each table that ships with the package, sorted by name."""
    root = resources.files("scenarios") / "catalog"
    return sorted((name, item.read_text(encoding="utf-8")) for name, item in _walk(root, "catalog"))


def clashes(scenarios: Iterable[Scenario]) -> list[Problem]:
    """Return a problem for each scenario outside the package whose id one that ships has.

    A file that stands where a shipped one does (`scenarios/catalog/claims/issuer.yaml` of a clone) is that one.
    """
    by_group: dict[str, list[Scenario]] = defaultdict(list)
    for scenario in scenarios:
        by_group[scenario.group].append(scenario)
    own = {Path(s.place.source).resolve().as_posix() for group in by_group.values() for s in group}
    problems: list[Problem] = []
    for name, text in builtin_tables():
        head = _GROUP_LINE.search(text)
        if head is None or head[1] not in by_group or any(path.endswith(f"scenarios/{name}") for path in own):
            continue
        shipped = load([(name, text)])
        problems += _taken([(s, shipped[s.id]) for s in by_group[head[1]] if s.id in shipped])
    return problems


def _taken(pairs: Iterable[tuple[Scenario, Scenario]]) -> Iterator[Problem]:
    """Yield a problem for each scenario whose id another one has, or one for a table that takes many of another's."""
    by_file: dict[tuple[str, str], list[tuple[Scenario, Scenario]]] = defaultdict(list)
    for pair in pairs:
        by_file[pair[0].place.source, pair[1].place.source].append(pair)
    for (_, source), clashing in by_file.items():
        first, count = clashing[0][0], len(clashing)
        if count >= MANY_TAKEN:
            message = (
                f"{count} ids of group '{first.group}' are taken by {source}: name the group otherwise, or ask these "
                "tables alone with --only-catalog"
            )
            yield Problem(first.place, message)
            continue
        for scenario, other in clashing:
            message = f"id '{scenario.id}' is taken by {other.place}: choose another id, or another group"
            yield Problem(scenario.place, message)


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
                with file.open("rb") as opened:
                    tables.append((str(file), opened.read(yaml12.MAX_BYTES + 1)))
            except OSError as error:
                problems.append(_problem(file, f"cannot be read: {error.strerror or error}"))
    if problems:
        raise TableErrors(problems)
    return tables


def together(catalogs: Sequence[str | Path], only_catalogs: Sequence[str | Path] = ()) -> dict[str, Scenario]:
    """Return the scenarios that ship and those of `catalogs`; those that ship not when there are `only_catalogs`.

    Raises `TableErrors`, also for an id that two tables have.
    """
    return load(own_tables(catalogs, only_catalogs), () if only_catalogs else shipped().values())


def own_tables(
    catalogs: Sequence[str | Path], only_catalogs: Sequence[str | Path] = ()
) -> list[tuple[str, str | bytes]]:
    """Return (name, content) of the tables that do not ship. Raises `TableErrors`."""
    return tables_at([*only_catalogs, *catalogs])


def shipped() -> dict[str, Scenario]:
    """Return the scenarios that ship with the package, by id."""
    return kept.shipped(builtin_tables(), load)


def _problem(path: Path, message: str) -> Problem:
    return Problem(Place(str(path), 1, 1), message)


def load(tables: Iterable[tuple[str, str | bytes]], known: Iterable[Scenario] = ()) -> dict[str, Scenario]:
    """Return the known scenarios and those of all tables by id, in their order.

    Raises `TableErrors` with the problems of every table, not of the first alone.
    """
    scenarios = {scenario.id: scenario for scenario in known}
    problems: list[Problem] = []
    clashing = []
    for source, text in tables:
        try:
            made = load_table(text, source)
        except TableErrors as errors:
            problems.extend(errors.problems)
            continue
        for scenario in made:
            if (other := scenarios.get(scenario.id)) is not None:
                clashing.append((scenario, other))
            scenarios[scenario.id] = scenario
    problems += _taken(clashing)
    if problems:
        raise TableErrors(problems)
    return scenarios


def load_table(text: str | bytes, source: str) -> list[Scenario]:
    """Return the scenarios of one table. Raises `TableErrors`."""
    document = yaml12.load(text, source)
    sink = Sink(document)
    _check_head(sink)
    head_is_good = not sink.problems
    rows = [row for row in _rows(document.value) if _has_types(sink, *row)]
    if head_is_good:  # what a group gives must be read before it can be said what its rows make of it
        _check_ids(sink, rows)
        _check_controls(sink)
        scenarios = {
            (path, cell.suffix): scenario
            for cell in _cells(document.value)
            for path, raw in rows
            if (scenario := resolve(sink, raw, path, cell)) is not None
        }
        _check_axes(sink, scenarios)
        made = _with_controls(sink, scenarios)
        if not sink.problems:
            return made
    raise TableErrors(sink.problems)


def _check_head(sink: Sink) -> None:
    head = sink.document.value
    if not isinstance(head, dict):
        raise TableErrors(
            [Problem(sink.document.place(), "a table is a mapping that starts with group: and title:")]
        )
    rows = head.get("scenarios")
    value = {**head, "scenarios": [_PLACEHOLDER]} if isinstance(rows, list) and rows else head
    _note_types(sink, model.GroupFile, (), value)
    if isinstance(group := head.get("group"), str) and not _GROUP.match(group):
        sink.add(("group",), f"'{group}' is no group: lower-case words, hyphens and slashes")
    vary = head.get("vary")
    if isinstance(vary, str) and not vary.startswith(("token.", "onboard.", "users.")):
        sink.add(("vary",), f"'{vary}' is no column: write token.…, onboard.… or users.…")
    if isinstance(matrix := head.get("matrix"), dict):
        _check_matrix(sink, matrix)


def _check_matrix(sink: Sink, matrix: Mapping[str, Any]) -> None:
    for name, values in matrix.items():
        if name not in MATRIX_WORDS:
            sink.add(("matrix", name), f"'{name}' is no word of a matrix{nearest(name, MATRIX_WORDS)}")
        if values == []:
            sink.add(("matrix", name), f"the matrix has no value for '{name}'")
        if isinstance(values, list) and len(set(map(str, values))) < len(values):
            sink.add(("matrix", name), f"the matrix names a value for '{name}' twice")
    cells = math.prod(len(values) for values in matrix.values() if isinstance(values, list))
    if cells > MAX_CELLS:
        sink.add(("matrix",), f"the matrix has {cells:,} cells; {MAX_CELLS} are enough")


def _has_types(sink: Sink, path: yaml12.Path, row: Any) -> bool:
    type_ = model.ControlRow if path == ("control",) else model.Row
    return _note_types(sink, type_, path, row if row is not None else {})


def _note_types(sink: Sink, type_: type, path: yaml12.Path, value: Any) -> bool:
    try:
        convert(sink.document, type_, path, value)
    except TableErrors as errors:
        sink.problems.update(errors.problems)
        return False
    return True


def _rows(head: Mapping[str, Any]) -> list[tuple[yaml12.Path, Mapping[str, Any]]]:
    rows: list[tuple[yaml12.Path, Mapping[str, Any]]] = []
    if isinstance(control := head.get("control"), dict):
        rows.append((("control",), {"id": "control", **control}))
    listed = head.get("scenarios")
    if isinstance(listed, list):
        rows.extend((("scenarios", index), row) for index, row in enumerate(listed))
    return rows


def _cells(head: Mapping[str, Any]) -> list[Cell]:
    matrix = head.get("matrix") or {}
    return [Cell(dict(zip(matrix, values, strict=True))) for values in itertools.product(*matrix.values())]


def _check_ids(sink: Sink, rows: list[tuple[yaml12.Path, Mapping[str, Any]]]) -> None:
    seen: set[str] = set()
    vary = sink.document.value.get("vary")
    for path, row in rows:
        if row["id"] in seen:
            sink.add((*path, "id"), f"id '{row['id']}' stands twice in this group")
        seen.add(row["id"])
        if "value" in row and vary is None:
            sink.add((*path, "value"), "this group has no `vary` that says which column `value` fills")


def _check_controls(sink: Sink) -> None:
    head = sink.document.value
    names = [str(row.get("id")) for _, row in _rows(head) if isinstance(row, dict)]
    for path, row in (*_rows(head), (("defaults",), head.get("defaults"))):
        name = row.get("control") if isinstance(row, dict) else None
        if isinstance(name, str) and name not in names:
            message = f"control '{name}' is no scenario of this group{nearest(name, names)}"
            sink.add((*path, "control"), message)


def _with_controls(sink: Sink, scenarios: Mapping[tuple[yaml12.Path, str], Scenario]) -> list[Scenario]:
    """Return the scenarios with each control as a whole id of the same cell; note those that lack one."""
    by_id = {scenario.id: scenario for scenario in scenarios.values()}
    made = []
    for (path, suffix), scenario in scenarios.items():
        _check_canary(sink, path, scenario)
        name = scenario.control
        if name is None:
            if scenario.negative:
                sink.add(
                    path, "a scenario that expects a no names its control: control: ID of its accepting twin"
                )
            made.append(scenario)
            continue
        where = sink.nearest_place([(*path, "control"), ("defaults", "control")])
        control = by_id.get(f"{scenario.group}/{name}{suffix}")
        if control is not None and (control.id == scenario.id or control.negative):
            sink.problems.add(Problem(where, f"control '{name}' does not expect a yes"))
        elif control is not None and scenario.negative and not purpose.differs(scenario, control):
            sink.add(path, f"'{scenario.id}' expects a no and differs in nothing from its control '{name}'")
        elif control is not None:  # else a mistake that was named already
            made.append(replace(scenario, control=control.id))
    return made


def _check_axes(sink: Sink, scenarios: Mapping[tuple[yaml12.Path, str], Scenario]) -> None:
    """Note an axis of the matrix that changes nothing: its cells would be one scenario under several ids."""
    matrix = sink.document.value.get("matrix") or {}
    if "hmac" in matrix and not any(map(purpose.forges_hmac, scenarios.values())):
        sink.add(("matrix", "hmac"), "no row has an HMAC forgery, which alone takes hmac from the matrix")
    first: dict[yaml12.Path, Scenario] = {}
    for (path, _), scenario in scenarios.items():
        other = first.setdefault(path, scenario)
        if other is not scenario and purpose.same(scenario, other):
            message = (
                f"'{scenario.id}' is the same as '{other.id}': the row says itself what the matrix varies"
            )
            sink.add(path, message)


def _check_canary(sink: Sink, path: yaml12.Path, scenario: Scenario) -> None:
    if scenario.canary and not purpose.holds_canary(scenario):
        where = sink.nearest_place([(*path, "canary"), ("defaults", "canary")])
        message = f"no token of '{scenario.id}' holds {purpose.CANARY}: nothing could ask its address"
        sink.problems.add(Problem(where, message))
