"""What is at stake in a finding: for a reader who has to decide whether it matters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scenarios.results import Kind, Severity

if TYPE_CHECKING:
    from scenarios.results import Result

STAKES: Final = {
    Severity.WRONG_USER: "One person gets into the account of another.",
    Severity.FALSE_ACCEPT: "Whoever can make or obtain such a token or record gets in as the user that it names.",
    Severity.CANARY: (
        "An attacker chooses an address that the verifier asks, and may have it trust the keys that lie there."
    ),
    Severity.QUOTED: "A part of a credential lies open where answers are read, logged or cached.",
    Severity.CRASH: "One request ends or holds the verifier: whoever can send it can shut others out.",
    Severity.BROKEN: "Nobody can tell a yes from a no by this answer; who guesses lets in what was rejected.",
    Severity.FALSE_REJECT: "An attacker gains nothing; people with good tokens are shut out.",
    Severity.REQUESTS: (
        "The IdP is asked more than need be, which an attacker can drive, or too rarely to notice a rotation."
    ),
    Severity.WRONG_ANSWER: "Nobody gets in; clients and gateways that go by HTTP draw the wrong conclusion.",
    Severity.WRONG_REASON: "Nobody gets in; whoever reads the logs looks for the fault in the wrong place.",
}
"""What an attacker gains by each deviation."""


def stake(result: Result) -> str:
    """Return what an attacker gains by what a result found, in a sentence."""
    if result.severity is not None:
        return STAKES[result.severity]
    if result.outcome is Kind.UNPROVEN:
        return "Unknown: the true token was rejected too, so that this reject shows nothing."
    return "Nothing is known to be gained."
