"""The hooks of frameworks: the example APIs behind the servers that people run them with."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

import pytest
import urllib3

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mock_idp.served import ServedIssuer
    from tests.api.conftest import Idps

EXAMPLES = Path(__file__).parents[2] / "examples" / "apis"
UVICORN = """
import socket, sys, uvicorn, logging
sys.path.insert(0, sys.argv[1])
logging.basicConfig(level=logging.DEBUG)
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
uvicorn.Server(uvicorn.Config(f"{sys.argv[2]}:app", log_config=None)).run([listener])
"""
WERKZEUG = """
import importlib, sys, logging
sys.path.insert(0, sys.argv[1])
logging.basicConfig(level=logging.DEBUG)
from werkzeug.serving import make_server
server = make_server("127.0.0.1", 0, importlib.import_module(sys.argv[2]).app, threaded=True)
print(server.server_port, flush=True)
server.serve_forever()
"""
SERVERS = {"asgi_app": UVICORN, "fastapi_app": UVICORN, "flask_app": WERKZEUG}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Example:
    """One example API that runs, the IdP that it trusts, and what it logs."""

    def __init__(self, name: str, idp: ServedIssuer, ann: str) -> None:
        self.idp = idp
        self._log = TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - closed in stop
        variables = {"IDP_ISSUER": idp.iss, "IDP_JWKS": idp.jwks_uri, "ANN": ann}
        pipes: Any = {"stdout": subprocess.PIPE, "stderr": self._log, "text": True}
        command = [sys.executable, "-c", SERVERS[name], str(EXAMPLES), name]
        self._process = subprocess.Popen(command, env={**os.environ, **variables}, **pipes)
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, self.stop()
        self.port = int(line)

    def call(self, method: str = "GET", path: str = "/hello", token: str | None = None, **more: Any) -> Any:
        headers = ({} if token is None else {"Authorization": f"Bearer {token}"}) | more.pop("headers", {})
        with urllib3.PoolManager(retries=False) as pool:
            return pool.request(method, f"http://127.0.0.1:{self.port}{path}", headers=headers, **more)

    def raw(self, *lines: str) -> int:
        head = "\r\n".join(("GET /hello HTTP/1.1", "Host: x", "Connection: close", *lines, "", ""))
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            connection.sendall(head.encode())
            return int(connection.recv(65536).split(b" ", 2)[1])

    def stop(self) -> str:
        self._process.kill()
        self._process.communicate()
        self._log.seek(0)
        with self._log:
            return self._log.read()


@pytest.fixture(scope="module", params=SERVERS)
def example(request: pytest.FixtureRequest, idps: Idps, user: Any) -> Iterator[Example]:
    made = Example(request.param, idps.new(), user("ann")["external_id"])
    yield made
    made.stop()


def test_a_good_token_gets_its_user_and_a_public_path_needs_none(example: Example) -> None:
    token = example.idp.mint("ann")

    replies = [example.call(method, token=token) for method in ("GET", "POST")]

    assert [(reply.status, reply.json()) for reply in replies] == [(200, {"hello": "ann"})] * 2
    assert example.call(path="/health").json() == {"hello": "world"}


def test_without_a_token_there_is_a_challenge(example: Example) -> None:
    reply = example.call()

    assert (reply.status, reply.headers["www-authenticate"]) == (401, 'Bearer realm="api"')


def test_a_bad_token_an_unknown_user_and_another_place_open_nothing(example: Example) -> None:
    good = example.idp.mint("ann")

    replies = [
        example.call(token=good[:-6] + "AAAAAA"),
        example.call(token=example.idp.mint("bob")),
        example.call(headers={"X-Forwarded-Authorization": f"Bearer {good}"}),
        example.call(path=f"/hello?access_token={good}"),
        example.call("POST", body=f"access_token={good}", headers=FORM),
    ]

    assert [reply.status for reply in replies] == [401] * 5
    assert replies[0].data == replies[1].data
    assert 'error="invalid_token"' in replies[0].headers["www-authenticate"]


def test_two_credentials_are_a_bad_request(example: Example) -> None:
    good = example.idp.mint("ann")
    line = f"Authorization: Bearer {good}"

    statuses = [
        example.raw(line, line),
        example.raw("Authorization: Basic YTpi", line),
        example.raw(f"Authorization: Bearer {good}, Bearer {good}"),
        example.call(path=f"/hello?access_token={good}", token=good).status,
        example.call("POST", token=good, body=f"a=b&access_token={good}", headers=FORM).status,
    ]

    assert statuses == [400] * 5


def test_a_form_reaches_the_app_although_it_was_looked_at(idps: Idps, user: Any) -> None:
    flask = Example("flask_app", idps.new(), user("ann")["external_id"])
    try:
        reply = flask.call("POST", token=flask.idp.mint("ann"), body="a=b&c=d", headers=FORM)
        assert reply.json() == {"hello": "ann", "a": "b", "c": "d"}
    finally:
        flask.stop()


@pytest.mark.parametrize("name", SERVERS)
def test_no_token_is_logged_at_any_level(idps: Idps, user: Any, name: str) -> None:
    example = Example(name, idps.new(), user("ann")["external_id"])
    tokens = [example.idp.mint("ann"), example.idp.mint("bob")]
    for token in tokens:
        example.call(token=token)

    log = example.stop()

    assert "accepted" in log
    assert "refused" in log
    assert not any(token.rpartition(".")[2] in log for token in tokens)
