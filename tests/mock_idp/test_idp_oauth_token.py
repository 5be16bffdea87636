"""The token endpoint: every grant's happy path, and every way to be refused."""

import base64
import json
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import pytest

from mock_idp import Issuer, KeyRing, MockIdP, Person, Request, Response, fixed_key, persona
from mock_idp.oauth.accounts import Account
from mock_idp.oauth.authentication import ASSERTION_TYPE
from mock_idp.oauth.clients import Client
from mock_idp.oauth.grant_types import DEVICE_CODE, JWT_BEARER, TOKEN_EXCHANGE
from mock_idp.oauth.granted import CODE_LIFETIME_S, DEVICE_LIFETIME_S, REFRESH_LIFETIME_S
from mock_idp.oauth.queued import QueuedError
from mock_idp.oauth.token import challenge_of

NOW = 1_767_225_600
FORM = ("content-type", "application/x-www-form-urlencoded")
BACK = "https://app.example/back"
VERIFIER = "v" * 43
ACCESS = "urn:ietf:params:oauth:token-type:access_token"


class Idp:
    """One issuer behind a `MockIdP`, asked as a client asks."""

    def __init__(self, name: str = "generic", *clients: Client) -> None:
        self.now: float = NOW
        ring = KeyRing([fixed_key("a", "ES256")])
        self.issuer = Issuer(persona(name), ring, issuer="https://idp.example", clock=lambda: self.now)
        self.issuer.clients.update({client.id: client for client in clients})
        self.server = MockIdP(clock=lambda: self.now)
        self.server.base_url = "http://127.0.0.1:1"
        self.server.add_issuer("/t", self.issuer)

    def post(self, place: str, /, **params: Any) -> Response:
        """Send a form; `basic` (id and secret) goes into the Authorization header."""
        headers = [FORM]
        basic = params.pop("basic", None)
        if basic:
            headers.append(("authorization", "Basic " + base64.b64encode(":".join(basic).encode()).decode()))
        return self.server.handle(
            Request("POST", f"/t/{place}", "", tuple(headers), urlencode(params).encode())
        )

    def token(self, **params: Any) -> dict[str, Any]:
        answer = self.post("token", **params)
        assert dict(answer.headers)["cache-control"] == "no-store"
        body: dict[str, Any] = json.loads(answer.body)
        assert ("error" in body) == (answer.status >= 400), body
        return {**body, "status": answer.status}

    def code(self, **more: str) -> str:
        params = {
            "response_type": "code",
            "client_id": "app",
            "redirect_uri": BACK,
            "login_hint": "ann",
            "scope": "openid profile offline_access",
        }
        answer = self.server.handle(Request("GET", "/t/authorize", urlencode({**params, **more})))
        return parse_qs(urlsplit(dict(answer.headers)["location"]).query)["code"][0]

    def redeem(self, code: str, **more: Any) -> dict[str, Any]:
        params = {
            "grant_type": "authorization_code",
            "code": code,
            "client_id": "app",
            "redirect_uri": BACK,
            **more,
        }
        return self.token(**{name: value for name, value in params.items() if value})


@pytest.fixture
def idp() -> Idp:
    return Idp()


def claims_of(idp: Idp, token: str, audience: str | None = None) -> dict[str, Any]:
    key = jwt.PyJWKSet.from_dict(idp.issuer.jwks()).keys[0]
    options: Any = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
    found: dict[str, Any] = jwt.decode(
        token,
        key,
        algorithms=["ES256"],
        audience=audience or idp.issuer.audience,
        issuer="https://idp.example",
        options=options,
    )
    return found


