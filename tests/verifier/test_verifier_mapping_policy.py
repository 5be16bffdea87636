"""MAP under each policy: the matrix T1 to T9, the table of what contains no value, and what holds always."""

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier import OnboardingRefused, Policy, TokenRejected, User
from verifier.errors import REJECT_REASONS
from verifier.mapping import UserFinder, is_blank

if TYPE_CHECKING:
    from tests.verifier.conftest import Signer, World

PU = "preferred_username"
ABSENT: Any = ...

A = User("A", "a@x", claim=PU, enrolled=True)
B = User("B", "s-b")
C = User("C", "s-c", claim=PU, enrolled=True)
USERS = (A, B, C)


def found(
    users: tuple[User, ...] = USERS, custom_claim: str | None = PU, /, *, policy: Policy, **claims: object
) -> str:
    """Return the name of the user that claims find, or why they are rejected."""
    finder = UserFinder(policy, custom_claim, users)
    try:
        return finder.find({name: value for name, value in claims.items() if value is not ...}).user.name
    except TokenRejected as rejection:
        return rejection.reason


# The rulebook's section 3. R1 and R2 are one reading with two names; T8 is of another integration, below.
# Row, claim, sub, and the verdict under R1/R2 untyped, R1/R2 typed, R3.
MATRIX = [
    ("T1", "a@x", "s-a", "A", "A", "A"),
    ("T2", "b@x", "s-b", "no_user", "no_user", "B"),
    ("T3", ABSENT, "s-b", "B", "B", "B"),
    ("T4", "", "s-b", "B", "B", "B"),
    ("T4 null", None, "s-b", "B", "B", "B"),
    ("T5", "s-b", "s-x", "B", "no_user", "no_user"),
    ("T6", "a@x", "s-b", "A", "A", "user_ambiguous"),
    ("T7", ABSENT, "a@x", "A", "no_user", "no_user"),
    ("T9", ABSENT, "s-c", "C", "no_user", "no_user"),
]
READINGS = {
    "R1 untyped": Policy(),
    "R2 untyped": Policy(user_scope="token_presence"),
    "R1 typed": Policy(external_id_namespace="typed"),
    "R2 typed": Policy(user_scope="token_presence", external_id_namespace="typed"),
    "R3": Policy(user_scope="enrolled_users", conflict="reject"),
}
COLUMNS = {"R1 untyped": 0, "R2 untyped": 0, "R1 typed": 1, "R2 typed": 1, "R3": 2}


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("row", MATRIX, ids=lambda row: row[0])
def test_the_matrix_of_readings(row: tuple[Any, ...], reading: str) -> None:
    """MAP-019, MAP-020, MAP-022 to MAP-024."""
    _, claim, sub, *verdicts = row
    assert found(policy=READINGS[reading], preferred_username=claim, sub=sub) == verdicts[COLUMNS[reading]]


@pytest.mark.parametrize("reading", READINGS)
def test_without_a_custom_claim_sub_finds_whoever_it_names(reading: str) -> None:
    """T8, MAP-021: whatever claims the token has, and whoever is enrolled."""
    policy = READINGS[reading]
    users = (User("V", "s-v", enrolled=True), User("W", "w@x"))
    assert found(users, None, policy=policy, preferred_username="w@x", sub="s-v") == "V"
    assert found(users, "sub", policy=policy, preferred_username="w@x", sub="s-v") == "V"


def test_two_eligible_users_are_the_claims_or_nobody() -> None:
    """MAP-003, MAP-024: as declared, and never silently the user of sub."""
    for scope in ("integration", "enrolled_users"):
        wins, rejects = Policy(user_scope=scope), Policy(user_scope=scope, conflict="reject")
        assert found(policy=wins, preferred_username="a@x", sub="s-b") == "A"
        assert found(policy=rejects, preferred_username="a@x", sub="s-b") == "user_ambiguous"
        for sub in ("s-unknown", ABSENT, None, 5, "", "a@x"):
            assert found(policy=rejects, preferred_username="a@x", sub=sub) == "A"


def test_enrolment_does_not_lend_an_inactive_user_anothers_place() -> None:
    """MAP-024, MAP-039."""
    users = (User("A", "a@x", active=False, enrolled=True), B)
    policy = Policy(user_scope="enrolled_users")
    assert found(users, policy=policy, preferred_username="a@x", sub="s-b") == "user_inactive"
    assert found(users, policy=policy, preferred_username="a@x", sub="s-x") == "user_inactive"


