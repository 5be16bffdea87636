"""The mock IdP behind its one function and behind two real servers."""

import json
import re
import socket
import ssl
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Thread
from typing import Any

import jwt
import pytest
import urllib3
from pytest_httpserver import HTTPServer

from mock_idp import (
    FaultError,
    Issuer,
    KeyRing,
    MockIdP,
    Person,
    Request,
    SigningKey,
    fixed_key,
    persona,
)
from mock_idp.journal import JOURNAL_LENGTH, JOURNAL_PATH
from mock_idp.loopback_tls import loopback_tls
from mock_idp.serve import MAX_REQUEST_BODY, attach, serve

NOW = 1_767_225_600


def new_issuer(name: str = "generic", key: str = "a") -> Issuer:
    return Issuer(
        persona(name), KeyRing([fixed_key(key, "ES256")]), issuer="https://idp.example", clock=lambda: NOW
    )


@pytest.fixture
def idp() -> MockIdP:
    made = MockIdP(clock=lambda: NOW)
    made.add_issuer("/t", new_issuer())
    return made


def get(idp: MockIdP, path: str, method: str = "GET") -> Any:
    return idp.handle(Request(method, path))


def fetch(url: str, method: str = "GET", **more: Any) -> urllib3.BaseHTTPResponse:
    with urllib3.PoolManager(retries=False, **more) as pool:
        return pool.request(method, url)


@pytest.mark.parametrize("place", ["/discovery/v2.0/keys", "/jwks"])
def test_the_jwks_is_under_the_personas_path_and_always_under_jwks(place: str) -> None:
    idp = MockIdP()
    idp.add_issuer("/tenant", new_issuer("entra-v2"))

    answer = get(idp, "/tenant" + place)

    assert answer.status == 200
    assert json.loads(answer.body) == idp.issuer("/tenant").jwks()
    headers = dict(answer.headers)
    assert headers.pop("etag").strip('"')
    assert headers == {
        "content-type": "application/json",
        "cache-control": "public, max-age=300",
        "access-control-allow-origin": "*",
    }


@pytest.mark.parametrize(
    "place", ["/v2.0/.well-known/openid-configuration", "/.well-known/openid-configuration"]
)
def test_the_metadata_names_a_jwks_that_is_there(place: str) -> None:
    idp = MockIdP()
    idp.base_url = "http://127.0.0.1:1"
    idp.add_issuer("/tenant", new_issuer("entra-v2"))

    metadata = json.loads(get(idp, "/tenant" + place).body)

    assert metadata["issuer"] == "https://idp.example"
    assert get(idp, metadata["jwks_uri"].removeprefix("http://127.0.0.1:1")).status == 200


def test_the_host_header_changes_nothing(idp: MockIdP) -> None:
    request = Request("GET", "/t/.well-known/openid-configuration", headers=(("host", "evil.example"),))

    assert idp.handle(request) == get(idp, "/t/.well-known/openid-configuration")


def test_issuers_live_side_by_side_and_one_at_the_root(idp: MockIdP) -> None:
    idp.add_issuer("", new_issuer(key="b"))

    assert get(idp, "/jwks").body != get(idp, "/t/jwks").body
    idp.remove_issuer("")
    assert (get(idp, "/jwks").status, get(idp, "/t/jwks").status) == (404, 200)


@pytest.mark.parametrize("path", ["t", "/t/", "/"])
def test_a_path_that_could_not_be_asked_is_refused(idp: MockIdP, path: str) -> None:
    with pytest.raises(ValueError, match="starts with a slash"):
        idp.add_issuer(path, new_issuer())


@pytest.mark.parametrize("path", ["/_admin", "/_admin/api", "/_health", "/canary/x"])
def test_a_path_of_the_servers_own_is_refused(idp: MockIdP, path: str) -> None:
    with pytest.raises(ValueError, match="belongs to the server itself"):
        idp.add_issuer(path, new_issuer())


@pytest.mark.parametrize("path", ["/a b", "/é", "/a?b", "/a#b", "/50%", "/a\n"])
def test_a_path_that_no_url_spells_is_refused(idp: MockIdP, path: str) -> None:
    with pytest.raises(ValueError, match="spelled as in a URL"):
        idp.add_issuer(path, new_issuer())


