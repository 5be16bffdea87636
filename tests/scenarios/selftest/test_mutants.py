"""The mutants as data: each changes what is there, once, and the honest verifier never notices."""

from __future__ import annotations

import sys
from collections import Counter

import pytest

import verifier
from scenarios import rulebook
from scenarios.files.problems import TableErrors
from scenarios.results import Kind
from scenarios.run import run_scenario
from scenarios.selftest import copies, explained
from scenarios.selftest.mutant import Edit, load_mutants, mutants, source_of
from scenarios.stage import Lab
from scenarios.tables.load import shipped
from scenarios.targets.reference import reference_session

AT_EXP = "{in: claims, old: 'now - leeway_s < exp', new: 'now - leeway_s <= exp'}"


def mistakes(text: str) -> list[str]:
    with pytest.raises(TableErrors) as caught:
        load_mutants({"mine.yaml": text})
    return [str(problem) for problem in caught.value.problems]


def test_every_rule_that_has_scenarios_is_broken_by_a_mutant() -> None:
    broken = {mutant.rule for mutant in mutants().values()}

    assert {rule for one in shipped().values() for rule in one.rules} == broken


def test_there_are_mutants_of_every_group_of_rules() -> None:
    groups = Counter(mutant.rule.partition("-")[0] for mutant in mutants().values())

    assert sum(groups.values()) >= 600
    assert min(groups.values()) >= 15


def test_every_mutant_names_its_rule_and_says_its_flaw_in_words_of_its_own() -> None:
    known = mutants()

    assert {mutant.rule for mutant in known.values()} <= rulebook.rules().keys()
    assert len({mutant.flaw for mutant in known.values()}) > 0.9 * len(known)


def test_no_two_mutants_are_the_same_copy_under_one_rule() -> None:
    made = Counter((mutant.rule, mutant.edits) for mutant in mutants().values())

    assert [rule for (rule, _), count in made.items() if count > 1] == []


def test_every_edit_leaves_python_behind() -> None:
    for mutant in mutants().values():
        for module, text in copies.edited(mutant.edits).items():
            compile(text, f"{mutant.id} in {module}", "exec", dont_inherit=True)
            assert text != source_of(module)[1]


def test_a_copy_is_flawed_and_the_honest_verifier_is_not() -> None:
    catalogue = shipped()
    scenario = catalogue["claims/times/exp-past"]
    before = dict(sys.modules)

    with Lab() as lab:
        with copies.session_with(mutants()["CLM-012/not-checked"].edits) as flawed:
            found = run_scenario(scenario, flawed, lab)
        with reference_session() as honest:
            passed = run_scenario(scenario, honest, lab)

    assert (found.outcome, passed.outcome) == (Kind.FAIL, Kind.PASS)
    assert {name: sys.modules[name] for name in before} == before
    assert sys.modules["verifier"] is verifier
    assert not any(name.startswith("verifier.") and name not in before for name in sys.modules)


def test_a_copy_without_edits_is_the_honest_verifier_again() -> None:
    catalogue = shipped()

    with Lab() as lab, copies.session_with(()) as session:
        results = [
            run_scenario(catalogue[f"claims/times/{name}"], session, lab) for name in ("now", "exp-past")
        ]

    assert [result.outcome for result in results] == [Kind.PASS, Kind.PASS]


def test_copies_have_caches_of_their_own() -> None:
    """A header that one copy took is not taken by the next, though headers are remembered."""
    catalogue = shipped()
    scenario = catalogue["signature/crit/unknown"]

    with Lab() as lab:
        outcomes = []
        for edits in (mutants()["SIG-024/crit-ignored"].edits, (), mutants()["SIG-024/crit-ignored"].edits):
            with copies.session_with(edits) as session:
                outcomes.append(run_scenario(scenario, session, lab).outcome)

    assert outcomes == [Kind.FAIL, Kind.PASS, Kind.FAIL]


def test_what_cannot_be_imported_leaves_the_honest_modules_in_place() -> None:
    before = dict(sys.modules)
    broken = Edit(module="claims", old="MAX_TIME = 2**53", new="raise RuntimeError")

    with pytest.raises(RuntimeError):
        copies.session_with([broken])

    assert {name: sys.modules[name] for name in before} == before


def test_an_edit_whose_place_is_gone_is_a_mistake_at_its_line() -> None:
    text = "- {id: CLM-012/gone, flaw: F, edits: [{in: claims, old: no such text, new: x}]}"

    assert mistakes(text) == [
        "mine.yaml:1:3: CLM-012/gone: verifier.claims holds 'no such text' 0 times, not once: choose the place anew"
    ]


@pytest.mark.parametrize(
    "text,said",
    [
        ("- {id: CLM-012/twice, flaw: F, edits: [{in: claims, old: exp, new: x}]}", "times, not once"),
        (
            "- {id: CLM-012/a, flaw: F, edits: [{in: nowhere, old: exp, new: x}]}",
            "no module verifier.nowhere",
        ),
        (f"- {{id: CLM-999/a, flaw: F, edits: [{AT_EXP}]}}", "'CLM-999' is no rule"),
        (f"- {{id: a, flaw: F, edits: [{AT_EXP}]}}", "id"),
        (f"- {{id: CLM-012/a, flaw: F, edits: [{AT_EXP}]}}\n" * 2, "'CLM-012/a' stands twice"),
        ("- {id: CLM-012/a, flaw: F}", "changes nothing"),
        ("- {id: CLM-012/a, flaw: F, uses: [no-such-part]}", "there is no part 'no-such-part'"),
        (f"- {{id: CLM-012/a, flaw: F, edits: [{AT_EXP}], kind: x}}", "kind"),
        (
            "- {id: CLM-012/a, flaw: F, edits: [{in: claims, old: 'elif rules.exp', new: 'elif elif rules.exp'}]}",
            "no Python",
        ),
        ("{}", "a table of mutants is a list"),
    ],
)
def test_a_mistake_in_a_table_of_mutants_is_named(text: str, said: str) -> None:
    assert any(said in line for line in mistakes(text))


def test_the_explanations_that_ship_name_mutants_and_scenarios_that_there_are() -> None:
    explanations, catalogue = explained.shipped(), shipped()

    assert set(explanations.by_mutant) <= mutants().keys()
    assert set(explanations.by_scenario) <= catalogue.keys()
    assert all(len(entry.reason) > 20 for entry in (*explanations.mutants, *explanations.scenarios))
