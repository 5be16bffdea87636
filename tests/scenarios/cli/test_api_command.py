"""`touchstone api` as a user starts it: its options, its file, its mistakes, its end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import urllib3

from mock_idp import SigningKey, certificate, certificate_pem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

COMMAND = (sys.executable, "-m", "scenarios", "api")
TOKEN = "an-admin-token-of-tests"
GUIDE = Path(__file__).parents[3] / "docs" / "api.md"


def run(*arguments: str, env: Mapping[str, str] | None = None) -> str:
    """Return the line that a mistake of usage ends with."""
    ran = subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, **(env or {})},
    )
    assert (ran.returncode, ran.stdout) == (2, ""), ran.stderr
    assert "Traceback" not in ran.stderr
    return ran.stderr.splitlines()[-1]


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[str]]]:
    running: list[subprocess.Popen[str]] = []
    yield running
    for process in running:
        process.kill()
        process.communicate()


def begin(
    processes: list[subprocess.Popen[str]], *arguments: str, env: Mapping[str, str] | None = None
) -> tuple[subprocess.Popen[str], str]:
    """Start the command; return the process and its first line."""
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process: subprocess.Popen[str] = subprocess.Popen(
        [*COMMAND, *arguments], env={**os.environ, **(env or {})}, **pipes
    )
    processes.append(process)
    assert process.stdout
    return process, process.stdout.readline()


@pytest.mark.parametrize("number,status", [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_it_says_that_it_is_ready_and_ends_cleanly_with_a_connection_open(
    processes: list[subprocess.Popen[str]], number: int, status: int
) -> None:
    process, line = begin(processes)

    port = int(line.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(12) == b"HTTP/1.1 200"
        process.send_signal(number)
        out, err = process.communicate(timeout=30)

    assert line.startswith("touchstone api: ready at http://127.0.0.1:")
    assert (process.returncode, out, err) == (status, "", "")


def test_the_ready_line_may_be_json(processes: list[subprocess.Popen[str]]) -> None:
    _, line = begin(processes, "--json")

    assert json.loads(line).keys() == {"ready", "url", "admin"}


@pytest.mark.parametrize("way", ["option", "file", "variable"])
def test_the_admin_token_is_given_in_three_ways(
    processes: list[subprocess.Popen[str]], tmp_path: Path, way: str
) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    arguments = {
        "option": ("--admin-token", TOKEN),
        "file": ("--admin-token-file", str(file)),
        "variable": (),
    }
    env = {"TOUCHSTONE_ADMIN_TOKEN": TOKEN} if way == "variable" else {}

    _, line = begin(processes, "--json", *arguments[way], env=env)

    with urllib3.PoolManager() as pool:
        url = f"{json.loads(line)['url']}/admin/integrations"
        assert pool.request("GET", url, headers={"Authorization": f"Bearer {TOKEN}"}).status == 200


def test_a_port_in_use_is_one_line(processes: list[subprocess.Popen[str]]) -> None:
    _, line = begin(processes)
    port = line.strip().rpartition(":")[2]

    assert f"127.0.0.1 port {port}: Address already in use (--port 0 takes a free one)" in run("--port", port)


@pytest.mark.parametrize(
    "arguments,said",
    [
        (("--admin-token", "short"), "at least 16 characters"),
        (("--admin-token", ""), "--admin-token is empty"),
        (("--admin-token-file", os.devnull), f"'{os.devnull}' is empty"),
        (("--admin-token", "with a space in it ..."), "letters, digits"),
        (("--admin-token", TOKEN, "--admin-token-file", "x"), "either --admin-token or"),
        (("--admin-token-file", "no-such-file"), "No such file"),
        (("--tls-cert", "x"), "go together"),
        (("--tls-cert", "x", "--tls-key", "y"), "No such file"),
        (("--trusted-proxy", "proxy.example"), "no address or network"),
        (("--config", "no-such-file"), "No such file"),
        (("--host", "203.0.113.1"), "203.0.113.1 port"),
        (("--port", "70000"), "70000"),
    ],
)
def test_wrong_usage_is_one_line(arguments: tuple[str, ...], said: str) -> None:
    assert said in run(*arguments)


def test_files_that_are_no_certificate_and_its_key_are_one_line(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text("x")

    line = run("--tls-cert", str(tmp_path / "a"), "--tls-key", str(tmp_path / "b"))

    assert "are no certificate and its key" in line


INTEGRATION = (
    "{id: i, entity_id: 'urn:i', issuer: 'https://i.example', audience: api, certificates: [{pem: PEM}]"
)


@pytest.mark.parametrize(
    "text,place,said",
    [
        ("policy:\n  leeway: 1", ":2:3:", "did you mean 'leeway_s'?"),
        ("policy:\n  leeway_s: 301", ":2:3:", "from 0 to 300"),
        ("policy:\n  leeway_s: x", ":2:3:", "a whole number"),
        ("policy:\n  algorithms: [HS256]", ":2:3:", "'HS256' is not supported; choose from RS256"),
        ("integrations:\n- {entity_id: x}", ":2:3:", "'id' is missing"),
        (f"integrations:\n- {INTEGRATION}, colour: red}}", ":2:", "unknown field 'colour'"),
        (f"integrations:\n- {INTEGRATION}}}", ":2:", "shared_secret"),
        ("integrations:\n- id: i\n  entity_id: urn:i\n  issuer: qas\n", ":2:3:", "keys_missing"),
        ("integrations:\n- id: i\n  certificates:\n  - {file: none.pem}\n", ":4:6:", "No such file"),
        ("integrations:\n- id: i\n  certificates:\n  - {kid: k}\n", ":4:5:", "either 'pem' or 'file'"),
        ("integrations: [", ":2:1:", "not YAML"),
        ("a: 1\na: 2", ":2:1:", "a"),
    ],
)
def test_a_mistake_in_the_file_is_named_with_its_place(
    tmp_path: Path, text: str, place: str, said: str
) -> None:
    file = tmp_path / "api.yaml"
    file.write_text(text)

    line = run("--config", str(file))

    assert line.startswith(f"{file}{place}")
    assert said in line


def test_the_file_sets_up_policy_integrations_and_users(
    processes: list[subprocess.Popen[str]], tmp_path: Path
) -> None:
    key = SigningKey.generate("ES256", kid="k")
    (tmp_path / "k.pem").write_bytes(certificate_pem(certificate(key)))
    file = tmp_path / "api.yaml"
    file.write_text(
        "policy: {algorithms: [ES256], leeway_s: 10}\nintegrations:\n"
        "- {id: i, entity_id: 'urn:i', issuer: 'https://i.example', audience: api, selected: [k],\n"
        "   certificates: [{kid: k, file: k.pem}], users: [{name: ann, external_id: a}]}\n"
        "- {id: off, entity_id: 'urn:off', issuer: 'https://off.example', audience: api, active: false,\n"
        "   certificates: [{kid: k, file: k.pem}], users: [{name: ann, external_id: a}]}\n"
        "- {id: down, entity_id: 'urn:down', issuer: 'https://down.example', audience: api,\n"
        "   jwks_uri: 'https://127.0.0.1:1/jwks'}\n"
    )
    refused = run("--config", str(file))
    file.write_text(file.read_text().replace("policy: {", "policy: {allow_local_jwks: true, "))

    _, line = begin(processes, "--json", "--config", str(file), "--admin-token", TOKEN)

    url = json.loads(line)["url"]
    with urllib3.PoolManager() as pool:
        found = pool.request(
            "GET", f"{url}/api/2.0/whoami", headers={"Authorization": f"Bearer {token(key, 'i')}"}
        )
        off = pool.request(
            "GET", f"{url}/api/2.0/whoami", headers={"Authorization": f"Bearer {token(key, 'off')}"}
        )
        admin = pool.request("GET", f"{url}/admin/integrations", headers={"Authorization": f"Bearer {TOKEN}"})
    assert f"{file}:8:4: jwks_url" in refused
    assert (found.status, found.json()["user"], off.status) == (200, "ann", 401)
    assert admin.json()["integrations"] == ["down", "i", "off"]


def token(key: SigningKey, name: str) -> str:
    from mock_idp import Issuer, KeyRing, Person, persona

    issuer = Issuer(persona("generic"), KeyRing([key]), issuer=f"https://{name}.example", audience="api")
    return issuer.mint(Person.named("x"), claims={"sub": "a"})


def test_the_file_of_the_guide_is_taken_with_its_idp_away(
    processes: list[subprocess.Popen[str]], tmp_path: Path
) -> None:
    text = GUIDE.read_text(encoding="utf-8").partition("```yaml\n")[2].partition("```")[0]
    file = tmp_path / "api.yaml"
    file.write_text(
        text.replace("https://login.contoso.example/jwks", "https://127.0.0.1:1/jwks").replace(
            "leeway_s: 30", "leeway_s: 30\n  allow_local_jwks: true"
        )
    )

    _, line = begin(processes, "--config", str(file))

    assert "ready" in line


def test_the_guide_names_every_option() -> None:
    from scenarios.cli.api_command import command

    text = GUIDE.read_text(encoding="utf-8")

    assert all(option in text for parameter in command.params for option in parameter.opts)


def test_help_imports_no_server() -> None:
    code = (
        "import sys; from scenarios.cli import main\n"
        "try: main(['api', '--help'])\n"
        "except SystemExit: print(*sys.modules)"
    )

    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    loaded = set(ran.stdout.split())
    assert not {"uvicorn", "jwt", "cryptography", "sqlite3", "msgspec", "asyncio"} & loaded
