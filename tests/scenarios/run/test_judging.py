"""What an answer makes of its scenario: each sentence of the design's section on judging."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from scenarios.judge import right_answers
from scenarios.results import Kind, Result, Run, Severity, TargetRecord, totals
from scenarios.targets.profile import Profile

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.scenarios.run.conftest import Play

    Answer = dict[str, Any]

MUST, SHOULD, MAY, POLICY = "FMT-001", "AZR-024", "KEY-035", "KEY-008"
GOOD = f"  - {{id: good, says: A, rules: [{MUST}], expect: ann}}\n"


def bad(expect: str = "{reject: expired}", rule: str = MUST, more: str = "") -> str:
    """Return a row that expects a no of a token which has expired."""
    return f"  - {{id: bad, says: B, rules: [{rule}], claim: {{exp: -1d}}, expect: {expect}, control: good{more}}}\n"


def answering(play: Play, false_token: Answer) -> Callable[[dict[str, Any]], Answer]:
    """Return a target's answers: `false_token` to a token that has expired, ann to others."""

    def answer(message: dict[str, Any]) -> Answer:
        expired = play.claims_of(message)["exp"] < message["now"]
        return false_token if expired else {"verdict": "accept", "user": "ann"}

    return answer


NO_VERDICT = "'rejected' is no verdict of authenticate (did you mean 'reject'?)"
REJECT = {"verdict": "reject", "reason": "expired"}


@pytest.mark.parametrize(
    "answer, outcome, severity, message",
    [
        (REJECT, Kind.PASS, None, ""),
        (
            {"verdict": "accept", "user": "ann"},
            Kind.FAIL,
            Severity.FALSE_ACCEPT,
            "expected reject (expired); accepted as ann",
        ),
        (
            {"verdict": "reject", "reason": "issuer", "detail": "who?"},
            Kind.WARN,
            Severity.WRONG_REASON,
            "expected reject (expired); rejected (issuer): who?",
        ),
        ({"verdict": "reject", "reason": "other"}, Kind.PASS, None, ""),
        ({"verdict": "reject"}, Kind.PASS, None, ""),
        (
            {"verdict": "rejected"},
            Kind.ERROR,
            Severity.BROKEN,
            f"expected reject (expired); the target gave no verdict: {NO_VERDICT}",
        ),
    ],
)
def test_the_answer_to_a_false_token(
    play: Play, answer: Answer, outcome: Kind, severity: Severity | None, message: str
) -> None:
    result = play(GOOD + bad(), play.double(answering(play, answer)))["bad"]

    assert (result.outcome, result.severity, result.message) == (outcome, severity, message)


@pytest.mark.parametrize(
    "answer, outcome, severity",
    [
        ({"verdict": "accept", "user": "ann"}, Kind.PASS, None),
        ({"verdict": "accept", "user": "bob"}, Kind.FAIL, Severity.WRONG_USER),
        ({"verdict": "accept", "user": "Ann"}, Kind.FAIL, Severity.WRONG_USER),
        ({"verdict": "reject", "reason": "no_user"}, Kind.FAIL, Severity.FALSE_REJECT),
        ({"verdict": "accept"}, Kind.ERROR, Severity.BROKEN),
    ],
)
def test_the_answer_to_a_true_token(
    play: Play, answer: Answer, outcome: Kind, severity: Severity | None
) -> None:
    result = play(GOOD, play.double(lambda _: answer))["good"]

    assert (result.outcome, result.severity) == (outcome, severity)


def test_a_crash_never_satisfies_an_expected_reject(play: Play) -> None:
    def crash(_message: dict[str, Any]) -> Answer:
        raise RuntimeError("out of cheese")

    def answer(message: dict[str, Any]) -> Answer:
        return (
            crash(message)
            if play.claims_of(message)["exp"] < message["now"]
            else {"verdict": "accept", "user": "ann"}
        )

    result = play(GOOD + bad("reject"), play.double(answer))["bad"]

    assert (result.outcome, result.severity) == (Kind.ERROR, Severity.CRASH)
    assert result.verdict is not None
    assert (result.verdict.kind, result.verdict.reason) == ("error", "crash")
    assert "out of cheese" in result.message


