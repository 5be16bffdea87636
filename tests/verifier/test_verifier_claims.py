"""CLM, AZR and IDP: who issued a token, for whom, when, and of what kind."""

from typing import TYPE_CHECKING

import pytest

from verifier import TokenRejected, User

if TYPE_CHECKING:
    from tests.verifier.conftest import Signer, World

TENANT = "11111111-2222-3333-4444-555555555555"


@pytest.mark.parametrize(
    "issuer",
    [
        "https://idp.example/", "https://IDP.example", "http://idp.example", "https://idp.example:443", "acme",
        "https://idp.example.evil.tld", "https://idpXexample", " https://idp.example", "https://idp.example\u200b",
        "https://idp.ex\u0430mple", "https://evil/?https://idp.example", "https://idp.example/%2D", "",
    ],
)  # fmt: skip
def test_an_issuer_is_the_configured_text_or_none(world: "World", rs256: "Signer", issuer: str) -> None:
    """CLM-001, CLM-002, CLM-033."""
    assert world.rejects(rs256.token(world.claims(iss=issuer))) == "issuer"


@pytest.mark.parametrize("name", ["iss", "aud", "exp", "sub"])
def test_a_claim_that_is_needed_and_missing_is_named(world: "World", rs256: "Signer", name: str) -> None:
    """CLM-003, CLM-006, CLM-011, CLM-020."""
    with pytest.raises(TokenRejected) as rejection:
        world.verifier.authenticate(rs256.token(world.claims(**{name: ...})))
    assert (rejection.value.reason, rejection.value.claim) == ("claim_missing", name)


@pytest.mark.parametrize("value", [None, 1, True, ["https://idp.example"], {"https://idp.example": 1}])
def test_an_issuer_of_another_type_is_none(world: "World", rs256: "Signer", value: object) -> None:
    """CLM-003."""
    assert world.rejects(rs256.token(world.claims(iss=value))) == "claim_type"


@pytest.mark.parametrize(
    "value", ["api", ["api"], ["x", "api"], ["api", "https://t/userinfo"], ["api", "api"]]
)
def test_the_audience_is_the_value_or_one_of_a_list(world: "World", rs256: "Signer", value: object) -> None:
    """CLM-004, CLM-005, CLM-008."""
    assert world.accepts(rs256.token(world.claims(aud=value))) == "ann"


@pytest.mark.parametrize(
    "value", ["API", "api/", "ap", "apis", "*", "api other", "", [], [""], ["x"], "\uff41pi", "api\u200b"]
)
def test_another_audience_is_rejected(world: "World", rs256: "Signer", value: object) -> None:
    """CLM-004 to CLM-007, CLM-033."""
    assert world.rejects(rs256.token(world.claims(aud=value))) == "audience"


@pytest.mark.parametrize(
    "value", [None, {}, 1, True, [None], [["api"]], {"api": 1}, [1, "api"], ["api", None]]
)
def test_an_audience_of_another_type_is_rejected(world: "World", rs256: "Signer", value: object) -> None:
    """CLM-006, CLM-007."""
    assert world.rejects(rs256.token(world.claims(aud=value))) == "claim_type"


def test_issuer_and_audience_are_a_pair(world: "World", rs256: "Signer", other: "Signer") -> None:
    """CLM-009, KEY-036, SIG-028: neither the audience nor the key of another integration helps."""
    world.publish(other.jwk(kid=rs256.kid), url="https://two.example/jwks")
    two = {"iss": "https://two.example", "aud": "two"}
    world.onboard(
        User("tom", "ann-sub"),
        id="i-2", entity_id="urn:two", issuer=two["iss"], audience="two", jwks_uri="https://two.example/jwks",
    )  # fmt: skip
    by_two = type(other)(other.key, "RS256", rs256.kid)
    assert world.accepts(by_two.token(world.claims(**two))) == "tom"
    assert world.accepts(rs256.token(world.claims())) == "ann"
    assert world.rejects(rs256.token(world.claims(aud="two"))) == "audience"
    assert world.rejects(rs256.token(world.claims(**two))) == "bad_signature"
    assert world.rejects(by_two.token(world.claims())) == "bad_signature"


