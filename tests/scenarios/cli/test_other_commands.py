"""`list`, `show` and `lint`, and what the command says to those who do not know it."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING

import pytest

from scenarios.rulebook import knobs
from scenarios.tables.load import builtin_tables
from scenarios.tables.model import schema_bytes

if TYPE_CHECKING:
    from tests.scenarios.cli.conftest import Touchstone


def test_the_list_as_json_has_the_names_that_scripts_depend_on(touchstone: Touchstone) -> None:
    ended = touchstone(
        "list", "--only-catalog", "table.yaml", "--json", "-", "--select", "demo/ids/late[ES256]"
    )

    assert (ended.status, ended.err) == (0, "")
    assert json.loads(ended.out) == [
        {
            "id": "demo/ids/late[ES256]",
            "title": "An expired token is rejected",
            "rules": ["CLM-001"],
            "level": "MUST",
            "group": "demo/ids",
            "requires": ["alg:ES256"],
        }
    ]


def test_the_list_names_each_scenario_under_its_group(touchstone: Touchstone) -> None:
    ended = touchstone("list", "--only-catalog", "table.yaml", "--level", "should")

    assert [line.split() for line in ended.out.splitlines()] == [
        ["demo/ids", "Tokens", "of", "two", "users"],
        ["SHOULD", "AZR-024", "lax[RS256]"],
        ["A", "foreign", "version", "is", "rejected"],
        ["SHOULD", "AZR-024", "lax[ES256]"],
        ["A", "foreign", "version", "is", "rejected"],
        [],
        ["2", "scenarios"],
    ]


def test_the_list_can_go_to_a_file_beside_the_terminal(touchstone: Touchstone) -> None:
    ended = touchstone("list", "--only-catalog", "table.yaml", "--json", "list.json")

    assert len(json.loads((touchstone.folder / "list.json").read_text())) == 6
    assert ended.out.endswith("6 scenarios\n")


def test_the_rules_are_listed_with_how_many_scenarios_name_them(touchstone: Touchstone) -> None:
    ended = touchstone(
        "list", "--rules", "--only-catalog", "table.yaml", "--rule", "CLM-001", "--rule", "azr-024"
    )

    assert [line.split()[:3] for line in ended.out.splitlines() if not line.startswith(" ")] == [
        ["CLM-001", "MUST", "2"],
        ["AZR-024", "SHOULD", "2"],
        [],
        ["2", "rules,", "2"],
    ]


def test_a_rule_that_is_not_tested_is_listed_with_the_reason(touchstone: Touchstone) -> None:
    ended = touchstone("list", "--rules", "--rule", "HTTP", "--json", "-")

    listed = {entry["id"]: entry for entry in json.loads(ended.out)}
    assert len(listed) == 27
    assert set(listed["HTTP-026"]) == {"id", "level", "statement", "scenarios", "exclusions"}
    (left_out,) = listed["HTTP-026"]["exclusions"]
    assert (listed["HTTP-026"]["scenarios"], left_out["case"]) == (0, None)
    assert left_out["reason"].startswith("Targets are asked on loopback")
    assert (
        left_out["needs"] == "a target that serves plain HTTP beside HTTPS at an address that is not loopback"
    )


@pytest.mark.parametrize(
    "option, message",
    [
        (("--rule", "MAP-999"), "'MAP-999' is no rule"),
        (("--select", "demo*"), "--rules lists rules, and --select chooses scenarios: choose with --rule"),
        (("--knobs",), "--rules, --forgeries and --knobs are three lists: ask for one"),
    ],
)
def test_a_list_of_rules_is_chosen_by_rule_and_level(
    touchstone: Touchstone, option: tuple[str, ...], message: str
) -> None:
    ended = touchstone("list", "--rules", *option)

    assert (ended.status, ended.out) == (2, "")
    assert message in " ".join(ended.err.split())


def test_the_forgeries_are_listed_with_what_they_do(touchstone: Touchstone) -> None:
    ended = touchstone("list", "--forgeries")

    assert ended.status == 0
    assert "\nnone_alg  " in ended.out


def test_a_scenario_is_explained_with_its_rule_record_and_token(touchstone: Touchstone) -> None:
    ended = touchstone("show", "demo/ids/late[ES256]", "--only-catalog", "table.yaml")

    flat = " ".join(ended.out.split())
    assert (ended.status, ended.err) == (0, "")
    for said in (
        "demo/ids/late[ES256] MUST",
        "fact An expired token is rejected",
        "group Tokens of two users",
        "table table.yaml:7:5",
        "rule CLM-001 (MUST, asked of a library): ",
        "authority rfc: ",
        "control demo/ids/good[ES256]",
        "needs alg:ES256",
        "onboard main",
        'user ann: External ID "ann-sub"',
        "algorithms ES256",
        'header {"typ": "JWT", "alg": "ES256", "kid": "a"}',
        '"sub": "ann-sub"',
        "expected reject (expired)",
    ):
        assert said in flat
    assert all(len(line) <= 80 for line in ended.out.splitlines())


def test_a_no_is_explained_by_its_reason_and_by_what_it_has_unlike_its_control(
    touchstone: Touchstone,
) -> None:
    ended = touchstone("show", "demo/ids/late[ES256]", "--only-catalog", "table.yaml")

    flat = " ".join(ended.out.split())
    assert "right is reject (expired) expired The token's time is over." in flat
    assert "unlike it token.claims.exp: -1d, there as usual onboard main" in flat
    assert "times sent at 2026-01-01T00:00:00Z; exp -1d, iat now, nbf now expected" in flat


def test_a_choice_by_a_knob_is_explained_value_by_value(touchstone: Touchstone) -> None:
    touchstone.write(
        "mine.yaml",
        MINE.format(
            "{id: x, says: A, rules: [MAP-005],"
            " expect: {by: blank_is_empty, fallback: ann, reject: {reject: no_user}}}"
        ),
    )

    ended = touchstone("show", "mine/x", "--only-catalog", "mine.yaml")

    flat = " ".join(ended.out.split())
    about = " ".join(knobs()["blank_is_empty"].about.split())
    assert f"right is decided by the target's knob blank_is_empty: {about}" in flat
    assert "fallback accept as ann (the default) reject reject (no_user) no_user The token is true" in flat


def test_a_forgery_is_explained_and_a_misspelt_id_has_its_nearest(touchstone: Touchstone) -> None:
    touchstone.write(
        "mine.yaml",
        MINE.format("{id: x, says: A, rules: [SIG-001], forge: none_alg, control: good, expect: reject}"),
    )

    shown = touchstone("show", "mine/x", "--only-catalog", "mine.yaml")
    missed = touchstone("show", "mine/god", "--only-catalog", "mine.yaml")

    assert "forgery      none_alg: " in shown.out
    assert "unlike it    token.forge: none_alg, there as usual" in shown.out
    assert (missed.status, missed.out) == (2, "")
    assert missed.err == "touchstone show: no scenario is called 'mine/god' (did you mean 'mine/good'?)\n"


def test_tables_of_one_s_own_stand_beside_those_that_ship_or_alone(touchstone: Touchstone) -> None:
    beside = touchstone(
        "list", "--catalog", "table.yaml", "--select", "demo", "--select", "claims/issuer/equal"
    )
    alone = touchstone("list", "--only-catalog", "table.yaml", "--select", "claims/issuer/equal")

    assert beside.out.endswith("7 scenarios\n")
    assert alone.err.startswith("touchstone list: no scenario is called 'claims/issuer/equal'")


def test_an_id_that_ships_is_a_mistake_of_the_other_table(touchstone: Touchstone) -> None:
    row = "{id: equal, says: A, rules: [CLM-001], expect: ann}"
    text = MINE.format(row).replace("group: mine", "group: claims/issuer")
    touchstone.write("mine.yaml", text)

    ended = [
        touchstone("lint", "mine.yaml"),
        touchstone("lint", "--catalog", "mine.yaml"),
        touchstone("list", "--catalog", "mine.yaml"),
    ]

    for end in ended:
        assert (end.status, end.out) == (2, "")
        assert re.fullmatch(
            r"mine\.yaml:6:5: id 'claims/issuer/equal' is taken by catalog/claims/issuer\.yaml:\d+:\d+: "
            r"choose another id, or another group\n",
            end.err,
        )


def test_a_shipped_table_in_a_clone_is_that_table_and_no_clash(touchstone: Touchstone) -> None:
    name = "scenarios/catalog/claims/issuer.yaml"
    text = dict(builtin_tables())["catalog/claims/issuer.yaml"]
    (touchstone.folder / "scenarios" / "catalog" / "claims").mkdir(parents=True)
    touchstone.write(name, text)

    assert touchstone("lint", "scenarios/catalog").status == 0
    touchstone.write("copy.yaml", text)
    assert re.fullmatch(
        r"copy\.yaml:\d+:\d+: \d+ ids of group 'claims/issuer' are taken by catalog/claims/issuer\.yaml: "
        r"name the group otherwise, or ask these tables alone with --only-catalog\n",
        touchstone("lint", "copy.yaml").err,
    )


ROTATED = """\
group: mine
title: Mine
given: {{users: {{ann: ann-sub}}}}
scenarios:
  - id: gone
    says: A key that was taken out is out
    rules: [KEY-023]
    {0}
    steps: [{{authenticate: {{as: first, expect: ann}}}}, {1}, {{advance: jwks_staleness_s + 1s}},
      {{authenticate: {{token: first, expect: {{reject: unknown_key}}}}}}]
