"""The protected API down to the bytes: heads that no client library would send."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.api.conftest import Door

HEAD = b"GET /api/2.0/whoami HTTP/1.1\r\nHost: x\r\n"
CLOSE = b"Connection: close\r\n"


def line(door: Door, form: bytes = b"Authorization: Bearer %s\r\n") -> bytes:
    return form % door.token.encode()


@pytest.mark.parametrize("name", [b"authorization", b"AUTHORIZATION", b"AuThOrIzAtIoN"])
def test_the_name_of_the_header_may_have_any_case(door: Door, name: bytes) -> None:
    assert door.api.raw(HEAD + CLOSE + line(door, name + b": Bearer %s\r\n") + b"\r\n")[0] == 200


@pytest.mark.parametrize("spaces", [b"Authorization:Bearer %s\r\n", b"Authorization:\t Bearer %s \t\r\n"])
def test_white_space_around_a_value_is_no_part_of_it(door: Door, spaces: bytes) -> None:
    assert door.api.raw(HEAD + CLOSE + line(door, spaces) + b"\r\n")[0] == 200


@pytest.mark.parametrize(
    "form",
    [
        b"Authorization : Bearer %s\r\n",
        b"Authorization\t: Bearer %s\r\n",
        b"Authorization: Bearer\r\n %s\r\n",
        b"Authorization: Bearer %s\r\n x\r\n",
        b"Authorization: Bearer x\r\n\t.%s\r\n",
        b" Authorization: Bearer %s\r\n",
        b"Authorization: Bearer %s\x00\r\n",
        b"Authorization: \x00Bearer %s\r\n",
        b"Authorization: Bearer \r%s\r\n",
        b"Authorization: Bearer %s\x80\r\n",
        b"Authorization: Bearer \xff%s\r\n",
        b"Authorization: Bearer %s\x7f\r\n",
        b"Authorization: Bearer %s\x1b[2J\r\n",
        b"Authorization\x00: Bearer %s\r\n",
        b"Authorization: Bearer %s\r\nAuthorization: Bearer x\r\n",
        b"Authorization: Bearer x\r\nAuthorization: Bearer %s\r\n",
        b"Authorization: Bearer x, Bearer %s\r\n",
        b"Authorization:\r\nAuthorization: Bearer %s\r\n",
    ],
)
def test_odd_bytes_and_second_lines_are_a_bad_request(door: Door, form: bytes) -> None:
    status, answer = door.api.raw(HEAD + CLOSE + line(door, form) + b"\r\n")

    assert status == 400
    assert b"no-store" in answer
    assert b"ann" not in answer


@pytest.mark.parametrize(
    "head",
    [
        b"get /api/2.0/whoami HTTP/1.1\r\nHost: x\r\n",
        b"UNKNOWN /api/2.0/whoami HTTP/1.1\r\nHost: x\r\n",
        b"GET /api/2.0/whoami HTTP/9.9\r\nHost: x\r\n",
        b"GET /api/2.0/\xc3\xa9 HTTP/1.1\r\nHost: x\r\n",
        b"GET api/2.0/whoami HTTP/1.1\r\nHost: x\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_what_is_no_request_is_refused_cleanly(door: Door, head: bytes) -> None:
    assert door.api.raw(head + line(door) + b"\r\n")[0] == 400


def test_a_request_that_is_two_requests_to_others_is_refused(door: Door) -> None:
    both = b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n"

    assert door.api.raw(b"POST" + HEAD[3:] + both + line(door) + b"\r\n0\r\n\r\n")[0] == 400


@pytest.mark.parametrize(
    "size,status", [(7_900, 401), (12_000, 401), (16_384, 401), (16_385, 431), (20_000, 431)]
)
def test_a_token_as_long_as_declared_is_judged_and_a_longer_one_refused_cleanly(
    door: Door, size: int, status: int
) -> None:
    padded = b"Authorization: Bearer " + b"x" * size + b"\r\n"

    assert door.api.raw(HEAD + CLOSE + padded + b"\r\n")[0] == status


@pytest.mark.parametrize("size", [40_000, 64 * 1024, 1024 * 1024])
@pytest.mark.parametrize("ended", [True, False])
def test_a_head_that_is_too_long_is_answered_before_the_connection_closes(
    door: Door,
    size: int,
    ended: bool,  # noqa: FBT001 - a table
) -> None:
    end = b"\r\n" + CLOSE + b"\r\n" if ended or size < 64 * 1024 else b""

    status, answer = door.api.raw(HEAD + line(door) + b"X-Filler: " + b"x" * size + end)

    assert status == 431
    assert b"no-store" in answer


def test_many_small_headers_are_too_long_together(door: Door) -> None:
    lines = b"".join(b"X-%d: y\r\n" % number for number in range(10_000))

    assert door.api.raw(HEAD + line(door) + lines + CLOSE + b"\r\n")[0] == 431


def test_a_good_token_of_eight_thousand_bytes_works(door: Door) -> None:
    long = door.idp.mint("ann", claims={"groups": ["g" * 36] * 150})
    short = door.api.call("GET", "/api/2.0/whoami", long)

    assert 7_500 < len(long) < 12_000
    assert short.status == 200


def read_answer(connection: socket.socket) -> tuple[int, bytes]:
    """Read one answer with a content-length from a kept connection."""
    head = b""
    while b"\r\n\r\n" not in head:
        head += connection.recv(1)
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    body = b""
    while len(body) < length:
        body += connection.recv(length - len(body))
    return int(head.split(b" ", 2)[1]), body


def test_a_kept_connection_carries_nobody_s_identity_on(door: Door) -> None:
    bob = door.idp.mint("bob").encode()
    requests = [
        line(door),
        b"",
        b"Authorization: Bearer " + bob + b"\r\n",
        b"Authorization: Bearer x\r\n",
        line(door),
    ]

    with socket.create_connection(("127.0.0.1", door.api.port), timeout=30) as connection:
        answers = []
        for header in requests:
            connection.sendall(HEAD + header + b"\r\n")
            answers.append(read_answer(connection))

    assert [status for status, _ in answers] == [200, 401, 200, 401, 200]
    assert [b'"ann"' in body for _, body in answers] == [True, False, False, False, True]
    assert b'"bob"' in answers[2][1]


def test_requests_in_one_piece_are_answered_each_by_its_own_token(door: Door) -> None:
    with socket.create_connection(("127.0.0.1", door.api.port), timeout=30) as connection:
        connection.sendall(HEAD + line(door) + b"\r\n" + HEAD + b"\r\n" + HEAD + line(door) + b"\r\n")
        answers = [read_answer(connection)[0] for _ in range(3)]

    assert answers == [200, 401, 200]
