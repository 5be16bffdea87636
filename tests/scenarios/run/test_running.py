"""How a run goes: the order, the controls, what a target is sent and when it is sent again."""

from __future__ import annotations

import contextlib
import json
import ssl
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from mock_idp.fixed_keys import fixed_key
from scenarios.rehearse import rehearse
from scenarios.results import Kind, Severity
from scenarios.run import run
from scenarios.stage import START, Lab
from scenarios.tables.load import load, shipped
from scenarios.targets.in_process import CallableTarget, ObjectTarget
from scenarios.targets.profile import Profile
from scenarios.targets.session import Session

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scenarios.tables.scenario import Scenario
    from tests.scenarios.run.conftest import Play

GOOD = "  - {id: good, says: A, rules: [FMT-001], expect: ann}\n"
BAD = "  - {id: bad, says: B, rules: [FMT-001], claim: {exp: -1d}, expect: {reject: any}, control: good}\n"
TAKES_TURNS = [{"verdict": "reject"}, {"verdict": "accept", "user": "ann"}]


def row(members: str) -> str:
    return f"{GOOD}  - {{id: x, says: A fact, rules: [FMT-001], {members}}}\n"


def record(double: Any, number: int = 0) -> dict[str, Any]:
    integration: dict[str, Any] = double.of("onboard")[number]["integration"]
    return integration


def fetched(url: str, context: ssl.SSLContext | None = None) -> bytes:
    request = urllib.request.Request(url, headers={"X-Own": "1"})  # noqa: S310 - the URL is of the mock IdP
    with urllib.request.urlopen(request, context=context) as answer:  # noqa: S310 - as above
        body: bytes = answer.read()
        return body


def forms(double: Any, number: int = 0) -> set[str]:
    return {"jwks_uri", "jwks", "certificates", "public_keys"} & record(double, number).keys()


def test_results_come_in_the_order_asked_for(play: Play) -> None:
    results = play(GOOD + BAD + GOOD.replace("good", "last"), play.double(), "last", "bad", "good")

    assert list(results) == ["last", "bad", "good"]


def test_a_control_that_was_not_selected_is_run_once_and_is_no_result(play: Play) -> None:
    double = play.double()
    double.on_authenticate = lambda m: TAKES_TURNS[play.claims_of(m)["exp"] > m["now"]]
    rows = GOOD + BAD + BAD.replace("id: bad", "id: worse")

    results = play(rows, double, "bad", "worse")

    assert {name: result.outcome for name, result in results.items()} == {
        "bad": Kind.PASS,
        "worse": Kind.PASS,
    }
    assert len(double.of("authenticate")) == 3


def test_a_control_is_not_run_for_a_token_that_was_accepted(play: Play) -> None:
    double = play.double()

    play(GOOD + BAD, double, "bad")

    assert len(double.of("authenticate")) == 1


def test_every_scenario_starts_with_a_reset(play: Play) -> None:
    double = play.double()

    play(GOOD + GOOD.replace("good", "again"), double)

    assert [message["cmd"] for message in double.messages] == [
        "start",
        *["reset", "onboard", "authenticate"] * 2,
    ]


@pytest.mark.parametrize(
    "keys, sent",
    [
        (["jwks_uri"], {"jwks_uri"}),
        (["jwks"], {"jwks"}),
        (["certificates"], {"certificates"}),
        (["public_keys"], {"public_keys"}),
        (["public_keys", "jwks"], {"public_keys", "jwks"}),
    ],
)
def test_keys_travel_in_the_forms_that_the_target_takes(play: Play, keys: list[str], sent: set[str]) -> None:
    double = play.double(keys=keys, capabilities=["clock", "users"])

    result = play(GOOD, double)["good"]

    assert (result.outcome, forms(double)) == (Kind.PASS, sent)


def test_a_target_that_judges_records_gets_one_source_of_keys(play: Play) -> None:
    double = play.double(keys=["certificates", "jwks_uri"])

    play(GOOD, double)

    assert forms(double) == {"certificates"}
    assert record(double)["selected"] == ["a"]


