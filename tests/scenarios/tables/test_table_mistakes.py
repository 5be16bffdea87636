"""Every mistake that a table can hold gets one line: its place, what is wrong, the nearest word that is right."""

from __future__ import annotations

import pytest

from scenarios.files.problems import TableErrors
from scenarios.tables.load import MAX_CELLS, load

HEAD = """\
group: mapping/try
title: A table to make mistakes in
given: {users: {ann: ann-sub}}
scenarios:
"""
GOOD = "  - {id: good, says: Ann comes in, rules: [MAP-002], expect: ann}\n"


def problems(*tables: str) -> list[str]:
    with pytest.raises(TableErrors) as raised:
        load([(f"t{number}.yaml", text) for number, text in enumerate(tables, 1)])
    return [str(problem) for problem in raised.value.problems]


def row(members: str) -> str:
    """Return a table whose second row, on line 6, starts plain and ends with the members."""
    return f"{HEAD}{GOOD}  - {{id: x, says: A fact, rules: [MAP-002], {members}}}\n"


BEFORE = len("  - {id: x, says: A fact, rules: [MAP-002], ")
NO = "expect: {reject: expired}"

# (members of the row, the text in them that the place points at, the message)
OF_A_ROW = [
    ("expct: ann", "expct", "unknown field 'expct' (did you mean 'expect'?)"),
    ("expect: ann, id: y", "id", "'id' stands twice in one mapping"),
    ("expect: ann, expect: ann", ", expect", "'expect' stands twice in one mapping"),
    ("expect: ann, token: {clams: {}}", "clams", "unknown field 'clams' (did you mean 'claims'?)"),
    ("expect: ann, onboard: {isuer: x}", "isuer", "unknown field 'isuer' (did you mean 'issuer'?)"),
    ("expect: ann, integrations: {o: {keyz: jwks}}", "keyz", "unknown field 'keyz' (did you mean 'keys'?)"),
    ("expect: ann, users: {bob: {actve: true}}", "actve", "unknown field 'actve' (did you mean 'active'?)"),
    (
        "steps: [{authenticate: {expect: ann, tken: first}}]",
        "tken",
        "unknown field 'tken' (did you mean 'token'?)",
    ),
    ("steps: [{rotat: {}}]", "rotat", "unknown field 'rotat' (did you mean 'rotate'?)"),
    ("expect: ann, onboard: {certificates: [{kd: a}]}", "kd", "unknown field 'kd' (did you mean 'kid'?)"),
    (
        "expect: ann, onboard: {jwks: [{key: a, memberz: {}}]}",
        "memberz",
        "unknown field 'memberz' (did you mean 'members'?)",
    ),
    (
        "expect: ann, claim: {exp: 3600}",
        "exp: 3600",
        "3600 is a time of 1970 to 1973: write +3600s, or !json 3600 if it shall be that",
    ),
    ("expect: ann, times: often", "times", "'times': expected a whole number, got text"),
    ("expect: ann, times: 0", "times", "'times': expected a whole number >= 1"),
    ("expect: ann, canary: touched", "canary", "'canary': 'touched' is no word for it (did you mean 'untouched'?)"),
    ("expect: ann, note: !absent", "note", "'note': expected text or nothing, got !absent"),
    ("expect: anne", "expect", "'anne' is no user of this scenario (did you mean 'ann'?)"),
    (
        "expect: {by: quux, yes: ann, no: {reject: any}}",
        "expect",
        "'quux' is no profile knob: touchstone list --knobs shows them",
    ),
    ("expect: {accept: [ann]}", "expect", "'['ann']' is no user of this scenario (did you mean 'ann'?)"),
    ("expect: [ann]", "expect", "expect is a user's name, onboarded, or a mapping such as {reject: expired}"),
    ("expect: {}", "expect", "expect is a user's name, onboarded, or a mapping such as {reject: expired}"),
    (
        "expect: {rejct: expired}",
        "expect",
        "expect cannot read 'rejct: expired' (did you mean 'reject'?)",
    ),
    ("expect: {reject: expird}, control: good", "expect", "'expird' is no reason (did you mean 'expired'?)"),
    ("expect: {reject: {a: b}}, control: good", "expect", "'{'a': 'b'}' is no reason"),
    ("expect: {reject: []}, control: good", "expect", "an empty list of reasons is written 'any'"),
    ("expect: {refused: too_many}, control: good", "expect", "'too_many' is no reason"),
    (
        "expect: {by: blnk_is_empty, fallback: ann, reject: reject}",
        "expect",
        "'blnk_is_empty' is no profile knob (did you mean 'blank_is_empty'?)",
    ),
    (
        "expect: {by: blank_is_empty, fallback: ann, rejct: reject}",
        "expect",
        "'rejct' is no value of knob 'blank_is_empty' (did you mean 'reject'?)",
    ),
    ("expect: {by: blank_is_empty, fallback: ann}", "expect", "no answer is given for blank_is_empty=reject"),
    (
        "expect: {by: conflict, claim_wins: {by: blank_is_empty, fallback: ann}, reject: ann}",
        "expect",
        "no answer is given for blank_is_empty=reject",
    ),
    (
        "expect: {by: conflict, claim_wins: {by: conflict, claim_wins: ann, reject: ann}, reject: ann}",
        "expect",
        "knob 'conflict' has decided already, one level up",
    ),
    ("expect: {by: leeway_s, '60': ann}", "expect", "knob 'leeway_s' has no listed values to choose by"),
    (
        "expect: {by: max_lifetime_s, declared: ann}",
        "expect",
        "no answer is given for max_lifetime_s=undeclared",
    ),
    (
        "expect: {by: client_allowlist, undeclared: ann, decalred: reject}",
        "expect",
        "'decalred' is no value of knob 'client_allowlist' (did you mean 'declared'?)",
    ),
    ("expect: ann, token: {kind: acess}", "kind", "'kind': 'acess' is no word for it (did you mean 'access'?)"),
    (NO, None, "a scenario that expects a no names its control: control: ID of its accepting twin"),
    (f"{NO}, control: goood", "control", "control 'goood' is no scenario of this group (did you mean 'good'?)"),
    (f"{NO}, control: x", "control", "control 'x' does not expect a yes"),
    ("expect: ann, token: {persona: entra-v3}", "persona", "'entra-v3' is no persona (did you mean 'entra-v2'?)"),
    ("expect: ann, token: {user: bob}", "user", "'bob' is no user of this scenario (there is ann)"),
    ("expect: ann, token: {of: othr}", "of", "'othr' is no integration of this scenario (there is main)"),
    ("expect: ann, token: {alg: RS265}", "alg", "'alg': 'RS265' is no word for it (did you mean 'RS256'?)"),
    ("expect: ann, forge: nonne_alg", "forge", "'nonne_alg' is no forgery (did you mean 'none_alg'?)"),
    (
        "expect: ann, token: {forge: {flip_bits: {}}}",
        "forge",
        "'flip_bits' is no forgery (did you mean 'flip_bit'?)",
    ),
    ("expect: ann, users: {bob: {of: othr}}", "of", "'othr' is no integration of this group (there is main)"),
    ("expect: ann, users: {onboarded: x}", "onboarded", "'onboarded' cannot be a user's name: it is a word of expect"),
    ("expect: ann, requires: [clok]", "clok", "'clok' is no capability (did you mean 'clock'?)"),
    (
        "expect: ann, audit: {mappd_by: sub}",
        "mappd_by",
        "'mappd_by' is no member of an accept's record (did you mean 'mapped_by'?)",
    ),
    ("expect: ann, advisories: [CVE-1]", "CVE-1", "'CVE-1' is no advisory: write CVE-2015-9235 or GHSA-…"),
    ("expect: ann, value: 5", "value", "this group has no `vary` that says which column `value` fills"),
    (
        "expect: ann, claim: {exp: tomorrow}",
        "exp:",
        "'tomorrow' is no time: write now, +5m, -1h30m, or a sum with a knob such as leeway_s + 1s",
    ),
    (
        "expect: ann, claim: {EXP: tomorrow}",
        "EXP:",
        "'tomorrow' is no time: write now, +5m, -1h30m, or a sum with a knob such as leeway_s + 1s",
    ),
    (
        "expect: ann, token: {claims: {nbf: leway_s}}",
        "nbf",
        "'leway_s' is no knob that holds seconds (did you mean 'leeway_s'?)",
    ),
    (
        "expect: ann, onboard: {certificates: [{key: a, not_after: soon}]}",
        "not_after",
        "'soon' is no time: write now, +5m, -1h30m, or a sum with a knob such as leeway_s + 1s",
    ),
    (
        "expect: ann, onboard: {certificates: [{key: a, form: pemm}]}",
        "form",
        "'pemm' is no form of a certificate (did you mean 'pem'?)",
    ),
    ("steps: []", "steps", "steps is a list of steps, each one mapping such as {rotate: {}}"),
    ("steps: [{authenticate: {}}]", "authenticate", "'expect' is missing"),
    (
        "expect: ann, steps: [{authenticate: {expect: ann}}]",
        "expect",
        "a scenario with steps says expect in each step",
    ),
    (
        "times: 5, steps: [{authenticate: {expect: ann}}]",
        "times",
        "a scenario with steps says times in each step",
    ),
    (
        "steps: [{authenticate: {as: one, expect: ann}}, {authenticate: {token: on, expect: ann}}]",
        "token",
        "'on' is no token kept by an earlier step (did you mean 'one'?)",
    ),
    (
        "steps: [{fault: {at: jwks, is: oversise}}, {authenticate: {expect: ann}}]",
        "is:",
        "'oversise' is no fault (did you mean 'oversize'?)",
    ),
    (
        "steps: [{fault: {at: jwks, is: empty_set, of: othr}}, {authenticate: {expect: ann}}]",
        "of",
        "'othr' is no integration of this scenario (there is main)",
    ),
    (
        "steps: [{advance: soon}, {authenticate: {expect: ann}}]",
        "advance",
        "'soon' is no time: write now, +5m, -1h30m, or a sum with a knob such as leeway_s + 1s",
    ),
    (
        "steps: [{offboard: man}, {authenticate: {expect: ann}}]",
        "offboard",
        "'man' is no integration of this scenario (did you mean 'main'?)",
    ),
    (
        "steps: [{authenticate: {expect: ann, requests: {jwsk: {at_most: 1}}}}]",
        "jwsk",
        "'jwsk' is no endpoint of the IdP (did you mean 'jwks'?)",
    ),
    (
        "steps: [{authenticate: {expect: ann, requests: {jwks: {}}}}]",
        "jwks",
        "a bound says at_most, at_least, query or without",
    ),
    (
        "steps: [{mint: {as: one, forge: huges}}, {authenticate: {token: one, expect: ann}}]",
        "forge",
        "'huges' is no forgery (did you mean 'huge'?)",
    ),
    (
        "steps: [{onboard: {integration: othr}}, {authenticate: {expect: ann}}]",
        "integration",
        "'othr' is no integration of this scenario (there is main)",
    ),
]  # fmt: skip