def test_a_code_with_pkce_gets_all_three_tokens(idp: Idp) -> None:
    code = idp.code(code_challenge=challenge_of(VERIFIER, "S256"), code_challenge_method="S256", nonce="n-1")

    got = idp.redeem(code, code_verifier=VERIFIER)

    assert (got["token_type"], got["expires_in"]) == ("Bearer", 3600)
    assert got["scope"] == "openid profile offline_access"
    assert claims_of(idp, got["access_token"])["sub"] == Person.named("ann").subject
    identity = claims_of(idp, got["id_token"], "app")
    assert (identity["nonce"], identity["auth_time"]) == ("n-1", NOW)
    assert got["refresh_token"]


def test_an_id_token_comes_only_with_the_scope_openid(idp: Idp) -> None:
    assert "id_token" not in idp.redeem(idp.code(scope="profile"))


def test_the_plain_challenge_method_is_the_default(idp: Idp) -> None:
    code = idp.code(code_challenge=VERIFIER)

    assert idp.redeem(code, code_verifier=VERIFIER)["status"] == 200


WRONG_REDEMPTIONS: dict[str, tuple[dict[str, str], dict[str, str], str, str]] = {
    "a bad code": ({}, {"code": "zzz"}, "invalid_grant", "unknown"),
    "no code": ({}, {"code": ""}, "invalid_request", "'code' is missing"),
    "another client": ({}, {"client_id": "other"}, "invalid_grant", "another client"),
    "another redirect URI": ({}, {"redirect_uri": BACK + "/"}, "invalid_grant", "redirect_uri is another"),
    "no redirect URI": ({}, {"redirect_uri": ""}, "invalid_grant", "redirect_uri is missing"),
    "a verifier nobody asked for": ({}, {"code_verifier": VERIFIER}, "invalid_grant", "no code_challenge"),
    "no verifier": ({"code_challenge": VERIFIER}, {}, "invalid_grant", "code_verifier is missing"),
    "a wrong verifier": (
        {"code_challenge": VERIFIER},
        {"code_verifier": "w" * 43},
        "invalid_grant",
        "does not match",
    ),
    "a short verifier": (
        {"code_challenge": VERIFIER},
        {"code_verifier": "v" * 42},
        "invalid_grant",
        "43 to 128",
    ),
    "the challenge as verifier": (
        {"code_challenge": challenge_of(VERIFIER, "S256"), "code_challenge_method": "S256"},
        {"code_verifier": challenge_of(VERIFIER, "S256")},
        "invalid_grant",
        "does not match",
    ),
}


@pytest.mark.parametrize(
    "asked,sent,error,description", WRONG_REDEMPTIONS.values(), ids=WRONG_REDEMPTIONS.keys()
)
def test_a_code_is_refused_with(
    idp: Idp, asked: dict[str, str], sent: dict[str, str], error: str, description: str
) -> None:
    got = idp.redeem(sent.get("code", idp.code(**asked)), **{n: v for n, v in sent.items() if n != "code"})

    assert (got["status"], got["error"]) == (400, error)
    assert description in got["error_description"]


def test_a_failed_redemption_leaves_the_code_good_for_its_own_client(idp: Idp) -> None:
    code = idp.code(code_challenge=VERIFIER)
    idp.redeem(code, code_verifier="w" * 43)

    assert idp.redeem(code, code_verifier=VERIFIER)["status"] == 200


def test_a_code_lives_for_sixty_seconds_of_the_issuers_clock(idp: Idp) -> None:
    early, late = idp.code(), idp.code()

    idp.now = NOW + CODE_LIFETIME_S - 1
    assert idp.redeem(early)["status"] == 200
    idp.now = NOW + CODE_LIFETIME_S
    assert "expired" in idp.redeem(late)["error_description"]


def test_a_code_used_twice_revokes_what_came_of_it(idp: Idp) -> None:
    code = idp.code()
    first = idp.redeem(code)

    again = idp.redeem(code)

    assert (again["error"], again["status"]) == ("invalid_grant", 400)
    refreshed = idp.token(grant_type="refresh_token", refresh_token=first["refresh_token"], client_id="app")
    assert "revoked" in refreshed["error_description"]
    assert json.loads(idp.post("introspect", token=first["access_token"], client_id="app").body) == {
        "active": False
    }


