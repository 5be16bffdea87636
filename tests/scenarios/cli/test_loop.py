"""The loop of whoever runs often: shards and their merge, what failed, replays, baselines from a run, completion."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from scenarios.cli.watching import rounds
from scenarios.reports.progress import EVERY_S, Lines
from scenarios.results import Kind, Result
from scenarios.shards import Shard, cost
from scenarios.tables.load import together

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.scenarios.cli.conftest import Touchstone

REPOSITORY = Path(__file__).parents[3]


def hear_interrupts() -> None:
    """Undo what a shell does to its background: it lets SIGINT be ignored, by the children of these tests too."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def written(touchstone: Touchstone, name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((touchstone.folder / name).read_bytes())
    return read


def shards(touchstone: Touchstone, function: str, count: int, *more: str) -> list[str]:
    names = [f"{index}.json" for index in range(1, count + 1)]
    for index, name in enumerate(names, 1):
        touchstone.run(function, "--shard", f"{index}/{count}", "--json", name, *more)
    return names


def test_shards_of_the_catalogue_are_disjoint_complete_balanced_and_keep_controls_at_home() -> None:
    wanted = list(together(()).values())

    parts = [Shard(index, 4).of(wanted) for index in range(1, 5)]

    assert sorted(one.id for part in parts for one in part) == sorted(one.id for one in wanted)
    costs = [sum(map(cost, part)) for part in parts]
    assert max(costs) < 1.02 * min(costs)
    for part in parts:
        names = {one.id for one in part}
        assert all(one.control is None or one.control in names for one in part)
        assert part == [one for one in wanted if one.id in names]


def test_one_group_with_one_control_is_shared_out_too() -> None:
    group = [one for one in together(()).values() if one.group == "claims/times"]

    parts = [Shard(index, 4).of(group) for index in range(1, 5)]

    assert sorted(one.id for part in parts for one in part) == sorted(one.id for one in group)
    assert min(map(len, parts)) > len(group) / 8


def test_what_an_earlier_run_took_decides_who_gets_what() -> None:
    heads = [one for one in together(()).values() if one.control is None][:6]
    durations = {one.id: 1.0 for one in heads} | {heads[0].id: 5.0}

    parts = [Shard(index, 2).of(heads, durations) for index in (1, 2)]

    assert [len(part) for part in parts] == [1, 5]


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "a/b", "1/2/3", "1/1001"])
def test_what_is_no_shard_is_said_in_a_line(touchstone: Touchstone, text: str) -> None:
    ended = touchstone.run("honest", "--shard", text)

    assert ended.status == 2
    assert f"'{text}' is no shard" in ended.err


@pytest.mark.parametrize("function, status", [("honest", 0), ("careless", 1)])
def test_merged_shards_are_the_run(touchstone: Touchstone, function: str, status: int) -> None:
    whole = touchstone.run(function, "--json", "whole.json")
    names = shards(touchstone, function, 2)

    ended = touchstone("merge", *reversed(names), "--json", "merged.json")

    one, merged = written(touchstone, "whole.json"), written(touchstone, "merged.json")
    assert (ended.status, whole.status) == (status, status)
    for name in ("target", "profile", "totals", "policies", "catalogue", "tables", "issued", "answered"):
        assert (name, merged[name]) == (name, one[name])
    assert [(r["id"], r["outcome"], r["verdict"]) for r in merged["results"]] == [
        (r["id"], r["outcome"], r["verdict"]) for r in one["results"]
    ]
    assert ended.out.partition("mock IdP")[0] == whole.out.partition("mock IdP")[0]


def test_only_shards_of_one_run_are_merged_and_all_of_them(touchstone: Touchstone) -> None:
    first, second = shards(touchstone, "honest", 2)
    touchstone.run("honest", "--json", "whole.json")
    touchstone.run("careless", "--shard", "2/2", "--json", "careless.json")
    touchstone.run("honest", "--shard", "2/2", "--rule", "CLM-001", "--json", "rule.json")
    touchstone.write("table.yaml", (touchstone.folder / "table.yaml").read_text() + "# changed\n")
    touchstone.run("honest", "--shard", "2/2", "--json", "changed.json")

    def said(*files: str) -> str:
        ended = touchstone("merge", *files)
        assert ended.status == 2
        return ended.err

    assert "not all shards are there: 2/2 is missing" in said(first)
    assert "are both shard 1/2" in said(first, first, second)
    assert "is a whole run, and no shard of one" in said(first, "whole.json")
    assert "differ in their target" in said(first, "careless.json")
    assert "differ in their selection" in said(first, "rule.json")
    assert "differ in their catalogue" in said(first, "changed.json")


def test_a_whole_run_alone_is_reported_anew(touchstone: Touchstone) -> None:
    ran = touchstone.run("careless", "--json", "whole.json")

    ended = touchstone("merge", "whole.json", "--html", "page.html")

    assert ended.status == ran.status
    assert ended.out == touchstone("merge", "whole.json").out
    assert ended.out.partition("mock IdP")[0] == touchstone.run("careless").out.partition("mock IdP")[0]
    assert "<h1>2 findings</h1>" in (touchstone.folder / "page.html").read_text(encoding="utf-8")
    wrong = touchstone("merge", "whole.json", "--baseline", "none.yaml")
    assert wrong.status == 2


