"""A credential as a person reads it: any text gives an answer that a terminal can show."""

from __future__ import annotations

import base64
import json

from hypothesis import given
from hypothesis import strategies as st

from scenarios.decode import MAX_SHOWN, cut, decode


def segment(text: str | bytes) -> str:
    raw = text if isinstance(text, bytes) else text.encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def token(header: str | bytes, payload: str | bytes = "{}", signature: bytes = b"") -> str:
    return ".".join(map(segment, (header, payload, signature)))


def test_a_token_is_shown_part_by_part() -> None:
    shown = decode(token('{"alg": "RS256"}', '{"sub":"é"}', bytes(range(12))))

    assert (shown.header, shown.payload) == ('{"alg": "RS256"}', '{"sub": "é"}')
    assert (shown.signature, shown.rest) == ("12 bytes 0001020304050607…", "")


def test_a_member_that_stands_twice_is_seen_twice() -> None:
    shown = decode(token("{}", '{"a":1,"a":2,"a":3}'))

    assert shown.payload == '{"a": 1, "a (again, 2)": 2, "a (again, 3)": 3}'


def test_a_segment_that_only_a_lax_reader_takes_is_shown_as_odd() -> None:
    assert decode(segment("{}") + "=").header == "{}  (sent with '=' in it)"


def test_many_doubled_members_are_soon_counted() -> None:
    members = ",".join(['"":1'] * 200_000)

    assert len(decode(f".{segment('{' + members + '}')}.").payload) < 2 * MAX_SHOWN


def test_what_cannot_be_read_is_shown_as_it_stands() -> None:
    shown = decode("*." + segment(b"\xff") + ".!.more.parts")

    assert shown.header == "not base64url: *"
    assert shown.payload == "not UTF-8: b'\\xff'"
    assert shown.signature == "not base64url: !"
    assert shown.rest == ".more.parts"
    assert decode("").header == "(empty)"
    assert decode(segment("[")).header == "not JSON: ["
    assert decode(segment("[" * 100_000)).header.startswith("not JSON: [[[")


@given(st.text())
def test_any_text_is_decoded_to_something_printable(text: str) -> None:
    shown = decode(text)

    assert all(part.isprintable() for part in (shown.header, shown.payload, shown.signature, shown.rest))


@given(st.dictionaries(st.text(), st.integers() | st.text(), max_size=5))
def test_a_payload_is_shown_whole(claims: dict[str, int | str]) -> None:
    assert decode(f".{segment(json.dumps(claims))}.").payload == cut(json.dumps(claims, ensure_ascii=False))


def test_text_is_cut_and_says_how_long_it_was() -> None:
    assert cut("x" * 20, 5) == "xxxxx… (20 characters)"
    assert cut("a\x1b[31m\n\ud800") == "a\\x1b[31m\\n\\ud800"
