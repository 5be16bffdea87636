"""A running API as a channel: started, made ready, onboarded, asked, reloaded and stopped as its file says."""

from __future__ import annotations

import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from scenarios.targets.channel import ChannelCrash, ChannelFailure, ChannelMissing, ChannelTimeout
from scenarios.targets.http.connection import Address, Connection, until_ready
from scenarios.targets.http.door import Door, credential_of
from scenarios.targets.http.onboarding import AdminOnboarding, FixedOnboarding, Onboarding, filled_file
from scenarios.targets.http.relay import Relay
from scenarios.targets.http.service import Process, last_line, run_to_the_end
from scenarios.targets.http.settings import is_one_of
from scenarios.targets.json_lines import MAX_STDERR

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scenarios.targets.http.settings import Command, Http

_POLL_S: Final = 0.05
_END_S: Final = 0.1
_MAX_TEMPLATE: Final = 1 << 20
_CACHED: Final = (
    "keys other than those that it has cached from an earlier scenario (by `start` or `reload` in its file it is made"
    " to fetch anew)"
)


class HttpChannel:
    """A channel to one API. `start_s` is how long it may take until it is ready (seconds)."""

    def __init__(
        self,
        http: Http,
        *,
        folder: Path,
        name: str = "",
        algorithms: tuple[str, ...] = (),
        start_s: float = 10.0,
        grace_s: float = 0.5,
    ) -> None:
        self._http = http
        self._folder = folder
        self._name = name
        self._algorithms = algorithms
        self._start_s = start_s
        self._grace_s = grace_s
        self._door: Door | None = None
        self._onboarding: Onboarding | None = None
        self._process: Process | None = None
        self._relay: Relay | None = None
        self._made: tempfile.TemporaryDirectory[str] | None = None
        self._words: dict[str, str] = {}
        self._started = False
        self._keeps = True
        self._output = b""
        self._last_exit: str | None = None

    @property
    def stderr_tail(self) -> str:
        """The last that its processes wrote, to stdout and stderr, over all their lives."""
        now = self._process.output if self._process else b""
        return (self._output + now)[-MAX_STDERR:].decode("utf-8", "replace")

    @property
    def last_exit(self) -> str | None:
        """How its last process ended, such as `exit status 1`; None when none has."""
        return self._last_exit

    @property
    def url(self) -> str:
        """Where the API listens; known once it is open."""
        return self._filled(self._http.url)

    def open(self) -> None:
        """Start the target and wait until it is ready. Raises `ChannelFailure`."""
        self.close()
        http = self._http
        self._made = tempfile.TemporaryDirectory(prefix="touchstone-target-")
        self._words = {"port": str(free_port()), "folder": self._made.name}
        if http.fixed is not None:
            if http.fixed.jwks is not None:
                self._relay = Relay(http.fixed.jwks, self._folder)
            onboarding = FixedOnboarding(
                http.fixed,
                self._algorithms,
                self._renew,
                self._lead_to,
                tells=lambda claim: http.claims is not None or claim in http.claim,
            )
            onboarding.name_files(self._templates())
            self._onboarding = onboarding
        url, ca_file = self.url, None if http.ca_file is None else self._folder / http.ca_file
        self._door = Door(http, url, self._folder, keeps=self._keeps)
        if http.admin is not None:
            at = url if http.admin.url is None else self._filled(http.admin.url)
            self._onboarding = AdminOnboarding(http.admin, at, ca_file)
        # A target that is given files is started when it is first onboarded: before, there is nothing to write.
        if http.fixed is None or not http.fixed.files:
            self._start()

    def ask(self, message: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
        """Answer one message of the protocol. Raises `ChannelFailure`."""
        return {"seq": message["seq"], **self._answer(message, timeout_s)}

    def ask_together(
        self, messages: Sequence[Mapping[str, Any]], timeout_s: float
    ) -> list[dict[str, Any] | ChannelFailure]:
        """Send several credentials at the same time, each over a connection of its own."""
        answers = self._opened().ask_together(messages, timeout_s)
        self._notice_the_end()
        return [
            answer
            if isinstance(answer, ChannelFailure)
            else {"seq": message["seq"], **self._fair(message, answer)}
            for message, answer in zip(messages, answers, strict=True)
        ]

    def close(self) -> None:
        """Stop the target: by its own command where it has one, and then everything that it started."""
        if self._door is not None:
            self._keeps = self._door.keeps
            self._door.close()
        if self._started and self._http.stop is not None:
            self._end_by_command()
        self._end_process()
        if self._relay is not None:
            self._relay.close()
        if self._made is not None:
            self._made.cleanup()
        self._door, self._onboarding, self._relay, self._made = None, None, None, None
        self._started = False

    def _answer(self, message: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
        door = self._opened()
        match message["cmd"]:
            case "start":
                return {"ok": True, "name": self._name}
            case "stop":
                door.look_back(last=True)
                return {"ok": True}
            case "authenticate":
                try:
                    return self._fair(message, door.ask(message, timeout_s))
                except ChannelFailure as failure:
                    if isinstance(failure, ChannelCrash) and self._process is not None:
                        self._process.wait(_END_S)  # a process that ends closes its connections first
                    self._notice_the_end()
                    raise
        if message["cmd"] == "onboard":
            door.forget()
        self._notice_the_end()
        if self._onboarding is None:
            raise ChannelCrash("the target is not running")
        answer = self._onboarding.ask(message, timeout_s)
        if message["cmd"] in ("offboard", "reset"):
            door.look_back()
        return answer

    def _fair(self, message: Mapping[str, Any], verdict: dict[str, Any]) -> dict[str, Any]:
        """Return a verdict, unless the target's configuration, or the keys of an earlier scenario, decided it."""
        why = _CACHED if self._relay is not None and self._relay.is_behind else None
        if self._onboarding is not None:
            why = self._onboarding.cannot_judge(credential_of(message)) or why
        return verdict if why is None else {"verdict": "unsupported", "capability": why}

    def _opened(self) -> Door:
        if self._door is None:
            raise ChannelCrash("the target is not running")
        return self._door

    def _notice_the_end(self) -> None:
        """Raise `ChannelCrash` when the target's process has ended, and nobody told it to."""
        process = self._process
        if (
            process is None
            or process.ended is None
            or (process.returncode == 0 and self._http.stop is not None)
        ):
            return
        raise ChannelCrash(f"the process ended with {process.ended}{last_line(process.output)}")

    def _start(self) -> None:
        deadline = time.monotonic() + self._start_s
        if self._http.start is not None:
            words, env = self._command(self._http.start)
            self._process = Process(words, self._folder, env, self._grace_s)
        self._started = True
        if self._relay is not None:
            self._relay.forget()
        self._await_ready(deadline)

    def _await_ready(self, deadline: float) -> None:
        """Ask until the target is ready, its process ends, or the time is over."""
        address = Address.of(
            self.url,
            None if self._http.ca_file is None else self._folder / self._http.ca_file,
        )
        while True:
            self._notice_the_end()
            try:
                self._ask_ready(address, min(deadline, time.monotonic() + self._start_s / 4))
            except ChannelFailure as failure:
                if time.monotonic() >= deadline:
                    self._notice_the_end()
                    raise ChannelTimeout(f"it was not ready within {self._start_s:g} s: {failure}") from None
                time.sleep(_POLL_S)
                continue
            # Whoever had the port before may have answered: the process must still be there.
            self._notice_the_end()
            return

    def _ask_ready(self, address: Address, deadline: float) -> None:
        ready = self._http.ready
        if ready is None:
            until_ready(address, deadline)
            return
        connection = Connection.to(address, deadline)
        head = f"GET {ready.path} HTTP/1.1\r\nHost: {address.name}\r\nConnection: close\r\n\r\n"
        try:
            answer = connection.exchange(
                head.encode(), head_only=False, deadline=deadline, timeout_s=self._start_s
            )
        finally:
            connection.close()
        if not is_one_of(answer.status, ready.status):
            wanted = " or ".join(map(str, ready.status))
            raise ChannelCrash(f"{ready.path} answers {answer.status} where 'ready' says {wanted}")

    def _renew(self, words: Mapping[str, str]) -> None:
        """Write the target's files, and let it read them: by its reload command, or by a start anew."""
        self._write_files(words)
        files = self._http.fixed is not None and bool(self._http.fixed.files)
        if not self._started:
            self._start()
        elif self._http.reload is not None:
            words_of_reload, env = self._command(self._http.reload)
            run_to_the_end(words_of_reload, self._folder, env, self._http.reload.timeout_s, what="reload")
            if self._relay is not None:
                self._relay.forget()
            self._await_ready(time.monotonic() + self._start_s)
        elif self._http.start is not None and (files or self._holds_other_keys()):
            self._end_process()
            self._start()

    def _holds_other_keys(self) -> bool:
        return self._relay is not None and self._relay.told_more

    def _write_files(self, words: Mapping[str, str]) -> None:
        folder = Path(self._words["folder"])
        for name, text in self._templates().items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(filled_file(text, {**words, **self._words}), encoding="utf-8")

    def _templates(self) -> dict[str, str]:
        """Return the text of each file of the target, templates read."""
        files = {} if self._http.fixed is None else self._http.fixed.files
        return {name: self._template(text) for name, text in files.items()}

    def _template(self, text: str) -> str:
        if not text.startswith("@"):
            return text
        path = self._folder / text[1:]
        try:
            with path.open(encoding="utf-8") as file:
                return file.read(_MAX_TEMPLATE)
        except (OSError, UnicodeError) as error:
            raise ChannelMissing(f"its template '{path}' cannot be read: {error}") from None

    def _lead_to(self, uri: str, ca_file: str | None) -> str | None:
        if self._relay is None:
            return None
        return self._relay.url if self._relay.lead_to(uri, ca_file) else ""

    def _end_by_command(self) -> None:
        stop = self._http.stop
        if stop is None:
            return
        words, env = self._command(stop)
        try:
            said = run_to_the_end(words, self._folder, env, stop.timeout_s, what="stop")
        except ChannelFailure as failure:  # what it left running is ended all the same
            said = str(failure)
        self._output = (self._output + said.encode())[-MAX_STDERR:]

    def _end_process(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            self._last_exit = process.end()
            self._output = (self._output + process.output)[-MAX_STDERR:]

    def _command(self, command: Command) -> tuple[list[str], dict[str, str]]:
        first, *rest = [self._filled(word) for word in command.command]
        env = {name: self._filled(value) for name, value in command.env.items()}
        return [sys.executable if first == "python" else first, *rest], env

    def _filled(self, text: str) -> str:
        for name, value in self._words.items():
            text = text.replace("{" + name + "}", value)
        return text


def free_port() -> int:
    """Return a port of loopback that nobody listens at just now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
