"""The command as a user meets it: a small catalogue, a target of a few lines, exit status and both streams."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from scenarios.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TABLE = """\
group: demo/ids
title: Tokens of two users
given: {users: {ann: ann-sub, bob: bob-sub}}
matrix: {alg: [RS256, ES256]}
scenarios:
  - {id: good, says: Ann comes in, rules: [FMT-001], expect: ann}
  - {id: late, says: An expired token is rejected, rules: [CLM-001], claim: {exp: -1d}, expect: {reject: expired},
     control: good}
  - {id: lax, says: A foreign version is rejected, rules: [AZR-024], claim: {ver: x}, expect: {reject: any},
     control: good}
"""

TARGET = """\
import base64, json, os, signal, threading, time

def claims(token):
    return json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))

def honest(token, integration):
    read = claims(token)
    return None if read["exp"] < time.time() or "ver" in read else read

def careless(token, integration):
    return claims(token)

def mistaken(token, integration):
    return "bob"

def crashing(token, integration):
    raise ZeroDivisionError("no\\x1b[2J")

def deaf(token, integration):
    return None

def garbled(token, integration):
    return 5

def interrupting(token, integration):
    if claims(token)["exp"] < time.time():
        raise KeyboardInterrupt
    return claims(token)

def hanging(token, integration):
    if claims(token)["exp"] < time.time():
        signal.pthread_kill(threading.main_thread().ident, getattr(signal, os.environ["SIGNAL"]))
        threading.Event().wait()
    return claims(token)
"""


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it wrote."""

    status: int
    out: str
    err: str


class Touchstone:
    """Runs the command in this process, in a folder with a catalogue and targets."""

    def __init__(self, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capture = capture

    def write(self, name: str, text: str) -> str:
        """Write a file and return its path."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def target(self, function: str) -> str:
        """Return the path of a target file for a function of the target above."""
        # An interrupt that comes before the wait for an answer has begun is noticed when the wait is over.
        rest = (
            "timeouts: {answer_s: 1}\nprofile: {scope: library, keys: [jwks], algorithms: [RS256, ES256]}\n"
        )
        return self.write(f"{function}.yaml", f"adapter: in-process\npython: target.py:{function}\n{rest}")

    def __call__(self, *arguments: str) -> Ended:
        """Run `touchstone` with the arguments."""
        self._capture.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        out, err = self._capture.readouterr()
        status = ended.value.code
        assert isinstance(status, int)
        return Ended(status, out, err)

    def run(self, function: str, *arguments: str) -> Ended:
        """Run the small catalogue against one of the functions."""
        return self("run", "--only-catalog", "table.yaml", "--target", self.target(function), *arguments)


@pytest.fixture
def touchstone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Touchstone]:
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("NO_COLOR", "FORCE_COLOR", "TOUCHSTONE_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    made = Touchstone(tmp_path, capsys)
    made.write("table.yaml", TABLE)
    made.write("target.py", TARGET)
    yield made
    signal.signal(signal.SIGTERM, before)
