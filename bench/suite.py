"""How fast the catalogue runs against the reference verifier, and how much of that is signature work.

`python bench/suite.py [RUNS] [--against FOLDER]` runs `touchstone run` as a user would, in fresh processes with their
start, on one core and on all, and prints medians. `--against` takes a checkout of another commit and runs both in
turns, so that the ratio holds on a machine that does other things too. `--shards` runs the catalogue as one to eight
shards at once instead. A first run signs everything and reads all tables; later ones find what the cache folder keeps
of both. Signature work is the raw rate of `cryptography` for RSA-2048, in processor time, times what a first run
signed and verified, or a later one verified, and so an upper bound. Absolute figures differ by machine; shares and
ratios do not.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

HERE = Path(__file__).parents[1]
COMMAND = (sys.executable, "-m", "scenarios")


@dataclass(frozen=True)
class Spent:
    """What one process took (seconds): on the clock, and of processors."""

    wall: float
    cpu: float


def spent(folder: Path, *arguments: str, cache: Path | None = None) -> Spent:
    """Run a command of the checkout in a folder, with a cache folder of its own if need be; it must succeed."""
    env = {**os.environ, **({} if cache is None else {"XDG_CACHE_HOME": str(cache)})}
    before, began = os.times(), time.perf_counter()
    subprocess.run([*COMMAND, *arguments], check=True, capture_output=True, cwd=folder, env=env)  # noqa: S603 - our own command
    wall, after = time.perf_counter() - began, os.times()
    return Spent(
        wall,
        after.children_user + after.children_system - before.children_user - before.children_system,
    )


def together(count: int) -> float:
    """Return how long the catalogue takes (seconds) as so many shards at once, each in a process of its own."""
    began = time.perf_counter()
    running = [
        subprocess.Popen(  # noqa: S603 - our own command
            [*COMMAND, "run", "--plain", "--jobs", "1", "--shard", f"{index}/{count}"],
            cwd=HERE,
            stdout=subprocess.DEVNULL,
        )
        for index in range(1, count + 1)
    ]
    statuses = [process.wait() for process in running]
    if any(statuses):
        raise SystemExit("a shard failed")
    return time.perf_counter() - began


def rates() -> tuple[float, float]:
    """Return how long one RSA-2048 signature and one verification take (seconds of a processor)."""
    key = rsa.generate_private_key(65537, 2048)
    public, data, count = key.public_key(), b"x" * 400, 300
    began = time.process_time()
    for _ in range(count):
        signature = key.sign(data, padding.PKCS1v15(), SHA256())
    signing = (time.process_time() - began) / count
    began = time.process_time()
    for _ in range(count):
        public.verify(signature, data, padding.PKCS1v15(), SHA256())
    return signing, (time.process_time() - began) / count


def median(runs: list[Spent], member: str) -> float:
    """Return the median of one member."""
    return statistics.median(getattr(run, member) for run in runs)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("runs", nargs="?", type=int, default=5)
    parser.add_argument(
        "--against", type=Path, help="a checkout of another commit, run in turns with this one"
    )
    parser.add_argument("--shards", action="store_true", help="the catalogue as 1, 2, 4 and 8 shards at once")
    options = parser.parse_args()
    if options.shards:
        for count in (1, 2, 4, 8):
            print(f"{count} shards at once      {together(count):.1f} s")
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.json"
        first, one, every, other = [], [], [], []
        for number in range(options.runs):
            first.append(spent(HERE, "run", "--plain", "--jobs", "1", cache=Path(folder) / str(number)))
            one.append(spent(HERE, "run", "--plain", "--jobs", "1", "--json", str(path)))
            every.append(spent(HERE, "run", "--plain"))
            if options.against is not None:
                other.append(spent(options.against, "run", "--plain", "--jobs", "1"))
        record = json.loads(path.read_bytes())
    asked = len(record["results"]) - record["totals"]["not_applicable"]
    signing, verifying = rates()
    checked = record["answered"] * verifying
    helps = [spent(HERE, "--help") for _ in range(options.runs)]
    starts = [spent(HERE, "run", "--plain", "--jobs", "1", "--rule", "CLM-001") for _ in range(options.runs)]
    wall, cpu = median(one, "wall"), median(one, "cpu")
    best, cold = min(run.wall for run in one), median(first, "cpu")
    print(f"scenarios            {asked}, {record['issued']} tokens issued, medians of {options.runs} runs")
    print(
        f"one core             {asked / wall:.0f} a second, start included ({wall:.2f} s; best {asked / best:.0f})"
    )
    print(f"                     {asked / cpu:.0f} a second of processor time ({cpu:.2f} s)")
    print(
        f"all cores            {asked / median(every, 'wall'):.0f} a second ({median(every, 'wall'):.2f} s)"
    )
    print(f"a first run          {asked / cold:.0f} a second of processor time ({cold:.2f} s)")
    print(
        f"signature work       at most {checked / cpu:.0%} of the processor time, "
        f"{(record['issued'] * signing + checked) / cold:.0%} of a first run's"
    )
    print(f"start and few rows   {median(starts, 'cpu'):.2f} s of processor time")
    print(f"touchstone --help    {median(helps, 'wall') * 1000:.0f} ms")
    if other:
        print(
            f"against {options.against.name}: {median(other, 'cpu') / cpu:.2f} times as fast, by processor time"
        )


if __name__ == "__main__":
    main()
