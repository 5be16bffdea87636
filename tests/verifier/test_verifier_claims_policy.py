"""CLM, AZR and IDP under each policy, and the floors that no policy can turn away."""

import json
from typing import TYPE_CHECKING, Any

import pytest

from verifier import Policy, TokenRejected, User

if TYPE_CHECKING:
    from tests.verifier.conftest import Signer, World

HOUR = 3600


def judged(
    world: "World", signer: "Signer", header: dict[str, Any] | None = None, /, **claims: object
) -> str:
    """Return the user of a token with these claims, or why it is rejected."""
    try:
        return world.accepts(signer.token(world.claims(**claims), **(header or {})))
    except TokenRejected as rejection:
        return rejection.reason


def under(world: "World", **knobs: object) -> None:
    world.start(**knobs)
    world.onboard(User("ann", "ann-sub"), User("robot", "robot@clients"))


def test_iat_may_be_asked_for(world: "World", rs256: "Signer") -> None:
    """CLM-016."""
    assert judged(world, rs256) == "ann"
    under(world, iat_required=True)
    assert judged(world, rs256) == "claim_missing"
    assert judged(world, rs256, iat=world.now) == "ann"
    assert judged(world, rs256, iat="now") == "claim_type"


def test_iat_may_lie_in_the_future_but_stands_for_no_other_time(world: "World", rs256: "Signer") -> None:
    """CLM-016, CLM-017."""
    late = {"iat": world.now + HOUR, "exp": world.now + 2 * HOUR}
    assert judged(world, rs256, **late) == "not_yet_valid"
    under(world, iat_future="accept")
    assert judged(world, rs256, **late) == "ann"
    assert judged(world, rs256, **late, nbf=world.now + HOUR) == "not_yet_valid"
    assert judged(world, rs256, **late | {"exp": world.now + HOUR}) == "claim_value"
    assert judged(world, rs256, iat=world.now + HOUR, exp=...) == "claim_missing"


def test_a_life_may_be_bounded_from_28_hours_on(world: "World", rs256: "Signer") -> None:
    """CLM-019, CLM-014, AZR-025: with and without iat, and an end in milliseconds is too far."""
    assert judged(world, rs256, exp=world.now + 87600 * HOUR) == "ann"
    under(world, max_lifetime_s=28 * HOUR)
    for start in ({}, {"iat": world.now}, {"iat": world.now - 20 * HOUR}):
        begin = start.get("iat", world.now)
        assert judged(world, rs256, **start, exp=begin + 28 * HOUR) == "ann"
        assert judged(world, rs256, **start, exp=begin + 28 * HOUR + 1) == "lifetime"
    assert judged(world, rs256, exp=world.now * 1000) == "lifetime"
    under(world, max_lifetime_s=28 * HOUR, exp_required=False)
    assert judged(world, rs256, exp=...) == "lifetime"


def test_further_audiences_may_be_denied(world: "World", rs256: "Signer") -> None:
    """CLM-008: by element, and those of the same integration are no strangers."""
    extra = ["api", "https://t/userinfo"]
    assert judged(world, rs256, aud=extra) == "ann"
    under(world, aud_extra="deny")
    for aud, verdict in (("api", "ann"), (["api"], "ann"), (["api", "api"], "ann"), (extra, "audience")):
        assert judged(world, rs256, aud=aud) == verdict
    under(world, aud_extra="deny", multi_audience=True)
    world.onboard(audience=["api", "https://t/userinfo"])
    assert judged(world, rs256, aud=extra) == "ann"
    assert judged(world, rs256, aud=[*extra, "x"]) == "audience"


