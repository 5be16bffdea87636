"""KEY-030 to KEY-033: one document over real HTTP, within bounds."""

import gzip
import json
import socket
import ssl
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from verifier import FetchError, FetchResult, Policy, User, Verifier
from verifier.fetch import MAX_REDIRECTS, HttpFetch

if TYPE_CHECKING:
    from tests.verifier.conftest import Signer, World


def as_bytes(value: object) -> bytes:
    return json.dumps(value).encode()


def fetch(
    url: str, *, timeout_s: float = 10, max_bytes: int = 10_000, ca_file: str | None = None
) -> FetchResult:
    return HttpFetch(allow_local=True)(url, ca_file=ca_file, max_bytes=max_bytes, timeout_s=timeout_s)


def test_the_path_and_the_query_go_out_unchanged(httpserver: HTTPServer) -> None:
    """KEY-039, AZR-016: and no cookie or credential goes with them."""
    seen: list[Request] = []

    def answer(request: Request) -> Response:
        seen.append(request)
        return Response(b"{}", headers={"X-Seen": "1"})

    httpserver.expect_request("/keys").respond_with_handler(answer)
    result = fetch(httpserver.url_for("/keys") + "?appid=1&p=B2C_1%2Fx&b=&a")
    assert (result.status, result.body, result.headers["x-seen"]) == (200, b"{}", "1")
    assert seen[0].query_string == b"appid=1&p=B2C_1%2Fx&b=&a"
    assert not {"Authorization", "Cookie", "Proxy-Authorization"} & set(seen[0].headers.keys())


def test_a_redirect_is_an_answer_and_is_not_followed(httpserver: HTTPServer) -> None:
    """KEY-030."""
    httpserver.expect_request("/keys").respond_with_data(b"", status=302, headers={"Location": "/other"})
    httpserver.expect_request("/other").respond_with_data(b"{}")
    assert fetch(httpserver.url_for("/keys")).status == 302
    assert len(httpserver.log) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_the_same_host_is_followed_where_the_policy_says_so(
    httpserver: HTTPServer, status: int
) -> None:
    """KEY-030: by any kind of redirect, with the same conditions and no credential."""
    moved = Response(b"", status, {"Location": "/other?a=1"})
    httpserver.expect_request("/keys").respond_with_response(moved)
    httpserver.expect_request("/other", query_string="a=1").respond_with_data(b"{}")
    follow = HttpFetch(allow_local=True, redirects="https_same_site")
    url = httpserver.url_for("/keys")
    answer = follow(url, ca_file=None, max_bytes=10, timeout_s=10, conditions={"If-None-Match": '"v"'})
    assert (answer.status, answer.body) == (200, b"{}")
    seen = httpserver.log[-1][0].headers
    assert seen["If-None-Match"] == '"v"'
    assert not {"Authorization", "Cookie", "Referer"} & set(seen.keys())


def test_redirects_that_lead_elsewhere_or_nowhere_are_failures(httpserver: HTTPServer) -> None:
    """KEY-030: another host, port or scheme, user information, no target, or no end."""
    here = httpserver.url_for("/")
    targets = (
        "http://169.254.169.254/", f"http://127.0.0.1:{httpserver.port}/", "http://localhost:1/", "//evil.example/",
        "https://evil.example/", here.replace("http:", "https:"), here.replace("http:", "ftp:"), "file:///etc/passwd",
        "", "http://[", here.replace("//", "//user:pw@"), "/#fragment", "/loop", "/%0d%0a x",
    )  # fmt: skip
    follow = HttpFetch(allow_local=True, redirects="https_same_site")
    for number, target in enumerate(targets):
        httpserver.clear()
        moved = Response(b"", 302, {"Location": target} if target else {})
        httpserver.expect_request("/loop").respond_with_response(Response(b"", 302, {"Location": "/loop"}))
        httpserver.expect_request(f"/{number}").respond_with_response(moved)
        with pytest.raises(FetchError):
            follow(httpserver.url_for(f"/{number}"), ca_file=None, max_bytes=10, timeout_s=10)
        assert len(httpserver.log) <= 1 + MAX_REDIRECTS


