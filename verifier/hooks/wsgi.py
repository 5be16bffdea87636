"""A WSGI middleware: `app.wsgi_app = BearerAuth(app.wsgi_app, gate)` protects a Flask app, or any other."""

import io
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from verifier.bearer import INVALID_REQUEST, is_form
from verifier.gate import Decision, Gate, Request
from verifier.hooks.asgi import FORM_TOO_LARGE, MAX_FORM_BYTES

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
App = Callable[[Environ, StartResponse], Iterable[bytes]]

_HEADERS = {
    "HTTP_AUTHORIZATION": b"authorization",
    "HTTP_X_FORWARDED_PROTO": b"x-forwarded-proto",
    "CONTENT_TYPE": b"content-type",
}


class BearerAuth:
    """Wraps an app; it finds the `verifier.Identity` in `environ["touchstone.identity"]`.

    Paths of `public` are let through untouched, each exactly as it is written. A server that joins several
    Authorization lines by commas, as WSGI has it, has them refused all the same (HTTP-011).
    """

    def __init__(self, app: App, gate: Gate, *, public: frozenset[str] = frozenset()) -> None:
        self._app, self._gate, self._public = app, gate, public

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        if environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "") in self._public:
            return self._app(environ, start_response)
        request = _request_of(environ)
        decision = self._gate.decide(request)
        if decision.identity and is_form(request.headers):
            _check_form(decision, environ)
        if decision.identity is None:
            return _refused(decision, start_response)
        decision.log(200)
        return self._app({**environ, "touchstone.identity": decision.identity}, start_response)


def _request_of(environ: Environ) -> Request:
    headers = [(name, environ[key].encode("latin-1")) for key, name in _HEADERS.items() if key in environ]
    query = environ.get("QUERY_STRING", "").encode("latin-1")
    secure = environ.get("wsgi.url_scheme") == "https"
    return Request(headers, query, environ.get("REMOTE_ADDR", ""), secure)


def _check_form(decision: Decision, environ: Environ) -> None:
    """Read a form, have the decision check it, and put it back for the app."""
    try:
        length = int(environ.get("CONTENT_LENGTH") or 0)
    except ValueError:
        decision.refuse(INVALID_REQUEST, "credential_malformed")
        return
    if not 0 <= length <= MAX_FORM_BYTES:
        decision.refuse(FORM_TOO_LARGE, "body_too_large")
        return
    chunked = environ.get("wsgi.input_terminated", False) and not environ.get("CONTENT_LENGTH")
    body = environ["wsgi.input"].read(MAX_FORM_BYTES + 1 if chunked else length)
    if len(body) > MAX_FORM_BYTES:
        decision.refuse(FORM_TOO_LARGE, "body_too_large")
        return
    decision.check_form(body)
    environ["wsgi.input"] = io.BytesIO(body)


def _refused(decision: Decision, start_response: StartResponse) -> Iterable[bytes]:
    answer = decision.answer or INVALID_REQUEST
    decision.log(answer.status)
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers]
    start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", headers)
    return [answer.body]
