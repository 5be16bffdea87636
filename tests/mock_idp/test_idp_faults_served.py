"""Faults of delivery over real connections: both servers do what the answer's `Delivery` says."""

import http.client
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3

from mock_idp import Issuer, KeyRing, MockIdP, fixed_key, persona
from mock_idp.loopback_tls import TLS_FLAWS, TlsFlaw, loopback_tls
from mock_idp.serve import attach, serve


@pytest.fixture
def idp() -> MockIdP:
    made = MockIdP()
    made.add_issuer("/t", Issuer(persona("generic"), KeyRing([fixed_key("a", "ES256")])))
    return made


@pytest.fixture(params=["uvicorn", "pytest-httpserver"])
def url(request: pytest.FixtureRequest, idp: MockIdP) -> Iterator[str]:
    if request.param == "uvicorn":
        with serve(idp) as running:
            yield running.url
    else:
        attach(idp, request.getfixturevalue("httpserver"))
        yield idp.base_url


def fetch(url: str, method: str = "GET", **more: Any) -> urllib3.BaseHTTPResponse:
    with urllib3.PoolManager(retries=False, **more) as pool:
        return pool.request(method, url + "/t/jwks", redirect=False)


def raw(url: str) -> bytes:
    """Ask for the JWKS and give every byte until the server closes."""
    address = urllib3.util.parse_url(url)
    with socket.create_connection((address.host or "", address.port or 0), timeout=10) as line:
        line.sendall(b"GET /t/jwks HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return b"".join(iter(lambda: line.recv(65536), b""))


def test_a_closed_connection_gets_not_a_byte(idp: MockIdP, url: str) -> None:
    idp.set_fault("/t", "jwks", "closed_connection", times=1)

    assert raw(url) == b""
    assert fetch(url).status == 200


def test_an_answer_is_cut_off_although_its_length_promises_more(idp: MockIdP, url: str) -> None:
    whole = fetch(url).data
    idp.set_fault("/t", "jwks", {"cut_off": 10}, times=1)

    head, _, body = raw(url).partition(b"\r\n\r\n")

    assert f"content-length: {len(whole)}" in head.decode().lower()
    assert body == whole[:10]
    assert fetch(url).data == whole


def test_a_client_notices_a_cut_off_answer(idp: MockIdP, url: str) -> None:
    idp.set_fault("/t", "jwks", "cut_off")

    with pytest.raises(urllib3.exceptions.ProtocolError) as failed:
        fetch(url)

    assert isinstance(failed.value.__cause__, http.client.IncompleteRead | urllib3.exceptions.IncompleteRead)


@pytest.mark.parametrize(
    "fault",
    [{"drip_feed": {"interval": 0, "bytes": 7}}, {"delay": 0.001}, {"oversize": 200_000}, "gzip", "chunked"],
)
def test_an_odd_delivery_brings_the_honest_keys(idp: MockIdP, url: str, fault: Any) -> None:
    honest = fetch(url).json()
    idp.set_fault("/t", "jwks", fault)

    answer = fetch(url)

    assert (answer.status, answer.json()) == (200, honest)


def test_faults_combine_and_spend_themselves_over_a_connection(idp: MockIdP, url: str) -> None:
    idp.set_fault("/t", "jwks", {"status": 429, "retry_after": 30, "delay": 0.001}, times=2)

    with urllib3.PoolManager(retries=False) as pool:
        answers = [pool.request("GET", url + "/t/jwks") for _ in range(3)]

    assert [(a.status, a.headers.get("retry-after")) for a in answers] == [
        (429, "30"),
        (429, "30"),
        (200, None),
    ]


def test_a_304_has_no_body(url: str) -> None:
    tag = fetch(url).headers["etag"]

    with urllib3.PoolManager(retries=False) as pool:
        answer = pool.request("GET", url + "/t/jwks", headers={"if-none-match": tag})

    assert (answer.status, answer.data, answer.headers["etag"]) == (304, b"", tag)


def test_chunks_have_no_length(idp: MockIdP) -> None:
    idp.set_fault("/t", "jwks", "chunked")

    with serve(idp) as running:
        answer = fetch(running.url)

    assert answer.headers["transfer-encoding"] == "chunked"
    assert "content-length" not in answer.headers


@pytest.mark.parametrize("fault", [{"delay": 600}, {"drip_feed": 600}, {"endless": 600}])
def test_a_slow_answer_holds_up_nobody_and_ends_with_its_client(idp: MockIdP, fault: Any) -> None:
    idp.set_fault("/t", "jwks", fault, times=1)

    with serve(idp) as running:
        port = int(running.url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as waiting:
            waiting.sendall(b"GET /t/jwks HTTP/1.1\r\nHost: x\r\n\r\n")
            while not idp.requests("/t", "jwks"):
                fetch(running.url + "/nothing")
            answer = fetch(running.url)

    assert answer.status == 200


def test_an_endless_answer_goes_on_until_the_client_leaves(idp: MockIdP) -> None:
    idp.set_fault("/t", "jwks", {"endless": {"interval": 0, "bytes": 65536}})

    with serve(idp) as running, urllib3.PoolManager(retries=False) as pool:
        answer = pool.request("GET", running.url + "/t/jwks", preload_content=False)
        read = len(answer.read(3_000_000))
        answer.close()
        idp.clear_faults()
        after = fetch(running.url)

    assert (read, after.status) == (3_000_000, 200)


def test_a_redirect_loop_stops_a_client_that_counts(idp: MockIdP) -> None:
    idp.set_fault("/t", "jwks", "redirect_loop")

    with (
        serve(idp) as running,
        urllib3.PoolManager() as pool,
        pytest.raises(urllib3.exceptions.MaxRetryError),
    ):
        pool.request("GET", running.url + "/t/jwks", retries=urllib3.Retry(redirect=5))

    assert idp.requests("/t", "jwks") == 6


@pytest.mark.parametrize("fault", [{"redirect_chain": 3}, "redirect_cross_origin"])
def test_a_redirect_that_ends_well_brings_the_keys(idp: MockIdP, fault: Any) -> None:
    idp.set_fault("/t", "jwks", fault)

    with serve(idp) as running, urllib3.PoolManager() as pool:
        answer = pool.request("GET", running.url + "/t/jwks")

    assert answer.json() == idp.issuer("/t").jwks()


REASONS: dict[TlsFlaw, str] = {
    "expired": "certificate has expired",
    "not_yet_valid": "certificate is not yet valid",
    "self_signed": "self-signed certificate",
    "wrong_host": "certificate is not valid for '127.0.0.1'",
}


@pytest.mark.parametrize("flaw", TLS_FLAWS)
def test_a_flawed_certificate_is_refused_for_its_flaw_alone(
    idp: MockIdP, tmp_path: Path, flaw: TlsFlaw
) -> None:
    certificate, key, ca = loopback_tls(tmp_path, flaw)
    context = ssl.create_default_context(cafile=str(ca))

    with serve(idp, tls=(certificate, key)) as running, pytest.raises(urllib3.exceptions.SSLError) as refused:
        fetch(running.url, ssl_context=context)

    assert REASONS[flaw] in str(refused.value)


def test_a_certificate_can_be_for_further_hosts(idp: MockIdP, tmp_path: Path) -> None:
    certificate, key, ca = loopback_tls(tmp_path, hosts=["idp.example"])
    context = ssl.create_default_context(cafile=str(ca))

    with serve(idp, tls=(certificate, key)) as running:
        answer = fetch(running.url, ssl_context=context, server_hostname="idp.example")

    assert answer.status == 200
