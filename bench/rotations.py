"""Rotations of a served mock IdP while clients fetch its keys and mint: nothing torn, nothing unverifiable.

`python bench/rotations.py [--rotations N] [--clients N] [--alg ALG] [--json]` starts `touchstone idp` as a process of
its own and rotates over its admin API (10,000 times unless told otherwise) while eight clients ask the token endpoint
and the JWKS over HTTP. It exits with 1, naming the first violations, when

- a JWKS is torn: no JSON, a kid twice, a key whose bytes do not fit its kid, or without the key that signs, or
- a token does not verify by a JWKS that its own client fetched around it.

Each rotation keeps the old key published until the next one. A client fetches the JWKS, mints, and fetches again: when
the key of its token is in neither copy, keys came and went in between; then it is looked for among all that were ever
published, and counts as `late`. Signatures are checked by PyJWT, which shares no code with the mock IdP.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any

import jwt
import urllib3

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SHOWN = 10
START_LIMIT_S = 30.0
FORM = {"content-type": "application/x-www-form-urlencoded"}
BODY = b"grant_type=client_credentials&client_id=app"


@dataclass
class Tally:
    """What was seen; `violations` has to stay empty."""

    rotations: int = 0
    sets: int = 0
    tokens: int = 0
    late: int = 0
    """Tokens whose key was published, but in neither of the two sets that its client fetched."""
    violations: list[str] = field(default_factory=list)
    published: dict[str, Mapping[str, str]] = field(default_factory=dict)
    """Every key that was seen in a JWKS, by kid."""
    unplaced: list[str] = field(default_factory=list)
    """Tokens whose key their own client did not see."""
    lock: Lock = field(default_factory=Lock)


def torn(answer: urllib3.BaseHTTPResponse, tally: Tally) -> dict[str, Mapping[str, str]]:
    """Read a JWKS by kid; what is wrong with it goes to the tally."""
    wrong: list[str] = []
    keys: list[Mapping[str, str]] = []
    try:
        keys = json.loads(answer.data)["keys"]
    except (ValueError, KeyError, TypeError) as error:
        wrong.append(f"status {answer.status}, no JWKS: {error}: {answer.data[:80]!r}")
    found = {key["kid"]: key for key in keys}
    if len(found) != len(keys):
        wrong.append(f"a kid stands twice: {[key['kid'] for key in keys]}")
    # The active key, and the one before it until the next rotation.
    if not wrong and len(found) not in {1, 2}:
        wrong.append(f"{len(found)} keys: {list(found)}")
    with tally.lock:
        tally.sets += 1
        for kid, key in found.items():
            if tally.published.setdefault(kid, key) != key:
                wrong.append(f"another key under {kid}")
        tally.violations += wrong
    return found


def verified(token: str, key: Mapping[str, str]) -> bool:
    """Tell whether a token's signature is by a key, as PyJWT sees it."""
    try:
        jwt.decode(
            token,
            jwt.PyJWK(dict(key)),
            algorithms=[key["alg"]],
            options={"verify_aud": False, "verify_exp": False},
        )
    except jwt.InvalidTokenError:
        return False
    return True


def client(url: str, tally: Tally, done: Event) -> None:
    """Fetch, mint and fetch again until the rotations are over."""
    pool = urllib3.PoolManager(maxsize=1, retries=False, timeout=30)
    before = torn(pool.request("GET", f"{url}/jwks"), tally)
    while not done.is_set():
        answer = pool.request("POST", f"{url}/token", body=BODY, headers=FORM)
        after = torn(pool.request("GET", f"{url}/jwks"), tally)
        try:
            token: str = answer.json()["access_token"]
            kid = jwt.get_unverified_header(token)["kid"]
        except (ValueError, KeyError, jwt.InvalidTokenError) as error:
            with tally.lock:
                tally.violations.append(f"status {answer.status}, no token: {error}: {answer.data[:80]!r}")
            continue
        key = after.get(kid) or before.get(kid)
        with tally.lock:
            tally.tokens += 1
            if key is None:
                tally.unplaced.append(token)
        if key is not None and not verified(token, key):
            with tally.lock:
                tally.violations.append(f"a token does not verify by the published key {kid}")
        before = after


def rotate(url: str, rotations: int, tally: Tally) -> None:
    """Let another key sign, so many times; each old one goes at the next rotation."""
    pool = urllib3.PoolManager(maxsize=1, retries=False, timeout=30)
    api = f"{url}/_admin/api/issuers/%2F"
    old: str | None = None
    active = next(iter(torn(pool.request("GET", f"{url}/jwks"), tally)))
    for _ in range(rotations):
        if old is not None:
            _good(pool.request("POST", f"{api}/keys/{old}/retire"), tally)
        said = _good(pool.request("POST", f"{api}/rotate"), tally)
        old, active = active, said.get("kid", active)
        if active not in torn(pool.request("GET", f"{url}/jwks"), tally):
            tally.violations.append(f"the active key {active} is not published")
        tally.rotations += 1


def _good(answer: urllib3.BaseHTTPResponse, tally: Tally) -> dict[str, Any]:
    said: dict[str, Any] = answer.json()
    if answer.status != 200:
        tally.violations.append(f"the admin API answers {answer.status}: {said}")
        return {}
    return said


def settle(tally: Tally) -> None:
    """Look for the keys of tokens that their own clients saw in no JWKS among those that anybody saw."""
    for token in tally.unplaced:
        kid = jwt.get_unverified_header(token)["kid"]
        key = tally.published.get(kid)
        if key is None or not verified(token, key):
            tally.violations.append(f"a token is signed by {kid}, which was never published")
        else:
            tally.late += 1


def run(url: str, rotations: int, clients: int) -> Tally:
    """Rotate the keys of a served mock IdP under load."""
    tally, done = Tally(), Event()
    threads = [Thread(target=client, args=(url, tally, done)) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        rotate(url, rotations, tally)
    finally:
        done.set()
        for thread in threads:
            thread.join()
    settle(tally)
    return tally


@contextmanager
def served(alg: str) -> Iterator[str]:
    """Serve one issuer with an admin API, and give the server's URL."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "idp.yaml"
        config.write_text(f"issuers: [{{algs: [{alg}]}}]\n", encoding="utf-8")
        command = [sys.executable, "-m", "scenarios", "idp", "--json", "--config", str(config)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - as written above
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())["url"]
        finally:
            process.terminate()
            process.wait(START_LIMIT_S)


def main() -> int:
    """Run it and print what was seen."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rotations", type=int, default=10_000)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--alg", default="ES256")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    asked = parser.parse_args()
    with served(asked.alg) as url:
        began = time.perf_counter()
        tally = run(url, asked.rotations, asked.clients)
        took = time.perf_counter() - began
    figures = {
        "rotations": tally.rotations,
        "clients": asked.clients,
        "jwks_fetched": tally.sets,
        "tokens_verified": tally.tokens,
        "verified_late": tally.late,
        "keys_published": len(tally.published),
        "violations": len(tally.violations),
        "seconds": round(took, 1),
    }
    print(
        json.dumps(figures)
        if asked.json
        else "\n".join(f"{name:16} {value}" for name, value in figures.items())
    )
    for violation in tally.violations[:SHOWN]:
        print(f"violation: {violation}", file=sys.stderr)
    proven = tally.rotations == asked.rotations and tally.tokens >= asked.clients and not tally.violations
    return 0 if proven else 1


if __name__ == "__main__":
    sys.exit(main())