"""


@pytest.mark.parametrize("command", ["lint", "run"])
def test_a_reject_of_a_token_that_has_died_meanwhile_proves_nothing(
    touchstone: Touchstone, command: str
) -> None:
    touchstone.write("dead.yaml", ROTATED.format("note: A short life", "{rotate: {keep: none}}"))
    touchstone.write("alive.yaml", ROTATED.format("claim: {exp: +3d}", "{rotate: {keep: none}}"))

    dead = touchstone(command, "--only-catalog", "dead.yaml")
    alive = touchstone(command, "--only-catalog", "alive.yaml")

    assert dead.status == 2
    assert dead.err.startswith(
        "dead.yaml:5:5: a token that must be rejected, and not as expired, has expired when"
    )
    assert alive.status == 0


def test_what_nobody_can_make_is_a_mistake_of_the_table_before_a_target_is_asked(
    touchstone: Touchstone,
) -> None:
    touchstone.write("active.yaml", ROTATED.format("claim: {exp: +3d}", "{retire: a}"))

    ended = touchstone("run", "--only-catalog", "active.yaml")

    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith("active.yaml:5:5: ")
    assert "key 'a' is active" in ended.err


def test_a_list_of_one_is_shown_as_another_value_than_that_one(touchstone: Touchstone) -> None:
    rows = "{id: text, says: A, rules: [CLM-008], claim: {aud: api}, expect: ann}\n"
    rows += (
        "  - {id: one, says: B, rules: [CLM-008], claim: {aud: [api]}, expect: {reject: any}, control: text}"
    )
    touchstone.write("mine.yaml", MINE.format(rows))

    shown = touchstone("show", "mine/one", "--only-catalog", "mine.yaml")

    assert 'unlike it    token.claims.aud: ["api"], there "api"' in shown.out


def test_the_token_itself_is_shown_on_request_and_in_one_piece(touchstone: Touchstone) -> None:
    ended = touchstone("show", "demo/ids/good[RS256]", "--only-catalog", "table.yaml", "--raw")

    (token,) = (line for line in ended.out.splitlines() if line.startswith("eyJ"))
    assert token.count(".") == 2


def test_what_a_source_names_by_a_short_key_is_explained_under_it(touchstone: Touchstone) -> None:
    touchstone.write("mine.yaml", MINE.format("{id: x, says: A, rules: [ONB-026], expect: ann}"))

    ended = touchstone("show", "mine/x", "--only-catalog", "mine.yaml")

    source = ended.out.index("    source      S1.6, S2.8")
    gist = ended.out.index("     S1.6       Audience and issuer are typed in, or taken from a JWT")
    assert source < gist < ended.out.index("     S2.8 ") < ended.out.index("    authority ")


MINE = (
    "group: mine\ntitle: T\ngiven: {{users: {{ann: ann-sub, bob: null}}}}\n"
    "scenarios:\n  - {{id: good, says: A, rules: [FMT-001], expect: ann}}\n  - {}\n"
)


@pytest.mark.parametrize(
    "members, shown",
    [
        (
            "canary: untouched, forge: {jku: '{canary}'}, control: good, expect: reject",
            r"untouched http://127\.0\.0\.1:\d+/canary/\S+ must not be asked",
        ),
        (
            (
                "canary: untouched, control: good, expect: {refused: any},"
                " onboard: {sample_token: {header: {jku: '{canary}'}}}"
            ),
            r"untouched http://127\.0\.0\.1:\d+/canary/\S+ must not be asked",
        ),
        (
            "steps: [{authenticate: {expect: ann, requests: {jwks: {at_least: 1, at_most: 2}}}}]",
            "requests at least 1 and at most 2 for jwks",
        ),
        (
            (
                "steps: [{flood: {tokens: 9, forge: unknown_kid, expect: reject, requests: {jwks: {at_most: 2}}}},"
                " {authenticate: {expect: ann}}]"
            ),
            r"authenticate with 9 such tokens .* requests at most 2 for jwks",
        ),
        ("expect: ann, onboard: {algorithms: [RS256, ES256]}", "algorithms RS256, ES256 "),
        ("expect: ann, onboard: {idp_name: ' x '}", 'idp_name " x " '),
        ("expect: ann, onboard: {audience: [api, 5]}", "audience api, 5 "),
        ("expect: ann, onboard: {audience: {x: [true]}}", r'audience \{"x": \[true\]\} '),
        ("expect: ann", 'user ann: External ID "ann-sub" user bob: External ID null '),
        (
            "steps: [{fault: {at: jwks, is: {status: 503}}}, {authenticate: {expect: ann}}]",
            r'fault at: jwks, is: \{"status": 503\} ',
        ),
    ],
)
def test_what_is_sent_and_bounded_is_shown_in_words(touchstone: Touchstone, members: str, shown: str) -> None:
    touchstone.write("mine.yaml", MINE.format(f"{{id: x, says: A, rules: [SIG-001], {members}}}"))

    ended = touchstone("show", "mine/x", "--only-catalog", "mine.yaml")

    assert ended.err == ""
    assert re.search(shown, " ".join(ended.out.split()))


def test_a_scenario_without_a_canary_or_a_bound_shows_none(touchstone: Touchstone) -> None:
    ended = touchstone("show", "demo/ids/late[ES256]", "--only-catalog", "table.yaml")

    assert "untouched" not in ended.out
    assert "requests" not in ended.out


def test_the_knobs_are_listed_with_their_values_and_what_binds_a_library(touchstone: Touchstone) -> None:
    ended = touchstone("list", "--knobs")

    flat = " ".join(ended.out.split())
    assert (ended.status, ended.err) == (0, "")
    assert [line.split()[0] for line in ended.out.splitlines() if not line.startswith(" ")] == list(knobs())
    for said in (
        (
            "exp_required CLM-011 whether a token must carry exp values true (the default), false"
            " a library any of these floor a present exp is enforced"
        ),
        (
            "max_token_bytes FMT-015 FMT-016 HTTP-014 the longest token that is read"
            " values bytes, at least 8192, 16384 by default a library any of these, or none"
        ),
        "values seconds, at least 100800, no limit by default",
        "values list, [RS256] by default a library what its caller passes in",
        "values list, [] by default",
        "values never (the default), listed_urls a library the default",
        "values integration (the default), token_presence, enrolled_users a library nothing",
    ):
        assert said in flat
    assert all(len(line) <= 80 for line in ended.out.splitlines())


@pytest.mark.parametrize("other", ["--forgeries", "--knobs"])
@pytest.mark.parametrize(
    "option",
    [
        ("--json", "-"),
        ("--select", "demo*"),
        ("--rule", "MAP"),
        ("--level", "MUST"),
        ("--only-catalog", "table.yaml"),
        ("--forgeries", "--knobs"),
    ],
    ids=" ".join,
)
def test_a_list_of_other_things_takes_no_choice_of_scenarios(
    touchstone: Touchstone, other: str, option: tuple[str, str]
) -> None:
    ended = touchstone("list", other, *option)

    assert (ended.status, ended.out) == (2, "")
    assert "--forgeries and --knobs each stand alone, or with --plain" in ended.err


@pytest.mark.parametrize(
    "name, message",
    [
        (
            "demo/ids/lat[RS256]",
            "no scenario is called 'demo/ids/lat[RS256]' (did you mean 'demo/ids/late[RS256]'?)",
        ),
        ("CLM-001", "'CLM-001' is a rule: touchstone list --rule CLM-001 lists its scenarios"),
        ("clm", "'clm' is a group of rules: touchstone list --rule CLM lists its scenarios"),
        ("demo/ids/late", "'demo/ids/late' is 2 scenarios: demo/ids/late[RS256], demo/ids/late[ES256]"),
    ],
)
def test_show_wants_one_scenario(touchstone: Touchstone, name: str, message: str) -> None:
    ended = touchstone("show", name, "--only-catalog", "table.yaml")

    assert (ended.status, ended.out) == (2, "")
    assert message in " ".join(ended.err.split())


def test_one_scenario_is_counted_in_the_singular(touchstone: Touchstone) -> None:
    table = "group: one\ntitle: One\ngiven: {users: {ann: x}}\nscenarios:\n"
    row = "  - {id: good, says: A, rules: [FMT-001], expect: ann}\n"
    touchstone.write("one.yaml", table + row)

    linted = touchstone("lint", "one.yaml")
    listed = touchstone("list", "--only-catalog", "one.yaml")

    assert linted.out == "1 scenario in 1 file, no mistakes\n"
    assert listed.out.endswith("\n1 scenario\n")


def test_good_tables_are_counted(touchstone: Touchstone) -> None:
    ended = touchstone("lint", "table.yaml")

    assert (ended.status, ended.out, ended.err) == (0, "6 scenarios in 1 file, no mistakes\n", "")


def test_mistakes_go_to_stderr_line_by_line_with_status_2(touchstone: Touchstone) -> None:
    touchstone.write("one.yaml", "group: a\ntitle: T\nscenarios: []\n")
    touchstone.write("two.yaml", "a: 1\na: 2\n")

    ended = touchstone("lint", "one.yaml", "two.yaml", "three.yaml")
    both = touchstone("lint", "one.yaml", "two.yaml")

    assert (ended.status, both.status, ended.out, both.out) == (2, 2, "", "")
    assert ended.err == "three.yaml:1:1: cannot be read: No such file or directory\n"
    assert both.err.splitlines() == [
        "one.yaml:3:1: 'scenarios': expected a list of length >= 1",
        "two.yaml:2:1: 'a' stands twice in one mapping",
    ]


def test_what_a_table_asks_for_and_nobody_can_make_is_a_mistake(touchstone: Touchstone) -> None:
    table = (
        "group: a\ntitle: T\ngiven: {users: {ann: x}}\nscenarios:\n"
        "  - {id: good, says: A, rules: [FMT-001], expect: ann}\n"
        "  - {id: x, says: A, rules: [FMT-001], expect: reject, control: good, forge: {flip_bit: {bit: x}}}\n"
        "  - {id: y, says: A, rules: [FMT-001], steps: [{retire: c}, {authenticate: {expect: ann}}]}\n"
    )
    touchstone.write("odd.yaml", table)

    ended = touchstone("lint", "odd.yaml")

    assert (ended.status, ended.out) == (2, "")
    assert [line.partition(" ")[0] for line in ended.err.splitlines()] == ["odd.yaml:6:5:", "odd.yaml:7:5:"]
    assert "no key 'c' in the ring" in ended.err


def test_a_forgery_that_cannot_be_made_is_named(touchstone: Touchstone) -> None:
    table = (
        "group: a\ntitle: T\ngiven: {users: {ann: x}}\nscenarios:\n"
        "  - {id: good, says: A, rules: [FMT-001], expect: ann}\n"
        "  - {id: x, says: A, rules: [FMT-001], expect: reject, control: good, forge: [none_alg, {tamper: payload}]}\n"
    )
    touchstone.write("odd.yaml", table)

    ended = touchstone("lint", "odd.yaml")

    assert ended.status == 2
    assert ended.err.startswith("odd.yaml:6:5: forgery tamper: needs ")


def test_a_twin_of_a_time_claim_holds_a_number_of_seconds(touchstone: Touchstone) -> None:
    ended = touchstone("show", "mapping/sub/twin-of-exp", "--raw")

    token = next(line for line in ended.out.splitlines() if line.startswith("eyJ"))
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert claims["EXP"] - claims["exp"] == 26 * 3600


def test_the_schema_can_be_written_anew(touchstone: Touchstone) -> None:
    ended = touchstone("lint", "--schema", "-")

    assert (ended.status, ended.out.encode()) == (0, schema_bytes())


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("rum",), "'rum' is no command (did you mean 'run'?)"),
        (("list", "extra"), "unexpected extra argument"),
    ],
)
def test_an_unknown_word_is_told_the_nearest(
    touchstone: Touchstone, arguments: tuple[str, ...], message: str
) -> None:
    ended = touchstone(*arguments)

    assert (ended.status, ended.out) == (2, "")
    assert message in ended.err


def test_help_names_every_command(touchstone: Touchstone) -> None:
    ended = touchstone("--help")

    assert ended.status == 0
    for name in ("run", "list", "show", "lint"):
        assert f"\n  {name} " in ended.out


def test_the_version_is_the_package_s(touchstone: Touchstone) -> None:
    from importlib.metadata import version

    assert touchstone("--version").out == f"touchstone, version {version('oidc-touchstone')}\n"


def test_a_fault_of_touchstone_itself_is_one_line_and_no_traceback(
    touchstone: Touchstone, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise LookupError("a\nfault")

    monkeypatch.setattr("scenarios.tables.load.builtin_tables", broken)

    ended = touchstone("list")

    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith("touchstone: a fault of Touchstone itself, LookupError: a fault\n")
    assert "Traceback" not in ended.err
