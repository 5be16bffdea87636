"""Keep what the fuzzer found: the fewest inputs that reach all that was reached, with their answers, for the tests.

    python fuzz/keep.py FOLDER

reads what `atheris_run.py` left in FOLDER and what is kept already, and writes `tests/verifier/corpus/TARGET.jsonl`: a
line is `{"input": base64, "answer": text}`. An input stays if it runs lines of the verifier that no smaller one ran, or
one of them another number of times, by powers of two; or if it has an answer of its own. A target whose file grows too
large keeps the inputs that bring most.
"""

import base64
import json
import sys
from collections import Counter
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import verifier
import wild_targets

KEPT = Path(__file__).parents[1] / "tests" / "verifier" / "corpus"
_ROOT = str(Path(verifier.__file__).parent)
_MAX_BYTES = 60_000  # of one target's file
_MAX_INPUT = 4_000  # bytes of one input


def main() -> None:
    """Write the corpus of every target."""
    KEPT.mkdir(exist_ok=True)
    for name in wild_targets.TARGETS:
        inputs = {path.read_bytes() for path in Path(sys.argv[1], name).glob("*")} | set(_kept(name))
        lines = _smallest(name, {data for data in inputs if len(data) <= _MAX_INPUT})
        (KEPT / f"{name}.jsonl").write_text("".join(lines), encoding="ascii")
        print(f"{name}: {len(lines)} of {len(inputs)} inputs kept")


def _kept(name: str) -> list[bytes]:
    path = KEPT / f"{name}.jsonl"
    lines = path.read_text(encoding="ascii").splitlines() if path.exists() else []
    return [base64.b64decode(json.loads(line)["input"]) for line in lines]


def _smallest(name: str, inputs: set[bytes]) -> list[str]:
    """Return the lines of the inputs that bring something, the smallest first, as many as there is room for."""
    seen: set[object] = set()
    brought: list[tuple[int, str]] = []
    for data in sorted(inputs, key=lambda data: (len(data), data)):
        answer, reached = _traced(name, data)
        new = reached - seen
        if new:
            seen |= new
            case = {"input": base64.b64encode(data).decode(), "answer": answer}
            brought.append((len(new), json.dumps(case) + "\n"))
    brought.sort(key=lambda one: -one[0] / len(one[1]))
    lines, room = [], _MAX_BYTES
    for _, line in brought:
        if len(line) <= room:
            lines.append(line)
            room -= len(line)
    return sorted(lines)


def _traced(name: str, data: bytes) -> tuple[str, set[object]]:
    """Return the answer, and what was run for it: the lines of the verifier, each with how often, roughly."""
    counts: Counter[tuple[CodeType, int]] = Counter()

    def local(frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            counts[frame.f_code, frame.f_lineno] += 1
        return local

    def every(frame: FrameType, _event: str, _: Any) -> Any:
        return local if frame.f_code.co_filename.startswith(_ROOT) else None

    sys.settrace(every)
    try:
        answer = wild_targets.TARGETS[name](data)
    finally:
        sys.settrace(None)
    return answer, {answer, *((place, count.bit_length()) for place, count in counts.items())}


if __name__ == "__main__":
    main()
