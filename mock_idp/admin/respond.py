"""From a request below `/_admin` to its answer.

Whatever a request holds, the answer is that of the operation or a 4xx with a reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, unquote

import msgspec

from mock_idp.admin import bodies, console, openapi
from mock_idp.admin.errors import ApiError
from mock_idp.admin.gate import check_meant_for_us, check_token
from mock_idp.admin.routes import API, OPERATIONS, Operation
from mock_idp.control import Code, Control, ControlError
from mock_idp.http import Response

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mock_idp.http import Request
    from mock_idp.idp import MockIdP

MAX_PATH: Final = 2048
MAX_QUERY: Final = 4096
"""Characters of a path and of a query, still percent-encoded."""

_STATUS: Final[Mapping[Code, int]] = {Code.NOT_FOUND: 404, Code.CONFLICT: 409, Code.INVALID: 400}
_SHOWN: Final[Mapping[str, Callable[[], Response]]] = {
    "/_admin/": console.page,
    "/_admin/openapi.json": openapi.answer,
}
"""What shows nothing of the server's state, and so needs no token."""
_READING: Final = ("GET", "HEAD")


def respond(idp: MockIdP, request: Request) -> Response:
    """Answer a request below `/_admin`: the console page, the OpenAPI document, or an operation of the API.

    The caller has made sure that the admin side is on (`MockIdP.admin`). HEAD is answered as GET is, and the server
    leaves the body out.
    """
    try:
        check_meant_for_us(idp, request)
        answer = _answer(idp, request)
    except ApiError as error:
        answer = error.response()
    except ControlError as error:
        answer = ApiError(_STATUS[error.code], error.code, error.message).response()
    return answer.with_header("cache-control", "no-store").with_header("x-content-type-options", "nosniff")


def _answer(idp: MockIdP, request: Request) -> Response:
    if request.path == "/_admin":
        return Response(308, (("location", "/_admin/"),), b"")
    shown = _SHOWN.get(request.path)
    if shown is not None:
        _check_method(request.method, _READING)
        return shown()
    if not request.path.startswith(f"{API}/"):
        raise ApiError(404, "not_found", "there are /_admin/, /_admin/openapi.json and /_admin/api/…")
    check_token(idp, request)
    operation, params = _find(request)
    given = _read(operation, request)
    result = operation.handler(Control(idp), params, given)
    if operation.file is not None:
        return Response(operation.status, (("content-type", operation.file),), result)
    if operation.answers is None:
        return Response(operation.status, (), b"")
    return Response.of_json(msgspec.to_builtins(result), operation.status)


def _find(request: Request) -> tuple[Operation, dict[str, str]]:
    if len(request.path) > MAX_PATH:
        raise ApiError(400, "bad_path", f"the path is longer than {MAX_PATH} characters")
    segments = request.path.removeprefix(API).split("/")
    found = [(operation, _match(operation.template.split("/"), segments)) for operation in OPERATIONS]
    there = {operation.method: (operation, params) for operation, params in found if params is not None}
    if not there:
        raise ApiError(404, "not_found", "no such address: /_admin/openapi.json lists them")
    if "GET" in there:
        there["HEAD"] = there["GET"]
    _check_method(request.method, tuple(there))
    return there[request.method]


def _match(template: list[str], segments: list[str]) -> dict[str, str] | None:
    if len(template) != len(segments):
        return None
    params = {}
    for wanted, segment in zip(template, segments, strict=True):
        if wanted.startswith("{"):
            params[wanted[1:-1]] = unquote(segment)
        elif wanted != segment:
            return None
    return params


def _check_method(method: str, allowed: tuple[str, ...]) -> None:
    if method not in allowed:
        allow = ", ".join(allowed)
        raise ApiError(405, "method_not_allowed", f"allowed here: {allow}", (("allow", allow),))


def _read(operation: Operation, request: Request) -> Any:
    members = _query(request.query)
    if operation.query is not None:
        query = bodies.read_query(members, operation.query)
    elif members:
        raise ApiError(400, "bad_query", "this operation takes no query")
    else:
        query = None
    if operation.body is None:
        if request.body:
            raise ApiError(400, "bad_body", "this operation takes no body")
        return query
    if not request.body and not operation.needs_body:
        return operation.body()
    _check_body(request, operation.max_body)
    return bodies.read_json(request.body, operation.body)


def _query(text: str) -> dict[str, str]:
    if len(text) > MAX_QUERY:
        raise ApiError(400, "bad_query", f"the query is longer than {MAX_QUERY} characters")
    pairs = parse_qsl(text, keep_blank_values=True)
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ApiError(400, "bad_query", "a member of the query stands twice")
    return members


def _check_body(request: Request, longest: int) -> None:
    # Only JSON, so that a form of another site cannot send it without asking first (the Fetch standard's CORS).
    given = [value for name, value in request.headers if name == "content-type"]
    kinds = {value.partition(";")[0].strip().lower() for value in given}
    if kinds != {"application/json"}:
        raise ApiError(415, "wrong_media_type", "the body has to be application/json, and to say so")
    if len(request.body) > longest:
        raise ApiError(413, "too_large", f"the body is longer than {longest} bytes")
