"""A case with a difference made small: fewer parts and users, simpler values, and the same difference still.

Hypothesis could shrink what it drew; a case says in words what is not plain, so that taking words away gets there in
fewer steps, and also works for what comes from a corpus.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from scenarios.files.yaml12 import ABSENT, Json
from scenarios.fuzz.case import Case, Part

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_TRIES: Final = 300
"""So many smaller cases are tried at most."""
MAX_TRIES_OF_CRASH: Final = 40
"""So many where each try costs a new start of the target."""
MAX_TRIES_OF_HANG: Final = 6
"""So many where each try costs a whole time-out."""
FIRST_USER: Final = "ann"
"""Whom the plain token is for."""


def reduced(
    case: Case, still: Callable[[Case], bool], *, keep: frozenset[str], tries: int = MAX_TRIES
) -> Case:
    """Return the smallest case found for which `still` holds; parts of the dimensions in `keep` stay."""
    holds = _bounded(still, tries)
    case = _plainer_steps(_fewer_steps(case, holds), holds)
    case = _fewer_parts(case, holds, keep)
    case = _simpler_values(case, holds, keep)
    return _fewer_parts(case, holds, keep)


def with_fewer_users(case: Case, still: Callable[[Case], bool], *, tries: int = MAX_TRIES) -> Case:
    """Return the case with the fewest users for which `still` holds: each try has everything onboarded anew."""
    holds = _bounded(still, tries)
    alone = replace(case, users=(FIRST_USER,))
    if holds(alone):
        return alone
    for name in case.users:
        if name != FIRST_USER:
            smaller = replace(case, users=tuple(one for one in case.users if one != name))
            case = smaller if holds(smaller) else case
    return case


def _bounded(still: Callable[[Case], bool], tries: int) -> Callable[[Case], bool]:
    budget = [tries]

    def holds(smaller: Case) -> bool:
        budget[0] -= 1
        return budget[0] >= 0 and still(smaller)

    return holds


def _fewer_steps(case: Case, holds: Callable[[Case], bool]) -> Case:
    for length in range(1, len(case.steps)):
        if holds(case.upto(length - 1)):
            case = case.upto(length - 1)
            break
    for step in reversed(case.steps):  # the last ones first: a kept token is sent after it was made
        if len(case.steps) > 1 and holds(smaller := case.without(step)):
            case = smaller
    return case


def _plainer_steps(case: Case, holds: Callable[[Case], bool]) -> Case:
    """Let tokens that are sent be plain ones."""
    for step in case.steps:
        if step.name == "authenticate" and step.value:
            plain = case.having(step, Part(step.where, step.name, {}))
            case = plain if holds(plain) else case
    return case


def _fewer_parts(case: Case, holds: Callable[[Case], bool], keep: frozenset[str]) -> Case:
    for part in (*case.parts,):
        if part.dimension not in keep and holds(smaller := case.without(part)):
            case = smaller
    return case


def _simpler_values(case: Case, holds: Callable[[Case], bool], keep: frozenset[str]) -> Case:
    for part in case.parts:
        if part.dimension in keep:
            continue
        now = part
        while (
            simpler := next((one for one in _simpler(now) if holds(case.having(now, one))), None)
        ) is not None:
            case, now = case.having(now, simpler), simpler
    return case


def _simpler(part: Part) -> Iterator[Part]:
    for value in _smaller(part.value):
        yield Part(part.where, part.name, value)


def _smaller(value: Any) -> Iterator[Any]:
    """Yield values that are a little smaller, each of the same type, so that what it shows stays the same."""
    match value:
        case str() if len(value) > 1:
            yield from (value[: len(value) // 2], value[len(value) // 2 :])
        case list() if value:
            yield from (value[:index] + value[index + 1 :] for index in range(len(value)))
            for index, item in enumerate(value):
                yield from ([*value[:index], less, *value[index + 1 :]] for less in _smaller(item))
        case dict():
            yield from ({k: v for k, v in value.items() if k != name} for name in value)
            for name, item in value.items():
                yield from ({**value, name: less} for less in _smaller(item))
        case bool() | Json() | None:
            return
        case int() if abs(value) > 1:
            yield from (0, 1, value // 2)
        case _ if value is ABSENT:
            return