def test_a_handmade_set_goes_by_url_to_a_target_that_takes_no_other(play: Play) -> None:
    double = play.double(keys=["jwks_uri", "certificates"], capabilities=["clock", "users"])

    result = play(row("onboard: {jwks: [{key: a, members: {use: enc}}]}, expect: ann"), double, "x")["x"]

    assert (result.outcome, forms(double)) == (Kind.PASS, {"jwks_uri"})


def test_a_form_that_is_asked_for_reaches_a_target_that_can_only_fetch(play: Play) -> None:
    double = play.double(keys=["jwks_uri"], capabilities=["clock", "users"])

    result = play(row("onboard: {keys: jwks}, expect: ann"), double, "x")["x"]

    assert (result.outcome, forms(double)) == (Kind.PASS, {"jwks_uri"})


def test_a_set_that_is_written_as_text_is_asked_of_targets_that_fetch(play: Play) -> None:
    rows = row("onboard: {jwks: '{\"keys\": oops'}, expect: ann")
    by_value, by_url = play.double(keys=["jwks"]), play.double(keys=["jwks", "jwks_uri"])

    assert play(rows, by_value, "x")["x"].outcome is Kind.NOT_APPLICABLE
    assert play(rows, by_url, "x")["x"].outcome is Kind.PASS
    assert forms(by_url) == {"jwks_uri"}


def test_a_target_that_takes_https_alone_gets_it_and_the_authority_to_trust(play: Play) -> None:
    import ssl
    import urllib.request

    double = play.double(keys=["jwks_uri", "https_only"])
    fetched: list[dict[str, Any]] = []

    def authenticate(_message: dict[str, Any]) -> dict[str, Any]:
        context = ssl.create_default_context(cafile=record(double)["ca_file"])
        with urllib.request.urlopen(record(double)["jwks_uri"], context=context) as response:  # noqa: S310 - loopback
            fetched.append(json.load(response))
        return {"verdict": "accept", "user": "ann"}

    double.on_authenticate = authenticate

    assert play(GOOD, double)["good"].outcome is Kind.PASS
    assert record(double)["jwks_uri"].startswith("https://")
    assert [key["kid"] for key in fetched[0]["keys"]] == ["a"]


ROTATED = row("steps: [{authenticate: {expect: ann}}, {rotate: {keep: none}}, {authenticate: {expect: ann}}]")


def test_a_target_that_holds_keys_by_value_is_onboarded_again_after_a_rotation(play: Play) -> None:
    double = play.double(keys=["jwks"])

    play(ROTATED, double, "x")

    first, second = (message["integration"] for message in double.of("onboard"))
    assert first["id"] == second["id"]
    assert [key["kid"] for key in first["jwks"]["keys"]] == ["a"]
    assert [key["kid"] for key in second["jwks"]["keys"]] == ["b"]


def test_a_target_that_fetches_keys_is_left_to_find_out(play: Play) -> None:
    double = play.double(keys=["jwks_uri", "jwks"], capabilities=["clock", "users"])

    play(ROTATED, double, "x")

    assert len(double.of("onboard")) == 1


def test_keys_handed_over_as_certificates_are_handed_over_again_whatever_else_the_target_takes(
    play: Play,
) -> None:
    double = play.double(keys=["jwks_uri", "certificates"])

    play(ROTATED.replace("steps", "onboard: {keys: certificates}, steps"), double, "x")

    assert [[c["kid"] for c in record(double, n)["certificates"]] for n in (0, 1)] == [["a"], ["b"]]


def test_a_rotation_that_the_target_will_not_take_is_its_finding(play: Play) -> None:
    double = play.double(keys=["jwks"])
    answers = iter([{"verdict": "onboarded"}, {"verdict": "refused", "reason": "issuer_taken"}])
    double.on_onboard = lambda _: next(answers)

    result = play(ROTATED, double, "x")["x"]

    assert (result.outcome, result.message) == (
        Kind.FAIL,
        "expected onboarded; refused (issuer_taken)",
    )


