"""One row of a table to one scenario: what the group gives, what the row changes, and what must then be true.

A row is merged as plain values (the group's `given`, its `defaults`, the row, the cell of the matrix), turned into
types, and checked against the words that exist. Every mistake goes to `Sink` with its place; nothing raises.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from scenarios import rulebook
from scenarios.files.convert import convert
from scenarios.files.problems import Problem, TableErrors, nearest
from scenarios.rulebook import KnobType
from scenarios.tables import expect as expectations
from scenarios.tables import model, requirements, times, words
from scenarios.tables.merge import merge_tokens, put, with_value
from scenarios.tables.scenario import MAIN, Scenario
from scenarios.tables.steps import ONBOARDED, Actions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from scenarios.files.problems import Place
    from scenarios.files.yaml12 import Path
    from scenarios.tables.expect import Expectation
    from scenarios.tables.sink import Sink

T = TypeVar("T")

_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\Z")
_ADVISORY = re.compile(r"(?:CVE-\d{4}-\d{4,}|GHSA(?:-[0-9a-z]{4}){3})\Z")
AUDITED: Final = ("mapped_by", "fallback")
"""What an accept's record can say (MAP-046)."""
MAX_SAYS: Final = 140
"""A sentence longer than this (characters) is no longer one fact."""

_SHORT: Final = {
    "alg": "onboard.alg",
    "keys": "onboard.keys",
    "persona": "token.persona",
    "hmac": "token.hmac",
}
"""The words of `matrix:` and the columns that they fill."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a matrix: its values, and the suffix that it gives to ids."""

    values: Mapping[str, Any]

    @property
    def suffix(self) -> str:
        """`[RS256]`, or nothing outside a matrix."""
        return f"[{','.join(map(str, self.values.values()))}]" if self.values else ""


def resolve(sink: Sink, raw: Mapping[str, Any], path: Path, cell: Cell) -> Scenario | None:
    """Return the scenario of a row of `sink.document` (a plain mapping at `path`), or None with problems noted."""
    return Row(sink, raw, path, cell).scenario()


