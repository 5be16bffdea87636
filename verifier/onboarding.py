"""From what a customer sends to an `Integration`: every field is checked, and nothing is guessed.

Must never keep, log or echo a sample token or a key file (ONB-015, ONB-036), and never set up half of a
record: it is accepted as a whole, refused with a reason, or sent back with a question.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from verifier.algorithms import ALGORITHMS
from verifier.certificates import Certificate, CertificateFile, holds_private_key, read_certificates
from verifier.claims import claim_rules
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
from verifier.header import accepted_types, check_replicas, check_type, read_header
from verifier.integration import Integration, State, verifying_key
from verifier.key_source import FixedKeys, JwksSource, KeySource
from verifier.keys import KeySet, KeyUse, VerificationKey
from verifier.mapping import UserFinder, is_blank
from verifier.mixed_keys import MixedKeys
from verifier.policy import MAX_LEEWAY_S, Policy

MAX_CERTIFICATES = 5
"""Most certificates of one integration, counted after bundles are expanded (ONB-007); a JWKS may hold any (ONB-008)."""

MAX_VALUE_CHARS = 2048
"""Longest Entity ID, issuer, audience or kid."""

MAX_VALUES = 20
"""Most issuers or audiences of one integration."""

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

FirstFetch = Literal["required", "tried", "later"]
"""When a JWKS is read for the first time; see `Verifier.onboard`."""


@dataclass(frozen=True, slots=True)
class IntegrationRecord:
    """What a customer sends; records come from JSON, so every value may be of any type.

    `issuer`, `audience`: a string, or a list where the policy takes several; of two lists the first goes with
    the first (ONB-028). `certificates`: a list of CertificateFile; `selected`: a list of kids, None if
    nothing was said; `public_keys`: a list of CertificateFile that hold bare keys, refused unless the policy
    takes them (ONB-013); `algorithms`: a list of JWA names, None for the policy's; `leeway_s`: seconds;
    `aud_from`: `aud` or `client_id`, None for the policy's (IDP-014); `active`: whether tokens count from now
    on, None for the state that the integration has, a new one is active (ONB-042). All others are strings or
    None.
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
    aud_from: object = None
    active: object = None


def jwks_of(integrations: tuple[Integration, ...]) -> JwksSource | None:
    """Return the JWKS source that the integrations of one record share, if they have one."""
    keys = integrations[0].keys if integrations else None
    keys = keys.jwks if isinstance(keys, MixedKeys) else keys
    return keys if isinstance(keys, JwksSource) else None


