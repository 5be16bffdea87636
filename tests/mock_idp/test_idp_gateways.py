"""Two API gateways that nobody here wrote, Envoy and Apache with mod_oauth2, verify the tokens of the mock IdP.

They run with the configuration that docs/mock-idp.md shows, in front of a small API, where `nox -s gateways` has
found them and says so in TOUCHSTONE_ENVOY and TOUCHSTONE_APACHE.
"""

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

import jwt
import pytest
import urllib3
import yaml

from mock_idp import ForgeContext, Issuer, KeyRing, MockIdP, Person, finish, fixed_key, forge, persona
from mock_idp.issuer import DEFAULT_CLIENT
from mock_idp.loopback_tls import loopback_tls
from mock_idp.serve import serve

ENVOY = os.environ["TOUCHSTONE_ENVOY"]
APACHE = os.environ["TOUCHSTONE_APACHE"]
APACHE_MODULES = os.environ.get("TOUCHSTONE_APACHE_MODULES", "/usr/lib/apache2/modules")
GUIDE = (Path(__file__).parents[2] / "docs" / "mock-idp.md").read_text(encoding="utf-8")
SHOWN_AUDIENCE = "orders"
DEADLINE_S = 30.0
STARTS = 5
ANN = Person.named("ann")


class Case(NamedTuple):
    """One issuer behind the gateway: at its path only its tokens pass."""

    persona: str
    alg: str = "RS256"
    kind: str = "access"
    user: str = "sub"
    """The claim that says who it is."""

    @property
    def path(self) -> str:
        """Where the issuer lies at the mock IdP, and its API behind the gateway; the root as in the guide."""
        return "" if self == PLAIN else f"/{self.persona}-{self.alg}".lower()


PLAIN = Case("generic")
CASES = [
    PLAIN,
    Case("entra-v1"),
    Case("entra-v2"),
    Case("azure-b2c"),
    Case("okta"),
    Case("auth0"),
    Case("keycloak"),
    Case("google", kind="id"),  # its access tokens are opaque
    Case("pingfederate-configured", user="Username"),  # it has no sub
    Case("adfs"),
    Case("cognito", kind="id"),  # its access tokens have no aud
    *(Case("generic", alg) for alg in ("RS384", "RS512", "PS256", "PS384", "PS512")),
    *(Case("generic", alg) for alg in ("ES256", "ES384", "ES512")),
]
EDDSA = Case("generic", "EdDSA")  # cjose, which mod_oauth2 is built on, does not have it
FORGERIES: list[tuple[str, Any]] = [
    ("foreign_key", None),
    ("foreign_key_own_kid", None),
    ("tamper", {"sub": "admin"}),
    ("none_alg", None),
    ("hmac_with_public_key", None),
    ("embedded_jwk", None),
    ("signature", "empty"),
    ("unknown_kid", None),
]


class Api(ThreadingHTTPServer):
    """What the gateways protect: it keeps who came through, and says hello."""

    daemon_threads = True

    def __init__(self) -> None:
        self.users: list[str | None] = []
        super().__init__(("127.0.0.1", 0), Hello)


class Hello(BaseHTTPRequestHandler):
    """Answers every GET."""

    server: Api

    def do_GET(self) -> None:
        self.server.users.append(self.headers.get("x-user"))
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"hi")

    def log_message(self, *_arguments: object) -> None:
        """Keep quiet."""


@dataclass(frozen=True)
class Gateway:
    """A gateway that runs in front of an API, and the issuers that it trusts."""

    url: str
    idp: MockIdP
    api: Api
    pool: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(retries=False))

    def issuer(self, case: Case) -> Issuer:
        return self.idp.issuer(case.path)

    def mint(self, case: Case, **asked: Any) -> str:
        return self.issuer(case).mint(ANN, **{"kind": case.kind, **asked})

    def ask(self, case: Case, token: str | bytes | None) -> tuple[int, list[str | None]]:
        """Ask the API with a token; say the status, and which users it saw."""
        before = len(self.api.users)
        headers = {} if token is None else {"authorization": b"Bearer " + _bytes(token)}
        answer = self.pool.request("GET", f"{self.url}{case.path}/", headers=headers)  # type: ignore[arg-type]
        return answer.status, self.api.users[before:]


