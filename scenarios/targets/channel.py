"""What an adapter is to a session: what carries one message there and one answer back, or says why not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class ChannelFailure(Exception):  # noqa: N818 - its kinds are named after what happened
    """The channel carried no answer back; the message is one sentence about the target.

    After a failure the session closes the channel and opens it anew, unless `survives`: the target answered
    nothing and is none the worse for it.
    """

    kind: ClassVar[str]

    def __init__(self, message: str, *, survives: bool = False) -> None:
        super().__init__(message)
        self.survives = survives


class ChannelMissing(ChannelFailure):
    """There is no such command, module or address."""

    kind = "not_found"


class ChannelCrash(ChannelFailure):
    """The target ended, or threw what it does not declare as a rejection."""

    kind = "crash"


class ChannelTimeout(ChannelFailure):
    """No answer came in time."""

    kind = "timeout"


class ChannelGarbage(ChannelFailure):
    """What came is no message."""

    kind = "protocol"


class Channel(Protocol):
    """One way to a target: opened, asked one message at a time, closed, and perhaps opened again."""

    def open(self) -> None:
        """Make ready to ask; raises `ChannelFailure`."""

    def ask(self, message: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
        """Send a message and return its answer unread; raises `ChannelFailure` after `timeout_s` seconds."""

    def ask_together(
        self, messages: Sequence[Mapping[str, Any]], timeout_s: float
    ) -> list[dict[str, Any] | ChannelFailure]:
        """Send messages at once; return the answer to each, or why there is none, in their order.

        Asked of a target that declares `concurrent` alone. Raises `ChannelFailure` where nothing can be asked.
        """

    def close(self) -> None:
        """End everything that `open` began, within a second or two; never raises, and may be called twice."""

    @property
    def stderr_tail(self) -> str:
        """The last that the target wrote to stderr, over all its lives; may be empty."""

    @property
    def last_exit(self) -> str | None:
        """How the target's last process ended, such as `exit status 1`; None when none has."""