def test_a_refresh_token_rotates(idp: Idp) -> None:
    first = idp.redeem(idp.code(nonce="n"))

    second = idp.token(grant_type="refresh_token", refresh_token=first["refresh_token"], client_id="app")
    third = idp.token(grant_type="refresh_token", refresh_token=second["refresh_token"], client_id="app")

    assert len({got["refresh_token"] for got in (first, second, third)}) == 3
    assert third["scope"] == first["scope"]
    assert "nonce" not in claims_of(idp, second["id_token"], "app")
    assert claims_of(idp, second["id_token"], "app")["auth_time"] == NOW


def test_a_refresh_token_used_twice_revokes_its_family(idp: Idp) -> None:
    first = idp.redeem(idp.code())["refresh_token"]
    second = idp.token(grant_type="refresh_token", refresh_token=first, client_id="app")["refresh_token"]

    again = idp.token(grant_type="refresh_token", refresh_token=first, client_id="app")
    heir = idp.token(grant_type="refresh_token", refresh_token=second, client_id="app")

    assert (again["error"], heir["error"]) == ("invalid_grant", "invalid_grant")
    assert "used before" in again["error_description"]


def test_a_refresh_may_narrow_the_scopes_and_never_widen_them(idp: Idp) -> None:
    def refresh(scope: str) -> dict[str, Any]:
        token = idp.redeem(idp.code())["refresh_token"]
        return idp.token(grant_type="refresh_token", refresh_token=token, client_id="app", scope=scope)

    assert refresh("profile")["scope"] == "profile"
    assert refresh("profile admin")["error"] == "invalid_scope"


@pytest.mark.parametrize("sent", [{"refresh_token": "bogus"}, {"client_id": "other"}])
def test_a_bogus_or_foreign_refresh_token_is_refused(idp: Idp, sent: dict[str, str]) -> None:
    token = idp.redeem(idp.code())["refresh_token"]

    got = idp.token(**{"grant_type": "refresh_token", "refresh_token": token, "client_id": "app", **sent})

    assert (got["status"], got["error"]) == (400, "invalid_grant")


def test_a_refresh_token_expires(idp: Idp) -> None:
    token = idp.redeem(idp.code())["refresh_token"]

    idp.now = NOW + REFRESH_LIFETIME_S

    got = idp.token(grant_type="refresh_token", refresh_token=token, client_id="app")
    assert got["error"] == "invalid_grant"


def test_client_credentials_are_about_the_client(idp: Idp) -> None:
    got = idp.token(grant_type="client_credentials", client_id="svc", client_secret="any", scope="read")

    claims = claims_of(idp, got["access_token"])
    assert (claims["sub"], claims["client_id"], claims["scope"]) == ("svc", "svc", "read")
    assert not {"refresh_token", "id_token"} & got.keys()


def test_a_client_has_its_own_claims_and_audience() -> None:
    client = Client("svc", "s3cret", claims={"roles": ["reader"], "iss": "https://evil"}, audience="orders")
    idp = Idp("generic", client)

    got = idp.token(basic=("svc", "s3cret"), grant_type="client_credentials")

    claims = claims_of(idp, got["access_token"], "orders")
    assert (claims["roles"], claims["iss"]) == (["reader"], "https://idp.example")


def test_two_tokens_of_one_second_are_two_tokens(idp: Idp) -> None:
    one, other = (
        idp.token(grant_type="client_credentials", client_id="svc")["access_token"] for _ in range(2)
    )

    assert one != other
    assert claims_of(idp, one)["jti"] != claims_of(idp, other)["jti"]


@pytest.mark.parametrize("name", ["resource", "audience"])
def test_a_request_may_name_its_audience(idp: Idp, name: str) -> None:
    got = idp.token(grant_type="client_credentials", client_id="svc", **{name: "https://api.example"})

    assert claims_of(idp, got["access_token"], "https://api.example")


