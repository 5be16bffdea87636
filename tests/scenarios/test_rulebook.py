"""The rulebook's data is whole: its counts, its cross-references, and its way into an installed package."""

import re
import subprocess
import sys
import zipfile
from collections import Counter
from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from scenarios import rulebook
from scenarios.rulebook import Basis, KnobType, Level, LibraryDefault, Rule, Scope

LEVELS = (Level.MUST, Level.SHOULD, Level.MAY, Level.POLICY)
SCOPES = (Scope.LIBRARY, Scope.SERVICE, Scope.SYSTEM)

# The tables of the rulebook's section 4: total, then MUST SHOULD MAY policy, then library service system.
BY_GROUP = {
    "ONB": (46, (38, 5, 0, 3), (0, 1, 45)),
    "KEY": (40, (32, 4, 1, 3), (21, 18, 1)),
    "SIG": (32, (29, 0, 0, 3), (30, 2, 0)),
    "FMT": (25, (23, 2, 0, 0), (23, 1, 1)),
    "CLM": (34, (22, 5, 0, 7), (16, 12, 6)),
    "MAP": (50, (38, 1, 0, 11), (1, 0, 49)),
    "AZR": (27, (21, 4, 0, 2), (6, 11, 10)),
    "IDP": (15, (12, 2, 0, 1), (1, 10, 4)),
    "HTTP": (27, (21, 4, 0, 2), (0, 23, 4)),
    "OPS": (17, (11, 6, 0, 0), (3, 12, 2)),
}
BY_BASIS = {
    Basis.RFC: (90, (81, 5, 1, 3), (60, 18, 12)),
    Basis.BCP: (31, (30, 1, 0, 0), (12, 10, 9)),
    Basis.IDP: (41, (28, 8, 0, 5), (5, 24, 12)),
    Basis.SEED: (29, (29, 0, 0, 0), (2, 2, 25)),
    Basis.SYSTEM: (75, (49, 2, 0, 24), (11, 12, 52)),
    Basis.HARDENING: (47, (30, 17, 0, 0), (11, 24, 12)),
}
BY_SCOPE = {
    Scope.LIBRARY: (101, (88, 6, 0, 7)),
    Scope.SERVICE: (90, (68, 13, 1, 8)),
    Scope.SYSTEM: (122, (91, 14, 0, 17)),
}
MARKS_BY_GROUP = {
    "ONB": (17, 2),
    "KEY": (3, 1),
    "SIG": (1, 0),
    "FMT": (0, 0),
    "CLM": (4, 1),
    "MAP": (16, 2),
    "AZR": (3, 0),
    "IDP": (0, 1),
    "HTTP": (1, 2),
    "OPS": (0, 0),
}

# Policies that no knob lists: which interface is old (HTTP-024) and what a user may do (MAP-040) are the
# API's own affair, and IDP-009 is MAP-017's choice (sub_required) met in the tokens of one IdP.
POLICIES_WITHOUT_A_KNOB = {"HTTP-024", "MAP-040", "IDP-009"}


def group(rule: Rule) -> str:
    return rule.id.partition("-")[0]


def levels(rules: list[Rule]) -> tuple[int, ...]:
    counted = Counter(rule.level for rule in rules)
    return tuple(counted[level] for level in LEVELS)


def scopes(rules: list[Rule]) -> tuple[int, ...]:
    counted = Counter(rule.scope for rule in rules)
    return tuple(counted[scope] for scope in SCOPES)


def knobs_named_in(rule: Rule) -> set[str]:
    """Find the knobs that a rule's text names: words in backticks after `knob`, or spelt as only a knob is.

    `typ`, `jku` and the like are knobs, but header parameters far more often.
    """
    text = f"{rule.statement} {rule.source} {rule.note}"
    called_knobs = re.findall(r"[Kk]nobs? ((?:`\w+`(?:, | and )?)+)", text)
    spelt_like_knobs = re.findall(r"`([a-z]+_[a-z_]+)(?:=\w+)?`", text)
    return {name for names in called_knobs for name in re.findall(r"`(\w+)`", names)} | {
        name for name in spelt_like_knobs if name in rulebook.knobs()
    }


