"""One conversation with one target: numbering, memory, restarts and their budget, so that a run always ends.

A failed request is answered with an `error` verdict and never with a `reject`. Nothing here judges, and no
message says which scenario runs or what is expected.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from scenarios.targets.channel import ChannelFailure, ChannelGarbage, ChannelMissing
from scenarios.targets.floors import within_floors
from scenarios.targets.profile import Profile, TargetError
from scenarios.targets.protocol import (
    DONE,
    Declaration,
    ProtocolViolation,
    Verdict,
    authenticate_message,
    offboard_message,
    onboard_message,
    parse_answer,
    parse_start,
    purge_message,
    readable,
    start_message,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from scenarios.targets.channel import Channel

MAX_IN_A_ROW: Final = {"timeout": 3, "protocol": 5}
"""So many failures of one kind in a row, over one command, and the target is given up."""
MAX_TIMEOUTS: Final = 10
"""So many time-outs in all, and the target is given up: each costs its whole time."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long an answer may take (seconds)."""

    start_s: float = 10.0
    answer_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Health:
    """How a target bore up: counts over the whole session, and its last words."""

    crashes: int = 0
    timeouts: int = 0
    protocol_errors: int = 0
    restarts: int = 0
    answered: int = 0
    """Authenticate requests that were answered with a verdict of the target's own."""
    stderr_tail: str = ""
    last_exit: str | None = None