def _bytes(token: str | bytes) -> bytes:
    return token if isinstance(token, bytes) else token.encode()


def shown(language: str, says: str) -> str:
    """Return the configuration that the guide shows in a language."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
    (block,) = (block for block in blocks if says in block)
    return str(block)


def audience(case: Case) -> str:
    """Return the `aud` of a case's honest tokens: that of an ID token is the client."""
    return DEFAULT_CLIENT if case.kind == "id" else SHOWN_AUDIENCE


def token_issuer(issuer: Issuer, case: Case) -> str:
    return issuer.id_issuer if case.kind == "id" else issuer.issuer


@contextmanager
def running(command: list[str], folder: Path, ready: Callable[[], str | None]) -> Iterator[str | None]:
    """Run a gateway until the end of the context: give what `ready` gave, or None when it ended before that.

    It leads a process group of its own, which is gone for certain afterwards.
    """
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, start_new_session=True)
    try:
        yield _await(process, ready, folder)
    finally:
        process.terminate()
        try:
            process.wait(10)
        finally:
            _kill_group(process)


def _await(process: "subprocess.Popen[bytes]", ready: Callable[[], str | None], folder: Path) -> str | None:
    deadline = time.monotonic() + DEADLINE_S
    while process.poll() is None:
        found = ready()
        if found is not None:
            return found
        if time.monotonic() > deadline:
            raise RuntimeError((folder / "log").read_text())
        time.sleep(0.02)
    return None


def _kill_group(process: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError):  # all have ended, as they should
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def envoy_configuration(idp: MockIdP, api: Api, ca: Path, cases: list[Case]) -> dict[str, Any]:
    """Return the guide's configuration, with the real addresses and one provider for each case."""
    made: dict[str, Any] = yaml.safe_load(shown("yaml", "envoy.filters.http.jwt_authn"))
    (listener,) = made["static_resources"]["listeners"]
    listener["address"]["socket_address"]["port_value"] = 0
    made["admin"] = {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}}
    keys, behind = made["static_resources"]["clusters"]
    _point(keys, int(idp.base_url.rpartition(":")[2]))
    _point(behind, api.server_port)
    context = keys["transport_socket"]["typed_config"]["common_tls_context"]["validation_context"]
    context["trusted_ca"]["filename"] = str(ca)
    filters = listener["filter_chains"][0]["filters"][0]["typed_config"]["http_filters"]
    authn = filters[0]["typed_config"]
    (template,) = authn["providers"].values()
    (rule,) = authn["rules"]
    authn["providers"], authn["rules"] = {}, []
    for case in sorted(cases, key=lambda case: case.path, reverse=True):  # the first rule that fits decides
        provider, name = deepcopy(template), case.path or "root"
        provider["issuer"] = token_issuer(idp.issuer(case.path), case)
        provider["audiences"] = [audience(case)]
        provider["claim_to_headers"][0]["claim_name"] = case.user
        provider["remote_jwks"]["http_uri"]["uri"] = f"{idp.base_url}{case.path}/jwks"
        authn["providers"][name] = provider
        authn["rules"].append(
            {**rule, "match": {"prefix": case.path + "/"}, "requires": {"provider_name": name}}
        )
    return made


def _point(cluster: dict[str, Any], port: int) -> None:
    endpoint = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]
    endpoint["address"]["socket_address"]["port_value"] = port


