"""How fast `touchstone idp` starts and answers, next to three other mock IdPs in the same run.

`python bench/idp.py [--runs N] [--seconds S] [--peers DIR]` installs the peers into a folder (a temporary one unless
named), measures everything in turns and prints medians and ratios. Absolute figures differ by machine; ratios carry
over. It needs `wrk`; a peer that cannot be installed is left out with a line that says so.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parent.parent
TOKENS = 20_000
GIVE_UP_S = 30.0
BASIC = ("Authorization", "Basic " + base64.b64encode(b"app:secret").decode())
CLIENT = "grant_type=client_credentials&client_id=app&scope=api"
"""For ours without a header, as a public client; a peer with a header takes the same body."""

BARE = """
import sys, uvicorn
body = open(sys.argv[2], "rb").read()
async def app(scope, receive, send):
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
uvicorn.run(app, port=int(sys.argv[1]), loop="asyncio", http="httptools", lifespan="off", log_config=None,
            access_log=False, server_header=False)
"""
OAUTH2_MOCK_SERVER = """
import { OAuth2Server } from 'oauth2-mock-server';
const server = new OAuth2Server();
await server.issuer.keys.generate(process.argv[3]);
await server.start(Number(process.argv[2]), '127.0.0.1');
"""
OIDC_PROVIDER = """
import { generateKeyPair, exportJWK } from 'jose';
import { Provider } from 'oidc-provider';
const [port, alg] = [Number(process.argv[2]), process.argv[3]];
const { privateKey } = await generateKeyPair(alg, { extractable: true });
const provider = new Provider(`http://127.0.0.1:${port}`, {
  jwks: { keys: [{ ...(await exportJWK(privateKey)), alg, use: 'sig', kid: 'k' }] },
  clients: [{ client_id: 'app', client_secret: 'secret', grant_types: ['client_credentials'],
              redirect_uris: [], response_types: [], id_token_signed_response_alg: alg }],
  features: {
    devInteractions: { enabled: false }, clientCredentials: { enabled: true },
    resourceIndicators: { enabled: true, defaultResource: () => 'urn:api', getResourceServerInfo: () => (
      { scope: 'api', accessTokenFormat: 'jwt', jwt: { sign: { alg } } }) },
  },
});
provider.listen(port, '127.0.0.1');
"""


@dataclass(frozen=True)
class Server:
    """One server to be measured."""

    name: str
    command: Callable[[int, str], list[str]]
    """What starts it, by port and algorithm."""
    jwks: str = "/jwks"
    token: str | None = "/token"  # noqa: S105 - a path
    algs: tuple[str, ...] = ("RS256", "ES256")
    body: Callable[[str], str] = lambda _url: CLIENT
    """The body of a token request, given the server's URL."""
    headers: tuple[tuple[str, str], ...] = ()
    folder: Path | None = None


def _refresh(url: str) -> str:
    """Log in at oidc-provider-mock, which has no client credentials, and return a request with a refresh token."""
    asked = {
        "client_id": "app",
        "redirect_uri": "http://127.0.0.1/",
        "response_type": "code",
        "scope": "openid offline_access",
    }
    login = urllib.request.Request(  # noqa: S310 - our own loopback address
        f"{url}/oauth2/authorize?{urllib.parse.urlencode(asked)}", b"sub=ann", method="POST"
    )
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        opener.open(login)
        raise RuntimeError("oidc-provider-mock did not redirect")
    except urllib.error.HTTPError as answer:
        location = answer.headers["location"]
    code = urllib.parse.parse_qs(urllib.parse.urlsplit(location).query)["code"][0]
    exchange = {"grant_type": "authorization_code", "code": code, "redirect_uri": "http://127.0.0.1/"}
    body = urllib.parse.urlencode(exchange).encode()
    asking = urllib.request.Request(f"{url}/oauth2/token", body, dict([BASIC]))  # noqa: S310 - as above
    with urllib.request.urlopen(asking) as answered:  # noqa: S310 - as above
        token = json.load(answered)["refresh_token"]
    return urllib.parse.urlencode({"grant_type": "refresh_token", "refresh_token": token})


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object, **__: object) -> None:
        return None