def test_failed_runs_what_failed_until_it_is_mended(touchstone: Touchstone) -> None:
    target = touchstone.target("careless")
    run = ("run", "--only-catalog", "table.yaml", "--target", target, "--json", "-")

    def ids(*more: str) -> list[str]:
        return [result["id"] for result in json.loads(touchstone(*run, *more).out)["results"]]

    assert len(ids()) == 6
    assert ids("--failed") == ["demo/ids/late[RS256]", "demo/ids/late[ES256]"]
    touchstone.write("careless.yaml", Path(touchstone.target("honest")).read_text())
    assert ids("--failed", "--select", "demo/ids/late[ES256]") == ["demo/ids/late[ES256]"]
    assert ids("--failed") == ["demo/ids/late[RS256]"]
    ended = touchstone("run", "--only-catalog", "table.yaml", "--target", target, "--failed")
    assert (ended.status, ended.out) == (0, "nothing failed last time\n")


def test_failed_goes_by_a_result_file_where_nothing_can_be_kept(touchstone: Touchstone) -> None:
    touchstone.write(".touchstone", "a file, so that no folder can be made here")
    touchstone.run("careless", "--json", "all.json")

    unknown = touchstone.run("careless", "--failed")
    ended = touchstone.run("careless", "--failed", "all.json", "--json", "-")

    assert unknown.status == 2
    assert "nothing is known of an earlier run" in unknown.err
    assert len(json.loads(ended.out)["results"]) == 4  # two failures, two warnings


def test_a_baseline_from_a_run_is_refused_until_a_person_has_filled_it_in(touchstone: Touchstone) -> None:
    touchstone.run("careless", "--write-baseline", "known.yaml")
    text = (touchstone.folder / "known.yaml").read_text()

    refused = touchstone.run("careless", "--baseline", "known.yaml")
    for words in ("(write here why this failure is known)", "(write here where it is followed up)"):
        text = text.replace(words, "https://bugs.example/7")
    touchstone.write("known.yaml", text)
    excused = touchstone.run("careless", "--baseline", "known.yaml")

    assert refused.status == 2
    assert "known.yaml:4:3: 'demo/ids/late[RS256]' has no reason yet" in refused.err
    assert (excused.status, "2 known failures" in excused.out) == (0, True)


def test_a_baseline_written_anew_keeps_a_person_s_words_and_drops_what_is_mended(
    touchstone: Touchstone,
) -> None:
    entry = "- {{id: 'demo/ids/{}', reason: 'Ours: late', link: L-1}}\n"
    old = entry.format("late[RS256]") + entry.format("good[RS256]")
    touchstone.write("known.yaml", old)

    alone = touchstone.run("careless", "--write-baseline", "known.yaml")
    touchstone.run("careless", "--baseline", "known.yaml", "--write-baseline", "known.yaml", "--strict")

    text = (touchstone.folder / "known.yaml").read_text()
    assert (alone.status, "name it with --baseline too" in alone.err) == (2, True)
    assert text.count("- id:") == 4
    assert text.count('"Ours: late"') == 1
    assert "good" not in text


def test_a_replay_needs_the_result_file_alone_and_reproduces_it(touchstone: Touchstone) -> None:
    touchstone.run("careless", "--json", "run.json")
    (touchstone.folder / "table.yaml").unlink()

    ended = touchstone("replay", "run.json")
    one = touchstone("replay", "run.json", "demo/ids/late[ES256]", "--details")

    assert (ended.status, ended.err) == (0, "")
    assert ended.out.splitlines()[-1] == "4 of 4 reproduced"
    assert one.out.splitlines()[-1] == "1 of 1 reproduced"
    assert "accepted as ann" in one.out


def test_a_replay_says_what_differs_by_now(touchstone: Touchstone) -> None:
    touchstone.run("careless", "--json", "run.json")
    touchstone.write("careless.yaml", Path(touchstone.target("honest")).read_text())

    ended = touchstone("replay", "run.json", "demo/ids/late[RS256]")

    assert ended.status == 1
    assert "is another file than it was at the run" in ended.err
    assert "outcome: was fail, is pass" in ended.out
    assert "kind: was accept, is reject" in ended.out


def test_a_target_with_a_clock_gets_the_same_bytes_again(touchstone: Touchstone) -> None:
    line = "- {id: exp, says: A, rules: [CLM-012], claim: {exp: -2h}, expect: ann}\n"
    touchstone.write("t.yaml", f"group: a/b\ntitle: T\ngiven: {{users: {{ann: x}}}}\nscenarios:\n  {line}")
    touchstone("run", "--only-catalog", "t.yaml", "--json", "run.json")

    ended = touchstone("replay", "run.json")

    assert ended.out == "a/b/exp: reproduced, byte for byte\n1 of 1 reproduced\n"