@pytest.mark.parametrize(
    "rule, outcome", [(SHOULD, Kind.WARN), (MAY, Kind.WARN), (MUST, Kind.FAIL), (POLICY, Kind.FAIL)]
)
def test_the_level_of_the_rule_says_what_a_deviation_is(play: Play, rule: str, outcome: Kind) -> None:
    result = play(GOOD + bad(rule=rule), play.double())["bad"]

    assert (result.outcome, result.severity) == (outcome, Severity.FALSE_ACCEPT)


def test_a_finding_says_by_what_authority_it_is_one(play: Play) -> None:
    result = play(GOOD + bad(rule=f"{SHOULD}, {MUST}"), play.double())["bad"]

    assert (result.rules, result.level, result.basis) == ((SHOULD, MUST), "SHOULD", "idp")


@pytest.mark.parametrize("reason", ["expired", "issuer"])
def test_a_reject_whose_control_was_not_accepted_is_unproven(play: Play, reason: str) -> None:
    double = play.double(lambda _: {"verdict": "reject", "reason": reason})

    results = play(GOOD + bad(), double)

    assert results["good"].outcome is Kind.FAIL
    assert results["bad"].outcome is Kind.UNPROVEN
    assert results["bad"].severity is None
    assert "its control a/b/good" in results["bad"].message


def test_a_control_that_a_should_lets_be_rejected_proves_nothing_either(play: Play) -> None:
    rows = GOOD.replace(MUST, SHOULD) + bad()

    results = play(rows, play.double(lambda _: REJECT))

    assert (results["good"].outcome, results["bad"].outcome) == (Kind.WARN, Kind.UNPROVEN)


def test_a_control_that_crashed_proves_nothing(play: Play) -> None:
    double = play.double(answering(play, REJECT))
    scripted = double.on_authenticate
    double.on_authenticate = lambda m: answer if (answer := scripted(m)) is REJECT else {"verdict": "accept"}

    assert play(GOOD + bad(), double)["bad"].outcome is Kind.UNPROVEN


def test_a_control_that_was_accepted_as_somebody_else_was_accepted(play: Play) -> None:
    answers = answering(play, REJECT)
    double = play.double(lambda m: {**answers(m), "user": "bob"} if answers(m) is not REJECT else REJECT)

    results = play(GOOD + bad(), double)

    assert (results["good"].severity, results["bad"].outcome) == (Severity.WRONG_USER, Kind.PASS)


def test_a_false_accept_is_a_failure_whatever_the_control_does(play: Play) -> None:
    double = play.double(answering(play, {"verdict": "accept", "user": "ann"}))
    answers = double.on_authenticate
    double.on_authenticate = lambda m: answers(m) if play.claims_of(m)["exp"] < m["now"] else REJECT

    assert play(GOOD + bad(), double)["bad"].severity is Severity.FALSE_ACCEPT


def test_a_control_that_does_not_apply_leaves_nothing_to_prove(play: Play) -> None:
    rows = GOOD.replace("expect: ann", "expect: ann, requires: [concurrent]") + bad()

    results = play(rows, play.double(lambda _: REJECT))

    assert {result.outcome for result in results.values()} == {Kind.NOT_APPLICABLE}


def test_reasons_count_only_for_targets_whose_reasons_mean_something(play: Play) -> None:
    wrong = {"verdict": "reject", "reason": "issuer"}
    double = play.double(answering(play, wrong), capabilities=["clock", "reset", "users", "onboarding"])

    assert play(GOOD + bad(), double)["bad"].outcome is Kind.PASS


BY_KNOB = "{by: nokid, single: ann, reject: {reject: unknown_key}, try_fitting: ann}"


@pytest.mark.parametrize(
    "scope, declared, answer, outcome",
    [
        ("system", {}, "ann", Kind.PASS),
        ("system", {}, "reject", Kind.FAIL),
        ("service", {}, "reject", Kind.FAIL),
        ("system", {"nokid": "reject"}, "reject", Kind.PASS),
        ("system", {"nokid": "reject"}, "ann", Kind.FAIL),
        ("library", {}, "ann", Kind.PASS),
        ("library", {}, "reject", Kind.PASS),
        ("library", {"nokid": "reject"}, "ann", Kind.FAIL),
    ],
)
def test_a_policy_is_held_to_what_the_target_declares(
    play: Play, scope: str, declared: dict[str, Any], answer: str, outcome: Kind
) -> None:
    said = (
        {"verdict": "accept", "user": "ann"}
        if answer == "ann"
        else {"verdict": "reject", "reason": "unknown_key"}
    )
    rows = f"  - {{id: x, says: A, rules: [{POLICY}], expect: {BY_KNOB}}}\n"

    result = play(rows, play.double(lambda _: said, scope=scope), knobs=declared)["x"]

    assert result.outcome is outcome


