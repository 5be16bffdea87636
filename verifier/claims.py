"""The checks of the claims that need no user: kind of token, tenant, times.

Must never look at who the user is: that is `mapping`, and comes last (CLM-027). What is optional or unknown
never rejects (CLM-034, AZR-019, AZR-022), and nothing is remembered of a token: it may come again until its
end (CLM-026), and is judged anew each time (CLM-028).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from verifier.errors import TokenRejected, quoted
from verifier.keys import tenant_of
from verifier.policy import Policy

MAX_TIME = 2**53
"""Times from here on cannot be told apart by everybody who reads them, and are refused (CLM-014, FMT-025)."""
MIN_TIME = -MAX_TIME

_REFUSED_KINDS = frozenset({"Refresh", "Offline", "Logout"})
_ENTRA_HOSTS = (
    "https://login.microsoftonline.com/",
    "https://login.microsoftonline.us/",
    "https://login.partner.microsoftonline.cn/",
    "https://sts.windows.net/",
    "https://sts.chinacloudapi.cn/",
)
_CLIENT_CLAIMS = ("azp", "client_id", "appid", "cid")
_SAYS_KIND = {"access": "access", "id": "id", "Bearer": "access", "ID": "id"}
# Most telling first: what only one kind has stands before what the other may have too (AZR-021).
_MARKS_OF_KIND = (
    ("at_hash", "id"),
    ("c_hash", "id"),
    ("scope", "access"),
    ("scp", "access"),
    ("idtyp", "access"),
    ("nonce", "id"),
    ("roles", "access"),
)

Claims = dict[str, Any]
Check = Callable[[Claims, float], None]
"""A check of claims at a time (seconds since the epoch) that a policy asks for; raises TokenRejected."""


@dataclass(frozen=True, slots=True)
class ClaimRules:
    """What the claims of one integration's tokens are held to, worked out before the first token.

    `tenant` is the one that `tid` must name (None: no Entra issuer); `checks` are those that only some
    policies ask for.
    """

    leeway_s: int
    exp_required: bool
    iat_future: bool
    bound_tokens: bool
    tenant: str | None
    checks: tuple[Check, ...]


def claim_rules(policy: Policy, issuer: str, audiences: frozenset[str], leeway_s: int) -> ClaimRules:
    """Return the rules for tokens of an issuer that are meant for these audiences."""
    return ClaimRules(
        leeway_s=leeway_s,
        exp_required=policy.exp_required,
        iat_future=policy.iat_future == "accept",
        bound_tokens=policy.cnf == "ignore",
        # AZR-015; AZR-024: national clouds are other issuers like all others, and only known by their hosts.
        tenant=tenant_of(issuer) if issuer.startswith(_ENTRA_HOSTS) else None,
        checks=tuple(_checks(policy, audiences)),
    )


def check_claims(claims: Claims, now: float, rules: ClaimRules) -> None:
    """Judge the claims of a verified token, `now` in seconds since the epoch (CLM-011 to CLM-025)."""
    _check_times(claims, now, rules)
    _check_kind(claims, rules)
    if rules.tenant is not None and "tid" in claims and claims["tid"] != rules.tenant:  # AZR-015
        raise TokenRejected("claim_value", "tid is not the issuer's tenant", "tid")
    for check in rules.checks:
        check(claims, now)


def _check_times(claims: Claims, now: float, rules: ClaimRules) -> None:
    leeway_s = rules.leeway_s  # OPS-001; OPS-002: all times are seconds of UTC, as the clock counts them
    exp: float | None = None
    if "exp" in claims:
        exp = claims["exp"]
        if type(exp) is not int and type(exp) is not float:  # CLM-013; true is no number
            raise _no_number("exp")
        if not now - leeway_s < exp <= MAX_TIME:  # CLM-012; CLM-018: counted once
            _check_range(exp, "exp")
            raise TokenRejected("expired", f"exp was {exp}", "exp")
    elif rules.exp_required:  # CLM-011
        raise TokenRejected("claim_missing", "no exp", "exp")
    for name in ("nbf", "iat"):  # CLM-015, CLM-016
        if name not in claims:
            continue
        start = claims[name]
        if type(start) is not int and type(start) is not float:  # CLM-013
            raise _no_number(name)
        if not MIN_TIME <= start <= now + leeway_s:
            _check_start(start, name, rules)
        if exp is not None and exp <= start:  # CLM-017
            raise TokenRejected("claim_value", f"exp is not after {name}", "exp")


def _no_number(name: str) -> TokenRejected:
    return TokenRejected("claim_type", f"{name} is no number", name)


def _check_start(start: float, name: str, rules: ClaimRules) -> None:
    """Refuse a token that starts later than now, unless its `iat` may."""
    _check_range(start, name)
    if not (rules.iat_future and name == "iat"):
        raise TokenRejected("not_yet_valid", f"{name} is {start}", name)


def _check_range(value: float, name: str) -> None:
    if not MIN_TIME <= value <= MAX_TIME:
        raise TokenRejected("claim_value", f"{name} is out of range", name)


def _check_kind(claims: Claims, rules: ClaimRules) -> None:
    # CLM-024, IDP-007: other JWTs by the same issuer and key are no credentials.
    if "events" in claims:
        raise TokenRejected("token_type", "an event, not a token for access", "events")
    if "typ" in claims and isinstance(kind := claims["typ"], str) and kind in _REFUSED_KINDS:
        raise TokenRejected("token_type", f"a token of kind {kind}, not one for access", "typ")
    if "client_id" in claims and claims["iss"] == claims.get("sub") == claims["client_id"]:
        raise TokenRejected("token_type", "a client assertion", "sub")
    if "cnf" in claims and not rules.bound_tokens:  # CLM-025
        raise TokenRejected("token_type", "bound to a key whose proof a bearer cannot give", "cnf")


# Checks that a policy may ask for. Each is made once, for an integration.


def _checks(policy: Policy, audiences: frozenset[str]) -> list[Check]:
    made: list[Check] = []
    if policy.iat_required:
        made.append(_check_iat)
    if policy.max_lifetime_s is not None:
        made.append(_lifetime_check(policy.max_lifetime_s))
    if policy.aud_extra == "deny":
        made.append(_audience_check(audiences))
    if policy.token_kind != "both":  # noqa: S105 - no password
        made.append(_kind_check(policy.token_kind))
    if policy.app_only == "reject":
        made.append(_check_person)
    if policy.client_allowlist:
        made.append(_client_check(frozenset(policy.client_allowlist)))
    if policy.required_scope:
        made.append(_scope_check(frozenset(policy.required_scope)))
    return made


def _check_iat(claims: Claims, _now: float) -> None:
    if "iat" not in claims:  # CLM-016
        raise TokenRejected("claim_missing", "no iat", "iat")


def _lifetime_check(max_s: int) -> Check:
    def check(claims: Claims, now: float) -> None:
        # CLM-019, CLM-014: a token without end, or with one in milliseconds, lives too long.
        if "exp" not in claims or claims["exp"] - claims.get("iat", now) > max_s:
            raise TokenRejected("lifetime", f"it lives longer than {max_s} seconds", "exp")

    return check


def _audience_check(audiences: frozenset[str]) -> Check:
    def check(claims: Claims, _now: float) -> None:
        named = claims.get("aud")
        if isinstance(named, list) and not audiences.issuperset(named):  # CLM-008
            raise TokenRejected("audience", "meant for others too", "aud")

    return check


def _kind_check(wanted: Literal["access", "id"]) -> Check:
    def check(claims: Claims, _now: float) -> None:
        if kind_of(claims) not in (wanted, None):  # CLM-023, AZR-021
            raise TokenRejected("token_type", f"not an {wanted} token", None)

    return check


def kind_of(claims: Mapping[str, Any]) -> str | None:
    """Tell an `access` token from an `id` token by its claims; None if they do not tell (CLM-023).

    What a token says of itself counts first: Cognito's `token_use` (IDP-014), Keycloak's `typ` (IDP-007).
    """
    for name in ("token_use", "typ"):
        said = claims.get(name)
        if isinstance(said, str) and said in _SAYS_KIND:
            return _SAYS_KIND[said]
    return next((kind for mark, kind in _MARKS_OF_KIND if mark in claims), None)


def _check_person(claims: Claims, _now: float) -> None:
    """Refuse a token that no person stands behind (MAP-050, AZR-020, IDP-005)."""
    sub, name = claims.get("sub"), claims.get("preferred_username")
    machine = (
        claims.get("idtyp") == "app"
        or claims.get("gty") == "client-credentials"
        or (isinstance(sub, str) and (sub.endswith("@clients") or sub in _clients(claims)))
        or (isinstance(name, str) and name.startswith("service-account-"))
    )
    if machine:
        raise TokenRejected("token_type", "a machine's token", "sub")


def _clients(claims: Claims) -> list[object]:
    return [claims[name] for name in _CLIENT_CLAIMS if name in claims]


def _client_check(allowed: frozenset[str]) -> Check:
    def check(claims: Claims, _now: float) -> None:
        clients = _clients(claims)
        if not clients:
            raise TokenRejected("claim_missing", "it names no client", "azp")
        if not all(isinstance(client, str) and client in allowed for client in clients):  # CLM-010
            raise TokenRejected("claim_value", "its client is not one of those let in", "azp")

    return check


def _scope_check(needed: frozenset[str]) -> Check:
    def check(claims: Claims, _now: float) -> None:
        granted: set[str] = set()
        for name in ("scope", "scp"):  # CLM-030, IDP-002: either name, text or list
            value = claims.get(name)
            words = value.split(" ") if isinstance(value, str) else value if isinstance(value, list) else []
            granted.update(word for word in words if isinstance(word, str))
        if not needed <= granted:
            raise TokenRejected(
                "scope", f"it lacks the scope {quoted(' '.join(sorted(needed - granted)))}", "scope"
            )

    return check