class Session:
    """A target, started and asked; usable from any thread, one request at a time.

    `restarts` bounds how often the target is started again. Call `start` first and `close` last, or use it in
    `with`.
    """

    def __init__(
        self,
        channel: Channel,
        *,
        profile: Profile | None = None,
        timeouts: Timeouts | None = None,
        restarts: int = 200,
    ) -> None:
        self.profile = profile or Profile()
        self.declaration = Declaration()
        self.abandoned: str | None = None
        self._channel = channel
        self._timeouts = timeouts or Timeouts()
        self._restarts = restarts
        self._lock = threading.RLock()
        self._seq = 0
        self._open = False
        self._answer: Declaration | None = None
        self._live: dict[str, dict[str, Any]] = {}
        self._counts: Counter[str] = Counter()
        self._in_a_row: Counter[tuple[str, str]] = Counter()
        self._given_up_for = "crash"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def health(self) -> Health:
        """What has happened so far."""
        return Health(
            crashes=self._counts["crash"],
            timeouts=self._counts["timeout"],
            protocol_errors=self._counts["protocol"],
            restarts=self._counts["restarts"],
            answered=self._counts["answered"],
            stderr_tail=self._channel.stderr_tail,
            last_exit=self._channel.last_exit,
        )

    def start(self) -> Declaration:
        """Start the target and return its declaration, its gaps filled from the profile.

        From then on `profile` is the profile merged with what the target said. Raises `TargetError` when it
        cannot be started, or when it and its profile contradict each other.
        """
        with self._lock:
            try:
                answer = self._begin()
                self.profile = within_floors(self.profile.merge(answer))
            except (ChannelFailure, ProtocolViolation) as failure:
                kind = _kind(failure)
                self._counts[kind] += 1
                self._shut()
                raise TargetError(
                    kind, f"the target did not start: {self._with_last_words(failure)}"
                ) from None
            except BaseException:  # a contradiction, or an interrupt: nothing may be left running
                self._shut()
                raise
            self._answer = answer
            self.declaration = self.profile.declaration(answer)
            return self.declaration

    def onboard(
        self,
        integration: Mapping[str, Any],
        users: Sequence[Mapping[str, Any]],
        *,
        now: float | None = None,
    ) -> Verdict:
        """Onboard an integration, by the key forms that the target takes; the same `id` again replaces it.

        Members that are bytes travel as `<name>_base64` when they are no valid UTF-8. `now` (seconds) reaches a
        target with `clock` alone.
        """
        with self._lock:
            message = onboard_message(integration, users, self.declaration.keys or (), now=self._told(now))
            verdict = self._request(message)
            if verdict.kind == "onboarded":
                self._live[integration["id"]] = message
            return verdict

    def offboard(self, integration_id: str) -> Verdict:
        """Remove an integration."""
        with self._lock:
            verdict = self._request(offboard_message(integration_id))
            self._live.pop(integration_id, None)
            return verdict

    def purge(self, integration_id: str, thumbprint: str) -> Verdict:
        """Have an operator take a key out at once (KEY-024); `unsupported` by a target without `purge`."""
        if not self.declaration.can("purge"):
            return Verdict("unsupported", capability="purge")
        with self._lock:
            return self._request(purge_message(integration_id, thumbprint))

    def authenticate(
        self,
        token: str | bytes,
        *,
        now: float | None = None,
        endpoint: int | None = None,
        request: Mapping[str, Any] | None = None,
    ) -> Verdict:
        """Send one credential, in a whole HTTP `request` where one is given.

        `now` (seconds) reaches a target with `clock` alone. A second endpoint is asked of a target with
        `endpoints` alone, a whole request of one with `http`; for another the verdict is `unsupported`.
        """
        for capability, needed in (("endpoints", endpoint), ("http", request)):
            if needed is not None and not self.declaration.can(capability):
                return Verdict("unsupported", capability=capability)
        with self._lock:
            message = authenticate_message(token, now=self._told(now), endpoint=endpoint, request=request)
            verdict = self._request(message)
            self._counts["answered"] += verdict.kind != "error"
            return verdict

    def authenticate_together(
        self, tokens: Sequence[str | bytes], *, now: float | None = None
    ) -> list[Verdict]:
        """Send credentials all at once, and return the verdict of each; `unsupported` by one without `concurrent`.

        What goes wrong with one of them is its `error`; afterwards the target is started anew, as ever.
        """
        if not self.declaration.can("concurrent"):
            return [Verdict("unsupported", capability="concurrent") for _ in tokens]
        with self._lock:
            if self.abandoned is not None:
                return [self._refusal() for _ in tokens]
            messages = [authenticate_message(token, now=self._told(now)) for token in tokens]
            verdicts = self._request_together(messages)
            self._counts["answered"] += sum(verdict.kind != "error" for verdict in verdicts)
            return verdicts

    def reset(self) -> Verdict:
        """Make the target forget everything: by `reset` if it declares that, else by offboarding.

        A target that is not running has nothing to forget and is not started for it.
        """
        with self._lock:
            live, self._live = self._live, {}
            if not self._open:
                return DONE if self.abandoned is None else self._refusal()
            if self.declaration.can("reset"):
                return self._request({"cmd": "reset"})
            for integration_id in live:
                verdict = self._request(offboard_message(integration_id))
                if verdict.kind == "error" and self._is_down():
                    return verdict  # its process was ended, and what is still onboarded with it
            return DONE

    def close(self) -> None:
        """Tell the target to stop and end it; never raises, and may be called twice."""
        with self._lock:
            if self._open:
                try:
                    self._say("stop", {"cmd": "stop"})
                except (ChannelFailure, ProtocolViolation) as failure:
                    self._counts[_kind(failure)] += 1
            self._shut()

    def _is_down(self) -> bool:
        return not self._open

    def _told(self, now: float | None) -> float | None:
        return now if self.declaration.can("clock") else None

    def _request(self, message: Mapping[str, Any]) -> Verdict:
        if self.abandoned is not None:
            return self._refusal()
        cmd = message["cmd"]
        try:
            self._revive()
            verdict = self._say(cmd, message)
        except (ChannelFailure, ProtocolViolation) as failure:
            return self._failed(cmd, failure)
        except BaseException:  # interrupted: the answer may still come, and would pass for another's
            self._shut()
            raise
        for kind in MAX_IN_A_ROW:
            self._in_a_row[cmd, kind] = 0
        return verdict

    def _request_together(self, messages: Sequence[Mapping[str, Any]]) -> list[Verdict]:
        """Ask several things at once; every failure is counted, and the worst decides what becomes of the target."""
        try:
            self._revive()
            numbered = []
            for message in messages:
                self._seq += 1
                numbered.append({"seq": self._seq, **message})
            answers = self._channel.ask_together(numbered, self._timeouts.answer_s)
        except (ChannelFailure, ProtocolViolation) as failure:
            return [self._failed("authenticate", failure)] * len(messages)
        except BaseException:
            self._shut()
            raise
        return [self._read_one(message, answer) for message, answer in zip(numbered, answers, strict=True)]

    def _read_one(self, message: Mapping[str, Any], answer: dict[str, Any] | ChannelFailure) -> Verdict:
        if isinstance(answer, ChannelFailure):
            return self._failed("authenticate", answer)
        try:
            return parse_answer(answer, "authenticate", message["seq"], self.declaration)
        except ProtocolViolation as violation:
            return self._failed("authenticate", violation)

    def _revive(self) -> None:
        """Start the target anew if it is down, and onboard what was onboarded."""
        if self._open:
            return
        if self._answer is None:
            raise ChannelMissing("the session was not started")
        self._counts["restarts"] += 1
        if self._begin() != self._answer:
            raise ProtocolViolation("it declares itself differently after a restart")
        for message in self._live.values():
            verdict = self._say("onboard", message)
            if verdict.kind != "onboarded":
                raise ProtocolViolation(f"after a restart it answers '{verdict.kind}' where it had onboarded")

    def _begin(self) -> Declaration:
        self._open = True  # from here on there is something to close, whatever happens
        self._channel.open()
        self._seq += 1
        answer = self._channel.ask({"seq": self._seq, **start_message()}, self._timeouts.start_s)
        return parse_start(answer, self._seq)

    def _say(self, cmd: str, message: Mapping[str, Any]) -> Verdict:
        self._seq += 1
        answer = self._channel.ask({"seq": self._seq, **message}, self._timeouts.answer_s)
        return parse_answer(answer, cmd, self._seq, self.declaration)

    def _failed(self, cmd: str, failure: Exception) -> Verdict:
        kind = _kind(failure)
        kind = "crash" if kind == "not_found" else kind
        self._counts[kind] += 1
        self._in_a_row[cmd, kind] += 1
        if not getattr(failure, "survives", False):
            self._shut()
        self._consider_giving_up(cmd, kind, str(failure))
        return Verdict("error", reason=kind, detail=readable(str(failure)))

    def _consider_giving_up(self, cmd: str, kind: str, message: str) -> None:
        row = self._in_a_row[cmd, kind]
        if row >= MAX_IN_A_ROW.get(kind, row + 1):
            why = f"{row} times in a row '{cmd}' failed alike"
        elif self._counts["timeout"] >= MAX_TIMEOUTS:
            why = f"it did not answer in time {MAX_TIMEOUTS} times"
        elif not self._open and self._counts["restarts"] >= self._restarts:
            why = f"it was started again {self._restarts} times, which is its budget"
        else:
            return
        self._shut()
        self._given_up_for = kind
        self.abandoned = f"the target was given up: {why}; the last time {readable(message, 400)}"

    def _refusal(self) -> Verdict:
        return Verdict("error", reason=self._given_up_for, detail=self.abandoned or "")

    def _shut(self) -> None:
        self._channel.close()
        self._open = False

    def _with_last_words(self, failure: Exception) -> str:
        self._channel.close()  # what it wrote last can only be read when it has ended
        last = self._channel.stderr_tail.strip().rpartition("\n")[2]
        said, shown = str(failure), readable(last, 200)
        return said if not last or said.endswith(shown) else f"{said}; its last line on stderr is '{shown}'"


def _kind(failure: Exception) -> str:
    return failure.kind if isinstance(failure, ChannelFailure) else ChannelGarbage.kind
