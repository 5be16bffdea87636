"""Known failures: what a baseline excuses, and what is wrong with a baseline itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenarios.baseline import Baseline
from scenarios.files.problems import TableErrors
from scenarios.results import Kind, Result

if TYPE_CHECKING:
    from pathlib import Path

ENTRY = "- {id: a/b/x, reason: The library lacks it, link: 'https://bugs.example/1'}\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "known.yaml"
    path.write_text(ENTRY)
    return path


def result(outcome: Kind, name: str = "a/b/x") -> Result:
    return Result(id=name, rules=("FMT-001",), level="MUST", basis="rfc", outcome=outcome, expected="reject")


@pytest.mark.parametrize("outcome", [Kind.FAIL, Kind.WARN, Kind.ERROR, Kind.UNPROVEN])
def test_what_still_fails_is_an_expected_failure_with_its_reason(file: Path, outcome: Kind) -> None:
    excused = Baseline.read(file).excuse(result(outcome))

    assert excused.outcome is Kind.XFAIL
    assert excused.known == "The library lacks it (https://bugs.example/1)"


def test_what_no_longer_fails_is_an_unexpected_pass(file: Path) -> None:
    excused = Baseline.read(file).excuse(result(Kind.PASS))

    assert excused.outcome is Kind.XPASS
    assert excused.message == "the baseline calls this a known failure, and it passes: remove the entry"


def test_what_it_does_not_name_stays_as_it_is(file: Path) -> None:
    other = result(Kind.FAIL, "a/b/y")

    assert Baseline.read(file).excuse(other) is other


def test_an_id_that_does_not_exist_is_a_mistake_at_its_place(file: Path) -> None:
    baseline = Baseline.read(file)

    with pytest.raises(TableErrors) as raised:
        baseline.check(["a/b/xx"])

    assert str(raised.value) == f"{file}:1:3: no scenario is called 'a/b/x' (did you mean 'a/b/xx'?)"
    baseline.check(["a/b/x"])


def test_an_entry_that_does_not_apply_is_stale(file: Path) -> None:
    stale = Baseline.read(file).problems([result(Kind.NOT_APPLICABLE)])

    assert stale == (f"{file}:1:3: 'a/b/x' does not apply to this target: remove the entry",)


@pytest.mark.parametrize(
    "text, lines",
    [
        (ENTRY + ENTRY, ["2:3: 'a/b/x' stands twice"]),
        ("- {id: x, reason: why}\n", ["1:3: 'link' is missing"]),
        ("- {id: x, reason: '', link: l}\n", ["1:11: 'reason': expected text of length >= 1"]),
        ("- {id: x, reson: y, link: l}\n", ["1:11: unknown field 'reson' (did you mean 'reason'?)"]),
        ("- x\n- 5\n", ["1:3: expected a mapping, got text", "2:3: expected a mapping, got a whole number"]),
        ("a/b/x: known\n", ["1:1: a baseline is a list of {id, reason, link}"]),
        ("", ["1:1: a baseline is a list of {id, reason, link}"]),
    ],
)
def test_a_mistake_in_it_is_one_line_at_its_place(file: Path, text: str, lines: list[str]) -> None:
    file.write_text(text)

    with pytest.raises(TableErrors) as raised:
        Baseline.read(file)

    assert [str(p).removeprefix(f"{file}:") for p in raised.value.problems] == lines


def test_a_baseline_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TableErrors, match=r"known.yaml:1:1: cannot be read: No such file"):
        Baseline.read(tmp_path / "known.yaml")
