"""The admin API sets issuers up: their settings, people, clients, keys as files, and the keys of all as one value."""

import base64
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from mock_idp import Issuer, KeyRing, MockIdP, Request, Response, fixed_key, persona
from mock_idp.admin.routes import API
from mock_idp.oauth.clients import Client

NOW = 1_767_225_600
HOST = ("host", "localhost")
JSON = ("content-type", "application/json")
FORM = ("content-type", "application/x-www-form-urlencoded")


@pytest.fixture
def idp() -> MockIdP:
    made = MockIdP(clock=lambda: NOW)
    made.admin = True
    made.base_url = "http://127.0.0.1:8080"
    for path, name, alg in (("/t", "generic", "ES256"), ("/e", "entra-v2", "RS256")):
        ring = KeyRing([fixed_key("a", alg), fixed_key("b", alg)])
        made.add_issuer(path, Issuer(persona(name), ring, clock=lambda: NOW))
    return made


def ask(idp: MockIdP, method: str, path: str, body: Any = None, *, query: str = "") -> Response:
    raw = b"" if body is None else json.dumps(body).encode()
    return idp.handle(Request(method, API + path, query, (HOST, JSON), raw))


def call(idp: MockIdP, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    answer = ask(idp, method, path, body)
    return answer.status, json.loads(answer.body) if answer.body else None


def token(idp: MockIdP, **params: str) -> tuple[int, dict[str, Any]]:
    answer = idp.handle(Request("POST", "/t/token", "", (FORM,), urlencode(params).encode()))
    return answer.status, json.loads(answer.body)


def payload(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text.split(".")[1] + "=="))
    return found


def kid_of(text: str) -> str:
    found: str = json.loads(base64.urlsafe_b64decode(text.split(".", maxsplit=1)[0] + "=="))["kid"]
    return found


def test_how_an_issuer_answers_is_changed_and_the_rest_stays(idp: MockIdP) -> None:
    status, changed = call(idp, "PATCH", "/issuers/t", {"token_lifetime_s": 60, "auto_login": "ben"})
    call(idp, "PATCH", "/issuers/t", {"opaque_access_tokens": True, "auto_login": None})

    assert (status, changed["token_lifetime_s"], changed["auto_login"]) == (200, 60, "ben")
    now = call(idp, "GET", "/issuers/t")[1]
    assert (now["token_lifetime_s"], now["auto_login"], now["opaque_access_tokens"]) == (60, None, True)
    answered = token(idp, grant_type="client_credentials", client_id="app")[1]
    assert answered["expires_in"] == 60
    assert "." not in answered["access_token"]


def test_an_issuer_can_be_added_whose_keys_change_by_its_clock(idp: MockIdP) -> None:
    plan = {"every": 100, "overlap": 20, "ahead": 10}
    _, added = call(idp, "POST", "/issuers", {"path": "/r", "alg": "ES256", "rotation": plan})
    call(idp, "PUT", "/issuers/r/clock", {"mode": "frozen", "now": added["rotation"]["next"]})

    assert {name: added["rotation"][name] for name in plan} == plan
    assert [key["state"] for key in call(idp, "GET", "/issuers/r/keys")[1]] == ["retiring", "active"]


def test_people_of_an_issuer_alone_are_added_changed_listed_and_removed(idp: MockIdP) -> None:
    people = "/issuers/t/people"
    status, zoe = call(
        idp, "POST", people, {"username": "zoe", "claims": {"groups": ["qa"]}, "password": "p"}
    )
    asked = {"grant_type": "password", "client_id": "app", "username": "zoe", "password": "p"}

    assert (status, zoe["name"], zoe["claims"], zoe["password"]) == (201, "Zoe", {"groups": ["qa"]}, "p")
    assert call(idp, "GET", people) == (200, [zoe])
    assert call(idp, "GET", "/people") == (200, [])
    assert payload(token(idp, **asked)[1]["access_token"])["groups"] == ["qa"]
    assert call(idp, "POST", people, {"username": "zoe"})[0] == 409
    assert call(idp, "PUT", f"{people}/zoe", {"password": "q", "name": "Z"})[1]["claims"] == {}
    assert token(idp, **asked)[1]["error"] == "invalid_grant"
    assert call(idp, "DELETE", f"{people}/zoe") == (204, None)
    assert call(idp, "DELETE", f"{people}/zoe")[0] == 404


def test_claims_of_a_person_of_the_server_count_at_every_issuer_in_tokens_asked_for_and_minted(
    idp: MockIdP,
) -> None:
    call(idp, "PUT", "/people/zoe", {"claims": {"groups": ["qa"], "iss": "https://evil.example"}})
    asked = {"grant_type": "password", "client_id": "app", "username": "zoe", "password": "any"}

    minted = payload(call(idp, "POST", "/issuers/t/tokens", {"person": "zoe"})[1]["token"])
    granted = payload(token(idp, **asked)[1]["access_token"])

    assert minted["groups"] == granted["groups"] == ["qa"]
    assert minted["iss"] == granted["iss"] == "https://idp.example"


