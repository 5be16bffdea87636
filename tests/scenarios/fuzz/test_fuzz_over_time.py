"""What happens over time: what a target may know of a key when, and which differences are ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from planted import flaws
from scenarios.fuzz.account import records
from scenarios.fuzz.case import Case, Part, from_json, to_json
from scenarios.fuzz.corpus import Corpus
from scenarios.fuzz.course import Course
from scenarios.fuzz.fate import BY_VALUE, Bounds, Known, Moment, Publications
from scenarios.fuzz.grammar.ability import Ability
from scenarios.fuzz.hunt import Hunt, Limits
from scenarios.fuzz.live import Live
from scenarios.fuzz.oracle import Oracle
from scenarios.fuzz.referee import AgainstReference
from scenarios.fuzz.sweep import course, courses
from scenarios.results import Kind
from scenarios.run import run
from scenarios.selftest.copies import session_with
from scenarios.selftest.mutant import Edit
from scenarios.stage import Lab
from scenarios.tables.load import load
from scenarios.targets.reference import reference_session

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from scenarios.fuzz.finding import Finding

SYSTEM = Oracle({}).profile
HOUR, DAY = 3600, 86400
BOUNDS = Bounds(period_s=HOUR, staleness_s=DAY, refetch_min_s=300)


def steps(*named: tuple[str, Any]) -> tuple[Part, ...]:
    return tuple(Part("step", name, value) for name, value in named)


def at(seconds: float) -> Moment:
    return Moment(seconds, seconds)


@pytest.mark.parametrize(
    "answers, kid, thumbprint, asked, known, rule",
    [
        # Published all the time, for long enough to have been read, or never.
        ([(0, {"a": "A"})], "a", "A", [5], Known.SURE, None),
        ([(0, {"a": "A"}), (9, {"a": "A", "b": "B"})], "b", "B", [10], Known.OPEN, None),
        ([(0, {"a": "A"}), (9, {"a": "A", "b": "B"})], "b", "B", [9 + HOUR + 1], Known.SURE, "KEY-002"),
        ([(0, {"a": "A"})], "b", "B", [9 * DAY], Known.NEVER, "KEY-004"),
        # An unknown kid provokes a fetch, unless one was asked about shortly before.
        ([(0, {"a": "A"}), (400, {"b": "B"})], "b", "B", [401], Known.SURE, "KEY-005"),
        ([(0, {"a": "A"}), (400, {"b": "B"})], "b", "B", [200, 401], Known.OPEN, None),
        # A key that left may linger until it is stale.
        ([(0, {"a": "A"}), (9, {"b": "B"})], "a", "A", [9 + DAY - 1], Known.OPEN, None),
        ([(0, {"a": "A"}), (9, {"b": "B"})], "a", "A", [9 + DAY + 1], Known.NEVER, "KEY-023"),
        # Another key under the kid counts from a reading that is surely over.
        ([(0, {"a": "A"}), (9, {"a": "C"})], "a", "A", [9 + HOUR + 1], Known.OPEN, None),
        ([(0, {"a": "A"}), (9, {"a": "C"})], "a", "A", [9 + HOUR + 1] * 2, Known.NEVER, "KEY-026"),
        ([(0, {"a": "A"}), (9, {"a": "C"})], "a", "C", [9 + HOUR + 1] * 2, Known.SURE, "KEY-002"),
        # An outage: what was read serves on until it is stale, and nothing new is learned.
        ([(0, {"a": "A"}), (9, None)], "a", "A", [2 * HOUR], Known.SURE, "KEY-027"),
        ([(0, {"a": "A"}), (9, None)], "a", "A", [9 + DAY + 1], Known.NEVER, "KEY-027"),
        ([(0, {"a": "A"}), (9, None), (DAY, {"b": "B"})], "b", "B", [DAY + 400], Known.OPEN, None),
        ([(0, {"a": "A"}), (9, None), (DAY, {"b": "B"})], "b", "B", [DAY + HOUR + 1], Known.SURE, "KEY-002"),
    ],
)
def test_a_target_must_know_a_key_may_or_must_not(
    answers: Sequence[tuple[float, Any]],
    kid: str,
    thumbprint: str,
    asked: Iterable[float],
    known: Known,
    rule: str | None,
) -> None:
    (start, first), *later = answers
    keys = Publications(BOUNDS, at(start), first)
    for when, answer in later:
        keys.answers(answer, at(when))

    fates = [keys.asked(kid, thumbprint, at(when)) for when in asked]

    assert (fates[-1].known, fates[-1].rule) == (known, rule)


def test_a_token_before_the_change_takes_nothing_from_what_comes_later() -> None:
    keys = Publications(BOUNDS, at(0), {"a": "A"})
    assert keys.asked("a", "A", at(2 * HOUR)).known is Known.SURE
    keys.answers(None, at(2 * HOUR + 1))

    # Read at one hour at the earliest: it may be stale a day after that, and must be a day after the outage began.
    assert keys.asked("a", "A", at(DAY + HOUR)).known is Known.SURE
    assert keys.asked("a", "A", at(DAY + HOUR + 60)).known is Known.OPEN
    assert keys.asked("a", "A", at(DAY + 2 * HOUR + 60)).known is Known.NEVER


def test_who_is_handed_keys_knows_these_and_no_others() -> None:
    keys = Publications(BY_VALUE, at(0), {"a": "A"})
    keys.answers({"b": "B"}, at(5))

    assert keys.asked("b", "B", at(9 * DAY)).known is Known.SURE
    assert keys.asked("a", "A", at(9 * DAY)).known is Known.NEVER


def test_a_clock_that_was_set_back_leaves_open_what_only_one_clock_says() -> None:
    keys = Publications(BOUNDS, at(0), {"a": "A"})
    keys.answers({"b": "B"}, at(1))

    assert keys.asked("a", "A", Moment(elapsed=DAY + 9, wall=DAY + 9 - HOUR)).known is Known.OPEN


def test_the_reference_verifier_knows_what_it_must_and_nothing_that_it_must_not() -> None:
    without_key = {"unknown_key", "bad_signature", "unavailable"}
    seen = set()
    with Lab() as lab:
        for case in courses(Ability.of([SYSTEM]), "ES256", 3)[:24]:
            for ask in Course(case, lab, SYSTEM, (Oracle({}),), Oracle({})).play():
                verdict = ask.answers[0].verdict
                seen.add(ask.fate.known)
                if ask.fate.known is Known.NEVER:
                    assert verdict.kind == "reject", case.key
                elif ask.fate.known is Known.SURE and ask.fate.rule is not None:
                    assert verdict.reason not in without_key, case.key
    assert seen == set(Known)


def test_a_course_is_the_same_after_it_was_kept_in_a_file() -> None:
    for case in courses(Ability.of([SYSTEM]), "ES256", 0)[::9]:
        assert from_json(to_json(case)) == case


def hunted(edits: Sequence[Edit], cases: Iterable[Case], lab: Lab) -> Hunt:
    target = Live(lambda: session_with(tuple(edits)))
    referee = AgainstReference(lab, target)
    hunt = Hunt(referee, [target], Corpus(None), Limits(cases=0))
    try:
        for case in cases:
            hunt.play(case)
    finally:
        referee.close()
        target.close()
    return hunt


def small(finding: Finding) -> list[str]:
    return [step.name for step in finding.case.steps]


LONG_COURSE = steps(
    ("authenticate", {"as": "first"}),
    ("authenticate", {"token": {"key": "b"}}),
    ("rotate", {"keep": "none"}),
    ("advance", "10m"),
    ("authenticate", {}),
    ("advance", "jwks_staleness_s + 1s"),
    ("authenticate", {"token": {"user": "bob"}}),
    ("authenticate", {"token": "first"}),
    ("publish", "c"),
)


def test_a_flaw_that_time_brings_to_light_is_made_small_and_its_row_shows_it_again() -> None:
    flaw = flaws()["KEY-023/lingers-for-ever"]
    with Lab() as lab:
        hunt = hunted(flaw.edits, [course(Ability.of([SYSTEM]), "ES256", LONG_COURSE)], lab)
        (record,) = records(hunt, ("copy",), lab)

        assert small(hunt.findings[0]) == ["authenticate", "rotate", "advance", "authenticate"]
        assert record.rule == flaw.rule
        assert record.row is not None, record.no_row
        scenarios = load([("found.yaml", record.row)])
        with session_with(flaw.edits) as flawed, reference_session() as honest:
            found = [result.outcome for result in run(scenarios.values(), scenarios, flawed, lab)]
            right = [result.outcome for result in run(scenarios.values(), scenarios, honest, lab)]
    assert found == [Kind.FAIL]
    assert right == [Kind.PASS]


@pytest.mark.parametrize(
    "edit",
    [
        Edit(module="key_lifetimes", old="left[:MAX_KEYS])", new="())"),  # what left the set is out at once
        Edit(module="freshness", old="    control = ", new="    return most_s\n    control = "),
        Edit(module="freshness", old="    control = ", new="    return least_s\n    control = "),
    ],
    ids=["forgets at once", "reads late", "reads early"],
)
def test_who_keeps_a_cache_within_its_rights_differs_in_nothing(edit: Edit) -> None:
    with Lab() as lab:
        hunt = hunted([edit], courses(Ability.of([SYSTEM]), "ES256", 1)[:24], lab)

    assert hunt.cases == 24
    assert [one.case.key for one in hunt.findings] == []