@contextmanager
def envoy(idp: MockIdP, api: Api, ca: Path, folder: Path, cases: list[Case]) -> Iterator[Gateway]:
    """Run Envoy, which fetches the keys over HTTPS."""
    configuration = envoy_configuration(idp, api, ca, cases)
    folder.joinpath("envoy.yaml").write_text(yaml.safe_dump(configuration))
    told = folder / "admin"
    command = [ENVOY, "-c", "envoy.yaml", "--use-dynamic-base-id", "--admin-address-path", str(told)]

    def ready() -> str | None:
        admin = told.read_text() if told.exists() else ""
        if not admin or urllib3.request("GET", f"http://{admin}/ready", retries=False).status != 200:
            return None
        listeners = urllib3.request("GET", f"http://{admin}/listeners?format=json").json()
        port = listeners["listener_statuses"][0]["local_address"]["socket_address"]["port_value"]
        return f"http://127.0.0.1:{port}"

    with running([*command, "--concurrency", "1"], folder, ready) as url:
        if url is None:
            raise RuntimeError((folder / "log").read_text())
        yield Gateway(url, idp, api)


def apache_configuration(idp: MockIdP, api: Api, port: int, cases: list[Case]) -> str:
    """Return the guide's configuration, with the real addresses and one location for each case."""
    whole = shown("apache", "OAuth2TokenVerify").replace("/usr/lib/apache2/modules", APACHE_MODULES)
    whole = whole.replace("127.0.0.1:10000", f"127.0.0.1:{port}")
    head, _, location = whole.partition("<Location ")
    made = [
        "PidFile pid",
        "ErrorLog log",
        "LoadModule mpm_event_module " + APACHE_MODULES + "/mod_mpm_event.so",
    ]
    if os.geteuid() == 0:
        made.append("User www-data\nGroup www-data")  # it serves nothing as root
    made.append(head)
    for case in cases:
        one = location.replace("http://127.0.0.1:9000/", f"http://127.0.0.1:{api.server_port}{case.path}/")
        one = one.replace("http://127.0.0.1:8080/jwks", f"{idp.base_url}{case.path}/jwks")
        one = one.replace("iss:http://127.0.0.1:8080", f"iss:{token_issuer(idp.issuer(case.path), case)}")
        one = one.replace(f"aud:{SHOWN_AUDIENCE}", f"aud:{audience(case)}")
        one = one.replace("remote_user_claim=sub", f"remote_user_claim={case.user}")
        made.append(f"<Location {case.path}{one}")
    return "\n".join(made)


@contextmanager
def apache(idp: MockIdP, api: Api, folder: Path, cases: list[Case]) -> Iterator[Gateway]:
    """Run Apache, which cannot take a free port by itself: when another was quicker, it is given the next one."""
    for _ in range(STARTS):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        folder.joinpath("apache.conf").write_text(apache_configuration(idp, api, port, cases))
        command = [APACHE, "-d", str(folder), "-f", "apache.conf", "-DFOREGROUND"]
        url = f"http://127.0.0.1:{port}"
        with running(command, folder, lambda port=port, url=url: url if listens(port) else None) as found:  # type: ignore[misc]
            if found is not None:
                yield Gateway(found, idp, api)
                return
    raise RuntimeError((folder / "log").read_text())


@contextmanager
def api() -> Iterator[Api]:
    """Serve the API that is to be protected."""
    with Api() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def add_issuers(idp: MockIdP, cases: list[Case]) -> None:
    for case in cases:
        ring = KeyRing([fixed_key("a", case.alg)])
        issuer = Issuer(
            persona(case.persona), ring, base_url=idp.base_url + case.path, audience=SHOWN_AUDIENCE
        )
        idp.add_issuer(case.path, issuer)


@pytest.fixture(scope="module")
def envoy_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("envoy")
    certificate, key, ca = loopback_tls(folder)
    idp = MockIdP()
    with serve(idp, tls=(certificate, key)), api() as behind:
        add_issuers(idp, [*CASES, EDDSA])
        with envoy(idp, behind, ca, folder, [*CASES, EDDSA]) as gateway:
            yield gateway


@pytest.fixture(scope="module")
def apache_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    idp = MockIdP()
    with serve(idp), api() as behind:
        add_issuers(idp, CASES)
        with apache(idp, behind, tmp_path_factory.mktemp("apache"), CASES) as gateway:
            yield gateway


