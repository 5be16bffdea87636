"""`touchstone compare` as a user meets it: matrices, chains, files, and what is said of files that are no results."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.scenarios.cli.conftest import Ended, Touchstone


def results(touchstone: Touchstone, function: str, **changes: Any) -> str:
    """Run the small catalogue against one of the functions and return the file of its results."""
    path = f"{function}{len(changes)}.json"
    ended = touchstone.run(function, "--json", path)
    assert ended.status in {0, 1}
    if changes:
        content = json.loads((touchstone.folder / path).read_text(encoding="utf-8"))
        (touchstone.folder / path).write_text(json.dumps(content | changes), encoding="utf-8")
    return path


def compared(touchstone: Touchstone, *arguments: str) -> Ended:
    return touchstone("compare", "--plain", *arguments)


def test_the_matrix_shows_by_rule_how_many_scenarios_each_target_gets_wrong(touchstone: Touchstone) -> None:
    files = [results(touchstone, name) for name in ("honest", "careless")]

    ended = compared(touchstone, *files)

    assert ended.status == 0
    assert ended.err == ""
    lines = [line.split() for line in ended.out.splitlines()]
    assert ["1", "honest", "6", "·", "·", "·", "·", "·", "·"] in lines
    assert ["CLM-001", "MUST", "·", "2/2"] in lines
    assert not any(line[:1] == ["FMT-001"] for line in lines)


def test_a_row_for_each_scenario_and_rows_without_a_difference_are_shown_when_asked_for(
    touchstone: Touchstone,
) -> None:
    files = [results(touchstone, name) for name in ("honest", "crashing")]

    by_scenario = compared(touchstone, *files, "--scenarios", "--all")

    lines = [line.split() for line in by_scenario.out.splitlines()]
    assert ["demo/ids/good[RS256]", "·", "ERROR"] in lines
    assert [line for line in lines if line and line[0].startswith("demo/ids/late")]


def test_a_chain_lists_other_users_first_and_then_who_alone_lets_a_token_in(touchstone: Touchstone) -> None:
    files = [results(touchstone, name) for name in ("honest", "mistaken")]

    ended = compared(touchstone, *files, "--chain", "honest", "mistaken")

    assert ended.status == 1
    assert "honest in front of mistaken: 6 disagreements in 6" in ended.out
    kinds = [line.strip() for line in ended.out.splitlines() if line.strip().isupper() or "  demo/" in line]
    assert [kind.partition("  ")[0] for kind in kinds if "demo/" in kind] == [
        *["OTHER USERS"] * 2,
        *["ONLY THE SECOND LETS IT IN"] * 4,
    ]
    assert "accepts as ann" in ended.out
    assert "accepts as bob" in ended.out


def test_a_chain_of_targets_that_say_the_same_ends_with_0(touchstone: Touchstone) -> None:
    first = results(touchstone, "honest")
    second = results(touchstone, "honest", interrupted=False)

    ended = compared(touchstone, first, second, "--chain", first, second)

    assert ended.status == 0
    assert "0 disagreements in 6" in ended.out


def test_two_runs_of_one_target_are_told_apart_by_their_files(touchstone: Touchstone) -> None:
    first = results(touchstone, "honest")
    second = results(touchstone, "honest", interrupted=True)

    ended = compared(touchstone, first, second)

    assert "honest (honest0)" in ended.out
    assert "honest (honest1): the run was interrupted" in ended.out


def test_markdown_html_and_json_hold_both_matrices(touchstone: Touchstone) -> None:
    files = [results(touchstone, name) for name in ("honest", "careless")]

    ended = compared(
        touchstone, *files, "--markdown", "m.md", "--html", "p.html", "--json", "c.json", "--chain", *files
    )

    assert ended.status == 1
    text = (touchstone.folder / "m.md").read_text(encoding="utf-8")
    assert "| CLM-001 | MUST | rfc | · | 2/2 |" in text
    assert "| `demo/ids/late[RS256]` | CLM-001 | · | FAIL |" in text
    page = (touchstone.folder / "p.html").read_text(encoding="utf-8")
    assert "demo/ids/late[RS256]" in page
    assert "honest in front of careless" in page
    found = json.loads((touchstone.folder / "c.json").read_text(encoding="utf-8"))
    assert [target["name"] for target in found["targets"]] == ["honest", "careless"]
    assert {one["how"] for one in found["chains"][0]["disagreements"]} == {"only the second lets it in"}


def test_what_a_target_calls_itself_stays_text_in_page_and_table(touchstone: Touchstone) -> None:
    name = "<script>x</script>|y"
    file = results(touchstone, "honest", target={"name": name})

    compared(touchstone, file, results(touchstone, "careless"), "--markdown", "m.md", "--html", "p.html")

    assert "<script>x" not in (touchstone.folder / "p.html").read_text(encoding="utf-8")
    assert "<script>x</script>|y" not in (touchstone.folder / "m.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "content, says",
    [
        (None, "cannot be read: No such file or directory"),
        (b"", "is no result file of `touchstone run --json`"),
        (b"[1]", "is no result file of `touchstone run --json`"),
        (b"[" * 100_000, "is no result file of `touchstone run --json`"),
        (b"\xff\xfe", "is no result file of `touchstone run --json`"),
    ],
)
def test_a_file_that_is_no_result_is_named_in_one_line(
    touchstone: Touchstone, tmp_path: Path, content: bytes | None, says: str
) -> None:
    if content is not None:
        (tmp_path / "bad.json").write_bytes(content)

    ended = compared(touchstone, results(touchstone, "honest"), "bad.json")

    assert ended.status == 2
    assert ended.err.startswith("touchstone compare: 'bad.json' ")
    assert says in ended.err
    assert len(ended.err.splitlines()) == 1


def test_results_of_another_form_are_refused(touchstone: Touchstone) -> None:
    other = results(touchstone, "careless", schema="touchstone-run-9")

    ended = compared(touchstone, results(touchstone, "honest"), other)

    assert ended.status == 2
    assert "is of another form than this release reads: 'touchstone-run-9'" in ended.err


@pytest.mark.parametrize(
    "arguments, says",
    [
        (("--chain", "honest", "nobody"), "no target of these files is called 'nobody'"),
        (("--chain", "honest", "honest0.json"), "a chain is of two targets"),
        (("--html", "-", "--json", "-"), "only one output can go to stdout"),
    ],
)
def test_wrong_usage_ends_with_2_and_a_line(
    touchstone: Touchstone, arguments: tuple[str, ...], says: str
) -> None:
    files = [results(touchstone, name) for name in ("honest", "careless")]

    ended = compared(touchstone, *files, *arguments)

    assert ended.status == 2
    assert says in ended.err


def test_one_file_alone_is_nothing_to_compare(touchstone: Touchstone) -> None:
    ended = compared(touchstone, results(touchstone, "honest"))

    assert ended.status == 2
    assert "two result files or more are needed" in ended.err
