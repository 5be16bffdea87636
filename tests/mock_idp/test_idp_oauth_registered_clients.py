"""What a client can be registered as, and that it is held to it."""

import base64
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from mock_idp import Issuer, KeyRing, MockIdP, Person, Request, Response, fixed_key, persona
from mock_idp.oauth.clients import AUTH_METHODS, Client
from mock_idp.oauth.grant_types import GRANT_TYPES
from mock_idp.oauth.token import GRANTS
from mock_idp.people import Account

FORM = ("content-type", "application/x-www-form-urlencoded")
KEYS = {"keys": [fixed_key("b", "ES256").public_jwk()]}


def ask(client: Client, *, basic: bool = False, **params: str) -> Response:
    issuer = Issuer(persona("generic"), KeyRing([fixed_key("a", "ES256")]), clock=lambda: 1_767_225_600)
    issuer.clients[client.id] = client
    idp = MockIdP()
    idp.add_issuer("", issuer)
    secret = base64.b64encode(f"{client.id}:{client.secret}".encode()).decode()
    headers = (FORM, ("authorization", f"Basic {secret}")) if basic else (FORM,)
    body = urlencode({"grant_type": "client_credentials", **params}).encode()
    return idp.handle(Request("POST", "/token", "", headers, body))


def test_the_names_of_grant_types_are_those_that_the_token_endpoint_takes() -> None:
    assert tuple(GRANTS) == GRANT_TYPES


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"id": ""}, "1 to 512"),
    ({"id": "x" * 513}, "1 to 512"),
    ({"id": "a", "grants": ("client_credential",)}, "did you mean 'client_credentials'"),
    ({"id": "a", "grants": ("zzz",)}, "there are authorization_code"),
    ({"id": "a", "redirect_uris": ("/back",)}, "no absolute URI"),
    ({"id": "a", "redirect_uris": ("https://a.example/#x",)}, "no absolute URI"),
    ({"id": "a", "redirect_uris": ("https://[a",)}, "no absolute URI"),
    ({"id": "a", "post_logout_redirect_uris": ("back",)}, "no absolute URI"),
    ({"id": "a", "jwks": {"keys": {}}}, "JWK Set"),
    ({"id": "a", "auth_method": "client_secret_jwt"}, "unknown auth method"),
    ({"id": "a", "auth_method": "client_secret_basic"}, "needs a secret"),
    ({"id": "a", "auth_method": "private_key_jwt", "secret": "s"}, "as jwks"),
    ({"id": "a", "auth_method": "none", "secret": "s"}, "neither a secret nor keys"),
]


@pytest.mark.parametrize("members,message", WRONG)
def test_a_client_that_cannot_be_is_refused(members: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Client(**members)


@pytest.mark.parametrize("method", AUTH_METHODS)
def test_a_client_of_each_auth_method_can_be(method: str) -> None:
    secret = "s" if method.startswith("client_secret") else None
    jwks = KEYS if method == "private_key_jwt" else None

    assert Client("a", secret, jwks=jwks, auth_method=method).auth_method == method


def test_without_an_auth_method_the_secret_may_be_in_the_header_or_in_the_body() -> None:
    client = Client("a", "s")

    assert ask(client, basic=True).status == 200
    assert ask(client, client_id="a", client_secret="s").status == 200


def test_a_client_is_held_to_its_auth_method() -> None:
    in_the_header = Client("a", "s", auth_method="client_secret_basic")
    in_the_body = Client("a", "s", auth_method="client_secret_post")

    assert ask(in_the_header, basic=True).status == 200
    assert ask(in_the_body, client_id="a", client_secret="s").status == 200
    for refused in (ask(in_the_body, basic=True), ask(in_the_header, client_id="a", client_secret="s")):
        said = json.loads(refused.body)
        assert (refused.status, said["error"]) == (401, "invalid_client")
        assert "authenticates by" in said["error_description"]


def test_claims_of_a_person_of_the_server_are_in_the_tokens_of_an_issuer() -> None:
    issuer = Issuer(persona("generic"), KeyRing([fixed_key("a", "ES256")]))
    idp = MockIdP()
    idp.add_issuer("", issuer)
    idp.people.add(Person.named("zoe"))
    idp.people.accounts["zoe"] = Account({"groups": ["qa"]}, "p")
    asked = {"grant_type": "password", "client_id": "app", "username": "zoe", "password": "p"}

    answer = idp.handle(Request("POST", "/token", "", (FORM,), urlencode(asked).encode()))
    wrong = idp.handle(Request("POST", "/token", "", (FORM,), urlencode({**asked, "password": "q"}).encode()))

    payload = json.loads(answer.body)["access_token"].split(".")[1]
    assert json.loads(base64.urlsafe_b64decode(payload + "=="))["groups"] == ["qa"]
    assert (wrong.status, json.loads(wrong.body)["error"]) == (400, "invalid_grant")