@pytest.mark.parametrize("path", ["/_administration", "/canary-islands", "/a%20b", "/~x/@y:z"])
def test_a_path_that_only_looks_like_one_of_those_is_served(idp: MockIdP, path: str) -> None:
    idp.add_issuer(path, new_issuer())

    assert get(idp, path + "/jwks").status == 200


def test_an_issuer_that_would_shadow_another_is_refused(idp: MockIdP) -> None:
    idp.add_issuer("", new_issuer("entra-v2"))

    with pytest.raises(ValueError, match="two issuers"):
        idp.add_issuer("/v2.0", new_issuer())
    with pytest.raises(ValueError, match="no issuer under '/zzz'"):
        idp.remove_issuer("/zzz")


@pytest.mark.parametrize("path", ["/", "/zzz", "/t", "/t/jwks/", "/t//jwks", "/T/jwks", "/canary/zzz", ""])
def test_an_unknown_path_is_a_404_in_json(idp: MockIdP, path: str) -> None:
    answer = get(idp, path)

    assert (answer.status, json.loads(answer.body)) == (404, {"error": "not_found"})


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "get"])
def test_a_wrong_method_is_a_405_in_json(idp: MockIdP, method: str) -> None:
    answer = get(idp, "/t/jwks", method)

    assert (answer.status, json.loads(answer.body)) == (405, {"error": "method_not_allowed"})
    assert ("allow", "GET, HEAD") in answer.headers


def test_requests_are_counted_by_endpoint_and_kept_in_a_bounded_journal(idp: MockIdP) -> None:
    for _ in range(JOURNAL_LENGTH + 5):
        get(idp, "/t/jwks")
    get(idp, "/" + "x" * 10_000)

    assert (idp.requests("/t", "jwks"), idp.requests("/t", "metadata")) == (JOURNAL_LENGTH + 5, 0)
    assert len(idp.journal) == JOURNAL_LENGTH
    last = idp.journal[-1]
    assert (last.when, last.method, last.status, len(last.path)) == (NOW, "GET", 404, JOURNAL_PATH)


def test_a_canary_counts_whoever_asks_it(idp: MockIdP) -> None:
    path = idp.canary("jku-1")

    assert idp.canary_hits("jku-1") == 0
    for method, place in (("GET", ""), ("POST", ""), ("GET", "/jwks.json")):
        assert get(idp, path + place, method).status == 200
    assert idp.canary_hits("jku-1") == 3
    assert idp.canary("jku-1") == path
    assert idp.canary_hits("jku-1") == 3


def test_a_canary_that_was_never_set_is_an_error(idp: MockIdP) -> None:
    with pytest.raises(ValueError, match="no canary"):
        idp.canary_hits("zzz")
    with pytest.raises(ValueError, match="name has letters"):
        idp.canary("a/b")


def test_fault_members_combine(idp: MockIdP) -> None:
    idp.set_fault("/t", "jwks", {"status": 429, "retry_after": 30})

    assert ("retry-after", "30") in get(idp, "/t/jwks").headers


def test_a_fault_lasts_for_so_many_requests_and_hits_one_endpoint(idp: MockIdP) -> None:
    idp.set_fault("/t", "jwks", {"status": 500}, times=2)

    assert get(idp, "/t/.well-known/openid-configuration").status == 200
    assert [get(idp, "/t/jwks").status for _ in range(3)] == [500, 500, 200]
    assert idp.requests("/t", "jwks") == 3


WRONG_FAULTS: list[tuple[Any, str]] = [
    ("html-page", "did you mean 'html_page'"),
    ({"status": 99}, "whole number from 200"),
    ({"status": "503"}, "whole number"),
    ({"oversize": 10**12}, "whole number"),
    ({"content_type": "a\r\nb"}, "one line of ASCII"),
    ({}, "needs a name"),
]


@pytest.mark.parametrize("fault,error", WRONG_FAULTS)
def test_a_wrong_fault_is_refused_when_it_is_set(idp: MockIdP, fault: Any, error: str) -> None:
    with pytest.raises(FaultError, match=error):
        idp.set_fault("/t", "jwks", fault)


