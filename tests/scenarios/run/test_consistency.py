"""One knob over several scenarios: a target is what its profile says, another thing throughout, or nothing at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from scenarios.baseline import Baseline
from scenarios.consistency import policies
from scenarios.files.problems import TableErrors
from scenarios.results import Kind, ProfileKind
from scenarios.targets.floors import within_floors
from scenarios.targets.profile import Profile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from scenarios.results import ProfileRecord
    from tests.scenarios.run.conftest import Play

    Answer = dict[str, Any]

ACCEPT = {"verdict": "accept", "user": "ann"}
REJECT = {"verdict": "reject", "reason": "claim_value"}


def rows(knob: str, yes: str, no: str, *, rule: str = "MAP-009") -> str:
    """Return three rows that a knob decides, and one that none does."""
    choice = f"{{by: {knob}, {yes}: ann, {no}: {{reject: any}}}}"
    asked = "".join(
        f"  - {{id: {name}, says: A, rules: [{rule}], claim: {{x: {name}}}, control: plain, expect: {choice}}}\n"
        for name in ("a", "b", "c")
    )
    return asked + f"  - {{id: plain, says: B, rules: [{rule}], expect: ann}}\n"


def accepting(play: Play, *names: str) -> Callable[[dict[str, Any]], Answer]:
    """Return a target's answers: a yes to the rows of these names and to those without one."""
    return lambda message: ACCEPT if play.claims_of(message).get("x", names) in (*names, names) else REJECT


def records(
    play: Play,
    yes_to: tuple[str, ...],
    *,
    knob: tuple[str, str, str] = ("wrong_type", "fallback", "reject"),
    scope: str = "system",
    knobs: Mapping[str, Any] | None = None,
) -> list[ProfileRecord]:
    """Return how a target that says yes to these rows stands to its profile in a knob (name, yes, no)."""
    rule = "MAP-009" if scope == "system" else "KEY-010"
    double = play.double(accepting(play, *yes_to), scope=scope)
    results = play(rows(*knob, rule=rule), double, knobs=knobs)
    assert results["plain"].outcome is Kind.PASS
    return list(policies(results.values(), Profile(scope=scope, knobs=knobs or {})))


DUP_KID = ("dup_kid", "try_each", "reject")
NOKID = ("exp_required", "'false'", "'true'")


@pytest.mark.parametrize(
    "yes_to, knobs",
    [
        ((), {}),
        ((), {"wrong_type": "reject"}),
        (("a", "b", "c"), {"wrong_type": "fallback"}),
    ],
)
def test_a_target_that_is_what_it_declares_or_by_default_is_has_no_finding(
    play: Play, yes_to: tuple[str, ...], knobs: dict[str, Any]
) -> None:
    assert records(play, yes_to, knobs=knobs) == []


def test_a_target_that_behaves_like_another_value_throughout_declares_the_wrong_one(play: Play) -> None:
    (record,) = records(play, ("a", "b", "c"), knobs={"wrong_type": "reject"})

    assert (record.kind, record.finding, record.declared) == (ProfileKind.OTHER_VALUE, True, True)
    assert record.like == {"fallback": ("a/b/a", "a/b/b", "a/b/c")}
    assert record.message == "declares reject, behaves like fallback"


def test_a_system_that_declares_nothing_is_held_to_the_default(play: Play) -> None:
    (record,) = records(play, ("a", "b", "c"))

    assert (record.held_to, record.declared) == ("reject", False)
    assert record.message == "declares nothing, which means reject, behaves like fallback"


@pytest.mark.parametrize("knobs", [{}, {"wrong_type": "reject"}, {"wrong_type": "fallback"}])
def test_a_target_that_no_value_fits_is_inconsistent_whatever_it_declares(
    play: Play, knobs: dict[str, Any]
) -> None:
    (record,) = records(play, ("a", "b"), knobs=knobs)

    assert (record.kind, record.finding) == (ProfileKind.INCONSISTENT, True)
    assert record.like == {"fallback": ("a/b/a", "a/b/b"), "reject": ("a/b/c",)}
    assert record.message.endswith("is inconsistent: like fallback in a/b/a, a/b/b; like reject in a/b/c")


def test_an_answer_that_is_none_of_the_values_is_like_none_of_them(play: Play) -> None:
    def bob(message: dict[str, Any]) -> Answer:
        return {"verdict": "accept", "user": "bob" if play.claims_of(message).get("x") == "a" else "ann"}

    results = play(rows("wrong_type", "fallback", "reject"), play.double(bob))

    (record,) = policies(results.values(), Profile(scope="system"))
    assert record.kind is ProfileKind.INCONSISTENT
    assert "like none of its values in a/b/a" in record.message


