"""What is checked of a target, step by step: each a line that says what is so, or what is not and what to change.

The scenarios proper presuppose all of this. Nothing here is about being right in every case; a target that passes can
be asked, and one that does not would be asked in vain.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from scenarios.check.overheard import Overheard
from scenarios.files.problems import counted, listed
from scenarios.results import Kind, Severity
from scenarios.run import run
from scenarios.stage import Lab
from scenarios.tables.load import load_table
from scenarios.targets.channel import ChannelFailure
from scenarios.targets.profile import TargetError
from scenarios.targets.target_file import open_channel, open_target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from scenarios.results import Result
    from scenarios.tables.scenario import Scenario
    from scenarios.targets.profile import Profile
    from scenarios.targets.session import Session
    from scenarios.targets.target_file import TargetSpec

TABLE: Final = "check/table.yaml"
_ALGORITHMS: Final = """
group: check/algorithms
title: Each algorithm that the profile lists
given: {{users: {{ann: ann-sub}}}}
matrix: {{alg: [{algorithms}]}}
scenarios:
  - {{id: honest, rules: [SIG-018], expect: ann, says: An honest token is accepted as its user}}
"""
_SIGNABLE: Final = frozenset(
    [*(f"{family}{size}" for family in ("RS", "PS", "ES") for size in (256, 384, 512)), "EdDSA"]
)
_HONEST: Final = "honest"
_ASKED: Final = {"no-credential": "http", "whole-request": "http", "at-once": "concurrent"}

_GIVEN: Final = (
    "see that it goes by the issuer, audience, algorithms and keys of `onboard`, and by no others; its clock must be"
    " right, or declare 'clock' and obey `now`"
)
_OF_SEVERITY: Final[Mapping[Severity, str]] = {
    Severity.FALSE_REJECT: _GIVEN,
    Severity.WRONG_USER: (
        "answer the `name` of the user whose External ID the token holds (with 'users'), or the claims `iss`, `sub` and"
        " the custom claim as it read them; over HTTP, a claim that is told is no `user`: say claim: {sub: …} instead"
    ),
    Severity.FALSE_ACCEPT: (
        "whatever the scenarios find would rest on this: check the signature with the onboarded keys and the claims"
        " against the onboarded values, or name under `checks` the claims that the target does check itself"
    ),
    Severity.CRASH: "answer it with a verdict: a rejection is an answer too; its last words on stderr stand below",
    Severity.BROKEN: (
        "answer in the words of docs/protocol.md (a reason that is none of them may be left out), or, over HTTP, say "
        "under `http` what this answer means"
    ),
}
_OF_STEP: Final[Mapping[str, str]] = {
    "beside": (
        'keep each integration under its `id`; a target that has room for one answers the second with {"verdict":'
        ' "unsupported", "capability": "several_integrations"}'
    ),
    "taken-away": (
        "forget the integration on `offboard`, and all of them on `reset`; one that cannot answers"
        ' {"verdict": "unsupported", "capability": "offboard"}'
    ),
}
"""What to change, where the row knows better than the kind of failure."""


@dataclass(frozen=True, slots=True)
class Step:
    """One line: `good` is None for what was not asked, and `change` says what to do about what is not good."""

    name: str
    good: bool | None
    says: str
    change: str = ""


def check(spec: TargetSpec, *, overhear: Callable[[str], None] | None = None) -> Iterator[Step]:
    """Yield what holds of a target, in the order in which its author would mend it.

    A target that cannot be started is a step that is not good, and the last one. `overhear` is given each message of
    the conversation and its answer, a line each, as they go.
    """
    session = open_target(spec, through=None if overhear is None else partial(Overheard, overhear))
    try:
        try:
            session.start()
        except TargetError as error:
            change = (_START_OVER_HTTP if spec.adapter == "http" else _START).get(error.kind, "")
            yield Step("start", good=False, says=error.message, change=change)
            return
        yield Step("start", good=True, says=_named(session))
        yield from _profile(session.profile)
        yield from _asked(session)
    finally:
        session.close()
    yield from _after(session, spec)
    yield from _again(spec, session)
    if spec.adapter == "json-lines":
        yield from _probes(spec)


_START: Final = {
    "not_found": "correct the command, module or address in the target file",
    "crash": "see what it wrote on stderr; run the command of the file by hand, in the file's folder",
    "timeout": (
        "answer `start` as soon as it comes, flush each line (a pipe holds it back otherwise), or give it "
        "more time: timeouts: {start_s: 30}"
    ),
    "protocol": 'answer `start` with one line such as {"seq": 1, "ok": true}, and write nothing else to stdout',
    "configuration": "say it in one place, or the same in both",
}
_START_OVER_HTTP: Final = _START | {
    "timeout": (
        "see that it runs, and listens where `url` says; `start` and `ready` say how it is started and when it is"
        " ready, and timeouts: {start_s: 30} gives it more time"
    ),
}


def _named(session: Session) -> str:
    said = session.declaration
    name = " ".join(part for part in (said.name, said.version) if part) or "it"
    return f"{name} starts, and speaks version 1 of the protocol"


def _profile(profile: Profile) -> Iterator[Step]:
    for breach in profile.breaches:
        says = f"{breach.knob}: {breach.declared} is below its floor ({breach.floor})"
        yield Step("profile", good=False, says=says, change=f"it is held to {breach.held}")
    can = ", ".join(profile.capabilities) or "nothing beyond taking tokens"
    says = f"{profile.scope}; keys as {', '.join(profile.keys)}; {', '.join(profile.algorithms)}; can {can}"
    yield Step("profile", good=True, says=says)
    if profile.scope == "system" and not profile.can("users"):
        yield Step(
            "profile",
            good=False,
            says="scope: system, and an accept names no user: no scenario about users would be asked",
            change="declare 'users' and answer the user, or say scope: service",
        )


def _asked(session: Session) -> Iterator[Step]:
    signable = [name for name in session.profile.algorithms if name in _SIGNABLE]
    text = files("scenarios").joinpath(*TABLE.split("/")).read_text(encoding="utf-8")
    if signable and "RS256" not in signable:
        text = text.replace("{alg: RS256}", f"{{alg: {signable[0]}}}")
    scenarios = {one.id: one for one in load_table(text, TABLE)}
    if signable:
        each = _ALGORITHMS.format(algorithms=", ".join(signable))
        scenarios |= {one.id: one for one in load_table(each, "the profile's algorithms")}
    wanted = [one for one in scenarios.values() if _concerns(one, session.profile)]
    with Lab() as lab:
        yield from _folded(run(wanted, scenarios, session, lab))


def _folded(results: Iterable[Result]) -> Iterator[Step]:
    """Yield a step for each result; what fails as the first row does, or for want of it, is one line at the end."""
    first: Result | None = None
    alike = list[str]()
    for result in results:
        step = _step(result)
        if first is None:
            first = result
        elif step.good is False and (result.outcome is Kind.UNPROVEN or result.severity is first.severity):
            alike.append(step.name)
            continue
        yield step
    if alike:
        says = f"{counted(len(alike), 'more row')} cannot pass before '{_HONEST}' does: {listed(alike)}"
        yield Step("the rest", good=None, says=says)


def _concerns(scenario: Scenario, profile: Profile) -> bool:
    """Whether a row is about something that the target declares; what it need not have is no line."""
    name = scenario.id.rpartition("/")[2]
    needed = _ASKED.get(name)
    form = name.removeprefix("by-").replace("-", "_") if name.startswith("by-") else None
    return (needed is None or profile.can(needed)) and (form is None or form in profile.keys)


def _step(result: Result) -> Step:
    name = result.id.removeprefix("check/target/").removeprefix("check/algorithms/")
    if result.outcome is Kind.PASS:
        return Step(name, good=True, says=result.says)
    if result.outcome is Kind.NOT_APPLICABLE:
        return Step(name, good=None, says=result.message)
    if result.outcome is Kind.UNPROVEN:
        return Step(name, good=False, says=result.message)
    change = "" if result.severity is None else _OF_SEVERITY.get(result.severity, "")
    change = change if result.severity is Severity.CRASH else _OF_STEP.get(name, change)
    return Step(name, good=False, says=f"{result.says}: {result.message}", change=change)


def _after(session: Session, spec: TargetSpec) -> Iterator[Step]:
    """Look back on the conversation: time-outs, broken answers, and how it ended."""
    health = session.health
    limit = spec.timeouts.answer_s
    if health.timeouts:
        says = f"{health.timeouts} time{'s' * (health.timeouts > 1)} no answer came within {limit:g} s"
        change = "answer every request, rejections too; what needs longer is allowed it by timeouts: {answer_s: 20}"
        yield Step("time", good=False, says=says, change=change)
    else:
        yield Step("time", good=True, says=f"every answer came within {limit:g} s")
    if health.protocol_errors:
        says = f"{health.protocol_errors} answers broke the protocol"
        change = "one answer to each request, with its seq, in the words of docs/protocol.md"
        yield Step("answers", good=False, says=says, change=change)
    else:
        yield Step("answers", good=True, says="one answer to each request, and none that nobody asked for")
    if spec.adapter == "json-lines" and health.last_exit is not None:
        good = health.last_exit == "exit status 0"
        change = "" if good else "after the answer to `stop`, end with status 0"
        yield Step("stop", good=good, says=f"after `stop` it ended with {health.last_exit}", change=change)


def _again(spec: TargetSpec, first: Session) -> Iterator[Step]:
    """Start it a second time: a crash in a run must not be the end of it."""
    again = open_target(spec)
    try:
        again.start()
    except TargetError as error:
        change = "see that nothing of its first life is left: a port, a lock, a file"
        yield Step("restart", good=False, says=f"a second start fails: {error.message}", change=change)
        return
    finally:
        again.close()
    same = again.declaration == first.declaration
    says = "it can be started again" if same else "it declares itself differently when it is started again"
    yield Step("restart", good=same, says=says, change="" if same else "let `start` always answer the same")


def _probes(spec: TargetSpec) -> Iterator[Step]:
    """Ask what a later version of the protocol may ask: the answer is free, but there must be one."""
    probes: tuple[tuple[str, dict[str, Any], str], ...] = (
        (
            "members",
            {"cmd": "reset", "a_later_member": {"a": [1]}},
            "a request with a member that it does not know",
        ),
        ("commands", {"cmd": "a_later_command"}, "a command that it does not know"),
        ("version", {"cmd": "start", "protocol": 999}, "a version of the protocol that it does not know"),
    )
    for name, message, what in probes:
        channel = open_channel(spec)
        try:
            channel.open()
            channel.ask({"seq": 1, "cmd": "start", "protocol": 1}, spec.timeouts.start_s)
            answer = channel.ask({"seq": 2, **message}, spec.timeouts.answer_s)
            good, says = answer.get("seq") == 2, f"it answers {what}"
            change = "" if good else "repeat the seq of the request, whatever the answer is"
        except ChannelFailure as failure:
            good, says = False, f"{what}: {failure}"
            change = 'answer {"seq": …, "ok": false} and go on: a later Touchstone may ask more'
        finally:
            channel.close()
        yield Step(name, good=good, says=says, change=change)