class Onboarding:
    """One judgement of one record; `warnings` fill up on the way.

    `now` is in seconds since the epoch; `jwks_source` makes a source of a URL and a CA file; `known` is the
    source of the integration that is being replaced, kept if it is still the same. `first_fetch` says
    whether a JWKS URL must show keys now, is tried with a warning, or is read when the first token needs it.
    """

    def __init__(
        self,
        policy: Policy,
        now: float,
        jwks_source: Callable[[str, str | None], JwksSource],
        known: JwksSource | None,
        *,
        first_fetch: FirstFetch = "required",
    ) -> None:
        self._policy, self._now, self._first_fetch = policy, now, first_fetch
        self._jwks_source, self._known = jwks_source, known
        self.warnings: list[str] = []

    def integrations(self, record: IntegrationRecord) -> tuple[Integration, ...]:
        """Make integrations of a record, without users: one for each pair of issuer and audience.

        Raises OnboardingRefused or OnboardingAsked.
        """
        _check_no_secret(record)
        identifier = _required(record.id, "id_missing", "id")
        entity_id = _required(record.entity_id, "entity_id_missing", "entity_id")  # ONB-001, ONB-002
        if ":" not in entity_id:
            self.warnings.append("entity_id: typically a URL or a URN; it was taken as typed")
        _check_name(record.idp_name)
        algorithms = self._algorithms(record.algorithms)
        custom_claim = self._custom_claim(record.custom_claim)
        leeway_s = self._leeway(record.leeway_s)
        by_client = self._aud_from(record.aud_from) == "client_id"
        state = _state(record.active)
        issuers = _direct(record.issuer, "issuer", several=self._policy.multi_issuer)
        audiences = _direct(record.audience, "audience", several=self._policy.multi_audience)
        source = self._key_source(record)
        if not _absent(record.sample_token):
            # The tenant is left open: it follows from the issuer, which the sample is to tell.
            use = KeyUse.of(algorithms, None, self._policy.nokid)
            sample = self._sample(record.sample_token, _keys_now(source), algorithms, use)
            issuers = _agreed(issuers, _sample_issuer(sample), "issuer")
            audiences = _agreed(audiences, _sample_audience(sample, audiences), "audience")
            self._warn_of_times(sample)
        pairs = self._pairs(issuers, audiences)
        users = UserFinder(self._policy, custom_claim)
        return tuple(
            Integration(
                id=identifier,
                entity_id=entity_id,
                issuer=issuer,
                audience=audience,
                by_client=by_client,
                state=state,
                algorithms=frozenset(algorithms),
                key_use=KeyUse.of(algorithms, issuer, self._policy.nokid),
                dated_keys=self._policy.cert_validity_run_time == "enforce",
                keys=source,
                claim_rules=claim_rules(
                    self._policy, issuer, frozenset(aud for iss, aud in pairs if iss == issuer), leeway_s
                ),
                users=users,
            )
            for issuer, audience in pairs
        )

    def _algorithms(self, given: object) -> tuple[str, ...]:
        if given is None:
            return self._policy.algorithms
        if not isinstance(given, (list, tuple)) or not given:
            raise OnboardingRefused(
                "algorithm", "algorithms: send a list of names, such as RS256", "algorithms"
            )
        for name in given:
            if not isinstance(name, str) or name not in ALGORITHMS:
                detail = f"algorithms: {quoted(name)} is not supported; choose from {', '.join(ALGORITHMS)}"
                raise OnboardingRefused("algorithm", detail, "algorithms")
        return tuple(given)

    def _custom_claim(self, given: object) -> str | None:
        if _absent(given):  # ONB-037
            return None
        if not isinstance(given, str) or len(given) > MAX_NAME_CHARS or _unseen(given):  # ONB-038
            detail = (
                f"custom_claim {quoted(given)}: send the name of one claim, at most {MAX_NAME_CHARS} characters,"
                " without spaces around it and unseen characters"
            )
            raise OnboardingRefused("custom_claim", detail, "custom_claim")
        if given in _NOT_IDENTITIES:  # ONB-039
            detail = f"custom_claim: {given} does not identify a user; name a claim that does, such as oid"
            raise OnboardingRefused("custom_claim", detail, "custom_claim")
        if given in _MUTABLE:  # AZR-009
            self.warnings.append(
                f"custom_claim: {given} may change or be given to another person; prefer one that stays, such as oid"
            )
        return given

    def _leeway(self, given: object) -> int:
        if given is None:
            return self._policy.leeway_s
        if isinstance(given, bool) or not isinstance(given, int) or not 0 <= given <= MAX_LEEWAY_S:  # CLM-018
            detail = f"leeway_s: send whole seconds from 0 to {MAX_LEEWAY_S}"
            raise OnboardingRefused("leeway", detail, "leeway_s")
        return given

    def _aud_from(self, given: object) -> object:
        if given is None:
            return self._policy.aud_from
        if given not in ("aud", "client_id"):  # IDP-014
            raise OnboardingRefused("value_format", "aud_from: send aud or client_id", "aud_from")
        return given

    def _key_source(self, record: IntegrationRecord) -> KeySource:
        if record.public_keys and self._policy.raw_public_key == "refuse":  # ONB-013
            detail = "public_keys: bare public keys are not taken; send X.509 certificates"
            raise OnboardingRefused("not_a_certificate", detail, "public_keys")
        files = [*_files(record.certificates, "certificates"), *_files(record.public_keys, "public_keys")]
        url = not _absent(record.jwks_uri)
        both = self._policy.cert_plus_jwks
        if files and url and both == "refuse":  # ONB-006
            detail = "certificates and jwks_uri: send one of the two, not both"
            raise OnboardingRefused("keys_conflict", detail, "jwks_uri")
        if not files and not url:  # ONB-005
            detail = "certificates or jwks_uri: send at least one certificate, or the URL of the JWKS"
            raise OnboardingRefused("keys_missing", detail, "certificates")
        jwks = (
            self._jwks(record.jwks_uri, None if _absent(record.ca_file) else record.ca_file) if url else None
        )
        if not files and jwks:
            return jwks
        fixed = FixedKeys(self._selected_keys(files, record.selected))
        if jwks is None:
            return fixed
        if self._first_fetch != "later" and (published := _keys_now(jwks)):
            _check_kids(fixed.current(), published)
        if both == "jwks_only":
            self.warnings.append("certificates: not used, because the keys behind jwks_uri count alone")
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
            self.warnings.extend(keys.faults[:20])
        except (FetchError, TokenRejected) as failure:
            problem, advice = str(failure), "send the jwks_uri of your IdP's metadata, not another page of it"
        if problem and self._first_fetch == "required":  # ONB-025
            raise OnboardingRefused("jwks_unusable", f"jwks_uri: {problem}; {advice}", "jwks_uri")
        if problem:
            self.warnings.append(f"its tokens are rejected until its JWKS URL shows keys: {problem}")
        return source

    def _certificates(self, files: list[object]) -> tuple[list[Certificate], set[str | None]]:
        """Read all files; return their certificates, and the kids of files that were left out (ONB-023)."""
        now = datetime.fromtimestamp(self._now, UTC)
        found: list[Certificate] = []
        left_out: list[OnboardingRefused] = []
        kids: set[str | None] = set()
        for given in files:
            file = _file(given)
            try:
                found += read_certificates(file, now, self._policy)
            except OnboardingRefused as bad:
                # A private key or a secret is out in the world: the customer must act, whatever else is good.
                if self._policy.partial_upload == "refuse_all" or bad.reason in (
                    "private_key",
                    "shared_secret",
                ):
                    raise
                left_out.append(bad)
                kids.add(file.kid)
        if left_out and not found:
            raise left_out[0]
        self.warnings.extend(f"left out: {bad.detail}" for bad in left_out)
        self._check_number(found, len(left_out))
        return found, kids

    def _check_number(self, found: list[Certificate], left_out: int) -> None:
        places = len({one.material.spki for one in found}) + left_out
        if places > MAX_CERTIFICATES:  # ONB-007
            detail = f"certificates: {places} were sent, counting each of a bundle; send at most {MAX_CERTIFICATES}"
            raise OnboardingRefused("too_many_certificates", detail, "certificates")
        if len(found) > len({one.material.spki for one in found}):  # ONB-022
            self.warnings.append(
                "certificates: several are of one key, which counts once and keeps every kid"
            )

    def _distinct(self, certificates: list[Certificate]) -> list[Certificate]:
        """Keep one certificate for each kid and key (ONB-011, ONB-012, ONB-022)."""
        by_kid: dict[str | None, Certificate] = {}
        for one in certificates:
            twin = by_kid.setdefault(one.kid, one)
            if twin.material.spki != one.material.spki:
                detail = f"certificates: {_called(one.kid)} names two keys; give each certificate its own kid"
                raise OnboardingRefused("kid_conflict" if one.kid else "kid_missing", detail, "certificates")
            if twin.dates and one.dates:  # renewed: the key is good from the first to the last of them
                dates = min(twin.dates[0], one.dates[0]), max(twin.dates[1], one.dates[1])
                by_kid[one.kid] = replace(twin, dates=dates)
        if None in by_kid and len(by_kid) > 1:
            detail = "certificates: send the kid of each certificate, where there are several"
            raise OnboardingRefused("kid_missing", detail, "certificates")
        self.warnings.extend(dict.fromkeys(warning for one in certificates for warning in one.warnings))
        return list(by_kid.values())

    def _selected_keys(self, files: list[object], selected: object) -> KeySet:
        """Keep the keys of the certificates that the customer chose (ONB-009, ONB-010, ONB-017)."""
        found, left_out = self._certificates(files)
        certificates = self._distinct(found)
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
        return KeySet(
            VerificationKey(one.kid, one.material, one.algorithms, dates=one.dates) for one in chosen
        )

    def _sample(
        self, given: object, keys: KeySet | None, algorithms: tuple[str, ...], use: KeyUse
    ) -> dict[str, Any]:
        """Verify a sample token by the submitted keys alone (ONB-030, ONB-035), whatever its times are."""
        if not isinstance(given, str):
            raise OnboardingRefused("sample_malformed", "sample_token: send the JWT as text", "sample_token")
        if keys is None:
            detail = "sample_token: there are no keys to verify it by; send it when the JWKS URL shows keys"
            raise OnboardingRefused("sample_unverified", detail, "sample_token")
        try:
            jws = split_compact(_cleaned(given), self._policy.max_token_bytes)
            sample = decode_object(jws.payload)
        except TokenRejected as fault:
            detail = f"sample_token: {fault.detail}; send the whole JWT, unchanged"
            raise OnboardingRefused("sample_malformed", detail, "sample_token") from None
        try:
            header = read_header(jws.header_segment)
            check_type(header, accepted_types(self._policy))
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

    def _warn_of_times(self, sample: Mapping[str, Any]) -> None:
        for name, passed in (("exp", "sample_token: it has expired"), ("nbf", None)):
            value = sample.get(name)
            if not isinstance(value, (int, float)):
                continue
            if passed and value <= self._now:  # ONB-031
                self.warnings.append(passed)
            if not passed and value > self._now:
                self.warnings.append("sample_token: it is not valid yet")

    def _pairs(self, issuers: list[str], audiences: list[str]) -> tuple[tuple[str, str], ...]:
        """Check the values; join each issuer with each audience that was given for it (ONB-028, CLM-009)."""
        if not issuers:
            detail = "issuer: send the iss of your tokens, or a sample token"
            raise OnboardingRefused("issuer_missing", detail, "issuer")
        if not audiences:
            detail = "audience: send the aud of your tokens, or a sample token"
            raise OnboardingRefused("audience_missing", detail, "audience")
        for issuer in issuers:
            self._check_issuer(issuer)
        for audience in audiences:
            _check_audience(audience)
        if len(issuers) > 1 and len(audiences) > 1:
            if len(issuers) != len(audiences):
                detail = "issuer and audience: of two lists the first goes with the first; send lists of one length"
                raise OnboardingRefused("several_values", detail, "audience")
            return tuple(dict.fromkeys(zip(issuers, audiences, strict=True)))
        return tuple(dict.fromkeys((issuer, audience) for issuer in issuers for audience in audiences))

    def _check_issuer(self, value: str) -> None:
        if value in self._policy.reserved_issuers:  # ONB-041, CLM-032
            detail = f"issuer: {quoted(value)} is the vendor's own; send the iss of your IdP"
            raise OnboardingRefused("issuer_reserved", detail, "issuer")
        _check_value(value, "issuer")
        if _ANY_TENANT.search(value):  # AZR-014
            detail = f"issuer: {quoted(value)} stands for any tenant; send the issuer with your tenant's id"
            raise OnboardingRefused("value_format", detail, "issuer")