@pytest.mark.parametrize("name", BY_GROUP)
def test_each_group_has_the_rules_that_the_rulebook_counts(name: str) -> None:
    found = [rule for rule in rulebook.rules().values() if group(rule) == name]

    assert (len(found), levels(found), scopes(found)) == BY_GROUP[name]


@pytest.mark.parametrize("basis", Basis)
def test_each_basis_has_the_rules_that_the_rulebook_counts(basis: Basis) -> None:
    found = [rule for rule in rulebook.rules().values() if rule.basis == basis]

    assert (len(found), levels(found), scopes(found)) == BY_BASIS[basis]


@pytest.mark.parametrize("scope", Scope)
def test_each_scope_has_the_rules_that_the_rulebook_counts(scope: Scope) -> None:
    found = [rule for rule in rulebook.rules().values() if rule.scope == scope]

    assert (len(found), levels(found)) == BY_SCOPE[scope]


@pytest.mark.parametrize("name", MARKS_BY_GROUP)
def test_each_group_has_the_seed_and_vendor_marks_that_the_rulebook_counts(name: str) -> None:
    marks = Counter(rule.mark for rule in rulebook.rules().values() if group(rule) == name)

    assert (marks[rulebook.Mark.SEED], marks[rulebook.Mark.VENDOR]) == MARKS_BY_GROUP[name]


def test_there_are_313_rules() -> None:
    assert len(rulebook.rules()) == 313


def test_the_ids_of_a_group_count_up_from_one_without_a_gap() -> None:
    expected = [f"{name}-{number:03}" for name, row in BY_GROUP.items() for number in range(1, row[0] + 1)]

    assert list(rulebook.rules()) == expected


def test_the_groups_stand_in_the_order_of_the_rulebook() -> None:
    assert list(rulebook.GROUPS) == list(BY_GROUP)


def test_every_rule_states_itself_its_source_and_the_bug_it_catches() -> None:
    incomplete = [
        rule.id for rule in rulebook.rules().values() if not all((rule.statement, rule.source, rule.bug))
    ]

    assert incomplete == []


def test_no_text_of_a_rule_was_broken_by_folding() -> None:
    texts = [
        (rule.id, text)
        for rule in rulebook.rules().values()
        for text in (rule.statement, rule.source, rule.note, rule.bug)
    ]

    assert [entry for entry in texts if entry[1] != " ".join(entry[1].split())] == []


@pytest.mark.parametrize(
    "rule_id,statement",
    [
        ("IDP-013", r"DOM\\user"),  # both backslashes stand in the rulebook
        ("MAP-030", '`{"sub":"u","SUB":"admin"}`'),
        ("SIG-014", "R‖S"),
    ],
)
def test_a_statement_keeps_its_quotes_backslashes_and_symbols(rule_id: str, statement: str) -> None:
    assert statement in rulebook.rules()[rule_id].statement


def test_a_rule_is_read_with_every_field() -> None:
    assert rulebook.rules()["KEY-001"] == Rule(
        id="KEY-001",
        level=Level.MUST,
        basis=Basis.SEED,
        scope=Scope.LIBRARY,
        mark=rulebook.Mark.SEED,
        statement=(
            "The JWKS URL yields kid\N{EN DASH}key pairs, and a token's kid selects exactly one of them."
        ),
        source="S1.5; RFC 7515 §4.1.4, Appendix D; RFC 7517 §4.5",
        note="RFC text calls kid a hint; a library may declare `kid_binding=hint`.",
        bug="Try-all verification hides wrong kid and widens trust",
    )


def test_every_rule_of_a_knob_exists() -> None:
    unknown = {
        (knob.name, rule)
        for knob in rulebook.knobs().values()
        for rule in knob.rules
        if rule not in rulebook.rules()
    }

    assert unknown == set()


def test_every_knob_has_a_rule() -> None:
    assert [knob.name for knob in rulebook.knobs().values() if not knob.rules] == []