def test_clients_are_registered_shown_changed_and_removed(idp: MockIdP) -> None:
    clients = "/issuers/t/clients"
    body = {
        "id": "a/b",
        "secret": "s",
        "grants": ["client_credentials"],
        "claims": {"roles": ["r"]},
        "audience": "api",
    }
    asked = {"grant_type": "client_credentials", "client_id": "a/b", "client_secret": "s"}

    status, made = call(idp, "POST", clients, body)
    claims = payload(token(idp, **asked)[1]["access_token"])
    unknown = token(idp, grant_type="client_credentials", client_id="zzz")

    assert (status, made["id"], made["auth_method"], made["redirect_uris"]) == (201, "a/b", None, [])
    assert (claims["roles"], claims["aud"]) == (["r"], "api")
    assert (unknown[0], unknown[1]["error"]) == (401, "invalid_client")
    assert call(idp, "POST", clients, body)[0] == 409
    assert call(idp, "GET", clients) == (200, [made])
    assert call(idp, "GET", f"{clients}/a%2Fb") == (200, made)
    assert call(idp, "GET", "/issuers/t")[1]["clients"] == [made]
    changed = call(idp, "PUT", f"{clients}/a%2Fb", {"secret": "s", "auth_method": "client_secret_basic"})
    assert (changed[0], changed[1]["grants"]) == (200, [])
    assert token(idp, **asked)[0] == 401
    assert call(idp, "DELETE", f"{clients}/a%2Fb") == (204, None)
    assert call(idp, "DELETE", f"{clients}/a%2Fb")[0] == 404
    assert token(idp, grant_type="client_credentials", client_id="zzz")[0] == 200


def test_a_client_with_keys_authenticates_by_them(idp: MockIdP) -> None:
    key = fixed_key("c", "ES256")
    call(
        idp,
        "PUT",
        "/issuers/t/clients/bot",
        {"jwks": {"keys": [key.public_jwk()]}, "auth_method": "private_key_jwt"},
    )
    draft = idp.issuer("/t").draft(None).signed_by(key)
    claims = {"iss": "bot", "sub": "bot", "aud": "https://idp.example", "exp": NOW + 60, "jti": "1"}
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

    status, _ = token(
        idp,
        grant_type="client_credentials",
        client_assertion=draft.with_claims(claims).token(),
        client_assertion_type=kind,
    )

    assert status == 200
    assert token(idp, grant_type="client_credentials", client_id="bot")[0] == 401


def test_an_issuer_has_a_thousand_clients_at_most(idp: MockIdP) -> None:
    idp.issuer("/t").clients.update({str(number): Client(str(number)) for number in range(1000)})

    assert call(idp, "PUT", "/issuers/t/clients/more", {})[0] == 409
    assert call(idp, "PUT", "/issuers/t/clients/7", {"secret": "s"})[0] == 200


def test_what_is_lined_up_is_shown_until_it_is_used(idp: MockIdP) -> None:
    body = {"users": ["ann"], "token_errors": [{"error": "slow_down", "status": 429}]}
    call(idp, "POST", "/issuers/t/next", body)

    shown = call(idp, "GET", "/issuers/t/next")[1]
    status, said = token(idp, grant_type="client_credentials", client_id="app")

    assert (shown["users"], [error["error"] for error in shown["token_errors"]]) == (["ann"], ["slow_down"])
    assert (status, said["error"]) == (429, "slow_down")
    assert call(idp, "GET", "/issuers/t")[1]["next"]["token_errors"] == []


@pytest.mark.parametrize("path", ["t", "e"])
def test_a_certificate_is_exported_as_pem_and_as_cer_and_is_the_one_of_the_jwks(
    idp: MockIdP, path: str
) -> None:
    issuer = idp.issuer(f"/{path}")
    pem = ask(idp, "GET", f"/issuers/{path}/keys/a/certificate.pem")
    cer = ask(idp, "GET", f"/issuers/{path}/keys/a/certificate.cer")
    bundle = ask(idp, "GET", f"/issuers/{path}/certificates.pem")

    expected = issuer.persona.certificate(issuer.ring.key("a"))
    assert x509.load_pem_x509_certificate(pem.body) == x509.load_der_x509_certificate(cer.body) == expected
    assert x509.load_pem_x509_certificates(bundle.body) == [
        issuer.persona.certificate(key) for key in issuer.ring.published()
    ]
    assert [dict(answer.headers)["content-type"] for answer in (pem, cer, bundle)] == [
        "application/pem-certificate-chain",
        "application/pkix-cert",
        "application/pem-certificate-chain",
    ]