def _check_audience(value: str) -> None:
    _check_value(value, "audience")
    if value in _GRAPH:  # AZR-018
        detail = "audience: that is Microsoft Graph; request a token for this API and send its aud"
        raise OnboardingRefused("value_format", detail, "audience")


def _absent(value: object) -> bool:
    return value is None or (isinstance(value, str) and is_blank(value))


def _required(value: object, missing: RefuseReason, field: str) -> str:
    if _absent(value):
        raise OnboardingRefused(missing, f"{field}: it is mandatory", field)
    if not isinstance(value, str):
        raise OnboardingRefused(missing if field == "id" else "value_format", f"{field}: send a text", field)
    if len(value) > MAX_VALUE_CHARS or any(
        unicodedata.category(character) in ("Cc", "Cs") for character in value
    ):
        detail = f"{field}: send at most {MAX_VALUE_CHARS} characters, none of them for control"
        raise OnboardingRefused("value_format", detail, field)
    return value


def _direct(value: object, field: str, *, several: bool) -> list[str]:
    """Take issuers or audiences as typed, code point for code point (ONB-026 to ONB-028, ONB-045)."""
    if isinstance(value, (list, tuple, set, frozenset)):
        if not several:
            raise OnboardingRefused("several_values", f"{field}: send one text, not a list", field)
        values = list(value)
    else:
        values = [] if _absent(value) else [value]
    if len(values) > MAX_VALUES:
        raise OnboardingRefused("several_values", f"{field}: send at most {MAX_VALUES}", field)
    return [_checked(one, field) for one in values]