def servers(folder: Path) -> list[Server]:
    """Install the peers, and return what can be measured: ours first."""
    config = folder / "idp-{}.yaml"
    for alg in ("RS256", "ES256"):
        Path(str(config).format(alg)).write_text(f"issuers: [{{algs: [{alg}]}}]\n")

    def ours(port: int, alg: str) -> list[str]:
        found = str(config).format(alg)
        return [sys.executable, "-m", "scenarios", "idp", "--port", str(port), "--config", found]

    return [Server("touchstone idp", ours), *_python_peer(folder), *_node_peers(folder)]


def _python_peer(folder: Path) -> list[Server]:
    place = folder / "python"
    command = place / "bin" / "oidc-provider-mock"
    if not command.exists():
        python = [sys.executable, "-m", "venv", str(place)]
        pip = [str(place / "bin" / "pip"), "install", "--quiet", "oidc-provider-mock"]
        if not (_done(python) and _done(pip)):
            print("left out: oidc-provider-mock could not be installed (is there a registry?)")
            return []

    def start(port: int, _alg: str) -> list[str]:
        return [str(command), "--port", str(port)]

    return [
        Server(
            "oidc-provider-mock",
            start,
            token="/oauth2/token",  # noqa: S106 - a path
            algs=("RS256",),
            body=_refresh,
            headers=(BASIC,),
        )
    ]


def _node_peers(folder: Path) -> list[Server]:
    place = folder / "node"
    place.mkdir(exist_ok=True)
    scripts = {"oauth2-mock-server": OAUTH2_MOCK_SERVER, "oidc-provider": OIDC_PROVIDER}
    if not (place / "node_modules").exists():
        (place / "package.json").write_text('{"private": true, "type": "module"}')
        packages = ["oauth2-mock-server@8", "oidc-provider@9", "jose@6"]
        if not shutil.which("npm") or not _done(["npm", "install", "--silent", *packages], place):
            print(
                "left out: oauth2-mock-server and oidc-provider could not be installed (are npm and a registry there?)"
            )
            return []
    found = []
    for name, script in scripts.items():
        file = place / f"{name}.mjs"
        file.write_text(script)

        def start(port: int, alg: str, file: Path = file) -> list[str]:
            return ["node", str(file), str(port), alg]

        found.append(Server(name, start, headers=(BASIC,), folder=place))
    return found


def _done(command: list[str], folder: Path | None = None) -> bool:
    return subprocess.run(command, check=False, capture_output=True, cwd=folder).returncode == 0  # noqa: S603 - as written above


@contextmanager
def running(server: Server, alg: str) -> Iterator[tuple[str, int, float]]:
    """Start a server; give its URL, its process id and the seconds until its first answer."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [*_pinned(0), *server.command(port, alg)]
    began = time.perf_counter()
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=server.folder or ROOT, stdout=quiet, stderr=quiet)  # noqa: S603 - as above
    try:
        yield url, process.pid, _first_answer(url + server.jwks, process, began)
    finally:
        process.kill()
        process.wait()


def _first_answer(url: str, process: subprocess.Popen[bytes], began: float) -> float:
    while time.perf_counter() - began < GIVE_UP_S and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=GIVE_UP_S):  # noqa: S310 - our own loopback address
                return time.perf_counter() - began
        except OSError:
            time.sleep(0.002)
    raise RuntimeError(f"{url} did not answer")


def _pinned(core: int) -> list[str]:
    return ["taskset", "-c", str(core)] if shutil.which("taskset") else []


def rate(
    url: str, seconds: float, body: str | None = None, headers: tuple[tuple[str, str], ...] = ()
) -> float:
    """Return the answers per second that wrk gets; `RuntimeError` when any of them is an error."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        if body is not None:
            fields = {"Content-Type": "application/x-www-form-urlencoded", **dict(headers)}
            lines = [
                f"wrk.headers[{json.dumps(name)}] = {json.dumps(value)}" for name, value in fields.items()
            ]
            script.write("\n".join(['wrk.method = "POST"', f"wrk.body = {json.dumps(body)}", *lines]))
            script.flush()
        command = [*_pinned(1), "wrk", "-t2", "-c8", f"-d{max(1, round(seconds))}s", "-s", script.name, url]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 - as above
    if "Non-2xx" in said or "Socket errors" in said:
        raise RuntimeError(f"{url} answered with errors:\n{said}")
    return float(re.findall(r"Requests/sec:\s+([\d.]+)", said)[0])


