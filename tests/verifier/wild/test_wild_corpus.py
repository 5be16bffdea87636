"""What the fuzzer found interesting, asked again: the answers are what they were, and keep every promise."""

import base64
import json
from pathlib import Path

import pytest

from wild_targets import TARGETS

CORPUS = Path(__file__).parents[1] / "corpus"


@pytest.mark.parametrize("target", TARGETS)
def test_every_kept_input_has_the_answer_that_it_had(target: str) -> None:
    """`nox -s fuzz -- --keep` writes the corpus anew where an answer was changed on purpose."""
    lines = (CORPUS / f"{target}.jsonl").read_text(encoding="ascii").splitlines()
    cases = [json.loads(line) for line in lines]
    answers = {case["input"]: TARGETS[target](base64.b64decode(case["input"])) for case in cases}
    assert len(cases) > 10
    assert answers == {case["input"]: case["answer"] for case in cases}


def test_the_corpus_has_every_target_and_stays_small() -> None:
    files = sorted(CORPUS.glob("*.jsonl"))
    assert [path.stem for path in files] == sorted(TARGETS)
    assert sum(path.stat().st_size for path in files) < 300_000