@pytest.mark.parametrize(
    "scope, declared, right",
    [
        ("system", {}, ["accept as ann"]),
        ("system", {"client_allowlist": []}, ["accept as ann"]),
        ("system", {"client_allowlist": ["scan"]}, ["reject"]),
        ("library", {}, ["accept as ann"]),
    ],
)
def test_a_list_or_a_number_is_judged_by_whether_it_is_declared(
    play: Play, scope: str, declared: dict[str, Any], right: list[str]
) -> None:
    expectation = play.table(GOOD + bad("{by: client_allowlist, undeclared: ann, declared: reject}"))[
        "bad"
    ].expected

    answers = right_answers(expectation, Profile(scope=scope, knobs=declared))

    assert [str(answer) for answer in answers] == right


def test_a_library_may_have_a_limit_that_it_does_not_declare(play: Play) -> None:
    expectation = play.table(GOOD + bad("{by: max_lifetime_s, undeclared: ann, declared: reject}"))[
        "bad"
    ].expected

    answers = right_answers(expectation, Profile(scope="library"))

    assert [str(answer) for answer in answers] == ["accept as ann", "reject"]


def test_a_library_may_do_what_no_standard_forbids_but_never_err(play: Play) -> None:
    rows = f"  - {{id: x, says: A, rules: [{POLICY}], expect: {BY_KNOB}}}\n"

    result = play(rows, play.double(lambda _: {"verdict": "accept", "user": "bob"}, scope="library"))["x"]

    assert result.severity is Severity.WRONG_USER


def test_a_knob_that_is_declared_true_or_false_is_a_word(play: Play) -> None:
    rows = GOOD + bad("{by: exp_required, 'true': reject, 'false': ann}")
    expectation = play.table(rows)["bad"].expected

    assert [str(o) for o in right_answers(expectation, Profile(knobs={"exp_required": False}))] == [
        "accept as ann"
    ]
    assert [str(o) for o in right_answers(expectation, Profile(knobs={"exp_required": "true"}))] == ["reject"]


@pytest.mark.parametrize(
    "declared, right",
    [
        ({}, ["accept as ann"]),
        ({"user_scope": "integration", "external_id_namespace": "untyped"}, ["accept as ann"]),
        ({"external_id_namespace": "typed"}, ["reject (no_user)"]),
        ({"user_scope": "token_presence"}, ["accept as ann"]),
        ({"user_scope": "token_presence", "external_id_namespace": "typed"}, ["accept as ann"]),
        ({"user_scope": "enrolled_users"}, ["reject (user_ambiguous)"]),
        ({"user_scope": "enrolled_users", "external_id_namespace": "typed"}, ["reject (user_ambiguous)"]),
    ],
)
def test_two_knobs_decide_together(play: Play, declared: dict[str, str], right: list[str]) -> None:
    answers = (
        "{by: user_scope, token_presence: ann, enrolled_users: {reject: user_ambiguous},"
        " integration: {by: external_id_namespace, untyped: ann, typed: {reject: no_user}}}"
    )
    expectation = play.table(GOOD + bad(answers))["bad"].expected

    assert [str(o) for o in right_answers(expectation, Profile(scope="system", knobs=declared))] == right


def test_of_two_knobs_a_library_is_free_in_the_one_that_a_standard_leaves_open(play: Play) -> None:
    answers = (
        "{by: high_s, reject: {reject: bad_signature},"
        " accept: {by: conflict, claim_wins: ann, reject: {reject: no_user}}}"
    )
    expectation = play.table(GOOD + bad(answers))["bad"].expected

    assert [str(o) for o in right_answers(expectation, Profile(scope="library"))] == [
        "reject (bad_signature)",
        "accept as ann",
    ]


