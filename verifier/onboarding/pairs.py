"""Issuers and audiences: the values that were sent, and the pairs that they make (ONB-026 to ONB-028).

Must never complete, tidy or guess one: a token is compared with it code point for code point (ONB-045).
"""

import re
from typing import Final

from verifier.errors import OnboardingRefused, quoted
from verifier.mapping import is_blank
from verifier.onboarding.texts import check_value, is_absent
from verifier.policy import Policy

MAX_VALUES: Final = 20
"""Most issuers or audiences of one integration."""

_GRAPH = frozenset({"00000003-0000-0000-c000-000000000000", "https://graph.microsoft.com"})
_ANY_TENANT = re.compile(r"[{}*]|/(?:common|organizations|consumers)(?:/|$)")


def values_of(value: object, field: str, *, several: bool) -> list[str]:
    """Take issuers or audiences as typed, code point for code point (ONB-026 to ONB-028, ONB-045)."""
    if isinstance(value, (list, tuple, set, frozenset)):
        if not several:
            raise OnboardingRefused("several_values", f"{field}: send one text, not a list", field)
        values = list(value)
    else:
        values = [] if is_absent(value) else [value]
    if len(values) > MAX_VALUES:
        raise OnboardingRefused("several_values", f"{field}: send at most {MAX_VALUES}", field)
    return [_checked(one, field) for one in values]


def agreed(direct: list[str], sampled: str, field: str) -> list[str]:
    """Return the values given directly, or that of the sample if there are none; they must not contradict."""
    if direct and sampled not in direct:  # ONB-034
        detail = f"{field}: the sample token has another one; correct it, or leave it out"
        raise OnboardingRefused("sample_mismatch", detail, field)
    return direct or [sampled]


def pairs_of(issuers: list[str], audiences: list[str], policy: Policy) -> tuple[tuple[str, str], ...]:
    """Check the values; join each issuer with each audience that was given for it (ONB-028, CLM-009)."""
    if not issuers:
        detail = "issuer: send the iss of your tokens, or a sample token"
        raise OnboardingRefused("issuer_missing", detail, "issuer")
    if not audiences:
        detail = "audience: send the aud of your tokens, or a sample token"
        raise OnboardingRefused("audience_missing", detail, "audience")
    for issuer in issuers:
        _check_issuer(issuer, policy)
    for audience in audiences:
        _check_audience(audience)
    if len(issuers) > 1 and len(audiences) > 1:
        if len(issuers) != len(audiences):
            detail = (
                "issuer and audience: of two lists the first goes with the first; send lists of one length"
            )
            raise OnboardingRefused("several_values", detail, "audience")
        return tuple(dict.fromkeys(zip(issuers, audiences, strict=True)))
    return tuple(dict.fromkeys((issuer, audience) for issuer in issuers for audience in audiences))


def _checked(value: object, field: str) -> str:
    if not isinstance(value, str) or is_blank(value):
        raise OnboardingRefused("value_format", f"{field}: send a text that is not empty", field)
    check_value(value, field)
    return value


def _check_issuer(value: str, policy: Policy) -> None:
    if value in policy.reserved_issuers:  # ONB-041, CLM-032
        detail = f"issuer: {quoted(value)} is the vendor's own; send the iss of your IdP"
        raise OnboardingRefused("issuer_reserved", detail, "issuer")
    check_value(value, "issuer")
    if _ANY_TENANT.search(value):  # AZR-014
        detail = f"issuer: {quoted(value)} stands for any tenant; send the issuer with your tenant's id"
        raise OnboardingRefused("value_format", detail, "issuer")


def _check_audience(value: str) -> None:
    check_value(value, "audience")
    if value in _GRAPH:  # AZR-018
        detail = "audience: that is Microsoft Graph; request a token for this API and send its aud"
        raise OnboardingRefused("value_format", detail, "audience")