def test_the_steps_are_done_in_order_and_the_first_deviation_ends_them(play: Play) -> None:
    double = play.double()
    steps = (
        "steps: [{mint: {as: old}}, {advance: 1h}, {authenticate: {token: old, expect: ann}},"
        " {offboard: main}, {onboard: {audience: other}}, {authenticate: {expect: bob}},"
        " {authenticate: {expect: ann}}]"
    )

    result = play(row(steps), double, "x")["x"]

    assert result.outcome is Kind.FAIL
    assert [m["cmd"] for m in double.messages] == [
        "start", "reset", "onboard", "authenticate", "offboard", "onboard", "authenticate",
    ]  # fmt: skip
    assert double.of("authenticate")[0]["now"] == START + 3600
    assert play.claims_of(double.of("authenticate")[0])["iat"] == START
    assert record(double, 1)["audience"] == "other"


def test_a_purge_names_the_key_by_its_thumbprint_and_the_integration(play: Play) -> None:
    class Operated(play.double):  # type: ignore[name-defined,misc]  # a class that a fixture brings
        def purge(self, message: dict[str, Any]) -> dict[str, Any]:
            self.messages.append(message)
            return {"ok": True}

    double = Operated(capabilities=["clock", "reset", "users", "purge"])
    row_ = row(
        "steps: [{authenticate: {expect: ann}}, {rotate: {}}, {purge: old}, {authenticate: {expect: ann}}]"
    )

    result = play(row_, double, "x")["x"]

    assert result.outcome is Kind.PASS
    (message,) = double.of("purge")
    assert message["id"] == record(double)["id"]
    assert message["thumbprint"] == fixed_key("a").thumbprint()


def test_a_target_that_cannot_purge_is_not_asked(play: Play) -> None:
    result = play(row("steps: [{purge: a}, {authenticate: {expect: ann}}]"), play.double(), "x")["x"]

    assert (result.outcome, result.message) == (
        Kind.NOT_APPLICABLE,
        "the target does not declare the capability purge",
    )


@pytest.mark.parametrize("flaw", ["good", "expired", "not_yet_valid", "self_signed", "wrong_host"])
def test_a_jwks_over_tls_is_served_with_the_flaw_that_is_named(play: Play, flaw: str) -> None:
    double = play.double(keys=["jwks_uri"])

    def fetch(_message: dict[str, Any]) -> dict[str, Any]:
        context = ssl.create_default_context(cafile=record(double)["ca_file"])
        kid = json.loads(fetched(record(double)["jwks_uri"], context))["keys"][0]["kid"]
        return {"verdict": "accept", "user": {"a": "ann"}[kid]}

    def tried(message: dict[str, Any]) -> dict[str, Any]:
        try:
            return fetch(message)
        except urllib.error.URLError as error:
            return {"verdict": "reject", "reason": "unavailable", "detail": str(error.reason)}

    double.on_authenticate = tried

    result = play(row(f"onboard: {{tls: {flaw}}}, expect: ann"), double, "x")["x"]

    assert record(double)["jwks_uri"].startswith("https://127.0.0.1:")
    assert (result.outcome is Kind.PASS) is (flaw == "good")
    assert "certificate verify failed" in result.message or flaw == "good"


def test_users_who_are_no_more_are_not_sent(play: Play) -> None:
    double = play.double()

    play(row("steps: [{onboard: {without: [bob]}}, {authenticate: {expect: ann}}]"), double, "x")

    assert [[user["name"] for user in message["users"]] for message in double.of("onboard")] == [
        ["ann", "bob"],
        ["ann"],
    ]