@pytest.mark.parametrize("members, at, message", OF_A_ROW, ids=[case[0] for case in OF_A_ROW])
def test_a_mistake_in_a_row_is_one_line_at_its_place(members: str, at: str | None, message: str) -> None:
    column = 5 if at is None else BEFORE + members.index(at) + 1 + 2 * at.startswith(", ")

    assert problems(row(members)) == [f"t1.yaml:6:{column}: {message}"]


@pytest.mark.parametrize("letter", ["g", "A"])
@pytest.mark.parametrize(
    "members",
    [
        "expect: ann, token: {{key: {0}}}",
        "expect: ann, onboard: {{published: [a, {0}]}}",
        "expect: ann, onboard: {{certificates: [{0}]}}",
        "expect: ann, onboard: {{certificates: [{{bundle: [a, {0}]}}]}}",
        "expect: ann, onboard: {{jwks: [a, {0}]}}",
        "expect: ann, onboard: {{jwks: [{{key: {0}}}]}}",
        "steps: [{{rotate: {{to: {0}}}}}, {{authenticate: {{expect: ann}}}}]",
        "steps: [{{publish: {0}}}, {{authenticate: {{expect: ann}}}}]",
        "steps: [{{revoke: {0}}}, {{authenticate: {{expect: ann}}}}]",
        "steps: [{{replace: {{kid: a, by: {0}}}}}, {{authenticate: {{expect: ann}}}}]",
    ],
)
def test_a_key_that_nobody_has_is_a_mistake_wherever_it_is_named(members: str, letter: str) -> None:
    (line,) = problems(row(members.format(letter)))

    assert line.startswith("t1.yaml:6:")
    assert f"'{letter}' is no key (there is a, attacker, b, c, d, e, f" in line


