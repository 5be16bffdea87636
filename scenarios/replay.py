"""A result asked again from its file alone, and compared with what is written there.

The file holds the table of every result that is no pass, so that neither another release's catalogue nor an edited
table comes between. Keys, claims and forgeries are the same each time: for a target that obeys a clock the tokens are
equal byte for byte. One that goes by the real time gets the same token of now, because the old one has expired.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from scenarios.results import Kind
from scenarios.tables.digest import digest, texts
from scenarios.tables.load import load

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from scenarios.results import Exchange, Result, Run
    from scenarios.tables.scenario import Scenario

NO_FINDING: Final = frozenset({Kind.PASS, Kind.NOT_APPLICABLE})
MAX_TABLES: Final = 16 * 1024 * 1024
"""So much of tables (characters) is kept in a result file; the tables that ship are a twentieth of it."""
TOLERANCE_S: Final = 2
"""Times of two tokens may be apart by this more than their clocks (seconds): whole seconds, and work in between."""
OF_ITS_TIME: Final = frozenset({"aio", "auth_time", "event_id", "jti", "origin_jti", "sid", "uti"})
"""Claims that the mock IdP derives from the time."""
_OF_THE_LAB: Final = re.compile(r"(https?://)(?:127\.0\.0\.1|localhost):\d+(?:/[a-z]+)*/[a-z]-\d+")
"""An address of the mock IdP: the port is another in each run, the number another in each order."""


class ReplayError(ValueError):
    """A result that cannot be asked again: in one line."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """One result, before and now."""

    id: str
    differences: tuple[str, ...]
    """What is not the same, a line each; empty where it was reproduced."""
    exact: bool
    """Whether every token was the same byte for byte."""


def tables_of(
    results: Iterable[Result], scenarios: dict[str, Scenario], tables: Iterable[tuple[str, bytes]]
) -> dict[str, str]:
    """Return the tables, name to text, of the results that are no pass: what a result file keeps for a replay."""
    wanted = {scenarios[result.id].place.source for result in results if result.outcome not in NO_FINDING}
    kept: dict[str, str] = {}
    room = MAX_TABLES
    for name, text in tables:
        if name in wanted and len(text) <= room:
            kept[name] = text.decode()
            room -= len(text)
    return kept


def catalogue_of(run: Run) -> dict[str, Scenario]:
    """Return the scenarios that a result file brings along, and those that ship when they are the same ones still."""
    brought = load(run.tables.items())
    shipped = texts(())
    return {**(load(shipped) if digest(shipped) == run.catalogue else {}), **brought}


def meant(run: Run, names: Sequence[str], catalogue: dict[str, Scenario]) -> list[Result]:
    """Return the results to ask again: the named ones, or all that are no pass. Raises `ReplayError`."""
    from scenarios.files.problems import nearest

    by_id = {result.id: result for result in run.results}
    for name in names:
        if name not in by_id:
            raise ReplayError(
                f"the file has no result called '{name}'{nearest(name, by_id)}; without an ID, all but passes are asked"
            )
    results = [by_id[name] for name in names] or [r for r in run.results if r.outcome not in NO_FINDING]
    for result in results:
        if result.id not in catalogue:
            raise ReplayError(
                f"the file has no table for '{result.id}', and the tables that ship are others now: a result file "
                "keeps those of results that are no pass"
            )
    return results


def compared(before: Result, now: Result) -> Replayed:
    """Compare a result with what came of asking again."""
    differences = [
        f"{what}: was {_shown(old)}, is {_shown(new)}"
        for what, old, new in _verdicts(before, now)
        if _plain(old) != _plain(new)
    ]
    exact = True
    if before.exchanges:
        steps, exact = _exchanges(before.exchanges, now.exchanges)
        differences += steps
    return Replayed(before.id, tuple(differences), exact and not differences)


def _verdicts(before: Result, now: Result) -> Iterator[tuple[str, Any, Any]]:
    if before.known is None:  # a baseline has its say in an outcome, and takes no part in a replay
        yield "outcome", before.outcome.value, now.outcome.value
        yield "message", before.message, now.message
    yield "severity", before.severity, now.severity
    old, new = before.verdict, now.verdict
    for name in ("kind", "user", "reason"):
        yield name, getattr(old, name, None), getattr(new, name, None)


def _exchanges(before: Sequence[Exchange], now: Sequence[Exchange]) -> tuple[list[str], bool]:
    if len(before) != len(now):
        return [f"steps: was {len(before)}, is {len(now)}"], False
    found, exact = [], True
    for number, (old, new) in enumerate(zip(before, now, strict=True), 1):
        for what in ("step", "answer", "published", "request"):
            was, is_ = getattr(old, what), getattr(new, what)
            if what == "request" and was is not None and old.token != new.token:
                continue  # it holds the token, which is compared by itself
            if _plain(was) != _plain(is_):
                found.append(f"step {number}, {what}: was {_shown(was)}, is {_shown(is_)}")
        if old.token != new.token:
            exact = False
            if not same_token(old.token or "", new.token or "", (new.now or 0) - (old.now or 0)):
                found.append(f"step {number}: the token is another one")
    return found, exact


def same_token(before: str, now: str, shift: float) -> bool:
    """Return whether two tokens are the same but for the time (`shift`, seconds) and where the mock IdP listens.

    A token that is not read as header and payload in JSON has to have the same length: its times are not to be found.
    """
    old, new = before.split("."), now.split(".")
    if len(old) != len(new):
        return False
    read = [(_read(a), _read(b)) for a, b in zip(old[:2], new[:2], strict=True)]
    if any(a is None or b is None for a, b in read):
        return len(before) == len(now)
    return all(_same(a, b, shift) for a, b in read)


def _read(segment: str) -> Any:
    try:
        return json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return None


def _same(old: Any, new: Any, shift: float) -> bool:
    match old, new:
        case dict(), dict():
            return list(old) == list(new) and all(
                (shift and name in OF_ITS_TIME) or _same(old[name], new[name], shift) for name in old
            )
        case list(), list():
            return len(old) == len(new) and all(_same(a, b, shift) for a, b in zip(old, new, strict=True))
        case ((int() | float()), (int() | float())):
            return bool(repr(old) == repr(new) or abs(new - old - shift) <= TOLERANCE_S)  # NaN is not itself
    return bool(_plain(old) == _plain(new))


def _plain(value: Any) -> Any:
    return _OF_THE_LAB.sub(r"\1idp", value) if isinstance(value, str) else value


def _shown(value: Any) -> str:
    from scenarios.decode import cut

    return "nothing" if value in (None, "") else cut(str(value), 160)