@pytest.mark.parametrize(
    "bound, message",
    [
        ("query: 'p=1'", ""),
        ("query: 'p=2'", "expected the query 'p=2' at jwks; the IdP saw 'p=1'"),
        ("without: [cookie]", ""),
        ("without: [X-Own]", "expected no header X-Own at jwks; the IdP saw one"),
    ],
)
def test_a_step_says_what_each_request_had(play: Play, bound: str, message: str) -> None:
    double = play.double()

    def fetch(sent: dict[str, Any]) -> dict[str, Any]:
        fetched(sent["integration"]["jwks_uri"])
        return {"verdict": "onboarded"}

    double.on_onboard = fetch
    steps = f"steps: [{{onboard: {{requests: {{jwks: {{{bound}}}}}}}}}, {{authenticate: {{expect: ann}}}}]"

    result = play(row(f'onboard: {{at_start: false, jwks_uri: "{{jwks_uri}}?p=1"}}, {steps}'), double, "x")[
        "x"
    ]

    assert result.message == message


@pytest.mark.parametrize(
    "quoted, outcome", [(0, Kind.PASS), (31, Kind.PASS), (64, Kind.FAIL), (200, Kind.FAIL)]
)
def test_an_answer_that_repeats_the_token_is_a_finding_where_it_must_not(
    play: Play, quoted: int, outcome: Kind
) -> None:
    def refuse(message: dict[str, Any]) -> dict[str, Any]:
        return {
            "verdict": "reject",
            "reason": "malformed",
            "detail": f"bad token {message['token'][7 : 7 + quoted]}!",
        }

    result = play(row("expect: {accept: ann, reject: any}, quoted: never"), play.double(refuse), "x")["x"]

    assert result.outcome is outcome


def test_the_address_that_a_fault_redirects_to_is_watched(play: Play) -> None:
    double = play.double()

    def fetch(_message: dict[str, Any]) -> dict[str, Any]:
        with contextlib.suppress(urllib.error.HTTPError):
            fetched(record(double)["jwks_uri"])
        return {"verdict": "accept", "user": "ann"}

    double.on_authenticate = fetch
    steps = 'steps: [{fault: {at: jwks, is: {redirect: "{canary}"}}}, {authenticate: {expect: ann}}]'

    result = play(row(f"canary: untouched, {steps}"), double, "x")["x"]

    assert result.severity is Severity.CANARY


def test_an_offboarding_that_crashes_is_an_error(play: Play) -> None:
    class Fragile(play.double):  # type: ignore[name-defined,misc]  # a class that a fixture brings
        def offboard(self, _message: dict[str, Any]) -> dict[str, Any]:
            raise RuntimeError("gone")

    result = play(row("steps: [{offboard: main}, {authenticate: {expect: ann}}]"), Fragile(), "x")["x"]

    assert result.outcome is Kind.ERROR
    assert "gone" in result.message


def test_each_key_and_times_multiply_the_tokens(play: Play) -> None:
    double = play.double()

    play(row("onboard: {published: [a, b]}, each_key: true, times: 3, expect: ann"), double, "x")

    kids = [header(message["token"])["kid"] for message in double.of("authenticate")]
    assert kids == ["a", "a", "a", "b", "b", "b"]


def header(token: str) -> dict[str, Any]:
    import base64

    segment = token.partition(".")[0]
    read: dict[str, Any] = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    return read


def test_a_flood_is_many_different_tokens(play: Play) -> None:
    double = play.double(lambda _: {"verdict": "reject"})

    play(
        row("control: good, steps: [{flood: {tokens: 20, forge: unknown_kid, expect: reject}}]"), double, "x"
    )

    kids = {header(message["token"])["kid"] for message in double.of("authenticate")[:20]}
    assert len(kids) == 20


def test_a_second_endpoint_is_asked_of_a_target_that_has_one(play: Play) -> None:
    double = play.double(capabilities=["clock", "users", "endpoints"])

    play(row("endpoint: 2, expect: ann"), double, "x")

    assert [message["endpoint"] for message in double.of("authenticate")] == [2]


