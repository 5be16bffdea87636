"""Where the keys of a record come from: certificates, a JWKS URL, or both where the policy lets both count."""

from collections.abc import Callable
from typing import Literal

from verifier.errors import FetchError, OnboardingRefused, TokenRejected, quoted
from verifier.fetch import check_url
from verifier.integration import Integration
from verifier.key_source import FixedKeys, JwksSource, KeySource
from verifier.keys import KeySet
from verifier.mixed_keys import MixedKeys
from verifier.onboarding.record import IntegrationRecord, Warn
from verifier.onboarding.texts import is_absent
from verifier.onboarding.uploads import called, files_of, selected_keys
from verifier.policy import Policy

FirstFetch = Literal["required", "tried", "later"]
"""When a JWKS is read for the first time; see `Verifier.onboard`."""


def jwks_of(integrations: tuple[Integration, ...]) -> JwksSource | None:
    """Return the JWKS source that the integrations of one record share, if they have one."""
    keys = integrations[0].keys if integrations else None
    keys = keys.jwks if isinstance(keys, MixedKeys) else keys
    return keys if isinstance(keys, JwksSource) else None


class SubmittedKeys:
    """Makes key sources of the keys that records submit.

    `now`, `jwks_source`, `known` and `first_fetch` are those of `Onboarding`.
    """

    def __init__(
        self,
        policy: Policy,
        now: float,
        jwks_source: Callable[[str, str | None], JwksSource],
        known: JwksSource | None,
        first_fetch: FirstFetch,
        warn: Warn,
    ) -> None:
        self._policy, self._now, self._first_fetch, self._warn = policy, now, first_fetch, warn
        self._jwks_source, self._known = jwks_source, known

    def source_of(self, record: IntegrationRecord) -> KeySource:
        """Return where the keys of a record come from (ONB-005, ONB-006); OnboardingRefused or OnboardingAsked."""
        if record.public_keys and self._policy.raw_public_key == "refuse":  # ONB-013
            detail = "public_keys: bare public keys are not taken; send X.509 certificates"
            raise OnboardingRefused("not_a_certificate", detail, "public_keys")
        files = [*files_of(record.certificates, "certificates"), *files_of(record.public_keys, "public_keys")]
        url = not is_absent(record.jwks_uri)
        both = self._policy.cert_plus_jwks
        if files and url and both == "refuse":  # ONB-006
            detail = "certificates and jwks_uri: send one of the two, not both"
            raise OnboardingRefused("keys_conflict", detail, "jwks_uri")
        if not files and not url:  # ONB-005
            detail = "certificates or jwks_uri: send at least one certificate, or the URL of the JWKS"
            raise OnboardingRefused("keys_missing", detail, "certificates")
        jwks = (
            self._jwks(record.jwks_uri, None if is_absent(record.ca_file) else record.ca_file)
            if url
            else None
        )
        if not files and jwks:
            return jwks
        fixed = FixedKeys(selected_keys(files, record.selected, self._policy, self._now, self._warn))
        if jwks is None:
            return fixed
        if self._first_fetch != "later" and (published := keys_now(jwks)):
            _check_kids(fixed.current(), published)
        if both == "jwks_only":
            self._warn("certificates: not used, because the keys behind jwks_uri count alone")
            return jwks
        return MixedKeys(fixed, jwks)

    def _jwks(self, url: object, ca_file: object) -> JwksSource:
        if not isinstance(url, str):
            raise OnboardingRefused("jwks_url", "jwks_uri: send the URL as text", "jwks_uri")
        if not isinstance(ca_file, str | None):
            raise OnboardingRefused("jwks_url", "ca_file: send the path as text", "ca_file")
        try:
            check_url(url, allow_local=self._policy.allow_local_jwks)  # ONB-024; its query is kept (AZR-016)
        except ValueError as fault:
            raise OnboardingRefused("jwks_url", f"jwks_uri {quoted(url)}: {fault}", "jwks_uri") from None
        source = self._jwks_source(url, ca_file)
        if self._known and (self._known.url, self._known.ca_file) == (url, ca_file):
            source = self._known
        if self._first_fetch == "later":
            return source
        try:
            keys = source.current() if source is self._known else source.load()
            problem = "" if keys.keys else "; ".join(keys.faults[:3]) or "the set is empty"
            advice = "publish a key that signs"
            for spoilt in keys.faults[:20]:
                self._warn(spoilt)
        except (FetchError, TokenRejected) as failure:
            problem, advice = str(failure), "send the jwks_uri of your IdP's metadata, not another page of it"
        if problem and self._first_fetch == "required":  # ONB-025
            raise OnboardingRefused("jwks_unusable", f"jwks_uri: {problem}; {advice}", "jwks_uri")
        if problem:
            self._warn(f"its tokens are rejected until its JWKS URL shows keys: {problem}")
        return source


def _check_kids(certified: KeySet, published: KeySet) -> None:
    """Refuse a kid that names one key here and another there (ONB-006, ONB-012)."""
    known = {key.kid: key.material.spki for key in certified.keys}
    for key in published.keys:
        if key.kid is not None and known.get(key.kid, key.material.spki) != key.material.spki:
            detail = f"certificates: {called(key.kid)} names another key behind jwks_uri"
            raise OnboardingRefused("kid_conflict", detail, "certificates")


def keys_now(source: KeySource) -> KeySet | None:
    """Return the keys of a source, None while there are none to be had, which only `first_fetch` lets pass."""
    try:
        return source.current()
    except TokenRejected:
        return None
