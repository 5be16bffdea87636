"""What an answer to one token means: right, a finding, or a refusal that the plan allows. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, get_args

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scenarios.load.timeline import Timeline
    from scenarios.load.tokens import Made

Outcome: TypeAlias = Literal[
    "right", "excused", "mixed_up", "false_accept", "good_refused", "unclear", "no_answer"
]
OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)
"""`excused`: a good token was refused whose key could not be known yet. All but the first two are findings."""


def judged(
    made: Made, verdict: Mapping[str, Any], subject: str | None, timeline: Timeline, when: float
) -> Outcome:
    """Return what the verdict on a token is worth.

    `verdict` is an answer of the target protocol; `subject` the External ID of the token's user, for a target that
    names claims and no user; `when` the moment at which the token was sent.
    """
    if verdict["verdict"] == "unclear":
        return "unclear"
    accepted = verdict["verdict"] == "accept"
    if made.user is None:
        return "false_accept" if accepted else "right"
    if accepted:
        return "right" if _is_of(made.user, subject, verdict) else "mixed_up"
    learnable = timeline.learnable_s(made.key, when)
    return "excused" if learnable <= timeline.plan.limits.learn_s else "good_refused"


def _is_of(user: str, subject: str | None, verdict: Mapping[str, Any]) -> bool:
    if "user" in verdict:
        return bool(verdict["user"] == user)
    claims = verdict.get("claims") or {}
    return bool(claims.get("sub") == subject)


def said_of(verdict: Mapping[str, Any]) -> str:
    """Say what a target said."""
    if verdict["verdict"] != "accept":
        return str(verdict.get("detail", ""))
    named = verdict.get("user", (verdict.get("claims") or {}).get("sub"))
    return f"accepted as {named}"