def test_two_words_in_one_step_are_a_mistake() -> None:
    members = "steps: [{rotate: {}, heal: true}, {authenticate: {expect: ann}}]"

    (line,) = problems(row(members))

    assert line.startswith(f"t1.yaml:6:{BEFORE + 9}: a step is exactly one of authenticate, mint, onboard")


# (the whole table, its mistakes)
OF_A_TABLE = [
    ("- a\n- b\n", ["t1.yaml:1:1: a table is a mapping that starts with group: and title:"]),
    ("", ["t1.yaml:1:1: a table is a mapping that starts with group: and title:"]),
    ("grop: a/b\ntitle: x\nscenarios: []\n", [
        "t1.yaml:1:1: unknown field 'grop' (did you mean 'group'?)",
        "t1.yaml:3:1: 'scenarios': expected a list of length >= 1",
    ]),
    (HEAD.replace("mapping/try", "Mapping/Try") + GOOD, [
        "t1.yaml:1:1: 'Mapping/Try' is no group: lower-case words, hyphens and slashes",
    ]),
    (HEAD.replace("scenarios", "vary: tokn.key\nscenarios") + GOOD, [
        "t1.yaml:4:1: 'tokn.key' is no column: write token.…, onboard.… or users.…",
    ]),
    (HEAD.replace("scenarios", "matrix: {algs: [RS256]}\nscenarios") + GOOD, [
        "t1.yaml:4:10: 'algs' is no word of a matrix (did you mean 'alg'?)",
    ]),
    (HEAD.replace("scenarios", "matrix: {alg: []}\nscenarios") + GOOD, [
        "t1.yaml:4:10: the matrix has no value for 'alg'",
    ]),
    (HEAD.replace("scenarios", "matrix: {alg: [RS256, RS25]}\nscenarios") + GOOD, [
        "t1.yaml:4:10: 'alg': 'RS25' is no word for it (did you mean 'RS256'?)",
    ]),
    (HEAD.replace("scenarios", "matrix: {alg: [RS256, RS256]}\nscenarios") + GOOD, [
        "t1.yaml:4:10: the matrix names a value for 'alg' twice",
    ]),
    (HEAD.replace("scenarios", f"matrix: {{persona: {list(range(20))}, hmac: {list(range(20))}}}\nscenarios") + GOOD, [
        f"t1.yaml:4:1: the matrix has 400 cells; {MAX_CELLS} are enough",
    ]),
    (HEAD + GOOD + GOOD, ["t1.yaml:6:6: id 'good' stands twice in this group"]),
    (HEAD + GOOD.replace("id: good", "id: Good_1"), [
        "t1.yaml:5:6: 'Good_1' is no id: lower-case words joined by hyphens",
    ]),
    (HEAD + GOOD.replace("comes in", "comes in."), [
        "t1.yaml:5:16: says is one sentence without a full stop, at most 140 characters",
    ]),
    (HEAD + GOOD.replace("comes in", "comes in " * 20), [
        "t1.yaml:5:16: says is one sentence without a full stop, at most 140 characters",
    ]),
    (HEAD + GOOD.replace("says: Ann comes in, ", ""), ["t1.yaml:5:5: 'says' is missing"]),
    (HEAD + GOOD.replace(", expect: ann", ""), [
        "t1.yaml:5:5: a scenario says what it expects: expect: ann, or {reject: expired}",
    ]),
    (HEAD + GOOD.replace("rules: [MAP-002], ", ""), [
        "t1.yaml:5:5: a scenario names the rules that it tests: rules: [MAP-003]",
    ]),
    (HEAD + GOOD.replace("[MAP-002]", "[MAP-002, MAP-02]"), [
        "t1.yaml:5:53: 'MAP-02' is no rule (did you mean 'MAP-042'?)",
    ]),
    (HEAD + GOOD.replace("[MAP-002]", "[map-002]"), [
        "t1.yaml:5:44: 'map-002' is no rule (did you mean 'MAP-002'?)",
    ]),
]  # fmt: skip