def test_the_password_grant_signs_a_person_in(idp: Idp) -> None:
    idp.issuer.accounts["ben"] = Account(claims={"department": "sales"}, password="right")

    got = idp.token(grant_type="password", client_id="app", username="ben", password="right")

    claims = claims_of(idp, got["access_token"])
    assert (claims["preferred_username"], claims["department"]) == ("ben", "sales")
    assert got["refresh_token"]


@pytest.mark.parametrize("username,password", [("ben", "wrong"), ("nobody", "right")])
def test_a_wrong_user_name_or_password_is_refused(idp: Idp, username: str, password: str) -> None:
    idp.issuer.accounts["ben"] = Account(password="right")

    got = idp.token(grant_type="password", client_id="app", username=username, password=password)

    assert (got["status"], got["error"]) == (400, "invalid_grant")


def test_jwt_bearer_acts_on_behalf_of_the_person_of_an_own_token(idp: Idp) -> None:
    assertion = idp.issuer.mint(Person.named("ann"))

    got = idp.token(grant_type=JWT_BEARER, client_id="api", assertion=assertion, audience="downstream")

    claims = claims_of(idp, got["access_token"], "downstream")
    assert (claims["sub"], claims["client_id"]) == (Person.named("ann").subject, "api")


def signed_by_client(**changes: Any) -> str:
    claims = {
        "iss": "robot",
        "sub": "ann@contoso.example",
        "aud": "https://idp.example",
        "exp": NOW + 60,
        "jti": "j1",
    }
    return jwt.encode({**claims, **changes}, fixed_key("b", "ES256").private, "ES256")


@pytest.fixture
def robots() -> Idp:
    jwks = {"keys": [fixed_key("b", "ES256").public_jwk()]}
    return Idp("generic", Client("robot", jwks=jwks))


def as_robot(**changes: Any) -> dict[str, str]:
    return {
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": signed_by_client(**{"sub": "robot", **changes}),
    }


def test_jwt_bearer_takes_an_assertion_that_the_clients_key_signed(robots: Idp) -> None:
    got = robots.token(grant_type=JWT_BEARER, assertion=signed_by_client(), **as_robot())

    assert claims_of(robots, got["access_token"])["preferred_username"] == "ann"


WRONG_ASSERTIONS = {
    "expired": {"exp": NOW},
    "for somebody else": {"aud": "https://other.example"},
    "of another issuer": {"iss": "zzz"},
    "about nobody": {"sub": "nobody"},
    "without exp": {"exp": "soon"},
}


