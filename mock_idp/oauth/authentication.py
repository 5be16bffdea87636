"""Who asks: the authentication of clients at the endpoints that they call (RFC 6749 section 2.3).

Methods: none, client_secret_basic, client_secret_post, private_key_jwt. Where an issuer has no clients
registered, any client id is taken as a public client and its secret is not looked at.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from mock_idp.oauth import jws
from mock_idp.oauth.clients import MAX_CLIENT_ID, Client
from mock_idp.oauth.errors import OAuthError, invalid_request, shown
from mock_idp.oauth.form import decoded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_idp.http import Request
    from mock_idp.issuer import Issuer
    from mock_idp.oauth.endpoint import Context

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
MAX_ASSERTION_LIFETIME_S: Final = 24 * 3600
_BASIC: Final = "basic "


def _refused(description: str) -> OAuthError:
    # RFC 6749 section 5.2: with a 401 comes the scheme that may be tried.
    return OAuthError("invalid_client", description, status=401, challenge='Basic realm="token"')


def authenticate(issuer: Issuer, request: Request, params: Mapping[str, str], context: Context) -> Client:
    """Give the client that asks; `OAuthError` (invalid_client, 401) when it does not prove who it is."""
    basic = _basic(request)
    assertion = params.get("client_assertion")
    claimed = params.get("client_id")
    ways = (basic is not None) + ("client_secret" in params) + (assertion is not None)
    if ways > 1:
        raise invalid_request("more than one way of client authentication (RFC 6749 section 2.3)")
    name, secret = basic or (claimed, params.get("client_secret"))
    if assertion is not None:
        name = _assertion_subject(assertion, params)
    if not name:
        raise _refused("no client id")
    if claimed is not None and claimed != name:
        raise _refused("client_id names another client than the one that authenticates")
    client = known(issuer, name)
    if issuer.clients:
        _check_method(client, _method(basic, params, assertion))
        _prove(issuer, client, secret, assertion, context)
    return client


def _method(basic: tuple[str, str] | None, params: Mapping[str, str], assertion: str | None) -> str:
    if assertion is not None:
        return "private_key_jwt"
    if basic is not None:
        return "client_secret_basic"
    return "client_secret_post" if "client_secret" in params else "none"


def _check_method(client: Client, used: str) -> None:
    if client.auth_method is not None and used != client.auth_method:
        raise _refused(f"this client authenticates by {client.auth_method}, not by {used}")


def known(issuer: Issuer, name: str) -> Client:
    """Give the client of an id; `OAuthError` (invalid_client, 401) when none such is registered."""
    if len(name) > MAX_CLIENT_ID:
        raise _refused(f"a client id has at most {MAX_CLIENT_ID} characters")
    if not issuer.clients:
        return _anybody(name)
    client = issuer.clients.get(name)
    if client is None:
        raise _refused(f"no client {shown(name)} is registered")
    return client


@lru_cache(maxsize=256)
def _anybody(name: str) -> Client:
    return Client(name)


def _basic(request: Request) -> tuple[str, str] | None:
    header = request.header("authorization")
    if header is None or header[: len(_BASIC)].lower() != _BASIC:
        return None
    try:
        text = base64.b64decode(header[len(_BASIC) :].strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        raise _refused("the Authorization header is no Basic credential") from None
    name, colon, secret = text.partition(":")
    if not colon:
        raise _refused("the Authorization header is no Basic credential")
    # RFC 6749 section 2.3.1: both parts are form-encoded before they are joined.
    return decoded(name), decoded(secret)


def _assertion_subject(assertion: str, params: Mapping[str, str]) -> str:
    if params.get("client_assertion_type") != ASSERTION_TYPE:
        raise invalid_request(f"client_assertion_type has to be {ASSERTION_TYPE}")
    try:
        subject = jws.take_apart(assertion).claims.get("sub")
    except jws.NotSignedError as error:
        raise _refused(f"client_assertion: {error}") from None
    if not isinstance(subject, str):
        raise _refused("client_assertion: no sub")
    return subject


def _prove(
    issuer: Issuer, client: Client, secret: str | None, assertion: str | None, context: Context
) -> None:
    if assertion is not None:
        _check_assertion(issuer, client, assertion, context)
    elif client.public:
        if secret is not None:
            raise _refused("a public client has no secret")
    elif client.secret is None:
        raise _refused("this client authenticates by private_key_jwt")
    elif secret is None or not hmac.compare_digest(secret.encode(), client.secret.encode()):
        raise _refused("the client secret is missing or wrong")


def _check_assertion(issuer: Issuer, client: Client, assertion: str, context: Context) -> None:
    if client.jwks is None:
        raise _refused("this client has no keys registered")
    try:
        claims = jws.client_claims(client.jwks, assertion)
    except jws.NotSignedError as error:
        raise _refused(f"client_assertion: {error}") from None
    now = issuer.clock()
    if claims.get("iss") != client.id:
        raise _refused("client_assertion: iss is not the client")
    problem = assertion_problem(claims, audiences(issuer, context), now)
    if problem:
        raise _refused(f"client_assertion: {problem}")
    jti = claims.get("jti")
    if not isinstance(jti, str) or not jti or len(jti) > 256:
        raise _refused("client_assertion: no jti")
    key = f"{client.id}\0{jti}"
    if issuer.granted.assertions.get(key, now):
        raise _refused("client_assertion: this jti was used before")
    issuer.granted.assertions.put(key, value=True, until=claims["exp"])


def audiences(issuer: Issuer, context: Context) -> frozenset[str]:
    """Whom an assertion may be meant for (RFC 7523 section 3): the issuer, or the endpoint that takes it."""
    token = issuer.path("token", "/token")
    return frozenset(
        {
            issuer.issuer,
            *(url + path for url in (context.base_url, context.browser_url) for path in (token, "/token")),
        }
    )


def assertion_problem(claims: Mapping[str, Any], audiences: frozenset[str], now: float) -> str | None:
    """Say what is wrong with the audience and the times of an assertion (RFC 7523 section 3), if anything."""
    audience = claims.get("aud")
    named = audience if isinstance(audience, list) else [audience]
    if not any(isinstance(name, str) and name in audiences for name in named):
        return "aud is neither the issuer nor the token endpoint"
    exp, nbf = _time(claims.get("exp")), _time(claims.get("nbf", 0))
    if exp is None or nbf is None:
        return "exp is missing or a time is no number"
    if now >= exp:
        return "it has expired"
    if exp > now + MAX_ASSERTION_LIFETIME_S:
        return "it lives longer than a day"
    return "it is not valid yet" if now + 60 < nbf else None


def _time(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number and abs(value) < 1e12 else None
