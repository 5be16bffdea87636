"""Every fault by name, as a pure function of the request: what it makes of the honest answer."""

import gzip
import json
from typing import Any

import pytest

from mock_idp import FAULTS, Issuer, KeyRing, MockIdP, Request, Response, fixed_key, persona
from mock_idp.faults import FaultError
from mock_idp.faults.key_sets import UNKNOWN_ENTRIES
from mock_idp.http import PROMPT

NOW = 1_767_225_600


@pytest.fixture
def idp() -> MockIdP:
    made = MockIdP(clock=lambda: NOW)
    made.base_url = "http://127.0.0.1:8080"
    ring = KeyRing([fixed_key("a", "ES256")])
    made.add_issuer("/t", Issuer(persona("generic"), ring, issuer="https://idp.example", clock=lambda: NOW))
    return made


def ask(idp: MockIdP, query: str = "", **headers: str) -> Response:
    sent = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return idp.handle(Request("GET", "/t/jwks", query, sent))


def keys(answer: Response) -> Any:
    return json.loads(answer.body)["keys"]


def whole(answer: Response) -> bytes:
    return b"".join(answer.pieces())


BODIES: dict[str, tuple[Any, Any]] = {
    "status": ({"status": 503}, b'{"error": "fault", "status": 503}'),
    "html_page": ("html_page", lambda body, _: body.startswith(b"<!doctype html>")),
    "truncated": ("truncated", lambda body, honest: body == honest[: len(honest) // 2]),
    "not_json": ("not_json", b"no keys today"),
    "body": ({"body": {"Keys": []}}, b'{"Keys": []}'),
    "byte_order_mark": ("byte_order_mark", lambda body, honest: body == b"\xef\xbb\xbf" + honest),
    "utf_16": ("utf_16", lambda body, honest: body.decode("utf-16").encode() == honest),
    "empty_object": ("empty_object", b"{}"),
    "empty_array": ("empty_array", b"[]"),
    "null": ("null", b"null"),
    "keys_object": ("keys_object", b'{"keys":{}}'),
    "keys_null": ("keys_null", b'{"keys":null}'),
    "empty_set": ("empty_set", b'{"keys":[]}'),
    "keys_miscased": ("keys_miscased", lambda body, honest: list(json.loads(body)) == ["Keys"] and honest),
    "oversize": ({"oversize": 2_000_000}, lambda body, honest: body == honest.ljust(2_000_000)),
    "gzip": ("gzip", lambda body, honest: gzip.decompress(body) == honest),
    "gzip_bomb": (
        {"gzip_bomb": 30_000_000},
        lambda body, honest: len(body) < 40_000 and gzip.decompress(body) == honest.ljust(30_000_000),
    ),
    "many_keys": (
        {"many_keys": 2},
        lambda body, _: [entry["kid"] for entry in json.loads(body)["keys"]] == ["copy-0", "copy-1", "a"],
    ),
    "duplicate_members": ("duplicate_members", lambda body, _: body.startswith(b'{"keys": [], "keys": [{')),
    "deep_nesting": ({"deep_nesting": 3}, b'{"keys":[[[[]]]]}'),
    "unknown_entries": (
        "unknown_entries",
        lambda body, _: (
            [entry["kid"] for entry in json.loads(body)["keys"]][-1] == "a" and b"secp256k1" in body
        ),
    ),
    "broken_entries": (
        "broken_entries",
        lambda body, _: None in json.loads(body)["keys"] and json.loads(body)["keys"][-1]["kid"] == "a",
    ),
}
HEADERS: dict[str, tuple[Any, str, str | None]] = {
    "retry_after": ({"retry_after": 7}, "retry-after", "7"),
    "no_content_type": ("no_content_type", "content-type", None),
    "content_type": ({"content_type": "text/plain"}, "content-type", "text/plain"),
    "cache_control": ({"cache_control": "private"}, "cache-control", "private"),
    "no_store": ("no_store", "cache-control", "no-store"),
    "max_age": ({"max_age": 31536000}, "cache-control", "public, max-age=31536000"),
    "age": ({"age": 250}, "age", "250"),
    "no_cache_headers": ("no_cache_headers", "cache-control", None),
    "etag": ({"etag": '"v1"'}, "etag", '"v1"'),
    "redirect": ({"redirect": "/elsewhere"}, "location", "/elsewhere"),
    "redirect_chain": ({"redirect_chain": 2}, "location", "/t/jwks?hop=1"),
    "redirect_loop": ("redirect_loop", "location", "/t/jwks"),
    "redirect_cross_origin": (
        "redirect_cross_origin",
        "location",
        "http://localhost:8080/t/jwks?crossed=1",
    ),
    "redirect_private": ("redirect_private", "location", "http://169.254.169.254/latest/meta-data/"),
}
DELIVERIES: dict[str, tuple[Any, dict[str, Any]]] = {
    "delay": ({"delay": 2.5}, {"delay_s": 2.5}),
    "drip_feed": ({"drip_feed": {"interval": 0.5, "bytes": 3}}, {"interval_s": 0.5, "piece": 3}),
    "endless": ("endless", {"chunked": True, "interval_s": 0.1, "piece": 1024}),
    "chunked": ("chunked", {"chunked": True}),
    "cut_off": ({"cut_off": 10}, {"cut_at": 10}),
    "closed_connection": ("closed_connection", {"closed": True}),
}
ELSEWHERE = {"stale", "not_modified", "needs_query", "turned"}
"""Faults with a test of their own below."""


def test_every_fault_has_a_case_here() -> None:
    assert {*BODIES, *HEADERS, *DELIVERIES, *ELSEWHERE} == FAULTS.keys()


def test_every_fault_says_in_one_sentence_what_is_false_and_for_which_rules() -> None:
    for name, fault in FAULTS.items():
        assert fault.name == name
        assert fault.says.endswith(".")
        assert fault.rules


@pytest.mark.parametrize("fault,expected", BODIES.values(), ids=BODIES)
def test_a_fault_changes_the_body_as_it_says_and_is_cleared(idp: MockIdP, fault: Any, expected: Any) -> None:
    honest = ask(idp)

    idp.set_fault("/t", "jwks", fault)
    answer = ask(idp)
    idp.clear_faults()

    body = whole(answer)
    assert expected(body, honest.body) if callable(expected) else body == expected
    assert body != honest.body
    assert ask(idp) == honest


@pytest.mark.parametrize("fault,name,value", HEADERS.values(), ids=HEADERS)
def test_a_fault_changes_a_header_as_it_says(idp: MockIdP, fault: Any, name: str, value: str | None) -> None:
    honest = ask(idp)
    idp.set_fault("/t", "jwks", fault)

    answer = ask(idp)

    assert answer.header(name) == value
    assert honest.header(name) != value


@pytest.mark.parametrize("fault,how", DELIVERIES.values(), ids=DELIVERIES)
def test_a_fault_changes_the_delivery_alone(idp: MockIdP, fault: Any, how: dict[str, Any]) -> None:
    honest = ask(idp)
    idp.set_fault("/t", "jwks", fault)

    answer = ask(idp)

    assert {name: getattr(answer.delivery, name) for name in how} == how
    assert (answer.status, answer.headers, answer.body) == (honest.status, honest.headers, honest.body)
    assert honest.delivery == PROMPT


def test_stale_alternates_between_the_set_before_the_last_change_and_the_present_one(idp: MockIdP) -> None:
    idp.issuer("/t").ring.rotate(fixed_key("b", "ES256"), keep_old=False)
    idp.set_fault("/t", "jwks", "stale")

    seen = [[entry["kid"] for entry in keys(ask(idp))] for _ in range(4)]

    assert seen == [["a"], ["b"], ["a"], ["b"]]


def test_keys_that_need_a_query_are_served_under_that_query_alone(idp: MockIdP) -> None:
    honest = ask(idp)
    idp.set_fault("/t", "jwks", {"needs_query": "appid=app-1"})

    assert ask(idp, "appid=app-1").body == honest.body
    for query in ("", "appid=app-2", "APPID=app-1", "appid=app-1&x=1", "appid=app%2D1"):
        assert keys(ask(idp, query)) == list(UNKNOWN_ENTRIES)


def test_a_duplicate_kid_stands_before_the_honest_one(idp: MockIdP) -> None:
    idp.set_fault("/t", "jwks", {"duplicate_members": "kid"})

    answer = ask(idp)

    assert b'{"kid": "duplicate", ' in answer.body
    assert keys(answer)[0]["kid"] == "a"


def test_a_redirect_chain_ends_at_the_honest_answer(idp: MockIdP) -> None:
    honest = ask(idp)
    idp.set_fault("/t", "jwks", {"redirect_chain": 2})

    assert [ask(idp, query).status for query in ("", "hop=1", "hop=zzz", "hop=9999999")] == [302] * 4
    assert ask(idp, "hop=2") == honest


def test_a_cross_origin_redirect_ends_at_the_honest_answer(idp: MockIdP) -> None:
    honest = ask(idp)
    idp.set_fault("/t", "jwks", "redirect_cross_origin")

    assert (ask(idp).status, ask(idp, "crossed=1")) == (302, honest)


def test_who_has_the_set_already_gets_a_304_until_it_changes(idp: MockIdP) -> None:
    first = ask(idp)
    tag = first.header("etag") or ""

    again = ask(idp, if_none_match=tag)
    other = ask(idp, if_none_match='"zzz"')
    among = ask(idp, if_none_match=f'"zzz", W/{tag}')
    idp.issuer("/t").ring.rotate(fixed_key("b", "ES256"))
    changed = ask(idp, if_none_match=tag)

    assert (again.status, again.body, again.header("etag")) == (304, b"", tag)
    assert (other.status, among.status, changed.status) == (200, 304, 200)
    assert changed.header("etag") != tag


@pytest.mark.parametrize("fault", ["empty_set", "html_page", "not_json", {"body": "[]"}])
def test_who_has_the_set_already_sees_a_fault_of_the_body(idp: MockIdP, fault: Any) -> None:
    """KEY-028, KEY-035: the entity tag is of the body that is sent, not of the one before the fault."""
    tag = ask(idp).header("etag") or ""
    idp.set_fault("/t", "jwks", fault)

    answer = ask(idp, if_none_match=tag)

    assert answer.status == 200
    assert answer.header("etag") != tag


def test_who_has_the_set_already_is_sent_a_body_that_a_fault_makes_longer(idp: MockIdP) -> None:
    idp.set_fault("/t", "jwks", {"oversize": 2000})
    tag = ask(idp).header("etag") or '"none"'

    answer = ask(idp, if_none_match=tag)

    assert (answer.status, answer.length) == (200, 2000)


def test_a_frozen_etag_hides_a_change(idp: MockIdP) -> None:
    idp.set_fault("/t", "jwks", "etag")
    tag = ask(idp).header("etag") or ""
    idp.issuer("/t").ring.rotate(fixed_key("b", "ES256"))

    assert (tag, ask(idp, if_none_match=tag).status) == ('W/"same"', 304)


def test_not_modified_is_a_304_for_whoever_asks(idp: MockIdP) -> None:
    idp.set_fault("/t", "jwks", "not_modified")

    answer = ask(idp)

    assert (answer.status, answer.body, answer.header("content-type")) == (304, b"", None)


@pytest.mark.parametrize(
    "fault,error",
    [
        ("html-page", "did you mean 'html_page'"),
        ({"status": 99}, "whole number from 200"),
        ({"status": "503"}, "whole number"),
        ({"oversize": 10**12}, "whole number"),
        ({"gzip_bomb": 10**12}, "whole number"),
        ({"delay": -1}, "seconds from 0"),
        ({"delay": "1"}, "seconds from 0"),
        ({"delay": float("nan")}, "seconds from 0"),
        ({"drip_feed": {"every": 1}}, "no 'every': there are interval, bytes"),
        ({"drip_feed": {"bytes": 0}}, "whole number"),
        ({"content_type": "a\r\nb"}, "one line of ASCII"),
        ({"redirect": "javascript:1"}, "http or https"),
        ({"redirect": {"to": "/x", "status": 200}}, "a redirect has status"),
        ("redirect", "one line of ASCII"),
        ({"etag": "v1"}, "stands in quotes"),
        ({"duplicate_members": "n"}, "keys or kid"),
        ({"deep_nesting": 0}, "whole number"),
        ({"html_page": 3}, "takes no argument"),
        ({}, "needs a name"),
    ],
)
def test_a_wrong_fault_is_refused_when_it_is_set(idp: MockIdP, fault: Any, error: str) -> None:
    with pytest.raises(FaultError, match=error):
        idp.set_fault("/t", "jwks", fault)

    assert ask(idp).delivery == PROMPT