@pytest.fixture(params=["envoy", "apache"])
def gateway(request: pytest.FixtureRequest) -> Gateway:
    found: Gateway = request.getfixturevalue(f"{request.param}_gateway")
    return found


def claim(token: str, name: str) -> Any:
    return jwt.decode(token, options={"verify_signature": False})[name]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.persona}-{case.alg}")
def test_the_honest_token_of_every_idp_and_algorithm_passes_and_names_its_user(
    gateway: Gateway, case: Case
) -> None:
    token = gateway.mint(case)

    assert gateway.ask(case, token) == (200, [claim(token, case.user)])


def test_envoy_takes_an_eddsa_token(envoy_gateway: Gateway) -> None:
    token = envoy_gateway.mint(EDDSA)

    assert envoy_gateway.ask(EDDSA, token) == (200, [claim(token, "sub")])


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.persona}-{case.alg}")
def test_a_token_by_the_attackers_key_is_refused(gateway: Gateway, case: Case) -> None:
    issuer = gateway.issuer(case)
    draft = issuer.draft(ANN, kind=case.kind)  # type: ignore[arg-type]

    forged = finish(forge(draft, "foreign_key", context=ForgeContext.of(issuer)))

    assert gateway.ask(case, forged) == (401, [])


@pytest.mark.parametrize(
    "name,argument", FORGERIES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_forged_token_is_refused(gateway: Gateway, name: str, argument: Any) -> None:
    issuer = gateway.issuer(PLAIN)

    forged = finish(forge(issuer.draft(ANN), name, argument, context=ForgeContext.of(issuer)))

    assert gateway.ask(PLAIN, forged) == (401, [])
    assert gateway.ask(PLAIN, gateway.mint(PLAIN))[0] == 200


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.persona}-{case.alg}")
def test_an_expired_token_is_refused(gateway: Gateway, case: Case) -> None:
    expired = gateway.mint(case, now=time.time() - 100_000)

    assert gateway.ask(case, expired) == (401, [])


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.persona}-{case.alg}")
def test_a_token_for_another_audience_is_refused(gateway: Gateway, case: Case) -> None:
    asked = {"client" if case.kind == "id" else "audience": "invoices"}

    status, users = gateway.ask(case, gateway.mint(case, **asked))

    assert status in {401, 403}  # Envoy says 403
    assert users == []


def test_a_token_of_another_issuer_is_refused_even_when_the_key_is_the_same(gateway: Gateway) -> None:
    stranger = gateway.mint(PLAIN, claims={"iss": f"{gateway.issuer(PLAIN).issuer}/"})

    assert gateway.ask(PLAIN, stranger) == (401, [])


def test_without_a_token_nobody_passes(gateway: Gateway) -> None:
    assert gateway.ask(PLAIN, None) == (401, [])


def test_after_a_rotation_the_new_key_s_token_passes(gateway: Gateway) -> None:
    case = Case("generic", "ES384")
    ring = gateway.issuer(case).ring
    assert gateway.ask(case, gateway.mint(case))[0] == 200

    ring.rotate(fixed_key("b", "ES384", kid=f"after-{ring.active.kid}"))
    token, deadline = gateway.mint(case), time.monotonic() + DEADLINE_S
    while (answer := gateway.ask(case, token))[0] != 200 and time.monotonic() < deadline:
        time.sleep(0.1)  # Envoy keeps the old set for as long as its cache_duration says

    assert answer == (200, [claim(token, "sub")])


def test_envoy_takes_no_keys_from_a_server_that_its_ca_did_not_certify(tmp_path: Path) -> None:
    certificate, key, _ = loopback_tls(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    wrong_ca = loopback_tls(other)[2]
    idp = MockIdP()

    with serve(idp, tls=(certificate, key)), api() as behind:
        add_issuers(idp, [PLAIN])
        with envoy(idp, behind, wrong_ca, tmp_path, [PLAIN]) as gateway:
            answer = gateway.ask(PLAIN, gateway.mint(PLAIN))

    assert answer == (401, [])
    assert idp.requests("", "jwks") == 0
