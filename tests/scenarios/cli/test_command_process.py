"""The command as a process: what starting it imports, and how signals and closed pipes end it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.scenarios.cli.conftest import Touchstone

REPOSITORY = Path(__file__).parents[3]
HEAVY = (
    "cryptography",
    "jwt",
    "rich",
    "yaml",
    "msgspec",
    "urllib3",
    "uvicorn",
    "faker",
    "mock_idp",
    "verifier",
)


def hear_interrupts() -> None:
    """Undo what a shell does to its background: it lets SIGINT be ignored, by the children of these tests too."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start(*arguments: str, code: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    words = ["-c", code] if code is not None else ["-m", "scenarios"]
    return subprocess.run(
        [sys.executable, *words, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "COLUMNS": "80", "PYTHONUTF8": "0", **environment},
        preexec_fn=hear_interrupts,
    )


@pytest.mark.parametrize("command", ["", "run", "list", "show", "lint"])
def test_help_imports_nothing_heavy(command: str) -> None:
    code = (
        "import sys; from scenarios.cli import main\n"
        "try: main([*sys.argv[1:], '--help'])\n"
        f"finally: print('heavy:', [name for name in {HEAVY} if name in sys.modules], file=sys.stderr)"
    )

    ended = start(*filter(None, [command]), code=code)

    assert ended.returncode == 0
    assert "Usage: touchstone" in ended.stdout
    assert ended.stderr == "heavy: []\n"


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_leaves_the_report_of_what_ran(touchstone: Touchstone, name: str) -> None:
    ended = start(
        *("run", "--only-catalog", "table.yaml", "--target", touchstone.target("hanging")),
        *("--json", "run.json"),
        SIGNAL=name,
    )

    run = json.loads((touchstone.folder / "run.json").read_text())
    assert (ended.returncode, ended.stderr) == (130, "")
    assert run["interrupted"] is True
    assert [result["outcome"] for result in run["results"]] == ["pass"]
    assert "interrupted: this is the report of what ran" in ended.stdout


def test_a_reader_that_goes_away_ends_the_command_without_a_word() -> None:
    code = (
        "import os, sys; from scenarios.cli import main\n"
        "r, w = os.pipe(); os.close(r); os.dup2(w, 1); main(['list', '--plain'])"
    )

    ended = start(code=code)

    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_reader_that_goes_away_does_not_change_the_status_of_a_run(touchstone: Touchstone) -> None:
    arguments = ["run", "--only-catalog", "table.yaml", "--target", touchstone.target("careless"), "--plain"]
    code = (
        "import os; from scenarios.cli import main\n"
        f"r, w = os.pipe(); os.close(r); os.dup2(w, 1); main({arguments!r})"
    )

    ended = start(code=code)

    assert (ended.returncode, ended.stderr) == (1, "")


def test_nothing_asked_is_no_success(touchstone: Touchstone) -> None:
    ended = start("run", "--select", "azure/end-to-end", "--target", touchstone.target("careless"))

    assert ended.returncode == 2
    assert "nothing was asked of this target" in ended.stdout


def test_no_sign_stops_a_report_in_a_narrower_encoding(touchstone: Touchstone) -> None:
    ended = start(
        "run", "--only-catalog", "table.yaml", "--target", touchstone.target("careless"), PYTHONIOENCODING="ascii"
    )  # fmt: skip

    assert (ended.returncode, ended.stderr) == (1, "")
    assert "\\xb7" in ended.stdout


def test_a_target_that_ends_its_worker_is_said_and_not_taken_for_a_fault_of_touchstone(
    touchstone: Touchstone,
) -> None:
    (touchstone.folder / "ends.py").write_text(
        "import os\n\ndef verify(token, integration):\n    os._exit(0)\n"
    )
    (touchstone.folder / "ends.yaml").write_text("adapter: in-process\npython: ends.py:verify\n")

    ended = start("run", "--target", "ends.yaml", "--jobs", "2", "--select", "claims")

    assert ended.returncode == 3
    assert "the target ended the process that asked it" in ended.stderr
