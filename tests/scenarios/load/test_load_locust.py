"""Load with Locust itself, in its own processes (`nox -s load`): by the command, and by the lines it documents.

These runs last some seconds each, because the real clock is what Locust goes by. No assertion is about how long
anything takes.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jwt
import pytest

from scenarios.load.generator import LOCUSTFILE
from scenarios.load.run_file import ENVIRONMENT, read_run
from scenarios.targets.http.channel import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

FLAWED = Path(__file__).with_name("flawed.py")
TARGET = """\
name: {way}
adapter: http
http:
  url: "http://127.0.0.1:{{port}}"
  start: {{command: [python, {script}, {way}, "{{port}}", asked]}}
  endpoints: [/]
  user: {{json: /user}}
  admin:
    onboard: [{{method: PUT, path: /, json: {{integration: "{{integration}}", users: "{{users}}"}}}}]
    reset: [{{method: DELETE, path: /}}]
timeouts: {{start_s: 60}}
profile: {{scope: service, keys: [jwks_uri], algorithms: [ES256]}}
"""
PLAN = """\
duration_s: {duration}
rate: 60
connections: 6
people: 50
mix: {{good: 70, expired: 5, foreign: 5, unknown_kid: 5, retired: 5, other_signature: 10}}
lifetime_s: 30
rotation: {{every_s: 4, ahead_s: 2, overlap_s: 2}}
limits: {{learn_s: 2, forget_s: 2}}
timeout_s: 60
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for way in ("honest", "never_learns", "never_forgets", "two_segments"):
        text = TARGET.format(way=way, script=json.dumps(str(FLAWED)))
        (tmp_path / f"{way}.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "plan.yaml").write_text(PLAN.format(duration=12), encoding="utf-8")
    return tmp_path


def load(folder: Path, *options: str) -> tuple[int, dict[str, Any]]:
    """Run `touchstone load` and return its status and result."""
    done = subprocess.run(
        [sys.executable, "-m", "scenarios", "load", "plan.yaml", "--json", "-", *options],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.stdout, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, result


def test_a_right_api_passes_and_several_processes_share_the_work(folder: Path) -> None:
    status, result = load(folder, "--target", "honest.yaml", "--processes", "2", "--html", "page.html")

    assert (status, result["problems"]) == (0, [])
    assert result["schema"] == "touchstone-load-1"
    assert len([one for one in result["workers"] if one["sent"] > 50]) == 2
    assert result["sent"] > 12 * 60 * 1.5  # each worker has the plan's rate to itself
    assert result["totals"]["retired"]["right"] > 0
    assert result["rotations"] == [4, 8]
    assert result["fetches"] > 0
    assert "passed" in (folder / "page.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "way, outcome, kind, key",
    [
        ("never_learns", "good_refused", "good", 1),
        ("never_forgets", "false_accept", "retired", 0),
        ("two_segments", "false_accept", "other_signature", None),
    ],
)
def test_a_flawed_api_is_exposed_with_the_moment_and_the_token(
    folder: Path, way: str, outcome: str, kind: str, key: int | None
) -> None:
    status, result = load(folder, "--target", f"{way}.yaml")

    found = [one for one in result["findings"] if (one["outcome"], one["kind"]) == (outcome, kind)]
    assert status == 1
    assert {one["what"]: one["first_s"] for one in result["problems"]}[outcome] == found[0]["at_s"]
    assert {one["kind"] for one in result["findings"]} <= {kind, "retired"}
    assert jwt.get_unverified_header(found[0]["token"])["kid"] == found[0]["kid"]
    if key is not None:
        assert found[0]["at_s"] >= 4 + 4 * (
            1 - key
        )  # the second key signs from 4 s; the first one is gone at 8 s


def test_a_shipped_target_is_this_project_s_own_api(folder: Path) -> None:
    # Its policy reads keys each 10 s, and unknown kids can use up what a token may provoke before that.
    plan = PLAN.format(duration=16).replace("retired: 5, ", "")
    plan = plan.replace("{learn_s: 2, forget_s: 2}", "{learn_s: 10, forget_s: 40}")
    plan = plan.replace("{every_s: 4, ahead_s: 2,", "{every_s: 12, ahead_s: 11,")
    (folder / "plan.yaml").write_text(plan, encoding="utf-8")

    status, result = load(folder)

    assert (status, result["problems"], result["target"]) == (0, [], "touchstone api")
    assert result["rotations"] == [12]
    assert result["totals"]["good"].get("excused", 0) == 0


@pytest.fixture
def held(folder: Path) -> Iterator[Path]:
    """Hold a run of half a minute for a Locust of one's own; kill what is left of it."""
    (folder / "plan.yaml").write_text(PLAN.format(duration=24), encoding="utf-8")
    words = ["load", "plan.yaml", "--target", "honest.yaml", "--hold", "run.json", "--start-in", "20"]
    process = subprocess.Popen(
        [sys.executable, "-m", "scenarios", *words, "--json", "result.json"],
        cwd=folder,
        stderr=subprocess.PIPE,
    )
    try:
        assert process.stderr is not None
        assert b"--worker" in b"".join(process.stderr.readline() for _ in range(3))
        yield folder
        process.wait(120)
    finally:
        process.kill()
        if process.stderr is not None:
            process.stderr.close()


def locust(folder: Path, *options: str) -> subprocess.Popen[bytes]:
    """Start Locust as its documentation has it."""
    return subprocess.Popen(
        [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--loglevel", "ERROR", *options],
        cwd=folder,
        env={**os.environ, ENVIRONMENT: "run.json"},
        stdout=subprocess.DEVNULL,
    )


def test_a_worker_that_is_killed_takes_nobody_s_results_along(
    held: Path, request: pytest.FixtureRequest
) -> None:
    port = str(free_port())
    run = read_run(held / "run.json")
    shared = ("--master-port", port)
    master = locust(held, "--master", "--headless", "--expect-workers", "2", "--master-bind-port", port)
    workers = [locust(held, "--worker", "--master-host", "127.0.0.1", *shared) for _ in range(2)]
    for process in (master, *workers):
        request.addfinalizer(process.kill)

    while time.time() < run.since + 9:  # the run has its own clock, and Locust reports each 3 s
        time.sleep(0.1)
    workers[0].send_signal(signal.SIGKILL)
    with urllib.request.urlopen(f"{run.target.url}/count") as answer:  # noqa: S310 - on loopback
        asked = json.load(answer)["count"]
    for process in (master, workers[1], workers[0]):
        process.wait(120)
    while not (held / "result.json").is_file():
        time.sleep(0.1)

    result = json.loads((held / "result.json").read_text(encoding="utf-8"))
    killed, other = sorted(result["workers"], key=lambda one: bool(not one["lost"]))
    assert result["problems"] == []
    assert [killed["lost"], other["lost"]] == [True, False]
    assert killed["sent"] > 0
    assert killed["sent"] + other["sent"] == result["sent"] > asked
    assert any(killed["name"] in note for note in result["notes"])
    assert result["points"][-1]["sent"] > 0


def test_an_interrupted_run_reports_what_was_seen(folder: Path) -> None:
    (folder / "plan.yaml").write_text(PLAN.format(duration=600), encoding="utf-8")
    words = ["load", "plan.yaml", "--target", "honest.yaml", "--json", "-"]
    process = subprocess.Popen(
        [sys.executable, "-m", "scenarios", *words], cwd=folder, stdout=subprocess.PIPE
    )
    while not (folder / "asked").exists():
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)

    out, _ = process.communicate()

    result = json.loads(out)
    assert (process.returncode, result["interrupted"], result["problems"]) == (130, True, [])
    assert result["sent"] > 0


def test_locust_without_a_run_says_which_file_it_needs(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless"],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        env={name: value for name, value in os.environ.items() if name != ENVIRONMENT},
        check=False,
    )

    assert done.returncode == 2
    assert f"name the file of the run: {ENVIRONMENT}=FILE or --load-run FILE" in done.stderr
    assert "Traceback" not in done.stderr
