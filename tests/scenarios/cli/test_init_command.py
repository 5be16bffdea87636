"""`touchstone init`: what it writes runs at once, what it asks, and what it leaves alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from scenarios import starters
from scenarios.cli import init_command
from scenarios.targets.protocol import KEY_FORMS
from scenarios.targets.target_file import load_target

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[3]


def on_a_terminal(folder: Path, answers: str, *arguments: str) -> tuple[int, str]:
    """Run `touchstone init` on a terminal that answers, and return its status and all that it said."""
    master, terminal = os.openpty()
    try:
        os.write(master, answers.encode())
        done = subprocess.run(
            [sys.executable, "-m", "scenarios", "init", *arguments],
            cwd=folder,
            stdin=terminal,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
    finally:
        os.close(terminal)
        os.close(master)
    return done.returncode, done.stdout + done.stderr


def runs_at_once(touchstone: Callable[..., Any], target: str) -> None:
    """Ask the written target what check-target asks, and a few scenarios."""
    checked = touchstone("check-target", target)
    few = ("--select", "signature/honest", "--select", "claims/audience")
    ran = touchstone("run", "--plain", "--target", target, *few, "--json", "run.json")

    assert checked.status == 0, checked.out
    assert "it can be asked" in checked.out
    assert ran.status == 0, ran.out
    totals = json.loads(Path("run.json").read_text(encoding="utf-8"))["totals"]
    assert totals["pass"] > 10


@pytest.mark.parametrize("keys", KEY_FORMS)
def test_a_starter_in_python_runs_at_once_with_each_form_of_keys(
    touchstone: Callable[..., Any], keys: str
) -> None:
    made = touchstone("init", "mine", "--kind", "python", "--keys", keys, "--algorithms", "RS256, ES256")

    assert (made.status, made.err) == (0, "")
    assert "touchstone check-target mine/target.yaml" in made.out
    profile = load_target("mine/target.yaml").profile
    assert (profile.keys, profile.algorithms) == ((keys,), ("RS256", "ES256"))
    runs_at_once(touchstone, "mine/target.yaml")


def test_a_starter_over_http_runs_at_once(touchstone: Callable[..., Any]) -> None:
    assert touchstone("init", "mine", "--kind", "http").status == 0

    runs_at_once(touchstone, "mine/target.yaml")


def test_check_target_tells_what_a_starter_no_longer_gets_right(touchstone: Callable[..., Any]) -> None:
    touchstone("init", "mine", "--kind", "python")
    path = Path("mine/my_verifier.py")
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('audience=integration["audience"]', 'options={"verify_aud": False}'))

    checked = touchstone("check-target", "mine/target.yaml")

    assert checked.status == 1
    assert "NO  audience" in checked.out


def test_a_starter_for_a_running_api_names_its_url_and_brings_no_stand_in(
    touchstone: Callable[..., Any],
) -> None:
    url = "http://localhost:8080/api/me?full=1"
    made = touchstone("init", "mine", "--kind", "http", "--url", url, "--name", 'my "API"')

    spec = load_target("mine/target.yaml")
    assert (made.status, [path.name for path in Path("mine").iterdir()]) == (0, ["target.yaml"])
    assert spec.name == 'my "API"'
    assert spec.http is not None
    assert (spec.http.url, spec.http.endpoints) == ("http://localhost:8080", ["/api/me?full=1"])


@pytest.mark.parametrize("keys", KEY_FORMS)
def test_a_starter_in_node_has_the_profile_that_was_asked_for(
    touchstone: Callable[..., Any], keys: str
) -> None:
    """`nox -s clients` runs it, where there is Node."""
    made = touchstone("init", "mine", "--kind", "node", "--keys", keys)

    spec = load_target("mine/target.yaml")
    assert made.status == 0
    assert (spec.command, spec.profile.keys) == (("node", "target.mjs"), (keys,))
    assert {path.name for path in Path("mine").iterdir()} == {"target.yaml", "target.mjs", "verify.mjs"}


@pytest.mark.parametrize(
    "answers, kind, keys, algorithms",
    [
        ("\n\n\n", "python", "jwks", "RS256"),
        ("node\npublic_keys\nES256 EdDSA\n", "node", "public_keys", "ES256, EdDSA"),
        ("http\n\nPS256\n", "http", "jwks_uri", "PS256"),
    ],
)
def test_on_a_terminal_it_asks_three_questions(
    tmp_path: Path, answers: str, kind: str, keys: str, algorithms: str
) -> None:
    status, said = on_a_terminal(tmp_path, answers, "mine")

    assert status == 0, said
    assert said.count("?") + said.count("]:") + said.count("):") >= 3
    text = (tmp_path / "mine" / "target.yaml").read_text(encoding="utf-8")
    assert {"python": "in-process", "node": "json-lines", "http": "http"}[kind] in text
    assert f"keys: [{keys}]" in text
    assert f"algorithms: [{algorithms}]" in text


def test_without_a_terminal_and_without_a_kind_it_says_so_in_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scenarios", "init", "mine"],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "--kind python, node or http" in done.stderr
    assert not (tmp_path / "mine").exists()


def test_it_overwrites_nothing_without_being_told(touchstone: Callable[..., Any]) -> None:
    Path("mine").mkdir()
    Path("mine/my_verifier.py").write_text("my own\n")

    refused = touchstone("init", "mine", "--kind", "python")
    kept = (Path("mine/my_verifier.py").read_text(), Path("mine/target.yaml").exists())
    forced = touchstone("init", "mine", "--kind", "python", "--force")

    assert (refused.status, refused.err.count("\n"), kept) == (2, 1, ("my own\n", False))
    assert "'mine/my_verifier.py' is there already" in refused.err
    assert "--force" in refused.err
    assert forced.status == 0
    assert "def verify" in Path("mine/my_verifier.py").read_text()


@pytest.mark.parametrize(
    "arguments, says",
    [
        (("--kind", "nodejs"), "nodejs"),
        (("--kind", "python", "--algorithms", "RS265"), "did you mean 'RS256'?"),
        (("--kind", "python", "--algorithms", ","), "at least one"),
        (("--kind", "python", "--url", "http://localhost/"), "--url goes with --kind http"),
        (("--kind", "http", "--keys", "jwks"), "--keys goes with python and node"),
        (("--kind", "http", "--url", "localhost:80"), "no URL of an endpoint"),
        (("--kind", "http", "--url", "http://localhost:99999/me"), "no URL of an endpoint"),
        (("--kind", "python", "--name", "a\nb"), "in one line"),
    ],
)
def test_a_wrong_word_is_one_line_and_writes_nothing(
    touchstone: Callable[..., Any], arguments: tuple[str, ...], says: str
) -> None:
    ended = touchstone("init", "mine", *arguments)

    assert (ended.status, ended.err.count("\n")) == (2, 1)
    assert says in ended.err
    assert not Path("mine").exists()


def test_a_folder_that_is_a_file_is_one_line(touchstone: Callable[..., Any]) -> None:
    Path("mine").write_text("")

    ended = touchstone("init", "mine", "--kind", "python")

    assert (ended.status, ended.err.count("\n")) == (2, 1)
    assert "'mine' cannot be written" in ended.err


def test_the_command_offers_the_kinds_and_key_forms_that_there_are() -> None:
    offered = {option.name: option.type for option in init_command.command.params}

    assert tuple(vars(offered["kind"])["choices"]) == starters.KINDS
    assert tuple(vars(offered["keys"])["choices"]) == KEY_FORMS


def test_the_templates_are_in_the_package_whole() -> None:
    shipped, written = (
        {path.relative_to(folder).as_posix() for path in folder.rglob("*.j2")}
        for folder in (Path(str(resources.files("scenarios"))), ROOT / "scenarios")
    )

    assert shipped == written
    assert len(shipped) > 6
