"""What a scenario expects: the words of `expect:` as types.

An expectation is a set of outcomes any of which is right, or a choice of such sets by a profile knob, and then, where
two choices together decide, by a second one. Which set holds for a target is decided in `judge.py`; here nothing knows
of targets.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from scenarios import rulebook
from scenarios.files.problems import nearest
from scenarios.rulebook import KnobType
from scenarios.targets.protocol import REFUSE_REASONS, REJECT_REASONS

if TYPE_CHECKING:
    from collections.abc import Mapping

ONBOARDING: Final = frozenset({"onboarded", "warned", "unwarned", "refused", "asked"})
"""The kinds of outcome that an onboarding request has."""
GOOD: Final = frozenset({"accept", "onboarded", "warned", "unwarned"})
"""The kinds of outcome by which a control shows that the target can say yes."""
UNDECLARED: Final = "undeclared"
"""The case of a knob without listed values (a list, a number) that the target leaves as it is."""
DECLARED: Final = "declared"
"""The case of such a knob that the target declares."""


_YES: Final = "a yes is the name of the user who comes in, such as expect: ann"
_NO: Final = "a no is written expect: {reject: REASON}, or {reject: any}"
_NOT_OURS: Final = {
    **dict.fromkeys(("accept", "accepted", "ok", "pass", "yes", "allow", "allowed", "valid", "200"), _YES),
    **dict.fromkeys(("rejected", "no", "fail", "deny", "denied", "invalid", "error", "unauthorized"), _NO),
    "refused": "a record that is refused is written expect: {refused: REASON}",
}
"""Words that people write for a verdict, and what these tables have for them."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One right answer: its kind and, where they matter, the user, the reasons (any of them), the HTTP status."""

    kind: str
    user: str | None = None
    reasons: tuple[str, ...] = ()
    statuses: tuple[int, ...] = ()

    @property
    def lets_in(self) -> bool:
        """Whether it is a status that gives access: the yes of a method that answers no content, such as HEAD."""
        return any(200 <= status < 300 for status in self.statuses)

    def __str__(self) -> str:
        match self.kind:
            case "accept":
                return f"accept as {self.user}"
            case "status":
                return "HTTP status " + " or ".join(map(str, self.statuses))
            case "warned":
                return "onboarded with a warning"
            case "unwarned":
                return "onboarded without a warning"
            case "asked":
                return "asked about " + " or ".join(self.reasons) if self.reasons else "asked"
        return self.kind + (f" ({' or '.join(self.reasons)})" if self.reasons else "")


Case: TypeAlias = "tuple[Outcome, ...] | Expectation"
"""What holds for one value of a knob: the right answers, or a further choice by another knob."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """Right answers, by the value of `knob`; under the empty word when no knob decides."""

    cases: Mapping[str, Case]
    knob: str | None = None
    # Outcomes are looked at often while judging and linting; the flat tuple saves building it each time.
    outcomes: tuple[Outcome, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        flat = tuple(outcome for case in self.cases.values() for outcome in _all_of(case))
        object.__setattr__(self, "outcomes", flat)

    @property
    def first(self) -> tuple[Outcome, ...]:
        """The right answers under the default of each knob that decides."""
        case = self.default_case
        return case.first if isinstance(case, Expectation) else case

    @property
    def default_case(self) -> Case:
        """What holds under the knob's default."""
        if self.knob is None:
            return self.cases[""]
        default = rulebook.knobs()[self.knob].default
        if UNDECLARED in self.cases:
            return self.cases[DECLARED if default else UNDECLARED]
        return self.cases.get(str(default), next(iter(self.cases.values())))

    @property
    def onboarding(self) -> bool:
        """Whether it is about an onboarding request."""
        return all(outcome.kind in ONBOARDING for outcome in self.outcomes)

    @property
    def negative(self) -> bool:
        """Whether no right answer, by the default, is a yes."""
        return all(outcome.kind not in GOOD and not outcome.lets_in for outcome in self.first)

    def __str__(self) -> str:
        if self.knob is None:
            return in_words(self.cases[""])
        cases = (f"{value}: {in_words(case)}" for value, case in self.cases.items())
        return f"by {self.knob} ({'; '.join(cases)})"


