"""Whether a target is what its profile says, over all scenarios of one knob (rulebook section 2, scoring 3 and 4).

Each scenario is judged by the value that the target declares. This looks at one knob over many of them: a target that
behaves like another value throughout has declared the wrong one, and a target that no value fits contradicts itself,
which is worse than an unusual policy. Pure: it reads results and asks nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scenarios import rulebook
from scenarios.files.problems import listed
from scenarios.results import Kind, ProfileKind, ProfileRecord
from scenarios.rulebook import LibraryDefault, Scope

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from scenarios.results import Result
    from scenarios.rulebook import Knob
    from scenarios.targets.profile import Breach, Profile

TELLING: Final = frozenset({Kind.PASS, Kind.FAIL, Kind.WARN, Kind.XPASS})
"""The outcomes that show a policy: a crash shows none, nor does a no whose control got no yes."""
MAX_NAMED: Final = 3
"""So many scenarios are named for one value in a message; the record holds all."""


def policies(results: Iterable[Result], profile: Profile) -> tuple[ProfileRecord, ...]:
    """Return where a target differs from its profile, in the order of the rulebook's knobs."""
    shown: dict[str, dict[str, tuple[str, ...]]] = {}
    for result in results:
        if result.outcome in TELLING:
            for name, fits in result.like.items():
                shown.setdefault(name, {})[result.id] = fits
    breaches = {breach.knob: breach for breach in profile.breaches}
    records = []
    for name, knob in rulebook.knobs().items():
        if name in breaches:
            records.append(below_floor(breaches[name]))
        if name in shown and (record := _record(knob, shown[name], profile)) is not None:
            records.append(record)
    return tuple(records)


def below_floor(breach: Breach) -> ProfileRecord:
    """Return the finding of a declared value that breaks a floor."""
    return ProfileRecord(
        knob=breach.knob,
        kind=ProfileKind.BELOW_FLOOR,
        finding=True,
        held_to=_word(breach.held),
        declared=True,
        like={},
        message=f"declares {_word(breach.declared)}, below its floor ({breach.floor}); held to {_word(breach.held)}",
    )


def held_to(knob: Knob, profile: Profile) -> str | None:
    """Return the value that a target is held to; None where any listed one is right for a library."""
    if knob.name in profile.knobs:
        return _word(profile.knobs[knob.name])
    if profile.scope == Scope.LIBRARY and knob.library in (LibraryDefault.ANY, LibraryDefault.NONE):
        return None
    return _word(knob.default)


def _record(knob: Knob, shown: Mapping[str, tuple[str, ...]], profile: Profile) -> ProfileRecord | None:
    held = held_to(knob, profile)
    declared = knob.name in profile.knobs
    common = [value for value in knob.values if all(value in fits for fits in shown.values())]
    if held is not None and held in common:
        return None
    like: dict[str, tuple[str, ...]] = {}
    if common:
        like = {" or ".join(common): tuple(shown)}
        kind = ProfileKind.CHOSEN if held is None else ProfileKind.OTHER_VALUE
        message = f"behaves like {' or '.join(common)}"
    else:
        for name, fits in shown.items():
            like[" or ".join(fits)] = (*like.get(" or ".join(fits), ()), name)
        free = held is None and not knob.uniform
        kind = ProfileKind.VARIES if free else ProfileKind.INCONSISTENT
        message = f"{kind.value}: " + "; ".join(_shows(value, names) for value, names in like.items())
    if held is not None:
        word = "declares" if declared else "declares nothing, which means"
        message = f"{word} {held}, {'and is ' * (not common)}{message}"
    elif kind is ProfileKind.INCONSISTENT:
        message += f"; any value is right for a library, but its floor is: {knob.floor}"
    return ProfileRecord(
        knob=knob.name,
        kind=kind,
        finding=kind in (ProfileKind.INCONSISTENT, ProfileKind.OTHER_VALUE),
        held_to=held,
        declared=declared,
        like=like,
        message=message,
    )


def _shows(value: str, names: tuple[str, ...]) -> str:
    what = f"like {value}" if value else "like none of its values"
    return f"{what} in {listed(names, MAX_NAMED)}"


def _word(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(str, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)
