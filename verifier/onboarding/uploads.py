"""The files that a customer uploads, and which of their keys verify tokens: those that the customer chose.

Must never take a key whose certificate was not chosen (ONB-009), or let one kid name two keys (ONB-012).
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from verifier.certificates import Certificate, CertificateFile, read_certificates
from verifier.errors import OnboardingAsked, OnboardingRefused, quoted
from verifier.keys import KeySet, VerificationKey
from verifier.onboarding.record import Warn
from verifier.onboarding.texts import MAX_VALUE_CHARS
from verifier.policy import Policy

MAX_CERTIFICATES: Final = 5
"""Most certificates of one integration, counted after bundles are expanded (ONB-007); a JWKS may hold any (ONB-008)."""


def selected_keys(files: list[object], selected: object, policy: Policy, now: float, warn: Warn) -> KeySet:
    """Keep the keys of the certificates that the customer chose (ONB-009, ONB-010, ONB-017)."""
    found, left_out = _certificates(files, policy, now, warn)
    certificates = _distinct(found, warn)
    if selected is None:
        if len(certificates) > 1:
            question = "selected: which of the certificates verify tokens? Send their kids"
            raise OnboardingAsked("selection", question)
        chosen = certificates
    elif not isinstance(selected, (list, tuple)) or not selected:
        detail = "selected: send the kids of the certificates that verify tokens"
        raise OnboardingRefused("selection_missing", detail, "selected")
    else:
        kids = {one.kid for one in certificates}
        for kid in selected:
            if not isinstance(kid, str) or kid not in kids | left_out:
                detail = f"selected: {quoted(kid)} is no certificate's kid; send kids exactly as given"
                raise OnboardingRefused("selection_unknown", detail, "selected")
        chosen = [one for one in certificates if one.kid in selected]
    if not chosen:
        detail = "selected: every certificate that was chosen is unusable; send it again"
        raise OnboardingRefused("selection_missing", detail, "selected")
    return KeySet(VerificationKey(one.kid, one.material, one.algorithms, dates=one.dates) for one in chosen)


def _certificates(
    files: list[object], policy: Policy, now: float, warn: Warn
) -> tuple[list[Certificate], set[str | None]]:
    """Read all files; return their certificates, and the kids of files that were left out (ONB-023)."""
    moment = datetime.fromtimestamp(now, UTC)
    found: list[Certificate] = []
    left_out: list[OnboardingRefused] = []
    kids: set[str | None] = set()
    for given in files:
        file = _file(given)
        try:
            found += read_certificates(file, moment, policy)
        except OnboardingRefused as bad:
            # A private key or a secret is out in the world: the customer must act, whatever else is good.
            if policy.partial_upload == "refuse_all" or bad.reason in ("private_key", "shared_secret"):
                raise
            left_out.append(bad)
            kids.add(file.kid)
    if left_out and not found:
        raise left_out[0]
    for one in left_out:
        warn(f"left out: {one.detail}")
    _check_number(found, len(left_out), warn)
    return found, kids


def _check_number(found: list[Certificate], left_out: int, warn: Warn) -> None:
    places = len({one.material.spki for one in found}) + left_out
    if places > MAX_CERTIFICATES:  # ONB-007
        detail = (
            f"certificates: {places} were sent, counting each of a bundle; send at most {MAX_CERTIFICATES}"
        )
        raise OnboardingRefused("too_many_certificates", detail, "certificates")
    if len(found) > len({one.material.spki for one in found}):  # ONB-022
        warn("certificates: several are of one key, which counts once and keeps every kid")


def _distinct(certificates: list[Certificate], warn: Warn) -> list[Certificate]:
    """Keep one certificate for each kid and key (ONB-011, ONB-012, ONB-022)."""
    by_kid: dict[str | None, Certificate] = {}
    for one in certificates:
        twin = by_kid.setdefault(one.kid, one)
        if twin.material.spki != one.material.spki:
            detail = f"certificates: {called(one.kid)} names two keys; give each certificate its own kid"
            raise OnboardingRefused("kid_conflict" if one.kid else "kid_missing", detail, "certificates")
        if twin.dates and one.dates:  # renewed: the key is good from the first to the last of them
            dates = min(twin.dates[0], one.dates[0]), max(twin.dates[1], one.dates[1])
            by_kid[one.kid] = replace(twin, dates=dates)
    if None in by_kid and len(by_kid) > 1:
        detail = "certificates: send the kid of each certificate, where there are several"
        raise OnboardingRefused("kid_missing", detail, "certificates")
    for warning in dict.fromkeys(warning for one in certificates for warning in one.warnings):
        warn(warning)
    return list(by_kid.values())


def files_of(given: object, field: str) -> list[object]:
    """Return the files of a field, each still unread."""
    if given is not None and not isinstance(given, (list, tuple)):
        raise OnboardingRefused("not_a_certificate", f"{field}: send a list of files", field)
    return list(given or ())


def _file(file: object) -> CertificateFile:
    content: object = file.content if isinstance(file, CertificateFile) else None
    if not isinstance(file, CertificateFile) or not isinstance(content, bytes):
        raise OnboardingRefused("not_a_certificate", "certificates: send files", "certificates")
    kid: object = file.kid
    if kid is not None and (not isinstance(kid, str) or not 0 < len(kid) <= MAX_VALUE_CHARS):
        detail = f"certificates: the kid of {quoted(file.name)} is empty or too long; send it as text or leave it out"
        raise OnboardingRefused("kid_missing", detail, "certificates")
    return file


def called(kid: str | None) -> str:
    """Name a kid in a message."""
    return "no kid" if kid is None else f"the kid {quoted(kid)}"
