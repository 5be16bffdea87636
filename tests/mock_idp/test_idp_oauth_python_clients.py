"""Clients that nobody here wrote, over real HTTP: Authlib, MSAL and PyJWT's PyJWKClient."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import msal  # type: ignore[import-untyped]  # it ships no types
import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session

from mock_idp import Issuer, KeyRing, MockIdP, Person, fixed_key, persona
from mock_idp.loopback_tls import loopback_tls
from mock_idp.oauth.clients import Client
from mock_idp.serve import serve

BACK = "https://app.example/back"
SVC = Client("svc", "s3cret", redirect_uris=(BACK,), post_logout_redirect_uris=(BACK,))


@pytest.fixture
def idp() -> MockIdP:
    made = MockIdP()
    issuer = Issuer(persona("generic"), KeyRing([fixed_key("a")]), issuer="https://idp.example")
    issuer.clients["svc"] = SVC
    made.add_issuer("/t", issuer)
    return made


@pytest.fixture
def url(idp: MockIdP) -> Iterator[str]:
    with serve(idp) as running:
        yield running.url + "/t"


def signed_in(address: str, **more: Any) -> str:
    """Follow an authorization request as a browser that needs no click, and give where it ends up."""
    answer = requests.get(address, allow_redirects=False, timeout=10, **more)
    return answer.headers["location"]


def verified(token: str, jwks_uri: str, audience: str, issuer: str) -> dict[str, Any]:
    key = jwt.PyJWKClient(jwks_uri).get_signing_key_from_jwt(token)
    found: dict[str, Any] = jwt.decode(token, key, algorithms=["RS256"], audience=audience, issuer=issuer)
    return found


@pytest.fixture
def metadata(url: str) -> dict[str, Any]:
    found: dict[str, Any] = requests.get(f"{url}/.well-known/openid-configuration", timeout=10).json()
    return found


def test_authlib_goes_from_code_with_pkce_over_refresh_to_logout(metadata: dict[str, Any]) -> None:
    with OAuth2Session(
        "svc",
        "s3cret",
        scope="openid profile email",
        redirect_uri=BACK,
        code_challenge_method="S256",
        token_endpoint=metadata["token_endpoint"],
    ) as client:
        address, state = client.create_authorization_url(
            metadata["authorization_endpoint"], code_verifier="v" * 48, login_hint="ann", nonce="n1"
        )
        token = client.fetch_token(
            authorization_response=signed_in(address), code_verifier="v" * 48, state=state
        )
        refreshed = client.refresh_token(metadata["token_endpoint"])
        me = client.get(metadata["userinfo_endpoint"]).json()

    claims = verified(token["id_token"], metadata["jwks_uri"], "svc", "https://idp.example")
    assert (claims["nonce"], claims["sub"], me["sub"]) == ("n1", *(Person.named("ann").subject,) * 2)
    assert refreshed["refresh_token"] != token["refresh_token"]
    out = {"id_token_hint": token["id_token"], "post_logout_redirect_uri": BACK, "state": "bye"}
    left = requests.get(metadata["end_session_endpoint"], out, allow_redirects=False, timeout=10)
    assert left.headers["location"] == BACK + "?state=bye"


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_authlib_gets_client_credentials(metadata: dict[str, Any], idp: MockIdP, method: str) -> None:
    with OAuth2Session("svc", "s3cret", token_endpoint_auth_method=method) as client:
        token = client.fetch_token(metadata["token_endpoint"], grant_type="client_credentials", scope="read")
        told = client.introspect_token(metadata["introspection_endpoint"], token["access_token"]).json()
        client.revoke_token(metadata["revocation_endpoint"], token["access_token"])
        dead = client.introspect_token(metadata["introspection_endpoint"], token["access_token"]).json()

    audience = idp.issuer("/t").audience
    claims = verified(token["access_token"], metadata["jwks_uri"], audience, "https://idp.example")
    assert (claims["sub"], claims["scope"]) == ("svc", "read")
    assert (told["active"], dead["active"]) == (True, False)


def test_authlib_gets_a_token_by_password(metadata: dict[str, Any], idp: MockIdP) -> None:
    with OAuth2Session("svc", "s3cret", scope="openid") as client:
        token = client.fetch_token(metadata["token_endpoint"], username="ben", password="any")

    claims = verified(
        token["access_token"], metadata["jwks_uri"], idp.issuer("/t").audience, "https://idp.example"
    )
    assert claims["preferred_username"] == "ben"


TENANT = "f5b6a3e2-5c1d-4e8a-9a57-2d7f0c3b8e11"


@pytest.fixture
def entra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[MockIdP, str, str]]:
    """Serve an Entra tenant over HTTPS, as MSAL insists; give it with its authority and the CA's file."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)  # requests would prefer them to MSAL's own `verify`
    certificate, key, ca = loopback_tls(tmp_path)
    idp = MockIdP()
    with serve(idp, tls=(certificate, key)) as running:
        issuer = Issuer(persona("entra-v2"), KeyRing([fixed_key("a")]), tenant=TENANT)
        issuer.clients["svc"] = SVC
        idp.add_issuer(f"/{TENANT}", issuer)
        yield idp, f"{running.url.replace('127.0.0.1', 'localhost')}/{TENANT}", str(ca)


