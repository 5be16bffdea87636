"""`touchstone api` under load: 64 clients while keys rotate, the JWKS endpoint hangs and unknown kids pour in.

`python bench/api.py [--tokens N] [--clients N]` starts the API as a process of its own and a mock IdP, and ends with
status 1 if a good token was refused outside of the declared bounds, a bad one accepted, a good one stood for another
user, the IdP was asked more often than declared, or memory grew. It prints requests a second, the 50th and 99th
percentile of good tokens' times, the fetches, and the API's memory. `--tokens 1000000` is the full size (OPS-003,
OPS-005 to OPS-008, OPS-017, KEY-006, KEY-007).
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import itertools
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from array import array
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mock_idp import Issuer, KeyRing, MockIdP, SigningKey, persona
from mock_idp.serve import serve

if TYPE_CHECKING:
    from collections.abc import Iterator

USERS = 1000
PERIOD_S, STALENESS_S, REFETCH_S, TIMEOUT_S = 4, 600, 2, 2
ROTATE_S, HANG_EVERY_S, HANG_S = 5.0, 7.0, 30.0
RETRY_S = 5.0
OVERLAP_S = 2 * PERIOD_S + TIMEOUT_S + RETRY_S
"""A key is published so long before it signs: a period, and what one fetch that hangs costs (KEY-022)."""
GROWTH_KIB = 16 * 1024
"""So much may the API's memory grow after the first tenth of the tokens (allocator, log buffers)."""
POLICY = f"""\
policy:
  allow_local_jwks: true
  algorithms: [ES256]
  jwks_period_s: {PERIOD_S}
  jwks_staleness_s: {STALENESS_S}
  refetch_min_s: {REFETCH_S}
  jwks_timeout_s: {TIMEOUT_S}
integrations:
- id: load
  entity_id: urn:load
  issuer: https://load.example
  audience: api
  jwks_uri: JWKS
  users:
"""


@dataclass
class Tally:
    """What was found."""

    asked: int = 0
    good: int = 0
    bad: int = 0
    refused: int = 0
    accepted: int = 0
    mixed: int = 0
    broken: int = 0
    times: array[float] = field(default_factory=lambda: array("d"))


class Rotation:
    """Rotates the keys of an issuer as an IdP does: published first, signing later, gone last."""

    def __init__(self, idp: MockIdP, issuer: Issuer) -> None:
        self._idp, self._issuer = idp, issuer
        self._ended = threading.Event()
        self.rotations = self.hangs = 0
        self._before = ""
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        names = itertools.count(1)
        staged: SigningKey | None = None
        next_stage = next_hang = time.monotonic()
        sign_at = 0.0
        while not self._ended.wait(0.1):
            now = time.monotonic()
            if staged is None and now >= next_stage:
                staged = SigningKey.generate("ES256", kid=f"r{next(names)}")
                self._issuer.ring.add(staged)
                sign_at = now + OVERLAP_S
            if staged and now >= sign_at:
                self._retire(self._issuer.ring.active.kid)
                self.rotations += 1
                staged, next_stage = None, now + ROTATE_S
            if now >= next_hang:
                self._idp.set_fault("/t", "jwks", {"delay": HANG_S}, times=1)
                self.hangs += 1
                next_hang = now + HANG_EVERY_S

    def _retire(self, signing: str) -> None:
        """Let the staged key sign, and take the one before the last off the set."""
        if self._before:
            self._issuer.ring.retire(self._before)
        self._before = signing
        self._issuer.ring.rotate()


def segment(value: object) -> str:
    """Return a value as a segment of a token."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def mint(issuer: Issuer, number: int, kid: str | None = None) -> str:
    """Sign a token of its own for a user with the issuer's active key."""
    key = issuer.ring.active
    claims = {"iss": issuer.issuer, "aud": "api", "sub": f"sub-{number % USERS}", "jti": str(number)}
    claims["exp"] = int(time.time()) + 300  # type: ignore[assignment]
    signed = f"{segment({'alg': 'ES256', 'kid': kid or key.kid})}.{segment(claims)}"
    return f"{signed}.{base64.urlsafe_b64encode(key.sign(signed.encode())).rstrip(b'=').decode()}"


def bad(issuer: Issuer, number: int) -> str:
    """Return a token that must be refused: of an unknown kid, mostly, with a changed claim or signature, or none."""
    match number % 4:
        case 0 | 1:
            return mint(issuer, number, kid=f"unknown-{number}")
        case 2:
            head, payload, signature = mint(issuer, number).split(".")
            return f"{head}.{payload}.{signature[:-8]}AAAAAAAA"
        case _:
            head, _, signature = mint(issuer, number).split(".")
            return f"{head}.{segment({'iss': issuer.issuer, 'aud': 'api', 'sub': 'sub-1', 'exp': 2**33})}.{signature}"


