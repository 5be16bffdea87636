"""What can be done with a token that was issued: userinfo, introspection and revocation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_idp.oauth.authentication import authenticate
from mock_idp.oauth.errors import OAuthError
from mock_idp.oauth.form import form, needed
from mock_idp.oauth.granted import Granted
from mock_idp.oauth.issue import digest, identity_claims, token_response
from mock_idp.oauth.subject_tokens import (
    NotOursError,
    client_of,
    is_id_token,
    read_subject,
    scopes_of,
    subject_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_idp.http import Request, Response
    from mock_idp.issuer import Issuer
    from mock_idp.oauth.clients import Client
    from mock_idp.oauth.endpoint import Context

_TIMES: Final = ("exp", "nbf", "iat", "auth_time")
_IDS: Final = ("iss", "aud", "jti", "nonce", "at_hash", "azp", "aio", "rh", "uti", "sid")
_ABOUT_THE_TOKEN: Final = frozenset((*_TIMES, *_IDS, "amr", "acr", "ver", "typ", "token_use"))
"""Claims of an ID token that tell of the token, not of the person."""


def _bearer_refused(error: str, description: str, status: int = 401) -> OAuthError:
    # RFC 6750 section 3.1.
    challenge = f'Bearer error="{error}", error_description="{description}"'
    return OAuthError(error, description, status=status, challenge=challenge)


def userinfo(issuer: Issuer, request: Request, context: Context) -> Response:
    """Tell about the person of an access token (OpenID Connect Core section 5.3)."""
    token = _bearer(request)
    try:
        claims = read_subject(issuer, token)
    except NotOursError as error:
        raise _bearer_refused("invalid_token", str(error)) from None
    if is_id_token(claims):
        raise _bearer_refused("invalid_token", "an ID token is no access token")
    scope = claims.get("scope")
    if isinstance(scope, str) and "openid" not in scope.split():
        raise _bearer_refused("insufficient_scope", "the token has no scope openid", 403)
    person = subject_of(issuer, context, claims)
    if person is None:
        raise _bearer_refused("insufficient_scope", "the token is about no person", 403)
    scopes = tuple(scope.split()) if isinstance(scope, str) else issuer.persona.default_scopes
    known = identity_claims(issuer, Granted(client_of(claims), person, scopes, issuer.audience))
    return token_response({name: value for name, value in known.items() if name not in _ABOUT_THE_TOKEN})


def _bearer(request: Request) -> str:
    header = request.header("authorization") or ""
    scheme, _, token = header.partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    # RFC 6750 section 2.2: the token may come in a form; in a query it may not (RFC 9700 section 4.3.2).
    sent = form(request).get("access_token") if request.method == "POST" and request.body else None
    if sent is None:
        raise OAuthError("invalid_request", "no bearer token", status=401, challenge="Bearer")
    return sent


def introspection(issuer: Issuer, request: Request, context: Context) -> Response:
    """Tell whether a token is live, and what it says (RFC 7662)."""
    params = form(request)
    client = authenticate(issuer, request, params, context)
    if issuer.clients and client.public:
        raise OAuthError(
            "invalid_client", "introspection is for clients that authenticate", status=401, challenge="Basic"
        )
    return token_response(_introspected(issuer, needed(params, "token")))


def _introspected(issuer: Issuer, token: str) -> Mapping[str, Any]:
    held = issuer.granted.refresh.get(digest(token), issuer.clock())
    if held is not None and not held.used and not held.family.revoked:
        return {
            "active": True,
            "token_type": "refresh_token",
            "client_id": held.granted.client,
            "scope": " ".join(held.granted.scopes),
            "exp": int(held.expires),
            "iss": issuer.issuer,
        }
    try:
        claims = read_subject(issuer, token)
    except NotOursError:
        return {"active": False}
    if is_id_token(claims):
        return {"active": False}
    scopes = scopes_of(claims)
    words = {"scope": " ".join(scopes)} if scopes else {}
    return {"active": True, "token_type": "Bearer", "client_id": client_of(claims), **claims, **words}


def revocation(issuer: Issuer, request: Request, context: Context) -> Response:
    """Withdraw a token; one that is not known is none to worry about (RFC 7009 section 2.2)."""
    params = form(request)
    client = authenticate(issuer, request, params, context)
    token = needed(params, "token")
    held = issuer.granted.refresh.get(digest(token), issuer.clock())
    if held is not None:
        _check_owner(client, held.granted.client)
        issuer.granted.withdraw(held.family)
    else:
        _revoke_access(issuer, client, token)
    return token_response({})


def _revoke_access(issuer: Issuer, client: Client, token: str) -> None:
    try:
        claims = read_subject(issuer, token)
    except NotOursError:
        return
    _check_owner(client, client_of(claims))
    issuer.granted.revoked.put(digest(token), value=True, until=claims["exp"])


def _check_owner(client: Client, owner: str) -> None:
    if owner and client.id != owner:
        raise OAuthError(
            "unauthorized_client", "the token was issued to another client (RFC 7009 section 2.1)"
        )
