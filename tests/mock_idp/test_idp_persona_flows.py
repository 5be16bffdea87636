"""Every persona behind the endpoints of the mock IdP: what it issues there, it also knows again."""

import base64
import json
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from mock_idp import PERSONAS, Issuer, KeyRing, MockIdP, Person, Request, fixed_key, persona

FORM = (("content-type", "application/x-www-form-urlencoded"),)


class Served:
    """One persona under a path, asked by its own metadata."""

    def __init__(self, name: str) -> None:
        self.idp = MockIdP()
        self.idp.base_url = "http://127.0.0.1:1"
        url = "http://127.0.0.1:1/t"
        self.issuer = Issuer(persona(name), KeyRing([fixed_key("a", "ES256")]), base_url=url)
        for username in ("ann", "bob"):
            self.issuer.people.add(Person.named(username))
        self.idp.add_issuer("/t", self.issuer)
        found = self.idp.handle(Request("GET", f"/t{self.issuer.path('metadata', '')}"))
        self.metadata: dict[str, Any] = json.loads(found.body)

    def post(self, endpoint: str, **parameters: str) -> dict[str, Any]:
        path = urlsplit(self.metadata[f"{endpoint}_endpoint"]).path
        answer = self.idp.handle(Request("POST", path, headers=FORM, body=urlencode(parameters).encode()))
        assert answer.status == 200, answer.body
        found: dict[str, Any] = json.loads(answer.body)
        return found

    def sign_in(self, username: str, client: str = "app") -> dict[str, Any]:
        who = {"username": username, "password": "any", "client_id": client}
        return self.post("token", grant_type="password", scope="openid profile email", **who)

    def userinfo(self, token: str) -> dict[str, Any]:
        path = urlsplit(self.metadata["userinfo_endpoint"]).path
        answer = self.idp.handle(Request("GET", path, headers=(("authorization", f"Bearer {token}"),)))
        assert answer.status == 200, answer.body
        found: dict[str, Any] = json.loads(answer.body)
        return found


def claims(token: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    return found


@pytest.mark.parametrize("name", PERSONAS)
def test_userinfo_is_about_the_person_whose_access_token_it_is(name: str) -> None:
    served = Served(name)
    tokens = {username: served.sign_in(username) for username in ("ann", "bob")}

    found = {username: served.userinfo(one["access_token"]) for username, one in tokens.items()}

    for username, one in tokens.items():
        assert found[username]["sub"] == claims(one["id_token"])["sub"]
        # AD FS and PingFederate tell no name, and their sub is of one person alone.
        assert found[username].get("name") == claims(one["id_token"]).get("name")
    assert found["ann"] != found["bob"]


@pytest.mark.parametrize("name", PERSONAS)
def test_sub_differs_by_client_where_it_is_pairwise_and_never_by_request(name: str) -> None:
    """AZR-005: at Entra and AD FS one person is another at each application, and the same on every request."""
    served = Served(name)

    def subs(client: str) -> set[str]:
        return {claims(served.sign_in("ann", client)["id_token"])["sub"] for _ in range(3)}

    one, other = subs("one"), subs("other")

    assert (len(one), len(other)) == (1, 1)
    assert (one != other) is name.startswith(("entra", "adfs"))


@pytest.mark.parametrize("name", PERSONAS)
def test_introspection_knows_the_access_tokens_of_people_and_of_clients(name: str) -> None:
    served = Served(name)
    for_ann = served.sign_in("ann")["access_token"]
    secret = {"client_id": "svc", "client_secret": "any"}
    for_svc = served.post("token", grant_type="client_credentials", scope="scan", **secret)["access_token"]

    found = [served.post("introspection", token=token, client_id="app") for token in (for_ann, for_svc)]

    assert [(one["active"], one["client_id"]) for one in found] == [(True, "app"), (True, "svc")]


@pytest.mark.parametrize("name", PERSONAS)
def test_the_metadata_names_no_address_that_is_not_served(name: str) -> None:
    served = Served(name)
    named = {
        member: urlsplit(value).path
        for member, value in served.metadata.items()
        if member == "jwks_uri" or member.endswith("_endpoint")
    }

    missing = {m: p for m, p in named.items() if served.idp.handle(Request("GET", p)).status == 404}

    assert not missing
    assert {"jwks_uri", "token_endpoint", "authorization_endpoint"} <= named.keys()


def test_expires_in_is_the_lifetime_of_the_token_at_that_idp() -> None:
    for name in ("keycloak", "auth0", "pingfederate-configured"):
        answer = Served(name).sign_in("ann")
        found = claims(answer["access_token"])
        assert answer["expires_in"] == found["exp"] - found["iat"] == persona(name).lifetime_s


def test_googles_access_token_is_opaque_and_its_id_token_is_not() -> None:
    answer = Served("google").sign_in("ann")

    assert "." not in answer["access_token"]
    assert claims(answer["id_token"])["aud"] == "app"