def test_tokens_for_a_target_with_a_clock_are_the_same_on_every_run(play: Play, lab: Lab) -> None:
    rows = (
        row("claim: {nbf: -leeway_s, tid: !absent}, expect: ann")
        + BAD
        + "  - {id: es, says: C, rules: [FMT-001], onboard: {alg: ES256}, expect: ann}\n"
        + "  - {id: cut, says: D, rules: [FMT-001], forge: flip_bit, expect: reject, control: good}\n"
    )

    def tokens() -> list[str]:
        double = play.double(algorithms=["RS256", "ES256"])
        lab.number()  # another run has given out other numbers
        play(rows, double)
        return [message["token"] for message in double.of("authenticate")]

    first, second = tokens(), tokens()

    assert len(first) == 5
    assert first == second


def test_the_kind_and_the_client_of_a_token_are_the_ones_that_the_idp_issues(play: Play) -> None:
    double = play.double()
    rows = (
        "  - {id: id, says: A, rules: [FMT-001], token: {persona: okta, person: ann, kind: id}, expect: ann}\n"
        "  - {id: machine, says: B, rules: [FMT-001], expect: ann,"
        " token: {persona: okta, kind: machine, client: scan}}\n"
        "  - {id: plain, says: C, rules: [FMT-001], token: {persona: okta}, expect: ann}\n"
        "  - {id: own, says: D, rules: [FMT-001], token: {persona: okta, person: carol}, expect: ann}\n"
    )

    play(rows, double)

    of_id, machine, plain, own = map(play.claims_of, double.of("authenticate"))
    assert (of_id["sub"][:3], of_id["amr"]) == ("00u", ["pwd"])
    assert (machine["sub"], machine["cid"]) == ("scan", "scan")
    assert plain["sub"] == "ann-sub"
    assert own["sub"] == "carol@contoso.example"


def test_a_fault_can_be_that_of_another_integration(play: Play, lab: Lab) -> None:
    seen: list[dict[str, int | None]] = []

    def look(_: dict[str, Any]) -> dict[str, Any]:
        seen.append({fault.path: fault.left for fault in lab.idp.faults})
        return {"verdict": "accept", "user": "ann"}

    double = play.double(look)
    rows = (
        "  - {id: x, says: A, rules: [FMT-001], integrations: {other: {}},"
        " steps: [{fault: {at: jwks, is: empty_set, of: other}}, {authenticate: {expect: ann}}]}\n"
    )

    play(rows, double)

    main, other = (message["integration"]["id"] for message in double.of("onboard"))
    assert seen == [{f"/{other}": None}]
    assert main != other


def test_tokens_for_other_targets_are_relative_to_the_real_clock(play: Play) -> None:
    double = play.double(capabilities=["users"])
    before = time.time()

    play(GOOD, double)

    (message,) = double.of("authenticate")
    assert "now" not in message
    assert before - 1 <= play.claims_of(message)["iat"] <= time.time()


def test_no_message_tells_which_scenario_runs_or_what_is_expected(play: Play) -> None:
    double = play.double(lambda _: {"verdict": "reject"}, onboard=lambda _: {"verdict": "onboarded"})
    head = "group: secret-group/inner\ntitle: The title of a secret\ngiven: {users: {ann: ann-sub}}\n"
    rows = (
        "  - {id: hidden-good, says: Nobody is told this fact, rules: [FMT-001], expect: ann, note: a remark}\n"
        "  - {id: hidden-bad, says: Nor that, rules: [SIG-001], forge: {jku: '{canary}'}, canary: untouched,"
        " expect: {reject: [bad_signature, expired]}, control: hidden-good, advisories: [CVE-2015-9235]}\n"
        "  - {id: hidden-steps, says: Nor this, rules: [KEY-006],"
        " steps: [{authenticate: {as: kept, expect: ann}}]}\n"
    )

    with Session(ObjectTarget(lambda: double)) as session:
        scenarios = load([("secret-file.yaml", f"{head}scenarios:\n{rows}")])
        results = list(run(list(scenarios.values()), scenarios, session, play.lab))

    said = json.dumps(double.messages).lower()
    telling = ["secret", "hidden", "nobody", "fact", "nor ", "remark", "reject", "expect", "bad_signature", "expired",
               "accept", "control", "canary", "fmt-0", "sig-0", "key-0", "must", "2015-9235", "kept"]  # fmt: skip
    assert [result.id for result in results] == list(scenarios)
    assert len(double.of("authenticate")) == 3
    assert [word for word in telling if word in said] == []