def _checked(value: object, field: str) -> str:
    if not isinstance(value, str) or is_blank(value):
        raise OnboardingRefused("value_format", f"{field}: send a text that is not empty", field)
    _check_value(value, field)
    return value


def _check_value(value: str, field: str) -> None:
    if len(value) > MAX_VALUE_CHARS or _unseen(value) or value[0] in _QUOTES or value[-1] in _QUOTES:
        detail = (
            f"{field} {quoted(value)}: too long, or with quotes, outer space or unseen characters;"
            " send it exactly as it stands in your tokens"
        )
        raise OnboardingRefused("value_format", detail, field)


def _state(active: object) -> State:
    if active is not None and not isinstance(active, bool):
        raise OnboardingRefused("value_format", "active: send true or false", "active")
    return "requested" if active is False else "active"


def _unseen(value: str) -> bool:
    """Tell whether a text has outer white space or characters that nobody sees (ONB-026, ONB-038)."""
    return value != value.strip() or any(unicodedata.category(character) in _UNSEEN for character in value)


def _check_name(name: object) -> None:
    if name is not None and (not isinstance(name, str) or len(name) > MAX_NAME_CHARS):  # ONB-004
        detail = f"idp_name: send a text of at most {MAX_NAME_CHARS} characters, or none"
        raise OnboardingRefused("idp_name", detail, "idp_name")


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
            detail = f"{field}: a private key was sent, which is compromised now: replace it at your IdP"
            raise OnboardingRefused("private_key", detail, field)