@pytest.mark.parametrize(
    "row, declares, reason",
    [
        (
            "rules: [MAP-002], expect: ann",
            {"scope": "library"},
            "the rule is for a system, and the target is a library",
        ),
        (
            "rules: [HTTP-001], expect: ann",
            {"scope": "library"},
            "the rule is for a service, and the target is a library",
        ),
        (
            "rules: [FMT-001], steps: [{advance: 1h}, {authenticate: {expect: ann}}]",
            {"capabilities": ["users"]},
            "the target does not declare the capability clock",
        ),
        (
            "rules: [FMT-001], expect: ann, onboard: {alg: ES256}",
            {},
            "the target does not declare the algorithm ES256",
        ),
        (
            "rules: [FMT-001], expect: ann, onboard: {keys: certificates}",
            {},
            "the target does not declare keys as certificates",
        ),
    ],
)
def test_what_a_target_does_not_claim_is_not_applicable_and_says_why(
    play: Play, row: str, declares: dict[str, Any], reason: str
) -> None:
    double = play.double(**declares)

    result = play(f"  - {{id: x, says: A, {row}}}\n", double)["x"]

    assert (result.outcome, result.message) == (Kind.NOT_APPLICABLE, reason)
    assert not double.of("authenticate")


def test_a_check_that_a_target_leaves_to_its_caller_is_not_asked(play: Play) -> None:
    scenario = play.table("  - {id: x, says: A, rules: [FMT-001], expect: ann, requires: ['check:aud']}\n")[
        "x"
    ]

    from scenarios.judge import not_applicable

    lax = Profile(scope="library", checks=("iss", "exp"))
    assert not_applicable(scenario, lax) == "the target does not declare a check of aud"
    assert not_applicable(scenario, Profile(scope="library")) is None


def test_an_answer_of_unsupported_is_not_applicable(play: Play) -> None:
    double = play.double(lambda _: {"verdict": "unsupported", "capability": "algorithm:RS256"})

    result = play(GOOD, double)["good"]

    assert result.outcome is Kind.NOT_APPLICABLE
    assert result.message == "the target answered that it does not support algorithm:RS256"
    assert result.verdict is not None
    assert result.verdict.kind == "unsupported"


CANARY = (
    f"  - {{id: bad, says: B, rules: [{MUST}], forge: {{jku: '{{canary}}'}}, canary: untouched,"
    " expect: {reject: header_not_allowed}, control: good}\n"
)


def fetching(answer: Answer) -> Callable[[dict[str, Any]], Answer]:
    """Return the answers of a target that asks whatever address a token names, and then says `answer`."""

    def authenticate(message: dict[str, Any]) -> Answer:
        import base64
        import json
        import urllib.request

        segment = message["token"].split(".")[0]
        header = json.loads(base64.urlsafe_b64decode(segment + "=="))
        if "jku" not in header:
            return {"verdict": "accept", "user": "ann"}
        with urllib.request.urlopen(header["jku"]) as response:  # noqa: S310 - that is the flaw
            response.read()
        return answer

    return authenticate


@pytest.mark.parametrize("reason", ["header_not_allowed", "issuer"])
def test_a_fetched_canary_fails_the_scenario_even_when_the_token_was_rejected(
    play: Play, reason: str
) -> None:
    double = play.double(fetching({"verdict": "reject", "reason": reason}))

    result = play(GOOD + CANARY, double)["bad"]

    assert (result.outcome, result.severity) == (Kind.FAIL, Severity.CANARY)
    assert result.message == "the target asked the address that nobody may ask, 1 time"


def test_an_untouched_canary_passes(play: Play) -> None:
    double = play.double()
    double.on_authenticate = lambda _: (
        {"verdict": "accept", "user": "ann"}
        if len(double.of("authenticate")) > 1
        else {"verdict": "reject", "reason": "header_not_allowed"}
    )

    assert play(GOOD + CANARY, double, "bad")["bad"].outcome is Kind.PASS


def bounded(bound: str) -> str:
    step = f"{{authenticate: {{expect: ann, requests: {{jwks: {{{bound}}}}}}}}}"
    return f"  - {{id: x, says: A, rules: [{MUST}], steps: [{step}]}}\n"


