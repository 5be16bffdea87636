"""What the generator of `touchstone load` takes: cores for each 1,000 ES256 tokens a second, minted, sent and judged.

`python bench/load.py [--rate N] [--seconds N] [--processes N]` asks an API that believes every token that has not
expired, so that next to nothing is left but the generator, and ends with status 1 where it took half a core or more.
`--rate` is that of each process. Without it each connection asks as fast as it can, to see what one process and several
of them reach where each has a core to itself.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BOUND = 0.5
PLAN = """\
duration_s: {seconds}
connections: 50
mix: {{good: 95, expired: 5}}
rotation: {{every_s: 30, ahead_s: 10, overlap_s: 10}}
"""
TARGET = """\
name: an API that believes
adapter: http
http:
  url: "http://127.0.0.1:{port}"
  start: {command: [python, %s, --serve, "{port}"]}
  endpoints: [/]
  user: {json: /user}
  admin:
    onboard: [{method: PUT, path: /}]
    reset: [{method: DELETE, path: /}]
profile: {scope: service, keys: [jwks_uri], algorithms: [ES256]}
"""


class Believing(asyncio.Protocol):
    """Answers 200 with the user that a token names, and 401 when its time is over; it looks at no signature."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer; a request comes in one piece here."""
        status, body = b"200 OK", b"{}"
        _, found, rest = data.partition(b"Bearer ")
        if found:
            claims = json.loads(base64.urlsafe_b64decode(rest.split(b".", 2)[1] + b"=="))
            status = b"200 OK" if claims["exp"] > time.time() else b"401 Unauthorized"
            body = b'{"user": "%s"}' % claims["preferred_username"].encode()
        answer = b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)
        self.transport.write(answer)  # type: ignore[attr-defined]


async def serve(port: int) -> None:
    """Serve until the end."""
    server = await asyncio.get_running_loop().create_server(Believing, "127.0.0.1", port)
    await server.serve_forever()


def measure(rate: int, seconds: int, processes: int) -> int:
    """Run once, print what it took, and return the exit status."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plan = PLAN.format(seconds=seconds) + (f"rate: {rate}\n" if rate else "")
        (folder / "plan.yaml").write_text(plan, encoding="utf-8")
        (folder / "target.yaml").write_text(TARGET % json.dumps(__file__), encoding="utf-8")
        words = ["load", "plan.yaml", "--target", "target.yaml", "--processes", str(processes), "--json", "-"]
        done = subprocess.run(  # noqa: S603 - our own words
            [sys.executable, "-m", "scenarios", *words], cwd=folder, stdout=subprocess.PIPE, check=False
        )
    if not done.stdout:
        return done.returncode
    result = json.loads(done.stdout)
    cores = result["generator"]["cores_per_1000"]
    print(f"{result['sent']:,} tokens, {result['rate']:g} a second, {len(result['workers'])} processes")
    print(f"{cores} of a core for each 1,000 a second (bound {BOUND}); good tokens took {result['times_ms']}")
    return 0 if result["passed"] and cores < BOUND else 1


def main() -> int:
    """Run the benchmark and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=0)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--serve", type=int)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve(options.serve))
    return measure(options.rate, options.seconds, options.processes)


if __name__ == "__main__":
    sys.exit(main())
