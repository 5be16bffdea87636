"""MAP: which user a verified token stands for, if any."""

from typing import TYPE_CHECKING

import pytest

from verifier import OnboardingRefused, User

if TYPE_CHECKING:
    from tests.verifier.conftest import Signer, World

PU = "preferred_username"


@pytest.fixture
def mapped(world: "World") -> "World":
    """Configure a custom claim; ann is known by it, bob by sub, and others are traps."""
    world.onboard(
        User("ann", "a@x"), User("bob", "bob-sub"),
        User("zero", "0"), User("no", "False"), User("false", "false"), User("one", "1"), User("null", "null"),
        User("none", "None"), User("list", "[]"), User("text", "['a@x']"), User("half", "1.5"),
        User("unset", ""), User("blank", " "), User("wide", "\u3000"), User("absent", None),
        custom_claim=PU,
    )  # fmt: skip
    return world


def claims(world: "World", value: object, sub: object = "bob-sub") -> dict[str, object]:
    return world.claims(**{PU: value, "sub": sub})


def test_without_a_custom_claim_sub_alone_counts(world: "World", rs256: "Signer") -> None:
    """MAP-001."""
    assert world.accepts(rs256.token(world.claims(**{PU: "bob-sub"}))) == "ann"


def test_a_valued_custom_claim_counts_instead_of_sub(mapped: "World", rs256: "Signer") -> None:
    """MAP-002, MAP-003, MAP-017, MAP-046: whatever sub is, and if there is none."""
    for sub in ("bob-sub", "nobody", "", None, 5, ...):
        found = mapped.verifier.authenticate(rs256.token(claims(mapped, "a@x", sub)))
        assert (found.user, found.external_id, found.claim, found.fallback) == ("ann", "a@x", PU, False)


@pytest.mark.parametrize("value", [..., "", None, " ", "\t\n", "\u00a0", "\u3000", "\u2028 \x85", [], {}])
def test_a_claim_without_value_falls_back_to_sub(mapped: "World", rs256: "Signer", value: object) -> None:
    """MAP-004 to MAP-008, MAP-022."""
    found = mapped.verifier.authenticate(rs256.token(claims(mapped, value)))
    assert (found.user, found.claim, found.fallback) == ("bob", "sub", True)


@pytest.mark.parametrize(
    "value",
    [
        "ghost@x",
        "null",
        "\u200b",
        "\ufeff",
        "\0",
        "N/A",
        "A@x",
        "a@x ",
        " a@x",
        "a@x\0",
        "a@x\r\nX: y",
        "a@X",
    ],
)
def test_a_value_that_nobody_has_is_not_replaced_by_sub(mapped: "World", rs256: "Signer", value: str) -> None:
    """MAP-006, MAP-007, MAP-014, MAP-025, MAP-027, MAP-035."""
    token = rs256.token(claims(mapped, value))
    if value == "null":
        assert mapped.accepts(token) == "null"
    else:
        assert mapped.rejects(token) == "no_user"


@pytest.mark.parametrize(
    "value",
    [
        0,
        1,
        False,
        True,
        1.5,
        12345,
        ["a@x"],
        ["a@x", "b@x"],
        [""],
        [None],
        [[]],
        {"value": "a@x"},
        {"$ne": None},
    ],
)
def test_a_value_of_another_type_is_rejected_alike(mapped: "World", rs256: "Signer", value: object) -> None:
    """MAP-009 to MAP-013."""
    assert mapped.rejects(rs256.token(claims(mapped, value))) == "claim_type"


@pytest.mark.parametrize(
    "sub, reason",
    [
        ("ghost", "no_user"),
        (..., "claim_missing"),
        ("", "claim_value"),
        (" ", "claim_value"),
        (None, "claim_type"),
        (1, "claim_type"),
        (True, "claim_type"),
        (["bob-sub"], "claim_type"),
        ({}, "claim_type"),
        ("ann-su", "no_user"),
        ("BOB-SUB", "no_user"),
        ("bob-sub\u200b", "no_user"),
    ],
)
def test_a_fallback_needs_a_usable_sub(mapped: "World", rs256: "Signer", sub: object, reason: str) -> None:
    """MAP-015, MAP-016, MAP-018, MAP-026, CLM-020."""
    assert mapped.rejects(rs256.token(claims(mapped, "", sub))) == reason


def test_a_claim_name_is_literal_and_case_sensitive(world: "World", rs256: "Signer") -> None:
    """MAP-029 to MAP-032, IDP-015."""
    for name in ("extn.employeeId", "https://acme.example/claims/eid", "custom:eid", "$.a", "a[0]"):
        world.onboard(User("ann", "e-1"), User("bob", "bob-sub"), custom_claim=name)
        valued = world.claims(sub="bob-sub", extn={"employeeId": "e-9"}, **{name: "e-1"})
        assert world.accepts(rs256.token(valued)) == "ann"
        other = world.claims(sub="bob-sub", extn={"employeeId": "e-1"}, a=["e-1"], **{name.upper(): "e-1"})
        assert world.accepts(rs256.token(other)) == "bob"


def test_case_twins_of_claims_and_parameters_are_others(world: "World", rs256: "Signer") -> None:
    """MAP-030."""
    twins = {"SUB": "bob-sub", "Iss": "x", "AUD": "x", "Exp": 1}
    assert world.accepts(rs256.token(world.claims(**twins), ALG="none", Kid="x")) == "ann"
    assert world.accepts(rs256.token(twins | world.claims())) == "ann"


