"""Known failures: a YAML list of `{id, reason, link}`. It excuses what still fails and tells what no longer does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from scenarios import rulebook
from scenarios.files import yaml12
from scenarios.files.convert import convert
from scenarios.files.problems import Place, Problem, TableErrors, nearest
from scenarios.results import Kind, Result

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from scenarios.results import ProfileRecord

PROFILE: Final = "profile/"
"""What the id of an entry starts with that is about a knob of the target's profile: `profile/dup_kid`."""
UNWRITTEN: Final = {
    "reason": "(write here why this failure is known)",
    "link": "(write here where it is followed up)",
}
"""What `run --write-baseline` leaves to a person, who has to put words in its place."""
EXCUSABLE = frozenset({Kind.FAIL, Kind.WARN, Kind.ERROR, Kind.UNPROVEN})


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One known failure."""

    id: str
    reason: Annotated[str, msgspec.Meta(min_length=1)]
    link: Annotated[str, msgspec.Meta(min_length=1)]


class Baseline:
    """The entries of a baseline file, and what a run makes of them."""

    def __init__(self, lines: Iterable[tuple[Entry, Place]] = ()) -> None:
        self.lines = tuple(lines)
        self.by_id: Mapping[str, Entry] = {entry.id: entry for entry, _ in self.lines}

    @classmethod
    def read(cls, path: str | Path) -> Baseline:
        """Read a baseline file. Raises `TableErrors` with every mistake in it."""
        try:
            text = Path(path).read_bytes()
        except OSError as error:
            message = f"cannot be read: {error.strerror or error}"
            raise TableErrors([Problem(Place(str(path), 1, 1), message)]) from None
        document = yaml12.load(text, str(path))
        if not isinstance(document.value, list):
            message = "a baseline is a list of {id, reason, link}"
            raise TableErrors([Problem(document.place(), message)])
        lines: list[tuple[Entry, Place]] = []
        problems: list[Problem] = []
        seen: set[str] = set()
        for index in range(len(document.value)):
            try:
                entry = convert(document, Entry, (index,))
            except TableErrors as errors:
                problems += errors.problems
                continue
            problems += [
                Problem(document.place((index, field)), f"'{entry.id}' has no {field} yet: {ask}")
                for field, ask in UNWRITTEN.items()
                if getattr(entry, field).strip() in {"", ask}
            ]
            if entry.id in seen:
                problems.append(Problem(document.place((index,)), f"'{entry.id}' stands twice"))
            seen.add(entry.id)
            lines.append((entry, document.place((index,))))
        if problems:
            raise TableErrors(problems)
        return cls(lines)

    def check(self, catalogue: Collection[str]) -> None:
        """Raise `TableErrors` for every entry about a scenario or a knob that does not exist: a slip of the pen."""
        problems = []
        for entry, place in self.lines:
            knob = entry.id.removeprefix(PROFILE)
            if knob != entry.id:
                if knob not in rulebook.knobs():
                    problems.append(Problem(place, f"'{knob}' is no knob{nearest(knob, rulebook.knobs())}"))
            elif entry.id not in catalogue:
                message = f"no scenario is called '{entry.id}'{nearest(entry.id, catalogue)}"
                problems.append(Problem(place, message))
        if problems:
            raise TableErrors(problems)

    def excuse(self, result: Result) -> Result:
        """Return the result as the baseline sees it."""
        entry = self.by_id.get(result.id)
        if entry is None:
            return result
        known = f"{entry.reason} ({entry.link})"
        if result.outcome in EXCUSABLE:
            return msgspec.structs.replace(result, outcome=Kind.XFAIL, known=known)
        if result.outcome is Kind.PASS:
            message = "the baseline calls this a known failure, and it passes: remove the entry"
            return msgspec.structs.replace(result, outcome=Kind.XPASS, known=known, message=message)
        return result

    def excuse_policy(self, record: ProfileRecord) -> ProfileRecord:
        """Return how the target stands to its profile in one knob as the baseline sees it."""
        entry = self.by_id.get(f"{PROFILE}{record.knob}")
        if entry is None or not record.finding:
            return record
        return msgspec.structs.replace(record, finding=False, known=f"{entry.reason} ({entry.link})")

    def stale_policies(
        self, records: Collection[ProfileRecord], results: Iterable[Result]
    ) -> tuple[str, ...]:
        """Return what is wrong with entries about knobs: those that the answers now agree with."""
        known = {record.knob for record in records if record.known is not None}
        shown = {name for result in results for name in result.like}
        found = []
        for entry, place in self.lines:
            knob = entry.id.removeprefix(PROFILE)
            if knob == entry.id or knob in known:
                continue
            if knob in shown:
                found.append(f"{place}: the target is consistent in '{knob}': remove the entry")
        return tuple(found)

    def problems(self, results: Iterable[Result]) -> tuple[str, ...]:
        """Return what is wrong with entries as such: scenarios that do not apply."""
        idle = {result.id for result in results if result.outcome is Kind.NOT_APPLICABLE}
        found = []
        for entry, place in self.lines:
            if entry.id.startswith(PROFILE):
                continue  # see `stale_policies`
            if entry.id in idle:
                found.append(f"{place}: '{entry.id}' does not apply to this target: remove the entry")
        return tuple(found)