@pytest.mark.parametrize("text, lines", OF_A_TABLE, ids=[case[1][0][9:50] for case in OF_A_TABLE])
def test_a_mistake_in_a_table_is_one_line_at_its_place(text: str, lines: list[str]) -> None:
    assert problems(text) == lines


def test_a_mistake_of_the_group_is_named_once_and_where_it_stands() -> None:
    table = (
        "group: mapping/try\ntitle: x\n"
        "given:\n  users: {ann: ann-sub}\n  token: {persona: genric, claims: {exp: soon}}\n"
        "  integration: {published: [z]}\n"
        "defaults: {rules: [MAP-000], requires: [clok]}\nscenarios:\n"
        "  - {id: one, says: A, expect: ann}\n  - {id: two, says: B, expect: ann, claim: {x: 1}}\n"
        "  - {id: three, says: C, steps: [{authenticate: {expect: ann, token: {key: b}}}]}\n"
    )

    assert [line.split(" is ")[0] for line in problems(table)] == [
        "t1.yaml:5:11: 'genric'",
        "t1.yaml:5:37: 'soon'",
        "t1.yaml:6:29: 'z'",
        "t1.yaml:7:20: 'MAP-000'",
        "t1.yaml:7:41: 'clok'",
    ]


def test_a_value_is_wrong_where_it_stands_and_not_where_its_column_is() -> None:
    table = HEAD.replace("scenarios", "vary: token.key\nscenarios") + GOOD.replace(
        "expect", "value: z, expect"
    )

    (line,) = problems(table)

    assert line.startswith("t1.yaml:6:54: 'z' is no key")


