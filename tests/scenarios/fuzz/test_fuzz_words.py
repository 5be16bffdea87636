"""What cases, rules and readings say, without a target."""

from __future__ import annotations

import pytest

from scenarios import rulebook
from scenarios.files.yaml12 import ABSENT, Json
from scenarios.fuzz import rules, sweep
from scenarios.fuzz.case import Case, Part, from_json, to_json
from scenarios.fuzz.differences import Cause, difference
from scenarios.fuzz.grammar.ability import Ability
from scenarios.fuzz.knobs import readings
from scenarios.fuzz.stand import Answer
from scenarios.rehearse import ABLE
from scenarios.targets.profile import Profile
from scenarios.targets.protocol import Verdict

LIBRARY = Profile(keys=("jwks",))


def test_a_case_of_the_sweep_is_the_same_after_it_was_kept_in_a_file() -> None:
    cases = sweep.sweep(Ability.of([ABLE]), "ES256", 0)

    assert len(cases) > 1000
    for case in cases[::9]:
        assert from_json(to_json(case)).key == case.key


def test_every_rule_that_a_finding_can_have_is_in_the_rulebook() -> None:
    assert rules.rules_named() <= rulebook.rules().keys()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"parts": [["claim", "x"]]}',
        '{"parts": [["body", "x", 1]]}',
        '{"parts": [], "users": ["x"]}',
    ],
)
def test_a_file_that_is_no_case_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no JSON|no case|a part is|no case has"):
        from_json(text.encode())


@pytest.mark.parametrize(
    "part, read",
    [
        (Part("claim", "iss", ABSENT), ""),
        (Part("claim", "exp", Json('"4102444800"')), "claim exp Json(text='4102444800')"),
        (Part("claim", "exp", None), "claim exp !absent"),
        (Part("claim", "aud", ["api", 1]), "claim aud ['api']"),
        (Part("forge", "bom", "payload"), ""),
        (Part("forge", "b64_false", {"payload": "encoded", "crit": False}), ""),
        (
            Part("forge", "duplicate_claim", {"member": "sub", "value": "bob", "place": "last"}),
            "claim sub 'bob'",
        ),
        (Part("forge", "duplicate_claim", {"member": "sub", "value": "bob", "place": "first"}), ""),
    ],
)
def test_a_library_that_declares_nothing_may_read_a_case_either_way(part: Part, read: str) -> None:
    found = [None if way.case is None else way.case.key for way in readings(Case((part,)), LIBRARY)]

    assert found[0] == Case((part,)).key
    assert read in found[1:]


@pytest.mark.parametrize(
    "part, found",
    [
        (Part("claim", "exp", Json("1e400")), ("FMT-025", True)),  # who reads it as infinity never ends it
        (Part("claim", "iat", 2**54), ("CLM-014", False)),  # anybody's to read or to refuse
        (Part("claim", "nbf", 2**54), ("CLM-015", True)),
        (Part("claim", "exp", -(2**54)), ("CLM-012", True)),
        (Part("claim", "roles", Json("1e400")), ("FMT-025", False)),
        (Part("onboard", "jwks", ["a", {"alg": "ES256"}]), ("KEY-010", True)),
        (Part("onboard", "jwks", [{"key": "b", "members": {"kid": "a"}}, {"key": "a"}]), ("KEY-010", True)),
        (Part("onboard", "jwks", ["a", {"key": "b", "members": {"use": "enc"}}]), ("KEY-011", True)),
    ],
)
def test_a_part_that_is_rejected_has_a_rule_which_decides_or_leaves_it_open(
    part: Part, found: tuple[str, bool]
) -> None:
    rule = rules.rule_of(Verdict("reject", reason="unknown_key"), part)

    assert (rule, rules.decides(rule or "", part, yes=False)) == found


def test_what_a_message_quotes_is_no_cause_of_its_own() -> None:
    def cause(said: str) -> Cause | None:
        right = Answer(Verdict("accept", user="ann"), "ann", onboarding=False)
        return difference(right, Answer(Verdict("reject", detail=said), None, onboarding=False))

    one, other = (
        cause(f"Token algorithm '{a}' does not match the key's algorithm '{b}'")
        for a, b in (("RS256", "ES256"), ("ES256", "RS256"))
    )
    assert one == other is not None
    assert one != cause("Token algorithm 'RS256' is none")


def test_a_system_has_one_reading_of_a_case() -> None:
    case = Case((Part("claim", "exp", None), Part("forge", "bom", "payload")))

    assert [way.case for way in readings(case, Profile(scope="system"))] == [case]


def test_a_declared_value_is_the_only_reading() -> None:
    case = Case((Part("claim", "exp", None),))
    declared = Profile(keys=("jwks",), knobs={"null_time": "as_absent", "exp_required": "true"})

    assert [way.case.key for way in readings(case, declared) if way.case] == ["claim exp !absent"]
