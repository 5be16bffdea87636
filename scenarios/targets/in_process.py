"""A target inside this process: a function that checks a token, or an object that speaks the protocol.

Each call runs in one long-lived worker thread, so that a hung call costs a time-out and not the run. What the
target's code throws never escapes as an exception of the harness, and only what is declared counts as a
rejection.
"""

from __future__ import annotations

import base64
import contextlib
import queue
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeAlias

import msgspec

from scenarios.files.problems import nearest
from scenarios.targets import wire
from scenarios.targets.channel import ChannelCrash, ChannelFailure, ChannelGarbage, ChannelTimeout
from scenarios.targets.profile import TargetError
from scenarios.targets.protocol import REASONS, readable, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from concurrent.futures import Future

    Function: TypeAlias = Callable[[str | bytes, Mapping[str, Any]], str | Mapping[str, Any] | None]
    Outcome: TypeAlias = tuple[Any, BaseException | None]
    Replies: TypeAlias = queue.SimpleQueue[Outcome]

MAX_TOGETHER: Final = 64
"""So many threads ask at once."""
_CLOSE_S: Final = 1.0
_TOGETHER_S: Final = 0.2


class Reject(Exception):  # noqa: N818 - it is the target's verdict and no error
    """What an in-process target raises to reject a token with a reason of the protocol.

    Raises `ValueError` for a reason that is not in the list.
    """

    def __init__(self, reason: str = "other", detail: str = "") -> None:
        if reason not in REASONS:
            raise ValueError(f"'{reason}' is no reason of the protocol{nearest(reason, REASONS)}")
        super().__init__(detail)
        self.reason: Final = reason
        self.detail: Final = detail


class _Worker:
    """One daemon thread that calls what it is given, one call after the other."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[tuple[Callable[[], Any], Replies] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="in-process target", daemon=True)
        self._thread.start()

    def call(self, function: Callable[[], Any], timeout_s: float) -> Outcome:
        """Return what the function returned, or what it raised; raises `queue.Empty` when it hangs."""
        replies: Replies = queue.SimpleQueue()
        self._jobs.put((function, replies))
        return replies.get(timeout=timeout_s)

    def end(self, wait_s: float) -> None:
        """Let the thread end after its present call."""
        self._jobs.put(None)
        self._thread.join(wait_s)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            function, replies = job
            try:
                outcome: Outcome = (function(), None)
            except BaseException as error:  # noqa: BLE001 - a target's SystemExit must not end the thread
                outcome = (None, error)
            replies.put(outcome)
            del function, replies, job, outcome  # a finished call keeps nothing alive


class _InProcess(ABC):
    """A channel whose other end is code of this process."""

    survives: ClassVar[bool]
    stderr_tail: Final = ""
    last_exit: Final = None

    def __init__(self) -> None:
        self._worker: _Worker | None = None

    def open(self) -> None:
        """Make a worker ready; the target itself is made when it is told to start."""
        self.close()
        self._worker = _Worker()

    def ask(self, message: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
        """Hand the message over and return the answer as it would have crossed a wire."""
        if self._worker is None:
            raise ChannelCrash("the target is not running")
        own = msgspec.json.decode(msgspec.json.encode(message))  # a copy that the target may keep or change
        try:
            answer, error = self._worker.call(lambda: self.answer(own), timeout_s)
        except queue.Empty:
            self._worker.end(0)  # a hung call cannot be ended; its thread is left behind
            self._worker = None
            raise ChannelTimeout(f"no answer within {timeout_s:g} s") from None
        if isinstance(error, (KeyboardInterrupt, ChannelFailure)):
            raise error
        if error is not None:
            raise ChannelCrash(self.describe(error), survives=self.survives)
        return _as_on_the_wire(answer, message["seq"])

    def ask_together(
        self, messages: Sequence[Mapping[str, Any]], timeout_s: float
    ) -> list[dict[str, Any] | ChannelFailure]:
        """Call the target from as many threads as there are messages (at most `MAX_TOGETHER`), all at once."""
        at_once = min(len(messages), MAX_TOGETHER)
        gate = threading.Barrier(at_once)
        deadline = time.monotonic() + timeout_s

        def call(number: int, message: Mapping[str, Any]) -> dict[str, Any]:
            own = msgspec.json.decode(msgspec.json.encode(message))
            if number < at_once:  # the others come as these end
                with contextlib.suppress(threading.BrokenBarrierError):
                    gate.wait(_TOGETHER_S)
            return _as_on_the_wire(self.answer(own), message["seq"])

        pool = ThreadPoolExecutor(MAX_TOGETHER, thread_name_prefix="in-process target")
        futures = [pool.submit(call, number, message) for number, message in enumerate(messages)]
        try:
            return [self._outcome(future, deadline, timeout_s) for future in futures]
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _outcome(
        self, future: Future[dict[str, Any]], deadline: float, timeout_s: float
    ) -> dict[str, Any] | ChannelFailure:
        try:
            return future.result(max(0.0, deadline - time.monotonic()))
        except TimeoutError:
            return ChannelTimeout(f"no answer within {timeout_s:g} s")
        except ChannelFailure as failure:
            return failure
        except BaseException as error:  # noqa: BLE001 - whatever the target's code throws
            return ChannelCrash(self.describe(error), survives=self.survives)

    def close(self) -> None:
        """Let the worker end."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.end(_CLOSE_S)

    @abstractmethod
    def answer(self, message: dict[str, Any]) -> Any:
        """Answer one message, in the worker."""

    def describe(self, error: BaseException) -> str:
        """Say what was raised."""
        return f"it raised {full_name(type(error))}{_said(error)}"