def test_a_control_that_expects_a_no_itself_is_a_mistake() -> None:
    late = "  - {{id: {0}, says: A, rules: [CLM-001], expect: reject, control: {1}, claim: {{exp: -1d}}}}\n"

    assert problems(HEAD + GOOD + late.format("late", "good") + late.format("later", "late")) == [
        "t1.yaml:7:60: control 'late' does not expect a yes"
    ]


@pytest.mark.parametrize(
    "members",
    [
        "expect: reject",
        "expect: {reject: any}, note: Nothing else, requires: [clock]",
        "expect: {by: blank_is_empty, fallback: reject, reject: reject}",
        "expect: {refused: keys_missing}",
        "expect: reject, audit: {fallback: true}",
        "steps: [{authenticate: {expect: reject}}]",
    ],
)
def test_a_no_that_differs_in_nothing_from_its_yes_is_a_mistake(members: str) -> None:
    assert problems(row(f"{members}, control: good")) == [
        "t1.yaml:6:5: 'mapping/try/x' expects a no and differs in nothing from its control 'good'"
    ]


@pytest.mark.parametrize(
    "members",
    [
        "expect: reject, claim: {sub: nobody}",
        "expect: reject, claim: {y: true}",
        "expect: reject, users: {ann: other}",
        "expect: reject, onboard: {leeway_s: 0}",
        "expect: reject, send: {method: PUT}",
        "expect: reject, times: 2",
        "steps: [{advance: 1h}, {authenticate: {expect: reject}}]",
    ],
)
def test_a_no_that_differs_from_its_yes_is_none(members: str) -> None:
    honest = GOOD.replace("expect", "claim: {y: 1}, expect")
    plain = "  - {id: other, says: A, rules: [MAP-002], expect: ann}\n"
    no = f"  - {{id: x, says: A, rules: [MAP-002], control: good, {members}}}\n"

    assert len(load([("t.yaml", HEAD + honest + plain + no)])) == 3


UNHELD = "holds {canary}: nothing could ask its address"


def test_an_untouched_canary_that_no_token_holds_is_a_mistake_where_it_is_written() -> None:
    written = row("expect: ann, claim: {x: '{canry}'}, canary: untouched")
    inherited = row("expect: ann").replace("scenarios:", "defaults: {canary: untouched}\nscenarios:")

    assert problems(written) == [
        f"t1.yaml:6:{written.splitlines()[5].index('canary:') + 1}: no token of 'mapping/try/x' {UNHELD}"
    ]
    assert problems(inherited) == [
        f"t1.yaml:4:12: no token of 'mapping/try/good' {UNHELD}",
        f"t1.yaml:4:12: no token of 'mapping/try/x' {UNHELD}",
    ]


@pytest.mark.parametrize(
    "members",
    [
        "expect: ann, claim: {deep: [{x: 'see {canary}'}]}",
        "expect: ann, forge: {jku: '{canary}'}",
        "expect: ann, token: {header: {x5u: '{canary}'}}",
        "expect: ann, onboard: {sample_token: {header: {jku: '{canary}'}}}",
        "steps: [{mint: {as: one, claims: {x: '{canary}'}}}, {authenticate: {token: one, expect: ann}}]",
        "steps: [{authenticate: {token: {claims: {x: '{canary}'}}, expect: ann}}]",
    ],
)
def test_a_canary_may_be_held_by_any_token_of_the_row(members: str) -> None:
    (scenario,) = (s for s in load([("t.yaml", row(f"{members}, canary: untouched"))]).values() if s.canary)

    assert scenario.id == "mapping/try/x"


