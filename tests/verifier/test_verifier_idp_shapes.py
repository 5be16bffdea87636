"""AZR and IDP, row by row: what the tokens of real IdPs look like, and what only looks like them."""

from typing import TYPE_CHECKING

import pytest

from verifier import User

if TYPE_CHECKING:
    from tests.verifier.conftest import Signer, World

TENANT, ATTACKER = "11111111-2222-3333-4444-555555555555", "99999999-2222-3333-4444-555555555555"
CONSUMERS = "9188040d-6c67-4c5b-b112-36a304b66dad"
GUID = "b1946ac9-2a4e-4c43-9d5e-8e0b6f7c1a23"
V1, V2 = f"https://sts.windows.net/{TENANT}/", f"https://login.microsoftonline.com/{TENANT}/v2.0"
PU = "preferred_username"

ANN, BOB = User("ann", "ann@contoso.example"), User("bob", "s-bob")


@pytest.fixture
def entra(world: "World") -> "World":
    """Onboard Entra v2.0 with preferred_username; ann is known by it and bob by sub."""
    world.onboard(ANN, BOB, issuer=V2, audience=GUID, custom_claim=PU)
    return world


def v2(world: "World", **changes: object) -> dict[str, object]:
    claims: dict[str, object] = {
        "iss": V2,
        "aud": GUID,
        "ver": "2.0",
        "tid": TENANT,
        "oid": "o-1",
        "scp": "read",
    }
    return world.claims(**{**claims, "sub": "s-ann", PU: "ann@contoso.example", "azp": "app", **changes})


def test_a_v2_token_is_accepted_by_its_exact_issuer(entra: "World", rs256: "Signer") -> None:
    """AZR-001, AZR-027, AZR-013, AZR-023, AZR-024: other spellings, tenants, clouds are other issuers."""
    assert entra.accepts(rs256.token(v2(entra))) == "ann"
    tenants = (ATTACKER, CONSUMERS, "common", "{tenantid}")
    others = [V2.removesuffix("/v2.0"), V2 + "/", V2.replace(".com", ".us"), V1]
    for iss in (*others, *(V2.replace(TENANT, tenant) for tenant in tenants)):
        tenant = ATTACKER if ATTACKER in iss else TENANT
        assert entra.rejects(rs256.token(v2(entra, iss=iss, tid=tenant))) == "issuer"


def test_a_national_cloud_is_an_issuer_like_others(world: "World", rs256: "Signer") -> None:
    """AZR-024, AZR-015."""
    for host in ("login.microsoftonline.us", "login.partner.microsoftonline.cn"):
        iss = f"https://{host}/{TENANT}/v2.0"
        world.onboard(ANN, issuer=iss, audience=GUID, custom_claim=PU)
        assert world.accepts(rs256.token(v2(world, iss=iss))) == "ann"
        assert world.rejects(rs256.token(v2(world))) == "issuer"
        assert world.rejects(rs256.token(v2(world, iss=iss, tid=ATTACKER))) == "claim_value"


def test_a_v1_token_falls_back_for_want_of_the_claim(world: "World", rs256: "Signer") -> None:
    """AZR-002, AZR-006: whatever its upn and unique_name are."""
    world.onboard(ANN, BOB, issuer=V1, audience=f"api://{GUID}", custom_claim=PU)
    v1 = {"iss": V1, "aud": f"api://{GUID}", "ver": "1.0", PU: ..., "appid": "app", "azp": ...}
    names = {"upn": "ann@contoso.example", "unique_name": "ann@contoso.example"}
    assert world.accepts(rs256.token(v2(world, **v1, **names, sub="s-bob"), x5t="x")) == "bob"
    assert world.rejects(rs256.token(v2(world, **v1, **names))) == "no_user"
    assert (
        world.rejects(rs256.token(v2(world, **v1 | {"iss": V1.removesuffix("/")}, sub="s-bob"))) == "issuer"
    )