@pytest.mark.parametrize(
    "yes_to, kind, like",
    [
        ((), ProfileKind.CHOSEN, "behaves like true"),
        (("a", "b", "c"), ProfileKind.CHOSEN, "behaves like false"),
        (("a",), ProfileKind.VARIES, "varies: like false in a/b/a; like true in a/b/b, a/b/c"),
    ],
)
def test_a_choice_that_a_standard_leaves_to_a_library_is_told_and_no_finding(
    play: Play, yes_to: tuple[str, ...], kind: ProfileKind, like: str
) -> None:
    (record,) = records(play, yes_to, knob=NOKID, scope="library")

    assert (record.kind, record.finding, record.held_to) == (kind, False, None)
    assert record.message == like


def test_a_library_is_held_to_what_it_declares(play: Play) -> None:
    (record,) = records(play, ("a",), knob=NOKID, scope="library", knobs={"exp_required": "true"})

    assert (record.kind, record.finding) == (ProfileKind.INCONSISTENT, True)


@pytest.mark.parametrize("yes_to, found", [((), False), (("a", "b", "c"), False), (("a",), True)])
def test_where_the_floor_asks_for_one_behaviour_a_library_shows_one(
    play: Play, yes_to: tuple[str, ...], *, found: bool
) -> None:
    """KEY-010: a duplicate kid is rejected or each key tried, and the order of the set never decides."""
    (record,) = records(play, yes_to, knob=DUP_KID, scope="library")

    assert record.finding is found
    assert record.message.endswith("independent of order") is found


def test_a_crash_shows_no_policy(play: Play) -> None:
    def answer(message: dict[str, Any]) -> Answer:
        if play.claims_of(message).get("x") == "a":
            raise RuntimeError
        return REJECT if "x" in play.claims_of(message) else ACCEPT

    results = play(rows("wrong_type", "fallback", "reject"), play.double(answer))

    assert results["a"].outcome is Kind.ERROR
    assert policies(results.values(), Profile(scope="system")) == ()


@pytest.mark.parametrize(
    "knobs, scope, held",
    [
        ({"leeway_s": 900}, "library", {"leeway_s": 300}),
        ({"max_token_bytes": 1000}, "service", {"max_token_bytes": 8192}),
        ({"algs": ["RS256", "none", "HS256"]}, "library", {"algs": ["RS256"]}),
        ({"typ": ["JWT", "logout+jwt"]}, "service", {"typ": ["JWT"]}),
        ({"token_locations": ["cookie", "query"]}, "service", {"token_locations": ["header", "cookie"]}),
        ({"jwk_alg_required": "true"}, "system", {"jwk_alg_required": "false"}),
    ],
)
def test_a_declared_value_below_a_floor_is_a_finding_and_is_not_held_to(
    knobs: dict[str, Any], scope: str, held: dict[str, Any]
) -> None:
    profile = within_floors(Profile(scope=scope, knobs=knobs))

    (record,) = policies([], profile)
    assert (record.kind, record.finding) == (ProfileKind.BELOW_FLOOR, True)
    assert "below its floor" in record.message
    assert dict(profile.knobs) == held
    assert profile.declared == knobs


@pytest.mark.parametrize(
    "knobs, scope",
    [
        ({"leeway_s": 300, "max_token_bytes": 8192, "max_lifetime_s": 100_800}, "library"),
        ({"jwk_alg_required": "true", "unknown_jwk": "refuse_set"}, "service"),
        ({"token_locations": ["header", "cookie"], "typ": ["absent", "JWT"]}, "system"),
    ],
)
def test_what_a_floor_leaves_open_is_no_finding(knobs: dict[str, Any], scope: str) -> None:
    profile = within_floors(Profile(scope=scope, knobs=knobs))

    assert (profile.breaches, profile.knobs) == ((), knobs)


def test_a_baseline_knows_a_finding_of_a_knob_and_when_it_is_gone(play: Play, tmp_path: Path) -> None:
    path = tmp_path / "baseline.yaml"
    path.write_text(
        "- {id: profile/wrong_type, reason: a bug, link: x}\n- {id: profile/wrong_typ, reason: a bug, link: x}\n",
        encoding="utf-8",
    )
    baseline = Baseline.read(path)
    double = play.double(accepting(play, "a"))
    results = play(rows("wrong_type", "fallback", "reject"), double)

    (record,) = map(baseline.excuse_policy, policies(results.values(), Profile(scope="system")))

    assert (record.finding, record.known) == (False, "a bug (x)")
    with pytest.raises(TableErrors, match="'wrong_typ' is no knob \\(did you mean 'wrong_type'"):
        baseline.check(())
    assert baseline.stale_policies([record], results.values()) == ()
    (gone,) = baseline.stale_policies([], results.values())
    assert "the target is consistent in 'wrong_type': remove the entry" in gone