def test_a_fault_needs_an_endpoint_that_exists(idp: MockIdP) -> None:
    with pytest.raises(ValueError, match="no endpoint 'zzz'"):
        idp.set_fault("/t", "zzz", "html_page")
    with pytest.raises(ValueError, match="no issuer"):
        idp.set_fault("/u", "jwks", "html_page")
    with pytest.raises(ValueError, match="at least 1"):
        idp.set_fault("/t", "jwks", "html_page", times=0)


def test_reset_forgets_everything(idp: MockIdP) -> None:
    idp.canary("c")
    idp.set_fault("/t", "jwks", "html_page")
    get(idp, "/t/jwks")

    idp.reset()

    assert (idp.journal, get(idp, "/t/jwks").status) == ((), 404)
    idp.add_issuer("/t", new_issuer())
    assert (idp.requests("/t", "jwks"), get(idp, "/t/jwks").status) == (0, 200)
    with pytest.raises(ValueError, match="no canary"):
        idp.canary_hits("c")


def test_both_servers_answer_the_same_bytes(idp: MockIdP, httpserver: HTTPServer) -> None:
    paths = ["/t/jwks", "/zzz", "/t/.well-known/openid-configuration", "/%2E/t", idp.canary("c")]
    attach(idp, httpserver)
    served = idp.base_url
    httpserver_says = [fetch(served + path) for path in paths]

    with serve(idp) as running:
        idp.base_url = served
        uvicorn_says = [fetch(running.url + path) for path in paths]

    for one, other in zip(httpserver_says, uvicorn_says, strict=True):
        assert (one.status, one.data, one.headers["content-type"]) == (
            other.status,
            other.data,
            other.headers["content-type"],
        )
    assert [entry.path for entry in idp.journal] == paths * 2


def test_a_foreign_client_goes_from_discovery_to_a_verified_token(idp: MockIdP) -> None:
    token = idp.issuer("/t").mint(Person.named("ann"), audience="api", lifetime_s=10**9)

    with serve(idp) as running:
        metadata = fetch(running.url + "/t/.well-known/openid-configuration").json()
        key = jwt.PyJWKClient(metadata["jwks_uri"]).get_signing_key_from_jwt(token)

    options: Any = {"verify_iat": False, "verify_nbf": False}
    claims = jwt.decode(
        token, key, algorithms=["ES256"], audience="api", issuer=metadata["issuer"], options=options
    )
    assert claims["sub"] == Person.named("ann").subject


def test_a_rotation_is_served_at_once(idp: MockIdP) -> None:
    with serve(idp) as running:
        before = fetch(running.url + "/t/jwks").json()
        idp.issuer("/t").ring.rotate(SigningKey.generate("ES256", kid="new"))
        after = fetch(running.url + "/t/jwks").json()

    assert [[entry["kid"] for entry in found["keys"]] for found in (before, after)] == [["a"], ["a", "new"]]


def test_head_has_the_headers_of_get_and_no_body(idp: MockIdP) -> None:
    with serve(idp) as running:
        head, whole = (fetch(running.url + "/t/jwks", method) for method in ("HEAD", "GET"))

    assert (head.status, head.data, head.headers["content-length"]) == (200, b"", str(len(whole.data)))


def test_a_request_with_too_large_a_body_is_a_413(idp: MockIdP) -> None:
    with serve(idp) as running, urllib3.PoolManager(retries=False) as pool:
        answer = pool.request("POST", running.url + "/t/jwks", body=iter([b"x" * MAX_REQUEST_BODY, b"x"]))
        again = pool.request("GET", running.url + "/t/jwks")

    assert (answer.status, answer.json(), again.status) == (413, {"error": "request_too_large"}, 200)


def test_the_server_stops_while_a_client_keeps_its_connection(idp: MockIdP) -> None:
    with urllib3.PoolManager(retries=False) as pool:
        with serve(idp) as running:
            assert pool.request("GET", running.url + "/t/jwks").status == 200
            port = int(running.url.rpartition(":")[2])
            half_asked = socket.create_connection(("127.0.0.1", port))
            half_asked.sendall(b"GET /t/jwks HT")
        with pytest.raises(OSError), half_asked:  # noqa: PT011 - refused or reset, as the system has it
            socket.create_connection(("127.0.0.1", port))


