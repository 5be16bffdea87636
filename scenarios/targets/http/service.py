"""The target's own processes: what starts, reloads and stops it, each a group that ends wholly.

Everything that they do is bounded: how long they take, and how much of what they write is kept. No shell ever sees a
command.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Final

from scenarios.targets import process_group
from scenarios.targets.channel import ChannelCrash, ChannelMissing, ChannelTimeout
from scenarios.targets.json_lines import MAX_STDERR
from scenarios.targets.protocol import readable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_CHUNK: Final = 64 << 10
_TICK_S: Final = 0.02


class Process:
    """One process of the target; what it writes to stdout and stderr is read on, and the end of it kept."""

    def __init__(self, words: Sequence[str], cwd: Path, env: Mapping[str, str], grace_s: float) -> None:
        self._words = words
        self._grace_s = grace_s
        self._mark = process_group.mark()
        self._output = b""
        self._lock = threading.Lock()
        try:
            self._popen = subprocess.Popen(  # noqa: S603 - a list of words from the target's own file, and no shell
                words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env={**os.environ, **env, **self._mark},
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise ChannelMissing(_why_not(words, cwd, error)) from None
        self._ended = threading.Event()
        self._reader = threading.Thread(target=self._read, name="output of an http target", daemon=True)
        self._reader.start()

    @property
    def output(self) -> bytes:
        """The last that it wrote, at most `MAX_STDERR` bytes."""
        with self._lock:
            return self._output

    @property
    def returncode(self) -> int | None:
        """The exit status, or None while it runs."""
        return self._popen.poll()

    @property
    def ended(self) -> str | None:
        """How it ended, in words; None while it runs."""
        return None if self.returncode is None else process_group.described(self.returncode)

    def wait(self, timeout_s: float) -> bool:
        """Wait for its end; return whether it came in time."""
        try:
            self._popen.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def end(self) -> str:
        """End the process and all that it started, politely where that is enough; return how it ended."""
        by_itself = self.returncode is not None
        if not by_itself:
            process_group.send(self._popen, signal.SIGTERM)
            self.wait(self._grace_s)
        process_group.send(self._popen, signal.SIGKILL)
        self.wait(process_group.LAST_S)
        process_group.end_strays(self._mark)
        process_group.await_gone(self._popen, self._grace_s)
        self._ended.set()
        self._reader.join(self._grace_s)
        if self._popen.stdout is not None:
            self._popen.stdout.close()
        how = process_group.described(self._popen.returncode)
        return how if by_itself else f"{how}, ended by the harness"

    def _read(self) -> None:
        assert_pipe = self._popen.stdout
        if assert_pipe is None:
            return
        pipe = assert_pipe.fileno()
        os.set_blocking(pipe, False)
        poll = select.poll()
        poll.register(pipe, select.POLLIN)
        while not self._ended.is_set():
            with contextlib.suppress(OSError):
                poll.poll(100)
                chunk = _read_some(pipe)
                if chunk == b"":
                    return
                with self._lock:
                    self._output = (self._output + (chunk or b""))[-MAX_STDERR:]


def run_to_the_end(
    words: Sequence[str], cwd: Path, env: Mapping[str, str], timeout_s: float, *, what: str
) -> str:
    """Run a command to its end and return what it wrote; `what` names it. Raises `ChannelFailure`."""
    process = Process(words, cwd, env, grace_s=0.5)
    try:
        if not process.wait(timeout_s):
            raise ChannelTimeout(f"its {what} command did not end within {timeout_s:g} s")
        time.sleep(0)  # the reader may have the last words yet
        if process.returncode:
            said = last_line(process.output)
            raise ChannelCrash(f"its {what} command ended with {process.ended}{said}")
        return process.output.decode("utf-8", "replace")
    finally:
        process.end()


def last_line(output: bytes) -> str:
    """Return the last line that was written, as a part of a sentence; nothing where there is none."""
    line = output.decode("utf-8", "replace").strip().rpartition("\n")[2]
    return f": {readable(line, 200)}" if line else ""


def _why_not(words: Sequence[str], cwd: Path, error: OSError | ValueError) -> str:
    if not cwd.is_dir():
        return f"its folder '{cwd}' does not exist"
    if isinstance(error, FileNotFoundError):
        return f"its command '{words[0]}' was not found"
    if isinstance(error, PermissionError):
        return f"its command '{words[0]}' cannot be executed"
    return f"its command '{' '.join(words)}' cannot be started: {error}"


def _read_some(pipe: int) -> bytes | None:
    try:
        return os.read(pipe, _CHUNK)
    except BlockingIOError:
        return None
