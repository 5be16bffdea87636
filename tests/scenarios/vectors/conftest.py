"""One export of everything, made once for all workers of a test run."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def export(folder: Path, environment: Mapping[str, str], *options: str) -> str:
    """Export into a folder in a process of its own; return what it prints."""
    command = [sys.executable, "-m", "scenarios", "export", str(folder), *options]
    env = {**os.environ, **environment}
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, env=env)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Return the folder of an export of all scenarios that ship."""
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent
    folder = shared / "exported"
    with (shared / "exported.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the first worker that comes makes it, the others wait for it here
        if not (folder / "SHA256SUMS").exists():
            export(folder, {"PYTHONHASHSEED": "1", "TZ": "Asia/Kathmandu", "LC_ALL": "C", "PYTHONUTF8": "0"})
    return folder
