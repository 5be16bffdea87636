"""Locust as a process of its own, as `touchstone load` runs it: gevent's patches stay in there."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from scenarios.load.run_file import ENVIRONMENT, tally_file
from scenarios.load.tally import Tally
from scenarios.targets.http.channel import free_port

if TYPE_CHECKING:
    from scenarios.load.run_file import Run

LOCUSTFILE: Final = Path(__file__).with_name("locustfile.py")
_LATE_S: Final = 60.0
"""So long after the end of a run its tally is waited for."""
_POLL_S: Final = 0.2
_LAST_WORDS: Final = 4_000


class GeneratorError(Exception):
    """Locust ended without a tally; one sentence why."""


def is_installed() -> bool:
    """Whether Locust is there; importing it would patch this process."""
    return importlib.util.find_spec("locust") is not None


def generate(run: Run, path: Path, processes: int) -> Tally:
    """Run Locust to the end of the run and return its tally. Raises `GeneratorError`.

    When interrupted it ends Locust, which then writes what there is, and goes on: `Interrupted` has it.
    """
    words = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless", "--only-summary"]
    words += ["--loglevel", "WARNING"]
    if processes > 1:
        port = str(free_port())
        words += ["--processes", str(processes), "--master-bind-port", port, "--master-port", port]
    log = path.with_name(path.name + ".log")
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own words, and no shell
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=output,
            env={**os.environ, ENVIRONMENT: str(path)},
            start_new_session=True,
        )
        interrupted = False
        try:
            process.wait(run.since + run.plan.duration_s + _LATE_S - time.time())
        except (KeyboardInterrupt, subprocess.TimeoutExpired) as why:
            interrupted = isinstance(why, KeyboardInterrupt)
            _end(process)
    tally = read_tally(path)
    if tally is None and interrupted:
        raise KeyboardInterrupt
    if tally is None:
        last = log.read_bytes()[-_LAST_WORDS:].decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise GeneratorError(f"Locust ended without results (status {process.returncode}): {last}")
    if interrupted:
        raise Interrupted(tally)
    return tally


class Interrupted(Exception):  # noqa: N818 - nothing failed
    """The run was ended early; `tally` is what was seen until then."""

    def __init__(self, tally: Tally) -> None:
        super().__init__()
        self.tally = tally


def await_tally(run: Run, path: Path) -> Tally:
    """Wait for the tally that a Locust of the user's own writes. Raises `GeneratorError` when none comes."""
    end = run.since + run.plan.duration_s + _LATE_S
    while time.time() < end:
        tally = read_tally(path)
        if tally is not None:
            return tally
        time.sleep(_POLL_S)
    raise GeneratorError(f"no Locust has written {tally_file(path)} within {_LATE_S:g} s after the run")


def read_tally(path: Path) -> Tally | None:
    """Return the tally beside the file of a run; None while there is none."""
    try:
        return msgspec.json.decode(tally_file(path).read_bytes(), type=Tally)
    except (OSError, msgspec.MsgspecError):
        return None


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)  # which Locust takes at any time; SIGTERM only once a shape has ended
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
