"""A target that is asked for as long as the fuzzing lasts: when it was given up it is started anew, within a bound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scenarios.targets.profile import TargetError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from scenarios.targets.profile import Profile
    from scenarios.targets.protocol import Verdict
    from scenarios.targets.session import Session

MAX_RENEWALS: Final = 200
"""So often a target that was given up is started anew; each time costs several time-outs or many crashes."""


class Live:
    """A target, started. Raises `TargetError` when it cannot be, or was given up too often. Call `close` at the end."""

    def __init__(self, open_session: Callable[[], Session]) -> None:
        self._open = open_session
        self._session = open_session()
        self._session.start()
        self._renewals = 0
        self._is_new = False
        self.profile: Final[Profile] = self._session.profile
        declared = self._session.declaration
        self.name: Final = " ".join(filter(None, (declared.name, declared.version)))

    def onboard(
        self, integration: Mapping[str, Any], users: Sequence[Mapping[str, Any]], *, now: float | None
    ) -> Verdict:
        """Onboard, as `Session.onboard` does."""
        return self._seen(self._session.onboard(integration, users, now=now))

    def authenticate(self, token: str | bytes, *, now: float | None) -> Verdict:
        """Judge a credential, as `Session.authenticate` does."""
        return self._seen(self._session.authenticate(token, now=now))

    def reset(self) -> Verdict:
        """Make it forget everything."""
        return self._seen(self._session.reset())

    def renewed(self) -> bool:
        """Return whether it was started anew since this was last asked, and so holds nothing any more."""
        is_new, self._is_new = self._is_new, False
        return is_new

    @property
    def protocol_errors(self) -> int:
        """How many of its answers were none that the protocol knows, since it was last started anew."""
        return self._session.health.protocol_errors

    def close(self) -> None:
        """End it."""
        self._session.close()

    def _seen(self, verdict: Verdict) -> Verdict:
        if self._session.abandoned is not None:
            self._renew(self._session.abandoned)
        return verdict

    def _renew(self, why: str) -> None:
        self._session.close()
        self._renewals += 1
        if self._renewals > MAX_RENEWALS:
            raise TargetError(
                "crash", f"the target was started anew {MAX_RENEWALS} times, and no more: {why}"
            )
        self._session = self._open()
        self._session.start()
        self._is_new = True
