"""How long `touchstone fuzz` takes to find flaws planted in copies of the reference verifier, each from a cold start.

`python fuzz/planted.py [SECONDS] [SEED]` (300 and 0): prints for each flaw when its first finding was made, after
how many cases, and what it is; exit status 1 unless eight of every ten are found.
"""

import sys
import time
from pathlib import Path

from scenarios.fuzz.corpus import Corpus
from scenarios.fuzz.hunt import Hunt, Limits
from scenarios.fuzz.live import Live
from scenarios.fuzz.referee import AgainstReference
from scenarios.selftest.copies import session_with
from scenarios.selftest.mutant import Mutant, load_mutants
from scenarios.stage import Lab

TABLE = Path(__file__).with_suffix(".yaml")
WANTED = 0.8
"""This share of the flaws is to be found."""


def flaws() -> dict[str, Mutant]:
    """Return the planted flaws by id."""
    return load_mutants({TABLE.name: TABLE.read_bytes()})


def found(flaw: Mutant, seconds: float, seed: int) -> bool:
    """Hunt in a copy with one flaw until there is a finding, and print what it is."""
    began = time.perf_counter()
    with Lab() as lab:
        target = Live(lambda: session_with(flaw.edits))
        referee = AgainstReference(lab, target)
        try:
            hunt = Hunt(referee, [target], Corpus(None), Limits(seconds=seconds, findings=1), seed)
            hunt.run()
        finally:
            referee.close()
            target.close()
    took = time.perf_counter() - began
    first = next(iter(hunt.findings), None)
    what = "NOT FOUND" if first is None else f"{first.rule} {first.cause.severity.value}: {first.case.key}"
    print(f"{flaw.id:32} {took:7.1f} s {hunt.cases:8} cases  {what}", flush=True)
    return first is not None


def main() -> int:
    """Hunt for each of the planted flaws."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 300.0
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    count = sum(found(flaw, seconds, seed) for flaw in flaws().values())
    print(f"{count} of {len(flaws())} found")
    return 0 if count >= WANTED * len(flaws()) else 1


if __name__ == "__main__":
    sys.exit(main())