# The rulebook's section 6: what stands in the claim, the knob that decides, and the verdict by default and under
# the knob's other value. The token's sub is B's; D has the digits as External ID.
FALLBACK, NOBODY, WRONG = "B", "no_user", "claim_type"
EMPTY: list[Any] = [[], {}]
NO_STRINGS: list[Any] = [
    *(["a@x", "a@x"], ["a@x", "ghost"], [""], [" "], [None], [["a@x"]], [[]], {"value": "a@x"}, {"$ne": None})
]
VALUES: list[tuple[Any, str, str, str, str]] = [
    (ABSENT, "", "", FALLBACK, ""),
    ("", "", "", FALLBACK, ""),
    (None, "", "", FALLBACK, ""),
    *((blank, "blank_is_empty", "reject", FALLBACK, "claim_value") for blank in (" ", "\t\n", "\u00a0", "\u3000")),
    *((empty, "empty_container", "reject", FALLBACK, WRONG) for empty in EMPTY),
    *((value, "blank_is_empty", "reject", NOBODY, NOBODY) for value in ("\u200b", "\ufeff", "\0", "\x1f", "\u180e")),
    *((text, "wrong_type", "fallback", NOBODY, NOBODY) for text in ("null", "undefined", "None", "N/A", "-", "!")),
    *((value, "wrong_type", "fallback", WRONG, FALLBACK) for value in (0, 1, -1, False, True, 1.5, 12345.0, 1e300)),
    (12345, "numeric_external_id", "exact_integer", WRONG, "D"),
    (9007199254740993, "numeric_external_id", "exact_integer", WRONG, NOBODY),
    *((value, "numeric_external_id", "exact_integer", WRONG, WRONG) for value in (12345.0, 0, True, [12345])),
    (["a@x"], "singleton_array", "unwrap", WRONG, "A"),
    *(
        (value, knob, other, WRONG, verdict)
        for value in NO_STRINGS
        for knob, other, verdict in (("singleton_array", "unwrap", WRONG), ("wrong_type", "fallback", FALLBACK))
    ),
    ("ghost@x", "wrong_type", "fallback", NOBODY, NOBODY),
]  # fmt: skip
HOLDERS = (
    A,
    B,
    User("D", "12345"),
    User("rounded", "9007199254740992"),
    User("zero", "0"),
    User("true", "True"),
)


@pytest.mark.parametrize("value, knob, other, default, declared", VALUES)
def test_what_contains_no_value(value: object, knob: str, other: str, default: str, declared: str) -> None:
    """MAP-004 to MAP-014, the table of the rulebook's section 6."""
    assert found(HOLDERS, policy=Policy(), preferred_username=value, sub="s-b") == default
    if knob:
        policy = Policy(**{knob: other})  # type: ignore[arg-type] # a knob and a value of it
        assert found(HOLDERS, policy=policy, preferred_username=value, sub="s-b") == declared


def test_letter_case_is_ignored_where_that_is_declared_and_in_ascii_only() -> None:
    """MAP-025, MAP-026: never for sub, and of two who differ by it neither is chosen."""
    policy = Policy(custom_claim_compare="ascii_ci")
    users = (User("ann", "Alice@x"), User("sharp", "STRASSE"), User("kay", "k"), User("eye", "i"))
    for value in ("alice@x", "ALICE@X", "Alice@x"):
        assert found(users, policy=policy, preferred_username=value, sub="s") == "ann"
        assert found(users, policy=Policy(), preferred_username=value, sub="s") == (
            "ann" if value == "Alice@x" else NOBODY
        )
    for value in ("stra\u00dfe", "\u212a", "\u0130", "\u0131", "\uff41lice@x"):
        assert found(users, policy=policy, preferred_username=value, sub="s") == NOBODY
    assert found(users, policy=policy, sub="alice@x") == NOBODY
    twins = (User("low", "abc"), User("high", "ABC"))
    for value in ("abc", "ABC", "aBc"):
        assert found(twins, policy=policy, preferred_username=value, sub="s") == "user_ambiguous"
    assert [found(twins, policy=policy, sub=sub) for sub in ("abc", "ABC")] == ["low", "high"]


def test_a_path_steps_into_objects_where_that_is_declared() -> None:
    """MAP-031: and the member of the whole name wins."""
    users = (User("ann", "e-1"), User("bob", "e-2"), B)
    nested = {"extn": {"employeeId": "e-1"}}
    path = Policy(claim_path="path")

    def by(policy: Policy, claim: str, **claims: object) -> str:
        return found(users, claim, policy=policy, sub="s-b", **claims)

    assert by(Policy(), "extn.employeeId", **nested) == "B"
    assert by(path, "extn.employeeId", **nested) == "ann"
    assert by(path, "extn.employeeId", **nested, **{"extn.employeeId": "e-2"}) == "bob"
    assert by(path, "extn.employeeId", **nested, **{"extn.employeeId": None}) == "B"
    assert by(path, "a.b.c", a={"b": {"c": "e-1"}}) == "ann"
    for deep in ("e-1", ["e-1"], None, {"c": "e-1"}, {"b": ["e-1"]}):
        assert by(path, "a.b.c", a=deep) == "B"
    for claim in ("$.a", "/a/b", "a[0]"):
        assert by(path, claim, a={"b": "e-1"}) == "B"


@pytest.mark.parametrize(
    "sub, reason", [(ABSENT, "claim_missing"), (None, WRONG), (5, WRONG), ("", "claim_value")]
)
def test_a_token_may_need_its_sub_always(sub: object, reason: str) -> None:
    """MAP-017, IDP-009."""
    assert found(policy=Policy(), preferred_username="a@x", sub=sub) == "A"
    assert found(policy=Policy(sub_required="always"), preferred_username="a@x", sub=sub) == reason
    assert found(policy=Policy(sub_required="always"), preferred_username="a@x", sub="s-x") == "A"


