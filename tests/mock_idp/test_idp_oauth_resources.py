"""Metadata, userinfo, introspection, revocation, and what browsers of other origins may do."""

import base64
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from mock_idp import Issuer, KeyRing, MockIdP, Person, Request, Response, fixed_key, persona
from mock_idp.control import Control
from mock_idp.oauth.accounts import Account
from mock_idp.oauth.clients import Client

NOW = 1_767_225_600
ANN = Person.named("ann")


class Idp:
    """One issuer behind a `MockIdP`."""

    def __init__(self, *clients: Client, path: str = "/t") -> None:
        self.now: float = NOW
        self.path = path
        ring = KeyRing([fixed_key("a", "ES256")])
        self.issuer = Issuer(persona("generic"), ring, issuer="https://idp.example/", clock=lambda: self.now)
        self.issuer.clients.update({client.id: client for client in clients})
        self.server = MockIdP(clock=lambda: self.now)
        self.server.base_url = "http://127.0.0.1:1"
        self.server.add_issuer(path, self.issuer)

    def post(self, place: str, /, **params: str) -> Response:
        headers = (("content-type", "application/x-www-form-urlencoded"),)
        body = urlencode(params).encode()
        return self.server.handle(Request("POST", f"{self.path}/{place}", "", headers, body))

    def json(self, place: str, /, **params: str) -> Any:
        return json.loads(self.post(place, **params).body)

    def get(self, path: str, *headers: tuple[str, str]) -> Response:
        return self.server.handle(Request("GET", path, "", headers))

    def userinfo(self, token: str) -> Response:
        return self.get(f"{self.path}/userinfo", ("authorization", f"Bearer {token}"))

    def sign_in(self, **more: str) -> Any:
        scope = {"scope": "openid profile email"}
        return self.json(
            "token", grant_type="password", client_id="app", username="ann", password="x", **{**scope, **more}
        )


@pytest.fixture
def idp() -> Idp:
    return Idp()


@pytest.mark.parametrize("path", ["", "/t"])
def test_every_form_of_the_metadata_address_gives_the_same_document(path: str) -> None:
    idp = Idp(path=path)
    places = (
        f"{path}/.well-known/openid-configuration",
        f"{path}/.well-known/oauth-authorization-server",
        f"/.well-known/oauth-authorization-server{path}",
        f"/.well-known/openid-configuration{path}",
    )

    bodies = {idp.get(place, ("host", "evil.example")).body for place in places}

    assert len(bodies) == 1
    assert json.loads(bodies.pop())["issuer"] == "https://idp.example/"


def test_every_endpoint_that_metadata_names_is_there(idp: Idp) -> None:
    metadata = json.loads(idp.get("/t/.well-known/openid-configuration").body)

    named = {name: url for name, url in metadata.items() if name.endswith(("_endpoint", "_uri"))}

    assert len(named) == 8
    for url in named.values():
        path = url.removeprefix("http://127.0.0.1:1")
        assert idp.server.handle(Request("POST", path)).status in {200, 400, 401, 405}


def test_every_grant_and_no_other_is_what_metadata_says(idp: Idp) -> None:
    metadata = json.loads(idp.get("/t/.well-known/openid-configuration").body)

    errors = {
        grant: idp.json("token", grant_type=grant, client_id="a").get("error")
        for grant in [*metadata["grant_types_supported"], "implicit"]
    }

    assert errors.pop("implicit") == "unsupported_grant_type"
    assert errors.pop("client_credentials") is None
    assert set(errors.values()) == {"invalid_request"}


def test_metadata_follows_the_keys_and_the_addresses(idp: Idp) -> None:
    def metadata() -> Any:
        return json.loads(idp.get("/t/.well-known/openid-configuration").body)

    assert metadata()["id_token_signing_alg_values_supported"] == ["ES256"]
    idp.issuer.ring.rotate(fixed_key("b"), keep_old=False)
    assert metadata()["id_token_signing_alg_values_supported"] == ["RS256"]
    idp.server.browser_url = "https://idp.localhost"
    found = metadata()
    assert found["authorization_endpoint"] == "https://idp.localhost/t/authorize"
    assert found["end_session_endpoint"] == "https://idp.localhost/t/logout"
    assert found["token_endpoint"] == "http://127.0.0.1:1/t/token"
    assert found["issuer"] == "https://idp.example/"


