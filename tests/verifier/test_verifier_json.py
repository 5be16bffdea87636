"""JSON is read strictly, by whichever of two ways is sure of it: both must read every text alike."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier import TokenRejected
from verifier.compact import MAX_DEPTH, MAX_DIGITS, decode_base64url, decode_json, decode_object

ATOMS = st.sampled_from(
    [
        *(
            '"a"',
            '"a":',
            '"":',
            '"a" :',
            '"a\\"":',
            '"\\u0061":',
            '":"',
            '" :"',
            "1",
            "-0",
            "1e400",
            "0.5",
            "true",
            "null",
        ),
        *(
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            " ",
            "\n",
            "\t",
            "\r",
            "\v",
            '"',
            "\\",
            "\x00",
            "\ud800",
            "\\ud800",
            "NaN",
            "01",
        ),
    ]
)
"""Bits of JSON that meet where two names, white space and colons may be mistaken for one another."""
TEXTS = st.lists(ATOMS, max_size=14).map("".join)
NAMES = st.sampled_from(["a", "b", "", ":", '"', "a:", '":'])
VALUES = st.one_of(
    NAMES, st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.none(), st.booleans()
)
MEMBERS = st.lists(st.tuples(NAMES, st.one_of(VALUES, st.lists(VALUES, max_size=2))), max_size=5)
SPACES = st.sampled_from(["", " ", "\n", "\t ", "\r\n"])


def reference(data: bytes) -> object:
    """Read JSON by the standard library alone, which keeps every pair; ValueError as `decode_json`."""

    def pairs(members: list[tuple[str, object]]) -> dict[str, object]:
        names = [name for name, _ in members]
        if len(set(names)) != len(names):
            raise ValueError("twice")
        return dict(members)

    def refuse(_: str) -> object:
        raise ValueError("no JSON")

    def finite(text: str) -> float:
        if float(text) in (float("inf"), float("-inf")):
            raise ValueError("no double")
        return float(text)

    return json.loads(data.decode(), object_pairs_hook=pairs, parse_constant=refuse, parse_float=finite)


def both(data: bytes) -> None:
    try:
        expected = reference(data)
    except ValueError:
        with pytest.raises(ValueError, match=r"JSON|UTF-8"):
            decode_json(data)
        expected = None
    else:
        assert repr(decode_json(data)) == repr(expected)
    if isinstance(expected, dict):
        assert repr(decode_object(data)) == repr(expected)
    else:
        with pytest.raises(TokenRejected, match="malformed"):
            decode_object(data)


@given(TEXTS)
def test_fragments_of_json_are_read_as_the_standard_library_reads_them(text: str) -> None:
    both(text.encode("utf-8", "surrogatepass"))


@given(TEXTS)
def test_fragments_inside_an_object_are_read_as_the_standard_library_reads_them(text: str) -> None:
    both(('{"a":1,' + text + "}").encode("utf-8", "surrogatepass"))


@given(MEMBERS, SPACES, SPACES)
def test_a_name_that_comes_twice_is_refused_however_it_is_written(
    members: list[tuple[str, object]], before: str, after: str
) -> None:
    written = (f"{json.dumps(name)}{before}:{after}{json.dumps(value)}" for name, value in members)
    both(f"{before}{{{','.join(written)}}}{after}".encode())


def nested(depth: int, opening: str, closing: str) -> bytes:
    return (opening * depth + "1" + closing * depth).encode()


@pytest.mark.parametrize("opening, closing", [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
def test_sixty_four_levels_are_read_and_no_more(opening: str, closing: str) -> None:
    each = opening.count("[") + opening.count("{")
    decode_json(nested(MAX_DEPTH // each, opening, closing))
    for depth in (MAX_DEPTH // each + 1, 1_000, 100_000):
        with pytest.raises(ValueError, match="nested too deeply"):
            decode_json(nested(depth, opening, closing))


@pytest.mark.parametrize("innermost", ["1", "{}", "[]", '{"b":1}'])
def test_an_object_has_sixty_four_levels_and_no_more(innermost: str) -> None:
    lists = MAX_DEPTH - 1 - (innermost != "1")
    fits, deeper = ('{"a":%s}' % ("[" * depth + innermost + "]" * depth) for depth in (lists, lists + 1))
    assert json.dumps(decode_object(fits.encode()), separators=(",", ":")) == fits
    with pytest.raises(TokenRejected, match="nested too deeply"):
        decode_object(deeper.encode())


def test_brackets_in_texts_are_no_levels() -> None:
    assert decode_json(json.dumps(["[{" * 100]).encode()) == ["[{" * 100]
    assert decode_json(json.dumps("[{" * 100).encode()) == "[{" * 100


@given(st.binary(max_size=40) | st.text('ABQgw019-_+/=*."\\ \n', max_size=24).map(str.encode))
def test_base64url_has_one_spelling(text: bytes) -> None:
    """FMT-002 to FMT-005: held against the standard library's lenient reader, which drops what it does not know."""
    try:
        lenient = base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))
    except ValueError:
        lenient = b""
    if base64.urlsafe_b64encode(lenient).rstrip(b"=") == text:
        assert decode_base64url(text) == lenient
    else:
        with pytest.raises(ValueError, match="base64url"):
            decode_base64url(text)


@pytest.mark.parametrize("wrapped", ["%s", '{"a":%s}', '{"a":{"b":%s}}'])
def test_a_whole_number_is_read_exactly_up_to_a_bound(wrapped: str) -> None:
    assert "1" * MAX_DIGITS in json.dumps(decode_json((wrapped % ("1" * MAX_DIGITS)).encode()))
    with pytest.raises(ValueError, match="out of range"):
        decode_json((wrapped % ("1" * (MAX_DIGITS + 1))).encode())