@pytest.mark.parametrize("changes", WRONG_ASSERTIONS.values(), ids=WRONG_ASSERTIONS.keys())
def test_jwt_bearer_refuses_an_assertion(robots: Idp, changes: dict[str, Any]) -> None:
    got = robots.token(grant_type=JWT_BEARER, assertion=signed_by_client(**changes), **as_robot())

    assert (got["status"], got["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize("assertion", ["zzz", "a.b.c", "e30.e30.", "." * 2])
def test_jwt_bearer_refuses_what_it_cannot_check(idp: Idp, assertion: str) -> None:
    foreign = signed_by_client() if assertion == ".." else assertion

    got = idp.token(grant_type=JWT_BEARER, client_id="api", assertion=foreign)

    assert (got["status"], got["error"]) == (400, "invalid_grant")


def test_a_token_is_exchanged_with_an_actor(idp: Idp) -> None:
    got = idp.token(
        grant_type=TOKEN_EXCHANGE,
        client_id="gateway",
        subject_token=idp.issuer.mint(Person.named("ann")),
        subject_token_type=ACCESS,
        actor_token=idp.token(grant_type="client_credentials", client_id="svc")["access_token"],
        actor_token_type=ACCESS,
        audience="backend",
        scope="read",
    )

    claims = claims_of(idp, got["access_token"], "backend")
    assert (got["issued_token_type"], claims["act"]) == (ACCESS, {"sub": "svc"})
    assert (claims["sub"], claims["scope"]) == (Person.named("ann").subject, "read")


WRONG_EXCHANGES: list[dict[str, str]] = [
    {"subject_token": "zzz"},
    {"subject_token_type": "urn:ietf:params:oauth:token-type:saml2"},
    {"subject_token_type": ""},
    {"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"},
    {"actor_token": "zzz", "actor_token_type": ACCESS},
    {"actor_token": "zzz"},
    {"actor_token_type": ACCESS},
]


@pytest.mark.parametrize("changes", WRONG_EXCHANGES)
def test_an_exchange_is_refused_with(idp: Idp, changes: dict[str, str]) -> None:
    good = {"subject_token": idp.issuer.mint(Person.named("ann")), "subject_token_type": ACCESS}

    got = idp.token(grant_type=TOKEN_EXCHANGE, client_id="gateway", **{**good, **changes})

    assert (got["status"], got["error"]) == (400, "invalid_request")


def test_an_expired_token_is_not_exchanged(idp: Idp) -> None:
    token = idp.issuer.mint(Person.named("ann"), lifetime_s=10)
    idp.now = NOW + 10

    got = idp.token(grant_type=TOKEN_EXCHANGE, client_id="g", subject_token=token, subject_token_type=ACCESS)

    assert "expired" in got["error_description"]


def start_device(idp: Idp) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(idp.post("device_authorization", client_id="tv", scope="openid").body)
    return found


def poll(idp: Idp, device: dict[str, Any], client: str = "tv") -> dict[str, Any]:
    return idp.token(grant_type=DEVICE_CODE, device_code=device["device_code"], client_id=client)


def test_a_device_waits_until_somebody_lets_it_in(idp: Idp) -> None:
    device = start_device(idp)

    waiting, too_fast = poll(idp, device), poll(idp, device)
    idp.now += 60
    idp.post("device", user_code=device["user_code"].lower().replace("-", " "), _sign_in="cleo")
    got = poll(idp, device)
    again = poll(idp, device)

    assert (waiting["error"], too_fast["error"]) == ("authorization_pending", "slow_down")
    assert claims_of(idp, got["id_token"], "tv")["preferred_username"] == "cleo"
    assert got["refresh_token"]
    assert again["error"] == "invalid_grant"


def test_a_device_is_refused_expires_and_belongs_to_its_client(idp: Idp) -> None:
    device = start_device(idp)
    assert poll(idp, device, "other")["error"] == "invalid_grant"
    idp.post("device", user_code=device["user_code"], _cancel="1")
    assert poll(idp, device)["error"] == "access_denied"

    late = start_device(idp)
    idp.now += DEVICE_LIFETIME_S
    assert poll(idp, late)["error"] == "expired_token"
    assert b"No device waits" in idp.post("device", user_code=late["user_code"], _sign_in="ann").body


def test_a_preset_user_lets_devices_in_at_once(idp: Idp) -> None:
    idp.issuer.auto_login = "ben"

    assert claims_of(idp, poll(idp, start_device(idp))["access_token"])["preferred_username"] == "ben"


@pytest.mark.parametrize(
    "sent,status,error",
    [
        ({}, 400, "invalid_request"),
        ({"grant_type": "magic", "client_id": "a"}, 400, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, 401, "invalid_client"),
        ({"grant_type": "client_credentials", "client_id": "a", "scope": 'a"b'}, 400, "invalid_scope"),
        (
            {"grant_type": "client_credentials", "client_id": "a", "resource": "x" * 3000},
            400,
            "invalid_target",
        ),
        ({"grant_type": "client_credentials", "client_id": "a" * 600}, 401, "invalid_client"),
        ({"grant_type": "password", "client_id": "a", "username": "ann"}, 400, "invalid_request"),
        ({"grant_type": "implicit", "client_id": "a"}, 400, "unsupported_grant_type"),
    ],
)
def test_a_token_request_is_refused_with(idp: Idp, sent: dict[str, str], status: int, error: str) -> None:
    got = idp.token(**sent)

    assert (got["status"], got["error"]) == (status, error)
    assert got["error_description"].isprintable()


HOSTILE_BODIES: list[tuple[bytes, str]] = [
    (b"grant_type=a&grant_type=b", "application/x-www-form-urlencoded"),
    (b"grant_type=%ff", "application/x-www-form-urlencoded"),
    (b"\xff\xfe", "application/x-www-form-urlencoded"),
    (b"&".join([b"a=b"] * 100), "application/x-www-form-urlencoded"),
    (b"a=" + b"x" * 200_000, "application/x-www-form-urlencoded"),
    (b'{"grant_type":"password"}', "application/json"),
    (b"", "application/x-www-form-urlencoded; charset=utf-8"),
    (b"grant_type=password", ""),
    (b"%&=;%00", "application/x-www-form-urlencoded"),
]


@pytest.mark.parametrize("body,kind", HOSTILE_BODIES)
def test_a_malformed_body_is_an_invalid_request(idp: Idp, body: bytes, kind: str) -> None:
    answer = idp.server.handle(Request("POST", "/t/token", "", (("content-type", kind),), body))

    assert (answer.status, json.loads(answer.body)["error"]) == (400, "invalid_request")


def test_basic_and_body_client_ids_behave_alike() -> None:
    idp = Idp("generic", Client("svc", "s3: cret%"))

    in_body = idp.token(grant_type="client_credentials", client_id="svc", client_secret="s3: cret%")
    in_header = idp.token(basic=("svc", "s3%3A+cret%25"), grant_type="client_credentials")
    both_names = idp.token(basic=("svc", "s3%3A+cret%25"), client_id="svc", grant_type="client_credentials")

    assert [got["status"] for got in (in_body, in_header, both_names)] == [200] * 3
    for wrong in (
        idp.token(grant_type="client_credentials", client_id="svc", client_secret="no"),
        idp.token(basic=("svc", "no"), grant_type="client_credentials"),
        idp.token(grant_type="client_credentials", client_id="svc"),
        idp.token(basic=("zzz", "no"), grant_type="client_credentials"),
        idp.token(basic=("svc", "s3%3A+cret%25"), client_id="other", grant_type="client_credentials"),
    ):
        assert (wrong["status"], wrong["error"]) == (401, "invalid_client")


def test_a_401_names_the_scheme_and_two_ways_at_once_are_one_too_many() -> None:
    idp = Idp("generic", Client("svc", "s"))

    refused = idp.post("token", basic=("svc", "no"), grant_type="client_credentials")
    both = idp.token(basic=("svc", "s"), client_secret="s", grant_type="client_credentials")

    assert dict(refused.headers)["www-authenticate"].startswith("Basic ")
    assert (both["status"], both["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("header", ["Basic", "Basic !!!", "Basic YQ==", "Basic /w=="])
def test_a_malformed_basic_header_is_refused(idp: Idp, header: str) -> None:
    headers = (FORM, ("authorization", header))

    answer = idp.server.handle(Request("POST", "/t/token", "", headers, b"grant_type=client_credentials"))

    assert (answer.status, json.loads(answer.body)["error"]) == (401, "invalid_client")


def test_a_registered_client_may_only_what_it_was_registered_for() -> None:
    idp = Idp("generic", Client("svc", "s", grants=("client_credentials",)), Client("spa"))

    assert idp.token(basic=("svc", "s"), grant_type="client_credentials")["status"] == 200
    for wrong in (
        idp.token(basic=("svc", "s"), grant_type="password", username="ann", password="x"),
        idp.token(client_id="spa", grant_type="client_credentials"),
    ):
        assert (wrong["status"], wrong["error"]) == (400, "unauthorized_client")
    assert idp.token(client_id="spa", client_secret="x", grant_type="password")["error"] == "invalid_client"


def test_private_key_jwt_authenticates_once(robots: Idp) -> None:
    signed = as_robot()

    assert robots.token(grant_type="client_credentials", **signed)["status"] == 200
    assert "used before" in robots.token(grant_type="client_credentials", **signed)["error_description"]


WRONG_CLIENT_ASSERTIONS: dict[str, dict[str, Any]] = {
    "expired": {"exp": NOW},
    "of tomorrow": {"exp": NOW + 10**6, "nbf": NOW + 10**5},
    "for somebody else": {"aud": "https://other.example"},
    "of another issuer": {"iss": "zzz"},
    "of another subject": {"sub": "zzz"},
    "without jti": {"jti": ""},
    "with a list for a subject": {"sub": None},
}


@pytest.mark.parametrize("changes", WRONG_CLIENT_ASSERTIONS.values(), ids=WRONG_CLIENT_ASSERTIONS.keys())
def test_private_key_jwt_is_refused_when_it_is(robots: Idp, changes: dict[str, Any]) -> None:
    got = robots.token(grant_type="client_credentials", **as_robot(**changes))

    assert (got["status"], got["error"]) == (401, "invalid_client")


def test_private_key_jwt_by_another_key_or_another_type_is_refused(robots: Idp) -> None:
    stolen = jwt.encode(
        {"iss": "robot", "sub": "robot", "aud": "https://idp.example", "exp": NOW + 9, "jti": "x"},
        fixed_key("c", "ES256").private,
        "ES256",
    )
    by_other = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": stolen}
    other_type = {**as_robot(), "client_assertion_type": "zzz"}

    assert robots.token(grant_type="client_credentials", **by_other)["error"] == "invalid_client"
    assert robots.token(grant_type="client_credentials", **other_type)["error"] == "invalid_request"
    assert robots.token(grant_type="client_credentials", client_id="robot")["error"] == "invalid_client"


def test_opaque_tokens_are_an_option_of_the_issuer_and_of_a_client() -> None:
    idp = Idp("generic", Client("a", "s"), Client("b", "s", opaque_access_tokens=True))

    jwt_token, opaque = (
        idp.token(basic=(name, "s"), grant_type="client_credentials")["access_token"] for name in "ab"
    )

    assert (jwt_token.count("."), opaque.count(".")) == (2, 0)
    told = json.loads(idp.post("introspect", basic=("a", "s"), token=opaque).body)
    assert (told["active"], told["sub"], told["exp"]) == (True, "b", NOW + 3600)


def test_a_queued_error_is_answered_once(idp: Idp) -> None:
    idp.issuer.queue.token_errors.append(QueuedError("temporarily_unavailable", "later", 503))

    first, second = (idp.token(grant_type="client_credentials", client_id="a") for _ in range(2))

    assert (first["status"], first["error"], second["status"]) == (503, "temporarily_unavailable", 200)


def test_entra_keeps_its_pairwise_sub_from_request_to_request() -> None:
    idp = Idp("entra-v2")
    tokens = [idp.redeem(idp.code()) for _ in range(2)]

    subs = {claims_of(idp, got["id_token"], "app")["sub"] for got in tokens}
    api_subs = {claims_of(idp, got["access_token"])["sub"] for got in tokens}

    assert (len(subs), len(api_subs), len(subs | api_subs)) == (1, 1, 2)


def test_what_is_remembered_is_bounded(idp: Idp) -> None:
    for number in range(10_050):
        idp.post("token", grant_type="password", client_id="a", username="ann", password=str(number))

    assert len(idp.issuer.granted.refresh) == 10_000