def test_a_browser_that_asks_for_metadata_at_its_own_address_gets_all_addresses_there(idp: Idp) -> None:
    idp.server.browser_url = "https://idp.localhost"

    found = json.loads(idp.get("/t/.well-known/openid-configuration", ("host", "idp.localhost")).body)

    assert found["token_endpoint"] == "https://idp.localhost/t/token"
    assert found["issuer"] == "https://idp.example/"


def test_userinfo_tells_about_the_person(idp: Idp) -> None:
    idp.issuer.accounts["ann"] = Account(claims={"department": "sales"})

    answer = idp.userinfo(idp.sign_in()["access_token"])

    assert json.loads(answer.body) == {
        "sub": ANN.subject,
        "preferred_username": "ann",
        "email": ANN.email,
        "name": ANN.name,
        "department": "sales",
    }


def test_userinfo_takes_a_posted_and_an_opaque_token(idp: Idp) -> None:
    assert idp.json("userinfo", access_token=idp.sign_in()["access_token"])["sub"] == ANN.subject
    idp.issuer.opaque_access_tokens = True
    assert json.loads(idp.userinfo(idp.sign_in()["access_token"]).body)["sub"] == ANN.subject


def test_userinfo_takes_a_token_that_was_minted_for_somebody_in_no_directory(idp: Idp) -> None:
    token = idp.issuer.mint(Person.named("zoe"), claims={"scope": "openid"})

    assert json.loads(idp.userinfo(token).body)["preferred_username"] == "zoe"


def test_userinfo_refuses(idp: Idp) -> None:
    got = idp.sign_in()
    machine = idp.json("token", grant_type="client_credentials", client_id="svc", scope="openid")
    foreign = Issuer(persona("generic"), KeyRing([fixed_key("b", "ES256")]), issuer="https://idp.example/")
    cases = {
        "invalid_token": [got["id_token"], "zzz", "a.b.c", foreign.mint(ANN), got["access_token"][:-4]],
        "insufficient_scope": [machine["access_token"], idp.sign_in(scope="profile")["access_token"]],
    }

    for error, tokens in cases.items():
        for token in tokens:
            answer = idp.userinfo(token)
            assert json.loads(answer.body)["error"] == error
            assert answer.status in {401, 403}
            assert f'error="{error}"' in dict(answer.headers)["www-authenticate"]
    bare = idp.get("/t/userinfo")
    assert (bare.status, dict(bare.headers)["www-authenticate"]) == (401, "Bearer")
    idp.now += 3600
    assert "expired" in json.loads(idp.userinfo(got["access_token"]).body)["error_description"]


def test_introspection_knows_live_tokens_and_nothing_else(idp: Idp) -> None:
    got = idp.sign_in()

    def active(token: str) -> bool:
        found: bool = idp.json("introspect", token=token, client_id="app")["active"]
        return found

    told = idp.json("introspect", token=got["access_token"], client_id="app")
    assert (told["active"], told["client_id"], told["sub"]) == (True, "app", ANN.subject)
    assert told["scope"] == "openid profile email"
    assert active(got["refresh_token"])
    assert not any(map(active, (got["id_token"], "zzz", got["access_token"] + "A", "a.b.c")))
    idp.now += 3600
    assert not active(got["access_token"])


def test_introspection_is_for_clients_that_authenticate() -> None:
    idp = Idp(Client("api", "s"), Client("spa"))
    token = idp.issuer.mint(ANN)

    assert idp.json("introspect", token=token, client_id="api", client_secret="s")["active"] is True
    assert idp.post("introspect", token=token, client_id="spa").status == 401
    assert idp.post("introspect", token=token, client_id="api", client_secret="no").status == 401
    assert idp.post("introspect", client_id="api", client_secret="s").status == 400
    metadata = json.loads(idp.get("/t/.well-known/openid-configuration").body)
    assert "none" not in metadata["introspection_endpoint_auth_methods_supported"]


def test_a_revoked_token_is_dead_everywhere(idp: Idp) -> None:
    got, other = idp.sign_in(), idp.sign_in()

    assert idp.post("revoke", token=got["access_token"], client_id="app").status == 200
    assert idp.userinfo(got["access_token"]).status == 401
    assert idp.userinfo(other["access_token"]).status == 200

    assert idp.post("revoke", token=other["refresh_token"], client_id="app").status == 200
    refreshed = idp.json(
        "token", grant_type="refresh_token", refresh_token=other["refresh_token"], client_id="app"
    )
    assert refreshed["error"] == "invalid_grant"
    assert idp.userinfo(other["access_token"]).status == 401