class ObjectTarget(_InProcess):
    """A target that is an object with one method for each message of the protocol.

    The methods `start`, `onboard`, `authenticate`, `offboard`, `reset` and `stop` (and `purge`, where it is
    declared) each take the message as a dict and return the answer as one, which may leave out `seq`. `make`
    returns the object; it is called anew after each crash or time-out.
    """

    survives = False

    def __init__(self, make: Callable[[], object]) -> None:
        super().__init__()
        self._make = make
        self._object: object = None

    def answer(self, message: dict[str, Any]) -> Any:
        """Call the method that the message names."""
        if message["cmd"] == "start":
            self._object = self._make()
        method = getattr(self._object, message["cmd"], None)
        if not callable(method):
            raise ChannelGarbage(f"it has no method '{message['cmd']}'")
        return method(message)


class CallableTarget(_InProcess):
    """A target that is a function `(token, integration) -> user name, claims or None`.

    The token is text, or bytes when it is no valid UTF-8. The integration is the `integration` of the
    protocol's `onboard`, with `users` beside it and `now` where the target declares `clock`. A string accepts
    that user; a mapping accepts with those claims, of which `iss`, `sub` and the custom claim go on; None
    rejects, and so does an exception of a class in `rejects` (with the reason that `reasons` gives for its
    class, by bare or by full name) or `Reject`. Any other exception is a crash. It knows one integration at a
    time. Raises `TargetError` for an unknown reason.
    """

    survives = True

    def __init__(
        self,
        function: Function,
        *,
        rejects: Iterable[type[BaseException]] = (),
        reasons: Mapping[str, str] | None = None,
        name: str = "",
        version: str = "",
    ) -> None:
        super().__init__()
        self._function = function
        self._rejects: tuple[type[BaseException], ...] = (Reject, *rejects)
        self._reasons = dict(reasons or {})
        self._hello = {"ok": True, "name": name or getattr(function, "__name__", ""), "language": "python"}
        self._hello |= {"version": version} if version else {}
        self._integration: dict[str, Any] | None = None
        for reason in self._reasons.values():
            if reason not in REASONS:
                near = nearest(reason, REASONS)
                raise TargetError("configuration", f"'{reason}' is no reason of the protocol{near}")

    def answer(self, message: dict[str, Any]) -> Any:
        """Play the protocol's part around the function."""
        match message["cmd"]:
            case "start":
                self._integration = None
                return self._hello
            case "onboard":
                return self._onboard(message)
            case "authenticate":
                return self._authenticate(message)
            case "offboard" if (self._integration or {}).get("id") != message["id"]:
                return {"ok": True}
        self._integration = None
        return {"ok": True}

    def _onboard(self, message: dict[str, Any]) -> dict[str, Any]:
        record = message["integration"]
        if self._integration is not None and self._integration["id"] != record["id"]:
            return {"verdict": "unsupported", "capability": "several_integrations"}
        self._integration = {**record, "users": message["users"]}
        return {"verdict": "onboarded"}

    def _authenticate(self, message: dict[str, Any]) -> dict[str, Any]:
        if self._integration is None:
            return {"verdict": "reject", "reason": "issuer", "detail": "nothing is onboarded"}
        token = message["token"] if "token" in message else base64.b64decode(message["token_base64"])
        now = {"now": message["now"]} if "now" in message else {}
        try:
            result = self._function(token, {**self._integration, **now})
        except self._rejects as error:
            return {"verdict": "reject", "reason": self._reason(error), "detail": readable(_text(error))}
        return self._accepted(result, self._integration.get("custom_claim"))

    def _accepted(self, result: object, custom_claim: str | None) -> dict[str, Any]:
        match result:
            case None:
                return {"verdict": "reject", "reason": "other"}
            case str():
                return {"verdict": "accept", "user": str(result)}
            case Mapping():
                named = ("iss", "sub", custom_claim)
                return {
                    "verdict": "accept",
                    "claims": {name: result[name] for name in named if name in result},
                }
        raise ChannelGarbage(f"it returned {shown(result)} and not a user, claims or None")

    def _reason(self, error: BaseException) -> str:
        if isinstance(error, Reject):
            return error.reason
        for ancestor in type(error).__mro__:
            for name in (full_name(ancestor), ancestor.__name__):
                if name in self._reasons:
                    return self._reasons[name]
        return "other"

    def describe(self, error: BaseException) -> str:
        """Say what was raised, and what to do if it was a rejection."""
        said = super().describe(error)
        if not isinstance(error, Exception):
            return said
        return f"{said}; if this is how it rejects a token, name '{full_name(type(error))}' under `rejects`"


def _as_on_the_wire(answer: object, seq: int) -> dict[str, Any]:
    if not isinstance(answer, Mapping):
        raise ChannelGarbage(f"its answer is {shown(answer)}, not an object")
    try:
        return wire.decode(wire.encode({"seq": seq, **answer}).rstrip(b"\n"))
    except wire.BadLine as problem:
        raise ChannelGarbage(f"its answer {problem}") from None
    except (TypeError, ValueError, RecursionError) as error:
        raise ChannelGarbage(f"its answer is no JSON: {readable(str(error), 200)}") from None


def full_name(kind: type[BaseException]) -> str:
    """Return the name of a class with its module, as `rejects` and `reasons` take it."""
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return module + kind.__qualname__


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - a target's own __str__ may do anything
        return ""


def _said(error: BaseException) -> str:
    text = _text(error)
    return f" ({readable(text, 300)})" if text else ""
