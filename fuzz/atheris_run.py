"""Throw bytes that are led by coverage at one target of `wild_targets`, with Atheris (libFuzzer).

    nox -s fuzz -- token -max_total_time=600

runs the target `token` for ten minutes. What it finds interesting is kept in a folder of the session's, where the next
run goes on; what breaks a promise is written to `broken/` in that folder, once a place in the code, and the run goes
on. `nox -s fuzz -- --keep` lists the smallest set of inputs that reaches all that was reached, with their answers, in
`tests/verifier/corpus`, which the tests replay.
"""

import sys
import traceback
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["verifier", "jwt", "json"], enable_loader_override=False):
    import wild_targets
import wild_seeds

_ESCAPED = str.maketrans({'"': '\\"'})


def main() -> None:
    """Fuzz the target that the command names, in the folder that it names; other arguments are libFuzzer's."""
    folder, name, *options = sys.argv[1:]
    corpus, broken = Path(folder) / name, Path(folder) / "broken"
    for made in (corpus, broken):
        made.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(wild_seeds.SEEDS[name]()):
        (corpus / f"seed-{number}").write_bytes(seed)
    words = Path(folder) / f"{name}.dict"
    lines = (f'"{_word(word)}"' for word in wild_seeds.WORDS[name])
    words.write_text("\n".join(lines) + "\n", encoding="utf-8")
    target = wild_targets.TARGETS[name]

    def one(data: bytes) -> None:
        try:
            target(data)
        except Exception as problem:  # noqa: BLE001 - whatever it is, it is what was looked for
            frame = traceback.extract_tb(problem.__traceback__)[-1]
            place = f"{name}-{type(problem).__name__}-{Path(frame.filename).stem}-{frame.lineno}"
            if not (broken / place).exists():
                (broken / place).write_bytes(data)
                (broken / f"{place}.txt").write_text(traceback.format_exc(), encoding="utf-8")
                print(f"broken: {place}", file=sys.stderr)

    arguments = [
        sys.argv[0],
        f"-dict={words}",
        "-timeout=20",
        "-rss_limit_mb=2048",
        f"-artifact_prefix={broken}/",
    ]
    atheris.Setup([*arguments, *options, str(corpus)], one)
    atheris.Fuzz()


def _word(word: str) -> str:
    """Escape a word for a dictionary; what is escaped already stays."""
    return word if word.startswith(("\\x", "-----")) else word.replace("\\", "\\\\").translate(_ESCAPED)


if __name__ == "__main__":
    main()
