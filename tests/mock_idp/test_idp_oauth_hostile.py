"""Hostile requests at every endpoint: always an answer with a reason, never an exception."""

import base64
import json
from urllib.parse import quote, urlencode

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mock_idp import PERSONAS, Issuer, KeyRing, MockIdP, Person, Request, fixed_key, persona
from mock_idp.oauth.authentication import ASSERTION_TYPE
from mock_idp.oauth.clients import Client
from mock_idp.oauth.endpoints import ENDPOINTS
from mock_idp.oauth.token import GRANTS

NOW = 1_767_225_600
FORM = ("content-type", "application/x-www-form-urlencoded")
NAMES = [
    "grant_type",
    "client_id",
    "client_secret",
    "client_assertion",
    "client_assertion_type",
    "code",
    "scope",
    "redirect_uri",
    "code_verifier",
    "refresh_token",
    "username",
    "password",
    "assertion",
    "subject_token",
    "subject_token_type",
    "actor_token",
    "actor_token_type",
    "requested_token_type",
    "device_code",
    "user_code",
    "token",
    "id_token_hint",
    "post_logout_redirect_uri",
    "state",
    "nonce",
    "prompt",
    "max_age",
    "login_hint",
    "response_type",
    "response_mode",
    "code_challenge",
    "code_challenge_method",
    "resource",
    "audience",
    "_sign_in",
    "_cancel",
]  # fmt: skip - one name a line would fill the screen
TYPES = ("access_token", "jwt", "id_token")
URNS = [f"urn:ietf:params:oauth:token-type:{name}" for name in TYPES]
BACK = "https://app.example/back"


def made(name: str = "generic", *clients: Client) -> tuple[MockIdP, Issuer]:
    issuer = Issuer(persona(name), KeyRing([fixed_key("a", "ES256")]), clock=lambda: NOW)
    issuer.clients.update({client.id: client for client in clients})
    idp = MockIdP(clock=lambda: NOW)
    idp.add_issuer("/t", issuer)
    return idp, issuer


OPEN, ISSUER = made()
JWKS = {"keys": [{"kty": "RSA", "n": "AA", "e": "AA"}, {"kty": "EC", "crv": 5}, {"kty": []}, 7, {}]}
CLOSED, _ = made("generic", Client("a", "s"), Client("b", jwks=JWKS), Client("c", redirect_uris=(BACK,)))
TOKEN = ISSUER.mint(Person.named("ann"))


def unsigned(value: object) -> str:
    part = base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
    return f"{part}.{part}.AA"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["sub", "aud", "alg"]), inner)
    ),
    max_leaves=5,
)
VALUES = (
    st.text(max_size=20)
    | st.sampled_from(
        [*GRANTS, *URNS, ASSERTION_TYPE, TOKEN, BACK, "code", "a", "b", "c", "ann", "none", "\x00"]
    )
    | JSON.map(unsigned)
)
PAIRS = st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=8)


def encoded(pairs: list[tuple[str, str]]) -> str:
    return "&".join(f"{quote(name)}={quote(value, errors='surrogatepass')}" for name, value in pairs)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    where=st.sampled_from(sorted(ENDPOINTS)),
    idp=st.sampled_from([OPEN, CLOSED]),
    method=st.sampled_from(["GET", "POST"]),
    pairs=PAIRS,
    header=st.sampled_from(
        ["", "Basic YTpz", "Basic ", "Bearer " + TOKEN, "Bearer é", "Bearer " + unsigned({})]
    ),
)
def test_no_parameters_break_an_endpoint(
    where: str, idp: MockIdP, method: str, pairs: list[tuple[str, str]], header: str
) -> None:
    path, text = "/t" + ENDPOINTS[where].path, encoded(pairs)
    headers = (FORM, *((("authorization", header),) if header else ()))
    query, body = (text, b"") if method == "GET" else ("", text.encode())

    answer = idp.handle(Request(method, path, query, headers, body))

    assert answer.status < 500
    assert not any("\r" in value or "\n" in value for _, value in answer.headers)


@settings(max_examples=200, deadline=None)
@given(where=st.sampled_from(sorted(ENDPOINTS)), query=st.text(max_size=40), body=st.binary(max_size=60))
def test_no_bytes_break_an_endpoint(where: str, query: str, body: bytes) -> None:
    path = "/t" + ENDPOINTS[where].path

    answers = [
        OPEN.handle(Request("GET", path, query)),
        OPEN.handle(Request("POST", path, query, (FORM,), body)),
        OPEN.handle(Request("POST", path, query, (("content-type", "text/plain"),), body)),
    ]

    assert all(answer.status < 500 for answer in answers)


@settings(max_examples=200, deadline=None)
@given(claims=st.dictionaries(st.sampled_from(["iss", "sub", "aud", "exp", "nbf", "jti"]), JSON))
def test_no_client_assertion_breaks_the_token_endpoint(claims: dict[str, object]) -> None:
    key = fixed_key("b", "ES256")
    idp, issuer = made("generic", Client("robot", jwks={"keys": [key.public_jwk()]}))
    assertion = issuer.draft(None).signed_by(key).with_claims({"sub": "robot", **claims}).token()
    params = {"client_assertion": assertion, "client_assertion_type": ASSERTION_TYPE}

    for grant in GRANTS:
        body = urlencode({"grant_type": grant, "assertion": assertion, **params}).encode()
        assert idp.handle(Request("POST", "/t/token", "", (FORM,), body)).status < 500


def test_every_persona_serves_every_grant_without_a_break() -> None:
    for name in PERSONAS:
        idp, issuer = made(name)
        for grant in GRANTS:
            params = {
                "grant_type": grant,
                "client_id": "a",
                "username": "ann",
                "password": "x",
                "assertion": TOKEN,
                "subject_token": issuer.mint(Person.named("ann")),
                "subject_token_type": URNS[0],
            }  # fmt: skip - as above
            body = urlencode(params).encode()
            assert idp.handle(Request("POST", "/t/token", "", (FORM,), body)).status in {200, 400}, (
                name,
                grant,
            )
