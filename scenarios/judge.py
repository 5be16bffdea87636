"""The judge: an expectation, an answer and a profile in; a finding, or none, out. Pure: it asks nobody.

What is right comes from the scenario (and so from the rulebook); the profile only picks among what the rulebook
leaves open. An error never satisfies an expected reject.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from msgspec import UNSET

from scenarios import rulebook
from scenarios.challenge import challenges
from scenarios.results import WORST_FIRST, Kind, Severity
from scenarios.rulebook import Level, LibraryDefault, Scope
from scenarios.tables.expect import DECLARED, UNDECLARED, Expectation
from scenarios.targets.protocol import readable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from mock_idp import Request
    from scenarios.tables.expect import Case, Outcome
    from scenarios.tables.model import AnswerSpec, RequestBound
    from scenarios.tables.scenario import Scenario
    from scenarios.targets.profile import Profile
    from scenarios.targets.protocol import HttpAnswer, Verdict


MAX_QUOTED: Final = 64
"""An answer that repeats so many characters of a token in a row carries a part of it along."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One deviation, in a sentence."""

    severity: Severity
    message: str


@dataclass(frozen=True, slots=True)
class Unsupported:
    """The target says that it cannot be asked this."""

    capability: str


def right_answers(expectation: Expectation, profile: Profile) -> tuple[Outcome, ...]:
    """Return the outcomes any of which is right for a target with this profile (rulebook section 2)."""
    return tuple(
        outcome
        for case in _right_cases(expectation, profile)
        for outcome in (case if isinstance(case, tuple) else right_answers(case, profile))
    )


def _right_cases(expectation: Expectation, profile: Profile) -> tuple[Case, ...]:
    """Return what holds for a target with this profile: one case, or all where its choice is no finding."""
    if expectation.knob is None:
        return (expectation.cases[""],)
    every = tuple(expectation.cases.values())
    declared = profile.knobs.get(expectation.knob)
    if declared is not None and UNDECLARED in expectation.cases:
        limits = declared and declared != "none"  # the word of a library that leaves a bound to its caller
        return (expectation.cases[DECLARED if limits else UNDECLARED],)
    if declared is not None:
        case = expectation.cases.get(_word(declared))
        return every if case is None else (case,)
    knob = rulebook.knobs()[expectation.knob]
    if profile.scope == Scope.LIBRARY and knob.library is LibraryDefault.ANY:
        return every  # where a standard leaves a choice, a library's choice is no finding
    return (expectation.default_case,)


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def judge(
    expectation: Expectation,
    verdict: Verdict,
    profile: Profile,
    who: Callable[[Mapping[str, Any]], str | None],
) -> Finding | Unsupported | None:
    """Judge one answer.

    `who` tells which user of the scenario a set of claims names, for a target that maps no users itself.
    """
    right = right_answers(expectation, profile)
    wanted = _either(right)
    if verdict.kind == "unsupported":
        return Unsupported(verdict.capability or "?")
    user = user_of(verdict, profile, who)
    kinds = [outcome for outcome in right if _same_kind(outcome, verdict)]
    if not kinds:
        return _no_verdict(right, verdict) if verdict.kind == "error" else _wrong_kind(right, verdict, user)
    if any(outcome.kind == "status" for outcome in kinds):
        return None
    if verdict.kind != "accept":
        return _reason(wanted, kinds, verdict, profile)
    if any(outcome.user == user for outcome in kinds):
        return None
    return Finding(Severity.WRONG_USER, f"expected {wanted}; accepted as {_named(verdict, user)}")


def like(
    expectation: Expectation,
    verdict: Verdict,
    profile: Profile,
    who: Callable[[Mapping[str, Any]], str | None],
) -> dict[str, tuple[str, ...]]:
    """Return which values of each knob that decides here the answer fits; other knobs are as the profile has them.

    A knob is left out when its values make no difference here, or the answer fits all of them. What tells values
    apart is what was decided and about whom; a wrong reason is a fault of its own.
    """
    fitting: dict[str, tuple[str, ...]] = {}
    if verdict.kind == "unsupported" or (verdict.kind == "error" and verdict.reason != "unclear"):
        return fitting
    user = user_of(verdict, profile, who)
    for name in knobs_of(expectation):
        rights = {
            value: right_answers(expectation, replace(profile, knobs={**profile.knobs, name: value}))
            for value in rulebook.knobs()[name].values
        }
        fits = tuple(
            value
            for value, right in rights.items()
            if any(_same_kind(one, verdict) and (one.kind != "accept" or one.user == user) for one in right)
        )
        if len(fits) < len(rights) and len(set(rights.values())) > 1:
            fitting[name] = fits
    return fitting


