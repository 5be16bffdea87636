"""From the claims of a verified token to a user, by External ID.

Must never coerce, trim, fold or normalise a value beyond what the policy says in so many words (MAP-009,
MAP-025 to MAP-028), and never look further than the users of one integration (MAP-021, MAP-041). Claim names
are top-level members, exactly as spelled (MAP-029 to MAP-033, AZR-008, IDP-015); they are read from the
verified payload and from nowhere else (MAP-044, MAP-045), so that `act` and its like name nobody (CLM-029).
A value is one key of a dictionary, whatever stands in it and however long it is (MAP-034 to MAP-036, IDP-003,
IDP-013). No claim grants more than being that user (MAP-049).

What the policy leaves open is settled when the users are set, by building other indexes and choosing other
functions: a token never asks the policy.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from operator import methodcaller
from typing import Any, Final

import msgspec

from verifier.errors import OnboardingRefused, TokenRejected, quoted
from verifier.policy import Policy

# Unicode's White_Space property; str.isspace() counts four control characters more (MAP-007).
_WHITE_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"  # noqa: E501 - one table

_SURROGATE = re.compile("[\ud800-\udfff]")
_ASCII_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
_PLACEHOLDERS = frozenset({"Not supported currently. Use oid claim."})
"""What an IdP puts into the `sub` of everybody, so that it can be nobody's External ID (AZR-026)."""

_ADDRESS_FLAGS = ("email_verified", "xms_edov")

Claims = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class User:
    """A user of one integration; a blank External ID is matched by no token (MAP-018).

    `claim` is the claim that the External ID is of, where External IDs are typed (MAP-019). `enrolled` users
    are found by the custom claim and the others by `sub`, where users are enrolled one by one (MAP-023).
    """

    name: str
    external_id: str | None
    active: bool = True
    claim: str = "sub"
    enrolled: bool = False
    api_access: bool = True
    """Whether this user may use the API at all (MAP-040); no claim of a token says so (MAP-049)."""


class Match(msgspec.Struct, frozen=True, gc=False):
    """The user found, its External ID, the claim that held it, and whether that was a fallback (MAP-046)."""

    user: User
    external_id: str
    claim: str
    fallback: bool


Index = dict[str, User | None]
"""Users by External ID; None stands for several, of whom none is chosen (MAP-038)."""


class UserFinder:
    """The users of one integration, and `find`, which finds the user of verified claims or rejects.

    A change of users makes another finder (`having`), and so does one of the custom claim: no token sees half of
    it, and one claim counts at a time (MAP-039, MAP-042, MAP-047).
    """

    __slots__ = ("_custom_claim", "_policy", "find", "users")

    def __init__(self, policy: Policy, custom_claim: str | None, users: Iterable[User] = ()) -> None:
        """Index the users; OnboardingRefused `user` for one that is none, or for two with one External ID."""
        self._policy, self._custom_claim = policy, custom_claim
        self.users: Final = tuple(users)
        self.find: Final[Callable[[Claims], Match]] = _finder(policy, custom_claim, self.users)

    def having(self, users: Iterable[User]) -> "UserFinder":
        """Return the finder of the same integration with these users."""
        return UserFinder(self._policy, self._custom_claim, users)

    @property
    def custom_claim(self) -> str | None:
        """The name of the custom claim, None without one."""
        return self._custom_claim

    def lacks_custom_claim(self, claims: Claims) -> bool:
        """Tell whether there is a custom claim that stands nowhere in the claims, not even without a value."""
        claim = self.custom_claim
        return (
            claim is not None
            and claim != "sub"
            and _value_of(self._policy, claim)(claims) is None
            and (claim not in claims)
        )


def is_blank(text: str) -> bool:
    """Tell whether a text is empty or Unicode White_Space only; U+200B and NUL are not blank (MAP-007)."""
    return not text.strip(_WHITE_SPACE)


def _finder(policy: Policy, claim: str | None, users: tuple[User, ...]) -> Callable[[Claims], Match]:
    _check_users(users, typed=policy.external_id_namespace == "typed")
    if claim is None or claim == "sub":  # MAP-001
        return _by_sub(_index(policy, users, "sub"))
    by_claim, by_sub = _index(policy, users, claim), _index(policy, users, "sub", custom_claim=claim)
    value_of, value_in = _value_of(policy, claim), _value_in(policy, claim)
    if policy.user_scope == "enrolled_users":
        find = _by_enrolment(
            claim, value_of, value_in, by_claim, by_sub, claim_wins=policy.conflict == "claim_wins"
        )
    else:  # MAP-023: `integration` and `token_presence` come to the same
        find = _by_claim(claim, value_of, value_in, by_claim, by_sub)
        if policy.conflict == "reject":
            find = _without_conflict(find, by_sub)
    if policy.sub_required == "always":
        find = _with_sub(find)
    return _with_verified_address(find) if claim == "email" else find


