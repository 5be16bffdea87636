"""`touchstone idp` and `touchstone mint` as a user starts them."""

import base64
import json
import os
import re
import shlex
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
import urllib3
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from mock_idp import fixed_key

COMMAND = (sys.executable, "-m", "scenarios")

Start = Callable[..., "Served"]


class Served:
    """A running `touchstone idp`."""

    def __init__(self, arguments: tuple[str, ...]) -> None:
        pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        self.process: subprocess.Popen[str] = subprocess.Popen(
            [*COMMAND, "idp", "--json", *arguments], **pipes
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate()[1]
        self.ready: dict[str, Any] = json.loads(line)
        self.url: str = self.ready["url"]

    def get(self, path: str, **more: Any) -> Any:
        with urllib3.PoolManager(retries=False, **more) as pool:
            answer = pool.request("GET", self.url + path)
            assert answer.status == 200, answer.data
            return answer.json()

    def kids(self, path: str = "/jwks") -> list[str]:
        return [entry["kid"] for entry in self.get(path)["keys"]]

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, out, err


@pytest.fixture
def start() -> Iterator[Start]:
    running: list[Served] = []

    def starter(*arguments: str) -> Served:
        running.append(Served(arguments))
        return running[-1]

    yield starter
    for served in running:
        if served.process.poll() is None:
            served.process.kill()
        served.process.communicate()


def is_one_line(errors: str) -> bool:
    """Whether an error is one line that says whose it is, and no traceback."""
    return errors.count("\n") == 1 and errors.startswith("touchstone")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=False, timeout=60)


def test_it_says_where_it_is_ready_and_answers_there(start: Start) -> None:
    served = start()

    metadata = served.get("/.well-known/openid-configuration")

    assert served.get("/_health") == {"status": "ok"}
    assert metadata["issuer"] == served.url == served.ready["issuers"][0]["issuer"]
    assert served.get(metadata["jwks_uri"].removeprefix(served.url))["keys"][0]["alg"] == "RS256"