def test_a_knob_that_a_rule_names_lists_that_rule() -> None:
    one_sided = {
        (rule.id, name)
        for rule in rulebook.rules().values()
        for name in knobs_named_in(rule)
        if rule.id not in rulebook.knobs()[name].rules
    }

    assert one_sided == set()


def test_rules_do_name_knobs() -> None:
    assert knobs_named_in(rulebook.rules()["CLM-013"]) == {"numeric_date", "null_time", "iat_type"}
    assert knobs_named_in(rulebook.rules()["KEY-001"]) == {"kid_binding"}
    assert knobs_named_in(rulebook.rules()["KEY-030"]) == {"redirects"}


def test_every_policy_is_named_by_a_knob_or_says_why_not() -> None:
    named = {rule for knob in rulebook.knobs().values() for rule in knob.rules}
    policies = {rule.id for rule in rulebook.rules().values() if rule.level is Level.POLICY}

    assert policies - named == POLICIES_WITHOUT_A_KNOB


def test_a_choice_offers_at_least_two_different_values_and_defaults_to_the_first() -> None:
    choices = [knob for knob in rulebook.knobs().values() if knob.type is KnobType.CHOICE]

    odd = [
        knob.name
        for knob in choices
        if len(knob.values) < 2 or len(set(knob.values)) < len(knob.values) or knob.default != knob.values[0]
    ]

    assert odd == []


def test_a_knob_of_free_value_lists_no_values() -> None:
    free = [knob for knob in rulebook.knobs().values() if knob.type is not KnobType.CHOICE]

    assert [knob.name for knob in free if knob.values] == []


def test_the_default_of_a_free_knob_has_its_type() -> None:
    types = {KnobType.SECONDS: int, KnobType.BYTES: int, KnobType.LIST: tuple}
    free = [knob for knob in rulebook.knobs().values() if knob.type is not KnobType.CHOICE]

    wrong = [knob.name for knob in free if not isinstance(knob.default, (types[knob.type], type(None)))]

    assert wrong == []
    assert [knob.name for knob in free if knob.default is None] == ["max_lifetime_s"]


def test_a_default_stands_within_its_own_bounds() -> None:
    outside = [
        knob.name
        for knob in rulebook.knobs().values()
        if isinstance(knob.default, int)
        and not (knob.min or 0) <= knob.default <= (knob.max if knob.max is not None else knob.default)
    ]

    assert outside == []


@pytest.mark.parametrize(
    "name,bounds",
    [
        ("leeway_s", (None, 300)),
        ("jwks_staleness_s", (None, 7 * 86400)),
        ("max_lifetime_s", (28 * 3600, None)),
        ("max_token_bytes", (8192, None)),
        ("propagation_s", (None, 3600)),
    ],
)
def test_a_floor_with_a_number_is_a_bound(name: str, bounds: tuple[int | None, int | None]) -> None:
    knob = rulebook.knobs()[name]

    assert (knob.min, knob.max) == bounds
    assert knob.floor


@pytest.mark.parametrize(
    "name,values",
    [
        ("exp_required", ("true", "false")),
        ("basic_auth", ("on", "off")),
        ("external_id_reuse", ("none", "pin_iss_sub")),
        ("malformed_status", ("401", "400")),
    ],
)
def test_words_that_yaml_might_read_as_something_else_stay_strings(
    name: str, values: tuple[str, ...]
) -> None:
    assert rulebook.knobs()[name].values == values


def test_a_rule_of_scope_library_names_no_knob_that_lacks_a_library_column() -> None:
    unheld = [
        (rule.id, name)
        for rule in rulebook.rules().values()
        if rule.scope is Scope.LIBRARY
        for name in knobs_named_in(rule)
        if rulebook.knobs()[name].library is LibraryDefault.NONE
    ]

    assert unheld == []


def test_the_library_column_is_kept_where_it_is_not_any() -> None:
    columns = {
        knob.name: knob.library
        for knob in rulebook.knobs().values()
        if knob.library not in {LibraryDefault.ANY, LibraryDefault.NONE}
    }

    assert columns == {
        "algs": LibraryDefault.CALLER,
        "jku": LibraryDefault.DEFAULT,
        "x5u": LibraryDefault.DEFAULT,
        "x5c_trust": LibraryDefault.DEFAULT,
        "aud_required": LibraryDefault.DEFAULT,
    }