def knobs_of(expectation: Expectation) -> set[str]:
    """Return the knobs that decide an expectation."""
    if expectation.knob is None:
        return set()
    cases: list[object] = list(expectation.cases.values())  # a case may be a further choice
    return {expectation.knob}.union(*(knobs_of(case) for case in cases if isinstance(case, Expectation)))


def _same_kind(outcome: Outcome, verdict: Verdict) -> bool:
    if outcome.kind == "status":
        return verdict.http is not None and verdict.http.status in outcome.statuses
    if outcome.kind == "warned":
        return verdict.kind == "onboarded" and bool(verdict.warnings)
    if outcome.kind == "unwarned":
        return verdict.kind == "onboarded" and not verdict.warnings
    return outcome.kind == verdict.kind


def _no_verdict(right: tuple[Outcome, ...], verdict: Verdict) -> Finding:
    """Judge an error: it never satisfies an expected reject, and a status that is asked for is another one."""
    wanted = _either(right)
    statuses = [outcome for outcome in right if outcome.kind == "status"]
    if verdict.reason == "unclear" and statuses:
        severity = Severity.FALSE_ACCEPT if _gave_access(verdict, statuses) else Severity.WRONG_ANSWER
        return Finding(severity, f"expected {wanted}; {in_words(verdict)}")
    severity = Severity.BROKEN if verdict.reason in ("protocol", "unclear") else Severity.CRASH
    return Finding(severity, f"expected {wanted}; the target gave no verdict: {verdict.detail}")


def _gave_access(verdict: Verdict, statuses: Iterable[Outcome]) -> bool:
    """Whether an answer that is neither yes nor no is a success where none is right."""
    success = verdict.http is not None and 200 <= verdict.http.status < 300
    return success and not any(outcome.lets_in for outcome in statuses)


def _wrong_kind(right: tuple[Outcome, ...], verdict: Verdict, user: str | None) -> Finding:
    wanted = _either(right)
    match verdict.kind:
        case "accept":
            return Finding(Severity.FALSE_ACCEPT, f"expected {wanted}; accepted as {_named(verdict, user)}")
        case "onboarded" if any(outcome.kind == "warned" for outcome in right):
            return Finding(Severity.FALSE_ACCEPT, f"expected {wanted}; onboarded without a warning")
        case "onboarded" if any(outcome.kind == "unwarned" for outcome in right):
            return Finding(Severity.FALSE_REJECT, f"expected {wanted}; {in_words(verdict)}")
        case "onboarded":
            return Finding(Severity.FALSE_ACCEPT, f"expected {wanted}; the record was onboarded")
        case "reject" if any(outcome.kind == "status" and not outcome.lets_in for outcome in right):
            return Finding(Severity.WRONG_ANSWER, f"expected {wanted}; {in_words(verdict)}")
    return Finding(Severity.FALSE_REJECT, f"expected {wanted}; {in_words(verdict)}")


def _reason(wanted: str, outcomes: Iterable[Outcome], verdict: Verdict, profile: Profile) -> Finding | None:
    given = verdict.about if verdict.kind == "asked" else verdict.reason
    reasons = {reason for outcome in outcomes for reason in outcome.reasons}
    free = any(not outcome.reasons for outcome in outcomes)
    if free or given in reasons or given in (None, "other") or not profile.can("reasons"):
        return None
    return Finding(Severity.WRONG_REASON, f"expected {wanted}; {in_words(verdict)}")


def user_of(verdict: Verdict, profile: Profile, who: Callable[[Mapping[str, Any]], str | None]) -> str | None:
    """Return whom an accept is about: as the target says, or by the claims that it answered; None when nobody is."""
    if verdict.kind != "accept":
        return None
    if verdict.user is not None:
        if profile.can("users"):
            return verdict.user
        # A function without a user directory may answer the External ID that it read.
        return who({"sub": verdict.user}) or verdict.user
    return who(verdict.claims or {})


def _named(verdict: Verdict, user: str | None) -> str:
    if user is not None:
        return readable(user, 200)
    claims = {name: value for name, value in (verdict.claims or {}).items() if name != "iss"}
    return f"nobody known, with the claims {readable(str(claims), 200)}"