def test_each_hop_has_its_address_checked(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """KEY-030, ONB-024: a name that leads elsewhere by the time of the second hop is refused."""
    httpserver.expect_request("/keys").respond_with_data(b"", status=302, headers={"Location": "/other"})
    httpserver.expect_request("/other").respond_with_data(b"{}")
    judged: list[str] = []

    def judge(address: str) -> None:
        judged.append(address)
        if len(judged) > 1:
            raise ValueError("it leads to an address that is not public")

    monkeypatch.setattr("verifier.fetch._check_address", judge)
    monkeypatch.setattr("verifier.fetch._literal_address", lambda _: None)
    follow = HttpFetch(redirects="https_same_site")
    monkeypatch.setattr(
        "verifier.fetch.check_url",
        lambda url, **_: urlsplit(url),  # http, so that a plain server can answer
    )
    with pytest.raises(FetchError):
        follow(httpserver.url_for("/keys"), ca_file=None, max_bytes=10, timeout_s=10)
    assert len(judged) == 2
    assert len(httpserver.log) == 1


def test_headers_that_come_twice_count_as_one(httpserver: HTTPServer) -> None:
    """KEY-032, KEY-034: RFC 9110 section 5.3; a second content coding cannot hide behind the first."""
    response = Response(b"{}")
    response.headers.add("Cache-Control", "max-age=60")
    response.headers.add("Cache-Control", "no-store")
    httpserver.expect_request("/keys").respond_with_response(response)
    assert fetch(httpserver.url_for("/keys")).headers["cache-control"] == "max-age=60, no-store"
    twice = Response(gzip.compress(gzip.compress(b"{}")))
    twice.headers.add("Content-Encoding", "gzip")
    twice.headers.add("Content-Encoding", "gzip")
    httpserver.expect_request("/twice").respond_with_response(twice)
    with pytest.raises(FetchError):
        fetch(httpserver.url_for("/twice"))


def closing_server(answer: bytes) -> tuple[socket.socket, str]:
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            line, _ = listener.accept()
            with line:
                line.recv(65536)
                line.sendall(answer)

    threading.Thread(target=serve, daemon=True).start()
    return listener, f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize(
    "answer,said",
    [(b"", "closed the connection without an answer"), (b"SSH-2.0\r\n\r\n", "answered no HTTP")],
)
def test_an_endpoint_that_speaks_no_http_is_told_in_words(answer: bytes, said: str) -> None:
    """KEY-030, OPS-014: words, and nothing of what came back."""
    listener, where = closing_server(answer)
    with listener, pytest.raises(FetchError) as problem:
        fetch(f"http://{where}/")
    assert str(problem.value) == f"{where} {said}"


def test_why_nothing_was_fetched_is_told_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        free = f"127.0.0.1:{listener.getsockname()[1]}"
    (tmp_path / "x.pem").write_text("x")
    monkeypatch.chdir(tmp_path)  # a long path would be cut in the message

    def unknown(*_: object, **__: object) -> list[object]:
        raise socket.gaierror(-2, "Name or service not known")

    for url, ca_file, said in (
        (f"http://{free}/x", None, f"nobody listens at {free}"),
        (f"https://{free}/x", "x.pem", "ca_file 'x.pem': no certificates in PEM"),
        (f"https://{free}/x", "none.pem", "ca_file 'none.pem': no such file"),
    ):
        with pytest.raises(FetchError) as problem:
            fetch(url, ca_file=ca_file)
        assert str(problem.value).endswith(said)
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(FetchError, match=r"the host name of idp\.example:443 is not known"):
        fetch("https://idp.example/")


def test_a_name_that_nobody_answers_for_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """KEY-032: the resolver of the system knows no deadline of ours."""
    answered = threading.Event()

    def hang(*_: object, **__: object) -> list[object]:
        assert answered.wait(20)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    with pytest.raises(FetchError, match=r"idp\.example:80 did not answer in time"):
        fetch("http://idp.example/", timeout_s=0.1)
    answered.set()


def test_a_body_beyond_the_bound_is_refused(httpserver: HTTPServer) -> None:
    """KEY-032: by its length on the wire."""
    httpserver.expect_request("/fits").respond_with_data(b"x" * 10_000)
    httpserver.expect_request("/over").respond_with_data(b"x" * 10_001)
    assert len(fetch(httpserver.url_for("/fits")).body) == 10_000
    with pytest.raises(FetchError):
        fetch(httpserver.url_for("/over"))


def test_compressed_bodies_are_read_within_the_bound(httpserver: HTTPServer) -> None:
    """KEY-032: a bomb of 50 MB is refused after the bound, and no other coding is read."""
    cases = {
        "/fits": (gzip.compress(b"x" * 10_000), "gzip", True),
        "/bomb": (gzip.compress(bytes(5_000_000)), "gzip", False),
        "/cut": (gzip.compress(b"x" * 5_000)[:-9], "gzip", False),
        "/junk": (b"junk", "gzip", False),
        "/deflate": (zlib.compress(b"x"), "deflate", False),
        "/br": (b"x", "br", False),
        "/twice": (gzip.compress(gzip.compress(b"x")), "gzip, gzip", False),
        "/plain": (b"x", "identity", True),
    }
    for path, (body, coding, good) in cases.items():
        httpserver.expect_request(path).respond_with_data(body, headers={"Content-Encoding": coding})
        if good:
            assert fetch(httpserver.url_for(path)).body.strip(b"x") == b""
        else:
            with pytest.raises(FetchError):
                fetch(httpserver.url_for(path))


@contextmanager
def raw_server(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                try:
                    talk(connection)
                except OSError:
                    return  # the client has gone, as it should

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        thread.join(20)
        assert not thread.is_alive()


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX: ",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n",
    ],
)
def test_a_drip_of_bytes_ends_at_the_deadline(start: bytes) -> None:
    """KEY-032: each byte comes in time, all together never do."""

    def talk(connection: socket.socket) -> None:
        connection.sendall(start)
        connection.settimeout(0.02)
        for _ in range(1000):
            try:
                if not connection.recv(1):
                    break
            except TimeoutError:
                connection.sendall(b"x")

    with raw_server(talk) as url, pytest.raises(FetchError):
        fetch(url, timeout_s=0.3)