# Indexes: which users a claim can find.


def _check_users(users: tuple[User, ...], *, typed: bool) -> None:
    taken: dict[tuple[str | None, str], str] = {}
    for user in users:
        name: object = user.name
        external_id: object = user.external_id
        if not isinstance(name, str) or not name or not isinstance(external_id, str | None):
            raise OnboardingRefused(
                "user", "a user needs a name, and a text or nothing as External ID", "users"
            )
        if external_id in _PLACEHOLDERS:  # AZR-026
            detail = (
                f"the External ID of {quoted(name)} is what the IdP writes for everybody; use the claim oid"
            )
            raise OnboardingRefused("user", detail, "users")
        if external_id is None or is_blank(external_id):  # MAP-018
            continue
        key = (user.claim if typed else None, external_id)
        if key in taken:  # MAP-037: no lookup has to choose between them
            detail = f"{quoted(taken[key])} and {quoted(name)} have one External ID; give each its own"
            raise OnboardingRefused("user", detail, "users")
        taken[key] = name


def _index(policy: Policy, users: tuple[User, ...], claim: str, *, custom_claim: str | None = None) -> Index:
    """Index the users whom a claim can find; `custom_claim` is the one that `sub` is the fallback of."""
    typed = policy.external_id_namespace == "typed"
    split = policy.user_scope == "enrolled_users" and (custom_claim is not None or claim != "sub")
    # MAP-025, MAP-026: letter case is ignored in a custom claim only, and of ASCII only.
    fold = policy.custom_claim_compare == "ascii_ci" and claim != "sub"
    index = _CaseBlindIndex() if fold else Index()
    for user in users:
        key = user.external_id
        if key is None or is_blank(key) or (typed and user.claim != claim):
            continue
        if split and user.enrolled == (claim == "sub"):
            continue
        key = key.translate(_ASCII_LOWER) if fold else key
        index[key] = None if key in index else user
    return index


class _CaseBlindIndex(Index):
    """An index whose keys are in small letters, for values in any (MAP-025)."""

    def __missing__(self, key: str) -> User | None:
        folded = key.translate(_ASCII_LOWER)
        if folded == key:
            raise KeyError(key)
        return self[folded]


def _user(index: Index, external_id: str, claim: str) -> User:
    try:
        user = index[external_id]
    except KeyError:  # MAP-014, MAP-015: nor is a value that nobody has a reason to try another claim
        raise TokenRejected("no_user", f"no user has the External ID in {claim}", claim) from None
    if user is None:  # MAP-038
        raise TokenRejected("user_ambiguous", f"several users have the External ID in {claim}", claim)
    if not user.active:  # MAP-039
        raise TokenRejected("user_inactive", "the user is not active", claim)
    return user


# Strategies: one is chosen for an integration.


def _by_sub(by_sub: Index) -> Callable[[Claims], Match]:
    def find(claims: Claims) -> Match:
        external_id = _subject(claims)
        return Match(_user(by_sub, external_id, "sub"), external_id, "sub", fallback=False)

    return find


def _by_claim(
    claim: str,
    value_of: Callable[[Claims], object],
    value_in: Callable[[object], str | None],
    by_claim: Index,
    by_sub: Index,
) -> Callable[[Claims], Match]:
    """Find by the custom claim if it has a value, else by `sub` (MAP-002 to MAP-006, MAP-022)."""

    def find(claims: Claims) -> Match:
        value = value_in(value_of(claims))
        if value is not None:
            return Match(_user(by_claim, value, claim), value, claim, fallback=False)
        external_id = _subject(claims)
        return Match(_user(by_sub, external_id, "sub"), external_id, "sub", fallback=True)

    return find


def _by_enrolment(
    claim: str,
    value_of: Callable[[Claims], object],
    value_in: Callable[[object], str | None],
    by_claim: Index,
    by_sub: Index,
    *,
    claim_wins: bool,
) -> Callable[[Claims], Match]:
    """Find the enrolled user of the claim, or the other user of `sub` (MAP-023).

    Both at once are ambiguous, or the user of the claim as declared; never silently that of `sub` (MAP-024).
    """

    def find(claims: Claims) -> Match:
        value, sub = value_in(value_of(claims)), claims.get("sub")
        if value is None:
            external_id = _subject(claims)
            return Match(_user(by_sub, external_id, "sub"), external_id, "sub", fallback=True)
        named = _holds(by_claim, value)
        if not isinstance(sub, str) or sub not in by_sub or (named and claim_wins):
            return Match(_user(by_claim, value, claim), value, claim, fallback=False)
        if named:
            raise TokenRejected("user_ambiguous", f"{claim} and sub are of two users", claim)
        return Match(_user(by_sub, sub, "sub"), sub, "sub", fallback=True)

    return find


