"""JSON is read strictly, by whichever of two ways is sure of it: both must read every text alike."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.compact import MAX_DEPTH, MAX_DIGITS, decode_json

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
    else:
        assert repr(decode_json(data)) == repr(expected)


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


def test_brackets_in_texts_are_no_levels() -> None:
    assert decode_json(json.dumps(["[{" * 100]).encode()) == ["[{" * 100]
    assert decode_json(json.dumps("[{" * 100).encode()) == "[{" * 100


@pytest.mark.parametrize("wrapped", ["%s", '{"a":%s}', '{"a":{"b":%s}}'])
def test_a_whole_number_is_read_exactly_up_to_a_bound(wrapped: str) -> None:
    assert "1" * MAX_DIGITS in json.dumps(decode_json((wrapped % ("1" * MAX_DIGITS)).encode()))
    with pytest.raises(ValueError, match="out of range"):
        decode_json((wrapped % ("1" * (MAX_DIGITS + 1))).encode())