@pytest.mark.parametrize(
    "answer",
    [
        b"", b"\r\n", b"SSH-2.0\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 1000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"400\r\n" + b"x" * 1024 + b"\r\n",
    ],
)  # fmt: skip
def test_a_broken_answer_is_a_failure(answer: bytes) -> None:
    """KEY-027."""
    with raw_server(lambda connection: connection.sendall(answer)) as url, pytest.raises(FetchError):
        fetch(url)


def test_nobody_listening_is_a_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    with pytest.raises(FetchError):
        fetch(url)
    with pytest.raises(FetchError):
        fetch("http://name.invalid/")


@pytest.mark.parametrize(
    "url", ["https://localhost/", "http://127.0.0.1/", "https://127.0.0.1/", "ftp://idp.example/"]
)
def test_a_private_target_is_refused_at_every_fetch(url: str) -> None:
    """ONB-024: by the address that a name leads to at that moment."""
    with pytest.raises(FetchError):
        HttpFetch()(url, ca_file=None, max_bytes=10, timeout_s=1)


@pytest.mark.parametrize(
    "address, public",
    [
        ("93.184.216.34", True),
        ("10.0.0.1", False),
        ("fe80::1%eth0", False),
        ("::ffff:10.0.0.1", False),
        ("2002:a00:1::", False),
        ("64:ff9b::7f00:1", False),
        ("2606:4700::1111", True),
        ("198.18.0.1", False),
    ],
)
def test_a_name_that_leads_inside_is_refused(
    monkeypatch: pytest.MonkeyPatch, *, address: str, public: bool
) -> None:
    """ONB-024: rebinding; one private address among several is enough."""
    found = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", 443)),
        (0, 0, 0, "", (address, 443)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    if public:
        assert HttpFetch()._resolve("idp.example", 443) == "93.184.216.34"
    else:
        with pytest.raises(ValueError, match="not public"):
            HttpFetch()._resolve("idp.example", 443)


def test_tls_is_verified(make_signer: Callable[..., "Signer"], tmp_path: Path) -> None:
    """KEY-031: the authority, the name and the date all count."""
    server = make_signer("ES256", "tls")
    local = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))])
    ca = (
        x509.BasicConstraints(ca=True, path_length=None),
        x509.SubjectKeyIdentifier.from_public_key(server.key.public_key()),
    )
    named = server.pem(extensions=(local, *ca))
    cases = {
        "good": (named, named, True),
        "other-name": (server.pem(extensions=ca), None, False),
        "expired": (server.pem(extensions=(local, *ca), valid=(2001, 2002)), None, False),
        "other-authority": (named, make_signer("ES256", "x").pem(extensions=(local,)), False),
    }
    key = server.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    for name, (certificate, trusted, good) in cases.items():
        (tmp_path / f"{name}.pem").write_bytes(certificate + key)
        (tmp_path / f"{name}.ca").write_bytes(trusted or certificate)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tmp_path / f"{name}.pem")
        with HTTPServer(host="localhost", ssl_context=context) as https:
            https.expect_request("/").respond_with_data(b"{}")
            url = https.url_for("/")
            if good:
                assert fetch(url, ca_file=str(tmp_path / f"{name}.ca")).body == b"{}"
            else:
                with pytest.raises(FetchError):
                    fetch(url, ca_file=str(tmp_path / f"{name}.ca"))
            with pytest.raises(FetchError):
                fetch(url)


