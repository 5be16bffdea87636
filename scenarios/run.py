"""Running scenarios against a target: stage, ask, judge, one after the other, and never without an end.

What a run yields is a `Result` for each scenario, in the order asked for. A scenario's control is run too, even when
it was not asked for, because a reject without it proves nothing.
"""

from __future__ import annotations

import base64
import contextlib
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import msgspec

from scenarios import judge
from scenarios.results import Exchange, Kind, Result, Severity, VerdictRecord
from scenarios.stage import Stage, StageError
from scenarios.tables.model import SendSpec
from scenarios.tables.scenario import MAIN, Authenticate, Flood, Mint, Move, Onboard, Together
from scenarios.tables.steps import ONBOARDED
from scenarios.targets.protocol import readable
from scenarios.timeline import Watch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from scenarios.stage import Lab
    from scenarios.tables.expect import Expectation
    from scenarios.tables.model import IntegrationSpec
    from scenarios.tables.scenario import Action, Scenario
    from scenarios.targets.profile import Profile
    from scenarios.targets.protocol import HttpAnswer, Verdict
    from scenarios.targets.session import Session

YES: Final = frozenset({"accept", "onboarded"})
"""The verdicts by which a target says yes."""
MAX_LINE_SHOWN: Final = 160
MAX_LINES_SHOWN: Final = 30
"""So much of an HTTP request or answer is kept for a report: characters of a line, and lines."""
MAX_KEPT_EXCHANGES: Final = 50
"""So many exchanges of one scenario are kept for its report: the last ones."""
MAX_KEPT_TOKEN: Final = 64 * 1024
"""So many characters of a token are kept: some scenarios send ten million."""


class _Stop(Exception):  # noqa: N818 - it ends a scenario, which is no error
    """The scenario is decided: `_Play.decided` says how."""


@dataclass(frozen=True, slots=True)
class _Decision:
    """What decides a scenario, and what had been asked and answered by then."""

    finding: judge.Finding | judge.Unsupported
    verdict: Verdict | None
    exchanges: tuple[Exchange, ...]


