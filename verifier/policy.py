"""The knobs that a deployment turns, with the floors that no deployment can turn away.

Must never hold state: a policy is fixed before the first token is judged. The defaults are the first values
of the profile table in the rulebook (section 2), so the reference verifier behaves as a target that declares
nothing. A knob has the name and the values of that table.

The other knobs of the table serve the judging of others. Here they are fixed to their first value, and no
code asks for them: `sub_type`, `external_id_reuse` (MAP-043), `kid_binding`, `dup_kid`, `jwk_use`, `jwk_alg_required`,
`unknown_jwk`, `alg_for_bare_rsa`, `high_s`, `small_order_keys`,
`jku`, `x5u`, `x5c_trust`, `x5t_select`, `crit_shape`, `crit_b64_true`, `b64_without_crit`,
`b64_noncanonical`, `dup_json`, `bom`, `outer_ws`, `cty_plain`, `header_replicas`, `iss_required`,
`aud_required`, `aud_mixed`, `numeric_date`, `null_time`, `iat_type`. A change holds at once, so `propagation_s`
is kept by any value; `basic_auth`, `token_locations`, `two_methods` and `malformed_status` are HTTP's.
"""

from dataclasses import dataclass
from typing import Literal, get_args, get_origin

from verifier.algorithms import ALGORITHMS
from verifier.errors import quoted

MAX_LEEWAY_S = 300
"""The largest leeway in seconds that any integration may have (CLM-018)."""

MAX_TOKEN_BYTES = 16384
"""Longest token that is read unless a deployment says otherwise (FMT-015, FMT-016)."""

NoKid = Literal["single", "reject", "try_fitting"]
Redirects = Literal["refuse", "https_same_site"]

MIN_MAX_LIFETIME_S = 28 * 3600
"""The smallest bound of a token's life in seconds: Entra issues tokens for 28 hours (CLM-019, AZR-025)."""

