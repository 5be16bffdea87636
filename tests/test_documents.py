"""The code that the documents show runs, and does what they say."""

from __future__ import annotations

import itertools
import json
import os
import re
import shlex
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from mock_idp import Issuer, KeyRing, MockIdP, Request, fixed_key, persona
from scenarios import exclusions, rulebook
from scenarios.cli import COMMANDS
from scenarios.cli.reporting import REPORTS
from scenarios.pytest_scenarios import WORDS
from scenarios.tables.load import load_table
from scenarios.tables.scenario import Authenticate, Mint
from scenarios.targets.reference import policy_of
from scenarios.targets.target_file import load_target

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
WALK = "## From a bug report to a row"
WRITING, _, GROWN = (ROOT / "docs" / "writing-scenarios.md").read_text(encoding="utf-8").partition(WALK)
PYTEST = (ROOT / "docs" / "pytest.md").read_text(encoding="utf-8")
GROUP = (
    "group: keys/example\ntitle: An example\ngiven: {users: {ann: ann-sub}, token: {claims: {exp: +2d}}}\n"
)


def blocks(text: str, language: str) -> list[str]:
    """Return the fenced blocks of a language; the empty one is none."""
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [block for name, block in fenced if name == language]


def write_target(folder: Path) -> None:
    """Write the README's verifier and its target file, with patience: a busy machine is no finding."""
    folder.joinpath("my_verifier.py").write_text(blocks(README, "python")[0])
    folder.joinpath("target.yaml").write_text(blocks(README, "yaml")[0] + "timeouts: {answer_s: 60}\n")