def test_an_id_that_another_file_has_is_a_mistake() -> None:
    assert problems(HEAD + GOOD, HEAD + GOOD) == [
        "t2.yaml:5:5: id 'mapping/try/good' is taken by t1.yaml:5:5: choose another id, or another group"
    ]


def test_the_mistakes_of_all_files_and_rows_come_in_one_pass() -> None:
    first = (
        HEAD
        + "  - {id: a, says: A, rules: [MAP-002], expct: ann}\n"
        + "  - {id: b, says: B., rules: [MAP-0], expect: bob, forge: nothing}\n"
        + "  - {id: c, says: C, rules: [MAP-002], expect: {reject: expird}, control: z}\n"
        + "  - {id: d, says: D, rules: [MAP-002], expect: {reject: expired}}\n"
    )

    lines = problems(first, "a: *x", HEAD + GOOD + GOOD)

    assert [line.split(" ", 1)[0] for line in lines] == [
        "t1.yaml:5:40:",
        "t1.yaml:6:13:",
        "t1.yaml:6:31:",
        "t1.yaml:6:39:",
        "t1.yaml:6:52:",
        "t1.yaml:7:40:",
        "t1.yaml:7:66:",
        "t1.yaml:8:5:",
        "t2.yaml:1:4:",
        "t3.yaml:6:6:",
    ]


def matrix(axes: str, row: str) -> str:
    """Return a table with a matrix, on line 4."""
    return HEAD.replace("scenarios", f"matrix: {axes}\nscenarios") + row


# (the whole table, its one mistake)
BY_HAND = [
    (row("expect: yes"), "6:45: 'yes' is no word of expect: a yes is the name of the user who comes in, such as"),
    (row("expect: accepted"), "6:45: 'accepted' is no word of expect: a yes is the name of the user"),
    (row("expect: rejected"), "6:45: 'rejected' is no word of expect: a no is written expect: {reject: REASON}"),
    (row("expect: ann, each_key: yes"), "got text: in YAML 1.2 yes, no, on and off are text, write true or false"),
    (row("expect: ann, users: {bob: {active: off}}"), "'active': expected true or false, got text: in YAML 1.2"),
    (row("expect: ann, requires: clock"), "'requires': expected a list, got text: write it in brackets, [a, b]"),
    (row("steps: {authenticate: {expect: ann}}"), "got a mapping: start each item with '- '"),
    (row("steps: [{rotate: {}}]"), "6:45: no step expects anything: add - authenticate: {expect: ann}"),
    (row("expect: ann, note: 5"), "'note': expected text or nothing, got a whole number: put it into quotes"),
    (row("<<: {expect: ann}"), "6:45: merge keys (<<) are not used here: write the members out"),
    (row("expect: ann, note: A: B"), "put a text with ':', ',' or a bracket in it into quotes"),
    (f"{HEAD}  - id: x\n\tsays: A\n", "6:1: this is not YAML: "),
    (f"{HEAD}  - id: x\n    says: A\n     rules: [MAP-002]\n", "members of one mapping in one column"),
    (f"{HEAD}  - id: x\n    says: 'A\n", "a quote is opened here or above and never closed"),
    (f"{HEAD}  -id: x\n", "'scenarios': expected a list, got a mapping: start each item with '- '"),
    (matrix("{alg: RS256}", GOOD), "'alg': expected a list, got text: write it in brackets, [a, b]"),
    (
        matrix("{hmac: [HS256, HS384]}", GOOD),
        "4:10: no row has an HMAC forgery, which alone takes hmac from the matrix",
    ),
    (
        matrix("{alg: [RS256, ES256]}", GOOD.replace("expect", "onboard: {alg: ES384}, expect")),
        "6:5: 'mapping/try/good[ES256]' is the same as 'mapping/try/good[RS256]': the row says itself what the",
    ),
]  # fmt: skip


@pytest.mark.parametrize("text, message", BY_HAND)
def test_what_people_write_by_habit_is_named_with_what_to_write(text: str, message: str) -> None:
    (line,) = problems(text)

    assert message in line
    assert line.startswith("t1.yaml:")
