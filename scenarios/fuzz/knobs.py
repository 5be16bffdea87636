"""The knobs of a profile that the reference verifier has no code for, as other readings of a case.

Under another value of such a knob a case is judged as another, stricter or plainer case is under the default: where
the last of two members wins, a duplicate is the member that came last. A library that declares nothing may read it
either way, and no answer that fits a reading is a difference.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from scenarios import rulebook
from scenarios.files.yaml12 import ABSENT, Json
from scenarios.fuzz.case import Case, Part
from scenarios.fuzz.rules import shares_kid
from scenarios.rulebook import KnobType, LibraryDefault, Scope

if TYPE_CHECKING:
    from scenarios.targets.profile import Profile

MAX_TOGETHER: Final = 3
"""So many knobs are turned at once: a case has few parts that are not plain."""

Rewrite: TypeAlias = Callable[[Case], "Case | None"]
"""A case as it is read under a value of a knob; None where the value makes no difference."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a case that is open to a target: the case that it comes to, under these knobs."""

    case: Case | None
    """None for a plain no."""
    knobs: Mapping[str, Any]


def readings(case: Case, profile: Profile) -> Iterator[Reading]:
    """Yield how a target with this profile may read a case: first as it is held to, then what else is open to it."""
    held = _Turned(case)
    for knob, value, rewrite in _REWRITES:
        if knob in profile.knobs and str(profile.knobs[knob]).lower() == value:
            held = held.with_case(rewrite)
    yield held.reading()
    open_to_it = list(_open(case, profile))
    for count in range(1, MAX_TOGETHER + 1):
        for chosen in combinations(open_to_it, count):
            turned = held
            for turn in chosen:
                turned = turn(turned)
            yield turned.reading()


def _open(case: Case, profile: Profile) -> Iterator[Callable[[_Turned], _Turned]]:
    """Yield the turns of a knob that are open to a target and may matter to a case."""
    for knob, _, rewrite in _REWRITES:
        if is_free(knob, profile) and rewrite(case) is not None:
            yield partial(_Turned.with_case, rewrite=rewrite)
    for knob, dimensions in _OF_POLICY.items():
        if is_free(knob, profile) and any(one.dimension in dimensions for one in case.parts):
            for value in rulebook.knobs()[knob].values[1:]:
                yield partial(_Turned.with_knob, knob=knob, value=value)


def is_free(name: str, profile: Profile) -> bool:
    """Whether a target may have any value of a knob: a library that declares none (rulebook section 2)."""
    knob = rulebook.knobs()[name]
    any_is_right = profile.scope == Scope.LIBRARY and knob.library is LibraryDefault.ANY
    return any_is_right and name not in profile.knobs and knob.type is KnobType.CHOICE


@dataclass(frozen=True, slots=True)
class _Turned:
    """A case while knobs are turned."""

    case: Case | None
    knobs: tuple[tuple[str, Any], ...] = ()

    def with_case(self, rewrite: Rewrite) -> _Turned:
        if self.case is None or (case := rewrite(self.case)) is None:
            return self
        return _Turned(None if case is NO else case, self.knobs)

    def with_knob(self, knob: str, value: Any) -> _Turned:
        return _Turned(self.case, (*self.knobs, (knob, value)))

    def reading(self) -> Reading:
        return Reading(self.case, dict(self.knobs))


NO: Final = Case((Part("claim", "no", None),))
"""What a rewrite returns for a plain no."""

_OF_POLICY: Final[Mapping[str, frozenset[str]]] = {
    "exp_required": frozenset({"claim exp"}),
    "iat_required": frozenset({"claim iat"}),
    "iat_future": frozenset({"claim iat"}),
    "aud_extra": frozenset({"claim aud"}),
    "nokid": frozenset({"header kid", "onboard jwks"}),
    "x5c_mismatch": frozenset({"onboard jwks"}),
    "sub_required": frozenset({"claim sub"}),
}
"""The knobs of `Policy` that a library may turn, and the parts of a case that they can matter to."""

# Rewrites.


def _plain(where: str, *names: str, of: Callable[[Any], bool] = lambda _: True) -> Rewrite:
    """Read parts with these values as plain ones."""

    def rewrite(case: Case) -> Case | None:
        found = [one for one in case.parts if one.where == where and one.name in names and of(one.value)]
        for part in found:
            case = case.without(part)
        return case if found else None

    return rewrite


def _changed(where: str, *names: str, to: Callable[[Any], Any]) -> Rewrite:
    """Read the values of parts as others; `to` returns `...` for one that stays."""

    def rewrite(case: Case) -> Case | None:
        before = case
        for part in case.parts:
            if part.where == where and part.name in names and (value := to(part.value)) is not ...:
                case = case.having(part, Part(where, part.name, value))
        return None if case is before else case

    return rewrite


def _refused(where: str, *names: str, of: Callable[[Any], bool] = lambda _: True) -> Rewrite:
    def rewrite(case: Case) -> Case | None:
        found = any(one.where == where and one.name in names and of(one.value) for one in case.parts)
        return NO if found else None

    return rewrite


_TIMES: Final = ("exp", "nbf", "iat")
_REGISTERED: Final = frozenset({"alg", "kid", "typ", "cty", "jwk", "jku", "x5u", "x5c", "x5t", "crit", "exp"})
_DIGITS = re.compile(r'"(-?[0-9]+(?:\.[0-9]+)?)"\Z')
_PART_OF_DUPLICATE: Final = {"duplicate_claim": "claim", "duplicate_header": "header"}


