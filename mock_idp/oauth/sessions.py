"""Who is signed in with a browser, by a cookie of the issuer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from msgspec.structs import replace

from mock_idp.oauth.granted import SESSION_LIFETIME_S

if TYPE_CHECKING:
    from mock_idp.http import Request, Response
    from mock_idp.issuer import Issuer
    from mock_idp.oauth.endpoint import Context
    from mock_idp.oauth.granted import Session

COOKIE: Final = "mock_idp_session"


def _session_ids(request: Request) -> list[str]:
    pairs = (
        part.strip().partition("=")
        for name, value in request.headers
        if name == "cookie"
        for part in value.split(";")
    )
    # A browser sends the cookies of every issuer whose path leads here.
    return [value for name, _, value in pairs if name == COOKIE]


def current(issuer: Issuer, request: Request) -> Session | None:
    """Give the session of a browser, if it has a live one here."""
    now = issuer.clock()
    found = (issuer.granted.sessions.get(session_id, now) for session_id in _session_ids(request))
    return next((session for session in found if session is not None), None)


def begin(issuer: Issuer, session: Session, context: Context, response: Response) -> Response:
    """Remember who signed in, and let the browser keep the cookie."""
    session_id = issuer.granted.new_secret()
    issuer.granted.sessions.put(session_id, session, issuer.clock() + SESSION_LIFETIME_S)
    return _with_cookie(response, f"{COOKIE}={session_id}", context)


def end(issuer: Issuer, request: Request, context: Context, response: Response) -> Response:
    """Forget the browser's sessions here and take its cookie away."""
    for session_id in _session_ids(request):
        issuer.granted.sessions.drop(session_id)
    return _with_cookie(response, f"{COOKIE}=; Max-Age=0", context)


def _with_cookie(response: Response, cookie: str, context: Context) -> Response:
    place = urlsplit(context.browser_url)
    secure = "; Secure" if place.scheme == "https" else ""
    value = f"{cookie}; Path={place.path or '/'}; HttpOnly; SameSite=Lax{secure}"
    return replace(response, headers=(*response.headers, ("set-cookie", value)))