async def client(port: int, issuer: Issuer, numbers: Iterator[int], tally: Tally, seed: int) -> None:
    """Ask on one kept connection until there are no more numbers."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number in numbers:
        is_bad = chance.random() < 0.3
        token = bad(issuer, number) if is_bad else mint(issuer, number)
        head = f"GET /api/2.0/whoami HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
        began = time.perf_counter()
        writer.write(head.encode())
        try:
            answer = await reader.readuntil(b"\r\n\r\n")
            length = int(answer.partition(b"content-length: ")[2].split(b"\r\n")[0])
            body = await reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError, ValueError):
            tally.broken += 1
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            continue
        count(tally, int(answer[9:12]), body, None if is_bad else number % USERS, time.perf_counter() - began)
    writer.close()


def count(tally: Tally, status: int, body: bytes, user: int | None, seconds: float) -> None:
    """Take down one answer; `user` None where it had to be 401."""
    tally.asked += 1
    if user is None:
        tally.bad += 1
        tally.accepted += status == 200
        tally.broken += status not in {200, 401}
        return
    tally.good += 1
    tally.times.append(seconds)
    if status != 200:
        tally.refused += 1
    elif json.loads(body)["user"] != f"user-{user}":
        tally.mixed += 1


def memory_kib(pid: int) -> int:
    """Return the resident memory of a process (Linux)."""
    text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(text.partition("VmRSS:")[2].split()[0])


async def load(port: int, issuer: Issuer, options: argparse.Namespace, pid: int) -> tuple[Tally, int, float]:
    """Ask for all tokens; return what was found, the memory after the first tenth (KiB), and the time (seconds)."""
    tally, warm = Tally(), 0
    numbers = iter(range(options.tokens))
    began = time.monotonic()
    clients = [
        asyncio.create_task(client(port, issuer, numbers, tally, seed)) for seed in range(options.clients)
    ]
    while not all(task.done() for task in clients):
        await asyncio.wait(clients, timeout=0.5)
        if not warm and tally.asked >= options.tokens / 10:
            warm = memory_kib(pid)
    await asyncio.gather(*clients)
    return tally, warm, time.monotonic() - began


def violations(tally: Tally, growth: int, fetches: int, allowed: float) -> list[str]:
    """Name what must not have happened."""
    found = (
        (tally.refused, f"{tally.refused} good tokens refused"),
        (tally.accepted, f"{tally.accepted} bad tokens accepted"),
        (tally.mixed, f"{tally.mixed} tokens stood for another user"),
        (tally.broken, f"{tally.broken} answers missing or neither 200 nor 401"),
        (growth > GROWTH_KIB, f"memory grew by {growth} KiB"),
        (fetches > allowed, f"{fetches} fetches, {allowed:.0f} allowed"),
    )
    return [message for wrong, message in found if wrong]


def main() -> int:
    """Run and judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--tokens", type=int, default=50_000)
    parser.add_argument("--clients", type=int, default=64)
    options = parser.parse_args()
    idp = MockIdP()
    issuer = Issuer(
        persona("generic"),
        KeyRing([SigningKey.generate("ES256", kid="r0")]),
        issuer="https://load.example",
        audience="api",
    )
    idp.add_issuer("/t", issuer)
    with serve(idp) as running, tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "api.yaml")
        users = "".join(f"  - {{name: user-{n}, external_id: sub-{n}}}\n" for n in range(USERS))
        config.write_text(POLICY.replace("JWKS", f"{running.url}/t/jwks") + users, encoding="ascii")
        command = [sys.executable, "-m", "scenarios", "api", "--json", "--quiet", "--config", str(config)]
        with Path(folder, "log").open("wb") as log:
            api = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log)  # noqa: S603 - our own command
            try:
                assert api.stdout
                return judge(json.loads(api.stdout.readline()), api.pid, idp, issuer, options)
            finally:
                api.terminate()
                api.wait()


def judge(ready: dict[str, str], pid: int, idp: MockIdP, issuer: Issuer, options: argparse.Namespace) -> int:
    """Put the load on a running API, print what was measured, and return the exit status."""
    rotation = Rotation(idp, issuer)
    before, at_first = idp.requests("/t", "jwks"), memory_kib(pid)
    rotation.start()
    port = int(ready["url"].rpartition(":")[2])
    tally, warm, seconds = asyncio.run(load(port, issuer, options, pid))
    rotation.stop()
    fetches, last = idp.requests("/t", "jwks") - before, memory_kib(pid)
    # One a period (earlier by the time that it may take), one provoked each REFETCH_S, and retries.
    allowed = 2 + seconds / (PERIOD_S / 2) + seconds / REFETCH_S
    times = sorted(tally.times)
    print(
        f"{tally.asked} requests in {seconds:.1f} s: {tally.asked / seconds:.0f} requests/s, client included"
    )
    print(f"good {tally.good}, refused {tally.refused}; bad {tally.bad}, accepted {tally.accepted}")
    if times:
        p50, p99 = (times[int(len(times) * share)] * 1000 for share in (0.5, 0.99))
        print(f"good tokens: p50 {p50:.1f} ms, p99 {p99:.1f} ms, longest {times[-1] * 1000:.0f} ms")
    print(
        f"{rotation.rotations} rotations, {rotation.hangs} hangs, {fetches} fetches ({allowed:.0f} allowed)"
    )
    print(f"memory of the API: {at_first} KiB at the start, {warm} KiB warm, {last} KiB at the end")
    found = violations(tally, last - warm if warm else 0, fetches, allowed)
    for message in found:
        print(f"VIOLATION: {message}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