def _last_wins(case: Case) -> Case | None:
    for forgery, where in _PART_OF_DUPLICATE.items():
        part = case.get("forge", forgery)
        if part is None:
            continue
        rest = case.without(part)
        if part.value.get("place", "last") == "first":
            return rest
        member, value = part.value["member"], part.value["value"]
        if where == "header" and member == "alg":
            return Case((*rest.parts, Part("forge", "alg_value", value)), rest.users)
        return Case.of((*rest.parts, Part(where, member, value)))
    text = case.get("forge", "payload_text")
    return case.without(text) if text is not None and text.value.count('"y":') > 1 else None


def _strings_only(value: Any) -> Any:
    mixed = isinstance(value, list) and any(not isinstance(item, str) for item in value)
    return [item for item in value if isinstance(item, str)] if mixed else ...


def _digits_read(value: Any) -> Any:
    found = _DIGITS.match(value.text) if isinstance(value, Json) else None
    return Json(found[1]) if found else ...


def _is_no_number(value: Any) -> bool:
    if isinstance(value, Json):
        return value.text.startswith(('"', "[", "{"))
    if isinstance(value, str):  # a time of a table is a number in the token
        return value == ""
    return value is not ABSENT and (isinstance(value, bool) or not isinstance(value, int | float))


def _is_shape_of_crit(value: Any) -> bool:
    names = value.get("crit") if isinstance(value, dict) else value
    return isinstance(names, list) and all(isinstance(name, str) for name in names) and (
        len(set(names)) < len(names) or set(names) <= _REGISTERED
    )  # fmt: skip


def _entries(change: Callable[[dict[str, Any]], dict[str, Any] | None]) -> Rewrite:
    """Read a hand-made JWKS with its entries changed; an entry for which None comes back is out."""

    def to(entries: Any) -> Any:
        if isinstance(entries, str):
            return ...
        whole = [{"key": one} if isinstance(one, str) else one for one in entries]
        made = [change(one) for one in whole]
        return [one for one in made if one is not None] if made != whole else ...

    return _changed("onboard", "jwks", to=to)


def _without(*names: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def change(entry: dict[str, Any]) -> dict[str, Any]:
        members = {k: v for k, v in entry.get("members", {}).items() if k not in names}
        return {**entry, "members": members} if "members" in entry else entry

    return change


def _with_alg(entry: dict[str, Any]) -> dict[str, Any] | None:
    return None if entry.get("members", {}).get("alg", 0) in (ABSENT, None) else entry


def _is_odd(entries: Any) -> bool:
    return not isinstance(entries, str) and any(
        isinstance(one, dict) and ({"raw", "members"} & one.keys()) for one in entries
    )


def _each_tried(case: Case) -> Case | None:
    part = case.get("onboard", "jwks")
    if part is None or not shares_kid(part.value):
        return None
    plain = Part("onboard", "jwks", ["a", "b"])
    return case.having(part, plain)


def _is_b64_alone(value: Any) -> bool:
    return isinstance(value, dict) and value == {"payload": "encoded", "crit": False}


def _b64_true(value: Any) -> bool:
    return isinstance(value, list) and "b64" in value


_REWRITES: Final[tuple[tuple[str, str, Rewrite], ...]] = (
    ("iss_required", "false", _plain("claim", "iss", of=lambda value: value is ABSENT)),
    ("aud_required", "false", _plain("claim", "aud", of=lambda value: value is ABSENT)),
    ("aud_mixed", "strings_only", _changed("claim", "aud", to=_strings_only)),
    ("numeric_date", "numeric_string", _changed("claim", *_TIMES, to=_digits_read)),
    ("null_time", "as_absent", _changed("claim", *_TIMES, to=lambda value: ABSENT if value is None else ...)),
    ("iat_type", "ignore", _plain("claim", "iat", of=_is_no_number)),
    ("sub_type", "exact_integer", _changed("claim", "sub", to=lambda v: str(v) if type(v) is int else ...)),
    ("dup_json", "last_wins", _last_wins),
    ("bom", "accept", _plain("forge", "bom")),
    ("outer_ws", "trim", _plain("forge", "outer_whitespace")),
    ("b64_noncanonical", "accept", _plain("forge", "noncanonical")),
    ("cty_plain", "reject", _refused("header", "cty")),
    ("header_replicas", "ignore", _plain("header", "iss", "sub", "aud")),
    ("crit_shape", "accept", _plain("header", "crit", of=_is_shape_of_crit)),
    ("crit_shape", "accept", _plain("forge", "crit", of=_is_shape_of_crit)),
    ("crit_b64_true", "reject", _refused("header", "crit", of=_b64_true)),
    ("b64_without_crit", "ignore", _plain("header", "b64")),
    ("b64_without_crit", "ignore", _plain("forge", "b64_false", of=_is_b64_alone)),
    ("kid_binding", "hint", _plain("header", "kid", of=lambda value: isinstance(value, str))),
    ("kid_binding", "hint", _plain("forge", "unknown_kid")),
    ("jwk_use", "ignore", _entries(_without("use", "key_ops"))),
    ("jwk_alg_required", "true", _entries(_with_alg)),
    ("unknown_jwk", "refuse_set", _refused("onboard", "jwks", of=_is_odd)),
    ("dup_kid", "try_each", _each_tried),
    ("high_s", "reject", _refused("forge", "ecdsa_signature", of=lambda value: value == "high_s")),
)
"""Knob, value that is not the default, and how a case is read under it."""