def fetch_jwks(message: dict[str, Any], times: int) -> None:
    import urllib.request

    for _ in range(times):
        with urllib.request.urlopen(message["integration"]["jwks_uri"]) as response:  # noqa: S310 - loopback
            response.read()


@pytest.mark.parametrize(
    "bound, fetches, message",
    [
        ("at_most: 2", 2, ""),
        ("at_most: 2", 3, "expected at most 2 requests to jwks; the IdP saw 3"),
        ("at_least: 1", 0, "expected at least 1 requests to jwks; the IdP saw 0"),
    ],
)
def test_a_step_bounds_the_requests_that_the_idp_saw(
    play: Play, bound: str, fetches: int, message: str
) -> None:
    double = play.double()

    def authenticate(_message: dict[str, Any]) -> Answer:
        fetch_jwks(double.of("onboard")[-1], fetches)
        return {"verdict": "accept", "user": "ann"}

    double.on_authenticate = authenticate

    result = play(bounded(bound), double)["x"]

    assert result.message == message
    assert result.outcome is (Kind.FAIL if message else Kind.PASS)


def curious(message: dict[str, Any]) -> Answer:
    fetch_jwks(message, 5)
    return {"verdict": "onboarded"}


def test_requests_before_the_step_do_not_count(play: Play) -> None:
    double = play.double(onboard=curious)

    assert play(bounded("at_most: 0"), double)["x"].outcome is Kind.PASS


def test_a_wrong_reason_hides_nothing_worse_that_follows(play: Play) -> None:
    double = play.double()
    answers = iter([{"verdict": "reject", "reason": "issuer"}, {"verdict": "accept", "user": "ann"}])
    double.on_authenticate = lambda _: next(answers)
    rows = GOOD + (
        f"  - {{id: bad, says: B, rules: [{MUST}], control: good,"
        " steps: [{authenticate: {expect: {reject: expired}}}, {authenticate: {expect: {reject: expired}}}]}\n"
    )

    result = play(rows, double, "bad")["bad"]

    assert (result.outcome, result.severity) == (Kind.FAIL, Severity.FALSE_ACCEPT)


def test_a_wrong_reason_that_nothing_worse_follows_is_shown_with_its_own_token(play: Play) -> None:
    accept = {"verdict": "accept", "user": "ann"}
    answers = iter([{"verdict": "reject", "reason": "issuer"}, accept, accept])
    rows = (
        f"  - {{id: x, says: B, rules: [{MUST}], control: good, steps: ["
        "{authenticate: {token: {claims: {exp: -1d}}, expect: {reject: expired}}}, {authenticate: {expect: ann}}]}\n"
    )

    result = play(GOOD + rows, play.double(lambda _: next(answers)), "x")["x"]

    assert (result.outcome, result.severity) == (Kind.WARN, Severity.WRONG_REASON)
    assert result.exchanges[-1].answer == "rejected (issuer)"


@pytest.mark.parametrize(
    "answer, outcome, severity",
    [
        ({"verdict": "refused", "reason": "leeway"}, Kind.PASS, None),
        ({"verdict": "asked", "about": "leeway"}, Kind.FAIL, Severity.FALSE_REJECT),
        ({"verdict": "onboarded"}, Kind.FAIL, Severity.FALSE_ACCEPT),
        ({"verdict": "refused", "reason": "user"}, Kind.WARN, Severity.WRONG_REASON),
    ],
)
def test_the_answer_to_a_false_record(
    play: Play, answer: Answer, outcome: Kind, severity: Severity | None
) -> None:
    double = play.double(
        onboard=lambda m: answer if m["integration"]["leeway_s"] > 300 else {"verdict": "onboarded"}
    )
    rows = (
        GOOD + "  - {id: bad, says: B, rules: [MAP-001], onboard: {leeway_s: 301}, control: good,"
        " expect: {refused: leeway}}\n"
    )

    result = play(rows, double)["bad"]

    assert (result.outcome, result.severity) == (outcome, severity)


@pytest.mark.parametrize("warnings, outcome", [(["it ends soon"], Kind.PASS), ([], Kind.FAIL)])
def test_a_record_that_deserves_a_warning_must_be_given_one(
    play: Play, warnings: list[str], outcome: Kind
) -> None:
    double = play.double(onboard=lambda _: {"verdict": "onboarded", "warnings": warnings})

    result = play("  - {id: x, says: A, rules: [MAP-001], expect: warned}\n", double)["x"]

    assert result.outcome is outcome


