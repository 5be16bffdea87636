"""The protected API as clients meet it: what opens it, what does not, and what it says."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.api.conftest import Api, Door, Idps

WHOAMI, ECHO = "/api/2.0/whoami", "/api/2.0/echo"


def test_a_good_token_gives_access_and_says_how_the_user_was_found(door: Door) -> None:
    reply = door.api.call("GET", WHOAMI, door.token)

    found = reply.json()
    assert reply.status == 200
    assert found.pop("external_id")
    assert found == {"user": "ann", "claim": "sub", "fallback": False, "integration": door.name}


def test_a_token_without_the_custom_claim_is_said_to_have_fallen_back(
    api: Api, idps: Idps, user: Any
) -> None:
    idp = idps.new()
    api.onboard(idp, "custom", user("ann"), {"name": "bob", "external_id": "b@x"}, custom_claim="mail")

    found = [
        api.whoami(idp.mint(name, claims=more)) for name, more in (("ann", {}), ("ann", {"mail": "b@x"}))
    ]

    assert [(one["user"], one["claim"], one["fallback"]) for one in found] == [
        ("ann", "sub", True),
        ("bob", "mail", False),
    ]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", [WHOAMI, ECHO])
def test_one_token_is_one_user_at_every_endpoint_and_method(door: Door, method: str, path: str) -> None:
    reply = door.api.call(method, path, door.token)

    assert (reply.status, reply.json()["user"]) == (200, "ann")


def test_head_is_as_get_without_a_body(door: Door) -> None:
    head, get = (door.api.call(method, WHOAMI, door.token) for method in ("HEAD", "GET"))

    assert (head.status, head.body, get.status) == (200, b"", 200)


@pytest.mark.parametrize(
    "method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "TRACE"]
)
@pytest.mark.parametrize("path", [WHOAMI, ECHO, "/", "/api/2.0/", "/nothing"])
def test_no_method_and_no_path_opens_without_a_token(api: Api, method: str, path: str) -> None:
    reply = api.call(method, path)

    assert reply.status == 401
    assert reply.headers["www-authenticate"] == 'Bearer realm="api"'
    assert reply.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PROPFIND"])
def test_a_method_that_an_endpoint_has_not_is_refused_after_the_token_was_taken(
    door: Door, method: str
) -> None:
    reply = door.api.call(method, WHOAMI, door.token, headers={"X-HTTP-Method-Override": "GET"})

    assert (reply.status, reply.headers["allow"]) == (405, "GET, HEAD, POST")


@pytest.mark.parametrize(
    "path",
    [
        "//api/2.0/whoami",
        "/api/2.0//whoami",
        "/api/2.0/./whoami",
        "/api/x/../2.0/whoami",
        "/api/2.0/%77hoami",
        "/%61pi/2.0/whoami",
        "/api%2f2.0/whoami",
        "/api/2%2e0/whoami",
        "/api/2.0/whoami/",
        "/api/2.0/whoami;x=y",
        "/api/2.0/whoami%00",
        "/API/2.0/WHOAMI",
        "/api/2.0/whoami/../../../health",
        "/health/../api/2.0/whoami",
        "/health/",
        "//health",
        "/health;/api/2.0/whoami",
        "//admin/integrations",
        "/admin/../api/2.0/whoami",
        "/%61dmin/integrations",
        "http://other.example/api/2.0/whoami",
    ],
)
def test_no_spelling_of_a_path_gets_past_the_token(door: Door, path: str) -> None:
    line = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n".encode()

    without, _ = door.api.raw(line + b"\r\n")
    with_token, answer = door.api.raw(line + b"Authorization: Bearer " + door.token.encode() + b"\r\n\r\n")

    # A proxy's form of the target (RFC 9112 section 3.2.2) names the same path.
    expected = 200 if path.startswith("http:") else 401 if "admin/.." in path else 404
    assert without == 401
    assert with_token == expected, answer


@pytest.mark.parametrize("path", ["/msp/whoami", "/api/1.0/whoami", "/msp/"])
def test_old_interfaces_take_no_token(door: Door, path: str) -> None:
    reply = door.api.call("GET", path, door.token)

    assert reply.status == 401
    assert 'error="invalid_token"' in reply.headers["www-authenticate"]


@pytest.mark.parametrize(
    "where",
    [
        {"headers": {"X-Forwarded-Authorization": "Bearer {}"}},
        {"headers": {"X-Original-Authorization": "Bearer {}"}},
        {"headers": {"X-JWT-Assertion": "{}"}},
        {"headers": {"X-Auth-Token": "{}"}},
        {"headers": {"Proxy-Authorization": "Bearer {}"}},
        {
            "headers": {
                "Sec-WebSocket-Protocol": "bearer, {}",
                "Connection": "Upgrade",
                "Upgrade": "websocket",
            }
        },
        {"headers": {"Cookie": "Authorization=Bearer {}; access_token={}"}},
        {"body": "access_token={}", "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
        {"fields": {"access_token": "{}"}},
    ],
)
def test_a_token_anywhere_but_in_the_authorization_header_opens_nothing(
    door: Door, where: dict[str, Any]
) -> None:
    filled = json.loads(json.dumps(where).replace("{}", door.token))

    assert door.api.call("POST", WHOAMI, **filled).status == 401


@pytest.mark.parametrize("name", ["access_token", "token", "jwt"])
def test_a_token_in_the_query_opens_nothing(door: Door, name: str) -> None:
    assert door.api.call("GET", f"{WHOAMI}?{name}={door.token}").status == 401


def test_a_second_token_in_the_query_or_in_a_form_is_a_bad_request(door: Door) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    twice = [
        door.api.call("GET", f"{WHOAMI}?access_token={door.token}", door.token),
        door.api.call("POST", WHOAMI, door.token, body=f"a=b&access_token={door.token}", headers=form),
    ]
    once = door.api.call("POST", ECHO, door.token, body="a=b", headers=form)

    assert [reply.status for reply in twice] == [400, 400]
    assert all('error="invalid_request"' in reply.headers["www-authenticate"] for reply in twice)
    assert (once.status, once.json()["bytes"]) == (200, 3)


def test_a_multipart_body_never_decides(door: Door) -> None:
    bob = door.idp.mint("bob")

    reply = door.api.call("POST", ECHO, door.token, fields={"access_token": bob})

    assert (reply.status, reply.json()["user"]) == (200, "ann")


def test_basic_beside_bearer_is_a_bad_request_and_basic_alone_no_credential(door: Door) -> None:
    head = b"GET /api/2.0/whoami HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    basic, good = b"Authorization: Basic YTpi\r\n", b"Authorization: Bearer " + door.token.encode() + b"\r\n"

    statuses = [
        door.api.raw(head + lines + b"\r\n")[0] for lines in (basic + good, good + basic, basic, good)
    ]

    assert statuses == [400, 400, 401, 200]


def test_nothing_but_the_token_says_who_asks(door: Door) -> None:
    headers = {
        "X-External-Id": "x",
        "X-User": "bob",
        "X-MS-CLIENT-PRINCIPAL-NAME": "bob",
        "Cookie": "user=bob",
    }

    reply = door.api.call(
        "POST", f"{WHOAMI}?user=bob&external_id=x", door.token, headers=headers, body='{"user":"bob"}'
    )

    assert reply.json()["user"] == "ann"


def test_unknown_inactive_and_doubly_known_users_get_the_same_answer(api: Api, idps: Idps, user: Any) -> None:
    idp = idps.new()
    twin = user("cleo")
    users = [user("ann"), user("bob", active=False), twin, {**twin, "name": "other"}]
    api.onboard(idp, "secretive", *users)

    replies = [api.call("GET", WHOAMI, idp.mint(name)) for name in ("bob", "cleo", "nobody")]
    forged = api.call("GET", WHOAMI, idp.mint("ann")[:-8] + "AAAAAAAA")

    seen = {(reply.status, reply.headers["www-authenticate"], reply.body) for reply in [*replies, forged]}
    assert len(seen) == 1
    assert seen.pop()[0] == 401


def test_a_user_without_api_access_is_told_so_and_roles_in_the_token_change_nothing(
    api: Api, idps: Idps, user: Any
) -> None:
    idp = idps.new()
    api.onboard(idp, "rights", user("ann", api_access=False), user("bob"))
    roles = {"roles": ["Manager"], "scp": "api admin", "groups": ["admins"], "admin": True}

    replies = [api.call("GET", WHOAMI, idp.mint("ann", claims=more)) for more in ({}, roles)]

    assert [reply.status for reply in replies] == [403, 403]
    assert 'error="insufficient_scope"' in replies[0].headers["www-authenticate"]
    assert api.whoami(idp.mint("bob"))["user"] == "bob"


def test_no_answer_starts_a_session(door: Door) -> None:
    replies = [
        door.api.call(method, path, door.token) for method in ("GET", "POST") for path in (WHOAMI, ECHO, "/x")
    ]

    assert not any("set-cookie" in reply.headers or "location" in reply.headers for reply in replies)
    assert all(reply.headers["cache-control"] == "no-store" for reply in replies)


@pytest.mark.parametrize(
    "value", ['"', "\r\n\r\nHTTP/1.1 200 OK", "é\u202e", "${jndi:ldap://x}", "<script>", "\x1b[2J"]
)
@pytest.mark.parametrize("claim", ["iss", "sub", "aud"])
def test_no_claim_gets_into_an_answer(door: Door, claim: str, value: str) -> None:
    reply = door.api.call("GET", WHOAMI, door.idp.mint("ann", claims={claim: f"mark{value}"}))

    assert reply.status == 401
    assert reply.headers["www-authenticate"].isascii()
    assert "mark" not in json.dumps(dict(reply.headers)) + reply.body.decode()


def test_users_never_mix_however_many_ask_at_once(api: Api, idps: Idps, user: Callable[..., Any]) -> None:
    idp = idps.new()
    names = [f"user-{number}" for number in range(50)]
    api.onboard(idp, "crowd", *(user(name) for name in names))
    tokens = {name: idp.mint(name) for name in names}

    def ask(number: int) -> bool:
        name = names[number % 50]
        if number % 3 == 0:
            return api.call("GET", WHOAMI, tokens[name][:-6] + "AAAAAA").status == 401
        return bool(api.whoami(tokens[name])["user"] == name)

    with ThreadPoolExecutor(20) as pool:
        assert all(pool.map(ask, range(200)))


def test_a_body_above_the_limit_is_refused_and_one_at_the_limit_is_taken(door: Door) -> None:
    size = 1024 * 1024

    taken, refused = (
        door.api.call("POST", ECHO, door.token, body=b"x" * count) for count in (size, size + 1)
    )

    assert (taken.status, taken.json()["bytes"], refused.status) == (200, size, 413)


def test_the_health_page_needs_no_token_and_tells_nothing(api: Api) -> None:
    assert api.call("GET", "/health").json() == {"status": "ok"}


def test_every_answer_has_an_id_of_its_own(api: Api) -> None:
    ids = [api.call("GET", WHOAMI).headers["x-request-id"] for _ in range(3)]

    assert len(set(ids)) == 3
