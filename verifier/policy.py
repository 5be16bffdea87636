"""The knobs that a deployment turns, with the floors that no deployment can turn away.

Must never hold state: a policy is fixed before the first token is judged. The defaults are the first values
of the profile table in the rulebook (section 2), so the reference verifier behaves as a target that declares
nothing.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from verifier.algorithms import ALGORITHMS

MAX_LEEWAY_S = 300
"""The largest leeway in seconds that any integration may have (CLM-018)."""

MAX_TOKEN_BYTES = 16384
"""Longest token that is read unless a deployment says otherwise (FMT-015, FMT-016)."""

EmptyJwks = Literal["revoke_all", "keep_last_good"]
Redirects = Literal["refuse", "https_same_site"]
X5cMismatch = Literal["refuse_key", "ignore_x5c"]


@dataclass(frozen=True, slots=True)
class Policy:
    """What one deployment of the verifier allows; raises ValueError where a floor is broken."""

    algorithms: tuple[str, ...] = ("RS256",)
    """Signature algorithms of an integration that names none (SIG-007)."""

    leeway_s: int = 60
    """Tolerated clock difference in seconds of an integration that gives none; at most 300 (CLM-018)."""

    exp_required: bool = True
    """Whether a token must carry `exp` (CLM-011); one that does is always held to it."""

    max_token_bytes: int = MAX_TOKEN_BYTES
    """Longest token that is read at all; at least 8192 (FMT-015, FMT-016)."""

    jwks_period_s: float = 3600
    """Seconds after which a JWKS is read again (KEY-002), sooner if its cache headers say so (KEY-034)."""

    jwks_staleness_s: float = 86400
    """Seconds that a key serves after it was last seen published; at most 7 days (KEY-023, KEY-027)."""

    refetch_min_s: float = 300
    """Least seconds between two fetches that tokens provoke at one integration (KEY-006)."""

    jwks_max_bytes: int = 1024 * 1024
    """Largest JWKS document, on the wire and decoded (KEY-032)."""

    jwks_timeout_s: float = 5
    """Seconds that one JWKS fetch may take from the first byte to the last (KEY-032)."""

    empty_jwks: EmptyJwks = "revoke_all"
    """Whether a JWKS without any entry revokes every key, or counts as a failed fetch (KEY-029)."""

    redirects: Redirects = "refuse"
    """Whether a redirect is a failed fetch, or is followed to the same host over https (KEY-030)."""

    x5c_mismatch: X5cMismatch = "refuse_key"
    """Whether a JWK and its certificate must agree, or the certificate is not looked at (KEY-019)."""

    reserved_issuers: tuple[str, ...] = ("qas",)
    """Issuers of the vendor's own tokens, which no customer can onboard (ONB-041)."""

    allow_local_jwks: bool = False
    """Let a JWKS URL be http or lead to a private address; for tests on one machine only (ONB-024)."""

    allow_test_keys: bool = False
    """Trust the test keys that ship with Touchstone, whose private halves everybody has; for tests only."""

    def __post_init__(self) -> None:
        floors = (
            (bool(self.algorithms) and set(self.algorithms) <= ALGORITHMS.keys(), "algorithms: unknown name"),
            (0 <= self.leeway_s <= MAX_LEEWAY_S, "leeway_s: from 0 to 300 seconds"),
            (self.max_token_bytes >= 8192, "max_token_bytes: at least 8192"),
            (0 < self.jwks_period_s <= self.jwks_staleness_s, "jwks_period_s: above 0, within the staleness"),
            (self.jwks_staleness_s <= 7 * 86400, "jwks_staleness_s: at most 7 days"),
            (self.refetch_min_s >= 1, "refetch_min_s: at least 1 second"),
            (self.jwks_max_bytes > 0, "jwks_max_bytes: above 0"),
            (self.jwks_timeout_s > 0, "jwks_timeout_s: above 0"),
            (self.empty_jwks in get_args(EmptyJwks), "empty_jwks: unknown value"),
            (self.redirects in get_args(Redirects), "redirects: unknown value"),
            (self.x5c_mismatch in get_args(X5cMismatch), "x5c_mismatch: unknown value"),
        )
        for kept, message in floors:
            if not kept:
                raise ValueError(message)