def test_a_certificate_can_be_asked_for_that_has_expired_or_that_a_ca_issued(idp: MockIdP) -> None:
    query = "not_before=1000000000&not_after=1100000000&subject=CN%3Didp.example&by_authority=true"
    made = x509.load_pem_x509_certificate(
        ask(idp, "GET", "/issuers/t/keys/a/certificate.pem", query=query).body
    )
    authority = x509.load_pem_x509_certificate(ask(idp, "GET", "/authority.pem").body)

    made.verify_directly_issued_by(authority)
    assert made.subject.rfc4514_string() == "CN=idp.example"
    assert made.not_valid_after_utc == datetime.fromtimestamp(1_100_000_000, UTC)


@pytest.mark.parametrize("query", ["not_after=1", "subject=nonsense", "not_before=-1", "by_authority=maybe"])
def test_a_certificate_that_cannot_be_is_refused(idp: MockIdP, query: str) -> None:
    answer = ask(idp, "GET", "/issuers/t/keys/a/certificate.pem", query=query)

    assert answer.status == 400
    assert json.loads(answer.body)["message"]


def test_a_test_can_sign_by_itself_with_an_exported_key(idp: MockIdP) -> None:
    private = load_pem_private_key(ask(idp, "GET", "/issuers/t/keys/a/private.pem").body, None)
    public = load_pem_public_key(ask(idp, "GET", "/issuers/t/keys/a/public.pem").body)

    assert private.public_key() == public


def test_any_key_of_the_ring_signs_a_token_when_it_is_asked_to(idp: MockIdP) -> None:
    call(idp, "POST", "/issuers/t/keys/b/revoke")

    minted = call(idp, "POST", "/issuers/t/tokens", {"person": "ann", "kid": "b"})[1]["token"]

    assert kid_of(minted) == "b"
    assert [key["kid"] for key in idp.issuer("/t").jwks()["keys"]] == ["a"]


def test_saved_keys_are_served_by_another_server(idp: MockIdP) -> None:
    call(idp, "POST", "/issuers/t/rotate")
    state = call(idp, "GET", "/state")[1]
    other = MockIdP()
    other.admin = True
    for path in ("/t", "/e", "/more"):
        other.add_issuer(path, Issuer(persona("generic"), KeyRing([fixed_key("c", "ES256")])))

    assert call(other, "PUT", "/state", state) == (204, None)

    assert call(other, "GET", "/issuers/t/keys") == call(idp, "GET", "/issuers/t/keys")
    assert other.issuer("/t").jwks() == idp.issuer("/t").jwks()
    assert [key.kid for key in other.issuer("/more").ring.published()] == ["c"]


def pem_of(key: Any) -> str:
    text: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return text.decode()


SHORT = rsa.generate_private_key(65537, 1024)  # noqa: S505 - that is its point
OF_EC = pem_of(fixed_key("a", "ES256").private)
BAD_KEYS: dict[str, tuple[list[dict[str, str]], str]] = {
    "no key": ([{"alg": "ES256", "state": "active", "private_key": "x"}], "issuer '/e'"),
    "no active one": ([], "one active key"),
    "another kind": ([{"alg": "RS256", "state": "active", "private_key": OF_EC}], "fit"),
    "no JOSE curve": (
        [{"alg": "ES256", "state": "active", "private_key": pem_of(ec.generate_private_key(ec.SECP256K1()))}],
        "secp256k1",
    ),
    "too short": ([{"alg": "PS512", "state": "active", "private_key": pem_of(SHORT)}], "too short"),
    "too many": ([{"alg": "RS256", "state": "staged", "private_key": "x" * 1700}] * 301, "at most 300"),
}  # fmt: skip


@pytest.mark.parametrize("keys,message", BAD_KEYS.values(), ids=BAD_KEYS)
def test_keys_that_cannot_be_are_refused_and_nothing_changes(
    idp: MockIdP, keys: list[dict[str, str]], message: str
) -> None:
    before = call(idp, "GET", "/state")[1]
    good = before["issuers"]["/t"]
    bad = {"keys": [{"kid": str(number), **key} for number, key in enumerate(keys)]}

    status, said = call(
        idp, "PUT", "/state", {**before, "issuers": {"/t": {**good, "keys": good["keys"][:1]}, "/e": bad}}
    )

    assert (status, said["error"]) == (400, "invalid")
    assert message in said["message"]
    assert call(idp, "GET", "/state")[1] == before


def test_a_state_of_an_issuer_that_is_not_there_is_refused(idp: MockIdP) -> None:
    state = call(idp, "GET", "/state")[1]
    idp.remove_issuer("/e")

    assert call(idp, "PUT", "/state", state)[0] == 404
