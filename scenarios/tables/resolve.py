"""One row of a table to one scenario: what the group gives, what the row changes, and what must then be true.

A row is merged as plain values (the group's `given`, its `defaults`, the row, the cell of the matrix), turned into
types, and checked against the words that exist. Every mistake goes to `Sink` with its place; nothing raises.
"""

from __future__ import annotations

import copy
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from scenarios import rulebook
from scenarios.files.convert import convert
from scenarios.files.problems import Problem, TableErrors, nearest
from scenarios.tables import expect as expectations
from scenarios.tables import model, requirements, times, words
from scenarios.tables.expect import Expectation, Outcome
from scenarios.tables.scenario import MAIN, Action, Authenticate, Flood, Mint, Move, Onboard, Scenario

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from scenarios.files.problems import Place
    from scenarios.files.yaml12 import Document, Path

T = TypeVar("T")

_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\Z")
_ADVISORY = re.compile(r"(?:CVE-\d{4}-\d{4,}|GHSA(?:-[0-9a-z]{4}){3})\Z")
AUDITED: Final = ("mapped_by", "fallback")
"""What an accept's record can say (MAP-046)."""
BOUNDED: Final = ("jwks",)
"""The endpoints of the IdP whose requests a step can bound."""
MAX_SAYS: Final = 140
"""A sentence longer than this (characters) is no longer one fact."""

_OF_ONE_TOKEN: Final = ("expect", "times", "endpoint", "each_key")
"""Members of a row that say how its one token is sent; beside steps they would say nothing."""
ONBOARDED: Final = Expectation({"": (Outcome("onboarded"),)})
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