def test_a_client_id_stands_for_a_missing_audience_where_that_is_said(
    world: "World", rs256: "Signer"
) -> None:
    """IDP-014, IDP-006: for that integration alone, and an aud that is there counts alone."""
    assert judged(world, rs256, aud=..., client_id="api") == "claim_missing"
    world.onboard(aud_from="client_id")
    assert judged(world, rs256, aud=..., client_id="api") == "ann"
    assert judged(world, rs256) == "ann"
    assert judged(world, rs256, aud="other", client_id="api") == "audience"
    assert judged(world, rs256, aud=None, client_id="api") == "claim_type"
    assert judged(world, rs256, aud=..., azp="api") == "claim_missing"
    for client in ("API", ["api"], {"api": 1}, None, 1, ""):
        assert judged(world, rs256, aud=..., client_id=client) == "claim_missing"
    world.onboard(User("tom", "ann-sub"), id="i-2", entity_id="urn:2", audience="two")
    assert judged(world, rs256, aud=..., client_id="two") == "claim_missing"
    world.onboard(aud_from="aud")
    assert judged(world, rs256, aud=..., client_id="api") == "claim_missing"
    assert world.refuses(aud_from="azp") == "value_format"


@pytest.mark.parametrize("typ", ["logout+jwt", "application/SecEvent+jwt", "dpop+jwt", "vc+jwt"])
def test_types_are_the_policys_but_for_those_of_other_tokens(
    world: "World", rs256: "Signer", typ: str
) -> None:
    """CLM-022, CLM-024, IDP-004."""
    under(world, typ=("application/AT+jwt", "acme+jwt"))
    for good in ("at+jwt", "AT+JWT", "Acme+JWT", "application/acme+jwt"):
        assert judged(world, rs256, {"typ": good}) == "ann"
    for bad in ("JWT", "absent", "", None, 1, typ):
        assert judged(world, rs256, {"typ": bad}) == "token_type"
    assert judged(world, rs256) == "token_type"
    with pytest.raises(ValueError, match="typ: "):
        Policy(typ=("JWT", typ))


ACCESS = [
    {"scope": "read"}, {"scp": ["read"]}, {"scp": "read", "nonce": "n"}, {"token_use": "access"},
    {"typ": "Bearer", "nonce": "n"},
    {"idtyp": "user"}, {"roles": ["r"]},
]  # fmt: skip
ID = [
    {"nonce": "n"}, {"at_hash": "h"}, {"at_hash": "h", "scope": "openid"}, {"c_hash": "h", "roles": ["r"]},
    {"token_use": "id", "scope": "read"}, {"typ": "ID", "scope": "read"}, {"nonce": "n", "roles": ["r"]},
]  # fmt: skip


@pytest.mark.parametrize("claims", [*ACCESS, *ID, {}, {"token_use": 1}, {"typ": ["ID"]}])
def test_the_other_kind_of_token_is_rejected_where_it_tells(
    world: "World", rs256: "Signer", claims: dict[str, object]
) -> None:
    """CLM-023, AZR-021, IDP-007, IDP-014: where it does not tell, both policies take it."""
    assert judged(world, rs256, **claims) == "ann"
    under(world, token_kind="access")
    assert judged(world, rs256, **claims) == ("token_type" if claims in ID else "ann")
    assert judged(world, rs256, {"typ": "at+jwt"}) == "ann"
    under(world, token_kind="id")
    assert judged(world, rs256, **claims) == ("token_type" if claims in ACCESS else "ann")
    assert judged(world, rs256, {"typ": "at+jwt"}) == "token_type"


def test_a_bound_token_may_be_read_as_plain(world: "World", rs256: "Signer") -> None:
    """CLM-025."""
    assert judged(world, rs256, cnf={"jkt": "x"}) == "token_type"
    under(world, cnf="ignore")
    assert judged(world, rs256, cnf={"jkt": "x"}) == "ann"


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "robot@clients"}, {"sub": "ann-sub", "idtyp": "app"}, {"sub": "ann-sub", "client_id": "ann-sub"},
        {"azp": "ann-sub"}, {"gty": "client-credentials"}, {"preferred_username": "service-account-scan"},
    ],
)  # fmt: skip
def test_a_machine_is_found_by_its_exact_value_or_refused(
    world: "World", rs256: "Signer", claims: dict[str, object]
) -> None:
    """MAP-050, AZR-020, IDP-005."""
    under(world)
    assert judged(world, rs256, **claims) in ("ann", "robot")
    under(world, app_only="reject")
    assert judged(world, rs256, **claims) == "token_type"
    assert judged(world, rs256, client_id="app", azp="app", scope="read", preferred_username="ann@x") == "ann"


