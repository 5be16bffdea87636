"""A small matrix, end to end: four rows, a few copies of the verifier, in worker processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenarios.reports.selftest_html import page
from scenarios.selftest.explained import Explained, Reason
from scenarios.selftest.matrix import selftest
from scenarios.selftest.mutant import Mutant, load_mutants
from scenarios.tables.load import load_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scenarios.selftest.report import Selftest

TABLE = """\
group: demo/rows
title: A few rows
given: {users: {ann: ann-sub}}
control: {id: good, says: A, rules: [CLM-012], expect: ann}
scenarios:
  - {id: late, says: B, rules: [CLM-012], claim: {exp: -2h, nbf: -3h, iat: -3h}, expect: {reject: expired}}
  - {id: forged, says: C, rules: [SIG-002], forge: foreign_key, expect: {reject: bad_signature}}
  - {id: soft, says: D, rules: [CLM-017], claim: {exp: +10m, nbf: now, iat: +20m, x: 1},
     expect: {reject: [claim_value, not_yet_valid]}}
"""
MUTANTS = """\
- id: CLM-012/late
  flaw: exp is not checked
  edits: [{in: claims, old: 'if not now - leeway_s < exp <= MAX_TIME:', new: 'if not exp <= MAX_TIME:'}]
- id: SIG-002/forged
  flaw: Signatures are not checked
  edits: [{in: integration, old: 'if not algorithm.verify(jws.signing_input,', new: 'if not (jws.signing_input,'}]
"""
ALL = """\
- id: CLM-017/all
  flaw: Times are not checked
  edits: [{in: claims, old: "    _check_times(claims, now, rules)\\n", new: ""}]
"""
UNSEEN = """\
- id: CLM-012/unseen
  flaw: A word of a message is another
  edits: [{in: claims, old: 'exp has passed', new: 'exp is past'}]
"""
REASON = """\
- id: CLM-012/reason
  flaw: The reason is another
  reasons: true
  edits: [{in: claims, old: '"expired", "exp', new: '"lifetime", "exp'}]
