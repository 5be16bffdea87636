"""The protected API as a process of its own, the mock IdP that it trusts, and clients down to the socket."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

import pytest
import urllib3

from mock_idp import Issuer, KeyRing, MockIdP, SigningKey, persona
from mock_idp.serve import serve
from mock_idp.served import ServedIssuer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

ADMIN_TOKEN = "an-admin-token-of-tests"
POLICY = "policy: {allow_local_jwks: true, algorithms: [ES256]}\n"
COMMAND = (sys.executable, "-m", "scenarios")


@dataclass(frozen=True)
class Reply:
    """What a server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Api:
    """A running `touchstone api`; everything that it wrote is in `log` once it has ended."""

    def __init__(self, *arguments: str, env: Mapping[str, str] | None = None) -> None:
        # A pipe that nobody reads while the server runs would fill, and the server wait for its reader.
        self.log = ""
        self._stderr = TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - closed in _end
        pipes: Any = {"stdout": subprocess.PIPE, "stderr": self._stderr, "text": True}
        self.process: subprocess.Popen[str] = subprocess.Popen(
            [*COMMAND, "api", "--json", *arguments], env={**os.environ, **(env or {})}, **pipes
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self._end()
        self.ready: dict[str, Any] = json.loads(line)
        self.url: str = self.ready["url"]
        self.port = int(self.url.rpartition(":")[2])
        self._pool = urllib3.PoolManager(retries=False)

    def call(self, method: str, path: str, token: str | None = None, **more: Any) -> Reply:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        answer = self._pool.request(
            method, self.url + path, headers={**headers, **more.pop("headers", {})}, redirect=False, **more
        )
        return Reply(
            answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.data
        )

    def whoami(self, token: str) -> Any:
        """Return the answer if the token is accepted, else the status."""
        reply = self.call("GET", "/api/2.0/whoami", token)
        return reply.json() if reply.status == 200 else reply.status

    def admin(self, method: str, path: str, document: object = None) -> Reply:
        more = {} if document is None else {"body": json.dumps(document)}
        return self.call(method, f"/admin/{path}", ADMIN_TOKEN, **more)

    def onboard(self, idp: ServedIssuer, name: str = "i", *users: dict[str, Any], **changes: Any) -> Reply:
        integration = {
            "entity_id": f"urn:{name}",
            "issuer": idp.iss,
            "audience": idp.audience,
            "jwks_uri": idp.jwks_uri,
            **changes,
        }
        return self.admin("PUT", f"integrations/{name}", {"integration": integration, "users": list(users)})

    def raw(self, request: bytes) -> tuple[int, bytes]:
        """Send bytes as they are, and return the status and all that came back until the connection closed."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as line:
            line.sendall(request)
            line.shutdown(socket.SHUT_WR)
            answer = b""
            while part := line.recv(65536):
                answer += part
        return int(answer.split(b" ", 2)[1]), answer

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End the process and return its status; `log` has what it wrote on stderr."""
        self._pool.clear()
        if self.process.poll() is None:
            self.process.send_signal(number)
        self._end()
        return self.process.returncode

    def _end(self) -> str:
        self.process.communicate(timeout=30)
        if not self._stderr.closed:
            self._stderr.seek(0)
            self.log = self._stderr.read()
            self._stderr.close()
        return self.log

    def records(self) -> list[dict[str, Any]]:
        """Return the log, parsed."""
        return [json.loads(line) for line in self.log.splitlines()]


@dataclass
class Idps:
    """Issuers on one running mock IdP."""

    server: MockIdP
    made: list[ServedIssuer] = field(default_factory=list)

    def new(self, name: str = "generic", **wishes: Any) -> ServedIssuer:
        number = len(self.made)
        key = SigningKey.generate("ES256", kid=f"k{number}")
        options = {"issuer": f"https://idp{number}.example", "audience": "api", **wishes}
        issuer = Issuer(persona(name), KeyRing([key]), **options)
        self.server.add_issuer(f"/{number}", issuer)
        self.made.append(ServedIssuer(self.server, f"/{number}", issuer))
        return self.made[-1]


@pytest.fixture(scope="session")
def idps() -> Iterator[Idps]:
    server = MockIdP()
    with serve(server):
        yield Idps(server)


@pytest.fixture
def idp(idps: Idps) -> ServedIssuer:
    return idps.new()


def user_of(name: str, **more: Any) -> dict[str, Any]:
    """Return a user as the admin API takes it, whose External ID is the `sub` of the generic persona."""
    from mock_idp import Person

    return {"name": name, "external_id": Person.named(name).subject, **more}


@pytest.fixture(scope="session")
def user() -> Callable[..., dict[str, Any]]:
    return user_of


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Api]]:
    running: list[Api] = []
    (tmp_path / "policy.yaml").write_text(POLICY)

    def starter(*arguments: str, **more: Any) -> Api:
        config = () if "--config" in arguments else ("--config", str(tmp_path / "policy.yaml"))
        running.append(Api("--admin-token", ADMIN_TOKEN, *config, *arguments, **more))
        return running[-1]

    yield starter
    for api in running:
        if api.process.poll() is None:
            api.process.kill()
        api.stop()


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """Run one API for all tests of a module, each of which onboards an IdP of its own."""
    config = tmp_path_factory.mktemp("api") / "policy.yaml"
    config.write_text(POLICY)
    made = Api("--admin-token", ADMIN_TOKEN, "--config", str(config))
    yield made
    made.stop()
    assert "Traceback" not in made.log
    assert all(record["level"] != "error" for record in made.records()), made.log


@dataclass(frozen=True)
class Door:
    """An API that has onboarded an IdP, and a good token of its user ann."""

    api: Api
    idp: ServedIssuer
    name: str
    token: str


@pytest.fixture
def door(api: Api, idp: ServedIssuer) -> Door:
    name = idp.path.strip("/")
    done = api.onboard(idp, name, user_of("ann"), user_of("bob"))
    assert done.status == 200, done.body
    return Door(api, idp, name, idp.mint("ann"))
