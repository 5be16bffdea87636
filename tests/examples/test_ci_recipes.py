"""The recipes for pipelines: each one's own script, run in a shell as its service would run it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml

from scenarios.cli import run_command

ROOT = Path(__file__).parents[2]
CI = ROOT / "examples" / "ci"
TARGET = """
adapter: in-process
python: mine.py:verify
profile: {scope: library, keys: [jwks], algorithms: [RS256]}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Make a folder with a target that rejects everything, and the commands that a recipe installs."""
    (tmp_path / "target.yaml").write_text(TARGET)
    (tmp_path / "mine.py").write_text("def verify(token, integration):\n    return None\n")
    for folder in ("bin", ".touchstone/bin"):
        programs = tmp_path / folder
        programs.mkdir(parents=True)
        programs.joinpath("touchstone").write_text(f'#!/bin/sh\nexec {sys.executable} -m scenarios "$@"\n')
        for name in ("pip", "python3", "python"):
            programs.joinpath(name).write_text("#!/bin/sh\nexit 0\n")  # it is installed already
        for program in programs.iterdir():
            program.chmod(0o755)
    return tmp_path


def sh(project: Path, script: str, *, program: str = "bash", **env: str) -> subprocess.CompletedProcess[str]:
    """Run a script as CI services do: it ends at the first command that fails."""
    found = shutil.which(program)
    assert found is not None
    return subprocess.run(
        [found, "-e", "-c", script],
        cwd=project,
        capture_output=True,
        encoding="utf-8",
        check=False,
        env={**os.environ, "PATH": f"{project / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), **env},
    )


def action() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    return read


def run_action(project: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    """Run the action's last step with inputs, and the others at their defaults."""
    *_, step = action()["runs"]["steps"]
    given = {name: about.get("default", "") for name, about in action()["inputs"].items()} | inputs
    env = {
        name: given[text.removeprefix("${{ inputs.").removesuffix(" }}")]
        for name, text in step["env"].items()
    }
    return sh(project, step["run"], GITHUB_OUTPUT=str(project / "output"), **env)


def test_the_action_reports_findings_and_fails(project: Path) -> None:
    done = run_action(project, target="target.yaml", select="claims/issuer/* format/segments/*", level="MUST")

    assert done.returncode == 1
    assert (project / "output").read_text() == "reports=touchstone-reports\n"
    cases = ET.parse(project / "touchstone-reports" / "junit.xml").getroot().iter("testcase")  # noqa: S314 - our own
    results = json.loads((project / "touchstone-reports" / "results.json").read_text())["results"]
    assert {result["id"].rpartition("/")[0] for result in results} == {"claims/issuer", "format/segments"}
    assert len(list(cases)) == len(results)


def test_an_input_of_the_action_is_never_a_part_of_its_script(project: Path) -> None:
    done = run_action(project, target="target.yaml; touch broken-in", reports="$(touch broken-in)")

    assert done.returncode == 2
    assert "target.yaml; touch broken-in" in done.stderr
    assert not list(project.rglob("broken-in"))
    for step in action()["runs"]["steps"]:
        assert "${{" not in step["run"]
        assert "uses" not in step


def test_every_input_of_the_action_reaches_the_command(project: Path) -> None:
    (project / "bin" / "touchstone").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    asked = dict.fromkeys(action()["inputs"], "x") | {"strict": "true", "level": "MUST"}

    done = run_action(project, **asked)

    said = done.stdout.split()
    assert {word for word in said if word.startswith("--")} >= {
        f"--{name}" for name in asked if name != "reports"
    }


def test_the_gitlab_job_writes_the_report_that_it_names(project: Path) -> None:
    job = yaml.safe_load((CI / "gitlab-ci.yml").read_text(encoding="utf-8"))["touchstone"]

    done = sh(project, "\n".join(job["script"]), **job["variables"])

    assert done.returncode == 1
    assert "findings" in done.stdout
    ET.parse(project / job["artifacts"]["reports"]["junit"])  # noqa: S314 - our own
    assert json.loads((project / job["artifacts"]["reports"]["codequality"]).read_text())
    assert job["artifacts"]["when"] == "always"


def test_the_lines_to_copy_from_the_guide_run_and_name_the_reports_that_they_write(project: Path) -> None:
    guide = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    blocks = dict(re.findall(r"^```(\w+)\n(touchstone:.*?|stage.*?)^```$", guide, re.DOTALL | re.MULTILINE))
    job = yaml.safe_load(blocks["yaml"])["touchstone"]
    jenkins = re.findall(r"sh '(.+)'", blocks["groovy"])
    for folder in ("bin", ".touchstone/bin"):
        (project / folder / "touchstone").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\nexit 1\n')

    gitlab, groovy = sh(project, "\n".join(job["script"])), sh(project, "\n".join(jenkins), program="sh")

    assert (gitlab.returncode, groovy.returncode) == (1, 0)  # Jenkins leaves findings to its junit step
    for said, reports in ((gitlab, job["artifacts"]["reports"]), (groovy, {"junit": "junit.xml"})):
        command, *given = said.stdout.split()
        assert command == "run"
        asked = run_command.command.make_context("run", given).params
        assert asked["target"] == "target.yaml"
        assert {"junit": asked["junit"], "codequality": asked["code_quality"]}.items() >= reports.items()
    assert "junit 'junit.xml'" in blocks["groovy"]


@pytest.mark.parametrize("target, status", [("target.yaml", 0), ("missing.yaml", 1)])
def test_the_jenkins_step_leaves_findings_to_junit_and_fails_for_all_else(
    project: Path, target: str, status: int
) -> None:
    text = (CI / "Jenkinsfile").read_text(encoding="utf-8")
    (script,) = re.findall(r"sh '''\n(.*?)'''", text, re.DOTALL)

    done = sh(project, script, program="sh", TARGET=target, TOUCHSTONE="x")

    assert done.returncode == status
    (report,) = re.findall(r"junit '(.+)'", text)
    assert (project / report).exists() == (status == 0)


def test_the_pre_commit_hook_checks_the_tables_that_it_is_given(project: Path) -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    (project / "mine.scenarios.yaml").write_text("group: mine\ntitle: Mine\nscenarios: []\n")

    done = sh(project, f"{hook['entry']} mine.scenarios.yaml")

    assert done.returncode == 2
    assert done.stderr.startswith("mine.scenarios.yaml:3:")
    assert re.search(hook["files"], "tables/mine.scenarios.yaml")
    assert not re.search(hook["files"], "other.yaml")
