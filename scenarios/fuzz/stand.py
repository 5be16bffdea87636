"""The stand: one case played before everybody who is asked, with the same bytes at the same time.

What is onboarded stays for the next case that needs the same, so that most cases cost a token and an answer of each.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from scenarios.judge import user_of
from scenarios.stage import Stage, StageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scenarios.fuzz.case import Case
    from scenarios.stage import Lab
    from scenarios.targets.profile import Profile
    from scenarios.targets.protocol import Verdict


class Asked(Protocol):
    """Who can be asked: a `Session`, or an `Oracle`."""

    @property
    def profile(self) -> Profile: ...  # noqa: D102 - what it declares

    def onboard(  # noqa: D102 - as `Session` has it
        self, integration: Mapping[str, Any], users: Sequence[Mapping[str, Any]], *, now: float | None
    ) -> Verdict: ...

    def authenticate(self, token: str | bytes, *, now: float | None) -> Verdict: ...  # noqa: D102 - likewise

    def reset(self) -> Verdict: ...  # noqa: D102 - likewise


@dataclass(frozen=True, slots=True)
class Answer:
    """What one said of one case."""

    verdict: Verdict
    user: str | None
    """Of an accept: the user of the case, by name."""
    onboarding: bool
    """Whether the record was not taken, so that no token was asked."""


class Unmakeable(ValueError):  # noqa: N818 - it says what the case is
    """A case that nobody can make, such as one with two forgeries that exclude each other."""


class Stand:
    """One setting at a time, before each who is asked. Not to be used by two threads; call `close` at the end.

    The clock of the cases is a set one when every one of `clocks` obeys it, else the real one. Everybody is told the
    time; a session passes it on to a target that obeys it.
    """

    def __init__(self, lab: Lab, clocks: Sequence[Profile]) -> None:
        self._lab = lab
        self.clock = all(profile.can("clock") for profile in clocks)
        self._profile = clocks[0] if self.clock else _without_clock(clocks[0])
        self._stage: Stage | None = None
        self._setting = ""
        self._onboarded: dict[int, Verdict | None] = {}
        """By who was asked, what was said when a record was not taken; None when all were."""

    def close(self) -> None:
        """Take down what stands."""
        if self._stage is not None:
            self._stage.close()
            self._stage = None

    def token(self, case: Case) -> str | bytes:
        """Set the stage for a case and return its credential. Raises `Unmakeable`."""
        try:
            if self._stage is None or case.setting != self._setting:
                self.close()
                self._onboarded.clear()
                self._stage = Stage(case.scenario(), self._lab, self._profile)
                self._setting = case.setting
            return self._stage.token(case.token_spec())
        except (StageError, ValueError) as error:
            raise Unmakeable(str(error)) from None

    def ask(self, who: Asked, token: str | bytes) -> Answer:
        """Have one onboard what stands, if need be, and judge a credential. Raises `Unmakeable`."""
        if self._stage is None:
            raise Unmakeable("no stage is set")
        if id(who) not in self._onboarded:
            self._onboarded[id(who)] = onboard_all(who, self._stage)
        refused = self._onboarded[id(who)]
        if refused is not None:
            return Answer(refused, None, onboarding=True)
        return answered(who, token, self._stage)

    def forget(self, who: Asked) -> None:
        """Have one onboard anew before the next case: after it was started again."""
        self._onboarded.pop(id(who), None)


def answered(who: Asked, token: str | bytes, stage: Stage) -> Answer:
    """Have one judge a credential, and return what it says."""
    verdict = who.authenticate(token, now=stage.now)
    return Answer(verdict, user_of(verdict, who.profile, stage.user_of), onboarding=False)


def onboard_all(who: Asked, stage: Stage) -> Verdict | None:
    """Have one forget everything and onboard what stands at the start; return what it says of a record it refuses.

    Raises `Unmakeable`.
    """
    who.reset()
    for name, spec in stage.integrations().items():
        if spec.at_start and (refused := onboard(who, stage, name)) is not None:
            return refused
    return None


def onboard(who: Asked, stage: Stage, name: str) -> Verdict | None:
    """Have one onboard an integration as it is now; return what it says where it does not. Raises `Unmakeable`."""
    profile = who.profile if stage.sent_now is not None else _without_clock(who.profile)
    try:
        record = stage.record_for(profile, name)
    except StageError as error:
        raise Unmakeable(str(error)) from None
    verdict = who.onboard(record, stage.directory(name), now=stage.now)
    return None if verdict.kind == "onboarded" else verdict


def _without_clock(profile: Profile) -> Profile:
    return replace(profile, capabilities=tuple(one for one in profile.capabilities if one != "clock"))