def test_what_nobody_can_make_is_a_fault_of_the_table_and_no_finding(play: Play) -> None:
    double = play.double(algorithms=["ES384"])

    result = play(row("onboard: {alg: ES384, published: [f]}, expect: ann"), double, "x")["x"]

    assert (result.outcome, result.table_fault) == (Kind.ERROR, True)
    assert result.message.startswith("t.yaml:6:5: a/b/x: no fixed key 'f' for ES384")


def test_a_function_is_a_target(lab: Lab) -> None:
    def verify(token: str | bytes, integration: Mapping[str, Any]) -> str | None:
        return "ann-sub" if isinstance(token, str) and integration["audience"] == "api" else None

    scenarios = load(
        [("t.yaml", f"group: a/b\ntitle: T\ngiven: {{users: {{ann: ann-sub}}}}\nscenarios:\n{GOOD}")]
    )

    with Session(CallableTarget(verify), profile=Profile(keys=("jwks",))) as session:
        (result,) = run(list(scenarios.values()), scenarios, session, lab)

    assert (result.outcome, result.expected) == (Kind.PASS, "accept as ann")


def test_hostile_words_of_a_target_are_made_readable(play: Play) -> None:
    double = play.double(lambda _: {"verdict": "accept", "user": "x\x1b[31m\ud800"})

    result = play(GOOD, double)["good"]

    assert result.message == "expected accept as ann; accepted as x\\x1b[31m\\ud800"
    assert result.verdict is not None
    assert result.verdict.user == "x\\x1b[31m\\ud800"


@pytest.fixture(scope="module")
def catalogue() -> dict[str, Scenario]:
    return shipped()


def test_a_rehearsal_shows_every_record_and_token_in_order(play: Play, lab: Lab) -> None:
    steps = (
        "steps: [{authenticate: {as: first, times: 2, expect: ann}}, {rotate: {keep: none, to: c}},"
        " {advance: leeway_s + 1s}, {fault: {at: jwks, is: oversize}}, {heal: true}, {revoke: old},"
        " {mint: {as: two}}, {authenticate: {token: two, endpoint: 2, expect: ann}},"
        " {flood: {tokens: 9, forge: unknown_kid, expect: reject}}, {purge: a}, {offboard: main}]"
    )
    scenario = play.table(row(steps))["x"]

    shown = list(rehearse(scenario, lab))

    assert [item.what for item in shown] == [
        "onboard main",
        "authenticate 2 times",
        "rotate keep: none, to: c",
        "advance leeway_s +1s",
        "fault at: jwks, is: oversize",
        "heal",
        "revoke old",
        "keep a token as 'two'",
        "authenticate with the token 'two' at endpoint 2",
        "authenticate with 9 such tokens",
        "purge a",
        "offboard main",
    ]
    assert shown[0].record is not None
    assert shown[0].users is not None
    assert [user["name"] for user in shown[0].users] == ["ann", "bob"]


def test_a_tenth_of_the_shipped_scenarios_can_be_made(catalogue: dict[str, Scenario], lab: Lab) -> None:
    for scenario in list(catalogue.values())[::10]:
        assert all(item.what for item in rehearse(scenario, lab)), scenario.id


def test_what_is_left_when_a_target_is_given_up_is_not_asked(play: Play) -> None:
    rows = "".join(f"  - {{id: r{n}, says: A, rules: [SIG-001], expect: ann}}\n" for n in range(8))

    results = play(rows, play.double(lambda _: {"verdict": "perhaps"}))

    assert [result.unasked for result in results.values()] == [False] * 5 + [True] * 3
    assert {result.outcome for result in results.values()} == {Kind.ERROR}
    assert results["r0"].severity is Severity.BROKEN