@dataclass(slots=True)
class _Play:
    """One scenario while it is being asked."""

    scenario: Scenario
    session: Session
    stage: Stage
    exchanges: list[Exchange] = field(default_factory=list)
    verdict: Verdict | None = None
    by_value: set[str] = field(default_factory=set)
    """The integrations whose keys the target was handed and does not fetch."""
    decided: _Decision | None = None
    answers: dict[str, HttpAnswer] = field(default_factory=dict)
    """HTTP answers by the name under which a step keeps them."""
    cookies: dict[str, str] = field(default_factory=dict)
    """What the target's HTTP answers have set so far, as a browser would send it back."""
    like: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """By knob, the values that every answer so far fits."""
    watch: Watch | None = None
    """Who keeps the timeline, in a scenario that has one."""

    @property
    def profile(self) -> Profile:
        return self.session.profile

    def run(self) -> None:
        """Do every action, up to the first deviation that nothing worse can follow."""
        with contextlib.suppress(_Stop):
            self.do_all()
        if self.scenario.canary and (hits := self.stage.canary_hits()):
            text = f"the target asked the address that nobody may ask, {hits} time{'s' * (hits > 1)}"
            self.decide(judge.Finding(Severity.CANARY, text))

    def do_all(self) -> None:
        """Do every action; raises `_Stop`."""
        for action in self.scenario.actions:
            bounds = getattr(action, "requests", None)
            before = self.stage.requests() if bounds else {}
            try:
                self.act(action)
            finally:
                if self.watch is not None:
                    self.watch.done(action)
            if bounds:
                counts = {name: count - before[name] for name, count in self.stage.requests().items()}
                seen = {name: self.stage.asked(name, counts[name]) for name in bounds}
                self.check(judge.judge_requests(bounds, counts, seen))

    def act(self, action: Action) -> None:
        match action:
            case Onboard():
                self.onboard(action.name, action.expect, action.integration, action.users)
            case Authenticate():
                self.authenticate(action)
            case Flood():
                for seed in range(action.tokens):
                    self.ask("authenticate", action.expect, self.stage.token(action.token, seed=seed))
            case Together():
                self.together(action)
            case Mint():
                self.stage.kept[action.keep_as] = self.stage.token(action.token)
            case Move():
                self.move(action)

    def move(self, action: Move) -> None:
        match action.what:
            case "offboard":
                self.done(action, self.session.offboard(self.stage.party(action.argument).id))
            case "purge":
                key = self.stage.thumbprint(action.argument)
                self.done(action, self.session.purge(self.stage.party().id, key))
            case _ if self.stage.move(action) and MAIN in self.by_value:
                # A target that takes keys by value learns of a change by being onboarded anew (protocol.md).
                self.onboard(MAIN, ONBOARDED, None, None)

    def done(self, action: Move, verdict: Verdict) -> None:
        """Keep and judge the answer to a message that only asks for something to be done."""
        self.verdict = verdict
        self.record(Exchange(f"{action.what} {action.argument}", judge.in_words(verdict)), verdict)
        self.check(judge.judge_done(verdict))

    def onboard(
        self,
        name: str,
        expect: Expectation,
        spec: IntegrationSpec | None,
        users: Mapping[str, Any] | None,
    ) -> None:
        if users is not None:
            self.stage.set_users(users)
        record = self.stage.record(name, spec)
        verdict = self.session.onboard(record, self.stage.directory(name), now=self.stage.sent_now)
        published = self.stage.published(name) if "jwks_uri" in record else None
        self.record(Exchange(f"onboard {name}", judge.in_words(verdict), record, published), verdict)
        self.verdict = verdict
        fetched = "jwks_uri" in record and "jwks_uri" in self.profile.keys
        (self.by_value.discard if fetched else self.by_value.add)(name)
        self.compare(expect, verdict)
        self.check(judge.judge(expect, verdict, self.profile, self.stage.user_of))
        self.check_silence(record.get("sample_token"), verdict)

    def authenticate(self, action: Authenticate) -> None:
        for token in self.tokens(action):
            for _ in range(action.times):
                self.ask("authenticate", action.expect, token, action)

    def tokens(self, action: Authenticate) -> Iterator[str | bytes]:
        if isinstance(action.token, str):
            yield self.stage.kept[action.token]
            return
        if action.each_key:
            for key in self.stage.party().issuer.ring.published():
                yield self.stage.token(action.token, key=key.kid)
            return
        token = self.stage.token(action.token)
        if action.keep_as is not None:
            self.stage.kept[action.keep_as] = token
        yield token

    def ask(
        self, step: str, expect: Expectation, token: str | bytes, how: Authenticate | None = None
    ) -> None:
        endpoint, request = None, None
        if how is not None:
            endpoint = how.endpoint
            if how.send is not None or how.answer is not None:
                request = self.stage.request(how.send or SendSpec(), token, self.cookies)
        verdict = self.session.authenticate(
            token, now=self.stage.sent_now, endpoint=endpoint, request=request
        )
        self.keep(step, verdict, token=token, now=self.stage.now, request=request)
        self.judge_one(expect, token, verdict)
        if how is not None and how.answer is not None:
            self.check(judge.judge_answer(how.answer, verdict, self.answers))
            if how.answer.keep is not None and verdict.http is not None:
                self.answers[how.answer.keep] = verdict.http

    def judge_one(self, expect: Expectation, token: str | bytes, verdict: Verdict) -> None:
        self.compare(expect, verdict)
        self.check(judge.judge(expect, verdict, self.profile, self.stage.user_of))
        self.check(judge.judge_audit(self.scenario.audit, verdict))
        self.check_silence(token, verdict)

    def together(self, action: Together) -> None:
        """Send all tokens at once, mixed: one of each, and again."""
        plan = [
            (self.stage.kept[name], expect) for _ in range(action.times) for name, expect in action.expected
        ]
        verdicts = self.session.authenticate_together([token for token, _ in plan], now=self.stage.sent_now)
        for (token, expect), verdict in zip(plan, verdicts, strict=True):
            self.keep("authenticate, together with others", verdict, token=token, now=self.stage.now)
            self.judge_one(expect, token, verdict)

    def check_silence(self, credential: object, verdict: Verdict) -> None:
        if not self.scenario.quoted and isinstance(credential, str):
            self.check(judge.judge_silence(credential, verdict))

    def compare(self, expect: Expectation, verdict: Verdict) -> None:
        """Note which values of the knobs that decide here the target behaves like."""
        if expect.knob is None:
            return
        for name, fits in judge.like(expect, verdict, self.profile, self.stage.user_of).items():
            before = self.like.get(name, fits)
            self.like[name] = tuple(value for value in fits if value in before)

    def keep(
        self,
        step: str,
        verdict: Verdict,
        *,
        token: str | bytes,
        now: float,
        request: Mapping[str, Any] | None = None,
    ) -> None:
        # For the record: a library answers claims, and names nobody.
        user = judge.user_of(verdict, self.profile, self.stage.user_of)
        self.verdict = verdict if user == verdict.user else replace(verdict, user=user)
        if verdict.http is not None:
            self.cookies |= _cookies(verdict.http)
        if isinstance(token, bytes):
            token = f"base64:{base64.b64encode(token).decode('ascii')}"
        if len(token) > MAX_KEPT_TOKEN:
            token = f"{token[:MAX_KEPT_TOKEN]}… ({len(token):,} characters)"
        sent = None if request is None else _head(request)
        answered = None if verdict.http is None else _answered(verdict.http)
        self.record(
            Exchange(step, judge.in_words(verdict), token=token, now=now, request=sent, http=answered),
            verdict,
        )

    def record(self, exchange: Exchange, verdict: Verdict) -> None:
        """Keep what was sent and answered, for the report."""
        self.exchanges.append(exchange)
        del self.exchanges[:-MAX_KEPT_EXCHANGES]
        if self.watch is not None:
            self.watch.answered(exchange, verdict.kind)

    def check(self, found: judge.Finding | judge.Unsupported | None) -> None:
        if found is None:
            return
        self.decide(found)
        # After a wrong reason the scenario goes on: a later step may accept what it must not.
        if isinstance(found, judge.Unsupported) or found.severity is not Severity.WRONG_REASON:
            raise _Stop

    def decide(self, found: judge.Finding | judge.Unsupported) -> None:
        """Let what was found decide the scenario, unless something as bad did already."""
        if self.decided is None or judge.worse(found, self.decided.finding):
            self.decided = _Decision(found, self.verdict, tuple(self.exchanges))


