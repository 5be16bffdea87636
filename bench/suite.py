"""How fast the catalogue runs against the reference verifier, and how much of that is signature work.

`python bench/suite.py [RUNS]` runs `touchstone run` as a user would, start included, and prints the median. Signature
work is estimated in the same process right afterwards: the raw rate of `cryptography` for RSA-2048, times what the run
signed and verified. Absolute figures differ by machine; the share and the ratios do not.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

COMMAND = (sys.executable, "-m", "scenarios")


def timed(*arguments: str) -> float:
    """Return how long a command took (seconds); it must succeed."""
    began = time.perf_counter()
    subprocess.run([*COMMAND, *arguments], check=True, capture_output=True)  # noqa: S603 - our own command
    return time.perf_counter() - began


def rates() -> tuple[float, float]:
    """Return how long one RSA-2048 signature and one verification take (seconds)."""
    key = rsa.generate_private_key(65537, 2048)
    public, data, count = key.public_key(), b"x" * 400, 300
    began = time.perf_counter()
    for _ in range(count):
        signature = key.sign(data, padding.PKCS1v15(), SHA256())
    signing = (time.perf_counter() - began) / count
    began = time.perf_counter()
    for _ in range(count):
        public.verify(signature, data, padding.PKCS1v15(), SHA256())
    return signing, (time.perf_counter() - began) / count


def main() -> None:
    """Measure and print."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.json"
        times = [timed("run", "--plain", "--json", str(path)) for _ in range(runs)]
        record = json.loads(path.read_bytes())
    asked = len(record["results"]) - record["totals"]["not_applicable"]
    issued = record["issued"]
    took = statistics.median(times)
    signing, verifying = rates()
    work = issued * signing + record["answered"] * verifying
    helps = [timed("--help") for _ in range(runs)]
    print(f"scenarios                {asked}, {issued} tokens issued")
    print(f"whole run, start included {took:.2f} s (of {runs}: {min(times):.2f} to {max(times):.2f})")
    print(f"scenarios per second     {asked / took:.0f}")
    print(f"signature work           {work / took:.0%} of the time")
    print(f"touchstone --help        {statistics.median(helps) * 1000:.0f} ms")


if __name__ == "__main__":
    main()