def test_a_token_for_two_integrations_at_once_is_nobodys(world: "World", rs256: "Signer") -> None:
    """CLM-009, OPS-013: one issuer, two audiences of two customers: no order decides."""
    world.onboard(User("tom", "ann-sub"), id="i-2", entity_id="urn:two", audience="two")
    assert world.accepts(rs256.token(world.claims(aud=["two", "x"]))) == "tom"
    for audiences in (["api", "two"], ["two", "api"]):
        assert world.rejects(rs256.token(world.claims(aud=audiences))) == "audience"


@pytest.mark.parametrize("leeway", [0, 60, 300])
def test_leeway_counts_once_at_each_end(world: "World", rs256: "Signer", leeway: int) -> None:
    """CLM-012, CLM-015, CLM-016, CLM-018."""
    world.onboard(leeway_s=leeway)
    now = world.now
    assert world.accepts(rs256.token(world.claims(exp=now - leeway + 1))) == "ann"
    assert world.rejects(rs256.token(world.claims(exp=now - leeway))) == "expired"
    for name in ("nbf", "iat"):
        late = {name: now + leeway, "exp": now + 1000}
        assert world.accepts(rs256.token(world.claims(**late))) == "ann"
        assert world.rejects(rs256.token(world.claims(**late | {name: now + leeway + 1}))) == "not_yet_valid"


@pytest.mark.parametrize("exp", [0, -5, -0.0, 1, -(2**53)])
def test_a_time_long_gone_is_gone(world: "World", rs256: "Signer", exp: float) -> None:
    """CLM-012: zero and negative numbers are dates."""
    assert world.rejects(rs256.token(world.claims(exp=exp))) == "expired"


@pytest.mark.parametrize("exp", [1_893_456_000.25, 1.893456e9, 2_209_000_000, 1_893_456_000_000, 2**53])
def test_a_time_is_any_json_number(world: "World", rs256: "Signer", exp: float) -> None:
    """CLM-013, CLM-014, OPS-002: fractions, exponents, past 2038."""
    assert world.accepts(rs256.token(world.claims(exp=exp))) == "ann"


@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
@pytest.mark.parametrize("value", ["1893456000", "never", True, [], {}, None])
def test_a_time_of_another_type_is_rejected(
    world: "World", rs256: "Signer", name: str, value: object
) -> None:
    """CLM-013."""
    assert world.rejects(rs256.token(world.claims(**{name: value}))) == "claim_type"


@pytest.mark.parametrize("value", [2**53 + 1, 2**63, 10**399, -(10**398), 1e308, -1e308])
def test_a_time_out_of_range_is_rejected(world: "World", rs256: "Signer", value: float) -> None:
    """CLM-014, FMT-025."""
    assert world.rejects(rs256.token(world.claims(exp=value))) == "claim_value"


def test_times_are_coherent(world: "World", rs256: "Signer") -> None:
    """CLM-017."""
    now = world.now
    assert world.rejects(rs256.token(world.claims(exp=now + 10, iat=now + 10))) == "claim_value"
    assert world.rejects(rs256.token(world.claims(exp=now + 10, nbf=now + 20))) == "claim_value"


def test_a_policy_may_do_without_exp_but_not_ignore_it(world: "World", rs256: "Signer") -> None:
    """CLM-011."""
    world.start(exp_required=False)
    world.onboard(User("ann", "ann-sub"))
    assert world.accepts(rs256.token(world.claims(exp=...))) == "ann"
    assert world.rejects(rs256.token(world.claims(exp=1))) == "expired"


@pytest.mark.parametrize(
    "typ", ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt", "Application/AT+jwt"]
)
def test_the_types_of_access_and_id_tokens_are_accepted(world: "World", rs256: "Signer", typ: str) -> None:
    """CLM-022, IDP-004."""
    assert world.accepts(rs256.token(world.claims(), typ=typ)) == "ann"


