"""The ways in which the verifier says no, each with a stable reason of a closed list.

Must never carry a token, a key or a secret: a detail quotes text from outside only through `quoted`.
"""

from typing import Final, Literal, get_args

RejectReason = Literal[
    "malformed",
    "algorithm_not_allowed",
    "unknown_key",
    "bad_signature",
    "header_not_allowed",
    "expired",
    "not_yet_valid",
    "issuer",
    "audience",
    "claim_missing",
    "claim_type",
    "claim_value",
    "token_type",
    "too_large",
    "no_user",
    "user_inactive",
    "user_ambiguous",
    "unavailable",
    "lifetime",
    "scope",
]
"""Why a token was rejected."""

RefuseReason = Literal[
    "entity_id_missing",
    "entity_id_taken",
    "id_missing",
    "keys_missing",
    "keys_conflict",
    "too_many_certificates",
    "not_a_certificate",
    "malformed_certificate",
    "private_key",
    "shared_secret",
    "weak_key",
    "kid_conflict",
    "kid_missing",
    "selection_missing",
    "selection_unknown",
    "jwks_url",
    "jwks_unusable",
    "issuer_missing",
    "audience_missing",
    "issuer_reserved",
    "issuer_taken",
    "several_values",
    "value_format",
    "sample_unverified",
    "sample_incomplete",
    "sample_mismatch",
    "sample_malformed",
    "custom_claim",
    "idp_name",
    "algorithm",
    "leeway",
    "user",
]
"""Why an onboarding was refused."""

AskedAbout = Literal["audience", "selection"]
"""What the customer has to decide before an onboarding can go on."""

REJECT_REASONS: Final = frozenset(get_args(RejectReason))
REFUSE_REASONS: Final = frozenset(get_args(RefuseReason))

_QUOTE_LIMIT = 80  # characters


class VerifierError(Exception):
    """Base of every exception that the verifier raises on purpose."""


class TokenRejected(VerifierError):  # noqa: N818 - says what happened, as callers read it
    """A token is not accepted.

    `reason` is stable and meant for programs, `detail` is for people, and `claim` names the claim or header
    parameter at fault where there is one.
    """

    def __init__(self, reason: RejectReason, detail: str = "", claim: str | None = None) -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason: Final = reason
        self.detail: Final = detail
        self.claim: Final = claim
        self.integration: str | None = None
        """The integration that the token chose, for the log (OPS-015); None if it chose none."""
        self.kid: str | None = None
        """The kid that the token names, unverified, for the log alone."""


class WouldWait(VerifierError):  # noqa: N818 - says what would happen, as callers read it
    """A token cannot be judged without waiting for keys, and the caller asked not to wait (OPS-008).

    `rejected` is the judgement for who waits no more: by the keys that are at hand.
    """

    def __init__(self, integration: str, rejected: TokenRejected) -> None:
        super().__init__("the keys have to be fetched first")
        self.integration: Final = integration
        self.rejected: Final = rejected


class OnboardingRefused(VerifierError):  # noqa: N818 - says what happened, as callers read it
    """An integration cannot be set up as submitted; `field` names the field of the record at fault."""

    def __init__(self, reason: RefuseReason, detail: str = "", field: str | None = None) -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason: Final = reason
        self.detail: Final = detail
        self.field: Final = field


class OnboardingAsked(VerifierError):  # noqa: N818 - says what happened, as callers read it
    """An integration needs a choice that only the customer can make (ONB-010, ONB-032)."""

    def __init__(self, about: AskedAbout, detail: str = "") -> None:
        super().__init__(f"{about}: {detail}" if detail else about)
        self.about: Final = about
        self.detail: Final = detail


class FetchError(VerifierError):
    """A JWKS could not be fetched; the message is for people.

    `wrong_page` tells that something was answered at the URL, but that it is not where the JWKS is.
    """

    def __init__(self, message: str, *, wrong_page: bool = False) -> None:
        super().__init__(message)
        self.wrong_page: Final = wrong_page


def quoted(text: object) -> str:
    """Show text from outside in a message: printable ASCII, escaped, at most 80 characters (OPS-014)."""
    raw = text if isinstance(text, str) else type(text).__name__
    shown = ascii(raw[:_QUOTE_LIMIT])
    return shown if len(shown) <= _QUOTE_LIMIT else f"{shown[:_QUOTE_LIMIT]}..."
