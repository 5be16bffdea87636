"""From the claims of a verified token to a user, by External ID.

Must never coerce, trim, fold or normalise a value (MAP-009, MAP-025 to MAP-028), and never look further than
the users of one integration (MAP-041). Claim names are literal, top-level and case-sensitive (MAP-029,
MAP-031).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from verifier.errors import OnboardingRefused, TokenRejected

# Unicode's White_Space property; str.isspace() counts four control characters more (MAP-007).
_WHITE_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"  # noqa: E501 - one table

_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class User:
    """A user of one integration; a blank External ID is matched by no token (MAP-018)."""

    name: str
    external_id: str | None
    active: bool = True
    api_access: bool = True
    """Whether this user may use the API at all (MAP-040); no claim of a token says so (MAP-049)."""


Directory = Mapping[str, tuple[User, ...]]
"""The users of one integration by External ID; more than one under an ID is ambiguous (MAP-038)."""


class Match(msgspec.Struct, frozen=True):
    """The user found, its External ID, the claim that held it, and whether that was a fallback (MAP-046)."""

    user: User
    external_id: str
    claim: str
    fallback: bool


def directory_of(users: Iterable[User]) -> Directory:
    """Index users by External ID; OnboardingRefused `user` for a user that is none."""
    found: dict[str, tuple[User, ...]] = {}
    for user in users:
        name: object = user.name
        external_id: object = user.external_id
        if not isinstance(name, str) or not name or not isinstance(external_id, str | None):
            raise OnboardingRefused(
                "user", "a user needs a name, and a text or nothing as External ID", "users"
            )
        if external_id is not None and not is_blank(external_id):
            found[external_id] = (*found.get(external_id, ()), user)
    return found


def is_blank(text: str) -> bool:
    """Tell whether a text is empty or Unicode White_Space only; U+200B and NUL are not blank (MAP-007)."""
    return not text.strip(_WHITE_SPACE)


def find_user(claims: Mapping[str, Any], custom_claim: str | None, users: Directory) -> Match:
    """Find the user of a token: by the custom claim if it has a value, else by `sub` (MAP-001 to MAP-006).

    A value that nobody has is no reason to fall back (MAP-014), nor is one of a wrong type (MAP-009 to
    MAP-013).
    """
    claim = custom_claim or "sub"
    fallback = claim != "sub" and _has_no_value(claims.get(claim))
    if fallback:
        claim = "sub"
    external_id = _external_id(claims, claim)
    if claim == "email" and any(
        claims.get(flag, True) is not True for flag in ("email_verified", "xms_edov")
    ):
        raise TokenRejected("claim_value", "the address is not verified", claim)  # CLM-031
    matches = users.get(external_id, ())
    if not matches:
        raise TokenRejected("no_user", "no user has this External ID", claim)
    if len(matches) > 1:
        raise TokenRejected("user_ambiguous", "several users have this External ID", claim)
    if not matches[0].active:  # MAP-039
        raise TokenRejected("user_inactive", "the user is not active", claim)
    return Match(matches[0], external_id, claim, fallback)


def _has_no_value(value: object) -> bool:
    """Tell whether a claim "contains no value": absent, null, blank, or an empty container (MAP-004 on)."""
    return value is None or value in ([], {}) or (isinstance(value, str) and is_blank(value))


def _external_id(claims: Mapping[str, Any], claim: str) -> str:
    if claim not in claims:
        raise TokenRejected("claim_missing", f"no {claim}", claim)
    value = claims[claim]
    if not isinstance(value, str):  # CLM-020, MAP-009 to MAP-013
        raise TokenRejected("claim_type", f"{claim} is no string", claim)
    if is_blank(value):
        raise TokenRejected("claim_value", f"{claim} is blank", claim)
    if _SURROGATE.search(value):  # FMT-011
        raise TokenRejected("claim_value", f"{claim} holds half a character", claim)
    return value