def _unasked(scenario: Scenario, session: Session) -> Result | None:
    why_not = judge.not_applicable(scenario, session.profile)
    if why_not is not None:
        return _result(scenario, Kind.NOT_APPLICABLE, message=why_not)
    if session.abandoned is not None:
        return _result(scenario, Kind.ERROR, message="not asked: the target had been given up", unasked=True)
    return None


def run_scenario(scenario: Scenario, session: Session, lab: Lab) -> Result:
    """Ask one scenario of a target and judge it; what its table asks for and nobody can make is the table's fault."""
    began = time.perf_counter()
    if (unasked := _unasked(scenario, session)) is not None:
        return unasked
    try:
        stage = Stage(scenario, lab, session.profile)
    except StageError as fault:
        return _result(scenario, Kind.ERROR, message=str(fault), table_fault=True)
    play = _Play(scenario, session, stage, watch=Watch.of(scenario, stage))
    try:
        session.reset()
        play.run()
    except StageError as fault:
        return _result(scenario, Kind.ERROR, message=str(fault), table_fault=True)
    finally:
        stage.close()
    seen: dict[str, Any] = {
        "duration_s": time.perf_counter() - began,
        "timeline": () if play.watch is None else tuple(play.watch.moments),
    }
    if play.decided is None:
        return _result(scenario, Kind.PASS, verdict=_recorded(play.verdict), like=play.like, **seen)
    finding, verdict = play.decided.finding, _recorded(play.decided.verdict)
    if isinstance(finding, judge.Unsupported):
        message = f"the target answered that it does not support {finding.capability}"
        return _result(scenario, Kind.NOT_APPLICABLE, verdict=verdict, message=message, **seen)
    return _result(
        scenario,
        judge.outcome_of(finding, scenario),
        verdict=verdict,
        message=finding.message,
        severity=finding.severity,
        exchanges=_plain(play.decided.exchanges),
        like=play.like,
        **seen,
    )


