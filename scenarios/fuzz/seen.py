"""What came of one case, and when a difference in it is none of the target's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scenarios.fuzz.rules import binds, rule_of

if TYPE_CHECKING:
    from scenarios.fuzz.course import Ask
    from scenarios.fuzz.differences import Cause
    from scenarios.fuzz.stand import Answer
    from scenarios.targets.profile import Profile


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of one case."""

    right: Answer
    """What the reference verifier says, under the knobs of the target."""
    got: tuple[Answer, ...]
    """What each of the targets says."""
    cause: Cause | None
    """How they differ; None where they do not."""
    asks: tuple[Ask, ...] = ()
    """Where time passes: every token up to the one at which they differ, which comes last."""


def is_anothers(right: Answer, got: Answer, profile: Profile) -> bool:
    """Whether a target has no part in a difference.

    Either the no is by a rule that such a target is not asked, whichever part it is about; or the harness, which maps
    for a target without users, found nobody.
    """
    if right.verdict.kind == "reject":
        rule = rule_of(right.verdict, None)
        return rule is not None and not binds(rule, profile.scope)
    nobody = got.verdict.kind == "accept" and got.user is None
    return right.verdict.kind == "accept" and nobody and not profile.can("users")