def memory(pid: int) -> float:
    """Return the resident memory of a process in MB."""
    return int(re.findall(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[0]) / 1024


def raw_rsa(seconds: float) -> float:
    """Return how many RSA-2048 signatures one core makes in a second."""
    key, data = rsa.generate_private_key(65537, 2048), b"x" * 500
    began, count = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        key.sign(data, padding.PKCS1v15(), SHA256())
        count += 1
    return count / (time.perf_counter() - began)


Figures = dict[str, dict[str, list[float]]]


def measure(server: Server, figures: dict[str, list[float]], seconds: float) -> None:
    """Take every figure of one server once."""
    for alg in server.algs:
        with running(server, alg) as (url, pid, first):
            if alg == "RS256":
                figures["first answer ms"].append(first * 1000)
                figures["idle MB"].append(memory(pid))
                figures["JWKS/s"].append(rate(url + server.jwks, seconds))
            if server.token is None:
                continue
            body, done = server.body(url), 0.0
            figures[f"{alg}/s"].append(rate(url + server.token, seconds, body, server.headers))
            done += figures[f"{alg}/s"][-1] * seconds
            if alg == "RS256":
                while done < TOKENS:
                    done += 5 * rate(url + server.token, 5, body, server.headers)
                figures[f"MB after {TOKENS:,}"].append(memory(pid))


def bare(folder: Path, seconds: float) -> float:
    """Return how often a bare uvicorn app answers with a JWKS in a second."""
    script, content = folder / "bare.py", folder / "jwks.json"
    script.write_text(BARE)
    content.write_bytes(b'{"keys":[{"kty":"RSA","n":"' + b"x" * 342 + b'","e":"AQAB"}]}')
    server = Server(
        "bare", lambda port, _: [sys.executable, str(script), str(port), str(content)], token=None
    )
    with running(server, "RS256") as (url, _, _):
        return rate(url + "/jwks", seconds)


def report(figures: Figures) -> None:
    """Print medians, and what the budgets of the project are about as ratios."""
    medians = {
        name: {what: statistics.median(v) for what, v in found.items()} for name, found in figures.items()
    }
    for name, found in medians.items():
        print(f"{name:20}", *(f"{what} {value:,.0f}" for what, value in found.items()), sep="  ")
    ours, limits = medians.pop("touchstone idp"), medians.pop("limits")
    peers = list(medians.values())
    ratios = {
        "RS256 / raw RSA signing": ours["RS256/s"] / limits["raw RSA/s"],
        "JWKS / bare uvicorn": ours["JWKS/s"] / limits["bare JWKS/s"],
    }
    if peers:
        ratios |= {
            "first answer / quickest peer": ours["first answer ms"]
            / min(p["first answer ms"] for p in peers),
            "RS256 / best peer": ours["RS256/s"] / max(p["RS256/s"] for p in peers),
            "ES256 / best peer": ours["ES256/s"] / max(p.get("ES256/s", 0) for p in peers),
        }
    for what, ratio in ratios.items():
        print(f"{what:32} {ratio:.2f}")


def main() -> None:
    """Measure everything and print it."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--seconds", type=float, default=3.0)
    options.add_argument("--peers", type=Path)
    given = options.parse_args()
    if not shutil.which("wrk"):
        sys.exit("this needs wrk (Debian: apt-get install wrk)")
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.peers or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        measured = servers(folder)
        figures: Figures = defaultdict(lambda: defaultdict(list))
        for _ in range(given.runs):
            figures["limits"]["raw RSA/s"].append(raw_rsa(given.seconds / 2))
            figures["limits"]["bare JWKS/s"].append(bare(folder, given.seconds))
            for server in measured:
                measure(server, figures[server.name], given.seconds)
        report(figures)


if __name__ == "__main__":
    main()
