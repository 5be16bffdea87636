"""How fast `touchstone idp` starts, answers and mints, next to three other mock IdPs in the same run.

`python bench/idp.py [--runs N] [--seconds S] [--tokens N] [--peers DIR]` installs the peers into a folder (a temporary
one unless named), measures everything in turns and prints medians, then each ratio that the project has a budget for:
the median of the ratios of the single runs, with the least and the greatest. What is compared is measured right after
each other, so a ratio bears some wobbling that an absolute figure does not.

- *first answer*: from the spawn of the process to its first JWKS, RSA key included
- *JWKS*: per second, next to a bare uvicorn app that sends a constant
- *RS256*, *ES256*: token endpoint answers per second, next to the peers, and RS256 next to raw RSA-2048 signing
- *mint*: `Issuer.mint` and `ServedIssuer.mint` in this process, ES256, next to raw P-256 signing, by CPU time
- *memory*: resident, over `--tokens` ES256 tokens (200,000; 0 leaves it out)

How to run it: Linux, two cores or more that nothing else uses (no tests, no editor that indexes; `uptime` shows a load
below 0.1), the clock not throttled, an environment in which Touchstone is installed and `uvloop` is not (it would be
used). Needs `wrk` (Debian: `apt-get install wrk`), and `npm` and a registry for the peers; a peer that cannot be
installed is left out with a line that says so. Give `--peers DIR` to install them only once. Servers run on the first
core, the load on the second. `--runs 5 --seconds 3`, the defaults, take some ten minutes; spreads above a tenth mean
that the machine was not quiet. Then only the ratios by CPU time (`CPU`) say something: they go by what a server's own
process took for an answer.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
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

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from mock_idp import Issuer, KeyRing, MockIdP, SigningKey, make_people, persona
from mock_idp.served import ServedIssuer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parent.parent
BUDGET_MB = 70
OURS = "touchstone idp"
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
    config = folder / "idp-ES256.yaml"
    config.write_text("issuers: [{algs: [ES256]}]\n")

    def ours(port: int, alg: str) -> list[str]:
        command = [sys.executable, "-m", "scenarios", "idp", "--port", str(port)]
        return command if alg == "RS256" else [*command, "--config", str(config)]

    return [Server(OURS, ours), *_python_peer(folder), *_node_peers(folder)]


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
    # An installed package has its bytecode; without this variable a checkout gets it at the first start.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen(  # noqa: S603 - as above
        command, cwd=server.folder or ROOT, env=environment, stdout=quiet, stderr=quiet
    )
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


@dataclass(frozen=True)
class Answered:
    """What wrk got."""

    per_second: float
    per_cpu_second: float
    """By the CPU time that the server's process took, which others on the machine hardly change."""
    count: int


def rate(
    pid: int, url: str, seconds: float, body: str | None = None, headers: tuple[tuple[str, str], ...] = ()
) -> Answered:
    """Ask as fast as wrk can; `RuntimeError` when any answer is an error."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        if body is not None:
            fields = {"Content-Type": "application/x-www-form-urlencoded", **dict(headers)}
            lines = [
                f"wrk.headers[{json.dumps(name)}] = {json.dumps(value)}" for name, value in fields.items()
            ]
            script.write("\n".join(['wrk.method = "POST"', f"wrk.body = {json.dumps(body)}", *lines]))
            script.flush()
        command = [*_pinned(1), "wrk", "-t2", "-c8", f"-d{max(1, round(seconds))}s", "-s", script.name, url]
        before = cpu_seconds(pid)
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 - as above
        spent = cpu_seconds(pid) - before
    if "Non-2xx" in said or "Socket errors" in said:
        raise RuntimeError(f"{url} answered with errors:\n{said}")
    count = int(re.findall(r"(\d+) requests in", said)[0])
    return Answered(float(re.findall(r"Requests/sec:\s+([\d.]+)", said)[0]), count / spent, count)


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that all threads of a process have taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> float:
    """Return the resident memory of a process in MB."""
    return int(re.findall(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[0]) / 1024


@contextmanager
def on_the_servers_core() -> Iterator[None]:
    """Keep this process where the servers run, because cores may differ."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {0} & before or before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def raw_rsa(seconds: float) -> Answered:
    """Return how many RSA-2048 signatures one core makes in a second."""
    key, data, count = rsa.generate_private_key(65537, 2048), b"x" * 500, 0
    with on_the_servers_core():
        began, cpu_began = time.perf_counter(), time.process_time()
        while time.perf_counter() - began < seconds:
            key.sign(data, padding.PKCS1v15(), SHA256())
            count += 1
        spent, cpu_spent = time.perf_counter() - began, time.process_time() - cpu_began
    return Answered(count / spent, count / cpu_spent, count)


Figures = dict[str, dict[str, list[float]]]


def minting(figures: Figures, seconds: float) -> None:
    """Sign and mint in small turns, and note how many of each one core makes in a second of its time."""
    key, data = ec.generate_private_key(ec.SECP256R1()), b"x" * 500
    issuer = Issuer(persona("generic"), KeyRing([SigningKey.generate("ES256", kid="k")]))
    served = ServedIssuer(MockIdP(), "", issuer)
    people = make_people(100)
    ways: dict[tuple[str, str], list[Callable[[], object]]] = {
        ("limits", "raw P-256/s"): [lambda: key.sign(data, ec.ECDSA(SHA256()))] * len(people),
        (OURS, "Issuer.mint/s"): [lambda who=who: issuer.mint(who) for who in people],  # type: ignore[misc]
        (OURS, "ServedIssuer.mint/s"): [lambda who=who: served.mint(who.username) for who in people],  # type: ignore[misc]
    }
    took: dict[tuple[str, str], float] = defaultdict(float)
    began, rounds = time.perf_counter(), 0
    with on_the_servers_core():
        while time.perf_counter() - began < seconds:
            rounds += 1
            for way, calls in ways.items():
                before = time.process_time()
                for call in calls:
                    call()
                took[way] += time.process_time() - before
    for (name, what), spent in took.items():
        figures[name][what].append(rounds * len(people) / spent)


