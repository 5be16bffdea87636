"""Tables are YAML 1.2, every value has a place, and no text whatever does more than be a document or a mistake."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.files import yaml12
from scenarios.files.problems import Place, Problem, TableErrors
from scenarios.files.yaml12 import ABSENT, MAX_BYTES, MAX_DEPTH, Json

NO_TOKEN = "this is not YAML: while scanning for the next token found character that cannot start any token"
ADVICE = "; indent with spaces, and put a text that starts with a sign into quotes"
LONG_NUMBER = "a number of more than 400 characters is written !json '…', or quoted as text"


def value(text: str | bytes) -> Any:
    return yaml12.load(text, "t.yaml").value


def mistakes(text: str | bytes) -> list[str]:
    with pytest.raises(TableErrors) as raised:
        yaml12.load(text, "t.yaml")
    return [str(problem) for problem in raised.value.problems]


@pytest.mark.parametrize(
    "written, read",
    [
        ("no", "no"),
        ("on", "on"),
        ("Yes", "Yes"),
        ("y", "y"),
        ("12:30", "12:30"),
        ("12:30:45", "12:30:45"),
        ("2026-01-01", "2026-01-01"),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("0O17", "0O17"),
        ("-0x1F", "-0x1F"),
        ("=", "="),
        ("<<", "<<"),
        (".", "."),
        ("+", "+"),
        ("1e", "1e"),
        ("nUll", "nUll"),
        ("tRue", "tRue"),
        ("'5'", "5"),
        ('"true"', "true"),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("Null", None),
        ("", None),
        ("017", 17),
        ("0o17", 15),
        ("0x1F", 31),
        ("+12", 12),
        ("-7", -7),
        ("5.", 5.0),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("-1.5E-1", -0.15),
        (".inf", math.inf),
        ("+.INF", math.inf),
        ("-.Inf", -math.inf),
        ("!absent", ABSENT),
        ("!json '1e400'", Json("1e400")),
        ("!base64 AP8=", b"\x00\xff"),
        ("!repeat 3 ab", "ababab"),
        ("!repeat '2  x'", " x x"),
    ],
)
def test_a_scalar_is_what_the_core_schema_of_yaml_1_2_says(written: str, read: object) -> None:
    came = value(f"a: {written}\n")["a"]

    assert came == read
    assert type(came) is type(read)


@pytest.mark.parametrize("written", [".nan", ".NaN", ".NAN"])
def test_not_a_number_is_a_number(written: str) -> None:
    assert math.isnan(value(f"a: {written}")["a"])


@pytest.mark.parametrize("style", ["|\n  no", ">-\n  12"])
def test_a_block_is_always_text(style: str) -> None:
    assert isinstance(value(f"a: {style}\n")["a"], str)


def test_keys_are_words_whatever_they_look_like() -> None:
    assert value("{no: 1, 5: 2, 2026-01-01: 3, ~: 4}") == {"no": 1, "5": 2, "2026-01-01": 3, "~": 4}


@pytest.mark.parametrize(
    "text, read",
    [
        ("a: {b: !absent}", {"a": {"b": ABSENT}}),
        ("a: [!absent]", {"a": [ABSENT]}),
        ("a: {b: !absent, c: !absent}", {"a": {"b": ABSENT, "c": ABSENT}}),
        ("a: {b: foo !absent}", {"a": {"b": "foo !absent"}}),
        ("a: {b: foo!absent}", {"a": {"b": "foo!absent"}}),
        ("a: {b: 'an !absent} here'}", {"a": {"b": "an !absent} here"}}),
        ("a: an !absent} here", {"a": "an !absent} here"}),
        ("{'x !absent]': 1}", {"x !absent]": 1}),
    ],
)
def test_absent_needs_no_space_before_a_bracket(text: str, read: object) -> None:
    assert value(text) == read


def test_a_tight_absent_moves_no_place() -> None:
    document = yaml12.load("a: {b: !absent}\nc: {d: !absent, e: 5}", "t.yaml")

    assert document.place(("c", "e")) == Place("t.yaml", 2, 17)


def test_every_value_has_its_place_and_a_member_that_of_its_name() -> None:
    document = yaml12.load("é: 1\nlist:\n  - x\n  - {k: v}\n", "t.yaml")

    assert str(document.place()) == "t.yaml:1:1"
    assert str(document.place(("list",))) == "t.yaml:2:1"
    assert str(document.place(("list", 0))) == "t.yaml:3:5"
    assert str(document.place(("list", 1, "k"))) == "t.yaml:4:6"
    assert str(document.place(("list", 1, "nothing", "below"))) == "t.yaml:4:5"


@pytest.mark.parametrize(
    "text, mistake",
    [
        ("a: 1\nb: 2\na: 3", "t.yaml:3:1: 'a' stands twice in one mapping"),
        ("{x: {a: 1, a: {b: 2, b: 3}}}", "t.yaml:1:12: 'a' stands twice in one mapping"),
        ("a: &x 1\nb: *x", "t.yaml:2:4: aliases (&x, *x) are not used here: write the value out"),
        ("a: &a [*a]", "t.yaml:1:8: aliases (&x, *x) are not used here: write the value out"),
        ("a: 1\nb: *nothing", "t.yaml:2:4: aliases (&x, *x) are not used here: write the value out"),
        ("a: 1\n*x : 2", "t.yaml:2:1: a key is a word, not a list, a mapping, an alias or a tag"),
        ("? [a]\n: b", "t.yaml:1:3: a key is a word, not a list, a mapping, an alias or a tag"),
        ("!json a: b", "t.yaml:1:1: a key is a word, not a list, a mapping, an alias or a tag"),
        ("a: !jsn '5'", "t.yaml:1:4: '!jsn' is no tag of these tables (did you mean '!json'?)"),
        ("a: !!str 5", "t.yaml:1:4: '!!str' is no tag of these tables (there is !absent, !base64, !json, !repeat)"),
        ("a: !!py []", "t.yaml:1:4: '!!py' is no tag of these tables (there is !absent, !base64, !json, !repeat)"),
        ("a: !json {b: 1}", "t.yaml:1:4: '!json' is no tag of these tables (did you mean '!json'?)"),
        ("a: !absent 5", "t.yaml:1:4: '!absent' takes no value"),
        ("a: !repeat ab", "t.yaml:1:4: '!repeat' takes a number and a text, such as !repeat 300 ab"),
        ("a: !repeat 3", "t.yaml:1:4: '!repeat' takes a number and a text, such as !repeat 300 ab"),
        ("a: !repeat 99999999999 a", "t.yaml:1:4: '!repeat' takes a number and a text, such as !repeat 300 ab"),
        ("a: !repeat 1000001 ab", "t.yaml:1:4: '!repeat' makes at most 2,000,000 characters"),
        ("a: !base64 '*'", "t.yaml:1:4: '!base64' takes standard base64 text"),
        ("a: 1\n---\nb: 2", "t.yaml:2:1: a second document starts here: a file holds one"),
        ("a:\n\tb: c", f"t.yaml:2:1: {NO_TOKEN}{ADVICE}"),
        ("é: \x07", "t.yaml:1:4: this is not YAML: control characters are not allowed"),
        ("a: b\nc: \ud800", "t.yaml:2:4: half a surrogate pair is no character"),
        (b"a: b\n\xc3\xa9: \xff", "t.yaml:2:4: this file is not UTF-8 text"),
        (b"\xff\xfea\x00", "t.yaml:1:1: this file is not UTF-8 text"),
        ("a: " + "9" * 401, f"t.yaml:1:4: {LONG_NUMBER}"),
        ("a: 0x" + "f" * 400, f"t.yaml:1:4: {LONG_NUMBER}"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_with_its_exact_place(text: str | bytes, mistake: str) -> None:
    assert mistakes(text) == [mistake]


def test_several_mistakes_come_in_one_pass_and_in_order() -> None:
    text = "a: !x 1\nb: *y\nc: 1\nc: 2\nd: [}\n"

    assert [line.split(" ")[0] for line in mistakes(text)] == [
        f"t.yaml:{n}:" for n in ("1:4", "2:4", "4:1", "5:5")
    ]


@pytest.mark.parametrize(
    "text", ["[" * 300_000, "- " * 100_000, "{a: " * 50_000, "a: 1\na: " + "[" * 100_000]
)
def test_deep_nesting_is_refused_without_reading_on(text: str) -> None:
    assert f"nested deeper than {MAX_DEPTH} levels" in mistakes(text)[-1]


def test_nesting_up_to_the_bound_is_read() -> None:
    assert value("[" * MAX_DEPTH + "]" * MAX_DEPTH)


def test_a_file_that_is_too_long_is_refused_unread() -> None:
    assert mistakes(b"\xff" * (MAX_BYTES + 1)) == [
        "t.yaml:1:1: this file is longer than 4,000,000 bytes; split it"
    ]


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    assert value(b"\xef\xbb\xbfa: {b: !absent}") == value("\ufeffa: {b: !absent}") == {"a": {"b": ABSENT}}


_SCRAPS = st.sampled_from(
    ["!absent", "!absent}", "!json ", "!!str ", "!base64 ", "!repeat 9 ", "&a ", "*a",
     "{", "}", "[", "]", ": ", "- ", ", ",
     "\n",
     "  ", "? ", "| ", "'", '"', "#", "---\n", "%YAML 1.2\n", "\t", "0x", "1e9", "\x00", "\ud800", "~", "\u2028"]
)  # fmt: skip


@given(st.lists(st.one_of(_SCRAPS, st.text(max_size=5)), max_size=40).map("".join) | st.binary(max_size=60))
@settings(max_examples=400, deadline=None)
def test_any_text_is_a_document_or_mistakes_with_places(text: str | bytes) -> None:
    found: tuple[Problem, ...] | None = None
    try:
        yaml12.load(text, "t.yaml")
    except TableErrors as errors:
        found = errors.problems

    assert found is None or (found and all(p.place.line >= 1 and p.place.column >= 1 for p in found))


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(
        st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp"), exclude_characters="\ufeff\ufffe\uffff"),
        max_size=20,
    ),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abc é-", max_size=6), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(_JSON)
@settings(max_examples=200, deadline=None)
def test_a_json_like_value_survives_dump_and_load(wanted: Any) -> None:
    dumped = json.dumps(wanted, ensure_ascii=False)

    assert value(dumped) == wanted