def test_requests_that_come_in_one_packet_are_answered_one_after_the_other(idp: MockIdP) -> None:
    asked = b"".join(
        b"%s /t/jwks HTTP/1.1\r\nHost: a\r\n\r\n" % method for method in (b"GET", b"HEAD", b"POST")
    )
    last = b"GET /t/jwks HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    with serve(idp) as running:
        port = int(running.url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as client, client.makefile("rb") as answers:
            client.sendall(asked + last)
            said = answers.read()

    statuses = [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+) ", said)]
    assert statuses == [200, 200, 405, 200]
    assert said.count(get(idp, "/t/jwks").body) == 2
    assert said.endswith(get(idp, "/t/jwks").body)


def test_others_are_answered_while_the_admin_api_makes_a_key(
    idp: MockIdP, monkeypatch: pytest.MonkeyPatch
) -> None:
    being_made, may_go_on = Event(), Event()

    def slow(alg: str, *, kid: str, bits: int = 2048) -> SigningKey:
        assert bits == 2048
        being_made.set()
        assert may_go_on.wait(60)
        return fixed_key("b", alg, kid=kid)

    monkeypatch.setattr(SigningKey, "generate", slow)
    idp.admin = True
    with serve(idp) as running, ThreadPoolExecutor(1) as pool:
        rotation = pool.submit(
            fetch,
            running.url + "/_admin/api/issuers/t/rotate",
            "POST",
            headers={"content-type": "application/json"},
        )
        try:
            assert being_made.wait(60)
            meanwhile = fetch(running.url + "/t/jwks", timeout=60)
            assert not rotation.done()
        finally:
            may_go_on.set()
        rotated = rotation.result(60)
        after = fetch(running.url + "/t/jwks")

    assert (meanwhile.status, rotated.status) == (200, 200)
    assert [key["kid"] for key in meanwhile.json()["keys"]] == ["a"]
    assert [key["kid"] for key in after.json()["keys"]] == ["a", rotated.json()["kid"]]


def test_a_port_that_is_taken_is_an_error(idp: MockIdP) -> None:
    with serve(idp) as running, pytest.raises(OSError, match="in use"):
        serve(MockIdP(), port=int(running.url.rpartition(":")[2])).__enter__()


def test_https_is_served_by_a_throw_away_ca_for_localhost_and_127_0_0_1(idp: MockIdP, tmp_path: Path) -> None:
    certificate, key, ca = loopback_tls(tmp_path)
    context = ssl.create_default_context(cafile=str(ca))
    context.verify_flags |= ssl.VERIFY_X509_STRICT

    with serve(idp, tls=(certificate, key)) as running:
        named = running.url.replace("127.0.0.1", "localhost")
        statuses = [fetch(url + "/t/jwks", ssl_context=context).status for url in (running.url, named)]
        with pytest.raises(urllib3.exceptions.SSLError):
            fetch(running.url + "/t/jwks")

    assert running.url.startswith("https://")
    assert statuses == [200, 200]
    assert key.stat().st_mode & 0o077 == 0


def test_clients_that_fetch_during_rotations_never_see_a_torn_set(idp: MockIdP) -> None:
    ring = idp.issuer("/t").ring
    keys = [fixed_key("b", "ES256", kid=f"k{i}") for i in range(300)]
    seen: list[int] = []

    def read() -> None:
        seen.extend(len(json.loads(get(idp, "/t/jwks").body)["keys"]) for _ in range(300))

    readers = [Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for key in keys:
        ring.rotate(key, keep_old=False)
    for reader in readers:
        reader.join()

    assert set(seen) == {1}
    assert idp.requests("/t", "jwks") == 1200


HEAVY = "pytest faker werkzeug uvicorn jwt joserfc verifier scenarios asyncio"


def test_importing_the_package_imports_nothing_heavy_and_nothing_of_the_other_packages() -> None:
    code = f"import sys, mock_idp, mock_idp.serve; print([m for m in {HEAVY.split()!r} if m in sys.modules])"

    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ran.stdout.strip() == "[]"