def in_words(verdict: Verdict) -> str:
    """Return what the target did, as a report says it."""
    match verdict.kind:
        case "accept":
            return f"accepted as {readable(verdict.user, 200)}" if verdict.user is not None else "accepted"
        case "reject":
            said = f"rejected ({verdict.http.status if verdict.http else verdict.reason})"
        case "refused":
            said = f"refused ({verdict.reason})"
        case "asked":
            said = f"asked about {verdict.about}"
        case "unsupported":
            said = f"unsupported ({verdict.capability})"
        case "error":
            said = f"gave no verdict ({verdict.reason})"
            if verdict.http is not None:
                said = f"answered {verdict.http.status}"
        case "onboarded" if verdict.warnings:
            return f"onboarded, warning: {'; '.join(verdict.warnings)[:200]}"
        case _:
            return verdict.kind
    return f"{said}: {verdict.detail}" if verdict.detail else said


def _either(outcomes: tuple[Outcome, ...]) -> str:
    return " or ".join(dict.fromkeys(map(str, outcomes)))


def judge_done(verdict: Verdict) -> Finding | Unsupported | None:
    """Judge the answer to a message that only asks for something to be done."""
    if verdict.kind == "unsupported":
        return Unsupported(verdict.capability or "?")
    if verdict.kind == "error":
        return Finding(
            Severity.CRASH, f"expected it to be done; the target gave no verdict: {verdict.detail}"
        )
    return None


def worse(one: Finding | Unsupported, other: Finding | Unsupported) -> bool:
    """Whether one finding is worse than another; of a target that was not asked to the end nothing is worse."""
    if isinstance(one, Unsupported) or isinstance(other, Unsupported):
        return isinstance(one, Unsupported)
    return WORST_FIRST.index(one.severity) < WORST_FIRST.index(other.severity)


def judge_requests(
    bounds: Mapping[str, RequestBound],
    counts: Mapping[str, int],
    seen: Mapping[str, Sequence[Request]],
) -> Finding | None:
    """Judge how many requests the IdP saw during a step, and what they were."""
    for endpoint, bound in bounds.items():
        count = counts.get(endpoint, 0)
        if bound.at_most is not None and count > bound.at_most:
            text = f"expected at most {bound.at_most} requests to {endpoint}; the IdP saw {count}"
            return Finding(Severity.REQUESTS, text)
        if bound.at_least is not None and count < bound.at_least:
            text = f"expected at least {bound.at_least} requests to {endpoint}; the IdP saw {count}"
            return Finding(Severity.REQUESTS, text)
        for request in seen.get(endpoint, ()):
            if bound.query is not None and request.query != bound.query:
                text = f"expected the query '{bound.query}' at {endpoint}; the IdP saw '{readable(request.query, 200)}'"
                return Finding(Severity.REQUESTS, text)
            for header in bound.without:
                if request.header(header.lower()) is not None:
                    text = f"expected no header {header} at {endpoint}; the IdP saw one"
                    return Finding(Severity.REQUESTS, text)
    return None


def judge_silence(credential: str, verdict: Verdict) -> Finding | None:
    """Judge whether an answer repeats a part of the token that it is about (ONB-036, FMT-016)."""
    half = MAX_QUOTED // 2
    said = verdict.http
    sent = () if said is None else (said.body, *(value for _, value in said.headers))
    for text in (verdict.detail, *verdict.warnings, *sent):
        # Whatever is longer than two pieces holds a whole one of them.
        pieces = (text[start : start + half] for start in range(0, len(text) - half + 1, half))
        if any(piece in credential for piece in pieces):
            return Finding(Severity.QUOTED, "expected an answer that repeats nothing of the token; it does")
    return None


def judge_audit(wanted: Mapping[str, Any] | None, verdict: Verdict) -> Finding | None:
    """Judge what the record of an authentication says (MAP-046)."""
    for name, value in (wanted or {}).items():
        said = getattr(verdict, name, None)
        if said != value:
            text = f"expected the record to say {name}: {_word(value)}; it says {_word(said)}"
            return Finding(Severity.WRONG_REASON, text)
    return None


def judge_answer(spec: AnswerSpec, verdict: Verdict, kept: Mapping[str, HttpAnswer]) -> Finding | None:
    """Judge what an HTTP answer says beside its verdict; `kept` are the answers that earlier steps kept."""
    if verdict.http is None:
        text = "expected a verdict with the HTTP answer that it is from; there is none"
        return Finding(Severity.BROKEN, text)
    problem = next(_problems_of_answer(spec, verdict.http, kept), None)
    if problem is None:
        return None
    return Finding(Severity.WRONG_REASON if spec.soft else Severity.WRONG_ANSWER, problem)


