"""The settings of one integration besides its issuer, audience and keys, each checked by itself."""

from typing import Final

from verifier.algorithms import ALGORITHMS
from verifier.errors import OnboardingRefused, quoted
from verifier.integration import State
from verifier.onboarding.record import Warn
from verifier.onboarding.texts import has_unseen, is_absent
from verifier.policy import MAX_LEEWAY_S, Policy

MAX_NAME_CHARS: Final = 256
"""Longest IdP name and custom claim name."""

_NOT_IDENTITIES = frozenset(
    {"iss", "aud", "exp", "nbf", "iat", "jti", "azp", "appid", "client_id", "cid"}
    | {"tid", "nonce", "ver", "scp", "scope", "typ"}
)
_MUTABLE = frozenset({"preferred_username", "email", "upn", "unique_name", "name"})


def check_name(name: object) -> None:
    """Refuse a name of the IdP that nobody can show; it is optional and need not be unique."""
    if name is not None and (not isinstance(name, str) or len(name) > MAX_NAME_CHARS):  # ONB-004
        detail = f"idp_name: send a text of at most {MAX_NAME_CHARS} characters, or none"
        raise OnboardingRefused("idp_name", detail, "idp_name")


def algorithms_of(given: object, policy: Policy) -> tuple[str, ...]:
    """Return the algorithms agreed: those sent, or those of the policy (SIG-007)."""
    if given is None:
        return policy.algorithms
    if not isinstance(given, (list, tuple)) or not given:
        raise OnboardingRefused("algorithm", "algorithms: send a list of names, such as RS256", "algorithms")
    for name in given:
        if not isinstance(name, str) or name not in ALGORITHMS:
            detail = f"algorithms: {quoted(name)} is not supported; choose from {', '.join(ALGORITHMS)}"
            raise OnboardingRefused("algorithm", detail, "algorithms")
    return tuple(given)


def custom_claim_of(given: object, warn: Warn) -> str | None:
    """Return the name of the custom claim, None without one (ONB-037 to ONB-039)."""
    if is_absent(given):  # ONB-037
        return None
    if not isinstance(given, str) or len(given) > MAX_NAME_CHARS or has_unseen(given):  # ONB-038
        detail = (
            f"custom_claim {quoted(given)}: send the name of one claim, at most {MAX_NAME_CHARS} characters,"
            " without spaces around it and unseen characters"
        )
        raise OnboardingRefused("custom_claim", detail, "custom_claim")
    if given in _NOT_IDENTITIES:  # ONB-039
        detail = f"custom_claim: {given} does not identify a user; name a claim that does, such as oid"
        raise OnboardingRefused("custom_claim", detail, "custom_claim")
    if given in _MUTABLE:  # AZR-009
        warn(
            f"custom_claim: {given} may change or be given to another person; prefer one that stays, such as oid"
        )
    return given


def leeway_of(given: object, policy: Policy) -> int:
    """Return the leeway in seconds (CLM-018)."""
    if given is None:
        return policy.leeway_s
    if isinstance(given, bool) or not isinstance(given, int) or not 0 <= given <= MAX_LEEWAY_S:  # CLM-018
        detail = f"leeway_s: send whole seconds from 0 to {MAX_LEEWAY_S}"
        raise OnboardingRefused("leeway", detail, "leeway_s")
    return given


def aud_from_of(given: object, policy: Policy) -> object:
    """Return the claim that says for whom a token is: `aud`, or `client_id` in its stead (IDP-014)."""
    if given is None:
        return policy.aud_from
    if given not in ("aud", "client_id"):  # IDP-014
        raise OnboardingRefused("value_format", "aud_from: send aud or client_id", "aud_from")
    return given


def state_of(active: object) -> State:
    """Return the state that a new integration has (ONB-042)."""
    if active is not None and not isinstance(active, bool):
        raise OnboardingRefused("value_format", "active: send true or false", "active")
    return "requested" if active is False else "active"