def test_the_version_in_a_token_rewrites_nothing(entra: "World", rs256: "Signer") -> None:
    """AZR-003, IDP-002: judged by the issuer alone."""
    for ver in ("1.0", "2.0", 1, ...):
        assert entra.accepts(rs256.token(v2(entra, ver=ver))) == "ann"
        assert entra.rejects(rs256.token(v2(entra, ver=ver, iss=V1))) == "issuer"


def test_the_audience_is_the_guid_or_the_uri_as_configured(entra: "World", rs256: "Signer") -> None:
    """AZR-004, AZR-018."""
    for aud in (f"api://{GUID}", GUID.upper(), f"spn:{GUID}", f"{{{GUID}}}", "https://graph.microsoft.com",
                "00000003-0000-0000-c000-000000000000"):  # fmt: skip
        assert entra.rejects(rs256.token(v2(entra, aud=aud))) == "audience"


def test_a_pairwise_sub_of_another_application_is_nobodys(world: "World", rs256: "Signer") -> None:
    """AZR-005, IDP-001: one person has one sub here, another there, and is not guessed."""
    world.onboard(User("ann", "sub-at-app-1"))
    assert world.accepts(rs256.token(world.claims(sub="sub-at-app-1", oid="o-1"))) == "ann"
    for sub in ("sub-at-app-2", "00u1abcd"):
        claims = {"sub": sub, "oid": "o-1", "uid": "sub-at-app-1", PU: "sub-at-app-1"}
        assert world.rejects(rs256.token(world.claims(**claims))) == "no_user"


def test_a_token_without_the_profile_scope_falls_back(entra: "World", rs256: "Signer") -> None:
    """AZR-007: one person is not two users unless provisioned so."""
    bare = {PU: ..., "oid": ..., "tid": ...}
    assert entra.accepts(rs256.token(v2(entra, **bare, sub="s-bob"))) == "bob"
    assert entra.rejects(rs256.token(v2(entra, **bare))) == "no_user"


@pytest.mark.parametrize("claim", ["oid", "upn", "unique_name", "email", "employeeid", "extn.employeeId", "custom:eid",
                                   "cognito:username"])  # fmt: skip
@pytest.mark.parametrize(
    "value",
    [
        "live.com#u@outlook.com",
        "u_x.com#EXT#@t.onmicrosoft.com",
        "a+b@x",
        "o'brien@x",
        "DOM\\user",
        "auth0|1",
    ],
)
def test_many_claims_and_values_identify_users(
    world: "World", rs256: "Signer", claim: str, value: str
) -> None:
    """AZR-008, IDP-003, IDP-013, IDP-015: to the letter."""
    world.onboard(User("ann", value), custom_claim=claim)
    assert world.accepts(rs256.token(world.claims(**{claim: value}))) == "ann"
    for other in (
        value.upper(),
        value.split("#", maxsplit=1)[0] + "x",
        value.replace("+", " ") + " ",
        value.replace("\\", "\\\\") + "\\",
    ):
        assert world.rejects(rs256.token(world.claims(**{claim: other}))) == "no_user"


def test_a_renamed_person_is_nobody_until_the_external_id_follows(entra: "World", rs256: "Signer") -> None:
    """AZR-010, MAP-042: and never the user of sub."""
    renamed = rs256.token(v2(entra, **{PU: "ann.smith@contoso.example"}, sub="s-bob"))
    assert entra.rejects(renamed) == "no_user"
    entra.verifier.set_users("i-1", [User("ann", "ann.smith@contoso.example"), BOB])
    assert entra.accepts(renamed) == "ann"
    assert entra.rejects(rs256.token(v2(entra))) == "no_user"


