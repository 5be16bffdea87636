"""What is right, by the reference verifier: asked like a target, and with no thread and no wire between.

It obeys the knobs of the target's profile for which it has code; what it has none for is told in `knobs.py`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from scenarios.targets.profile import Profile
from scenarios.targets.protocol import Verdict, authenticate_message, onboard_message
from scenarios.targets.reference import ALGORITHMS, CAPABILITIES, ReferenceTarget, policy_of
from verifier import Policy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

KEYS: Final = ("jwks_uri", "certificates")
"""The forms of keys that the reference verifier takes."""


class Oracle:
    """The reference verifier under one policy. Raises `TargetError` for knobs below a floor."""

    def __init__(self, knobs: Mapping[str, Any]) -> None:
        known = {name: value for name, value in knobs.items() if name in Policy.__dataclass_fields__}
        self.profile = Profile(
            scope="system", keys=KEYS, algorithms=ALGORITHMS, capabilities=CAPABILITIES, knobs=dict(knobs)
        )
        self._target = ReferenceTarget(policy_of(known))

    def onboard(
        self, integration: Mapping[str, Any], users: Sequence[Mapping[str, Any]], *, now: float | None
    ) -> Verdict:
        """Onboard, as `Session.onboard` does."""
        answer = self._target.onboard(onboard_message(integration, users, KEYS, now=now))
        return _verdict(answer)

    def authenticate(self, token: str | bytes, *, now: float | None) -> Verdict:
        """Judge a credential; `about` of a reject names the claim or the header parameter at fault."""
        return _verdict(self._target.authenticate(authenticate_message(token, now=now)))

    def reset(self) -> Verdict:
        """Forget everything."""
        self._target.reset({})
        return Verdict("done")


def _verdict(answer: Mapping[str, Any]) -> Verdict:
    verdict = Verdict(answer["verdict"], user=answer.get("user"), reason=answer.get("reason"))
    return replace(verdict, about=answer.get("about"), detail=answer.get("detail", ""))
