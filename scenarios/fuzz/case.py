"""A case: the plain good token and record, and the few parts in which this one is not plain.

It says with the words of a table what is different, so that it can be played like a scenario, made smaller part by
part, kept in a file and written as a row. It knows no target and expects nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import msgspec

from scenarios import rulebook
from scenarios.files.problems import Place
from scenarios.files.yaml12 import ABSENT, Json
from scenarios.tables import model
from scenarios.tables.requirements import DEFAULT_ALG
from scenarios.tables.scenario import MAIN, Scenario

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

OTHER: Final = "other"
"""The name of the second IdP, and of its integration where that is onboarded."""
USERS: Final[Mapping[str, Any]] = {
    "ann": "ann-sub",
    "bob": "bob-sub",
    "capital": "ANN-SUB",
    "spaced": " ann-sub",
    "one": "1",
    "zero": "0",
    "number": "12345",
    "yes": "true",
    "capital-yes": "True",
    "nothing": "null",
    "none": "None",
    "list": '["ann-sub"]',
    "object": "{}",
    "accent": "jos\u00e9",
    "accent-apart": "jose\u0301",
    "kelvin": "kim",
    "mail": "ann@contoso.example",
    "injected": "' OR '1'='1",
    "off": {"external_id": "off-sub", "active": False},
    "unset": {"external_id": None},
    "eve": {"external_id": "eve-sub", "of": OTHER},
    "eve-too": {"external_id": "ann-sub", "of": OTHER},
}
"""The users of every case, as a table has them, until it is made smaller."""
PLACES: Final = ("claim", "header", "forge", "token", "onboard", "other")
"""Where a part may stand: in a table's `claim`, `token.header`, `forge`, `token`, `onboard`, or the other IdP."""
STEP: Final = "step"
"""Where a step stands, whose name is the word that a table has for it, such as `rotate`."""
MAX_PARTS: Final = 32
"""A case from a file has no more parts than this, and no more steps."""


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that is not plain: a claim, a header member, a forgery, a word of the token or of the record."""

    where: str
    name: str
    value: Any
    """What a table would have there; `ABSENT` and `Json` as `yaml12` reads them."""

    @property
    def dimension(self) -> str:
        """What it changes, whatever the value: `claim exp`."""
        return f"{self.where} {self.name}"

    @property
    def key(self) -> str:
        """The part as text that is equal for equal parts alone: to Python 1, 1.0 and true are equal."""
        return f"{self.where} {self.name} {self.value!r}"


@dataclass(frozen=True, slots=True)
class Case:
    """One case; of the parts of one dimension the last one counts."""

    parts: tuple[Part, ...] = ()
    users: tuple[str, ...] = tuple(USERS)
    steps: tuple[Part, ...] = ()
    """What happens over time, where it does; without any, the token of the parts is sent once."""

    @classmethod
    def of(cls, parts: Iterable[Part], steps: Iterable[Part] = ()) -> Case:
        """Return the case with these parts, each dimension once."""
        return cls(tuple({part.dimension: part for part in parts}.values()), steps=tuple(steps))

    def without(self, part: Part) -> Case:
        """Return the case in which this part is plain, or this step left out."""
        parts, steps = (tuple(one for one in some if one is not part) for some in (self.parts, self.steps))
        return replace(self, parts=parts, steps=steps)

    def having(self, part: Part, new: Part) -> Case:
        """Return the case with `new` in the place of a part or step."""
        parts, steps = (
            tuple(new if one is part else one for one in some) for some in (self.parts, self.steps)
        )
        return replace(self, parts=parts, steps=steps)

    def upto(self, step: int) -> Case:
        """Return the case without what follows a step, by its index."""
        return replace(self, steps=self.steps[: step + 1])

    def get(self, where: str, name: str) -> Part | None:
        """Return the part of a dimension, or None where that is plain."""
        return next((one for one in self.parts if (one.where, one.name) == (where, name)), None)

    def at(self, where: str) -> dict[str, Any]:
        """Return the values of the parts that stand somewhere, by name."""
        return {one.name: one.value for one in self.parts if one.where == where}

    @property
    def dimensions(self) -> frozenset[str]:
        """What it changes."""
        return frozenset(part.dimension for part in (*self.parts, *self.steps))

    @property
    def keys(self) -> frozenset[str]:
        """Its parts and steps, each as text."""
        return frozenset(part.key for part in (*self.parts, *self.steps))

    @property
    def key(self) -> str:
        """The case as text, equal for equal cases alone."""
        return "; ".join((*sorted(part.key for part in self.parts), *(step.key for step in self.steps)))

    @property
    def setting(self) -> str:
        """What has to be onboarded for it, as text: cases with one setting are asked one after the other."""
        plain = Part("onboard", "alg", DEFAULT_ALG).key
        parts = sorted({part.key for part in self.parts if part.where in ("onboard", "other")} - {plain})
        return repr((parts, self.users, self._of_other()))

    def _of_other(self) -> bool:
        """Whether there is a second IdP."""
        tokens = (step.value.get("token") for step in self.steps if isinstance(step.value, dict))
        named = {self.at("token").get("of"), *(one.get("of") for one in tokens if isinstance(one, dict))}
        return OTHER in named or bool(self.at("other"))

    def token(self) -> dict[str, Any]:
        """Return the token as a table has it."""
        spec: dict[str, Any] = dict(self.at("token"))
        for where, name in (("claim", "claims"), ("header", "header")):
            if members := self.at(where):
                spec[name] = members
        forge = [name if value is None else {name: value} for name, value in self.at("forge").items()]
        if forge:
            spec["forge"] = forge[0] if len(forge) == 1 else forge
        return spec

    def integrations(self) -> dict[str, dict[str, Any]]:
        """Return the integrations as a table has them."""
        made = {MAIN: self.at("onboard")}
        if self._of_other():
            made[OTHER] = {"at_start": bool(self.at("other").get("onboarded"))}
        return made

    def directory(self) -> dict[str, Any]:
        """Return the users as a table has them; those of the other IdP where there is one."""
        known = {name: USERS[name] for name in self.users}
        if self._of_other():
            return known
        return {name: user for name, user in known.items() if not (isinstance(user, dict) and "of" in user)}

    def scenario(self) -> Scenario:
        """Return the scenario that sets the stage; it has no actions. Raises `ValueError` for odd parts."""
        rule = rulebook.rules()["CLM-001"]  # none of fetching: the stage asks no more
        return Scenario(
            id="fuzz/case",
            group="fuzz",
            title="",
            says="",
            rules=(rule.id,),
            rule=rule,
            requires=frozenset(),
            control=None,
            actions=(),
            integrations=msgspec.convert(self.integrations(), dict[str, model.IntegrationSpec]),
            users=user_specs(self.directory()),
            place=Place("fuzz", 1, 1),
        )

    def token_spec(self) -> model.TokenSpec:
        """Return the token's type. Raises `ValueError` for odd parts."""
        return msgspec.convert(self.token(), model.TokenSpec)


