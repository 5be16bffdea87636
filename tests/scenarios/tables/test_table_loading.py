"""What a table means: what a row inherits, how a group is multiplied, what a target must be able to do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import jsonschema
import msgspec
import pytest

from scenarios.files.problems import TableErrors
from scenarios.tables import model
from scenarios.tables.load import builtin_tables, load, tables_at
from scenarios.tables.scenario import Authenticate, Flood, Move, Onboard, Scenario

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "group: a/b\ntitle: T\ngiven: {users: {ann: ann-sub}, token: {claims: {x: 1, y: 1}}}\n"


def table(rows: str, head: str = HEAD) -> dict[str, Scenario]:
    return load([("t.yaml", f"{head}scenarios:\n{rows}")])


def one(members: str, head: str = HEAD) -> Scenario:
    good = "  - {id: good, says: A, rules: [FMT-001], expect: ann}\n"
    return table(f"{good}  - {{id: x, says: A fact, rules: [SIG-001], {members}}}\n", head)["a/b/x"]


def token_of(scenario: Scenario) -> model.TokenSpec:
    (action,) = (a for a in scenario.actions if isinstance(a, Authenticate))
    assert isinstance(action.token, model.TokenSpec)
    return action.token


def test_a_plain_row_onboards_and_sends_one_token() -> None:
    scenario = one("expect: ann")

    onboard, authenticate = scenario.actions
    assert isinstance(onboard, Onboard)
    assert isinstance(authenticate, Authenticate)
    assert (str(onboard.expect), str(authenticate.expect)) == ("onboarded", "accept as ann")
    assert (scenario.rule.id, scenario.place.line, scenario.negative) == ("SIG-001", 6, False)


def test_an_answer_about_onboarding_is_judged_at_onboarding() -> None:
    scenario = one("expect: {refused: keys_missing}, control: good, onboard: {jwks_uri: !absent}")

    (onboard,) = scenario.actions
    assert isinstance(onboard, Onboard)
    assert str(onboard.expect) == "refused (keys_missing)"


def test_claims_merge_by_member_and_the_row_wins() -> None:
    scenario = one("expect: ann, token: {claims: {y: 2}}, claim: {z: 3}")

    assert token_of(scenario).claims == {"x": 1, "y": 2, "z": 3}


def test_vary_names_the_column_that_value_fills() -> None:
    scenario = one("expect: ann, value: !absent", HEAD + "vary: token.claims.x\n")

    assert repr(token_of(scenario).claims["x"]) == "!absent"


def test_a_matrix_multiplies_rows_and_their_controls() -> None:
    rows = (
        "  - {id: good, says: A, rules: [SIG-001], expect: ann}\n"
        "  - {id: bad, says: B, rules: [SIG-001], expect: {reject: any}, control: good, forge: none_alg}\n"
    )

    scenarios = table(rows, HEAD + "matrix: {alg: [RS256, ES256], keys: [jwks]}\n")

    assert list(scenarios) == [
        "a/b/good[RS256,jwks]",
        "a/b/bad[RS256,jwks]",
        "a/b/good[ES256,jwks]",
        "a/b/bad[ES256,jwks]",
    ]
    assert scenarios["a/b/bad[ES256,jwks]"].control == "a/b/good[ES256,jwks]"
    assert scenarios["a/b/bad[ES256,jwks]"].requires == {"alg:ES256", "keys:jwks"}


def test_a_control_row_serves_the_whole_group_and_shares_no_fault() -> None:
    head = (
        HEAD
        + "control: {says: Good, expect: ann}\n"
        + "defaults: {rules: [SIG-001], forge: none_alg, expect: {reject: any}}\n"
    )

    scenarios = table("  - {id: bad, says: B}\n", head)

    assert scenarios["a/b/bad"].control == "a/b/control"
    assert token_of(scenarios["a/b/bad"]).forge == "none_alg"
    assert token_of(scenarios["a/b/control"]).forge is None


def test_a_scenario_with_steps_that_first_expects_a_yes_is_its_own_control() -> None:
    scenario = one(
        "steps: [{authenticate: {expect: ann}}, {revoke: a}, {authenticate: {expect: {reject: any}}}]"
    )

    assert not scenario.negative
    assert scenario.expected.negative


def test_a_step_is_laid_over_the_token_of_the_row() -> None:
    scenario = one("claim: {y: 2}, steps: [{authenticate: {token: {claims: {x: 9}}, expect: ann}}]")

    assert token_of(scenario).claims == {"x": 9, "y": 2}


def test_an_onboard_step_changes_the_record_from_then_on() -> None:
    scenario = one(
        "onboard: {audience: one}, steps: [{onboard: {custom_claim: email, users: {bob: b}}},"
        " {authenticate: {expect: bob}}]"
    )

    _, again, last = scenario.actions
    assert isinstance(again, Onboard)
    assert isinstance(last, Authenticate)
    assert (again.integration.audience, again.integration.custom_claim) == ("one", "email")
    assert set(again.users) == {"ann", "bob"}


def test_a_step_that_moves_the_world_keeps_its_argument() -> None:
    scenario = one("steps: [{rotate: {keep: none, to: c}}, {advance: 1h}, {authenticate: {expect: ann}}]")

    moves = [action for action in scenario.actions if isinstance(action, Move)]
    assert [move.what for move in moves] == ["rotate", "advance"]


@pytest.mark.parametrize(
    "members, needs",
    [
        ("expect: ann", {"alg:RS256"}),
        ("expect: ann, onboard: {alg: ES256}", {"alg:ES256"}),
        ("expect: ann, onboard: {algorithms: [RS256, ES256]}", {"alg:RS256", "alg:ES256"}),
        ("expect: ann, onboard: {keys: jwks_uri}", {"alg:RS256", "keys:jwks_uri"}),
        ("expect: ann, onboard: {certificates: [a]}", {"alg:RS256", "keys:certificates"}),
        ("expect: ann, onboard: {jwks: [a]}", {"alg:RS256", "keys:jwks"}),
        ("expect: ann, onboard: {jwks_uri: 'https://x.example'}", {"alg:RS256", "keys:jwks_uri"}),
        ("expect: ann, audit: {fallback: true}", {"alg:RS256", "audit"}),
        ("expect: ann, endpoint: 2", {"alg:RS256", "endpoints"}),
        ("expect: ann, requires: [clock, 'check:aud']", {"alg:RS256", "clock", "check:aud"}),
        ("expect: {reject: no_user}, control: good, claim: {x: 2}", {"alg:RS256", "users"}),
        ("expect: {reject: [no_user, malformed]}, control: good, claim: {x: 2}", {"alg:RS256"}),
        ("expect: {refused: leeway}, control: good, onboard: {leeway_s: 900}", {"alg:RS256", "onboarding"}),
        ("steps: [{advance: 1h}, {authenticate: {expect: ann}}]", {"alg:RS256", "clock"}),
        (
            "steps: [{fault: {at: jwks, is: oversize}}, {authenticate: {expect: ann}}]",
            {"alg:RS256", "keys:jwks_uri"},
        ),
        (
            "steps: [{authenticate: {expect: ann, requests: {jwks: {at_most: 2}}}}]",
            {"alg:RS256", "keys:jwks_uri"},
        ),
    ],
)
def test_what_a_target_must_be_able_to_do_follows_from_the_row(members: str, needs: set[str]) -> None:
    assert one(members).requires == needs


def test_a_rule_of_scope_system_needs_users() -> None:
    scenario = table("  - {id: x, says: A, rules: [MAP-002], expect: ann}\n")["a/b/x"]

    assert "users" in scenario.requires


def test_a_flood_needs_a_target_that_fetches() -> None:
    scenario = one(
        "steps: [{flood: {tokens: 3, forge: unknown_kid, expect: reject}}, {authenticate: {expect: ann}}]"
    )

    assert "keys:jwks_uri" in scenario.requires
    assert any(isinstance(action, Flood) for action in scenario.actions)


@pytest.mark.parametrize(
    "written, said",
    [
        ("ann", "accept as ann"),
        ("{accept: ann}", "accept as ann"),
        ("reject", "reject"),
        ("{reject: any}", "reject"),
        ("{reject: [expired, claim_value]}", "reject (expired or claim_value)"),
        ("onboarded", "onboarded"),
        ("warned", "onboarded with a warning"),
        ("unwarned", "onboarded without a warning"),
        (
            "{refused: selection_missing, asked: selection}",
            "refused (selection_missing) or asked about selection",
        ),
        ("{accept: ann, reject: expired}", "accept as ann or reject (expired)"),
        (
            "{by: blank_is_empty, fallback: ann, reject: {reject: no_user}}",
            "by blank_is_empty (fallback: accept as ann; reject: reject (no_user))",
        ),
        (
            "{by: conflict, reject: reject, claim_wins: {by: blank_is_empty, fallback: ann, reject: reject}}",
            "by conflict (reject: reject; claim_wins: by blank_is_empty (fallback: accept as ann; reject: reject))",
        ),
    ],
)
def test_an_expectation_reads_as_it_is_meant(written: str, said: str) -> None:
    assert (
        str(one(f"expect: {written}, control: good, claim: {{x: 2}}, onboard: {{leeway_s: 30}}").expected)
        == said
    )


def test_a_folder_stands_for_the_tables_below_it(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    for name in ("b.yaml", "below/a.yml", "note.txt"):
        (tmp_path / name).write_text("x")

    assert [(name.removeprefix(f"{tmp_path}/"), text) for name, text in tables_at([tmp_path])] == [
        ("b.yaml", b"x"),
        ("below/a.yml", b"x"),
    ]


def test_every_path_that_holds_no_table_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    with pytest.raises(TableErrors) as raised:
        tables_at([tmp_path / "empty", tmp_path / "nothing.yaml"])

    assert [problem.message for problem in raised.value.problems] == [
        "this folder holds no .yaml file",
        "cannot be read: No such file or directory",
    ]


def test_the_schema_is_a_schema_that_the_shipped_tables_fit() -> None:
    schema = json.loads(model.schema_bytes())

    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate({"group": "a", "title": "T", "scenarios": [{"id": "x", "says": "A", "expect": "ann"}]})
    with pytest.raises(jsonschema.ValidationError):
        validator.validate({"group": "a", "title": "T", "scenarios": [{"id": "x", "says": "A", "expct": 1}]})


def test_the_schema_describes_every_member_in_the_words_of_the_format() -> None:
    schema = json.loads(model.schema_bytes())

    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    row = schema["$defs"]["Row"]
    assert set(row["properties"]) == {field.encode_name for field in msgspec.structs.fields(model.Row)}
    assert row["additionalProperties"] is False


def test_the_shipped_tables_are_many_and_hold_no_mistake() -> None:
    assert len(load(builtin_tables())) > 100
