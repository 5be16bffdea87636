"""A channel that tells what goes over it, for who has to find out why a target does not answer as it should."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from scenarios.targets.channel import ChannelFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from scenarios.targets.channel import Channel


class Overheard:
    """Another channel; each message is told as `> {...}` and its answer as `< {...}`, as the protocol has them."""

    def __init__(self, tell: Callable[[str], None], channel: Channel) -> None:
        self._tell = tell
        self._channel = channel

    @property
    def stderr_tail(self) -> str:
        """The channel's own."""
        return self._channel.stderr_tail

    @property
    def last_exit(self) -> str | None:
        """The channel's own."""
        return self._channel.last_exit

    def open(self) -> None:
        """Open the channel. Raises `ChannelFailure`."""
        self._channel.open()

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()

    def ask(self, message: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
        """Ask, and tell of it. Raises `ChannelFailure`."""
        self._tell(f"> {json.dumps(message)}")
        try:
            answer = self._channel.ask(message, timeout_s)
        except ChannelFailure as failure:
            self._tell(_answered(failure))
            raise
        self._tell(_answered(answer))
        return answer

    def ask_together(
        self, messages: Sequence[Mapping[str, Any]], timeout_s: float
    ) -> list[dict[str, Any] | ChannelFailure]:
        """Ask several at once, and tell of all. Raises `ChannelFailure`."""
        for message in messages:
            self._tell(f"> {json.dumps(message)}")
        answers = self._channel.ask_together(messages, timeout_s)
        for answer in answers:
            self._tell(_answered(answer))
        return answers


def _answered(answer: dict[str, Any] | ChannelFailure) -> str:
    return f"< no answer: {answer}" if isinstance(answer, ChannelFailure) else f"< {json.dumps(answer)}"