@pytest.mark.parametrize(
    "name", ["constructor", "toString", "__proto__", "__class__", "hasOwnProperty", "keys"]
)
def test_names_of_the_language_are_no_claims(world: "World", rs256: "Signer", name: str) -> None:
    """MAP-033."""
    world.onboard(User("bob", "bob-sub"), custom_claim=name)
    assert world.accepts(rs256.token(world.claims(sub="bob-sub"))) == "bob"


@pytest.mark.parametrize(
    "value", ["o'brien@x", "a\\b", "100%", "DOM\\user", "auth0|123", "u_x#EXT#@t", "\u00e9\U0001f600"]
)
def test_an_external_id_is_found_literally(world: "World", rs256: "Signer", value: str) -> None:
    """MAP-034, IDP-003, IDP-013, AZR-008."""
    world.onboard(User("ann", value), User("all", "*"))
    assert world.accepts(rs256.token(world.claims(sub=value))) == "ann"
    for wild in ("%", "_", "' OR '1'='1", "*)(objectClass=*", "${x}"):
        assert world.rejects(rs256.token(world.claims(sub=wild))) == "no_user"


def test_unicode_is_not_normalised(world: "World", rs256: "Signer") -> None:
    """MAP-028."""
    world.onboard(User("ann", "\u00e9a"), User("bob", "strasse"))
    for twin in ("e\u0301a", "\u00e9\uff41", "\u00e9\u0430", "stra\u00dfe"):
        assert world.rejects(rs256.token(world.claims(sub=twin))) == "no_user"


def test_a_long_external_id_is_compared_in_full(world: "World", rs256: "Signer") -> None:
    """MAP-036, CLM-021."""
    world.onboard(User("ann", "x" * 255))
    assert world.accepts(rs256.token(world.claims(sub="x" * 255))) == "ann"
    for length in (254, 256, 4000):
        assert world.rejects(rs256.token(world.claims(sub="x" * length))) == "no_user"


@pytest.mark.parametrize(
    "second", [User("bob", "same"), User("bob", "same", active=False), User("ann", "same")]
)
def test_two_users_with_one_external_id_are_refused(world: "World", rs256: "Signer", second: User) -> None:
    """MAP-037, MAP-038: even if one of them is inactive; and what was before goes on."""
    with pytest.raises(OnboardingRefused) as refusal:
        world.verifier.set_users("i-1", [User("ann", "same"), second])
    assert refusal.value.reason == "user"
    assert "'ann'" in refusal.value.detail
    assert world.accepts(rs256.token(world.claims())) == "ann"
    world.verifier.set_users("i-1", [User("ann", "other"), User("bob", "same")])
    assert world.accepts(rs256.token(world.claims(sub="same"))) == "bob"


def test_users_are_judged_as_they_are_at_each_request(world: "World", rs256: "Signer") -> None:
    """MAP-039, MAP-042: for tokens already issued too."""
    token = rs256.token(world.claims())
    for user, reason in (
        (User("ann", "ann-sub", active=False), "user_inactive"),
        (User("ann", "new"), "no_user"),
    ):
        world.verifier.set_users("i-1", [user])
        assert world.rejects(token) == reason
    world.verifier.set_users("i-1", [User("bob", "ann-sub")])
    assert world.accepts(token) == "bob"


def test_users_and_custom_claims_stay_in_their_integration(mapped: "World", rs256: "Signer") -> None:
    """MAP-021, MAP-041."""
    mapped.onboard(User("tom", "tom-sub"), User("tea", "a@x"), id="i-2", entity_id="urn:2", audience="two")
    assert mapped.accepts(rs256.token(mapped.claims(aud="two", sub="tom-sub", **{PU: "a@x"}))) == "tom"
    assert mapped.rejects(rs256.token(mapped.claims(aud="two", sub="bob-sub"))) == "no_user"
    assert mapped.rejects(rs256.token(mapped.claims(sub="tom-sub"))) == "no_user"


def test_aggregated_claims_are_absent(mapped: "World", rs256: "Signer") -> None:
    """MAP-045, AZR-019."""
    pointers = {
        "_claim_names": {PU: "src1"},
        "_claim_sources": {"src1": {"endpoint": "https://evil.example"}},
    }
    assert mapped.accepts(rs256.token(mapped.claims(sub="bob-sub", **pointers))) == "bob"
    assert mapped.fetches == []


@pytest.mark.parametrize("verified", [False, "false", "true", 1, None])
def test_an_address_that_is_not_verified_is_no_identity(
    world: "World", rs256: "Signer", verified: object
) -> None:
    """CLM-031."""
    world.onboard(User("ann", "a@x"), custom_claim="email")
    assert world.accepts(rs256.token(world.claims(email="a@x", email_verified=True))) == "ann"
    assert world.accepts(rs256.token(world.claims(email="a@x"))) == "ann"
    assert world.rejects(rs256.token(world.claims(email="a@x", email_verified=verified))) == "claim_value"


def test_a_custom_claim_that_is_enabled_later_reroutes_tokens(world: "World", rs256: "Signer") -> None:
    """MAP-047: and `sub` as custom claim changes nothing."""
    token = rs256.token(world.claims(**{PU: "bob-sub"}))
    assert world.accepts(token) == "ann"
    world.onboard(custom_claim=PU)
    assert world.accepts(token) == "bob"
    world.onboard(custom_claim="sub")
    assert world.accepts(token) == "ann"