def test_every_source_key_in_a_rule_is_explained() -> None:
    used = {
        key
        for rule in rulebook.rules().values()
        for key in re.findall(r"\b(?:S[12](?:\.\d)?|V\d|8725bis)\b", rule.source)
    }

    assert used <= set(rulebook.sources())
    assert {"S1.1", "S2.9", "V5", "8725bis"} <= used


@pytest.mark.parametrize(
    "source, keys",
    [
        ("S1.6", ["S1.6"]),
        ("S2.9; S2.3, S2.9", ["S2.9", "S2.3"]),
        ("RFC 8725bis §3.14; RFC 8725 §2", ["8725bis"]),
        ("S1, V2; Entra (S2.7)", ["S1", "V2", "S2.7"]),
        ("RFC 7515 §4.1.2, ES256, V12, S1.66, XS1.6, v1", []),
        ("", []),
    ],
)
def test_the_short_keys_of_a_source_come_with_their_gists(source: str, keys: list[str]) -> None:
    assert rulebook.source_gists(source) == [(key, rulebook.sources()[key]) for key in keys]


def test_no_source_points_to_another_rule_s() -> None:
    for rule in rulebook.rules().values():
        assert not re.search(r"\b(?:same|ibid|above|below)\b", rule.source, re.IGNORECASE), rule.id


def test_every_source_and_basis_has_its_text() -> None:
    assert all(rulebook.sources().values())
    assert len({rulebook.basis_text(basis) for basis in Basis}) == len(Basis)


@pytest.mark.parametrize(
    "target,asked",
    [
        (Scope.LIBRARY, {Scope.LIBRARY}),
        (Scope.SERVICE, {Scope.LIBRARY, Scope.SERVICE}),
        (Scope.SYSTEM, {Scope.LIBRARY, Scope.SERVICE, Scope.SYSTEM}),
    ],
)
def test_a_larger_target_is_asked_the_smaller_scopes_too(target: Scope, asked: set[Scope]) -> None:
    assert {scope for scope in Scope if target.includes(scope)} == asked


def test_the_rulebook_is_read_once_and_cannot_be_changed() -> None:
    assert rulebook.rules() is rulebook.rules()
    with pytest.raises(TypeError):
        rulebook.rules()["MAP-014"] = rulebook.rules()["MAP-015"]  # type: ignore[index]
    with pytest.raises(AttributeError):
        rulebook.rules()["MAP-014"].level = Level.MAY  # type: ignore[misc]


def test_a_pyyaml_without_libyaml_reads_the_same_rules_and_knobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(yaml, "CSafeLoader", raising=False)

    # Past the cache, which holds what libyaml read.
    assert rulebook.rules.__wrapped__() == rulebook.rules()
    assert rulebook.knobs.__wrapped__() == rulebook.knobs()


def test_the_data_files_lie_in_the_package() -> None:
    folder = files("scenarios").joinpath("rules")

    names = {entry.name for entry in folder.iterdir() if entry.name.endswith(".yaml")}

    assert names == {f"{name.lower()}.yaml" for name in BY_GROUP} | {
        "knobs.yaml",
        "sources.yaml",
        "basis.yaml",
        "exclusions.yaml",
    }


def test_the_rulebook_loads_from_a_zipped_package(tmp_path: Path) -> None:
    # A wheel is a zip; a loader that joins paths instead of asking importlib.resources fails here.
    package = Path(rulebook.__file__).parent
    wheel = tmp_path / "package.zip"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path in (package / "__init__.py", package / "rulebook.py", *sorted(package.glob("rules/*.yaml"))):
            archive.write(path, path.relative_to(package.parent))
    program = "import scenarios.rulebook as r; print(r.__file__, len(r.rules()), len(r.knobs()))"

    run = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, sys.argv[1]); {program}", str(wheel)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert run.stdout.split() == [str(wheel / "scenarios" / "rulebook.py"), "313", "74"]