class Sink:
    """Collects the problems of one document, once each."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: set[Problem] = set()

    def add(self, path: Path, message: str) -> None:
        """Note a mistake at a path of the document."""
        self.problems.add(Problem(self.document.place(path), message))

    def nearest_place(self, paths: Iterable[Path]) -> Place:
        """Return the place of the path that leads furthest to its end; of equal ones, that of the first."""
        best: Path = ()
        missing = sys.maxsize
        for path in paths:
            there = path
            while there and there not in self.document.places:
                there = there[:-1]
            if len(path) - len(there) < missing:
                best, missing = there, len(path) - len(there)
        return self.document.place(best)


def resolve(sink: Sink, raw: Mapping[str, Any], path: Path, cell: Cell) -> Scenario | None:
    """Return the scenario of a row of `sink.document` (a plain mapping at `path`), or None with problems noted."""
    return _Row(sink, raw, path, cell).scenario()


class _Row:
    def __init__(self, sink: Sink, raw: Mapping[str, Any], path: Path, cell: Cell) -> None:
        self.sink = sink
        self.path = path
        self.cell = cell
        self.head: Mapping[str, Any] = sink.document.value
        self.before = len(sink.problems)
        given, defaults = self.head.get("given") or {}, self.head.get("defaults") or {}
        if path[0] == "control":  # the control shares the setting, not the fault
            defaults = {key: value for key, value in defaults.items() if key in ("rules", "requires")}
        row = _with_value(raw, self.head.get("vary"))
        for name, value in cell.values.items():
            row = _put(row, _SHORT[name].split("."), value, keep=True)
        self.layers: tuple[Mapping[str, Any], ...] = (given, defaults, row)
        self.bases: tuple[Path, ...] = (path, ("defaults",), ("given",))

    def scenario(self) -> Scenario | None:
        users = self.users()
        integrations = self.integrations()
        token = self.typed(model.TokenSpec, self.token(), "token")
        rules = [name for index, name in enumerate(self.last("rules", [])) if self.rule(name, index)]
        if token is None or integrations is None or users is None:
            return None
        self.words_of_token(token, integrations, users, ("token",))
        self.words_of_users(users)
        actions = _Actions(self, token, integrations, users).all()
        self.check_texts()
        if not rules and not self.last("rules", []):
            self.problem((), "a scenario names the rules that it tests: rules: [MAP-003]")
        if len(self.sink.problems) > self.before or not rules:
            return None
        rule = rulebook.rules()[rules[0]]
        group = str(self.head["group"])
        send = self.last("send", None)
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
            send=self.typed(model.SendSpec, send, "send") if send else None,
            audit=self.last("audit", None),
            advisories=tuple(self.last("advisories", ())),
            note=self.last("note", None),
        )
        return requirements.with_requirements(made, self.all_of("requires"))

    # what the layers say

    def last(self, name: str, default: Any) -> Any:
        """Return a member from the layer nearest to the row."""
        return next((layer[name] for layer in reversed(self.layers) if name in layer), default)

    def all_of(self, name: str) -> list[Any]:
        return [item for layer in self.layers for item in layer.get(name) or ()]

    def merged(self, name: str) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for layer in self.layers:
            made |= layer.get(name) or {}
        return made

    def token(self) -> dict[str, Any]:
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

    def control(self) -> str | None:
        name = self.last("control", None)
        if name is None and self.path[0] != "control" and "control" in self.head:
            name = self.head["control"].get("id", "control")
        return None if name is None else str(name)

    def users(self) -> dict[str, model.UserSpec] | None:
        return self.users_from(self.merged("users"), ("users",))

    def users_from(self, raw: Mapping[str, Any], where: Path) -> dict[str, model.UserSpec] | None:
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
        path = (*self.path, *where)
        try:
            return convert(
                self.sink.document, type_, path, raw, place=lambda p: self.place(p[len(self.path) :])
            )
        except TableErrors as errors:
            self.sink.problems.update(errors.problems)
            return None

    def one_of(self, word: str | None, known: Iterable[str], kind: str, where: Path) -> None:
        if word is not None and word not in known:
            self.problem(where, f"'{word}' is no {kind}{nearest(word, known)}")

    def rule(self, name: str, index: int) -> bool:
        known = name in rulebook.rules()
        if not known:
            self.problem(("rules", index), f"'{name}' is no rule{nearest(str(name), rulebook.rules())}")
        return known

    def expectation(self, value: Any, users: Mapping[str, Any], where: Path) -> Expectation:
        try:
            return expectations.parse(value, users)
        except ValueError as error:
            self.problem(where, str(error))
            return ONBOARDED

    def duration(self, text: Any, where: Path) -> None:
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
        self.one_of(spec.persona, words.personas(), "persona", (*where, "persona"))
        for index, name in enumerate(spec.published or ()):
            self.one_of(name, words.keys(), "key", (*where, "published", index))
        for index, entry in enumerate(spec.jwks if isinstance(spec.jwks, list) else ()):
            letter = entry if isinstance(entry, str) else entry.key
            self.one_of(letter, words.keys(), "key", (*where, "jwks", index))
        for index, item in enumerate(spec.certificates or ()):
            self.words_of_certificate(item, (*where, "certificates", index))

    def words_of_certificate(self, item: str | model.CertificateSpec, where: Path) -> None:
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
        self.one_of(token.persona, words.personas(), "persona", (*where, "persona"))
        self.one_of(token.key, words.keys(), "key", (*where, "key"))
        self.one_of(token.of, integrations, "integration of this scenario", (*where, "of"))
        self.one_of(token.user, users, "user of this scenario", (*where, "user"))
        for name in words.forge_names(token.forge):
            self.one_of(name, words.forgeries(), "forgery", (*where, "forge"))
        for claim, value in token.claims.items():
            if times.is_time_claim(claim) and isinstance(value, str):
                self.duration(value, (*where, "claims", claim))

    def check_texts(self) -> None:
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


class _Actions:
    """The steps of a row: those that it writes out, or the ones that a plain row means."""

    def __init__(
        self,
        row: _Row,
        token: model.TokenSpec,
        integrations: Mapping[str, model.IntegrationSpec],
        users: Mapping[str, model.UserSpec],
    ) -> None:
        self.row = row
        self.token = token
        self.integrations = integrations
        self.users = users
        self.kept: set[str] = set()

    def all(self) -> list[Action]:
        row = self.row
        start = [
            Onboard(ONBOARDED, name, spec, self.users)
            for name, spec in self.integrations.items()
            if spec.at_start
        ]
        raw_steps = row.last("steps", None)
        if raw_steps is not None:
            for name in _OF_ONE_TOKEN:
                if name in row.layers[-1]:
                    row.problem((name,), f"a scenario with steps says {name} in each step")
            return [*start, *self.written(raw_steps)]
        if row.last("expect", None) is None:
            row.problem((), "a scenario says what it expects: expect: ann, or {reject: expired}")
            return []
        expect = row.expectation(row.last("expect", None), self.users, ("expect",))
        if expect.onboarding:
            others = [action for action in start if action.name != MAIN]
            return [*others, Onboard(expect, MAIN, self.integrations[MAIN], self.users)]
        plain = Authenticate(
            expect,
            self.token,
            times=int(row.last("times", 1)),
            each_key=bool(row.last("each_key", None)),
            endpoint=row.last("endpoint", None),
        )
        return [*start, plain]

    def written(self, raw_steps: Any) -> Iterable[Action]:
        if not isinstance(raw_steps, list) or not raw_steps:
            self.row.problem(("steps",), "steps is a list of steps, each one mapping such as {rotate: {}}")
            return
        for index, raw in enumerate(raw_steps):
            where: Path = ("steps", index)
            step = self.row.typed(model.Step, raw, *where)
            if step is None:
                continue
            given = [name for name in raw if getattr(step, name) is not None]
            if len(given) != 1:
                self.row.problem(where, f"a step is exactly one of {', '.join(model.Step.__struct_fields__)}")
                continue
            yield self.action(given[0], step, raw[given[0]], (*where, given[0]))

    def action(self, what: str, step: model.Step, raw: Any, where: Path) -> Action:
        row = self.row
        if step.authenticate is not None:
            return self.authenticate(step.authenticate, raw, where)
        if step.mint is not None:
            self.kept.add(step.mint.as_)
            changes = {key: value for key, value in raw.items() if key != "as"}
            return Mint(self.changed(changes, where), step.mint.as_)
        if step.flood is not None:
            spec = step.flood
            expect = row.expectation(spec.expect, self.users, (*where, "expect"))
            token = self.changed({"forge": spec.forge}, where)
            self.bounds(spec.requests, where)
            return Flood(expect, token, spec.tokens, spec.requests)
        if step.onboard is not None:
            return self.onboard(step.onboard, raw, where)
        argument: Any = getattr(step, what)
        if what == "advance":
            row.duration(argument, where)
            argument = times.parse(argument) if len(row.sink.problems) == row.before else None
        elif what == "offboard":
            row.one_of(argument, self.integrations, "integration of this scenario", where)
        elif what == "fault":
            row.one_of(words.fault_name(argument.is_), words.faults(), "fault", (*where, "is"))
        else:
            for name in words.keys_of_move(argument):
                row.one_of(name, {*words.keys(), "old"}, "key", where)
        return Move(what, argument)

    def authenticate(self, spec: model.AuthenticateStep, raw: Mapping[str, Any], where: Path) -> Authenticate:
        expect = self.row.expectation(spec.expect, self.users, (*where, "expect"))
        token: model.TokenSpec | str
        if isinstance(spec.token, str):
            self.row.one_of(spec.token, self.kept, "token kept by an earlier step", (*where, "token"))
            token = spec.token
        else:
            token = self.changed(raw.get("token") or {}, (*where, "token"))
        if spec.as_ is not None:
            self.kept.add(spec.as_)
        self.bounds(spec.requests, where)
        return Authenticate(
            expect, token, spec.as_, spec.times, endpoint=spec.endpoint, requests=spec.requests or None
        )

    def bounds(self, requests: Mapping[str, model.RequestBound], where: Path) -> None:
        for name, bound in requests.items():
            place = (*where, "requests", name)
            self.row.one_of(name, BOUNDED, "endpoint of the IdP", place)
            if bound.at_most is None and bound.at_least is None:
                self.row.problem(place, "a bound says at_most, at_least or both")

    def onboard(self, spec: model.OnboardStep, raw: Mapping[str, Any], where: Path) -> Onboard:
        row = self.row
        name = spec.integration or MAIN
        row.one_of(name, self.integrations, "integration of this scenario", (*where, "integration"))
        base = self.integrations.get(name, self.integrations[MAIN])
        changes = {key: value for key, value in raw.items() if key not in ("integration", "users", "expect")}
        changed = row.typed(model.IntegrationSpec, changes, *where) or base
        merged = _over(base, changed, changes)
        row.words_of_integration(merged, where)
        users = row.users_from(raw.get("users") or {}, (*where, "users")) or {}
        self.integrations = {**self.integrations, name: merged}
        self.users = {**self.users, **users}
        expect = row.expectation(spec.expect, self.users, (*where, "expect"))
        return Onboard(expect, name, merged, self.users)

    def changed(self, changes: Mapping[str, Any], where: Path) -> model.TokenSpec:
        spec = self.row.typed(model.TokenSpec, merge_tokens(self.row.token(), changes), *where)
        if spec is None:
            return self.token
        self.row.words_of_token(spec, self.integrations, self.users, where)
        return spec


def merge_tokens(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Lay descriptions of a token over each other; claims and header by member, all else whole."""
    made: dict[str, Any] = {}
    for layer in layers:
        for name, value in layer.items():
            if name in ("claims", "header") and isinstance(value, dict):
                made[name] = {**made.get(name, {}), **value}
            else:
                made[name] = value
    return made


def _over(
    base: model.IntegrationSpec, changed: model.IntegrationSpec, raw: Mapping[str, Any]
) -> model.IntegrationSpec:
    fields = {name: getattr(changed if name in raw else base, name) for name in base.__struct_fields__}
    return model.IntegrationSpec(**fields)


def _with_value(raw: Mapping[str, Any], vary: str | None) -> dict[str, Any]:
    if vary is None or "value" not in raw:
        return dict(raw)
    rest = {key: value for key, value in raw.items() if key != "value"}
    return _put(rest, vary.split("."), raw["value"])


def _put(row: Mapping[str, Any], path: list[str], value: Any, *, keep: bool = False) -> dict[str, Any]:
    """Return the row with a value at a path; with `keep`, what the row itself says there stays."""
    made = copy.copy(dict(row))
    here = made
    for step in path[:-1]:
        below = here.get(step)
        here[step] = dict(below) if isinstance(below, dict) else {}
        here = here[step]
    if not (keep and path[-1] in here):
        here[path[-1]] = value
    return made