def _all_of(case: Case) -> tuple[Outcome, ...]:
    return case.outcomes if isinstance(case, Expectation) else case


def in_words(case: Case) -> str:
    """Say what is right under one value of a knob."""
    return str(case) if isinstance(case, Expectation) else " or ".join(map(str, case))


def parse(value: Any, users: Mapping[str, Any]) -> Expectation:
    """Read the value of `expect:`. Raises `ValueError` in words when it cannot be read."""
    case = _case(value, users, ())
    return case if isinstance(case, Expectation) else Expectation({"": case})


def _case(value: Any, users: Mapping[str, Any], decided: tuple[str, ...]) -> Case:
    """Read an answer, or a choice by a knob that is not one of those `decided` already."""
    if isinstance(value, dict) and "by" in value:
        return _by_knob(value, users, decided)
    return _outcomes(value, users)


def _by_knob(value: dict[str, Any], users: Mapping[str, Any], decided: tuple[str, ...]) -> Expectation:
    name = value["by"]
    knob = rulebook.knobs().get(name) if isinstance(name, str) else None
    if knob is None:
        hint = nearest(str(name), rulebook.knobs()) or ": touchstone list --knobs shows them"
        raise ValueError(f"'{name}' is no profile knob{hint}")
    if name in decided:
        raise ValueError(f"knob '{name}' has decided already, one level up")
    cases = {key: item for key, item in value.items() if key != "by"}
    if not knob.values and knob.default and knob.type is not KnobType.BYTES:
        raise ValueError(f"knob '{name}' has no listed values to choose by")
    values = knob.values or (UNDECLARED, DECLARED)
    for key in cases:
        if key not in values:
            raise ValueError(f"'{key}' is no value of knob '{name}'{nearest(key, values)}")
    if lacking := [key for key in values if key not in cases]:
        raise ValueError(f"no answer is given for {name}={lacking[0]}")
    return Expectation({key: _case(item, users, (*decided, name)) for key, item in cases.items()}, name)


def _outcomes(value: Any, users: Mapping[str, Any]) -> tuple[Outcome, ...]:
    if isinstance(value, str):
        if value in ONBOARDING:
            return (Outcome(value),)
        if value == "reject":
            return (Outcome("reject"),)
        if value not in users and value.lower() in _NOT_OURS:
            raise ValueError(f"'{value}' is no word of expect: {_NOT_OURS[value.lower()]}")
        return (Outcome("accept", user=_user(value, users)),)
    if not isinstance(value, dict) or not value:
        raise ValueError("expect is a user's name, onboarded, or a mapping such as {reject: expired}")
    return tuple(_outcome(kind, item, users) for kind, item in value.items())


def _outcome(kind: str, item: Any, users: Mapping[str, Any]) -> Outcome:
    words = tuple(item) if isinstance(item, list) else (item,)
    match kind:
        case "accept":
            return Outcome("accept", user=_user(item, users))
        case "reject":
            return Outcome("reject", reasons=_reasons(words, REJECT_REASONS))
        case "refused":
            return Outcome("refused", reasons=_reasons(words, REFUSE_REASONS))
        case "asked":
            return Outcome("asked", reasons=tuple(map(str, words)))
        case "onboarded" | "warned" | "unwarned" if item in (True, None):
            return Outcome(kind)
        case "status" if all(isinstance(word, int) and 100 <= word <= 599 for word in words):
            return Outcome("status", statuses=words)
    kinds = ("accept", "reject", "refused", "asked", "onboarded", "warned", "unwarned", "status", "by")
    raise ValueError(f"expect cannot read '{kind}: {item}'{nearest(kind, kinds)}")


def _reasons(words: tuple[Any, ...], known: Mapping[str, str]) -> tuple[str, ...]:
    if words == ("any",):
        return ()
    if not words:
        raise ValueError("an empty list of reasons is written 'any'")
    for word in words:
        if not isinstance(word, str) or word not in known:
            raise ValueError(f"'{word}' is no reason{nearest(str(word), known)}")
    return words


def _user(name: Any, users: Mapping[str, Any]) -> str:
    if not isinstance(name, str) or name not in users:
        raise ValueError(f"'{name}' is no user of this scenario{nearest(str(name), users)}")
    return name