def confidential(authority: str, ca: str) -> msal.ConfidentialClientApplication:
    return msal.ConfidentialClientApplication(
        "svc",
        client_credential="s3cret",
        authority=authority,
        instance_discovery=False,
        validate_authority=False,
        verify=ca,
    )


def test_msal_gets_client_credentials(entra: tuple[MockIdP, str, str]) -> None:
    idp, authority, ca = entra

    got = confidential(authority, ca).acquire_token_for_client(
        ["b1946ac9-2a4e-4c43-9d5e-8e0b6f7c1a23/.default"]
    )

    assert "access_token" in got, got
    issuer = idp.issuer(f"/{TENANT}")
    keys = jwt.PyJWKSet.from_dict(issuer.jwks())
    key = keys[jwt.get_unverified_header(got["access_token"])["kid"]]
    claims = jwt.decode(
        got["access_token"], key, algorithms=["RS256"], audience=issuer.audience, issuer=issuer.issuer
    )
    assert (claims["azp"], claims["idtyp"], claims["tid"]) == ("svc", "app", TENANT)


def test_msal_signs_somebody_in_by_code_and_refreshes_silently(entra: tuple[MockIdP, str, str]) -> None:
    _, authority, ca = entra
    app = confidential(authority, ca)
    scope = ["api://b1946ac9-2a4e-4c43-9d5e-8e0b6f7c1a23/access_as_user"]

    flow = app.initiate_auth_code_flow(
        scope, redirect_uri=BACK, login_hint="ann@contoso.example", response_mode="form_post"
    )
    page = requests.get(flow["auth_uri"], timeout=10, verify=ca).text
    answer = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page))
    got = app.acquire_token_by_auth_code_flow(flow, answer)

    assert got.get("id_token_claims", got)["preferred_username"] == "ann@contoso.example"
    account = app.get_accounts()[0]
    again = app.acquire_token_silent_with_error(scope, account, force_refresh=True)
    assert again is not None
    assert again["access_token"] != got["access_token"]
    assert app.acquire_token_silent(scope, account)["token_source"] == "cache"


def test_msal_acts_on_behalf_of_somebody(entra: tuple[MockIdP, str, str]) -> None:
    idp, authority, ca = entra
    token = idp.issuer(f"/{TENANT}").mint(Person.named("ann"))

    got = confidential(authority, ca).acquire_token_on_behalf_of(token, ["downstream/.default"])

    assert "access_token" in got, got
    assert (
        jwt.decode(got["access_token"], options={"verify_signature": False})["oid"] == Person.named("ann").oid
    )


def test_msal_signs_a_device_in(entra: tuple[MockIdP, str, str]) -> None:
    idp, authority, ca = entra
    idp.issuer(f"/{TENANT}").clients.clear()
    idp.issuer(f"/{TENANT}").auto_login = "cleo"
    app = msal.PublicClientApplication(
        "tv", authority=authority, instance_discovery=False, validate_authority=False, verify=ca
    )

    got = app.acquire_token_by_device_flow(app.initiate_device_flow(["User.Read"]))

    assert got.get("id_token_claims", got)["preferred_username"] == "cleo@contoso.example"


def test_msal_is_told_why_it_is_refused(entra: tuple[MockIdP, str, str]) -> None:
    _, authority, ca = entra
    app = msal.ConfidentialClientApplication(
        "svc",
        client_credential="wrong",
        authority=authority,
        instance_discovery=False,
        validate_authority=False,
        verify=ca,
    )

    got = app.acquire_token_for_client(["api/.default"])

    assert (got["error"], got["error_description"]) == (
        "invalid_client",
        "the client secret is missing or wrong",
    )
