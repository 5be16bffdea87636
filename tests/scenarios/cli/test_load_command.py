"""`touchstone load` before anything is sent: what it needs, what it refuses, and what it may load."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from scenarios.files import yaml12
from scenarios.load import generator
from scenarios.load.generator import GeneratorError
from scenarios.load.plan import read_plan

DOCUMENT = Path(__file__).parents[3] / "docs" / "load.md"
PLAN = "duration_s: 5\nmix: {good: 1}\n"
TARGET = """\
adapter: http
http:
  url: %s
  endpoints: [/]
  user: {json: /user}
  admin: {onboard: [{path: /}], reset: [{path: /}]}
profile: {keys: [jwks_uri], algorithms: [ES256]}
"""


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Locust be found, whether or not it is there."""
    monkeypatch.setattr(generator, "is_installed", lambda: True)


def test_without_locust_it_says_what_to_install(touchstone: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)

    ended = touchstone("load")

    assert ended.status == 2
    assert ended.err == "touchstone load: Locust is missing: python -m pip install 'oidc-touchstone[load]'\n"


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    "options, said",
    [
        (("nowhere.yaml",), "nowhere.yaml"),
        (("bad.yaml",), "bad.yaml:2:7: unknown field 'god' (did you mean 'good'?)"),
        (("plan.yaml", "--json", "-", "--html", "-"), "only one output can go to stdout"),
        (("plan.yaml", "--hold", "run.json", "--processes", "2"), "--processes is said to your own Locust"),
        (("plan.yaml", "--html", "no/page.html"), "'no/page.html' cannot be written"),
        (("plan.yaml", "--target", "honest.yaml"), "load asks APIs over HTTP, and its adapter is in-process"),
        (
            ("plan.yaml", "--target", "far.yaml"),
            "http://api.example is no address of this machine: name it with --host",
        ),
    ],
)
def test_what_cannot_be_is_said_in_one_line(touchstone: Any, options: tuple[str, ...], said: str) -> None:
    touchstone.write("plan.yaml", PLAN)
    touchstone.write("bad.yaml", PLAN.replace("good", "god"))
    touchstone.write("far.yaml", TARGET % "http://api.example")
    touchstone.target("honest")

    ended = touchstone("load", *options)

    assert ended.status == 2
    assert said in ended.err
    assert ended.err.count("\n") == 1


@pytest.mark.usefixtures("installed")
def test_a_target_that_does_not_listen_is_no_finding(touchstone: Any) -> None:
    touchstone.write("plan.yaml", PLAN)
    # Of port 1 nobody listens; a target that is started would have time to.
    touchstone.write("gone.yaml", TARGET % "http://127.0.0.1:1" + "timeouts: {start_s: 0.1}\n")

    ended = touchstone("load", "plan.yaml", "--target", "gone.yaml")

    assert ended.status == 3
    assert ended.err.startswith("touchstone load: gone: it was not ready within 0.1 s")


@pytest.mark.usefixtures("installed")
def test_a_locust_that_ends_without_results_is_said(touchstone: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def fails(run: Any, path: Path, processes: int) -> None:
        asked.update(run=run, there=path.is_file(), processes=processes)
        raise GeneratorError("Locust ended without results (status 1): no such thing")

    monkeypatch.setattr(generator, "generate", fails)
    touchstone.write("plan.yaml", PLAN)

    ended = touchstone("load", "plan.yaml", "--processes", "3")

    assert (ended.status, ended.out) == (2, "")
    assert "Locust ended without results (status 1): no such thing" in ended.err
    assert (asked["there"], asked["processes"], asked["run"].target.name) == (True, 3, "touchstone api")


def test_the_plan_that_the_guide_shows_is_one(tmp_path: Path) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    block = text.partition("```yaml\n")[2].partition("```")[0]
    path = tmp_path / "plan.yaml"
    path.write_text(block, encoding="utf-8")

    plan = read_plan(path)

    assert plan.limits.forget_s == 40
    assert set(yaml12.load(block, "guide").value["limits"]) == set(type(plan.limits).__struct_fields__)


def test_the_guide_names_every_outcome_option_and_variable(touchstone: Any) -> None:
    from scenarios.cli.load_command import command
    from scenarios.load.judging import OUTCOMES
    from scenarios.load.run_file import ENVIRONMENT

    text = DOCUMENT.read_text(encoding="utf-8")

    assert all(f"`{outcome}`" in text for outcome in OUTCOMES)
    assert ENVIRONMENT in text
    options = {name for option in command.params for name in option.opts if name.startswith("--")}
    assert {name for name in options - {"--plain"} if name not in text} == set()
    assert "touchstone load" in touchstone("load", "--help").out