@pytest.mark.parametrize("warnings, outcome", [([], Kind.PASS), (["it may change"], Kind.FAIL)])
def test_a_record_that_deserves_no_warning_must_be_given_none(
    play: Play, warnings: list[str], outcome: Kind
) -> None:
    double = play.double(onboard=lambda _: {"verdict": "onboarded", "warnings": warnings})

    result = play("  - {id: x, says: A, rules: [MAP-001], expect: unwarned}\n", double)["x"]

    assert result.outcome is outcome


@pytest.mark.parametrize("fallback, outcome", [(True, Kind.PASS), (False, Kind.WARN)])
def test_the_record_of_an_accept_says_what_found_the_user(
    play: Play,
    fallback: bool,  # noqa: FBT001 - parametrised
    outcome: Kind,
) -> None:
    answer = {"verdict": "accept", "user": "ann", "mapped_by": "sub", "fallback": fallback}
    double = play.double(lambda _: answer, capabilities=["clock", "users", "audit"])
    rows = "  - {id: x, says: A, rules: [MAP-001], expect: ann, audit: {mapped_by: sub, fallback: true}}\n"

    assert play(rows, double)["x"].outcome is outcome


@pytest.mark.parametrize(
    "claims, outcome",
    [
        ({"sub": "ann-sub"}, Kind.PASS),
        ({"sub": "bob-sub"}, Kind.FAIL),
        ({"sub": "ann-sub", "email": ""}, Kind.PASS),
        ({"sub": "ann-sub", "email": "bob-sub"}, Kind.FAIL),
        ({"sub": "bob-sub", "email": "ann-sub"}, Kind.PASS),
        ({"sub": ["ann-sub"]}, Kind.FAIL),
        ({"iss": "https://idp.example.com", "sub": "ann-sub"}, Kind.PASS),
        ({"iss": "https://evil.example", "sub": "ann-sub"}, Kind.FAIL),
        ({}, Kind.FAIL),
    ],
)
def test_a_target_that_maps_no_users_is_judged_by_the_claims_that_it_read(
    play: Play, claims: dict[str, Any], outcome: Kind
) -> None:
    double = play.double(
        lambda _: {"verdict": "accept", "claims": claims}, scope="library", capabilities=["clock"]
    )
    rows = f"  - {{id: x, says: A, rules: [{MUST}], onboard: {{custom_claim: email}}, expect: ann}}\n"

    assert play(rows, double)["x"].outcome is outcome


def finding(outcome: Kind, severity: Severity | None = None) -> Result:
    return Result(
        id=f"a/b/{outcome}-{severity or 'none'}".replace(" ", "-"),
        rules=(MUST,),
        level="MUST",
        basis="rfc",
        outcome=outcome,
        expected="reject",
        severity=severity,
    )


def test_findings_come_the_worst_first() -> None:
    worst_first = [
        finding(Kind.FAIL, Severity.WRONG_USER),
        finding(Kind.FAIL, Severity.FALSE_ACCEPT),
        finding(Kind.FAIL, Severity.CANARY),
        finding(Kind.ERROR, Severity.CRASH),
        finding(Kind.FAIL, Severity.FALSE_REJECT),
        finding(Kind.UNPROVEN),
        finding(Kind.WARN, Severity.FALSE_ACCEPT),
        finding(Kind.WARN, Severity.WRONG_REASON),
    ]
    quiet = (finding(Kind.PASS), finding(Kind.XFAIL, Severity.WRONG_USER), finding(Kind.NOT_APPLICABLE))
    results = (*quiet, *reversed(worst_first))
    run = Run(
        target=TargetRecord("t"),
        profile={},
        started="",
        duration_s=0,
        totals=totals(results),
        results=results,
    )

    assert run.findings() == worst_first


def test_totals_name_every_outcome_at_zero_too() -> None:
    assert totals((finding(Kind.WARN),)) == {
        "pass": 0, "fail": 0, "warn": 1, "error": 0, "unproven": 0, "xfail": 0, "xpass": 0, "not_applicable": 0,
    }  # fmt: skip