def test_a_verifier_reads_keys_over_http(
    world: "World", httpserver: HTTPServer, signers: Mapping[str, "Signer"]
) -> None:
    """KEY-002, KEY-033: media types are no matter, the content is."""
    httpserver.expect_request("/jwks").respond_with_json(
        {"keys": [signers["RS256"].jwk()]}, content_type="text/plain"
    )
    verifier = world.start(allow_local_jwks=True)
    verifier._fetch = HttpFetch(allow_local=True)
    world.onboard(User("ann", "ann-sub"), jwks_uri=httpserver.url_for("/jwks"))
    assert world.accepts(signers["RS256"].token(world.claims())) == "ann"


def test_the_fetch_obeys_the_policy_on_redirects(
    world: "World", httpserver: HTTPServer, rs256: "Signer"
) -> None:
    """KEY-030: refused by default, also at onboarding."""
    httpserver.expect_request("/old").respond_with_data(b"", status=301, headers={"Location": "/jwks"})
    httpserver.expect_request("/jwks").respond_with_json({"keys": [rs256.jwk()]})
    url = httpserver.url_for("/old")
    refusing = Verifier(Policy(allow_local_jwks=True))
    following = Verifier(Policy(allow_local_jwks=True, redirects="https_same_site"))
    world.verifier = refusing
    assert world.refuses(jwks_uri=url) == "jwks_unusable"
    world.verifier = following
    assert world.onboard(jwks_uri=url) == ()


def test_a_set_that_did_not_change_is_not_sent_again(
    world: "World", httpserver: HTTPServer, rs256: "Signer"
) -> None:
    """KEY-035: over real HTTP, with threads; the 304 renews what is held."""
    seen: list[str | None] = []
    came = threading.Semaphore(0)

    def answer(request: Request) -> Response:
        seen.append(request.headers.get("If-None-Match"))
        came.release()
        if seen[-1] == '"v1"':
            return Response(b"", 304, {"ETag": '"v1"'})
        return Response(as_bytes({"keys": [rs256.jwk()]}), headers={"ETag": '"v1"'})

    httpserver.expect_request("/jwks").respond_with_handler(answer)
    world.verifier = Verifier(
        Policy(allow_local_jwks=True), clock=lambda: world.now, monotonic=lambda: world.uptime
    )
    world.onboard(User("ann", "ann-sub"), jwks_uri=httpserver.url_for("/jwks"))
    for _ in range(30):
        assert came.acquire(timeout=20)
        flight = world.verifier.register.get("i-1")[0].keys._flight  # type: ignore[attr-defined] # of a JWKS source
        assert flight is None or flight.done.wait(20)
        world.pass_time(3600)
        assert world.accepts(rs256.token(world.claims())) == "ann"
    assert seen[:3] == [None, '"v1"', '"v1"']
    assert seen.count(None) == 2
