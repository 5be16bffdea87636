"""A process and all that it started: ended as one group, and how it ended in words. It reads no pipe."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator, Mapping

LAST_S: Final = 5.0
"""A killed process is waited for this long (seconds); only one stuck in the kernel takes longer."""
_PAUSE_S: Final = 0.005


def send(popen: subprocess.Popen[bytes], number: int) -> bool:
    """Send a signal to the whole group; return whether there was anybody left to get it.

    The process must have been started with `start_new_session`: then its id is the group's.
    """
    try:
        os.killpg(popen.pid, number)
    except (ProcessLookupError, PermissionError):  # macOS says EPERM for a group of zombies
        return False
    return True


def await_gone(popen: subprocess.Popen[bytes], seconds: float) -> None:
    """Wait until what was killed is gone; for so long at most, as nobody may be there to bury it."""
    deadline = time.monotonic() + seconds
    while send(popen, 0) and time.monotonic() < deadline:
        time.sleep(_PAUSE_S)


def described(returncode: int | None) -> str:
    """Return how a process ended, such as `exit status 1` or `signal 11 (SIGSEGV)`."""
    if returncode is None:
        return "no end, even when killed"
    if returncode >= 0:
        return f"exit status {returncode}"
    try:
        return f"signal {-returncode} ({signal.Signals(-returncode).name})"
    except ValueError:
        return f"signal {-returncode}"


MARK: Final = "TOUCHSTONE_TARGET"
"""The environment variable by which what a target started is known, in whatever group or session it runs."""


def mark() -> dict[str, str]:
    """Return the environment of a new target: its mark."""
    return {MARK: secrets.token_hex(16)}


def end_strays(marked: Mapping[str, str]) -> None:
    """Kill every process that has this mark and left its group, as a daemon does; where /proc tells of it (Linux).

    It looks again until none is found, because one that is being killed may have forked, for `LAST_S` at most.
    """
    wanted = f"{MARK}={marked[MARK]}".encode()
    deadline = time.monotonic() + LAST_S
    while (strays := list(_marked(wanted))) and time.monotonic() < deadline:
        for pid in strays:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_PAUSE_S)


def _marked(wanted: bytes) -> Iterator[int]:
    """Yield the processes with this environment; one that is dead and not yet buried has none."""
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                yield int(entry.name)
