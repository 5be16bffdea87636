"""The admin side under bytes that nobody meant: always an answer, and never a 5xx."""

import json
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mock_idp import PERSONAS, Issuer, KeyRing, MockIdP, Request, fixed_key, persona
from mock_idp.admin.routes import API, OPERATIONS
from mock_idp.control import Control

SEGMENTS = ("issuers", "t", "clients", "app", "ann", "state", "certificate.pem", "certificate.cer", "private.pem",
            "%2F", "keys", "a", "revoke", "rotate", "tokens", "clock", "move", "faults", "jwks", "next",
            "people", "requests", "canaries", "decode", "reset", "..", "", "%00", "%ff")  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
MEMBERS = sorted({name for o in OPERATIONS if o.body is not None for name in o.body.__struct_fields__})
MEMBERS += ["keys", "kid", "alg", "private_key", "progress"]
BODIES = (
    st.binary(max_size=200)
    | VALUES.map(lambda value: json.dumps(value).encode())
    | st.dictionaries(st.sampled_from(MEMBERS), VALUES, max_size=4).map(
        lambda value: json.dumps(value).encode()
    )
)
HEADERS = st.lists(
    st.sampled_from([("host", "localhost"), ("content-type", "application/json")])
    | st.tuples(
        st.sampled_from(["host", "origin", "authorization", "content-type", "sec-fetch-site"]), st.text()
    ),
    max_size=4,
).map(tuple)
REQUESTS = st.builds(
    Request,
    st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]) | st.text(max_size=5),
    st.lists(st.sampled_from(SEGMENTS) | st.text(max_size=5), max_size=6).map(
        lambda found: "/".join((API, *found))
    ),
    st.sampled_from(["", "since=1", "limit=x", "%ff&=&==", "path=%00"]) | st.text(max_size=20),
    HEADERS,
    BODIES,
)


def new_idp() -> MockIdP:
    idp = MockIdP()
    idp.admin = True
    idp.add_issuer(
        "/t", Issuer(persona("generic"), KeyRing([fixed_key("a", "ES256"), fixed_key("b", "ES256")]))
    )
    return idp


@settings(max_examples=400, deadline=None, derandomize=True, database=None)
@given(st.lists(REQUESTS, min_size=1, max_size=4), st.sampled_from([None, "token"]))
def test_whatever_is_asked_is_answered_and_never_with_a_5xx(
    requests: list[Request], token: str | None
) -> None:
    idp = new_idp()
    idp.admin_token = token

    for request in requests:
        answer = idp.handle(request)
        assert answer.status < 500
        if answer.status >= 400:
            assert json.loads(answer.body).keys() == {"error", "message"}


@pytest.mark.parametrize("name", PERSONAS)
def test_an_issuer_of_every_persona_is_steered_and_its_addresses_are_there(name: str) -> None:
    idp = MockIdP()
    idp.base_url = "http://127.0.0.1:1"
    control = Control(idp, make_key=lambda alg: fixed_key("b", alg))
    idp.add_issuer("/x", Issuer(persona(name), KeyRing([fixed_key("a")])))

    shown = control.issuer("/x")
    for url in (shown.jwks_uri, shown.metadata_url):
        address = urlsplit(url)
        assert idp.handle(Request("GET", address.path, address.query)).status == 200
    metadata = json.loads(idp.handle(Request("GET", urlsplit(shown.metadata_url).path)).body)
    assert metadata["jwks_uri"] == shown.jwks_uri
    assert control.rotate("/x").state == "active"
    decoded = control.decode(control.mint("/x", "ann").token)
    assert decoded.header.value is not None
    assert decoded.header.value["kid"] == control.keys("/x")[-1].kid
