"""`list`, `show` and `lint`, and what the command says to those who do not know it."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest

from scenarios.tables.model import schema_bytes

if TYPE_CHECKING:
    from tests.scenarios.cli.conftest import Touchstone


def test_the_list_as_json_has_the_names_that_scripts_depend_on(touchstone: Touchstone) -> None:
    ended = touchstone("list", "--catalog", "table.yaml", "--json", "-", "--select", "demo/ids/late[ES256]")

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
    ended = touchstone("list", "--catalog", "table.yaml", "--level", "should")

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
    ended = touchstone("list", "--catalog", "table.yaml", "--json", "list.json")

    assert len(json.loads((touchstone.folder / "list.json").read_text())) == 6
    assert ended.out.endswith("6 scenarios\n")


def test_the_forgeries_are_listed_with_what_they_do(touchstone: Touchstone) -> None:
    ended = touchstone("list", "--forgeries")

    assert ended.status == 0
    assert "\nnone_alg  " in ended.out


def test_a_scenario_is_explained_with_its_rule_record_and_token(touchstone: Touchstone) -> None:
    ended = touchstone("show", "demo/ids/late[ES256]", "--catalog", "table.yaml")

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
        "user ann: External ID 'ann-sub'",
        'header {"typ": "JWT", "alg": "ES256", "kid": "a"}',
        '"sub": "ann-sub"',
        "expected reject (expired)",
    ):
        assert said in flat
    assert all(len(line) <= 80 for line in ended.out.splitlines())


def test_the_token_itself_is_shown_on_request_and_in_one_piece(touchstone: Touchstone) -> None:
    ended = touchstone("show", "demo/ids/good[RS256]", "--catalog", "table.yaml", "--raw")

    (token,) = (line for line in ended.out.splitlines() if line.startswith("eyJ"))
    assert token.count(".") == 2


@pytest.mark.parametrize(
    "name, message",
    [
        (
            "demo/ids/lat[RS256]",
            "no scenario is called 'demo/ids/lat[RS256]' (did you mean 'demo/ids/late[RS256]'?)",
        ),
        ("demo/ids/late", "'demo/ids/late' is 2 scenarios: demo/ids/late[RS256], demo/ids/late[ES256]"),
    ],
)
def test_show_wants_one_scenario(touchstone: Touchstone, name: str, message: str) -> None:
    ended = touchstone("show", name, "--catalog", "table.yaml")

    assert (ended.status, ended.out) == (2, "")
    assert message in " ".join(ended.err.split())


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
