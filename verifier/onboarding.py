"""From what a customer sends to an `Integration`: every field is checked, and nothing is guessed.

Must never keep, log or echo a sample token or a key file (ONB-015, ONB-036), and never set up half of a
record: it is accepted as a whole, refused with a reason, or sent back with a question.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from verifier.algorithms import ALGORITHMS
from verifier.certificates import Certificate, CertificateFile, holds_private_key, read_certificates
from verifier.compact import decode_object, split_compact
from verifier.errors import (
    FetchError,
    OnboardingAsked,
    OnboardingRefused,
    RefuseReason,
    TokenRejected,
    quoted,
)
from verifier.fetch import check_url
from verifier.header import check_replicas, read_header
from verifier.integration import Integration, verifying_key
from verifier.key_source import FixedKeys, JwksSource, KeySource
from verifier.keys import KeySet, KeyUse, VerificationKey
from verifier.mapping import is_blank
from verifier.policy import MAX_LEEWAY_S, Policy

MAX_CERTIFICATES = 5
"""Most certificates of one integration, counted after bundles are expanded (ONB-007)."""

MAX_VALUE_CHARS = 2048
"""Longest Entity ID, issuer, audience or kid."""

MAX_NAME_CHARS = 256
"""Longest IdP name and custom claim name."""

_NOT_IDENTITIES = frozenset(
    {"iss", "aud", "exp", "nbf", "iat", "jti", "azp", "appid", "client_id", "cid"}
    | {"tid", "nonce", "ver", "scp", "scope", "typ"}
)
_MUTABLE = frozenset({"preferred_username", "email", "upn", "unique_name", "name"})
_GRAPH = frozenset({"00000003-0000-0000-c000-000000000000", "https://graph.microsoft.com"})
_ANY_TENANT = re.compile(r"[{}*]|/(?:common|organizations|consumers)(?:/|$)")
_QUOTES = "\"'`\u2018\u2019\u201c\u201d\u00ab\u00bb"
# Control, format (zero-width among them), surrogate, line and paragraph separators.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class IntegrationRecord:
    """What a customer sends; records come from JSON, so every value may be of any type.

    `certificates`: a list of CertificateFile; `selected`: a list of kids, None if nothing was said;
    `algorithms`: a list of JWA names, None for the policy's; `leeway_s`: seconds; `public_keys`: must be
    empty, bare keys are refused (ONB-013). All others are strings or None.
    """

    id: object
    entity_id: object = None
    idp_name: object = None
    issuer: object = None
    audience: object = None
    sample_token: object = None
    algorithms: object = None
    custom_claim: object = None
    leeway_s: object = None
    jwks_uri: object = None
    ca_file: object = None
    certificates: object = ()
    selected: object = None
    public_keys: object = None


class Onboarding:
    """One judgement of one record; `warnings` fill up on the way.

    `now` is in seconds since the epoch; `jwks_source` makes a source of a URL and a CA file; `known` is the
    source of the integration that is being replaced, kept if it is still the same. With `restart`, a JWKS URL
    without keys is a warning (OPS-011); with `restoring`, it is read when the first token needs it.
    """

    def __init__(
        self,
        policy: Policy,
        now: float,
        jwks_source: Callable[[str, str | None], JwksSource],
        known: JwksSource | None,
        *,
        restart: bool = False,
        restoring: bool = False,
    ) -> None:
        self._policy, self._now, self._restart, self._restoring = policy, now, restart, restoring
        self._jwks_source, self._known = jwks_source, known
        self.warnings: list[str] = []

    def integration(self, record: IntegrationRecord) -> Integration:
        """Make an integration without users of a record; OnboardingRefused or OnboardingAsked otherwise."""
        _check_no_secret(record)
        identifier = _required(record.id, "id_missing", "id")
        entity_id = _required(record.entity_id, "entity_id_missing", "entity_id")  # ONB-001, ONB-002
        if ":" not in entity_id:
            self.warnings.append("the Entity ID is typically a URL or a URN")
        _check_name(record.idp_name)
        algorithms = self._algorithms(record.algorithms)
        custom_claim = self._custom_claim(record.custom_claim)
        leeway_s = self._leeway(record.leeway_s)
        issuer, audience = (_direct(record.issuer, "issuer"), _direct(record.audience, "audience"))
        source = self._key_source(record)
        if not _absent(record.sample_token):
            # The tenant is left open: it follows from the issuer, which the sample is to tell.
            sample = self._sample(
                record.sample_token, source.current(), algorithms, KeyUse.of(algorithms, None)
            )
            issuer = _agreed(issuer, _sample_issuer(sample), "issuer")
            audience = _agreed(audience, _sample_audience(sample, audience), "audience")
            self._warn_of_times(sample)
        return Integration(
            id=identifier,
            entity_id=entity_id,
            issuer=self._issuer(issuer),
            audience=self._audience(audience),
            algorithms=frozenset(algorithms),
            key_use=KeyUse.of(algorithms, issuer),
            custom_claim=custom_claim,
            leeway_s=leeway_s,
            keys=source,
            users={},
        )

    def _algorithms(self, given: object) -> tuple[str, ...]:
        if given is None:
            return self._policy.algorithms
        if not isinstance(given, (list, tuple)) or not given:
            raise OnboardingRefused("algorithm", "a list of algorithm names", "algorithms")
        for name in given:
            if not isinstance(name, str) or name not in ALGORITHMS:
                raise OnboardingRefused("algorithm", f"{quoted(name)} is not supported", "algorithms")
        return tuple(given)

    def _custom_claim(self, given: object) -> str | None:
        if _absent(given):  # ONB-037
            return None
        if not isinstance(given, str) or len(given) > MAX_NAME_CHARS or _unseen(given):
            raise OnboardingRefused("custom_claim", "the name of one claim", "custom_claim")
        if given in _NOT_IDENTITIES:  # ONB-039
            raise OnboardingRefused("custom_claim", f"{given} does not identify a user", "custom_claim")
        if given in _MUTABLE:  # AZR-009
            self.warnings.append(f"{given} may change or be given to another person; prefer oid")
        return given

    def _leeway(self, given: object) -> int:
        if given is None:
            return self._policy.leeway_s
        if isinstance(given, bool) or not isinstance(given, int) or not 0 <= given <= MAX_LEEWAY_S:  # CLM-018
            raise OnboardingRefused("leeway", f"whole seconds from 0 to {MAX_LEEWAY_S}", "leeway_s")
        return given

    def _key_source(self, record: IntegrationRecord) -> KeySource:
        if record.public_keys:  # ONB-013
            raise OnboardingRefused("not_a_certificate", "bare public keys are not taken", "public_keys")
        files = record.certificates if record.certificates is not None else ()
        if not isinstance(files, (list, tuple)):
            raise OnboardingRefused("not_a_certificate", "a list of certificate files", "certificates")
        if files and not _absent(record.jwks_uri):  # ONB-006
            raise OnboardingRefused("keys_conflict", "certificates or a JWKS URL, not both", "jwks_uri")
        if files:
            return FixedKeys(self._selected_keys(self._certificates(files), record.selected))
        if not _absent(record.jwks_uri):
            return self._jwks(record.jwks_uri, None if _absent(record.ca_file) else record.ca_file)
        raise OnboardingRefused(
            "keys_missing", "at least one certificate, or a JWKS URL", "certificates"
        )  # ONB-005

    def _jwks(self, url: object, ca_file: object) -> JwksSource:
        if not isinstance(url, str):
            raise OnboardingRefused("jwks_url", "the URL is no text", "jwks_uri")
        if not isinstance(ca_file, str | None):
            raise OnboardingRefused("jwks_url", "the CA file is no text", "ca_file")
        try:
            check_url(url, allow_local=self._policy.allow_local_jwks)  # ONB-024
        except ValueError as fault:
            raise OnboardingRefused("jwks_url", f"{quoted(url)}: {fault}", "jwks_uri") from None
        source = self._jwks_source(url, ca_file)
        if self._known and (self._known.url, self._known.ca_file) == (url, ca_file):
            source = self._known
        if self._restoring:
            return source
        try:
            keys = source.current() if source is self._known else source.load()
            problem = "" if keys.keys else "; ".join(keys.faults[:3]) or "no keys in it"
            self.warnings.extend(keys.faults[:20])
        except (FetchError, TokenRejected) as failure:
            problem = str(failure)
        if problem and not self._restart:  # ONB-025
            raise OnboardingRefused("jwks_unusable", problem, "jwks_uri")
        if problem:
            self.warnings.append(f"its tokens are rejected until its JWKS URL shows keys: {problem}")
        return source

    def _certificates(self, files: list[object] | tuple[object, ...]) -> list[Certificate]:
        now = datetime.fromtimestamp(self._now, UTC)
        found: dict[tuple[str | None, bytes], Certificate] = {}
        for file in files:
            for certificate in read_certificates(
                _file(file), now, allow_test_keys=self._policy.allow_test_keys
            ):
                twin = found.setdefault((certificate.kid, certificate.der), certificate)
                if twin is not certificate:  # ONB-022
                    self.warnings.append("a certificate was given twice and counts once")
        if len(found) > MAX_CERTIFICATES:
            detail = f"{len(found)} certificates, at most {MAX_CERTIFICATES}"
            raise OnboardingRefused("too_many_certificates", detail, "certificates")
        certificates = list(found.values())
        by_kid: dict[str | None, bytes] = {}
        for certificate in certificates:
            if certificate.kid is None and len(certificates) > 1:  # ONB-011
                raise OnboardingRefused(
                    "kid_missing", "of several certificates each needs its kid", "certificates"
                )
            if (
                by_kid.setdefault(certificate.kid, certificate.material.spki) != certificate.material.spki
            ):  # ONB-012
                raise OnboardingRefused("kid_conflict", "one kid names two keys", "certificates")
            self.warnings.extend(certificate.warnings)
        return certificates

    def _selected_keys(self, certificates: list[Certificate], selected: object) -> KeySet:
        """Keep the keys of the certificates that the customer chose (ONB-009, ONB-010)."""
        if selected is None:
            if len(certificates) > 1:
                raise OnboardingAsked("selection", "which of the certificates verify tokens?")
            chosen = certificates
        elif not isinstance(selected, (list, tuple)) or not selected:
            raise OnboardingRefused("selection_missing", "a list of the kids that verify tokens", "selected")
        else:
            kids = [certificate.kid for certificate in certificates]
            for kid in selected:
                if not isinstance(kid, str) or kid not in kids:
                    raise OnboardingRefused(
                        "selection_unknown", f"{quoted(kid)} is no certificate's kid", "selected"
                    )
            chosen = [certificate for certificate in certificates if certificate.kid in selected]
        return KeySet(VerificationKey(one.kid, one.material, one.algorithms) for one in chosen)

    def _sample(
        self, given: object, keys: KeySet, algorithms: tuple[str, ...], use: KeyUse
    ) -> dict[str, Any]:
        """Verify a sample token by the submitted keys alone (ONB-030, ONB-035), whatever its times are."""
        if not isinstance(given, str):
            raise OnboardingRefused("sample_malformed", "the sample is no text", "sample_token")
        try:
            jws = split_compact(_cleaned(given), self._policy.max_token_bytes)
            sample = decode_object(jws.payload)
        except TokenRejected as fault:
            raise OnboardingRefused("sample_malformed", fault.detail, "sample_token") from None
        try:
            header = read_header(jws.header_segment)
            check_replicas(header, sample)
            if header.algorithm.name not in algorithms:
                raise OnboardingRefused("sample_unverified", "its alg is not listed", "sample_token")
            verifying_key(jws, header, keys, use)
        except TokenRejected as fault:
            reason: RefuseReason = "sample_malformed" if fault.reason == "malformed" else "sample_unverified"
            raise OnboardingRefused(reason, str(fault), "sample_token") from None
        return sample

    def _warn_of_times(self, sample: Mapping[str, Any]) -> None:
        for name, passed in (("exp", "the sample has expired"), ("nbf", None)):
            value = sample.get(name)
            if not isinstance(value, (int, float)):
                continue
            if passed and value <= self._now:  # ONB-031
                self.warnings.append(passed)
            if not passed and value > self._now:
                self.warnings.append("the sample is not valid yet")

    def _issuer(self, value: str | None) -> str:
        if value is None:
            raise OnboardingRefused("issuer_missing", "given directly or by a sample token", "issuer")
        if value in self._policy.reserved_issuers:  # ONB-041
            raise OnboardingRefused("issuer_reserved", "this issuer is the vendor's own", "issuer")
        _check_value(value, "issuer")
        if _ANY_TENANT.search(value):  # AZR-014
            raise OnboardingRefused("value_format", "the issuer of one tenant, without a wildcard", "issuer")
        return value

    def _audience(self, value: str | None) -> str:
        if value is None:
            raise OnboardingRefused("audience_missing", "given directly or by a sample token", "audience")
        _check_value(value, "audience")
        if value in _GRAPH:  # AZR-018
            raise OnboardingRefused(
                "value_format", "tokens for Microsoft Graph are not meant for this API", "audience"
            )
        return value


def _absent(value: object) -> bool:
    return value is None or (isinstance(value, str) and is_blank(value))


def _required(value: object, missing: RefuseReason, field: str) -> str:
    if _absent(value):
        raise OnboardingRefused(missing, "", field)
    if not isinstance(value, str):
        raise OnboardingRefused(missing if field == "id" else "value_format", "a text", field)
    if len(value) > MAX_VALUE_CHARS or any(
        unicodedata.category(character) in ("Cc", "Cs") for character in value
    ):
        raise OnboardingRefused("value_format", "too long, or with control characters", field)
    return value


def _direct(value: object, field: str) -> str | None:
    """Take an issuer or audience as typed, code point for code point (ONB-026 to ONB-028)."""
    if isinstance(value, (list, tuple, set, frozenset)):
        raise OnboardingRefused("several_values", f"one {field}", field)
    if _absent(value):
        return None
    if not isinstance(value, str):
        raise OnboardingRefused("value_format", f"the {field} is no text", field)
    _check_value(value, field)
    return value


def _check_value(value: str, field: str) -> None:
    if len(value) > MAX_VALUE_CHARS or _unseen(value) or value[0] in _QUOTES or value[-1] in _QUOTES:
        raise OnboardingRefused(
            "value_format",
            f"{quoted(value)}: too long, or with quotes, outer space or unseen characters",
            field,
        )


def _unseen(value: str) -> bool:
    """Tell whether a text has outer white space or characters that nobody sees (ONB-026, ONB-038)."""
    return value != value.strip() or any(unicodedata.category(character) in _UNSEEN for character in value)


def _check_name(name: object) -> None:
    if name is not None and (not isinstance(name, str) or len(name) > MAX_NAME_CHARS):  # ONB-004
        raise OnboardingRefused("idp_name", f"a text of at most {MAX_NAME_CHARS} characters", "idp_name")


def _check_no_secret(record: IntegrationRecord) -> None:
    """Look for a private key in every field of text (ONB-015)."""
    for field in (
        "id",
        "entity_id",
        "idp_name",
        "issuer",
        "audience",
        "custom_claim",
        "jwks_uri",
        "sample_token",
    ):
        value = getattr(record, field)
        if isinstance(value, str) and holds_private_key(value):
            raise OnboardingRefused("private_key", "a private key was sent, and is compromised now", field)


def _file(file: object) -> CertificateFile:
    content: object = file.content if isinstance(file, CertificateFile) else None
    if not isinstance(file, CertificateFile) or not isinstance(content, bytes):
        raise OnboardingRefused("not_a_certificate", "a certificate file", "certificates")
    kid: object = file.kid
    if kid is not None and (not isinstance(kid, str) or not 0 < len(kid) <= MAX_VALUE_CHARS):
        raise OnboardingRefused("kid_missing", "a kid is a text that is not empty", "certificates")
    return file


def _cleaned(sample: str) -> str:
    """Undo what copying does to a token: line wraps, quotes, and the word Bearer before it (ONB-029)."""
    text = sample.strip().strip(_QUOTES).strip()
    return "".join(re.sub(r"^(?:authorization:\s*)?bearer\s+", "", text, flags=re.IGNORECASE).split())


def _sample_issuer(sample: Mapping[str, Any]) -> str:
    issuer = sample.get("iss")
    if not isinstance(issuer, str) or is_blank(issuer):  # ONB-033
        raise OnboardingRefused("sample_incomplete", "the sample has no usable iss", "sample_token")
    return issuer


def _sample_audience(sample: Mapping[str, Any], direct: str | None) -> str:
    """Read the one audience of a sample; of several, the one that was also given directly (ONB-032)."""
    audience = sample.get("aud")
    values = audience if isinstance(audience, list) else [audience]
    if not values or not all(isinstance(value, str) and not is_blank(value) for value in values):  # ONB-033
        raise OnboardingRefused("sample_incomplete", "the sample has no usable aud", "sample_token")
    if len(values) == 1:
        return str(values[0])
    if direct is None:
        raise OnboardingAsked("audience", "the sample is for several audiences: which is this API?")
    return direct if direct in values else str(values[0])


def _agreed(direct: str | None, sampled: str, field: str) -> str:
    if direct is not None and direct != sampled:  # ONB-034
        raise OnboardingRefused("sample_mismatch", f"the sample has another {field}", field)
    return sampled