def test_what_entra_adds_is_ignored(entra: "World", rs256: "Signer") -> None:
    """AZR-019, AZR-022: groups that are elsewhere, and opaque claims of any type."""
    opaque: list[dict[str, object]] = [
        {"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "https://x.example"}}},
        {"hasgroups": True},
        {"groups:src1": "x"},
        {"aio": 1, "rh": None, "uti": []},
        {"xms_st": {"sub": "s-bob", PU: "s-bob"}, "xms_cc": ["cp1"], "wids": "x"},
    ]
    for claims in opaque:
        assert entra.accepts(rs256.token(v2(entra, **claims))) == "ann"
    assert entra.fetches == []


def test_an_app_only_token_is_its_exact_value_or_nobody(entra: "World", rs256: "Signer") -> None:
    """AZR-020, MAP-050, IDP-005."""
    app = {"idtyp": "app", PU: ..., "scp": ..., "sub": "sp-1", "oid": "sp-1", "roles": ["Api.Read"]}
    assert entra.rejects(rs256.token(v2(entra, **app))) == "no_user"
    entra.verifier.set_users("i-1", [ANN, User("daemon", "sp-1"), User("scan", "service-account-scan")])
    assert entra.accepts(rs256.token(v2(entra, **app))) == "daemon"
    account = {PU: "service-account-scan", "sub": "uuid-1"}
    assert entra.accepts(rs256.token(v2(entra, **account))) == "scan"
    assert (
        entra.rejects(rs256.token(v2(entra, **account | {PU: "service-account-other", "sub": "sp-1"})))
        == "no_user"
    )


def test_a_token_may_live_as_long_as_entra_lets_it(entra: "World", rs256: "Signer") -> None:
    """AZR-025."""
    assert entra.accepts(rs256.token(v2(entra, iat=entra.now, exp=entra.now + 28 * 3600))) == "ann"


def test_the_query_of_a_jwks_url_is_kept(world: "World", rs256: "Signer", other: "Signer") -> None:
    """AZR-016, AZR-026."""
    url = "https://login.microsoftonline.com/t/discovery/keys?p=B2C_1_a%2Fb&appid=1"
    world.publish(rs256, url=url)
    world.publish(other, url=url.partition("?")[0])
    world.onboard(jwks_uri=url)
    assert world.fetches == [url]
    assert world.accepts(rs256.token(world.claims())) == "ann"


def test_a_new_key_is_taken_minutes_after_it_was_published(
    world: "World", rs256: "Signer", other: "Signer"
) -> None:
    """AZR-017: on demand, and a second time only after a while."""
    assert world.accepts(rs256.token(world.claims())) == "ann"
    world.publish(other, rs256)
    assert world.accepts(other.token(world.claims())) == "ann"
    world.publish(rs256, other.jwk(kid="third"))
    assert world.rejects(other.token(world.claims(), kid="third")) == "unknown_key"
    world.pass_time(301)
    assert world.accepts(other.token(world.claims(), kid="third")) == "ann"


def test_okta_and_auth0_tokens_as_they_come(world: "World", rs256: "Signer") -> None:
    """IDP-002, IDP-003, IDP-004."""
    okta = {"iss": "https://o.okta.com/oauth2/default", "aud": "api://default", "cid": "0oa", "uid": "00u", "ver": 1,
            "scp": ["read"], "sub": "ann-sub"}  # fmt: skip
    world.onboard(issuer=okta["iss"], audience=okta["aud"])
    assert world.accepts(rs256.token(world.claims(**okta))) == "ann"
    assert world.rejects(rs256.token(world.claims(**okta | {"iss": "https://o.okta.com"}))) == "issuer"
    auth0 = {
        "iss": "https://t.auth0.com/",
        "aud": ["api", "https://t.auth0.com/userinfo"],
        "sub": "auth0|123456",
    }
    world.onboard(User("ann", "auth0|123456"), issuer=auth0["iss"])
    for extra, typ in (({"azp": "c"}, "JWT"), ({"client_id": "c", "jti": "j"}, "at+jwt")):
        assert world.accepts(rs256.token(world.claims(**auth0, **extra), typ=typ)) == "ann"
    assert world.rejects(rs256.token(world.claims(**auth0 | {"iss": "https://t.auth0.com"}))) == "issuer"
    for sub in ("auth0%7C123456", "123456", "auth0"):
        assert world.rejects(rs256.token(world.claims(**auth0 | {"sub": sub}))) == "no_user"


def test_keycloak_realms_and_clients(world: "World", rs256: "Signer") -> None:
    """IDP-006, IDP-007, IDP-008, IDP-009."""
    realm = "https://kc.example/realms/a"
    world.publish(rs256.jwk(use="enc", kid="enc"), rs256)
    world.onboard(User("ann", "ann-sub"), User("kim", "kim"), issuer=realm, custom_claim=PU)
    token = {"iss": realm, "typ": "Bearer"}
    assert world.accepts(rs256.token(world.claims(**token, aud=["account", "api"]))) == "ann"
    for aud in ("account", ["account"], []):
        assert world.rejects(rs256.token(world.claims(**token, aud=aud, azp="api"))) == "audience"
    assert world.rejects(rs256.token(world.claims(**token, aud=..., azp="api"))) == "claim_missing"
    for iss in ("https://kc.example/realms/b", "https://kc.example/auth/realms/a", realm + "/"):
        assert world.rejects(rs256.token(world.claims(iss=iss))) == "issuer"
    for kind in ("Refresh", "Offline", "Logout"):
        assert world.rejects(rs256.token(world.claims(iss=realm, typ=kind))) == "token_type"
    assert world.rejects(rs256.token(world.claims(**token), kid="enc")) == "unknown_key"
    assert world.accepts(rs256.token(world.claims(**token, sub=..., **{PU: "kim"}))) == "kim"
    assert world.rejects(rs256.token(world.claims(**token, sub=...))) == "claim_missing"


def test_google_pingfederate_and_adfs_tokens_as_they_come(world: "World", rs256: "Signer") -> None:
    """IDP-010 to IDP-013."""
    sub = "110169484474386276334"
    world.onboard(User("ann", sub), issuer="https://accounts.google.com", audience="client")
    google = {"iss": "https://accounts.google.com", "aud": "client", "sub": sub}
    assert world.accepts(rs256.token(world.claims(**google))) == "ann"
    changes: list[tuple[dict[str, object], str]] = [
        ({"sub": sub[:-1] + "5"}, "no_user"),
        ({"sub": int(sub)}, "claim_type"),
        ({"iss": "accounts.google.com"}, "issuer"),
        ({"aud": "other", "hd": "x"}, "audience"),
    ]
    for change, reason in changes:
        assert world.rejects(rs256.token(world.claims(**google | change))) == reason
    assert (
        world.rejects(rs256.token(world.claims(iss=..., aud=..., client_id="c", Username="ann")))
        == "claim_missing"
    )
    adfs = {"iss": "http://sts.contoso.com/adfs/services/trust", "aud": f"microsoft:identityserver:{GUID}"}
    world.onboard(
        User("ann", "DOM\\user"), issuer=adfs["iss"], audience=adfs["aud"], custom_claim="unique_name"
    )
    assert world.accepts(rs256.token(world.claims(**adfs, unique_name="DOM\\user"))) == "ann"
    assert world.rejects(rs256.token(world.claims(**adfs, unique_name="DOMuser"))) == "no_user"
    assert world.rejects(rs256.token(world.claims(**adfs | {"iss": "https" + adfs["iss"][4:]}))) == "issuer"
    mixed = rs256.jwk(kid="AbC=")
    world.publish(mixed)
    world.pass_time(4000)
    token = rs256.token(world.claims(**adfs, unique_name="DOM\\user"), kid="AbC=")
    assert world.accepts(token) == "ann"
    assert world.rejects(rs256.token(world.claims(**adfs), kid="abc=")) == "unknown_key"
