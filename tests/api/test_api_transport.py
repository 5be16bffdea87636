"""HTTPS, plain HTTP, and proxies in front of the protected API (HTTP-026)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import urllib3

from mock_idp.loopback_tls import loopback_tls
from tests.api.conftest import Reply
from verifier import IntegrationRecord, Policy, User, Verifier
from verifier.api import Registry, create_app

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mock_idp.served import ServedIssuer
    from tests.api.conftest import Api

FAR, PROXY = "203.0.113.9", "10.1.2.3"


def ask(
    idp: ServedIssuer,
    user: dict[str, Any],
    *,
    client: str,
    scheme: str = "http",
    proto: tuple[str, ...] = (),
    **options: Any,
) -> Reply:
    """Let the app answer one request from an address that a test cannot have."""
    verifier = Verifier(Policy(algorithms=("ES256",), allow_local_jwks=True))
    record = IntegrationRecord("i", "urn:i", None, idp.iss, idp.audience, jwks_uri=idp.jwks_uri)
    verifier.onboard(record, [User(user["name"], user["external_id"])])
    app = create_app(Registry(verifier), admin_token="an-admin-token-of-tests", **options)
    path = options.pop("path", "/api/2.0/whoami")
    headers = [(b"authorization", f"Bearer {idp.mint('ann')}".encode())]
    headers += [(b"x-forwarded-proto", value.encode()) for value in proto]
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": headers,
        "client": (client, 1),
        "scheme": scheme,
    }
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    start, body = sent
    return Reply(
        start["status"], {name.decode(): value.decode() for name, value in start["headers"]}, body["body"]
    )


@pytest.mark.parametrize("client", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_plain_http_is_taken_from_loopback(idp: ServedIssuer, user: Any, client: str) -> None:
    assert ask(idp, user("ann"), client=client).status == 200


@pytest.mark.parametrize("proto", [(), ("https",)])
@pytest.mark.parametrize("client", [FAR, "::ffff:203.0.113.9", "2001:db8::1", "", "localhost"])
def test_plain_http_from_anywhere_else_is_refused_and_not_redirected(
    idp: ServedIssuer, user: Any, client: str, proto: tuple[str, ...]
) -> None:
    reply = ask(idp, user("ann"), client=client, proto=proto)

    assert (reply.status, reply.json()) == (403, {"error": "https_required"})
    assert not {"location", "www-authenticate"} & set(reply.headers)


def test_https_is_taken_from_anywhere_and_so_is_http_where_that_was_asked_for(
    idp: ServedIssuer, user: Any
) -> None:
    assert ask(idp, user("ann"), client=FAR, scheme="https").status == 200
    assert ask(idp, user("ann"), client=FAR, insecure_http=True).status == 200


@pytest.mark.parametrize(
    "proto,status",
    [
        (("https",), 200),
        (("HTTPS",), 200),
        ((), 403),
        (("http",), 403),
        (("https", "http"), 403),
        (("http, https",), 403),
    ],
)
@pytest.mark.parametrize("client", [PROXY, "127.0.0.1"])
def test_a_trusted_proxy_is_believed_and_has_to_speak(
    idp: ServedIssuer, user: Any, client: str, proto: tuple[str, ...], status: int
) -> None:
    reply = ask(idp, user("ann"), client=client, proto=proto, trusted_proxies=["10.0.0.0/8", "127.0.0.1"])

    assert reply.status == status


def test_over_tls_a_token_is_taken_and_plain_http_gets_nothing(
    start: Callable[..., Api], idp: ServedIssuer, user: Any, tmp_path: Path
) -> None:
    certificate, key, authority = loopback_tls(tmp_path)
    options = ("--tls-cert", str(certificate), "--tls-key", str(key))
    state = ("--state", str(tmp_path / "state.sqlite"))
    plain = start(*state)
    plain.onboard(idp, "i", user("ann"))
    plain.stop()
    api = start(*options, *state)

    with urllib3.PoolManager(ca_certs=str(authority), retries=False) as pool:
        headers = {"Authorization": f"Bearer {idp.mint('ann')}"}
        answer = pool.request("GET", f"{api.url}/api/2.0/whoami", headers=headers)
        long = pool.request("GET", f"{api.url}/api/2.0/whoami", headers={"X": "x" * 100_000})
        with pytest.raises(urllib3.exceptions.HTTPError):
            pool.request("GET", f"{api.url.replace('https', 'http')}/api/2.0/whoami", headers=headers)

    assert api.url.startswith("https://")
    assert (answer.status, answer.json()["user"], long.status) == (200, "ann", 431)