@pytest.mark.parametrize(
    "typ",
    ["logout+jwt", "secevent+jwt", "dpop+jwt", "token-introspection+jwt", "vc+jwt", "", 1, None, ["JWT"]],
)
def test_every_other_type_is_rejected(world: "World", rs256: "Signer", typ: object) -> None:
    """CLM-022, CLM-024."""
    assert world.rejects(rs256.token(world.claims(), typ=typ)) == "token_type"


@pytest.mark.parametrize(
    "claims",
    [
        {"events": {"http://schemas.openid.net/event/backchannel-logout": {}}},
        {"typ": "Refresh"}, {"typ": "Offline"}, {"typ": "Logout"}, {"cnf": {"jkt": "x"}}, {"cnf": None},
        {"sub": "https://idp.example", "client_id": "https://idp.example"},
    ],
)  # fmt: skip
def test_other_kinds_of_token_are_no_credential(
    world: "World", rs256: "Signer", claims: dict[str, object]
) -> None:
    """CLM-024, CLM-025, IDP-007."""
    assert world.rejects(rs256.token(world.claims(**claims))) == "token_type"


@pytest.mark.parametrize(
    "claims", [{"typ": "Bearer"}, {"typ": "ID"}, {"typ": 1}, {"nonce": "n"}, {"ver": 1}, {"tid": 1}]
)
def test_ordinary_claims_of_an_idp_do_no_harm(
    world: "World", rs256: "Signer", claims: dict[str, object]
) -> None:
    """FMT-022, CLM-034, IDP-002, IDP-007."""
    assert world.accepts(rs256.token(world.claims(**claims))) == "ann"


def test_delegation_is_no_identity(world: "World", rs256: "Signer") -> None:
    """CLM-029, AZR-022."""
    nested = {"act": {"sub": "bob-sub"}, "may_act": {"sub": "bob-sub"}, "xms_st": {"sub": "bob-sub"}}
    assert world.accepts(rs256.token(world.claims(**nested))) == "ann"


def test_the_signature_is_judged_before_claims_and_claims_before_users(
    world: "World", rs256: "Signer", other: "Signer"
) -> None:
    """SIG-030, CLM-027: a forged token learns nothing about times and users."""
    forged = type(other)(other.key, "RS256", rs256.kid)
    assert world.rejects(forged.token(world.claims(exp=1, sub="nobody"))) == "bad_signature"
    assert world.rejects(rs256.token(world.claims(exp=1, sub="nobody"))) == "expired"
    assert world.rejects(rs256.token(world.claims(sub="nobody"))) == "no_user"


@pytest.mark.parametrize("host", ["login.microsoftonline.com/{}/v2.0", "sts.windows.net/{}/"])
def test_a_tenant_id_agrees_with_the_issuer(world: "World", rs256: "Signer", host: str) -> None:
    """AZR-001, AZR-002, AZR-015."""
    issuer = "https://" + host.format(TENANT)
    world.onboard(issuer=issuer)
    for good in (TENANT, ...):
        assert world.accepts(rs256.token(world.claims(iss=issuer, tid=good))) == "ann"
    for tid in (TENANT.replace("1", "9"), "contoso", [TENANT], None):
        assert world.rejects(rs256.token(world.claims(iss=issuer, tid=tid))) == "claim_value"
    assert world.rejects(rs256.token(world.claims(iss=issuer + "/"))) == "issuer"


def test_a_key_of_another_tenant_does_not_serve(world: "World", rs256: "Signer") -> None:
    """AZR-011, AZR-012: the `issuer` member of a shared JWKS restricts the key; a template restricts nothing."""
    issuer = f"https://login.microsoftonline.com/{TENANT}/v2.0"
    world.onboard(issuer=issuer)
    cases = ((issuer, True), (issuer.replace(TENANT, "{tenantid}"), True), (issuer.replace("1", "9"), False))
    for of_key, served in cases:
        world.publish(rs256.jwk(issuer=of_key))
        world.pass_time(3600)
        token = rs256.token(world.claims(iss=issuer))
        assert (world.accepts(token) == "ann") if served else (world.rejects(token) == "unknown_key")