def test_what_cannot_be_replayed_is_said_in_a_line(touchstone: Touchstone) -> None:
    touchstone.run("careless", "--json", "run.json")
    touchstone.run("honest", "--json", "good.json")

    nobody = touchstone("replay", "run.json", "demo/ids/lat[RS256]")
    passed = touchstone("replay", "good.json", "demo/ids/late[RS256]")
    nothing = touchstone("replay", "good.json")
    (touchstone.folder / "careless.yaml").unlink()
    gone = touchstone("replay", "run.json")

    assert (nobody.status, "did you mean 'demo/ids/late[RS256]'" in nobody.err) == (2, True)
    assert (passed.status, "has no table for" in passed.err) == (2, True)
    assert (nothing.status, nothing.out.startswith("nothing to replay")) == (0, True)
    assert (gone.status, "--target FILE" in gone.err) == (2, True)


def complete(touchstone: Touchstone, monkeypatch: pytest.MonkeyPatch, line: str) -> set[str]:
    monkeypatch.setenv("_TOUCHSTONE_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(line.split()) - 1))
    return {item.partition(",")[2] for item in touchstone().out.split()}


def test_commands_ids_groups_and_rules_are_completed(
    touchstone: Touchstone, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenarios = together(()).values()
    known = {one.id.partition("[")[0] for one in scenarios} | {one.group for one in scenarios}

    assert complete(touchstone, monkeypatch, "touchstone rep") == {"replay"}
    assert complete(touchstone, monkeypatch, "touchstone run --rule map-01") >= {"MAP-010", "MAP-014"}
    for line in ("touchstone run --select keys/", "touchstone show keys/"):
        assert complete(touchstone, monkeypatch, line) == {name for name in known if name.startswith("keys/")}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell_calls_the_command(touchstone: Touchstone, shell: str) -> None:
    assert f"_TOUCHSTONE_COMPLETE={shell}_complete" in touchstone("completion", shell).out


def test_watching_asks_what_failed_first_and_all_once_it_is_mended() -> None:
    asked: list[tuple[str, ...]] = []
    statuses = iter([1, 1, 0, 0, 0])

    def ask(more: Sequence[str]) -> int:
        asked.append(tuple(more))
        return next(statuses)

    rounds([{Path("mine.py")}] * 3, ask, lambda _: None)

    assert asked == [(), ("--failed",), ("--failed",), (), ()]


def test_what_a_run_writes_itself_is_no_reason_for_another(tmp_path: Path) -> None:
    log, source = tmp_path / "requests.log", tmp_path / "mine.py"
    for file in (log, source):
        file.write_text("")
        os.utime(file, (150.0, 150.0))
    gone = tmp_path / "lock"

    def runs(*changes: Path, end: float = 200.0) -> int:
        asked: list[Sequence[str]] = []
        times = iter([100.0, end, *[300.0] * 9])

        def ask(more: Sequence[str]) -> int:
            asked.append(more)
            return 0

        rounds([{one} for one in changes], ask, lambda _: None, lambda: next(times))
        return len(asked)

    assert runs(log, gone) == 1
    assert runs(log, end=140.0) == 2  # written after the run had ended
    assert runs(source) == 2


def test_watch_runs_again_at_a_change_and_ends_at_an_interrupt(touchstone: Touchstone) -> None:
    target = touchstone.target("careless")
    command = [
        sys.executable,
        "-m",
        "scenarios",
        "run",
        "--watch",
        "--only-catalog",
        "table.yaml",
        "--target",
        target,
    ]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=touchstone.folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        preexec_fn=hear_interrupts,  # noqa: PLW1509 - no thread of this process is started yet
    ) as process:
        assert process.stdout is not None
        lines = process.stdout

        def until_it_waits() -> str:
            return "".join(iter(lines.readline, "touchstone run: waiting for a change; Ctrl-C ends\n"))

        first = until_it_waits()
        (touchstone.folder / "target.py").write_text(
            (touchstone.folder / "target.py")
            .read_text()
            .replace("return claims(token)\n", "return None\n", 1)
        )
        second = until_it_waits()
        process.send_signal(signal.SIGINT)
        rest = lines.read()

    assert "2 of 6 scenarios pass" in first
    assert "of 2 scenarios pass" in second
    assert (process.returncode, "Traceback" in rest) == (130, False)


def test_without_a_terminal_progress_is_a_line_now_and_then() -> None:
    said: list[str] = []
    now = iter([0.0, 1.0, EVERY_S, EVERY_S + 1])
    result = Result(
        id="a/b/x", rules=("FMT-001",), level="MUST", basis="rfc", outcome=Kind.PASS, expected="ann"
    )

    lines = Lines(12, said.append, lambda: next(now))
    for _ in range(3):
        lines(result)

    assert said == ["touchstone run: 2 of 12 asked, about 150 s left (a/b)"]