def test_the_ready_line_is_text_by_default() -> None:
    process = subprocess.Popen([*COMMAND, "idp"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    process.terminate()
    out, err = process.communicate(timeout=20)

    assert line.startswith("touchstone idp: ready at http://127.0.0.1:")
    assert (process.returncode, out, err) == (0, "", "")


@pytest.mark.parametrize("number,status", [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_stops_it_cleanly_with_connections_open(start: Start, number: int, status: int) -> None:
    served = start()
    port = int(served.url.rpartition(":")[2])

    with socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall(b"GET /jwks HTTP/1.1\r\nHost: x\r\n\r\n")
        assert line.recv(9) == b"HTTP/1.1 "
        assert served.stop(number) == (status, "", "")


def test_a_signal_stops_it_cleanly_while_an_answer_drips(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "idp.yaml"
    file.write_text("issuers: [{faults: [{at: jwks, is: {drip_feed: 60}}]}]")
    served = start("--config", str(file))
    port = int(served.url.rpartition(":")[2])

    with socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall(b"GET /jwks HTTP/1.1\r\nHost: x\r\n\r\n")
        assert line.recv(9) == b"HTTP/1.1 "
        assert served.stop() == (0, "", "")


def test_a_port_in_use_is_one_line_and_status_2(start: Start) -> None:
    port = start().url.rpartition(":")[2]

    ran = run("idp", "--port", port)

    assert (ran.returncode, ran.stdout) == (2, "")
    assert f"127.0.0.1 port {port}: Address already in use; --port 0 takes a free one" in ran.stderr
    assert is_one_line(ran.stderr)


def test_several_personas_get_a_path_each(start: Start) -> None:
    served = start("--persona", "entra-v2", "--persona", "okta", "--fixed-keys")

    assert [found["path"] for found in served.ready["issuers"]] == ["/entra-v2", "/okta"]
    assert served.kids("/entra-v2/jwks")
    assert served.kids("/okta/jwks")


def test_the_issuer_is_exactly_what_was_configured(start: Start) -> None:
    served = start("--issuer", "https://idp.example/x/", "--audience", "api", "--fixed-keys")

    assert served.get("/.well-known/openid-configuration")["issuer"] == "https://idp.example/x/"
    assert served.ready["issuers"][0]["audience"] == "api"


def test_keys_are_fresh_in_each_process_unless_fixed_ones_are_asked_for(start: Start) -> None:
    fresh = [start().kids() for _ in range(2)]
    fixed = [start("--fixed-keys").kids() for _ in range(2)]

    assert fresh[0] != fresh[1]
    assert fixed == [["a"], ["a"]]


def test_https_is_trusted_by_the_ca_that_it_writes_out(start: Start, tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    served = start("--https", "--ca-out", str(ca), "--fixed-keys")

    context = ssl.create_default_context(cafile=str(ca))

    assert served.url.startswith("https://127.0.0.1:")
    assert served.get("/_health", ssl_context=context) == {"status": "ok"}


def test_two_processes_with_one_state_file_serve_the_same_keys(start: Start, tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    one, other = (start("--state", str(state)) for _ in range(2))

    assert one.kids() == other.kids()
    assert state.stat().st_mode & 0o777 == 0o600
    one.stop()
    assert start("--state", str(state)).kids() == other.kids()


CONFIG = """\
people: [{username: zoe, claims: {groups: [qa]}}]
issuers:
  - path: /a
    persona: entra-v2
    algs: [ES256, RS256]
    rotation: {every: 3600, overlap: 600, ahead: 300}
  - path: /b
    issuer: https://b.example
    keys: [{alg: ES384, kid: k1}, {alg: ES384, fixed: b, state: retiring}]
    clients: [{id: app, secret: s3cret}]
    people: {count: 3, seed: 7}
    faults: [{at: jwks, is: {status: 503, retry_after: 1}, times: 1}]
"""


def test_a_configuration_file_says_all(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "idp.yaml"
    file.write_text(CONFIG)
    served = start("--config", str(file))

    with urllib3.PoolManager(retries=False) as pool:
        assert pool.request("GET", served.url + "/b/jwks").status == 503
    assert served.kids("/b/jwks") == ["k1", "b"]
    assert len(served.kids("/a/jwks")) == 2
    assert served.ready["issuers"][1]["issuer"] == "https://b.example"


WRONG_CONFIGS = [
    ("issuers:\n  - {path: /a, persna: okta}", ":2:16: unknown field 'persna' (did you mean 'persona'?)"),
    ("issuers:\n  - path: /a\n    persona: okt", ":3:5: unknown persona 'okt': did you mean 'okta'?"),
    ("issuers:\n  - path: a", ":2:5: a path starts with a slash"),
    ("issuers:\n  - path: /a b", ":2:5: a path is spelled as in a URL"),
    ("issuers:\n  - path: /_admin/x", ":2:5: the path '/_admin/x' belongs to the server itself"),
    ("base_url: idp.example", ":1:1: the address of a server is like https://idp.example:8443"),
    ("browser_url: 'http://[::1'", ":1:1: the address of a server is like"),
    ("issuers:\n  - algs: [RS265]", ":2:12: 'algs': 'RS265' is no word for it (did you mean 'RS256'?)"),
    ("issuers:\n  - {}\n  - {}", ":3:5: two issuers have the path ''"),
    ("issuers:\n  - keys:\n      - fixed: zzz", ":3:9: no fixed key 'zzz'"),
    ("issuers:\n  - keys:\n      - bits: 17", ":3:9: an RSA key has 1024 to 8192 bits"),
    ("issuers:\n  - rotation: {every: 0}", ":2:5: keys rotate"),
    ("issuers:\n  - faults:\n      - {at: jwks, is: html}", ":3:9: unknown fault 'html'"),
    ("issuers:\n  - faults:\n      - {at: jkws, is: html_page}", ":3:9: no endpoint 'jkws'"),
    ("people: {count: 10001}", ":1:1: between 0 and 10000 people"),
    (
        "issuers:\n  - clients:\n      - {id: a, grants: [passwrd]}",
        ":3:9: unknown grant type 'passwrd': did you mean",
    ),
    ("issuers:\n  - keys:\n      - {alg: PS512, bits: 1024}", ":3:9: key"),
    ("issuers:\n  - auto_login: zzz", ":2:5: nobody who could sign in"),
    ("people:\n  - {username: a b}", ":2:6: a user name has"),
    ("base_url: nonsense", ":1:1: the address of a server is like https://idp.example:8443, not 'nonsense'"),
    ("issuers: [", ":2:1: this is not YAML"),
    ("issuers: 3", ":1:1: 'issuers': expected a list, got a whole number"),
]


@pytest.mark.parametrize("text,error", WRONG_CONFIGS)
def test_a_mistake_in_the_configuration_is_named_where_it_stands(
    tmp_path: Path, text: str, error: str
) -> None:
    file = tmp_path / "idp.yaml"
    file.write_text(text)

    ran = run("idp", "--config", str(file))

    assert (ran.returncode, ran.stdout) == (2, "")
    assert f"{file}{error}" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    "arguments,error",
    [
        (("--persona", "okt"), "did you mean 'okta'"),
        (("--config", "/nonexistent"), "No such file"),
        (("--config", "x", "--persona", "okta"), "leave --persona"),
        (("--host", "203.0.113.1", "--admin"), "needs --admin-token"),
        (("--https", "--tls-flaw", "expird"), "did you mean 'expired'"),
        (
            ("--base-url", "nonsense"),
            "--base-url: the address of a server is like https://idp.example:8443, not 'nonsense'",
        ),
        (("--ca-out", "x"), "go with --https"),
        (("--host", "203.0.113.1"), "203.0.113.1 port 0: "),
        (("--state", "/nonexistent/state"), "No such file"),
        (("--https", "--ca-out", "/nonexistent/ca.pem"), "'/nonexistent/ca.pem'"),
        (
            ("--base-url", "idp:8080"),
            "the address of a server is like https://idp.example:8443, not 'idp:8080'",
        ),
        (("--base-url", "http://idp/?x"), "the address of a server is like"),
        (("--port", "65536"), "'--port': 65536 is not in the range"),
        (("--prot", "0"), "'--prot'"),
        (("okta",), "unexpected extra argument (okta)"),
        (("--persona", "okta", "--persona", "okta"), "two issuers have the path '/okta'"),
    ],
)
def test_wrong_usage_is_status_2_and_says_what_is_wrong(arguments: tuple[str, ...], error: str) -> None:
    ran = run("idp", *arguments)

    assert (ran.returncode, ran.stdout) == (2, "")
    assert error in ran.stderr
    assert is_one_line(ran.stderr)


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"format":"zzz"}', '{"format":1}', "\udcff"])
def test_a_state_file_that_is_none_is_refused_and_kept(tmp_path: Path, content: str) -> None:
    state = tmp_path / "state.json"
    state.write_bytes(content.encode(errors="surrogateescape"))

    ran = run("idp", "--state", str(state))

    assert (ran.returncode, ran.stdout) == (2, "")
    assert str(state) in ran.stderr
    assert state.read_bytes() == content.encode(errors="surrogateescape")


def test_mint_prints_a_token_that_the_served_keys_verify(start: Start) -> None:
    served = start("--fixed-keys", "--issuer", "https://idp.example", "--audience", "api")

    ran = run(
        "mint", "--issuer", "https://idp.example", "--audience", "api", "--claim", "tier=3", "--claim", "x=y"
    )

    key = jwt.PyJWKClient(served.url + "/jwks").get_signing_key_from_jwt(ran.stdout.strip())
    claims = jwt.decode(ran.stdout.strip(), key, ["RS256"], audience="api", issuer="https://idp.example")
    assert (ran.stderr, claims["tier"], claims["x"]) == ("", 3, "y")


def test_mint_is_the_same_for_the_same_arguments() -> None:
    arguments = (
        "mint",
        "--alg",
        "ES256",
        "--key",
        "b",
        "--now",
        "1767225600",
        "--lifetime",
        "60",
        "--user",
        "zoe",
    )

    tokens = {run(*arguments).stdout for _ in range(2)}

    (token,) = tokens
    claims = jwt.decode(token.strip(), options={"verify_signature": False})
    assert (claims["iat"], claims["exp"]) == (1767225600, 1767225660)


def test_mint_forges_by_name() -> None:
    ran = run("mint", "--forge", "none_alg", "--forge", "whitespace")

    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.count(".") == 2


@pytest.mark.parametrize(
    "arguments,error",
    [
        (("--forge", "none_agl"), "did you mean 'none_alg'"),
        (("--persona", "okt"), "did you mean 'okta'"),
        (("--key", "zzz"), "no fixed key 'zzz'"),
        (("--alg", "RS265"), "unknown algorithm 'RS265'"),
        (("--claim", "x"), "takes NAME=VALUE"),
        (("--persona", "entra-v2", "--claim", "sub=x"), "lets nobody set sub"),
        (("--now", "nan"), "'nan' is no number of seconds since the epoch"),
        (("--now", "inf"), "'inf' is no number of seconds since the epoch"),
        (("--forge", "claims_missing=zzz"), "--forge claims_missing: there is no claim 'zzz' to take out"),
        (("--forge", "claims_missing=subb"), "did you mean 'sub'?"),
        (("--forge", 'header_members={"set": {"alg": "RS256"}}'), "it leaves the token as it was"),
        (("--forge", "segments"), "--forge segments: needs an argument (there are one, two"),
        (("--forge", "segments=tow"), "--forge segments: no such form: 'tow'; did you mean 'two'?"),
        (("--forge", "kid_of_other_key"), "--forge kid_of_other_key: needs a second published key"),
        (("--forge", "rsa_signature=zero", "--alg", "ES256"), "--forge rsa_signature: needs an RSA key"),
        (("--kind", "refresh"), "'refresh' is not one of"),
    ],
)
def test_wrong_words_to_mint_are_status_2_with_the_nearest(arguments: tuple[str, ...], error: str) -> None:
    ran = run("mint", *arguments)

    assert (ran.returncode, ran.stdout) == (2, "")
    assert error.lower() in ran.stderr.lower()
    assert is_one_line(ran.stderr)


def test_every_mint_command_of_the_guide_prints_a_token() -> None:
    guide = (Path(__file__).parents[3] / "docs" / "mock-idp.md").read_text(encoding="utf-8")
    commands = re.findall(r"^touchstone (mint .+)$", guide, re.MULTILINE)
    commands += [" ".join(found.split()) for found in re.findall(r"`touchstone (mint [^`]+)`", guide)]

    for command in commands:
        ran = run(*shlex.split(command, comments=True))
        assert (ran.returncode, ran.stderr, ran.stdout.count(".")) == (0, "", 2), command
    assert len(commands) == 5


def test_mint_publishes_further_keys_beside_the_one_that_signs() -> None:
    ran = run("mint", "--key", "b", "--key", "a", "--forge", "kid_of_other_key")

    signed, _, signature = ran.stdout.strip().rpartition(".")
    public = fixed_key("b").private.public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    public.verify(
        base64.urlsafe_b64decode(signature + "=="), signed.encode(), padding.PKCS1v15(), hashes.SHA256()
    )
    assert jwt.get_unverified_header(ran.stdout.strip())["kid"] == "a"


def test_help_imports_neither_a_server_nor_the_idp() -> None:
    code = "import sys\nfrom scenarios.cli import cli\ntry: cli.main(['idp','--help'])\nexcept SystemExit: pass\n"
    code += (
        "print([m for m in ('uvicorn','asyncio','mock_idp','cryptography','msgspec') if m in sys.modules])"
    )

    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ}
    )

    assert ran.stdout.endswith("[]\n")
    assert "--config FILE" in ran.stdout