class Row:
    """One row in one cell, being resolved; every mistake goes to its sink."""

    def __init__(self, sink: Sink, raw: Mapping[str, Any], path: Path, cell: Cell) -> None:
        self.sink = sink
        self.path = path
        self.cell = cell
        self.head: Mapping[str, Any] = sink.document.value
        self.before = len(sink.problems)
        given, defaults = self.head.get("given") or {}, self.head.get("defaults") or {}
        if path[0] == "control":  # the control shares the setting, not the fault
            defaults = {key: value for key, value in defaults.items() if key in ("rules", "requires")}
        row = with_value(raw, self.head.get("vary"))
        for name, value in cell.values.items():
            row = put(row, _SHORT[name].split("."), value, keep=True)
        self.layers: tuple[Mapping[str, Any], ...] = (given, defaults, row)
        self.bases: tuple[Path, ...] = (path, ("defaults",), ("given",))

    def scenario(self) -> Scenario | None:
        """Return the scenario, or None when a mistake was noted."""
        users = self.users()
        integrations = self.integrations()
        token = self.typed(model.TokenSpec, self.token(), "token")
        rules = [name for index, name in enumerate(self.last("rules", [])) if self.rule(name, index)]
        if token is None or integrations is None or users is None:
            return None
        self.words_of_token(token, integrations, users, ("token",))
        self.words_of_users(users)
        actions = Actions(self, token, integrations, users).all()
        self.check_texts()
        if not rules and not self.last("rules", []):
            self.problem((), "a scenario names the rules that it tests: rules: [MAP-003]")
        if len(self.sink.problems) > self.before or not rules:
            return None
        rule = rulebook.rules()[rules[0]]
        group = str(self.head["group"])
        made = Scenario(
            id=f"{group}/{self.last('id', 'control')}{self.cell.suffix}",
            group=group,
            title=str(self.head["title"]),
            says=str(self.last("says", "")),
            rules=tuple(rules),
            rule=rule,
            requires=frozenset(),
            control=self.control(),
            actions=tuple(actions),
            integrations=integrations,
            users=users,
            place=self.sink.document.place(self.path),
            canary=self.last("canary", None) is not None,
            quoted=self.last("quoted", None) is None,
            unless=self.unless() or None,
            audit=self.last("audit", None),
            advisories=tuple(self.last("advisories", ())),
            note=self.last("note", None),
        )
        return requirements.with_requirements(made, self.all_of("requires"))

    # what the layers say

    def last(self, name: str, default: Any) -> Any:
        """Return a member from the layer nearest to the row."""
        for layer in reversed(self.layers):
            if name in layer:
                return layer[name]
        return default

    def all_of(self, name: str) -> list[Any]:
        """Return the items of a list member, from all layers."""
        return [item for layer in self.layers for item in layer.get(name) or ()]

    def merged(self, name: str) -> dict[str, Any]:
        """Return a mapping member with the layers laid over each other."""
        made: dict[str, Any] = {}
        for layer in self.layers:
            made |= layer.get(name) or {}
        return made

    def token(self) -> dict[str, Any]:
        """Return what all layers say about the token, as plain values."""
        return merge_tokens(
            *(
                part
                for layer in self.layers
                for part in (
                    layer.get("token") or {},
                    {"claims": layer.get("claim") or {}},
                    {"forge": layer["forge"]} if layer.get("forge") is not None else {},
                )
            )
        )

    def unless(self) -> dict[str, str]:
        """Return the words of list knobs whose declaration makes the row none for a target."""
        found = self.merged("unless")
        for name in found:
            lists = [name for name, knob in rulebook.knobs().items() if knob.type is KnobType.LIST]
            self.one_of(name, lists, "knob that is a list", ("unless", name))
        return found

    def control(self) -> str | None:
        """Return the control's name: the row's own, or the group's."""
        name = self.last("control", None)
        if name is None and self.path[0] != "control" and "control" in self.head:
            name = self.head["control"].get("id", "control")
        return None if name is None else str(name)

    def users(self) -> dict[str, model.UserSpec] | None:
        """Return the users of the scenario, or None when one is mistyped."""
        return self.users_from(self.merged("users"), ("users",))

    def users_from(self, raw: Mapping[str, Any], where: Path) -> dict[str, model.UserSpec] | None:
        """Return users of plain values that stand at a path."""
        made = {}
        for name, value in raw.items():
            if name in expectations.ONBOARDING or name == "reject":
                self.problem((*where, name), f"'{name}' cannot be a user's name: it is a word of expect")
            plain = {"external_id": value} if value is None or isinstance(value, str) else value
            user = self.typed(model.UserSpec, plain, *where, name)
            if user is None:
                return None
            made[name] = user
        return made

    def integrations(self) -> dict[str, model.IntegrationSpec] | None:
        """Return the integrations by name, the main one first, or None when one is mistyped."""
        main: dict[str, Any] = {}
        for layer in self.layers:
            main |= layer.get("integration") or {}
            main |= layer.get("onboard") or {}
        made = {}
        for name, raw in {MAIN: main, **self.merged("integrations")}.items():
            if name != MAIN and "alg" in main and "alg" not in (raw or {}):
                raw = {**(raw or {}), "alg": main["alg"]}  # noqa: PLW2901 - a matrix over alg means every integration
            where = ("onboard",) if name == MAIN else ("integrations", name)
            integration = self.typed(model.IntegrationSpec, raw or {}, *where)
            if integration is None:
                return None
            self.words_of_integration(integration, where)
            made[name] = integration
        return made

    # checks

    def problem(self, where: Path, message: str) -> None:
        """Note a mistake at a path of the row."""
        self.sink.problems.add(Problem(self.place(where), message))

    def place(self, where: Path) -> Place:
        """Return where a member of the merged row was written: the row, the group's defaults, its given, its matrix."""
        spelled = [(*base, *path) for base in self.bases for path in self.spellings(where)]
        cells = [("matrix", name) for name in self.cell.values if _SHORT[name] == ".".join(map(str, where))]
        return self.sink.nearest_place([*spelled, *cells])

    def spellings(self, where: Path) -> list[Path]:
        """Return the ways in which a table can write a member of a row."""
        ways: list[Path] = [where]
        match where:
            case ("steps", int(), "authenticate", "token", *rest) | ("steps", int(), "mint" | "flood", *rest):
                ways.append(("token", *rest))
            case ("steps", int(), "onboard", *rest):
                ways.append(("onboard", *rest))
        for way in list(ways):
            match way:
                case ("token", "claims", *rest):
                    ways.append(("claim", *rest))
                case ("token", "forge", *rest):
                    ways.append(("forge", *rest))
                case ("onboard", *rest):
                    ways.append(("integration", *rest))
        column = tuple(str(self.head.get("vary") or "").split("."))
        return ways + [("value", *way[len(column) :]) for way in ways if way[: len(column)] == column]

    def typed(self, type_: type[T], raw: Any, *where: str | int) -> T | None:
        """Return plain values as a type, or None with their mistakes noted."""
        path = (*self.path, *where)
        try:
            return convert(
                self.sink.document, type_, path, raw, place=lambda p: self.place(p[len(self.path) :])
            )
        except TableErrors as errors:
            self.sink.problems.update(errors.problems)
            return None

    def one_of(self, word: str | None, known: Iterable[str], kind: str, where: Path) -> None:
        """Note a word that is not among the known ones."""
        if word is not None and word not in known:
            self.problem(where, f"'{word}' is no {kind}{nearest(word, known)}")

    def rule(self, name: str, index: int) -> bool:
        """Tell whether a rule exists, and note it when not."""
        known = name in rulebook.rules()
        if not known:
            self.problem(("rules", index), f"'{name}' is no rule{nearest(str(name), rulebook.rules())}")
        return known

    def expectation(self, value: Any, users: Mapping[str, Any], where: Path) -> Expectation:
        """Return an expectation; a mistaken one is noted and stands as a plain yes."""
        try:
            return expectations.parse(value, users)
        except ValueError as error:
            self.problem(where, str(error))
            return ONBOARDED

    def duration(self, text: Any, where: Path) -> None:
        """Note what is no time."""
        try:
            duration = times.parse(str(text))
        except ValueError as error:
            self.problem(where, str(error))
            return
        for _, knob in duration.knobs:
            self.one_of(
                knob, [k for k in rulebook.knobs() if k.endswith("_s")], "knob that holds seconds", where
            )

    def words_of_integration(self, spec: model.IntegrationSpec, where: Path) -> None:
        """Check the words of an integration."""
        self.one_of(spec.persona, words.personas(), "persona", (*where, "persona"))
        for index, name in enumerate(spec.published or ()):
            self.one_of(name, words.keys(), "key", (*where, "published", index))
        for index, entry in enumerate(spec.jwks if isinstance(spec.jwks, list) else ()):
            letter = entry if isinstance(entry, str) else entry.key
            self.one_of(letter, words.keys(), "key", (*where, "jwks", index))
        for index, item in enumerate(spec.certificates or ()):
            self.words_of_certificate(item, (*where, "certificates", index))

    def words_of_certificate(self, item: str | model.CertificateSpec, where: Path) -> None:
        """Check the words of an upload."""
        if isinstance(item, str):
            self.one_of(item, words.keys(), "key", where)
            return
        self.one_of(item.key, words.keys(), "key", (*where, "key"))
        for letter in item.bundle or ():
            self.one_of(letter, words.keys(), "key", (*where, "bundle"))
        self.one_of(item.form, words.certificate_forms(), "form of a certificate", (*where, "form"))
        for name in ("not_before", "not_after"):
            limit = getattr(item, name)
            if limit is not None:
                self.duration(limit, (*where, name))

    def words_of_users(self, users: Mapping[str, model.UserSpec]) -> None:
        """Check whose users they are; a group may give a user to an integration that only some rows have."""
        for name, user in users.items():
            if user.of is not None:
                settings = [self.head.get("given") or {}, *self.head["scenarios"]]
                known = {
                    MAIN,
                    *(other for setting in settings for other in setting.get("integrations") or ()),
                }
                self.one_of(user.of, known, "integration of this group", ("users", name, "of"))

    def words_of_token(
        self, token: model.TokenSpec, integrations: Mapping[str, Any], users: Mapping[str, Any], where: Path
    ) -> None:
        """Check the words of a token."""
        self.one_of(token.persona, words.personas(), "persona", (*where, "persona"))
        self.one_of(token.key, words.keys(), "key", (*where, "key"))
        self.one_of(token.of, integrations, "integration of this scenario", (*where, "of"))
        self.one_of(token.user, users, "user of this scenario", (*where, "user"))
        for name in words.forge_names(token.forge):
            self.one_of(name, words.forgeries(), "forgery", (*where, "forge"))
        for claim, value in token.claims.items():
            if times.is_time_claim(claim) and isinstance(value, str):
                self.duration(value, (*where, "claims", claim))
            elif times.is_time_claim(claim) and type(value) is int and 1 < value < times.LONG_AGO_S:
                message = f"{value} is a time of 1970 to 1973: write +{value}s, or !json {value} if it shall be that"
                self.problem((*where, "claims", claim), message)

    def check_texts(self) -> None:
        """Check the id, the sentence, what is required and the advisories."""
        name = str(self.last("id", "control"))
        if not _ID.match(name):
            self.problem(("id",), f"'{name}' is no id: lower-case words joined by hyphens")
        says = str(self.last("says", "")).strip()
        if not says or len(says) > MAX_SAYS or says.endswith("."):
            self.problem(
                ("says",), f"says is one sentence without a full stop, at most {MAX_SAYS} characters"
            )
        for base, layer in zip(reversed(self.bases), self.layers, strict=True):
            for index, name in enumerate(layer.get("requires") or ()):
                if name not in words.requirements():
                    known = nearest(name, words.requirements())
                    self.sink.add((*base, "requires", index), f"'{name}' is no capability{known}")
        for index, advisory in enumerate(self.last("advisories", ())):
            if not _ADVISORY.match(advisory):
                message = f"'{advisory}' is no advisory: write CVE-2015-9235 or GHSA-…"
                self.problem(("advisories", index), message)
        for name in self.last("audit", None) or ():
            self.one_of(name, AUDITED, "member of an accept's record", ("audit", name))