def _problems_of_answer(
    spec: AnswerSpec, answer: HttpAnswer, kept: Mapping[str, HttpAnswer]
) -> Iterator[str]:
    if spec.status and answer.status not in spec.status:
        wanted = " or ".join(map(str, spec.status))
        yield f"expected the status {wanted}; answered {answer.status}"
    if spec.challenge is not None or spec.error is not UNSET:
        yield from _problems_of_challenge(spec, answer)
    if spec.cache is not None and not _is_private(answer):
        said = ", ".join(answer.all("cache-control")) or "none"
        yield f"expected Cache-Control: no-store or private; the answer has {readable(said, 100)}"
    if spec.like is not None and spec.like in kept and _shape(answer) != _shape(kept[spec.like]):
        yield (
            f"expected an answer like that to '{spec.like}', so that it tells nothing;"
            f" this one is {_shape_in_words(answer)}, that one {_shape_in_words(kept[spec.like])}"
        )


def _problems_of_challenge(spec: AnswerSpec, answer: HttpAnswer) -> Iterator[str]:
    values = answer.all("www-authenticate")
    scheme = spec.challenge or "Bearer"
    if not values:
        yield f"expected WWW-Authenticate: {scheme}; the answer ({answer.status}) has no such header"
        return
    try:
        found = [one for one in challenges(values) if one.scheme == scheme.lower()]
    except ValueError as problem:
        text = readable(", ".join(values), 200)
        yield f"expected a well-formed WWW-Authenticate; in the one that came {problem}: {text}"
        return
    if not found:
        yield f"expected WWW-Authenticate: {scheme}; the answer has {readable(', '.join(values), 200)}"
        return
    if spec.error is not UNSET and all(one.parameters.get("error") != spec.error for one in found):
        wanted = "no error code" if spec.error is None else f'error="{spec.error}"'
        yield f"expected {wanted} in WWW-Authenticate; the answer has {readable(', '.join(values), 200)}"


def _is_private(answer: HttpAnswer) -> bool:
    directives = {
        part.strip().partition("=")[0].lower()
        for value in answer.all("cache-control")
        for part in value.split(",")
    }
    return bool(directives & {"no-store", "private"})


def _shape(answer: HttpAnswer) -> tuple[int, tuple[str, ...], str]:
    return answer.status, answer.all("www-authenticate"), answer.body


def _shape_in_words(answer: HttpAnswer) -> str:
    status, challenge, body = _shape(answer)
    return readable(f"{status} {', '.join(challenge)} {body}".strip(), 160)


def outcome_of(finding: Finding, scenario: Scenario) -> Kind:
    """Return what a finding makes of its scenario: the level of the rule decides (product design, Judging)."""
    if finding.severity in (Severity.CRASH, Severity.BROKEN):
        return Kind.ERROR
    if finding.severity is Severity.WRONG_REASON:
        return Kind.WARN
    return Kind.WARN if scenario.rule.level in (Level.SHOULD, Level.MAY) else Kind.FAIL


def not_applicable(scenario: Scenario, profile: Profile) -> str | None:
    """Return why a scenario is not asked of a target with this profile, or None when it is."""
    if not Scope(profile.scope).includes(scenario.rule.scope) and not _fetches(scenario, profile):
        return f"the rule is for a {scenario.rule.scope.value}, and the target is a {profile.scope}"
    for name, word in (scenario.unless or {}).items():
        if word in profile.knobs.get(name, ()):
            return f"the target declares {word} in {name}"
    for need in sorted(scenario.requires):
        kind, _, word = need.partition(":")
        match kind:
            case "alg":
                met = word in profile.algorithms
                lacks = f"the algorithm {word}"
            case "keys":
                met = word in profile.keys or (word == "jwks" and "jwks_uri" in profile.keys)
                lacks = f"keys as {word}"
            case "check":
                met = word in profile.checks
                lacks = f"a check of {word}"
            case _:
                met = profile.can(need)
                lacks = f"the capability {need}"
        if not met:
            return f"the target does not declare {lacks}"
    return None


def _fetches(scenario: Scenario, profile: Profile) -> bool:
    """Whether the rule is about fetching keys and the target says that it does so itself (rulebook, introduction)."""
    rule = scenario.rule
    about_fetching = rule.id == "ONB-024" or (rule.id.startswith("KEY-") and rule.scope is Scope.SERVICE)
    return about_fetching and "jwks_uri" in profile.keys