def _holds(index: Index, external_id: str) -> bool:
    try:
        index[external_id]
    except KeyError:
        return False
    return True


# Further conditions, each laid around a strategy where the policy asks for it.


def _without_conflict(find: Callable[[Claims], Match], by_sub: Index) -> Callable[[Claims], Match]:
    def checked(claims: Claims) -> Match:
        match, sub = find(claims), claims.get("sub")
        if isinstance(sub, str) and by_sub.get(sub, match.user) != match.user:  # MAP-003
            raise TokenRejected("user_ambiguous", f"{match.claim} and sub are of two users", match.claim)
        return match

    return checked


def _with_sub(find: Callable[[Claims], Match]) -> Callable[[Claims], Match]:
    def checked(claims: Claims) -> Match:
        _subject(claims)  # MAP-017
        return find(claims)

    return checked


def _with_verified_address(find: Callable[[Claims], Match]) -> Callable[[Claims], Match]:
    def checked(claims: Claims) -> Match:
        match = find(claims)
        # CLM-031: whoever may type an address has not shown that it is theirs.
        if match.claim == "email" and any(claims.get(flag, True) is not True for flag in _ADDRESS_FLAGS):
            raise TokenRejected("claim_value", "the address is not verified", "email")
        return match

    return checked


# Values.


def _value_of(policy: Policy, claim: str) -> Callable[[Claims], object]:
    """Return what reads the claim, None if it is absent; the literal name wins over a path (MAP-031)."""
    if policy.claim_path == "literal" or "." not in claim:
        return methodcaller("get", claim)
    steps = claim.split(".")

    def along_path(claims: Claims) -> object:
        if claim in claims:
            return claims[claim]
        value: object = claims
        for step in steps:
            value = value.get(step) if isinstance(value, dict) else None
        return value

    return along_path


def _value_in(policy: Policy, claim: str) -> Callable[[object], str | None]:
    """Return what tells the External ID in a custom claim, None where it contains no value.

    The table of the rulebook's section 6, row by row (MAP-004 to MAP-013); TokenRejected for what cannot
    count.
    """
    blank = policy.blank_is_empty == "fallback"
    container = policy.empty_container == "fallback"
    wrong = policy.wrong_type == "fallback"
    integer = policy.numeric_external_id == "exact_integer"
    unwrap = policy.singleton_array == "unwrap"

    def value_in(value: object) -> str | None:  # noqa: PLR0911 - row by row
        if isinstance(value, str):
            if value > "!" and value.isascii():
                return value  # as most do; neither blank nor half a character
            if not value or (blank and is_blank(value)):  # MAP-005, MAP-007
                return None
            return _text(value, claim)
        if value is None:  # MAP-004, MAP-006, MAP-045
            return None
        if value in ([], {}):  # MAP-008
            no_value = container
        elif integer and type(value) is int and value:  # MAP-010; JSON's -0 reads as 0, so neither counts
            return str(value)
        elif unwrap and type(value) is list and len(value) == 1 and _is_text(value[0]):  # MAP-011
            return _text(value[0], claim)
        else:  # MAP-009, MAP-012, MAP-013
            no_value = wrong
        if no_value:
            return None
        raise TokenRejected("claim_type", f"{claim} is no string", claim)

    return value_in


def _subject(claims: Claims) -> str:
    """Return a `sub` that can be an External ID (CLM-020, MAP-016)."""
    try:
        value = claims["sub"]
    except KeyError:
        raise TokenRejected("claim_missing", "no sub", "sub") from None
    if not isinstance(value, str):
        raise TokenRejected("claim_type", "sub is no string", "sub")
    return _text(value, "sub")


def _text(value: str, claim: str) -> str:
    # A text of ASCII whose first character is beyond "!" is neither blank nor has it surrogates: most are.
    if not (value.isascii() and value > "!"):
        if is_blank(value):
            raise TokenRejected("claim_value", f"{claim} is blank", claim)
        if _SURROGATE.search(value):  # FMT-011
            raise TokenRejected("claim_value", f"{claim} holds half a character", claim)
    return value


def _is_text(value: object) -> bool:
    return isinstance(value, str) and not is_blank(value)
