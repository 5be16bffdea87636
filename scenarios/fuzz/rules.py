"""Which rule decides a case: by what the reference verifier says of it, and by the part that makes it so.

A case that no line here decides is a question for the rulebook, and no finding.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Final

from mock_idp.forgeries import FORGERIES
from scenarios import rulebook
from scenarios.files.yaml12 import Json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scenarios.fuzz.case import Part
    from scenarios.targets.protocol import Verdict

_OF_REJECT: Final[Mapping[tuple[str | None, str], str]] = {
    ("exp", "claim_missing"): "CLM-011",
    ("exp", "claim_type"): "CLM-013",
    ("exp", "expired"): "CLM-012",
    ("exp", "claim_value"): "CLM-017",
    ("exp", "lifetime"): "CLM-019",
    ("nbf", "claim_type"): "CLM-013",
    ("nbf", "not_yet_valid"): "CLM-015",
    ("nbf", "claim_value"): "CLM-014",
    ("iat", "claim_type"): "CLM-013",
    ("iat", "not_yet_valid"): "CLM-016",
    ("iat", "claim_value"): "CLM-014",
    ("iat", "claim_missing"): "CLM-016",
    ("iss", "claim_missing"): "CLM-003",
    ("iss", "claim_type"): "CLM-003",
    ("iss", "issuer"): "CLM-001",
    ("aud", "claim_missing"): "CLM-006",
    ("aud", "claim_type"): "CLM-006",
    ("aud", "audience"): "CLM-007",
    ("sub", "claim_missing"): "MAP-016",
    ("sub", "claim_type"): "CLM-020",
    ("sub", "claim_value"): "CLM-020",
    ("sub", "no_user"): "MAP-015",
    ("typ", "token_type"): "CLM-022",
    ("events", "token_type"): "CLM-024",
    ("sub", "token_type"): "CLM-024",
    ("cnf", "token_type"): "CLM-025",
    ("tid", "claim_value"): "AZR-015",
    ("email", "claim_value"): "CLM-031",
    ("azp", "claim_missing"): "CLM-010",
    ("azp", "claim_value"): "CLM-010",
    ("scope", "scope"): "CLM-030",
    ("alg", "algorithm_not_allowed"): "SIG-007",
    ("b64", "header_not_allowed"): "SIG-026",
    ("crit", "header_not_allowed"): "SIG-024",
    ("kid", "malformed"): "KEY-009",
    ("kid", "unknown_key"): "KEY-004",
    ("iss", "header_not_allowed"): "FMT-023",
    ("sub", "header_not_allowed"): "FMT-023",
    ("aud", "header_not_allowed"): "FMT-023",
}
"""Claim or header member, and reason, to the rule."""

EITHER: Final = frozenset({"CLM-014", "FMT-014", "FMT-025"})
"""Rules that let a verifier read or refuse, as long as it does not break; but for an exp that is infinite."""

_OF_REASON: Final[Mapping[str, str]] = {
    "no_user": "MAP-014",
    "user_inactive": "MAP-039",
    "user_ambiguous": "MAP-038",
    "claim_type": "MAP-009",
    "claim_value": "MAP-018",
    "unknown_key": "KEY-004",
    "too_large": "FMT-016",
    "bad_signature": "SIG-003",
}
_OF_FORGERY: Final = frozenset(
    {"jwks_unusable", "malformed", "bad_signature", "too_large", "unknown_key", "algorithm_not_allowed"}
)
"""Reasons that say less than the forgery does."""

_OF_REFUSAL: Final[Mapping[str, str]] = {
    "entity_id_missing": "ONB-001",
    "keys_missing": "ONB-005",
    "keys_conflict": "ONB-006",
    "too_many_certificates": "ONB-007",
    "not_a_certificate": "ONB-013",
    "malformed_certificate": "ONB-023",
    "private_key": "ONB-015",
    "shared_secret": "ONB-044",
    "weak_key": "ONB-020",
    "kid_conflict": "ONB-012",
    "kid_missing": "ONB-011",
    "selection_missing": "ONB-010",
    "selection_unknown": "ONB-009",
    "jwks_url": "ONB-024",
    "jwks_unusable": "ONB-025",
    "issuer_missing": "ONB-026",
    "audience_missing": "ONB-026",
    "issuer_reserved": "ONB-041",
    "several_values": "ONB-028",
    "sample_unverified": "ONB-030",
    "sample_incomplete": "ONB-033",
    "sample_mismatch": "ONB-034",
    "custom_claim": "ONB-039",
    "algorithm": "SIG-007",
    "leeway": "CLM-018",
}
"""Why a record is refused, to the rule."""

_OF_ACCEPT: Final[Mapping[str, str]] = {
    "claim exp": "CLM-012",
    "claim nbf": "CLM-015",
    "claim iat": "CLM-016",
    "claim iss": "CLM-001",
    "claim aud": "CLM-005",
    "claim sub": "MAP-001",
    "claim jti": "CLM-026",
    "claim act": "CLM-029",
    "claim may_act": "CLM-029",
    "claim _claim_names": "MAP-045",
    "header kid": "KEY-037",
    "header typ": "CLM-022",
    "header cty": "FMT-020",
    "header crit": "SIG-026",
    "header b64": "SIG-026",
    "header zip": "SIG-031",
    "header jwk": "SIG-020",
    "header jku": "SIG-021",
    "header x5u": "SIG-021",
    "header x5c": "SIG-022",
    "header x5t": "SIG-023",
    "header x5t#S256": "SIG-023",
    "header iss": "FMT-023",
    "header sub": "FMT-023",
    "header aud": "FMT-023",
    "token key": "KEY-001",
    "token user": "MAP-001",
    "token kind": "CLM-023",
    "token of": "MAP-021",
    "other onboarded": "MAP-021",
    "onboard alg": "SIG-001",
    "onboard jwks": "KEY-018",
    "onboard published": "KEY-038",
    "onboard custom_claim": "MAP-002",
    "onboard issuer": "ONB-027",
    "onboard audience": "ONB-027",
    "onboard leeway_s": "CLM-018",
    "onboard entity_id": "ONB-002",
    "onboard idp_name": "ONB-004",
    "onboard certificates": "ONB-014",
    "onboard selected": "ONB-009",
    "onboard jwks_uri": "ONB-024",
    "onboard sample_token": "ONB-029",
}
"""What is not plain in a case that is good all the same, to the rule by which it is good."""
_OPTIONAL: Final = frozenset({"nonce", "at_hash", "auth_time", "acr", "amr", "c_hash", "s_hash"})
_FROM_YES: Final = frozenset({"header", "claim"})


def rule_of(right: Verdict, part: Part | None, custom: str | None = None) -> str | None:
    """Return the id of the rule that decides, or None.

    `part` is what makes the case other than a plain one, `custom` the custom claim of the integration.
    """
    if right.kind in ("refused", "asked"):
        if part is not None and part.dimension == "onboard jwks":
            return of_entries(part.value)
        return _OF_REFUSAL.get(right.reason or "selection_missing")
    if right.kind == "reject":
        return _of_reject(right, part)
    return "SIG-001" if part is None else _of_accept(part, custom)


def _of_accept(part: Part, custom: str | None) -> str | None:
    if part.where == "forge":
        return FORGERIES[part.name].rules[0]
    if part.where == "claim" and part.name == custom:
        return "MAP-002"
    if part.dimension == "onboard jwks" and shares_kid(part.value):
        return "KEY-010"
    if (rule := _OF_ACCEPT.get(part.dimension)) is not None:
        return rule
    if part.where == "claim" and part.name in _OPTIONAL:
        return "CLM-034"
    return "FMT-022" if part.where in _FROM_YES else None


def _of_reject(right: Verdict, part: Part | None) -> str | None:
    reason = right.reason or ""
    if part is not None and reason in _OF_FORGERY:
        if part.where == "forge":
            return FORGERIES[part.name].rules[0]
        if part.where == "token" and part.name == "key":
            return "KEY-001" if reason == "bad_signature" else "KEY-004"
        if part.where == "onboard" and part.name == "jwks":
            return of_entries(part.value)
    if part is not None and (rule := _of_number(part)) is not None:
        return rule
    if part is not None and reason == "malformed" and isinstance(part.value, Json):
        return "FMT-013"
    return _OF_REJECT.get((right.about, reason)) or _OF_REASON.get(reason)


_TOO_EARLY: Final[Mapping[str, tuple[int, str]]] = {
    "exp": (-1, "CLM-012"),
    "nbf": (1, "CLM-015"),
}
"""Time claim to the sign of an absurd value that is past or ahead for everybody, and the rule that says so."""
_TIMES: Final = frozenset({"exp", "nbf", "iat"})
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?\Z")
MAX_EXACT: Final = 2**53
"""Beyond this not everybody reads the same number."""


def _of_number(part: Part) -> str | None:
    """Return the rule of a number that is absurdly large, by what it would be as a time; None for any other value."""
    text = (
        part.value.text
        if isinstance(part.value, Json)
        else str(part.value)
        if type(part.value) is int
        else ""
    )
    if part.where not in _FROM_YES or not _NUMBER.match(text) or abs(float(text)) <= MAX_EXACT:
        return None
    sign, rule = _TOO_EARLY.get(part.name, (0, "")) if part.where == "claim" else (0, "")
    if sign * float(text) > 0:
        return rule
    return "CLM-014" if part.name in _TIMES and not is_immortal(part) else "FMT-025"


def is_immortal(part: Part) -> bool:
    """Whether an exp overflows: who reads it as infinity takes a token that never ends (FMT-025)."""
    text = part.value.text if isinstance(part.value, Json) else ""
    return part.dimension == "claim exp" and bool(_NUMBER.match(text)) and float(text) == math.inf


_OF_ENTRY: Final[Mapping[str, str]] = {
    "use": "KEY-011",
    "key_ops": "KEY-011",
    "alg": "KEY-013",
    "kid": "KEY-009",
    "kty": "SIG-032",
    "crv": "KEY-017",
    "x": "KEY-017",
    "y": "KEY-017",
    "n": "KEY-016",
    "e": "KEY-016",
    "x5c": "KEY-019",
    "x5t": "KEY-019",
}


def of_entries(entries: Any) -> str:
    """Return the rule by which an entry of a JWKS does not count."""
    if shares_kid(entries):
        return "KEY-010"
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict):
            if entry.get("private"):
                return "KEY-015"
            if entry.get("key") in ("weak", "rsa-2047"):
                return "KEY-016"
            if members := entry.get("members"):
                if members.get("alg") == "none":
                    return "SIG-032"
                return _OF_ENTRY.get(next(iter(members)), "KEY-018")
    return "KEY-004"


def shares_kid(entries: Any) -> bool:
    """Whether two entries of a hand-made JWKS have one kid; of its text nobody knows."""
    if not isinstance(entries, list):
        return True
    kids = [repr(one if isinstance(one, str) else _kid(one)) for one in entries]
    return len(set(kids)) < len(kids)


def _kid(entry: dict[str, Any]) -> Any:
    if "raw" in entry:
        return entry["raw"].get("kid") if isinstance(entry["raw"], dict) else None
    return entry.get("members", {}).get("kid", entry.get("key", "a"))


_OF_KIND: Final[Mapping[str, Callable[[Any], bool]]] = {
    **dict.fromkeys(
        ("cty", "zip", "jku", "x5u", "x5t", "x5t#S256"), lambda value: isinstance(value, str) and value != ""
    ),
    "jwk": lambda value: isinstance(value, dict) and "kty" in value and value["kty"] != "oct",
    "x5c": lambda _: False,
}
"""Registered header parameters, and whether a value is of the kind that they have: only then nobody may mind it."""


def decides(rule: str, part: Part | None, *, yes: bool) -> bool:
    """Whether the rule says what is right: `yes` where a target rejects what the reference verifier accepts."""
    if rule in EITHER:
        return part is not None and is_immortal(part)
    odd = yes and part is not None and part.where == "header"
    return not (odd and part is not None and part.name in _OF_KIND and not _OF_KIND[part.name](part.value))


def rules_named() -> frozenset[str]:
    """Return every rule that a line of this module names, all of which the rulebook has."""
    tables = (_OF_REJECT, _OF_REASON, _OF_REFUSAL, _OF_ACCEPT, _OF_ENTRY)
    return frozenset(rule for table in tables for rule in table.values())


def binds(rule: str, scope: str) -> bool:
    """Whether a target of this scope is asked the rule at all."""
    return rulebook.Scope(scope).includes(rulebook.rules()[rule].scope)
