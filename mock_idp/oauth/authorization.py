"""The authorization endpoint: the code flow with PKCE (RFC 6749 section 4.1, RFC 7636, OpenID Connect Core 3.1).

A request whose client or redirect URI is wrong is answered with a page and never redirected (RFC 6749 section
4.1.2.1); every other error goes back to the client.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final

import msgspec

from mock_idp.oauth import accounts, pages, sessions
from mock_idp.oauth.authentication import known
from mock_idp.oauth.delivery import RESPONSE_MODES, deliver
from mock_idp.oauth.errors import OAuthError, invalid_request, shown
from mock_idp.oauth.form import form, query
from mock_idp.oauth.granted import CODE_LIFETIME_S, Code, Granted, Session
from mock_idp.oauth.redirects import choose_redirect
from mock_idp.oauth.scopes import resolve

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_idp.http import Request, Response
    from mock_idp.issuer import Issuer
    from mock_idp.oauth.clients import Client
    from mock_idp.oauth.endpoint import Context
    from mock_idp.people import Person

CHALLENGE_METHODS: Final = ("S256", "plain")
PROMPTS: Final = frozenset({"none", "login", "consent", "select_account", "create"})
MAX_STATE: Final = 8192
CODE_REMEMBERED_S: Final = 3600
"""Seconds that a code stays known, so that its second use is noticed and its expiry can be told."""
SIGN_IN: Final = "_sign_in"
CANCEL: Final = "_cancel"
"""What the login page adds to the request that it sends again: a user name, or that the person gave up."""
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_NOT_SUPPORTED: Final[Mapping[str, str]] = {
    "request": "request_not_supported",
    "request_uri": "request_uri_not_supported",
    "registration": "registration_not_supported",
}
"""OpenID Connect Core section 3.1.2.6."""


class Asked(msgspec.Struct, frozen=True):
    """An authorization request whose client and redirect URI are good, so that errors can go back to it."""

    issuer: Issuer
    request: Request
    context: Context
    params: Mapping[str, str]
    client: Client
    redirect_uri: str

    def back(self, members: Mapping[str, str]) -> Response:
        """Go back to the client with an answer."""
        mode = self.params.get("response_mode", "query")
        members = {**members, **({"state": self.params["state"]} if "state" in self.params else {})}
        # RFC 9207: the client can tell whose answer it is.
        return deliver(
            mode if mode in RESPONSE_MODES else "query",
            self.redirect_uri,
            {**members, "iss": self.issuer.id_issuer},
        )


def authorization(issuer: Issuer, request: Request, context: Context) -> Response:
    """Answer an authorization request: with the login page, a code, or an error."""
    try:
        params = {**query(request), **(form(request) if request.method == "POST" else {})}
        client = known(issuer, _client_id(params))
        redirect_uri = choose_redirect(client.redirect_uris, params.get("redirect_uri"))
        if len(params.get("state", "")) > MAX_STATE:
            raise invalid_request(f"state has at most {MAX_STATE} characters")
    except OAuthError as error:
        return pages.problem(error)
    asked = Asked(issuer, request, context, params, client, redirect_uri)
    try:
        return _decide(asked)
    except OAuthError as error:
        return asked.back({"error": error.error, "error_description": error.description})


def _client_id(params: Mapping[str, str]) -> str:
    if "client_id" not in params:
        raise invalid_request("the parameter 'client_id' is missing")
    return params["client_id"]


def _decide(asked: Asked) -> Response:
    issuer, params = asked.issuer, asked.params
    if issuer.queue.authorization_errors:
        queued = issuer.queue.authorization_errors.popleft()
        raise OAuthError(queued.error, queued.description)
    _check(asked)
    if CANCEL in params:
        raise OAuthError("access_denied", "the person did not sign in")
    if SIGN_IN in params:
        person = accounts.find(issuer, asked.context, params[SIGN_IN])
        if person is None:
            return _login_page(asked, f"Nobody here is called {params[SIGN_IN][:80]}.")
        return _signed_in(asked, person)
    session = _session(asked)
    if session is not None:
        return asked.back({"code": _code(asked, session)})
    person = _without_a_page(asked)
    if person is not None:
        return _signed_in(asked, person)
    if "none" in params.get("prompt", "").split():
        raise OAuthError("login_required", "nobody is signed in, and prompt=none forbids to ask")
    return _login_page(asked)


def _check(asked: Asked) -> None:
    params = asked.params
    for name, error in _NOT_SUPPORTED.items():
        if name in params:
            raise OAuthError(error, f"the parameter '{name}' is not supported")
    if "response_type" not in params:
        raise invalid_request("the parameter 'response_type' is missing")
    if params["response_type"] != "code":
        raise OAuthError("unsupported_response_type", "the only response_type is code")
    if params.get("response_mode", "query") not in RESPONSE_MODES:
        raise invalid_request(f"no such response_mode: there are {', '.join(RESPONSE_MODES)}")
    if asked.client.grants and "authorization_code" not in asked.client.grants:
        raise OAuthError("unauthorized_client", "this client may not use authorization_code")
    _check_challenge(params)
    prompts = params.get("prompt", "").split()
    if not PROMPTS.issuperset(prompts) or ("none" in prompts and len(prompts) > 1):
        raise invalid_request(f"no such prompt: {shown(params['prompt'])}")
    if not re.fullmatch(r"\d{1,10}", params.get("max_age", "0")):
        raise invalid_request("max_age is a number of seconds")
    resolve(asked.issuer, asked.client, params)


def _check_challenge(params: Mapping[str, str]) -> None:
    challenge, method = params.get("code_challenge"), params.get("code_challenge_method")
    if challenge is None:
        if method is not None:
            raise invalid_request("code_challenge_method without code_challenge")
        return
    if (method or "plain") not in CHALLENGE_METHODS:
        raise invalid_request(f"no such code_challenge_method: there are {', '.join(CHALLENGE_METHODS)}")
    if not _CHALLENGE.fullmatch(challenge):
        raise invalid_request("code_challenge is not 43 to 128 unreserved characters (RFC 7636 section 4.2)")


def _session(asked: Asked) -> Session | None:
    params = asked.params
    if {"login", "select_account", "create"} & set(params.get("prompt", "").split()):
        return None
    if asked.issuer.queue.users:
        return None
    session = sessions.current(asked.issuer, asked.request)
    if session is None:
        return None
    if "max_age" in params and asked.issuer.clock() - session.auth_time > int(params["max_age"]):
        return None
    hint = params.get("login_hint")
    wanted = accounts.find(asked.issuer, asked.context, hint) if hint else session.person
    return session if wanted is None or wanted == session.person else None


def _without_a_page(asked: Asked) -> Person | None:
    """Give who signs in without a click: the next in the queue, the preset one, or the one of the hint."""
    issuer = asked.issuer
    queued = issuer.queue.users.popleft() if issuer.queue.users else None
    name = queued or asked.params.get("login_hint") or issuer.auto_login
    found = accounts.find(issuer, asked.context, name) if name else None
    if found is None and issuer.auto_login and queued is None:
        return accounts.find(issuer, asked.context, issuer.auto_login)
    return found


def _signed_in(asked: Asked, person: Person) -> Response:
    session = Session(person, math.floor(asked.issuer.clock()))
    back = asked.back({"code": _code(asked, session)})
    return sessions.begin(asked.issuer, session, asked.context, back)


def _code(asked: Asked, session: Session) -> str:
    issuer, params = asked.issuer, asked.params
    scopes, audience = resolve(issuer, asked.client, params)
    granted = Granted(
        asked.client.id, session.person, scopes, audience, session.auth_time, params.get("nonce")
    )
    queued = issuer.queue.codes.popleft() if issuer.queue.codes else None
    text, now = queued or issuer.granted.new_secret(), issuer.clock()
    code = Code(
        granted,
        asked.redirect_uri,
        redirect_uri_sent="redirect_uri" in params,
        challenge=params.get("code_challenge"),
        method=params.get("code_challenge_method", "plain"),
        expires=now + CODE_LIFETIME_S,
    )
    issuer.granted.codes.put(text, code, now + CODE_REMEMBERED_S)
    return text


def _login_page(asked: Asked, problem: str = "") -> Response:
    kept = {name: value for name, value in asked.params.items() if name not in {SIGN_IN, CANCEL}}
    action = asked.context.browser_url + asked.issuer.path("authorization", "/authorize")
    people = accounts.people(asked.issuer, asked.context)
    return pages.login(asked.issuer, asked.client.id, people, kept, action, problem)
