"""HTTP: from raw headers to one token or a refusal, and challenges that are always well formed."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier import bearer
from verifier.bearer import Answer, CredentialRefused, bearer_token, has_token_field, is_form

TOKEN = b"eyJh.eyJp.c2ln"
LIMIT = 16384


def refusal(*headers: tuple[bytes, bytes], query: bytes = b"") -> tuple[str, int]:
    with pytest.raises(CredentialRefused) as refused:
        bearer_token(headers, query, LIMIT)
    return refused.value.fault, refused.value.answer.status


def authorization(value: bytes) -> tuple[bytes, bytes]:
    return b"authorization", value


@pytest.mark.parametrize("name", [b"authorization", b"Authorization", b"AUTHORIZATION"])
@pytest.mark.parametrize(
    "value",
    [
        b"Bearer %s",
        b"bearer %s",
        b"BEARER %s",
        b"BeArEr %s",
        b"Bearer  %s",
        b"Bearer %s \t",
        b"Bearer   %s  ",
    ],
)
def test_one_token_after_the_scheme_is_found_in_any_case(name: bytes, value: bytes) -> None:
    assert bearer_token([(name, value % TOKEN)], b"", LIMIT) == TOKEN


@pytest.mark.parametrize("token", [b"a", b"a.b.c==", b"a~b+c/d-e_f.g", b"x" * LIMIT])
def test_every_b64token_is_handed_on_whole(token: bytes) -> None:
    assert bearer_token([authorization(b"Bearer " + token)], b"", LIMIT) == token


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b" ",
        TOKEN,
        b"Bear " + TOKEN,
        b"Bearer2 " + TOKEN,
        b"Token " + TOKEN,
        b"JWT " + TOKEN,
        b"Basic " + TOKEN,
        b"Bearer" + TOKEN,
        b" Bearer " + TOKEN,
        b'"Bearer" ' + TOKEN,
        b"\xc2\xa0Bearer " + TOKEN,
    ],
)
def test_another_scheme_is_no_credential(value: bytes) -> None:
    assert refusal(authorization(value)) == ("credential_missing", 401)


@pytest.mark.parametrize(
    "value",
    [
        b"Bearer",
        b"Bearer ",
        b"Bearer\t" + TOKEN,
        b"Bearer \t" + TOKEN,
        b"Bearer\xa0" + TOKEN,
        b"Bearer\xc2\xa0" + TOKEN,
        b"Bearer:" + TOKEN,
        b"Bearer: " + TOKEN,
        b"Bearer=" + TOKEN,
        b"Bearer a b",
        b"Bearer a,b",
        b"Bearer a, Bearer b",
        b'Bearer "' + TOKEN + b'"',
        b"Bearer Bearer " + TOKEN,
        b"Bearer " + TOKEN + b" extra",
        b"Bearer " + TOKEN + b";",
        b"Bearer token=" + TOKEN,
        b"Bearer " + TOKEN + b"\x00",
        b"Bearer " + TOKEN + b"\r",
        b"Bearer " + TOKEN + b"\n",
        b"Bearer " + TOKEN + b"\x80",
        b"Bearer \xff" + TOKEN,
        b"Bearer a=b",
        b"Bearer =",
    ],
)
def test_anything_but_one_token_after_the_scheme_is_a_bad_request(value: bytes) -> None:
    assert refusal(authorization(value)) == ("credential_malformed", 400)


@pytest.mark.parametrize(
    "first,second",
    [
        (b"Bearer " + TOKEN, b"Bearer x"),
        (b"Bearer x", b"Bearer " + TOKEN),
        (b"Bearer " + TOKEN, b"Bearer " + TOKEN),
        (b"Basic YTpi", b"Bearer " + TOKEN),
        (b"Bearer " + TOKEN, b"Basic YTpi"),
        (b"", b"Bearer " + TOKEN),
    ],
)
def test_a_second_authorization_line_is_a_bad_request_whatever_it_says(first: bytes, second: bytes) -> None:
    assert refusal(authorization(first), (b"Authorization", second)) == ("credential_repeated", 400)


@pytest.mark.parametrize("value", [b"Basic YTpi,Bearer %s", b"Basic YTpi, bearer %s", b",Bearer %s"])
def test_lines_that_a_server_has_joined_are_a_bad_request(value: bytes) -> None:
    assert refusal(authorization(value % TOKEN)) == ("credential_repeated", 400)


@pytest.mark.parametrize(
    "name",
    [
        "x-forwarded-authorization",
        "x-original-authorization",
        "x-jwt-assertion",
        "x-auth-token",
        "proxy-authorization",
        "sec-websocket-protocol",
        "cookie",
        "authorization-x",
    ],
)
def test_no_other_header_is_looked_at(name: str) -> None:
    assert refusal((name.encode(), b"Bearer " + TOKEN)) == ("credential_missing", 401)


@pytest.mark.parametrize("name", [b"access_token", b"token", b"jwt", b"authorization"])
def test_a_token_in_the_query_is_no_credential(name: bytes) -> None:
    assert refusal(query=name + b"=" + TOKEN) == ("credential_missing", 401)


@pytest.mark.parametrize(
    "query",
    [b"access_token=x", b"a=b&access_token=x", b"access_token", b"access%5Ftoken=x", b"%61ccess_token=&b"],
)
def test_a_second_token_in_the_query_is_a_bad_request(query: bytes) -> None:
    assert refusal(authorization(b"Bearer " + TOKEN), query=query) == ("credential_twice", 400)


@pytest.mark.parametrize(
    "query", [b"", b"q=access_token", b"my_access_token=x", b"access_tokens=x", b"q=1%26access_token=x"]
)
def test_a_query_without_the_field_access_token_does_no_harm(query: bytes) -> None:
    assert bearer_token([authorization(b"Bearer " + TOKEN)], query, LIMIT) == TOKEN
    assert not has_token_field(query)


def test_a_token_above_the_limit_is_refused_as_too_large() -> None:
    assert refusal(authorization(b"Bearer " + b"x" * (LIMIT + 1))) == ("too_large", 431)


@pytest.mark.parametrize(
    "value,expected",
    [
        (b"application/x-www-form-urlencoded", True),
        (b"Application/X-WWW-Form-URLencoded ; charset=utf-8", True),
        (b"application/json", False),
        (b"multipart/form-data; boundary=x", False),
        (b"", False),
    ],
)
def test_a_form_is_known_by_its_media_type(value: bytes, expected: bool) -> None:  # noqa: FBT001 - a table
    assert is_form([(b"Content-Type", value)]) is expected


def answers() -> list[tuple[str, Answer]]:
    return [(name, value) for name, value in vars(bearer).items() if isinstance(value, Answer)]


@pytest.mark.parametrize("name,answer", answers())
def test_every_answer_is_whole_and_no_cache_keeps_it(name: str, answer: Answer) -> None:
    headers = dict(answer.headers)

    assert len(headers) == len(answer.headers), name
    assert headers[b"cache-control"] == b"no-store"
    assert headers[b"content-length"] == str(len(answer.body)).encode()


@pytest.mark.parametrize(
    "name,answer", [pair for pair in answers() if b"www-authenticate" in dict(pair[1].headers)]
)
def test_every_challenge_is_well_formed(name: str, answer: Answer) -> None:
    """By the grammar of RFC 9110 section 11.6.1, and the characters of RFC 6750 section 3."""
    scheme, _, rest = dict(answer.headers)[b"www-authenticate"].decode("ascii").partition(" ")
    attributes = re.findall(r'(?:^|, )([a-z_]+)="([\x20-\x21\x23-\x5b\x5d-\x7e]*)"', rest)

    assert scheme == "Bearer", name
    assert ", ".join(f'{key}="{value}"' for key, value in attributes) == rest
    assert len(dict(attributes)) == len(attributes) > 0


def test_what_is_not_a_challenge_of_rfc_6750_has_no_error_code_and_the_others_have_the_standard_one() -> None:
    found = {
        name: re.findall(r' error="(\w+)"', dict(answer.headers).get(b"www-authenticate", b"").decode())
        for name, answer in answers()
    }

    assert found["UNAUTHENTICATED"] == []
    assert found["INVALID_TOKEN"] == ["invalid_token"]
    assert found["INVALID_REQUEST"] == ["invalid_request"]
    assert found["NO_ACCESS"] == ["insufficient_scope"]


@given(
    st.lists(st.tuples(st.sampled_from([b"authorization", b"Authorization", b"x"]), st.binary(max_size=60))),
    st.binary(),
)
def test_any_bytes_give_a_token_of_the_allowed_characters_or_a_refusal(
    headers: list[tuple[bytes, bytes]], query: bytes
) -> None:
    statuses, tokens = [], []
    try:
        tokens.append(bearer_token(headers, query, LIMIT))
    except CredentialRefused as refused:
        statuses.append(refused.answer.status)

    assert set(statuses) <= {400, 401, 431}
    assert all(re.fullmatch(rb"[A-Za-z0-9._~+/-]+=*", token) for token in tokens)
    assert not tokens or sum(name.lower() == b"authorization" for name, _ in headers) == 1


def test_the_order_of_other_headers_makes_no_difference() -> None:
    lines = [(b"host", b"a"), authorization(b"Bearer " + TOKEN), (b"accept", b"*/*")]

    turned = [lines[number:] + lines[:number] for number in range(3)]

    assert all(bearer_token(a, b"", LIMIT) == bearer_token(b, b"", LIMIT) for a, b in pairwise(turned))