def test_only_listed_clients_are_let_in_where_a_list_is_declared(world: "World", rs256: "Signer") -> None:
    """CLM-010: under every name that a client has, and all of them."""
    assert judged(world, rs256, azp="any") == "ann"
    under(world, client_allowlist=("app", "two"))
    for name in ("azp", "client_id", "appid", "cid"):
        assert judged(world, rs256, **{name: "app"}) == "ann"
        for other in ("App", "ap", ["app"], None, 1):
            assert judged(world, rs256, **{name: other}) == "claim_value"
    assert judged(world, rs256, azp="app", client_id="evil") == "claim_value"
    assert judged(world, rs256) == "claim_missing"


def test_scopes_are_read_as_text_and_as_list_where_they_are_asked_for(
    world: "World", rs256: "Signer"
) -> None:
    """CLM-030, IDP-002."""
    assert judged(world, rs256) == "ann"
    under(world, required_scope=("read", "write"))
    good: tuple[dict[str, object], ...] = (
        {"scope": "write x read"}, {"scp": ["read", "write"]}, {"scp": "read write"},
        {"scope": "read", "scp": ["write"]},
    )  # fmt: skip
    for claims in good:
        assert judged(world, rs256, **claims) == "ann"
    for value in (
        "read",
        "readwrite",
        "READ WRITE",
        ["read write"],
        [["read"], "write"],
        {"read": 1, "write": 1},
        None,
        1,
    ):
        assert judged(world, rs256, scope=value) == "scope"


def test_a_token_without_kid_is_judged_as_declared(world: "World", rs256: "Signer", other: "Signer") -> None:
    """KEY-008: never by the first key because it is the first."""

    def bare(signer: "Signer") -> str:
        return signer.raw(b'{"alg":"RS256"}', json.dumps(world.claims()).encode())

    for keys in ((rs256, other), (other, rs256)):
        world.publish(*keys)
        for nokid, verdict in (("single", "unknown_key"), ("reject", "unknown_key"), ("try_fitting", None)):
            under(world, nokid=nokid)
            for signer in keys:
                token = bare(signer)
                assert (world.rejects(token) if verdict else world.accepts(token)) == (verdict or "ann")
            assert judged(world, rs256) == "ann"
        forged = bare(rs256)[:-4] + "AAAA"
        assert world.rejects(forged) == "bad_signature"
    world.publish(rs256)
    under(world, nokid="reject")
    assert world.rejects(bare(rs256)) == "unknown_key"


@pytest.mark.parametrize(
    "knobs",
    [
        {"max_lifetime_s": 100_799}, {"max_lifetime_s": 0}, {"typ": ()}, {"typ": "JWT"}, {"typ": ("",)},
        {"typ": ("application/logout+jwt",)}, {"client_allowlist": "app"}, {"client_allowlist": (" ",)},
        {"required_scope": ["read"]}, {"reserved_issuers": ("",)}, {"algorithms": "RS256"}, {"user_scope": "R3"},
        {"conflict": "sub_wins"}, {"wrong_type": None}, {"token_kind": "refresh"}, {"nokid": "first"}, {"cnf": True},
    ],
)  # fmt: skip
def test_a_floor_is_named_with_its_knob(knobs: dict[str, Any]) -> None:
    (name,) = knobs
    with pytest.raises(ValueError, match=rf"^{name}: [^\n]+$"):
        Policy(**knobs)
