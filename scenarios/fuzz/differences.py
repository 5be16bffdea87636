"""What differs between two answers to one case, and what makes two differences one finding."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scenarios.judge import in_words
from scenarios.results import Severity

if TYPE_CHECKING:
    from scenarios.fuzz.stand import Answer


@dataclass(frozen=True, slots=True)
class Cause:
    """By what a difference is told from another while its case is made smaller."""

    severity: Severity
    reason: str
    """Why a no is right; of a crash what was raised; of a wrong no what it said, what it quotes left out."""
    about: str
    """The claim or header member that the no is about, where there is one."""


MASK: Final = "…"
"""Stands for what a message quotes."""
_QUOTED = re.compile(r"""\{.*\}|\[.*\]|(?<!\w)'[^']*'(?!\w)|(?<!\w)"[^"]*"(?!\w)|\d+""")


def _masked(detail: str) -> str:
    return _QUOTED.sub(MASK, detail)[:200]


def difference(right: Answer, got: Answer) -> Cause | None:
    """Return how an answer differs from the right one; None where verdict and user are the same."""
    if got.verdict.kind == "unsupported" or right.verdict.kind in ("unsupported", "error"):
        return None
    if got.verdict.kind == "error":
        broken = got.verdict.reason in ("protocol", "unclear")
        raised = got.verdict.detail.partition("(")[0].partition(";")[0].strip()
        return Cause(Severity.BROKEN if broken else Severity.CRASH, raised, "")
    # A record that one takes and one refuses differs, whatever becomes of the token.
    if right.onboarding != got.onboarding:
        severity = Severity.FALSE_ACCEPT if right.onboarding else Severity.FALSE_REJECT
        return Cause(severity, (right if right.onboarding else got).verdict.reason or "asked", "onboard")
    return _of_tokens(right, got)


def _of_tokens(right: Answer, got: Answer) -> Cause | None:
    yes, said_yes = right.verdict.kind == "accept", got.verdict.kind == "accept"
    if yes and said_yes:
        return Cause(Severity.WRONG_USER, "", "") if right.user != got.user else None
    if yes == said_yes:
        return None
    if yes:
        return Cause(Severity.FALSE_REJECT, _masked(got.verdict.detail), "")
    return Cause(Severity.FALSE_ACCEPT, right.verdict.reason or "", right.verdict.about or "")


def said(answer: Answer) -> str:
    """Say an answer in words: the user by name where one is known."""
    verdict = answer.verdict
    if verdict.kind == "accept":
        return f"accepted as {answer.user}" if answer.user is not None else "accepted, as nobody known"
    return in_words(verdict)