def _files(given: object, field: str) -> list[object]:
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


def _check_kids(certified: KeySet, published: KeySet) -> None:
    """Refuse a kid that names one key here and another there (ONB-006, ONB-012)."""
    known = {key.kid: key.material.spki for key in certified.keys}
    for key in published.keys:
        if key.kid is not None and known.get(key.kid, key.material.spki) != key.material.spki:
            detail = f"certificates: {_called(key.kid)} names another key behind jwks_uri"
            raise OnboardingRefused("kid_conflict", detail, "certificates")


def _keys_now(source: KeySource) -> KeySet | None:
    """Return the keys of a source, None while there are none to be had, which only `first_fetch` lets pass."""
    try:
        return source.current()
    except TokenRejected:
        return None


def _called(kid: str | None) -> str:
    return "no kid" if kid is None else f"the kid {quoted(kid)}"


def _cleaned(sample: str) -> str:
    """Undo what copying does to a token: line wraps, quotes, and the word Bearer before it (ONB-029)."""
    text = sample.strip().strip(_QUOTES).strip()
    return "".join(re.sub(r"^(?:authorization:\s*)?bearer\s+", "", text, flags=re.IGNORECASE).split())


def _sample_issuer(sample: Mapping[str, Any]) -> str:
    issuer = sample.get("iss")
    if not isinstance(issuer, str) or is_blank(issuer):  # ONB-033, IDP-012
        detail = "sample_token: it has no usable iss; let your IdP set one, and send another sample"
        raise OnboardingRefused("sample_incomplete", detail, "sample_token")
    return issuer


def _sample_audience(sample: Mapping[str, Any], direct: list[str]) -> str:
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


def _agreed(direct: list[str], sampled: str, field: str) -> list[str]:
    if direct and sampled not in direct:  # ONB-034
        detail = f"{field}: the sample token has another one; correct it, or leave it out"
        raise OnboardingRefused("sample_mismatch", detail, field)
    return direct or [sampled]
