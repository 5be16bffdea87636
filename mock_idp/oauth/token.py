"""The token endpoint (RFC 6749 section 3.2): the grant types, each a row of a table.

Whatever is wrong is refused with the RFC's error. It must never issue a token for something that it could not
check.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from mock_idp.oauth import accounts, issue, jws
from mock_idp.oauth.authentication import assertion_problem, audiences, authenticate
from mock_idp.oauth.errors import OAuthError, invalid_grant, invalid_request, shown
from mock_idp.oauth.form import form, needed
from mock_idp.oauth.grant_types import (
    AUTHORIZATION_CODE,
    CLIENT_CREDENTIALS,
    DEVICE_CODE,
    JWT_BEARER,
    PASSWORD,
    REFRESH_TOKEN,
    TOKEN_EXCHANGE,
)
from mock_idp.oauth.granted import Family, Granted
from mock_idp.oauth.scopes import resolve
from mock_idp.oauth.subject_tokens import NotOursError, read_subject, scopes_of, subject_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mock_idp.http import Request, Response
    from mock_idp.issuer import Issuer
    from mock_idp.oauth.clients import Client
    from mock_idp.oauth.endpoint import Context
    from mock_idp.oauth.granted import Code
    from mock_idp.people import Person

_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_ACCESS_TYPE: Final = "urn:ietf:params:oauth:token-type:access_token"
_ID_TYPE: Final = "urn:ietf:params:oauth:token-type:id_token"
_JWT_TYPE: Final = "urn:ietf:params:oauth:token-type:jwt"


class Asked(msgspec.Struct, frozen=True):
    """One request at the token endpoint, its client authenticated."""

    issuer: Issuer
    client: Client
    params: Mapping[str, str]
    context: Context


def token(issuer: Issuer, request: Request, context: Context) -> Response:
    """Answer a token request; `OAuthError` when it is refused."""
    params = form(request)
    if issuer.queue.token_errors:
        queued = issuer.queue.token_errors.popleft()
        raise OAuthError(queued.error, queued.description, status=queued.status)
    grant_type = needed(params, "grant_type")
    grant = GRANTS.get(grant_type)
    if grant is None:
        raise OAuthError(
            "unsupported_grant_type", f"no grant type {shown(grant_type)}: there are {', '.join(GRANTS)}"
        )
    client = authenticate(issuer, request, params, context)
    if client.grants and grant_type not in client.grants:
        raise OAuthError("unauthorized_client", f"this client may not use {grant_type}")
    return grant(Asked(issuer, client, params, context))


def _authorization_code(asked: Asked) -> Response:
    issuer, params = asked.issuer, asked.params
    text = needed(params, "code")
    code = issuer.granted.codes.get(text, issuer.clock())
    if code is None:
        raise invalid_grant("the code is unknown or was forgotten")
    if code.granted.client != asked.client.id:
        raise invalid_grant("the code was issued to another client")
    if code.used:
        # RFC 6749 section 4.1.2: what came of the first use is no longer to be trusted.
        issuer.granted.withdraw(code.family)
        raise invalid_grant("the code was used before: the tokens that came of it are revoked")
    if issuer.clock() >= code.expires:
        raise invalid_grant("the code has expired")
    _check_redirect(code, params)
    _check_verifier(code, params)
    code.used = True
    return issue.start(issuer, asked.client, code.granted, code.family)


def _check_redirect(code: Code, params: Mapping[str, str]) -> None:
    # RFC 6749 section 4.1.3: needed when it was part of the authorization request, and then the same.
    sent = params.get("redirect_uri")
    if sent is None and code.redirect_uri_sent:
        raise invalid_grant("redirect_uri is missing")
    if sent is not None and sent != code.redirect_uri:
        raise invalid_grant("redirect_uri is another one than at authorization")


def _check_verifier(code: Code, params: Mapping[str, str]) -> None:
    verifier = params.get("code_verifier")
    if code.challenge is None:
        if verifier is not None:
            # RFC 9700 section 4.8.2: else an attacker could strip the challenge.
            raise invalid_grant("code_verifier was sent, but no code_challenge was at authorization")
        return
    if verifier is None:
        raise invalid_grant("code_verifier is missing")
    if not _VERIFIER.fullmatch(verifier):
        raise invalid_grant("code_verifier is not 43 to 128 unreserved characters (RFC 7636 section 4.1)")
    if not hmac.compare_digest(challenge_of(verifier, code.method), code.challenge):
        raise invalid_grant("code_verifier does not match the code_challenge")


def challenge_of(verifier: str, method: str) -> str:
    """Give the code challenge of a verifier, by `S256` or `plain` (RFC 7636 section 4.2)."""
    if method == "plain":
        return verifier
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _refresh_token(asked: Asked) -> Response:
    issuer, params = asked.issuer, asked.params
    held = issuer.granted.refresh.get(issue.digest(needed(params, "refresh_token")), issuer.clock())
    if held is None:
        raise invalid_grant("the refresh token is unknown or has expired")
    if held.granted.client != asked.client.id:
        raise invalid_grant("the refresh token was issued to another client")
    if held.used:
        # RFC 9700 section 4.14.2: one of the two who used it is a thief, so nobody keeps anything.
        issuer.granted.withdraw(held.family)
        raise invalid_grant("the refresh token was used before: its whole family is revoked")
    if held.family.revoked:
        raise invalid_grant("the refresh token is revoked")
    granted = held.granted
    if "scope" in params:
        scopes = tuple(params["scope"].split())
        if not set(scopes) <= set(granted.scopes):
            raise OAuthError("invalid_scope", "a refresh cannot widen the scopes (RFC 6749 section 6)")
        granted = replace(granted, scopes=scopes)
    held.used = True
    fresh = issue.refresh_token(issuer, held.granted, held.family)
    return issue.answer(issuer, asked.client, replace(granted, nonce=None), held.family, refresh=fresh)


def _client_credentials(asked: Asked) -> Response:
    if asked.issuer.clients and asked.client.public:
        raise OAuthError("unauthorized_client", "a public client has no credentials (RFC 6749 section 4.4)")
    scopes, audience = resolve(asked.issuer, asked.client, asked.params, default=())
    granted = Granted(asked.client.id, None, scopes, audience)
    return issue.answer(asked.issuer, asked.client, granted)


def _password(asked: Asked) -> Response:
    issuer, params = asked.issuer, asked.params
    username, password = needed(params, "username"), needed(params, "password")
    person = accounts.find(issuer, asked.context, username)
    wanted = issuer.account(person.username).password if person is not None else None
    right = wanted is None or hmac.compare_digest(password.encode(), wanted.encode())
    if person is None or not right:
        raise invalid_grant("the user name or the password is wrong")
    scopes, audience = resolve(issuer, asked.client, params)
    granted = Granted(asked.client.id, person, scopes, audience)
    return issue.start(issuer, asked.client, granted, Family())


def _jwt_bearer(asked: Asked) -> Response:
    """Answer RFC 7523 section 2.1, which Entra's on-behalf-of flow is too.

    The assertion is a token of this issuer, or one that a key of the client signed for it.
    """
    issuer, params = asked.issuer, asked.params
    assertion = needed(params, "assertion")
    try:
        person = subject_of(issuer, asked.context, read_subject(issuer, assertion))
    except NotOursError as error:
        person = _person_of_assertion(asked, assertion, str(error))
    scopes, audience = resolve(issuer, asked.client, params)
    granted = Granted(asked.client.id, person, scopes, audience)
    return issue.answer(issuer, asked.client, granted)


def _person_of_assertion(asked: Asked, assertion: str, why_not_ours: str) -> Person:
    if asked.client.jwks is None:
        raise invalid_grant(f"assertion: {why_not_ours}")
    try:
        claims = jws.client_claims(asked.client.jwks, assertion)
    except jws.NotSignedError as error:
        raise invalid_grant(f"assertion: {error}") from None
    problem = assertion_problem(claims, audiences(asked.issuer, asked.context), asked.issuer.clock())
    if problem:
        raise invalid_grant(f"assertion: {problem}")
    if claims.get("iss") != asked.client.id:
        raise invalid_grant("assertion: iss is not the client")
    subject = claims.get("sub")
    person = accounts.find(asked.issuer, asked.context, subject) if isinstance(subject, str) else None
    if person is None:
        raise invalid_grant("assertion: nobody has this sub as user name or e-mail address")
    return person


def _token_exchange(asked: Asked) -> Response:
    issuer, params = asked.issuer, asked.params
    kind, wanted = needed(params, "subject_token_type"), params.get("requested_token_type", _ACCESS_TYPE)
    types = f"{_ACCESS_TYPE}, {_JWT_TYPE}"
    if kind not in {_ACCESS_TYPE, _ID_TYPE, _JWT_TYPE}:
        raise invalid_request(f"no subject_token_type {shown(kind)}: there are {types}, {_ID_TYPE}")
    if wanted not in {_ACCESS_TYPE, _JWT_TYPE}:
        raise invalid_request(f"no requested_token_type {shown(wanted)}: there are {types}")
    claims = _exchanged(asked, "subject_token")
    person = subject_of(issuer, asked.context, claims)
    scopes, audience = resolve(issuer, asked.client, params, default=scopes_of(claims))
    granted = Granted(asked.client.id, person, scopes, audience, actor=_actor(asked))
    return issue.answer(issuer, asked.client, granted, members={"issued_token_type": wanted})


def _exchanged(asked: Asked, name: str) -> Mapping[str, Any]:
    try:
        return read_subject(asked.issuer, needed(asked.params, name))
    except NotOursError as error:
        # RFC 8693 section 2.2.2 asks for invalid_request where the token itself is not acceptable.
        raise invalid_request(f"{name}: {error}") from None


def _actor(asked: Asked) -> dict[str, Any] | None:
    if "actor_token" not in asked.params:
        if "actor_token_type" in asked.params:
            raise invalid_request("actor_token_type without actor_token")
        return None
    needed(asked.params, "actor_token_type")
    return {"sub": _exchanged(asked, "actor_token").get("sub")}


def _device_code(asked: Asked) -> Response:
    """Answer the polling of a device (RFC 8628 section 3.5)."""
    issuer = asked.issuer
    text, now = needed(asked.params, "device_code"), issuer.clock()
    device = issuer.granted.devices.get(text, now)
    if device is None:
        raise invalid_grant("the device code is unknown")
    if device.client != asked.client.id:
        raise invalid_grant("the device code was issued to another client")
    if now >= device.expires:
        raise OAuthError("expired_token", "the device code has expired")
    if device.refused:
        raise OAuthError("access_denied", "the person refused")
    if device.person is None:
        too_fast = device.asked is not None and now - device.asked < device.interval_s
        device.asked = now
        if too_fast:
            device.interval_s += 5
            raise OAuthError("slow_down", f"ask at most every {device.interval_s} seconds from now on")
        raise OAuthError("authorization_pending", "nobody has entered the code yet")
    issuer.granted.devices.drop(text)
    granted = Granted(asked.client.id, device.person, device.scopes, device.audience)
    return issue.start(issuer, asked.client, granted, Family())


GRANTS: Final[Mapping[str, Callable[[Asked], Response]]] = {
    AUTHORIZATION_CODE: _authorization_code,
    CLIENT_CREDENTIALS: _client_credentials,
    REFRESH_TOKEN: _refresh_token,
    PASSWORD: _password,
    JWT_BEARER: _jwt_bearer,
    TOKEN_EXCHANGE: _token_exchange,
    DEVICE_CODE: _device_code,
}
"""The grant types that the token endpoint takes; the metadata names the same."""
