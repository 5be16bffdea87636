"""The sample token of a record: proved by the submitted keys, then read for the issuer and the audience.

Must never be kept, logged or echoed (ONB-036), and never let a sample bring in its own key (ONB-035).
"""

import re
from collections.abc import Mapping
from typing import Any

from verifier.compact import decode_object, split_compact
from verifier.errors import OnboardingAsked, OnboardingRefused, RefuseReason, TokenRejected
from verifier.header import accepted_types, check_replicas, check_type, read_header
from verifier.integration import verifying_key
from verifier.keys import KeySet, KeyUse
from verifier.mapping import is_blank
from verifier.onboarding.record import Warn
from verifier.onboarding.texts import QUOTES
from verifier.policy import Policy


def verified_sample(
    given: object, keys: KeySet | None, algorithms: tuple[str, ...], policy: Policy
) -> dict[str, Any]:
    """Verify a sample token by the submitted keys alone (ONB-030, ONB-035), whatever its times are."""
    if not isinstance(given, str):
        raise OnboardingRefused("sample_malformed", "sample_token: send the JWT as text", "sample_token")
    if keys is None:
        detail = "sample_token: there are no keys to verify it by; send it when the JWKS URL shows keys"
        raise OnboardingRefused("sample_unverified", detail, "sample_token")
    try:
        jws = split_compact(_cleaned(given), policy.max_token_bytes)
        sample = decode_object(jws.payload)
    except TokenRejected as fault:
        detail = f"sample_token: {fault.detail}; send the whole JWT, unchanged"
        raise OnboardingRefused("sample_malformed", detail, "sample_token") from None
    # The tenant is left open: it follows from the issuer, which the sample is to tell.
    use = KeyUse.of(algorithms, None, policy.nokid)
    try:
        header = read_header(jws.header_segment)
        check_type(header, accepted_types(policy))
        check_replicas(header, sample)
        if header.algorithm.name not in algorithms:
            detail = f"sample_token: its alg is {header.algorithm.name}, which is not in algorithms"
            raise OnboardingRefused("sample_unverified", detail, "sample_token")
        verifying_key(jws, header, keys, use)
    except TokenRejected as fault:
        reason: RefuseReason = "sample_malformed" if fault.reason == "malformed" else "sample_unverified"
        detail = f"sample_token: {fault}; send a token that is signed by a key of this request"
        raise OnboardingRefused(reason, detail, "sample_token") from None
    return sample


def issuer_of(sample: Mapping[str, Any]) -> str:
    """Read the issuer of a sample."""
    issuer = sample.get("iss")
    if not isinstance(issuer, str) or is_blank(issuer):  # ONB-033, IDP-012
        detail = "sample_token: it has no usable iss; let your IdP set one, and send another sample"
        raise OnboardingRefused("sample_incomplete", detail, "sample_token")
    return issuer


def audience_of(sample: Mapping[str, Any], direct: list[str]) -> str:
    """Read the one audience of a sample; of several, the one that was also given directly (ONB-032)."""
    audience = sample.get("aud")
    values = audience if isinstance(audience, list) else [audience]
    if not values or not all(isinstance(value, str) and not is_blank(value) for value in values):  # ONB-033
        detail = "sample_token: it has no usable aud; let your IdP set one, and send another sample"
        raise OnboardingRefused("sample_incomplete", detail, "sample_token")
    if len(values) == 1:
        return str(values[0])
    if not direct:
        question = "audience: the sample is for several; which of them is this API?"
        raise OnboardingAsked("audience", question)
    return next((one for one in direct if one in values), str(values[0]))


def warn_of_times(sample: Mapping[str, Any], now: float, warn: Warn) -> None:
    """Warn of a sample that is over or not valid yet; it proves the keys all the same."""
    for name, passed in (("exp", "sample_token: it has expired"), ("nbf", None)):
        value = sample.get(name)
        if not isinstance(value, (int, float)):
            continue
        if passed and value <= now:  # ONB-031
            warn(passed)
        if not passed and value > now:
            warn("sample_token: it is not valid yet")


def _cleaned(sample: str) -> str:
    """Undo what copying does to a token: line wraps, quotes, and the word Bearer before it (ONB-029)."""
    text = sample.strip().strip(QUOTES).strip()
    return "".join(re.sub(r"^(?:authorization:\s*)?bearer\s+", "", text, flags=re.IGNORECASE).split())
