"""The device authorization grant (RFC 8628): the endpoint that a device asks, and the page for its person."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from mock_idp.oauth import accounts, pages
from mock_idp.oauth.authentication import authenticate
from mock_idp.oauth.errors import OAuthError
from mock_idp.oauth.form import form, query
from mock_idp.oauth.grant_types import DEVICE_CODE
from mock_idp.oauth.granted import DEVICE_INTERVAL_S, DEVICE_LIFETIME_S, Device
from mock_idp.oauth.issue import token_response
from mock_idp.oauth.scopes import resolve

if TYPE_CHECKING:
    from mock_idp.http import Request, Response
    from mock_idp.issuer import Issuer
    from mock_idp.oauth.endpoint import Context

_LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"
"""RFC 8628 section 6.1: no vowels, so that no words arise."""
_REMEMBERED_S: Final = 3600
"""Seconds that an expired device code stays known, so that the device learns that it has expired."""


def device_authorization(issuer: Issuer, request: Request, context: Context) -> Response:
    """Give a device its codes (RFC 8628 section 3.2); `OAuthError` when the client is not known."""
    params = form(request)
    client = authenticate(issuer, request, params, context)
    if client.grants and DEVICE_CODE not in client.grants:
        raise OAuthError("unauthorized_client", f"this client may not use {DEVICE_CODE}")
    scopes, audience = resolve(issuer, client, params)
    now, device_code, user_code = issuer.clock(), issuer.granted.new_secret(), _new_user_code()
    expires = now + DEVICE_LIFETIME_S
    device = Device(user_code, client.id, scopes, audience, expires)
    if issuer.auto_login:
        device.person = accounts.find(issuer, context, issuer.auto_login)
    issuer.granted.devices.put(device_code, device, expires + _REMEMBERED_S)
    issuer.granted.user_codes.put(user_code, device_code, expires)
    page = context.browser_url + issuer.path("device", "/device")
    return token_response(
        {
            "device_code": device_code,
            "user_code": user_code,
            "verification_uri": page,
            "verification_uri_complete": f"{page}?user_code={user_code}",
            "expires_in": DEVICE_LIFETIME_S,
            "interval": DEVICE_INTERVAL_S,
        }
    )


def _new_user_code() -> str:
    text = "".join(secrets.choice(_LETTERS) for _ in range(8))
    return f"{text[:4]}-{text[4:]}"


def device_page(issuer: Issuer, request: Request, context: Context) -> Response:
    """Show the page, or take what was entered there."""
    action = context.browser_url + issuer.path("device", "/device")
    people = accounts.people(issuer, context)
    try:
        params = form(request) if request.method == "POST" else query(request)
    except OAuthError as error:
        return pages.problem(error)
    entered = params.get("user_code", "")[:32]
    if request.method != "POST":
        return pages.device(issuer, people, entered, action)
    device = _waiting(issuer, entered)
    person = accounts.find(issuer, context, params.get("_sign_in", ""))
    if device is None:
        return pages.device(issuer, people, entered, action, "No device waits with this code.")
    if "_cancel" not in params and person is None:
        return pages.device(issuer, people, entered, action, "Choose somebody.")
    issuer.granted.user_codes.drop(device.user_code)
    if "_cancel" in params:
        device.refused = True
        return pages.message("Refused", "The device was not let in.")
    device.person = person
    return pages.message("Connected", "The device was let in. You can close this page.")


def _waiting(issuer: Issuer, entered: str) -> Device | None:
    letters = "".join(c for c in entered.upper() if c in _LETTERS)
    device_code = issuer.granted.user_codes.get(f"{letters[:4]}-{letters[4:]}", issuer.clock())
    return issuer.granted.devices.get(device_code, issuer.clock()) if device_code else None
