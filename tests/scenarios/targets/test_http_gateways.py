"""A gateway that only proxies, before the upstream that ships: configured by hand, its keys by URL, HTTPS or file."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scenarios.results import Kind
from scenarios.run import run
from scenarios.stage import Lab
from scenarios.tables.load import shipped
from scenarios.targets.http.channel import HttpChannel
from scenarios.targets.target_file import load_target, open_target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scenarios.results import Result

GATEWAY = Path(__file__).parent / "liars" / "gateway.py"
ASKED = (
    "claims/issuer/equal",
    "http/carriers/query-access-token",
    "http/credentials/no-scheme",
    "operations/parallel/same-token",
    "operations/parallel/good-and-bad",
)
TARGET = """\
adapter: http
http:
  url: "http://127.0.0.1:{{port}}"
  endpoints: [/]
  connection: fresh
  claims: {claims}
  start: {{command: [python, "{gateway}", "{{port}}", {jwks}, "{upstream}"{more}]}}
  fixed: {fixed}
profile:
  keys: {keys}
  algorithms: [RS256]
timeouts: {{start_s: 30, answer_s: 20}}
"""


@pytest.fixture
def upstream() -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "scenarios", "echo"], stdout=subprocess.PIPE, encoding="utf-8"
    )
    assert process.stdout is not None
    yield process.stdout.readline().rpartition(" ")[2].strip()
    process.terminate()
    process.communicate(timeout=30)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def ask(path: Path, *names: str) -> dict[str, Result]:
    scenarios = shipped()
    wanted = [scenario for name, scenario in scenarios.items() if name in names]
    assert wanted
    session = open_target(load_target(path))
    session.start()
    try:
        with Lab() as lab:
            return {result.id: result for result in run(wanted, scenarios, session, lab)}
    finally:
        session.close()


@pytest.mark.parametrize(
    "form, claims",
    [
        ("http", "{json: /claims}"),
        ("https", "{json: /headers/x-claims, decode: base64url_json}"),
        ("file", "{json: /claims}"),
    ],
)
def test_a_gateway_is_asked_by_what_it_passes_on(
    tmp_path: Path, upstream: str, form: str, claims: str
) -> None:
    port = free_port()
    path = tmp_path / "target.yaml"
    by = {
        "http": (f"http://127.0.0.1:{port}/jwks", f"{{jwks: {{port: {port}}}}}", "[jwks_uri]", ""),
        "https": (
            f"https://127.0.0.1:{port}/jwks",
            f"{{jwks: {{port: {port}, tls: true, ca_file: ca.pem}}}}",
            "[jwks_uri]",
            ", ca.pem",
        ),
        "file": ("{folder}/keys.json", '{files: {keys.json: "${jwks}"}}', "[jwks]", ""),
    }
    jwks, fixed, keys, more = by[form]
    path.write_text(
        TARGET.format(
            claims=claims,
            gateway=GATEWAY,
            jwks=f'"{jwks}"',
            upstream=upstream,
            more=more,
            fixed=fixed,
            keys=keys,
        )
    )

    results = ask(path, *ASKED)

    outcomes = {name: (result.outcome, result.message) for name, result in results.items()}
    bad = {name: said for name, said in outcomes.items() if said[0] not in (Kind.PASS, Kind.NOT_APPLICABLE)}
    assert bad == {}
    asked = {name for name, said in outcomes.items() if said[0] is Kind.PASS}
    assert asked == set(ASKED)


def test_a_jwks_url_with_a_flawed_certificate_is_not_passed_on_as_a_good_one(
    tmp_path: Path, upstream: str
) -> None:
    port, path = free_port(), tmp_path / "target.yaml"
    path.write_text(
        TARGET.format(
            claims="{json: /claims}",
            gateway=GATEWAY,
            jwks=f'"https://127.0.0.1:{port}/jwks"',
            upstream=upstream,
            more=", ca.pem",
            fixed=f"{{jwks: {{port: {port}, tls: true, ca_file: ca.pem}}}}",
            keys="[jwks_uri, https_only]",
        )
    )

    results = ask(path, "keys/transport/tls", "keys/transport/tls-expired", "claims/issuer/equal")

    assert "does not support a JWKS URL with another TLS" in results["keys/transport/tls-expired"].message
    assert {name: result.outcome for name, result in results.items()} == {
        "claims/issuer/equal": Kind.PASS,
        "keys/transport/tls": Kind.PASS,
        "keys/transport/tls-expired": Kind.NOT_APPLICABLE,
    }


def test_a_port_that_somebody_has_is_named(tmp_path: Path) -> None:
    path = tmp_path / "target.yaml"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        text = TARGET.format(
            claims="{json: /claims}",
            gateway=GATEWAY,
            jwks="x",
            upstream="x",
            more="",
            fixed=f"{{jwks: {{port: {port}}}}}",
            keys="[jwks_uri]",
        )
        path.write_text(text)
        spec = load_target(path)
        assert spec.http is not None
        channel = HttpChannel(spec.http, folder=tmp_path)

        with pytest.raises(Exception, match=f"the port {port}, at which the JWKS is to be served"):
            channel.open()
        channel.close()


def test_what_an_operator_has_configured_is_not_said_to_be_taken_away(tmp_path: Path) -> None:
    """It would go on to serve, and a scenario that takes it away would blame the target for that."""
    path = tmp_path / "target.yaml"
    with socket.create_server(("127.0.0.1", 0)) as api:
        path.write_text(
            f"adapter: http\nhttp: {{url: 'http://127.0.0.1:{api.getsockname()[1]}', endpoints: [/], "
            "user: {json: /user}, fixed: {}}\n"
        )
        spec = load_target(path)
        assert spec.http is not None
        channel = HttpChannel(spec.http, folder=tmp_path)
        channel.open()

        answer = channel.ask({"seq": 1, "cmd": "offboard", "id": "i-1"}, 5.0)
        channel.close()

    assert answer == {"seq": 1, "verdict": "unsupported", "capability": "offboard"}
