"""One token judged step by step, in words, for people who debug a 401.

The steps are those of `Verifier.authenticate`, made by the same functions in the same order, so that the verdict is
the same. Must never be asked by an API: what it says of keys, users and other integrations is for the operator
alone.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from verifier.advice import Seen, advice, hint
from verifier.claims import check_claims
from verifier.compact import CompactJws, decode_object, split_compact
from verifier.errors import RejectReason, TokenRejected, quoted
from verifier.header import JoseHeader, check_replicas, check_type, read_header
from verifier.integration import Integration, check_dates
from verifier.keys import KeySet, VerificationKey
from verifier.mapping import Match
from verifier.purge import thumbprint_of
from verifier.verifier import Identity, Verifier, identity_of

_T = TypeVar("_T")
_LISTED = 10
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


class Step(msgspec.Struct, frozen=True):
    """One check: whether the token passed it, what was seen, and what to do where it did not."""

    check: str
    passed: bool
    says: str
    advice: str = ""


class Explanation(msgspec.Struct, frozen=True):
    """Every check up to the verdict: `identity` for a token that is accepted, else `reason` and `claim`.

    `claim` names the claim or header parameter at fault, where there is one; `key` is the key that verified the
    signature, if one did.
    """

    steps: tuple[Step, ...]
    identity: Identity | None
    reason: RejectReason | None = None
    claim: str | None = None
    key: VerificationKey | None = None


def explain(verifier: Verifier, token: str | bytes) -> Explanation:
    """Judge one token, and say of each step what it saw; never raises for a token."""
    walk = _Walk(verifier, token)
    try:
        identity = walk.to_the_end()
    except TokenRejected as rejected:
        return Explanation(tuple(walk.steps), None, rejected.reason, rejected.claim, walk.key)
    return Explanation(tuple(walk.steps), identity, key=walk.key)


class _Walk:
    """The way of one token through the checks; `seen` holds what the advice on a failed one may go by."""

    def __init__(self, verifier: Verifier, token: str | bytes) -> None:
        self.steps: list[Step] = []
        self.key: VerificationKey | None = None
        self._verifier, self._token = verifier, token
        self._seen = Seen(verifier.register, token)

    def to_the_end(self) -> Identity:
        """Make every step; TokenRejected at the one that fails."""
        verifier, seen = self._verifier, self._seen
        jws = self._step("form", lambda: split_compact(self._token, verifier.policy.max_token_bytes), _form)
        header = seen.header = self._step("header", lambda: read_header(jws.header_segment), _header)
        claims = seen.claims = self._step("payload", lambda: decode_object(jws.payload), _payload)
        self._step("kind of token", lambda: self._check_kind(header, claims), lambda _: _kind(header))
        integration = self._step("integration", lambda: verifier.register.choose(claims), _integration)
        seen.integration = integration
        self._step(
            "algorithm", lambda: integration.check_algorithm(header), lambda _: _algorithms(integration)
        )
        self._step("keys", integration.keys.current, _keys)
        key = self.key = self._step("signature", lambda: integration.check_signature(jws, header), _key)
        now = verifier.now()
        times = _times(claims, now)
        self._step(
            "claims", lambda: self._check_claims(integration, key, claims, now), lambda _: times, times
        )
        lacking = _lacking(integration, claims)
        match = self._step(
            "user", lambda: integration.users.find(claims), lambda m: _match(m, lacking), lacking
        )
        return identity_of(match, integration, key, claims)

    def _step(self, check: str, action: Callable[[], _T], says: Callable[[_T], str], besides: str = "") -> _T:
        """Make one step and keep it in words; where it fails, `besides` says what else was seen."""
        try:
            result = action()
        except TokenRejected as rejected:
            said = "; ".join(filter(None, (rejected.detail or rejected.reason, besides)))
            told = "; ".join(filter(None, (hint(check, self._seen), advice(rejected, self._seen))))
            self.steps.append(Step(check, passed=False, says=said, advice=told))
            raise
        self.steps.append(Step(check, passed=True, says=says(result), advice=hint(check, self._seen)))
        return result

    def _check_kind(self, header: JoseHeader, claims: dict[str, Any]) -> None:
        check_type(header, self._verifier.types)
        check_replicas(header, claims)

    def _check_claims(
        self, integration: Integration, key: VerificationKey, claims: dict[str, Any], now: float
    ) -> None:
        if integration.dated_keys:
            check_dates(key, now)
        check_claims(claims, now, integration.claim_rules)


def _form(jws: CompactJws) -> str:
    size = len(jws.signing_input) + 1 + (len(jws.signature) * 4 + 2) // 3
    return f"three parts, {size} characters, a signature of {len(jws.signature)} bytes"


def _header(header: JoseHeader) -> str:
    kid = "no kid" if header.kid is None else f"kid {quoted(header.kid)}"
    return f"alg {header.algorithm.name}, {kid}"


def _payload(claims: Mapping[str, Any]) -> str:
    return f"{len(claims)} claims: {_some(claims)}"


def _kind(header: JoseHeader) -> str:
    return "the header names no type" if header.media_type == "absent" else f"typ {quoted(header.media_type)}"


def _integration(integration: Integration) -> str:
    pair = f"iss {quoted(integration.issuer)} and aud {quoted(integration.audience)}"
    return f"{pair} are those of integration {quoted(integration.id)}"


def _algorithms(integration: Integration) -> str:
    return f"one of those that the integration allows: {_some(sorted(integration.algorithms))}"


def _keys(keys: KeySet) -> str:
    kids = _some("(no kid)" if key.kid is None else key.kid for key in keys.keys)
    return f"{len(keys.keys)} that may verify: {kids}" if keys.keys else "none that may verify"


def _key(key: VerificationKey) -> str:
    name = "the key without kid" if key.kid is None else f"key {quoted(key.kid)}"
    kind = key.material.crv or f"{key.material.kty}, {8 * len(key.material.bound)} bits"
    return f"good, by {name} ({kind}; thumbprint {thumbprint_of(key.material)})"


def _times(claims: Mapping[str, Any], now: float) -> str:
    given = {name: claims[name] for name in ("iat", "nbf", "exp") if name in claims}
    said = [f"{name} {_moment(value, now)}" for name, value in given.items() if type(value) in (int, float)]
    return "; ".join(said) or "no times"


def _moment(value: float, now: float) -> str:
    away = abs(value - now)
    size, unit = next(one for one in _UNITS if away >= one[0] or one is _UNITS[-1])
    side = "ago" if value <= now else "from now"
    try:
        shown = datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, OSError, ValueError):
        shown = f"{value:g}"
    return f"{shown} ({away / size:.0f} {unit} {side})"


def _lacking(integration: Integration, claims: Mapping[str, Any]) -> str:
    """Say that the custom claim is missing, or nothing if it is not."""
    if not integration.users.lacks_custom_claim(claims):
        return ""
    return f"the token has no {quoted(integration.users.custom_claim)} (it has: {_some(claims)}), so sub was taken"


def _match(match: Match, lacking: str) -> str:
    if lacking:
        return (
            f"{lacking}: it holds {quoted(match.external_id)}, the External ID of {quoted(match.user.name)}"
        )
    way = f"{match.claim}, because the custom claim has no value," if match.fallback else match.claim
    return f"{way} holds {quoted(match.external_id)}, the External ID of {quoted(match.user.name)}"


def _some(names: Iterable[str]) -> str:
    shown = [ascii(name)[1:-1][:40] for name in names]
    rest = f", and {len(shown) - _LISTED} more" if len(shown) > _LISTED else ""
    return ", ".join(shown[:_LISTED]) + rest