def note(figures: dict[str, list[float]], what: str, answered: Answered) -> None:
    """Note a rate by the wall clock and by CPU time."""
    figures[f"{what}/s"].append(answered.per_second)
    figures[f"{what}/CPU s"].append(answered.per_cpu_second)


def measure(server: Server, figures: dict[str, list[float]], seconds: float) -> None:
    """Take every figure of one server once."""
    for alg in server.algs:
        with running(server, alg) as (url, pid, first):
            if alg == "RS256":
                figures["first answer ms"].append(first * 1000)
                figures["idle MB"].append(memory(pid))
                note(figures, "JWKS", rate(pid, url + server.jwks, seconds))
            if server.token is None:
                continue
            note(figures, alg, rate(pid, url + server.token, seconds, server.body(url), server.headers))
            if alg == "RS256":
                figures["MB then"].append(memory(pid))


def endurance(server: Server, tokens: int) -> None:
    """Ask for so many tokens, and print how the memory goes."""
    with running(server, "ES256") as (url, pid, _):
        print(f"memory   idle {memory(pid):.1f} MB", end="", flush=True)
        done, seen = 0, list[float]()
        while done < tokens:
            done += rate(pid, url + str(server.token), 2, server.body(url), server.headers).count
            if done >= (len(seen) + 1) * tokens / 10:
                seen.append(memory(pid))
                print(f"  {done:,}: {seen[-1]:.1f}", end="", flush=True)
    print(f"\n{'memory, greatest MB':32} {max(seen):.1f} (below {BUDGET_MB})")
    print(f"{'memory, last / first tenth':32} {seen[-1] / seen[0]:.3f} (flat: 1)")


def bare(folder: Path, seconds: float) -> Answered:
    """Return how often a bare uvicorn app answers with a JWKS in a second."""
    script, content = folder / "bare.py", folder / "jwks.json"
    script.write_text(BARE)
    content.write_bytes(b'{"keys":[{"kty":"RSA","n":"' + b"x" * 342 + b'","e":"AQAB"}]}')
    server = Server(
        "bare", lambda port, _: [sys.executable, str(script), str(port), str(content)], token=None
    )
    with running(server, "RS256") as (url, pid, _):
        return rate(pid, url + "/jwks", seconds)


def report(figures: Figures) -> None:
    """Print medians, and what the budgets of the project are about as ratios."""
    for name, found in figures.items():
        print(f"{name:20}", *(f"{what} {statistics.median(v):,.0f}" for what, v in found.items()), sep="  ")
    limits, ours = figures["limits"], figures[OURS]
    peers = [found for name, found in figures.items() if name not in {"limits", OURS}]

    def best(what: str, choose: Callable[[list[float]], float] = max) -> list[float]:
        return [choose(list(run)) for run in zip(*(p[what] for p in peers if what in p), strict=True)]

    rows = [
        ("Issuer.mint / raw P-256", ours["Issuer.mint/s"], limits["raw P-256/s"], "at least 0.7"),
        ("ServedIssuer.mint / raw P-256", ours["ServedIssuer.mint/s"], limits["raw P-256/s"], "at least 0.7"),
        ("first answer / quickest peer", ours["first answer ms"], best("first answer ms", min), "below 1"),
    ]
    for unit, clock in (("/s", ""), ("/CPU s", ", CPU")):
        rows += [
            (
                f"RS256 / raw RSA signing{clock}",
                ours[f"RS256{unit}"],
                limits[f"raw RSA{unit}"],
                "at least 0.8",
            ),
            (f"JWKS / bare uvicorn{clock}", ours[f"JWKS{unit}"], limits[f"bare JWKS{unit}"], "at least 0.7"),
            (f"RS256 / best peer{clock}", ours[f"RS256{unit}"], best(f"RS256{unit}"), "at least 1.5"),
            (f"ES256 / best peer{clock}", ours[f"ES256{unit}"], best(f"ES256{unit}"), "at least 3"),
        ]
    for what, these, those, budget in rows:
        ratios = [this / that for this, that in zip(these, those, strict=False)]
        if ratios:
            spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
            print(f"{what:32} {statistics.median(ratios):.2f} ({spread}; {budget})")


def main() -> None:
    """Measure everything and print it."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--seconds", type=float, default=3.0)
    options.add_argument("--tokens", type=int, default=200_000)
    options.add_argument("--peers", type=Path)
    given = options.parse_args()
    if not shutil.which("wrk"):
        sys.exit("this needs wrk (Debian: apt-get install wrk)")
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.peers or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        measured = servers(folder)
        for server in measured:  # once for nothing, so that each has its files in memory and its bytecode
            with running(server, "RS256"):
                pass
        figures: Figures = defaultdict(lambda: defaultdict(list))
        for _ in range(given.runs):
            minting(figures, given.seconds)
            note(figures["limits"], "bare JWKS", bare(folder, given.seconds))
            for server in measured:
                measure(server, figures[server.name], given.seconds)
                if server.name == OURS:
                    note(figures["limits"], "raw RSA", raw_rsa(given.seconds / 2))
        report(figures)
        if given.tokens:
            endurance(measured[0], given.tokens)


if __name__ == "__main__":
    main()
