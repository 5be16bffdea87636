"""A target as a process of its own, in any language: one JSON object a line over its stdin and stdout.

Everything that the process does is bounded: how long it takes to read and to answer, how long and how deep a
line is, how much of its stderr is kept. Its whole process group ends with it. No shell ever sees the command.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Any, Final

from scenarios.targets import process_group, wire
from scenarios.targets.channel import (
    ChannelCrash,
    ChannelFailure,
    ChannelGarbage,
    ChannelMissing,
    ChannelTimeout,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import IO

MAX_STDERR: Final = 64 << 10
"""So much of the end of stderr is kept (bytes, 64 KiB)."""

_CHUNK: Final = 64 << 10
_MAX_WAITING: Final = 8 << 20
"""So many bytes of answers may wait while several requests are still being written."""
_TICK_S: Final = 0.05
"""A process that ended while a child holds its pipes is noticed after this long at most."""


class JsonLines:
    """A channel to one process, started anew at every `open`.

    `command` is a list of words, never a line for a shell. The process runs in `cwd` with this process's
    environment and `env` on top. `grace_s` is how long it may take to end by itself when it is told to
    (seconds).
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        grace_s: float = 0.5,
    ) -> None:
        self._command = tuple(command)
        self._cwd = cwd
        self._env = dict(env or {})
        self._grace_s = grace_s
        self._process: _Process | None = None
        self._stderr = b""
        self._last_exit: str | None = None

    @property
    def stderr_tail(self) -> str:
        """The last that any of the processes wrote to stderr, at most `MAX_STDERR` bytes."""
        now = self._process.stderr if self._process else b""
        return (self._stderr + now)[-MAX_STDERR:].decode("utf-8", "replace")

    @property
    def last_exit(self) -> str | None:
        """How the last process ended, such as `exit status 1` or `signal 11 (SIGSEGV)`."""
        return self._last_exit

    def open(self) -> None:
        """Start the process; raises `ChannelMissing` when there is no such command."""
        self.close()
        marked = process_group.mark()
        try:
            popen = subprocess.Popen(  # noqa: S603 - a list of words from the target's own file, and no shell
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                cwd=self._cwd,
                env={**os.environ, **self._env, **marked},
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise ChannelMissing(self._why_not(error)) from None
        self._process = _Process(popen, self._grace_s, marked)

    def ask(self, message: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
        """Write one line and read one; raises `ChannelFailure` after `timeout_s` seconds at the latest."""
        if self._process is None:
            raise ChannelCrash("the process is not running")
        return self._process.ask(wire.encode(message), timeout_s)[0]

    def ask_together(
        self, messages: Sequence[Mapping[str, Any]], timeout_s: float
    ) -> list[dict[str, Any] | ChannelFailure]:
        """Write all lines, then read as many answers, in whatever order they come."""
        if self._process is None:
            raise ChannelCrash("the process is not running")
        lines = b"".join(wire.encode(message) for message in messages)
        answers = {
            str(answer.get("seq")): answer for answer in self._process.ask(lines, timeout_s, len(messages))
        }
        missing = ChannelGarbage("it answered another request twice and this one never")
        return [answers.get(str(message["seq"]), missing) for message in messages]

    def close(self) -> None:
        """End the process and its whole group, politely where that is enough, and close every pipe."""
        process, self._process = self._process, None
        if process is not None:
            self._last_exit = process.end()
            self._stderr = (self._stderr + process.stderr)[-MAX_STDERR:]

    def _why_not(self, error: OSError | ValueError) -> str:
        if self._cwd is not None and not self._cwd.is_dir():
            return f"its folder '{self._cwd}' does not exist"
        if isinstance(error, FileNotFoundError):
            return f"its command '{self._command[0]}' was not found"
        if isinstance(error, PermissionError):
            return f"its command '{self._command[0]}' cannot be executed"
        return f"its command '{' '.join(self._command)}' cannot be started: {error}"


class _Process:
    """One life of the process; the only place that touches its pipes."""

    def __init__(self, popen: subprocess.Popen[bytes], grace_s: float, marked: Mapping[str, str]) -> None:
        self._popen = popen
        self._marked = marked
        self._grace_s = grace_s
        self._in, self._out, self._err = (
            _unblocked(pipe) for pipe in (popen.stdin, popen.stdout, popen.stderr)
        )
        self._open_outputs = {self._out, self._err}
        self._buffer = bytearray()
        self._stderr = bytearray()
        self._lines = 0
        self._failed = False

    @property
    def stderr(self) -> bytes:
        return bytes(self._stderr)

    def ask(self, lines: bytes, timeout_s: float, count: int = 1) -> list[dict[str, Any]]:
        deadline = time.monotonic() + timeout_s
        self._failed = True  # until the answers are there
        self._refuse_what_was_not_asked()
        self._write(lines, deadline, timeout_s, many=count > 1)
        try:
            messages = [wire.decode(self._read(deadline, timeout_s)) for _ in range(count)]
        except wire.BadLine as problem:
            raise ChannelGarbage(f"line {self._lines} of its output {problem}") from None
        self._failed = False
        return messages

    def end(self) -> str:
        """End the process and its group, and return how the process ended."""
        pipes = [pipe for pipe in (self._popen.stdin, self._popen.stdout, self._popen.stderr) if pipe]
        pipes[0].close()
        by_itself = not self._failed and self._ended_within(self._grace_s)
        by_itself = by_itself or self._popen.poll() is not None
        process_group.send(self._popen, signal.SIGTERM)
        self._ended_within(self._grace_s)
        process_group.send(
            self._popen, signal.SIGKILL
        )  # what ignored the first, and what the process left behind
        self._ended_within(process_group.LAST_S)
        process_group.end_strays(self._marked)
        process_group.await_gone(self._popen, self._grace_s)
        self._pump(0)
        for pipe in pipes[1:]:
            pipe.close()
        how = process_group.described(self._popen.returncode)
        return how if by_itself else f"{how}, ended by the harness"

    def _refuse_what_was_not_asked(self) -> None:
        """Refuse a line that is there before the question: it could pass for its answer."""
        self._pump(0)
        line = self._next_line()
        if line is None:
            return
        try:
            wire.decode(line)
            problem = f"answers no request: {wire.quoted(line)}"
        except wire.BadLine as bad:
            problem = str(bad)
        raise ChannelGarbage(f"line {self._lines} of its output {problem}")

    def _write(self, lines: bytes, deadline: float, timeout_s: float, *, many: bool) -> None:
        rest = memoryview(lines)
        while rest:
            try:
                rest = rest[os.write(self._in, rest) :]
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise ChannelTimeout(f"it did not read its input within {timeout_s:g} s") from None
                self._pump(deadline - time.monotonic(), writing=True)
                if not many:  # of several requests the first may be answered by now
                    self._refuse_what_was_not_asked()  # else a flood would be read until the deadline
                elif len(self._buffer) > _MAX_WAITING:
                    raise ChannelGarbage("it floods its output before it has read what it is asked") from None
            except OSError:
                raise ChannelCrash(self._how_it_left("closed its input")) from None

    def _read(self, deadline: float, timeout_s: float) -> bytes:
        while (line := self._next_line()) is None:
            ended = self._popen.poll() is not None  # asked before reading, so that its last words are read
            got = self._pump(0 if ended else deadline - time.monotonic())
            if self._out not in self._open_outputs or (ended and not got):
                if b"\n" not in self._buffer:
                    raise ChannelCrash(self._how_it_left("closed its output"))
            elif time.monotonic() >= deadline and b"\n" not in self._buffer:
                raise ChannelTimeout(f"no answer within {timeout_s:g} s")
        return line

    def _next_line(self) -> bytes | None:
        end = self._buffer.find(b"\n")
        if end < 0 and len(self._buffer) <= wire.MAX_LINE:
            return None
        end = len(self._buffer) if end < 0 else end
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        self._lines += 1
        return line

    def _pump(self, timeout_s: float, *, writing: bool = False) -> int:
        """Read what is there, waiting for it at most `_TICK_S`; return how many bytes of stdout came."""
        poll = select.poll()  # unlike select(), it knows no highest descriptor
        for output in self._open_outputs:
            poll.register(output, select.POLLIN)
        if writing:
            poll.register(self._in, select.POLLOUT)
        before = len(self._buffer)
        for ready, _ in poll.poll(max(0.0, min(timeout_s, _TICK_S)) * 1000):
            if ready == self._in:
                continue
            chunk = _read_some(ready)
            if chunk is None:
                continue
            if not chunk:
                self._open_outputs.discard(ready)
            elif ready == self._out:
                self._buffer += chunk
            else:
                self._stderr = (self._stderr + chunk)[-MAX_STDERR:]
        return len(self._buffer) - before

    def _ended_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self._popen.poll() is None and (rest := deadline - time.monotonic()) > 0:
            if self._open_outputs:
                self._pump(rest)  # a process that waits for its stderr to be read would never end
                self._buffer.clear()
            else:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._popen.wait(rest)
        return self._popen.returncode is not None

    def _how_it_left(self, otherwise: str) -> str:
        if self._ended_within(self._grace_s):
            return f"the process ended with {process_group.described(self._popen.returncode)}"
        return f"it {otherwise} and did not end"


def _unblocked(pipe: IO[bytes] | None) -> int:
    if pipe is None:
        raise ChannelCrash("the process has no pipe")
    os.set_blocking(pipe.fileno(), False)
    return pipe.fileno()


def _read_some(descriptor: int) -> bytes | None:
    try:
        return os.read(descriptor, _CHUNK)
    except BlockingIOError:  # a spurious wake-up
        return None
