"""The checks of the claims that need no user: kind of token, tenant, times.

Must never look at who the user is: that is `mapping`, and comes last (CLM-027).
"""

from typing import Any

from verifier.errors import TokenRejected
from verifier.keys import tenant_of

MAX_TIME = 2**53
"""Times from here on cannot be told apart by everybody who reads them, and are refused (CLM-014, FMT-025)."""

_REFUSED_KINDS = frozenset({"Refresh", "Offline", "Logout"})
_ENTRA_HOSTS = (
    "https://login.microsoftonline.com/",
    "https://login.microsoftonline.us/",
    "https://login.partner.microsoftonline.cn/",
    "https://sts.windows.net/",
    "https://sts.chinacloudapi.cn/",
)


def check_claims(
    claims: dict[str, Any], issuer: str, now: float, leeway_s: int, *, exp_required: bool
) -> None:
    """Judge the claims of a verified token, `now` in seconds since the epoch (CLM-011 to CLM-025)."""
    _check_times(claims, now, leeway_s, exp_required=exp_required)
    _check_kind(claims)
    tenant = tenant_of(issuer) if "tid" in claims and issuer.startswith(_ENTRA_HOSTS) else None
    if tenant and claims["tid"] != tenant:  # AZR-015
        raise TokenRejected("claim_value", "tid is not the issuer's tenant", "tid")


def _check_times(claims: dict[str, Any], now: float, leeway_s: int, *, exp_required: bool) -> None:
    exp, nbf, iat = (_time(claims, name) for name in ("exp", "nbf", "iat"))
    if exp is None:
        if exp_required:
            raise TokenRejected("claim_missing", "no exp", "exp")
    elif now >= exp + leeway_s:  # CLM-012
        raise TokenRejected("expired", f"exp was {exp}", "exp")
    for name, start in (("nbf", nbf), ("iat", iat)):  # CLM-015, CLM-016
        if start is None:
            continue
        if now < start - leeway_s:
            raise TokenRejected("not_yet_valid", f"{name} is {start}", name)
        if exp is not None and exp <= start:  # CLM-017
            raise TokenRejected("claim_value", f"exp is not after {name}", "exp")


def _time(claims: dict[str, Any], name: str) -> float | None:
    if name not in claims:
        return None
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, (int, float)):  # CLM-013
        raise TokenRejected("claim_type", f"{name} is no number", name)
    if abs(value) > MAX_TIME:
        raise TokenRejected("claim_value", f"{name} is out of range", name)
    return value


def _check_kind(claims: dict[str, Any]) -> None:
    # CLM-024, IDP-007: other JWTs by the same issuer and key are no credentials.
    kind = claims.get("typ")
    if "events" in claims or (isinstance(kind, str) and kind in _REFUSED_KINDS):
        raise TokenRejected("token_type", "not a token for access", "events" if "events" in claims else "typ")
    if claims["iss"] == claims.get("sub") == claims.get("client_id"):
        raise TokenRejected("token_type", "a client assertion", "sub")
    if "cnf" in claims:  # CLM-025
        raise TokenRejected("token_type", "bound to a key whose proof a bearer cannot give", "cnf")
