"""Bytes that no client means, sent to every address of a real server: a 4xx or what was asked, never a 5xx."""

import re
import socket
from collections.abc import Callable, Iterator

import pytest

from mock_idp import Issuer, KeyRing, MockIdP, Person, fixed_key, persona
from mock_idp.admin.routes import API, OPERATIONS
from mock_idp.oauth.clients import Client
from mock_idp.oauth.endpoints import ENDPOINTS
from mock_idp.serve import MAX_REQUEST_BODY, serve

THERE = {"issuer": "t", "kid": "a", "endpoint": "jwks", "username": "ann", "canary": "c", "client": "app"}
PATIENCE_S = 30
ADDRESSES = [
    *((method, "/t" + endpoint.path) for endpoint in ENDPOINTS.values() for method in endpoint.methods),
    *((o.method, API + re.sub(r"\{(\w+)\}", lambda m: THERE[m[1]], o.template)) for o in OPERATIONS),
    ("GET", "/_admin/"),
    ("GET", "/_admin/openapi.json"),
    ("GET", "/_health"),
    ("POST", "/canary/c"),
    ("GET", "/zzz"),
]
FORM = b"content-type: application/x-www-form-urlencoded\r\n"
JSON = b"content-type: application/json\r\n"


def message(head: bytes, body: bytes = b"", query: bytes = b"") -> Callable[[bytes, bytes], bytes]:
    length = b"content-length: %d\r\n" % len(body) if body else b""
    return lambda method, path: b"%b %b%b HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n%b%b\r\n%b" % (
        method, path, query, head, length, body,
    )  # fmt: skip


HOSTILE: dict[str, Callable[[bytes, bytes], bytes]] = {
    "a body over the limit": message(JSON, b"x" * (MAX_REQUEST_BODY + 1)),
    "a form of very many parameters": message(FORM, b"a=b&" * 40_000),
    "JSON that is nested very deep": message(JSON, b"[" * 100_000),
    "JSON with a lone surrogate": message(JSON, b'{"person": "\\ud800", "kid": "\\ud800"}'),
    "a form that is no text": message(FORM, b"\xff\xfe=\x00&grant_type=\xff&client_id=%ff"),
    "a query that is no text": message(b"", query=b"?\xff=%ff&%00&%zz"),
    "a very long query": message(b"", query=b"?" + b"a=b&" * 12_000),
    "line ends in a query": message(b"", query=b"?response_type=code&client_id=x&state=%0d%0aset-cookie:x"),
    "headers that are no text": message(b"authorization: Basic \xff\xfe\r\ncookie: \x80=\xff\r\norigin: \xff\r\n"),
    "headers twice": message(b"host: other\r\nauthorization: a\r\nauthorization: b\r\n"),
    "very many headers": message(b"".join(b"x-%d: y\r\n" % number for number in range(3000))),
    "a length below zero": message(b"content-length: -5\r\n"),
    "a chunk without a size": message(b"transfer-encoding: chunked\r\n\r\nzz\r\nabc"),
    "another method": lambda _method, path: b"BREW %b HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n" % path,
    "no HTTP": lambda _method, path: b"\xff\x00%b\r\n\r\n" % path,
}  # fmt: skip


@pytest.fixture
def url() -> Iterator[str]:
    idp = MockIdP()
    idp.admin = True
    for path in ("/t", "/u"):
        idp.add_issuer(path, Issuer(persona("generic"), KeyRing([fixed_key("a", "ES256")])))
    idp.issuer("/t").clients["app"] = Client("app")
    idp.people.add(Person.named("ann"))
    idp.canary("c")
    with serve(idp) as running:
        yield running.url


def sent(url: str, data: bytes) -> bytes:
    """Send bytes, and give what comes back until the server closes the connection."""
    host, _, port = url.rpartition("/")[2].partition(":")
    answer = b""
    with socket.create_connection((host, int(port)), PATIENCE_S) as connection:
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
        except ConnectionError:
            pass  # it answered before it had read everything, as it may
        try:
            while piece := connection.recv(65_536):
                answer += piece
        except ConnectionError:
            pass  # what came before is its answer
    return answer


@pytest.mark.parametrize("name", HOSTILE)
def test_no_bytes_are_answered_with_a_5xx_at_any_address_and_the_server_goes_on(url: str, name: str) -> None:
    for method, path in ADDRESSES:
        answer = sent(url, HOSTILE[name](method.encode(), path.encode()))

        head = answer.partition(b"\r\n\r\n")[0]
        assert re.match(rb"HTTP/1\.[01] [234]\d\d ", head), (name, method, path, head)
        assert b"set-cookie:x" not in head.lower()
    assert b" 200 " in sent(url, message(b"")(b"GET", b"/u/jwks")).partition(b"\r\n")[0]


def test_a_body_over_the_limit_is_a_413_everywhere(url: str) -> None:
    for method, path in ADDRESSES:
        answer = sent(url, HOSTILE["a body over the limit"](method.encode(), path.encode()))

        assert answer.startswith(b"HTTP/1.1 413 "), (method, path, answer[:80])