def test_revoking_what_is_not_known_is_fine_and_what_is_anothers_is_refused(idp: Idp) -> None:
    got = idp.sign_in()

    assert idp.post("revoke", token="zzz", client_id="app").status == 200
    assert idp.post("revoke", client_id="app").status == 400
    for name in ("access_token", "refresh_token"):
        assert idp.post("revoke", token=got[name], client_id="other").status == 400
    assert idp.userinfo(got["access_token"]).status == 200


def test_a_reset_of_the_control_forgets_what_was_granted(idp: Idp) -> None:
    got = idp.sign_in()

    Control(idp.server).reset()

    again = idp.json("token", grant_type="refresh_token", refresh_token=got["refresh_token"], client_id="app")
    assert again["error"] == "invalid_grant"


def test_a_page_of_another_origin_may_call_what_browsers_call(idp: Idp) -> None:
    asks = (("origin", "https://spa.example"), ("access-control-request-method", "POST"))
    names = (("access-control-request-headers", "authorization,x-one"),)

    leave = idp.server.handle(Request("OPTIONS", "/t/token", "", (*asks, *names)))
    token = idp.post("token", grant_type="zzz")

    assert leave.status == 204
    assert dict(leave.headers)["access-control-allow-origin"] == "*"
    assert dict(leave.headers)["access-control-allow-headers"] == "authorization,x-one"
    assert dict(token.headers)["access-control-allow-origin"] == "*"
    assert idp.server.handle(Request("OPTIONS", "/t/authorize", "", asks)).status == 405
    assert "access-control-allow-origin" not in dict(idp.get("/t/authorize").headers)


def test_the_journal_shows_what_was_sent_and_answered_within_bounds(idp: Idp) -> None:
    idp.post("token", grant_type="client_credentials", client_id="svc", client_secret="hush")
    idp.post("token", junk="x" * 100_000)
    idp.get("/t/jwks", *((f"x-{n}", "y" * 3000) for n in range(100)))

    token, junk, headers = idp.server.journal
    assert b"client_secret=hush" in token.request.body
    assert json.loads(token.response.body)["token_type"] == "Bearer"
    assert len(junk.request.body) == 4096
    assert sum(len(n) + len(v) for n, v in headers.request.headers) <= 8192


@pytest.mark.parametrize(
    "token", ["..", "e30.e30.AA", "W10.W10.", "é.é.é", "a" * 70_000 + ".b.c", "[" * 20_000]
)
def test_hostile_tokens_are_just_not_active(idp: Idp, token: str) -> None:
    assert idp.json("introspect", token=token, client_id="app") == {"active": False}


def test_deeply_nested_json_in_a_token_is_just_not_active(idp: Idp) -> None:
    deep = base64.urlsafe_b64encode(b"[" * 20_000).decode()

    assert idp.json("introspect", token=f"{deep}.{deep}.AA", client_id="app") == {"active": False}


ODD_CLAIMS: list[dict[str, Any]] = [
    {"iss": ["x"]},
    {"sub": ["x"]},
    {"sub": None, "oid": {}},
    {"scope": 5},
    {"scope": [["x"]]},
    {"exp": "soon"},
    {"exp": [1]},
    {"nbf": "now"},
    {"client_id": 7, "aud": [1]},
    {"preferred_username": "@"},
    {"name": ["x"], "email": 5},
]


@pytest.mark.parametrize("claims", ODD_CLAIMS)
def test_an_own_token_with_odd_claims_breaks_nothing(idp: Idp, claims: dict[str, Any]) -> None:
    token = idp.issuer.draft(Person.named("zoe")).with_claims(claims).token()
    exchange = {"subject_token": token, "subject_token_type": "urn:ietf:params:oauth:token-type:jwt"}
    grants = {
        "urn:ietf:params:oauth:grant-type:jwt-bearer": {"assertion": token},
        "urn:ietf:params:oauth:grant-type:token-exchange": exchange,
    }

    answers = [
        idp.userinfo(token),
        *(idp.post(at, token=token, client_id="a") for at in ("introspect", "revoke")),
    ]
    answers += [idp.post("token", grant_type=name, client_id="a", **sent) for name, sent in grants.items()]
    answers.append(idp.post("logout", id_token_hint=token))

    assert all(answer.status < 500 for answer in answers)
