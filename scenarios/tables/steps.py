"""The steps of a row: those that it writes out, or the ones that a plain row means."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from msgspec import UNSET

from scenarios.tables import model, times, words
from scenarios.tables.expect import Expectation, Outcome
from scenarios.tables.merge import merge_tokens, over
from scenarios.tables.scenario import MAIN, Action, Authenticate, Flood, Mint, Move, Onboard, Together

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from scenarios.files.yaml12 import Path
    from scenarios.tables.resolve import Row

BOUNDED: Final = ("jwks",)
"""The endpoints of the IdP whose requests a step can bound."""
_OF_ONE_TOKEN: Final = ("expect", "times", "endpoint", "each_key", "answer")
"""Members of a row that say how its one token is sent; beside steps they would say nothing."""
WORD: Final = re.compile(r"\{([A-Za-z0-9_-]+)\}")
"""A word in braces of a sent text stands for a token, or for the endpoint's path."""
ONBOARDED: Final = Expectation({"": (Outcome("onboarded"),)})


class Actions:
    """The steps of a row: those that it writes out, or the ones that a plain row means."""

    def __init__(
        self,
        row: Row,
        token: model.TokenSpec,
        integrations: Mapping[str, model.IntegrationSpec],
        users: Mapping[str, model.UserSpec],
    ) -> None:
        self.row = row
        self.token = token
        self.integrations = integrations
        self.users = users
        self.kept: set[str] = set()
        self.answers: set[str] = set()

    def all(self) -> list[Action]:
        """Return every action of the row, the onboarding that comes first included."""
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
            before = len(row.sink.problems)
            steps = list(self.written(raw_steps))
            judged = any(isinstance(step, Authenticate | Together | Onboard | Flood) for step in steps)
            if not judged and len(row.sink.problems) == before:
                row.problem(("steps",), "no step expects anything: add - authenticate: {expect: ann}")
            return [*start, *steps]
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
            send=self.sending(row.last("send", None), ("send",)),
            answer=self.answering(row.last("answer", None), ("answer",)),
        )
        return [*start, plain]

    def sending(self, raw: Any, where: Path) -> model.SendSpec | None:
        """Return how a credential travels; its texts are bytes, and hold tokens that there are."""
        spec = self.row.typed(model.SendSpec, raw, *where) if raw is not None else None
        if spec is None:
            return None
        lines = [] if spec.headers is UNSET else spec.headers
        for text in (*lines, spec.target or "", spec.method or "", spec.body or ""):
            if any(character > "\xff" for character in text):
                self.row.problem(where, "each character here is one byte, U+0000 to U+00FF")
            for name in WORD.findall(text):
                self.row.one_of(
                    name, {"token", "path", "PATH", *self.kept}, "token kept by an earlier step", where
                )
        return spec

    def answering(self, raw: Any, where: Path) -> model.AnswerSpec | None:
        """Return what an HTTP answer must say."""
        spec = self.row.typed(model.AnswerSpec, raw, *where) if raw is not None else None
        if spec is None:
            return None
        self.row.one_of(spec.like, self.answers, "answer kept by an earlier step", (*where, "like"))
        if spec.keep is not None:
            self.answers.add(spec.keep)
        if spec == model.AnswerSpec(soft=spec.soft):
            self.row.problem(where, "answer says status, challenge, error, cache, keep or like")
        return spec

    def together(self, spec: model.TogetherStep, where: Path) -> Together:
        """Return the sending of several tokens at once."""
        for name in spec.expect:
            self.row.one_of(name, self.kept, "token kept by an earlier step", (*where, "expect", name))
        expected = tuple(
            (name, self.row.expectation(value, self.users, (*where, "expect", name)))
            for name, value in spec.expect.items()
        )
        self.bounds(spec.requests, where)
        return Together(expected, spec.times, spec.requests or None)

    def written(self, raw_steps: Any) -> Iterable[Action]:
        """Yield the actions of the steps that are written out."""
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
        """Return the action of one step."""
        row = self.row
        if step.authenticate is not None:
            return self.authenticate(step.authenticate, raw, where)
        if step.together is not None:
            return self.together(step.together, where)
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
            row.one_of(argument.of, self.integrations, "integration of this scenario", (*where, "of"))
        else:
            for name in words.keys_of_move(argument):
                row.one_of(name, {*words.keys(), "old"}, "key", where)
        return Move(what, argument)

    def authenticate(self, spec: model.AuthenticateStep, raw: Mapping[str, Any], where: Path) -> Authenticate:
        """Return the sending of a token."""
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
        of_step = "send" in raw
        return Authenticate(
            expect,
            token,
            spec.as_,
            spec.times,
            endpoint=spec.endpoint,
            requests=spec.requests or None,
            send=self.sending(
                raw["send"] if of_step else self.row.last("send", None),
                (*where, "send") if of_step else ("send",),
            ),
            answer=self.answering(raw.get("answer"), (*where, "answer")),
        )

    def bounds(self, requests: Mapping[str, model.RequestBound], where: Path) -> None:
        """Check the bounds on requests."""
        for name, bound in requests.items():
            place = (*where, "requests", name)
            self.row.one_of(name, BOUNDED, "endpoint of the IdP", place)
            if bound == model.RequestBound():
                self.row.problem(place, "a bound says at_most, at_least, query or without")

    def onboard(self, spec: model.OnboardStep, raw: Mapping[str, Any], where: Path) -> Onboard:
        """Return an onboarding, and let what it changes hold for the steps after it."""
        row = self.row
        name = spec.integration or MAIN
        row.one_of(name, self.integrations, "integration of this scenario", (*where, "integration"))
        base = self.integrations.get(name, self.integrations[MAIN])
        own = ("integration", "users", "without", "expect", "requests")
        changes = {key: value for key, value in raw.items() if key not in own}
        changed = row.typed(model.IntegrationSpec, changes, *where) or base
        merged = over(base, changed, changes)
        row.words_of_integration(merged, where)
        users = row.users_from(raw.get("users") or {}, (*where, "users")) or {}
        self.integrations = {**self.integrations, name: merged}
        for index, user in enumerate(spec.without):
            row.one_of(user, self.users, "user of this scenario", (*where, "without", index))
        self.users = {
            name: user for name, user in {**self.users, **users}.items() if name not in spec.without
        }
        expect = row.expectation(spec.expect, self.users, (*where, "expect"))
        self.bounds(spec.requests, where)
        return Onboard(expect, name, merged, self.users, spec.requests or None)

    def changed(self, changes: Mapping[str, Any], where: Path) -> model.TokenSpec:
        """Return the row's token with a step's changes."""
        spec = self.row.typed(model.TokenSpec, merge_tokens(self.row.token(), changes), *where)
        if spec is None:
            return self.token
        self.row.words_of_token(spec, self.integrations, self.users, where)
        return spec