def run_target(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the command that the README shows, with options."""
    write_target(folder)
    command = [sys.executable, "-m", "scenarios", "run", "--plain", "--target", "target.yaml", *options]
    return subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", check=False)


def finding() -> tuple[str, list[str]]:
    """Return the id and the parts of the finding that the README shows; `...` stands between the parts."""
    (shown,) = (block for block in blocks(README, "") if " FAIL " in block)
    return shown.split()[2], [part for part in re.split(r"^ +\.\.\.$", shown, flags=re.MULTILINE) if part]


def rows(text: str, head: str) -> set[str]:
    """Return the words in code of the first column of the table with this head."""
    table = text.partition(f"| {head} |")[2].partition("\n\n")[0]
    return set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE))


def test_the_readme_s_pytest_examples_run(pytester: pytest.Pytester) -> None:
    write_target(pytester.path)
    pytester.makepyfile("\n".join(blocks(README, "python")[1:]))

    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-q", "-k", "issuer or rotation")

    outcomes = result.parseoutcomes()
    assert outcomes["passed"] > 40
    assert not {"failed", "errors", "error"} & set(outcomes)


def test_the_readme_s_finding_is_what_its_target_gets(tmp_path: Path) -> None:
    name, parts = finding()

    done = run_target(tmp_path, "--select", name)

    flat = " ".join(done.stdout.split())
    places = [flat.index(" ".join(part.split())) for part in parts]
    assert (done.returncode, done.stderr) == (1, "")
    assert places == sorted(places)
    assert len(parts) > 1


def test_the_readme_s_target_has_the_known_findings_of_pyjwt_and_no_others(tmp_path: Path) -> None:
    known = (ROOT / "examples" / "targets" / "pyjwt.baseline.yaml").read_text(encoding="utf-8")

    done = run_target(tmp_path, "--json", "-")

    results = json.loads(done.stdout)["results"]
    found = {result["id"] for result in results if result["outcome"] in {"fail", "error"}}
    assert finding()[0] in found
    assert sum(result["outcome"] == "pass" for result in results) > 700
    assert found <= set(re.findall(r"^- id: (\S+)$", known, re.MULTILINE))


def test_the_tables_of_the_writing_guide_load() -> None:
    whole, *steps, over_http = (block for block in blocks(WRITING, "yaml") if "says:" in block)

    assert len(load_table(whole, "guide")) == 4
    assert len(steps) == 2
    assert len(load_table(f"{GROUP}scenarios:\n{over_http}", "guide")) == 3
    for block in steps:
        table = f"{GROUP}scenarios:\n{textwrap.indent(textwrap.dedent(block), '  ')}"
        assert len(load_table(table, "guide")) == 1


def test_minting_and_authenticating_say_the_same_of_a_token() -> None:
    (block,) = (block for block in blocks(WRITING, "yaml") if "mint:" in block)

    (scenario,) = load_table(f"{GROUP}scenarios:\n{textwrap.indent(textwrap.dedent(block), '  ')}", "guide")

    (minted,) = (action.token for action in scenario.actions if isinstance(action, Mint))
    first, second = (action.token for action in scenario.actions if isinstance(action, Authenticate))
    assert (minted.claims, minted.key, second) == ({"exp": "+1h"}, "a", "early")
    assert not isinstance(first, str)
    assert first.claims == {"exp": "+2h"}


def test_the_row_that_grows_in_the_writing_guide_does_what_it_shows(tmp_path: Path) -> None:
    (tmp_path / "tables").mkdir()
    asked = 0
    for language, block in re.findall(r"^```(\w*)\n(.*?)^```$", GROWN, re.DOTALL | re.MULTILINE):
        name = {"python": "my_verifier.py", "yaml": "tables/issuer-case.yaml"}.get(language)
        if name is not None:
            (tmp_path / ("target.yaml" if "adapter:" in block else name)).write_text(block, encoding="utf-8")
            continue
        line, _, shown = block.removeprefix("$ touchstone ").partition("\n")
        said = said_by(tmp_path, line)
        places = [said.index(part) for part in re.split(r"\.\.\.\n", shown) if part]
        assert places == sorted(places)
        assert said == shown or "..." in shown
        asked += 1
    assert asked == 7


@pytest.mark.parametrize("name", ["integrator", "qa", "ci"])
def test_a_tutorial_does_what_it_shows(name: str, tmp_path: Path) -> None:
    text = (ROOT / "docs" / f"tutorial-{name}.md").read_text(encoding="utf-8")
    for language, title, block in re.findall(
        r'^```(\w+)(?: title="(.+)")?\n(.*?)^```$', text, re.DOTALL | re.MULTILINE
    ):
        if title:
            (tmp_path / title).write_text(block, encoding="utf-8")
        if language != "console":
            continue
        for shown in re.split(r"^\$ touchstone ", block, flags=re.MULTILINE)[1:]:
            line, _, output = shown.partition("\n")
            said = said_by(tmp_path, line)
            places = [said.index(part) for part in re.split(r"\.\.\.\n?", output) if part]
            assert places == sorted(places)


def said_by(folder: Path, line: str) -> str:
    """Return what the command says, at 80 columns and without colour."""
    done = subprocess.run(
        [sys.executable, "-m", "scenarios", *shlex.split(line)],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        check=False,
        env={**os.environ, "COLUMNS": "80", "NO_COLOR": "1"},
    )
    return re.sub(r" +$", "", done.stdout + done.stderr, flags=re.MULTILINE)


def test_the_knobs_of_the_writing_guide_can_be_declared(tmp_path: Path) -> None:
    own, reference = (block for block in blocks(WRITING, "yaml") if "knobs:" in block)
    declared = []
    for block in (own, reference):
        (tmp_path / "target.yaml").write_text(block)
        declared.append(load_target(tmp_path / "target.yaml").profile.knobs)

    assert declared[0] == {"blank_is_empty": "reject", "exp_required": "false", "leeway_s": 30}
    assert policy_of(declared[1]) == replace(policy_of({}), user_scope="enrolled_users", conflict="reject")
    for name, value in {**declared[0], **declared[1]}.items():
        assert rulebook.knobs()[name].default != value


def test_the_exclusions_that_the_writing_guide_shows_are_those_that_ship() -> None:
    (block,) = (block for block in blocks(WRITING, "yaml") if "needs:" in block)

    shown = [entry for entry, _ in exclusions.ExclusionList.parse(block, "guide").lines]

    assert len(shown) == 2
    assert set(shown) <= {entry for entry, _ in exclusions.shipped().lines}


def test_the_snippets_of_the_pytest_guide_run(pytester: pytest.Pytester) -> None:
    write_target(pytester.path)
    scenarios, idp = blocks(PYTEST, "python")
    pytester.makepyfile(test_scenarios=scenarios, test_idp=idp)

    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-q")

    outcomes = result.parseoutcomes()
    assert outcomes["passed"] > 40
    assert not {"failed", "errors", "error"} & set(outcomes)


def test_the_ini_file_of_the_pytest_guide_names_the_target_of_tables(pytester: pytest.Pytester) -> None:
    write_target(pytester.path)
    pytester.path.joinpath("pytest.ini").write_text(*blocks(PYTEST, "ini"))
    good = "  - {id: good, says: A, rules: [FMT-001], expect: ann}\n"
    padded = "  - {id: padded, says: B, rules: [FMT-002], expect: reject, control: good, forge: {padding: payload}}\n"
    for ending in ("yaml", "yml"):
        group = f"group: {ending}\ntitle: T\ngiven: {{users: {{ann: x}}}}\nscenarios:\n"
        pytester.path.joinpath(f"mine.scenarios.{ending}").write_text(group + good + padded)

    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-q")

    result.assert_outcomes(passed=2, failed=2)  # the README's target takes padding; the reference does not


def test_the_pytest_guide_names_every_argument_of_the_marker() -> None:
    assert rows(PYTEST, "argument | says") == set(WORDS)


def test_the_pytest_guide_names_every_fixture(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("--fixtures", "-p", "no:cacheprovider")

    ours = re.findall(r"^(\w+).* -- .*scenarios/pytest_plugin\.py", result.stdout.str(), re.MULTILINE)
    assert {*rows(PYTEST, "fixture | gives"), "scenario"} == set(ours)


def test_the_documents_link_to_each_other_and_to_places_that_are_there() -> None:
    for document in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", document.read_text(encoding="utf-8")):
            path, _, anchor = link.partition("#")
            target = (document.parent / path).resolve() if path else document
            assert target.exists(), f"{document.name}: {link}"
            if anchor:
                heads = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
                assert anchor in {head.lower().replace(" ", "-") for head in heads}, link
    assert all(f"docs/{path.name}" in README for path in (ROOT / "docs").glob("*.md"))


def test_a_key_is_rotated_by_hand_as_the_guide_shows() -> None:
    guide = (ROOT / "docs" / "mock-idp.md").read_text(encoding="utf-8")
    (shown,) = (block for block in blocks(guide, "sh") if "/_admin/api/issuers/%2F/rotate" in block)
    idp = MockIdP()
    idp.admin = True
    idp.add_issuer("", Issuer(persona("generic"), KeyRing([fixed_key("a")])))

    def asked(line: str) -> tuple[int, int]:
        """Return the status of a line's request, and how many keys are published after it."""
        words = shlex.split(line.replace("KID", "a"), comments=True)[1:]
        options = dict(itertools.pairwise(words))
        path = next(word for word in words if word.startswith("http")).partition(":43817")[2]
        headers = [
            ("host", "127.0.0.1:43817"),
            *([("content-type", "application/json")] if "-H" in words else []),
        ]
        body = options.get("-d", "").encode()
        answer = idp.handle(Request(options.get("-X", "GET"), path, headers=tuple(headers), body=body))
        return answer.status, len(json.loads(idp.handle(Request("GET", "/jwks")).body)["keys"])

    assert [asked(line) for line in shown.splitlines()] == [(200, 1), (200, 2), (201, 2), (200, 1)]


def test_the_commands_of_the_reports_guide_write_what_it_says(tmp_path: Path) -> None:
    (block,) = blocks((ROOT / "docs" / "reports.md").read_text(encoding="utf-8"), "sh")
    write_target(tmp_path)

    for line in block.splitlines():
        command = [sys.executable, "-m", "scenarios", *shlex.split(line)[1:], "--select", "claims/issuer/*"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", check=False)
        assert done.returncode == 0, done.stderr
        for path in re.findall(r"--\S+ (\S+\.(?:html|md|xml|json|sarif))", line):
            assert (tmp_path / path).stat().st_size > 100 or (tmp_path / path).read_bytes() == b"[]\n"


def test_the_reports_guide_names_every_report() -> None:
    text = (ROOT / "docs" / "reports.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `--([\w-]+)", text, re.MULTILINE)) == {*REPORTS, "annotations"}


def test_the_readme_names_every_command() -> None:
    for name in COMMANDS:
        assert f"touchstone {name}" in README


def test_the_commands_of_the_running_guide_do_what_they_show(tmp_path: Path) -> None:
    write_target(tmp_path)
    guide = (ROOT / "docs" / "running.md").read_text(encoding="utf-8")
    commands = re.findall(r"^\$ touchstone (.+)$", guide, re.MULTILINE)

    ended = [
        subprocess.run(
            [sys.executable, "-m", "scenarios", *shlex.split(command)],
            cwd=tmp_path,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        for command in commands
    ]

    # PyJWT takes the weak keys, and a replay reproduces that.
    statuses = [done.returncode for done in ended]
    assert statuses[:2] + statuses[4:] == [1, 1, 1, 0, 1, 1, 0]
    assert max(statuses[2:4]) == 1
    assert "2 of 2 reproduced" in ended[5].stdout