"""


def asked(
    rows: str = TABLE, flawed: str = MUTANTS + ALL, *, whole: bool = True, why: Explained | None = None
) -> Selftest:
    catalogue = load_table(rows, "demo")
    return selftest(
        {scenario.id: scenario for scenario in catalogue},
        load_mutants({"mine": flawed}),
        why or Explained(),
        jobs=2,
        whole=whole,
    )


def killers(done: Selftest) -> Mapping[str, tuple[str, ...]]:
    return {one.id: one.killed_by for one in done.mutants}


def test_each_mutant_is_killed_by_the_scenarios_of_its_rule_and_no_scenario_is_idle() -> None:
    done = asked()

    assert killers(done) == {
        "CLM-012/late": ("demo/rows/late",),
        "SIG-002/forged": ("demo/rows/forged",),
        "CLM-017/all": ("demo/rows/soft",),
    }
    assert (done.totals.mutants, done.totals.killed, done.totals.survived) == (3, 3, 0)
    assert (done.totals.scenarios, done.totals.rejecting_scenarios, done.totals.idle_scenarios) == (4, 3, 0)
    assert done.passed


def test_a_scenario_that_kills_nobody_is_idle() -> None:
    done = asked(flawed=MUTANTS)

    assert [one.id for one in done.idle] == ["demo/rows/soft"]
    assert done.totals.idle_scenarios == 1
    assert not done.passed


def test_an_idle_scenario_may_be_explained() -> None:
    why = Explained(scenarios=(Reason(("demo/rows/soft",), "no flaw of a few lines shows it"),))

    done = asked(flawed=MUTANTS, why=why)

    assert (done.totals.idle_scenarios, done.totals.explained_scenarios) == (0, 1)
    assert done.passed


def test_a_mutant_that_nothing_finds_survives() -> None:
    done = asked(flawed=MUTANTS + ALL + UNSEEN)

    assert [one.id for one in done.survivors] == ["CLM-012/unseen"]
    assert not done.passed


def test_a_survivor_may_be_explained() -> None:
    why = Explained(mutants=(Reason(("CLM-012/unseen",), "the words of a message are nobody's business"),))

    done = asked(flawed=MUTANTS + ALL + UNSEEN, why=why)

    assert (done.totals.survived, done.totals.explained_mutants) == (1, 1)
    assert done.passed


def test_a_wrong_reason_kills_only_where_reasons_are_the_flaw() -> None:
    told = asked(flawed=MUTANTS + ALL + REASON)
    untold = asked(flawed=MUTANTS + ALL + REASON.replace("  reasons: true\n", ""))

    assert killers(told)["CLM-012/reason"] == ("demo/rows/late",)
    assert [one.id for one in untold.survivors] == ["CLM-012/reason"]


def test_a_finding_under_another_rule_does_not_kill() -> None:
    done = asked(flawed=MUTANTS.replace("SIG-002/forged", "SIG-003/forged") + ALL)

    assert [one.id for one in done.survivors] == ["SIG-003/forged"]


@pytest.mark.parametrize(
    "why,said",
    [
        (
            Explained(mutants=(Reason(("CLM-012/late",), "r"),)),
            "CLM-012/late is explained as a survivor, and was killed by demo/rows/late",
        ),
        (
            Explained(mutants=(Reason(("CLM-012/gone",), "r"),)),
            "CLM-012/gone is explained, and no mutant is called so",
        ),
        (
            Explained(scenarios=(Reason(("demo/rows/late",), "r"),)),
            "demo/rows/late is explained as idle, and kills a mutant",
        ),
        (
            Explained(scenarios=(Reason(("demo/rows/gone",), "r"),)),
            "demo/rows/gone is explained, and no scenario is called so",
        ),
        (
            Explained(scenarios=(Reason(("demo/rows/good",), "r"),)),
            "demo/rows/good is explained as idle, and is no rejecting scenario",
        ),
    ],
)
def test_an_explanation_that_is_stale_fails(why: Explained, said: str) -> None:
    done = asked(why=why)

    (problem,) = done.problems
    assert problem.startswith(said)
    assert not done.passed


def test_a_scenario_that_the_honest_verifier_fails_proves_nothing_and_fails_the_selftest() -> None:
    wrong = (
        TABLE
        + "  - {id: wrong, says: E, rules: [CLM-012], claim: {exp: +1h}, expect: {reject: expired}, control: good}\n"
    )

    done = asked(wrong)

    (problem,) = done.problems
    assert problem == "demo/rows/wrong finds something at the verifier without a flaw, and so proves nothing"
    assert done.totals.scenarios == 4
    assert not done.passed


def test_without_the_whole_no_scenario_is_held_to_killing() -> None:
    done = asked(flawed=MUTANTS, whole=False)

    assert done.scenarios == ()
    assert done.passed


def test_the_number_of_processes_changes_nothing() -> None:
    catalogue = {scenario.id: scenario for scenario in load_table(TABLE, "demo")}
    flawed: dict[str, Mutant] = load_mutants({"mine": MUTANTS})

    one, three = (selftest(catalogue, flawed, Explained(), jobs=jobs, whole=True) for jobs in (1, 3))

    assert (killers(one), one.totals, one.scenarios) == (killers(three), three.totals, three.scenarios)


def test_the_page_shows_every_mutant_and_loads_nothing_from_elsewhere() -> None:
    done = asked(flawed=MUTANTS + UNSEEN)

    text = page(done)

    assert all(mutant.id in text for mutant in done.mutants)
    assert "heat-survived" in text
    assert "demo/rows/soft" in text
    for outside in ("http://", "https://", "src=", "@import", "url("):
        assert outside not in text


def test_what_a_mutant_says_is_text_on_the_page() -> None:
    done = asked(flawed=MUTANTS.replace("exp is not checked", "'<img onerror=x>'"), whole=False)

    assert "<img" not in page(done)