def run(
    wanted: Iterable[Scenario],
    catalogue: Mapping[str, Scenario],
    session: Session,
    lab: Lab,
    known: dict[str, Result] | None = None,
) -> Iterator[Result]:
    """Yield the result of each wanted scenario, in order.

    `catalogue` holds the controls. `known` remembers what was asked already, by id, so that no control is asked twice;
    hand the same one in to go on later.
    """
    known = {} if known is None else known

    def result_of(scenario: Scenario) -> Result:
        if scenario.id not in known:
            known[scenario.id] = run_scenario(scenario, session, lab)
        return known[scenario.id]

    for scenario in wanted:
        result = result_of(scenario)
        if scenario.control is not None and _is_a_no_as_expected(result):
            result = _proved(result, result_of(catalogue[scenario.control]))
        yield result


def _is_a_no_as_expected(result: Result) -> bool:
    """Whether the target said no where it should, for whatever reason."""
    if result.verdict is None or result.verdict.kind in YES:
        return False
    return result.outcome is Kind.PASS or result.severity is Severity.WRONG_REASON


def _proved(result: Result, control: Result) -> Result:
    """Return the result of a no as it stands beside its control (product design, Judging)."""
    if control.outcome is Kind.NOT_APPLICABLE:
        message = f"its control {control.id} does not apply: {control.message}"
        return msgspec.structs.replace(result, outcome=Kind.NOT_APPLICABLE, message=message)
    if control.verdict is not None and control.verdict.kind in YES:
        return result
    if control.outcome is Kind.PASS:
        message = "the target may reject the control too, by its own policy, so that a reject proves nothing"
        return msgspec.structs.replace(result, outcome=Kind.NOT_APPLICABLE, message=message)
    came = control.message or control.outcome.value
    message = f"rejected, and so was its control {control.id}, which proves nothing ({came})"
    return msgspec.structs.replace(result, outcome=Kind.UNPROVEN, severity=None, message=message)


def _recorded(verdict: Verdict | None) -> VerdictRecord | None:
    if verdict is None:
        return None
    user = None if verdict.user is None else readable(verdict.user)
    return VerdictRecord(verdict.kind, user, verdict.reason or verdict.about, verdict.detail)


def _result(scenario: Scenario, outcome: Kind, **more: Any) -> Result:
    return Result(
        id=scenario.id,
        rules=scenario.rules,
        level=scenario.rule.level.value,
        basis=scenario.rule.basis.value,
        outcome=outcome,
        expected=str(scenario.expected),
        says=scenario.says,
        control=scenario.control,
        table=f"{scenario.place.source}:{scenario.place.line}",
        **more,
    )


def _head(request: Mapping[str, Any]) -> str:
    """Return the head of a request as a report shows it, long tokens cut."""
    lines = [f"{request.get('method', '(its method)')} {request.get('target', '{path}')}"]
    lines += request.get("headers", ())
    return "\n".join(readable(line, MAX_LINE_SHOWN) for line in lines[:MAX_LINES_SHOWN])


def _answered(answer: HttpAnswer) -> str:
    lines = [str(answer.status), *(f"{name}: {value}" for name, value in answer.headers)]
    return "\n".join(readable(line, MAX_LINE_SHOWN) for line in lines[:MAX_LINES_SHOWN])


def _cookies(answer: HttpAnswer) -> dict[str, str]:
    """Return the cookies that an answer sets (RFC 6265 section 5.2), whatever their attributes."""
    pairs = (line.partition(";")[0].partition("=") for line in answer.all("set-cookie"))
    return {name.strip(): value.strip() for name, equals, value in pairs if equals and name.strip()}


def _plain(exchanges: Iterable[Exchange]) -> tuple[Exchange, ...]:
    """Return exchanges as JSON can hold them."""
    return tuple(
        msgspec.structs.replace(item, sent=_text(item.sent)) if item.sent is not None else item
        for item in exchanges
    )


def _text(value: Any) -> Any:
    match value:
        case bytes():
            return f"base64:{base64.b64encode(value).decode('ascii')}"
        case dict():
            return {name: _text(item) for name, item in value.items()}
        case list():
            return [_text(item) for item in value]
    return value