def test_one_external_id_may_be_of_two_claims_where_they_are_typed() -> None:
    """MAP-019, MAP-037."""
    users = (User("sub", "x"), User("claim", "x", claim=PU), User("other", "x", claim="oid"))
    typed = Policy(external_id_namespace="typed")
    assert found(users, policy=typed, preferred_username="x", sub="y") == "claim"
    assert found(users, policy=typed, sub="x") == "sub"
    with pytest.raises(OnboardingRefused):
        UserFinder(Policy(), PU, users)
    with pytest.raises(OnboardingRefused):
        UserFinder(typed, PU, (*users, User("fourth", "x")))


def test_users_are_indexed_anew_when_the_custom_claim_changes(world: "World", rs256: "Signer") -> None:
    """MAP-047: users who were sent once are found by the claim that counts now."""
    world.start(external_id_namespace="typed")
    world.onboard(User("ann", "a@x", claim=PU), User("bob", "o-1", claim="oid"), custom_claim=PU)
    token = rs256.token(world.claims(**{PU: "a@x", "oid": "o-1"}))
    assert world.accepts(token) == "ann"
    world.onboard(custom_claim="oid")
    assert world.accepts(token) == "bob"
    world.onboard()
    assert world.rejects(token) == "no_user"


def test_the_placeholder_of_an_idp_is_nobodys_external_id(world: "World", rs256: "Signer") -> None:
    """AZR-026."""
    text = "Not supported currently. Use oid claim."
    with pytest.raises(OnboardingRefused) as refusal:
        world.onboard(User("ann", text))
    assert refusal.value.reason == "user"
    assert "oid" in refusal.value.detail
    assert world.rejects(rs256.token(world.claims(sub=text))) == "no_user"


# What holds under every policy, for every token.

CHOICES = {
    "user_scope": ("integration", "token_presence", "enrolled_users"),
    "external_id_namespace": ("untyped", "typed"),
    "conflict": ("claim_wins", "reject"),
    "blank_is_empty": ("fallback", "reject"),
    "empty_container": ("fallback", "reject"),
    "wrong_type": ("reject", "fallback"),
    "numeric_external_id": ("reject", "exact_integer"),
    "singleton_array": ("reject", "unwrap"),
    "custom_claim_compare": ("exact", "ascii_ci"),
    "claim_path": ("literal", "path"),
    "sub_required": ("when_used", "always"),
}
POLICIES = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in CHOICES.items()}).map(
    lambda knobs: Policy(**knobs)  # type: ignore[arg-type] # the names are the policy's
)
IDS = ["a@x", "A@x", "s-b", "1", "0", "true", "null", "[]", " ", "", "\u3000", "['a@x']", "a@x "]
TEXTS = st.sampled_from(IDS) | st.text(max_size=3)
SIMPLE = st.none() | st.booleans() | st.integers(-2, 2) | st.floats(allow_nan=False) | TEXTS
ANYTHING = (
    SIMPLE | st.lists(SIMPLE, max_size=2) | st.dictionaries(TEXTS, SIMPLE, max_size=2) | st.just(ABSENT)
)
DIRECTORIES = st.lists(
    st.builds(
        User,
        name=st.sampled_from(["ann", "bob", "eve"]),
        external_id=st.none() | TEXTS,
        active=st.booleans(),
        claim=st.sampled_from([PU, "sub"]),
        enrolled=st.booleans(),
    ),
    max_size=8,
    unique_by=lambda user: user.external_id,
).map(tuple)  # fmt: skip


@given(policy=POLICIES, users=DIRECTORIES, claim=ANYTHING, sub=ANYTHING)
def test_a_user_is_named_by_claim_or_sub_or_is_not_found(
    policy: Policy, users: tuple[User, ...], claim: object, sub: object
) -> None:
    """MAP-009, MAP-018, MAP-021, MAP-041: no coercion, no blank, and nobody of elsewhere; the same answer twice."""
    finder = UserFinder(policy, PU, users)
    claims = {name: value for name, value in ((PU, claim), ("sub", sub)) if value is not ...}
    verdict = found(users, policy=policy, **claims)
    assert found(users, policy=policy, **claims) == verdict
    if verdict not in {user.name for user in users}:
        assert verdict in REJECT_REASONS
        return
    match = finder.find(claims)
    assert match.user in users
    assert match.user.active
    own = match.user.external_id
    assert own is not None
    assert not is_blank(own)
    texts = {claim} if isinstance(claim, str) else set()
    if policy.singleton_array == "unwrap" and isinstance(claim, list) and len(claim) == 1:
        texts |= {one for one in claim if isinstance(one, str)}
    if policy.numeric_external_id == "exact_integer" and type(claim) is int:
        texts |= {str(claim)}
    if policy.custom_claim_compare == "ascii_ci":
        texts |= {own} if any(text.lower() == own.lower() and text.isascii() for text in texts) else set()
    assert own in texts if match.claim == PU else own == sub
    assert match.fallback == (match.claim == "sub")
