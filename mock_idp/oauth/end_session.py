"""RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mock_idp.oauth import jws, pages, sessions
from mock_idp.oauth.authentication import known
from mock_idp.oauth.delivery import redirect, with_query
from mock_idp.oauth.errors import OAuthError, invalid_request
from mock_idp.oauth.form import form, query
from mock_idp.oauth.redirects import choose_redirect

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_idp.http import Request, Response
    from mock_idp.issuer import Issuer
    from mock_idp.oauth.endpoint import Context

MAX_STATE: Final = 8192


def end_session(issuer: Issuer, request: Request, context: Context) -> Response:
    """Sign the browser out, and send it on to where the client may have it sent."""
    try:
        params = form(request) if request.method == "POST" else query(request)
        address = _way_back(issuer, params)
    except OAuthError as error:
        return pages.problem(error)
    if address is None:
        answer = pages.message("Signed out", "You are signed out.")
    else:
        state = {"state": params["state"][:MAX_STATE]} if "state" in params else {}
        answer = redirect(with_query(address, state))
    return sessions.end(issuer, request, context, answer)


def _way_back(issuer: Issuer, params: Mapping[str, str]) -> str | None:
    client = _client(issuer, params)
    asked = params.get("post_logout_redirect_uri")
    if client is not None:
        registered = known(issuer, client).post_logout_redirect_uris
    elif issuer.clients and asked is not None:
        # Section 2 of the specification: whoever asks to be sent on has to say who it is.
        raise invalid_request("post_logout_redirect_uri needs an id_token_hint or a client_id")
    else:
        registered = ()
    return None if asked is None else choose_redirect(registered, asked)


def _client(issuer: Issuer, params: Mapping[str, str]) -> str | None:
    """Give the client that asks: it may name itself, and the hint may; both have to agree."""
    named, hint = params.get("client_id"), params.get("id_token_hint")
    if hint is None:
        return named
    try:
        # An expired ID token is as good a hint as any (section 2), one of another issuer is none.
        claims = jws.own_claims(issuer, hint)
    except jws.NotSignedError as error:
        raise invalid_request(f"id_token_hint: {error}") from None
    audience = claims.get("aud")
    if claims.get("iss") not in (issuer.issuer, issuer.id_issuer) or not isinstance(audience, str):
        raise invalid_request("id_token_hint: it is no ID token of this issuer")
    if named is not None and named != audience:
        raise invalid_request("client_id and id_token_hint name different clients")
    return audience