def user_specs(users: Mapping[str, Any]) -> dict[str, model.UserSpec]:
    """Return the types of users as a table has them. Raises `ValueError` for odd ones."""
    return {
        name: model.UserSpec(external_id=user)
        if user is None or isinstance(user, str)
        else msgspec.convert(user, model.UserSpec)
        for name, user in users.items()
    }


# Files: JSON in which what only YAML can say is an object with one odd name.


def to_json(case: Case) -> bytes:
    """Return a case as the file of a corpus has it: the same bytes for the same case."""
    parts, steps = (
        [[part.where, part.name, _plain(part.value)] for part in some] for some in (case.parts, case.steps)
    )
    more: dict[str, Any] = {"steps": steps} if steps else {}
    if case.users != tuple(USERS):
        more["users"] = list(case.users)
    return json.dumps({"parts": parts, **more}, indent=1, ensure_ascii=True).encode() + b"\n"


def from_json(data: bytes) -> Case:
    """Read a file of a corpus. Raises `ValueError` with one sentence for what is none."""
    try:
        raw = json.loads(data)
    except (ValueError, RecursionError):
        raise ValueError("it is no JSON") from None
    given = raw if isinstance(raw, dict) else {}
    parts, steps, users = given.get("parts"), given.get("steps", []), given.get("users", list(USERS))
    if not (isinstance(parts, list) and isinstance(steps, list) and isinstance(users, list)) or (
        max(len(parts), len(steps)) > MAX_PARTS
    ):
        raise ValueError(f"it is no case: an object with at most {MAX_PARTS} parts, and as many steps")
    if not all(isinstance(user, str) and user in USERS for user in users):
        raise ValueError("it names a user that no case has")
    return Case(
        tuple(_part(one, PLACES) for one in parts), tuple(users), tuple(_part(one, (STEP,)) for one in steps)
    )


def _part(raw: Any, places: Sequence[str]) -> Part:
    if not (isinstance(raw, list) and len(raw) == 3 and raw[0] in places and isinstance(raw[1], str)):
        raise ValueError(f"a part is [where, name, value], where is one of {', '.join(places)}")
    return Part(raw[0], raw[1], _read(raw[2]))


def _plain(value: Any) -> Any:
    if value is ABSENT:
        return {"!absent": True}
    match value:
        case Json():
            return {"!json": value.text}
        case dict():
            return {name: _plain(item) for name, item in value.items()}
        case list():
            return [_plain(item) for item in value]
    return value


def _read(value: Any) -> Any:
    match value:
        case {"!absent": True}:
            return ABSENT
        case {"!json": str(text)}:
            return Json(text)
        case dict():
            return {name: _read(item) for name, item in value.items()}
        case list():
            return [_read(item) for item in value]
    return value