REFUSED_TYPES = frozenset(
    {"logout+jwt", "secevent+jwt", "dpop+jwt", "token-introspection+jwt", "oauth-authz-req+jwt"}
    | {"client-authentication+jwt", "vc+jwt", "kb+jwt"}
)
"""Types that name another kind of token, which no policy can let in (CLM-022, CLM-024)."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What one deployment of the verifier allows; raises ValueError where a floor is broken."""

    algorithms: tuple[str, ...] = ("RS256",)
    """Signature algorithms of an integration that names none (SIG-007)."""

    max_token_bytes: int = MAX_TOKEN_BYTES
    """Longest token that is read at all; at least 8192 (FMT-015, FMT-016)."""

    nokid: NoKid = "single"
    """A token without kid: by the one key that fits, never, or by whichever fitting key verifies (KEY-008)."""

    # Times.

    leeway_s: int = 60
    """Tolerated clock difference in seconds of an integration that gives none; at most 300 (CLM-018)."""

    exp_required: bool = True
    """Whether a token must carry `exp` (CLM-011); one that does is always held to it."""

    iat_required: bool = False
    """Whether a token must carry `iat` (CLM-016)."""

    iat_future: Literal["reject", "accept"] = "reject"
    """An `iat` beyond the leeway in the future (CLM-016)."""

    max_lifetime_s: int | None = None
    """Longest life of a token in seconds, from `iat` (else now) to `exp`; at least 28 h (CLM-019, AZR-025)."""

    # Kinds of token, and whom they are for.

    typ: tuple[str, ...] = ("absent", "JWT", "at+jwt")
    """Accepted types in the header, in any letter case; `absent` lets a token have none (CLM-022)."""

    token_kind: Literal["both", "access", "id"] = "both"  # noqa: S105 - no password
    """Access tokens, ID tokens, or both, where a token tells its kind (CLM-023, AZR-021, IDP-007)."""

    cnf: Literal["reject", "ignore"] = "reject"
    """A token bound to a key that a bearer cannot prove to have (CLM-025)."""

    app_only: Literal["exact_external_id", "reject"] = "exact_external_id"
    """A machine's token: found like any other by exactly its value, or refused (MAP-050, AZR-020)."""

    aud_extra: Literal["allow", "deny"] = "allow"
    """Audiences in a list beside those of the integration (CLM-008)."""

    aud_from: Literal["aud", "client_id"] = "aud"
    """What names the audience of a token without `aud`: nothing, or `client_id` (IDP-014).

    A record may say otherwise for its integration. An `aud` that is there always counts alone.
    """

    client_allowlist: tuple[str, ...] = ()
    """Clients whose tokens are let in; empty lets in any (CLM-010)."""

    required_scope: tuple[str, ...] = ()
    """Scopes that a token must have, in `scope` or `scp`; empty asks for none (CLM-030)."""

    # The mapping to a user.

    user_scope: Literal["integration", "token_presence", "enrolled_users"] = "integration"
    """Whom a custom claim concerns (MAP-023): the integration that named it; the tokens that carry it, which
    comes to the same; or the users that are enrolled one by one (`User.enrolled`, MAP-024)."""

    external_id_namespace: Literal["untyped", "typed"] = "untyped"
    """Whether an External ID is of one claim only, the user's `User.claim` (MAP-019, MAP-020)."""

    conflict: Literal["claim_wins", "reject"] = "claim_wins"
    """The custom claim names one user and `sub` another (MAP-003)."""

    blank_is_empty: Literal["fallback", "reject"] = "fallback"
    """A custom claim of white space only: no value, or a value not allowed (MAP-007)."""

    empty_container: Literal["fallback", "reject"] = "fallback"
    """A custom claim that is `[]` or `{}`: no value, or a wrong type (MAP-008)."""

    wrong_type: Literal["reject", "fallback"] = "reject"
    """A custom claim that is a number, boolean, object or list, all alike (MAP-009, MAP-012, MAP-013)."""

    numeric_external_id: Literal["reject", "exact_integer"] = "reject"
    """Whether a custom claim that is an integer is its digits (MAP-010)."""

    singleton_array: Literal["reject", "unwrap"] = "reject"
    """Whether a custom claim that is a list of one string is that string (MAP-011)."""

    custom_claim_compare: Literal["exact", "ascii_ci"] = "exact"
    """Whether `A` to `Z` in a custom claim equal `a` to `z`; `sub` is always exact (MAP-025, MAP-026)."""

    claim_path: Literal["literal", "path"] = "literal"
    """Whether dots in a claim name may step into objects, where no member has the whole name (MAP-031)."""

    sub_required: Literal["when_used", "always"] = "when_used"
    """Whether a token needs a `sub` even when the custom claim has a value (MAP-017, IDP-009)."""

    # Onboarding.

    reserved_issuers: tuple[str, ...] = ("qas",)
    """Issuers of the vendor's own tokens, which no customer can onboard (ONB-041)."""

    multi_issuer: bool = False
    """Whether a record may list several issuers, each of them a pair with its audience (ONB-028, CLM-009)."""

    multi_audience: bool = False
    """Whether a record may list several audiences, each of them a pair with its issuer (ONB-028, CLM-009)."""

    cert_plus_jwks: Literal["refuse", "union", "jwks_only"] = "refuse"
    """Certificates beside a JWKS URL (ONB-006)."""

    raw_public_key: Literal["refuse", "accept"] = "refuse"
    """A bare public key in place of a certificate (ONB-013); private keys are always refused."""

    partial_upload: Literal["refuse_all", "per_item"] = "refuse_all"
    """Whether a file that is no good certificate refuses the record or is left out and named (ONB-023)."""

    cert_validity_onboarding: Literal["warn", "refuse", "ignore"] = "warn"
    """A certificate outside its validity dates when it is submitted (ONB-016)."""

    cert_validity_run_time: Literal["ignore", "enforce"] = "ignore"
    """The key of a certificate outside its validity dates when a token comes (ONB-016, KEY-021)."""

    # Fetching of keys.

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

    empty_jwks: Literal["revoke_all", "keep_last_good"] = "revoke_all"
    """Whether a JWKS without any entry revokes every key, or counts as a failed fetch (KEY-029)."""

    redirects: Redirects = "refuse"
    """Whether a redirect is a failed fetch, or is followed to the same host over https (KEY-030)."""

    x5c_mismatch: Literal["refuse_key", "ignore_x5c"] = "refuse_key"
    """Whether a JWK and its certificate must agree, or the certificate is not looked at (KEY-019)."""

    allow_local_jwks: bool = False
    """Let a JWKS URL be http or lead to a private address; for tests on one machine only (ONB-024)."""

    allow_test_keys: bool = False
    """Trust the test keys that ship with Touchstone, whose private halves everybody has; for tests only."""

    def __post_init__(self) -> None:
        for kept, message in (*self._words(), *self._floors()):
            if not kept:
                raise ValueError(message)

    def _words(self) -> list[tuple[bool, str]]:
        choices = {name: get_args(hint) for name, hint in _hints() if get_origin(hint) is Literal}
        lists = ("algorithms", "typ", "client_allowlist", "required_scope", "reserved_issuers")
        return [
            (getattr(self, name) in words, f"{name}: one of {', '.join(words)}")
            for name, words in choices.items()
        ] + [
            (_is_list_of_texts(getattr(self, name)), f"{name}: a tuple of texts, none of them empty")
            for name in lists
        ]

    def _floors(self) -> list[tuple[bool, str]]:
        types = {name.lower().removeprefix("application/") for name in self.typ}
        return [
            (bool(self.algorithms), "algorithms: at least one"),
            *(
                (
                    name in ALGORITHMS,
                    f"algorithms: {quoted(name)} is not supported; choose from {', '.join(ALGORITHMS)}",
                )
                for name in self.algorithms
            ),
            (0 <= self.leeway_s <= MAX_LEEWAY_S, "leeway_s: from 0 to 300 seconds"),
            (self.max_token_bytes >= 8192, "max_token_bytes: at least 8192"),
            (
                self.max_lifetime_s is None or self.max_lifetime_s >= MIN_MAX_LIFETIME_S,
                f"max_lifetime_s: at least {MIN_MAX_LIFETIME_S} seconds (28 h)",
            ),
            (bool(types), "typ: at least one type"),
            (not types & REFUSED_TYPES, "typ: a type of another kind of token cannot be let in"),
            (0 < self.jwks_period_s <= self.jwks_staleness_s, "jwks_period_s: above 0, within the staleness"),
            (self.jwks_staleness_s <= 7 * 86400, "jwks_staleness_s: at most 7 days"),
            (self.refetch_min_s >= 1, "refetch_min_s: at least 1 second"),
            (self.jwks_max_bytes > 0, "jwks_max_bytes: above 0"),
            (self.jwks_timeout_s > 0, "jwks_timeout_s: above 0"),
        ]


def _hints() -> list[tuple[str, object]]:
    return list(Policy.__annotations__.items())


def _is_list_of_texts(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(one, str) and one.strip() for one in value)
