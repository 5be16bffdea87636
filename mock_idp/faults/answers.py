"""Faults of the answer itself: its status, its type, and bodies that are no JSON."""

# ruff: noqa: D401 - the first sentence of an entry says what is false, and is shown to people

import json
from typing import Any

from mock_idp.faults.registry import FaultContext, fault, text, whole
from mock_idp.http import Response


@fault("status", rules=("KEY-027",), takes="the status, 200 to 599")
def status(_response: Response, arg: Any, _context: FaultContext) -> Response:
    """Another status and an error in JSON; the argument is the status."""
    code = whole(arg, 200, 599, "status")
    return Response.of_json({"error": "fault", "status": code}, code)


@fault("retry_after", rules=("KEY-027",), takes="seconds")
def retry_after(response: Response, arg: Any, _context: FaultContext) -> Response:
    """The answer has a Retry-After; the argument is the number of seconds."""
    return response.with_header("retry-after", str(whole(arg, 0, 10**9, "retry_after")))


@fault("html_page", rules=("KEY-028",))
def html_page(_response: Response, _arg: Any, _context: FaultContext) -> Response:
    """A log-in page with status 200, as a captive portal sends it."""
    page = b"<!doctype html><title>Sign in</title><p>Please sign in to the network.</p>"
    return Response(200, (("content-type", "text/html; charset=utf-8"),), page)


@fault("truncated", rules=("KEY-028",))
def truncated(response: Response, _arg: Any, _context: FaultContext) -> Response:
    """The honest body ends in its middle, and Content-Length agrees."""
    return response.with_body(response.body[: len(response.body) // 2])


@fault("not_json", rules=("KEY-028",))
def not_json(response: Response, _arg: Any, _context: FaultContext) -> Response:
    """The body is no JSON, although its type says so."""
    return response.with_body(b"no keys today")


@fault("body", rules=("KEY-028", "KEY-018", "KEY-040"), takes="text, or a JSON value")
def body(response: Response, arg: Any, _context: FaultContext) -> Response:
    """The body is the argument: text verbatim, or any other JSON value."""
    return response.with_body((arg if isinstance(arg, str) else json.dumps(arg)).encode())


@fault("content_type", rules=("KEY-033",), takes="the media type")
def content_type(response: Response, arg: Any, _context: FaultContext) -> Response:
    """The Content-Type is the argument."""
    return response.with_header("content-type", text(arg, "content_type"))


@fault("no_content_type", rules=("KEY-033",))
def no_content_type(response: Response, _arg: Any, _context: FaultContext) -> Response:
    """The answer does not say what its body is."""
    return response.without_header("content-type")


@fault("byte_order_mark", rules=("KEY-033",))
def byte_order_mark(response: Response, _arg: Any, _context: FaultContext) -> Response:
    """The honest body follows a UTF-8 byte order mark."""
    return response.with_body(b"\xef\xbb\xbf" + response.body)


@fault("utf_16", rules=("KEY-033",))
def utf_16(response: Response, _arg: Any, _context: FaultContext) -> Response:
    """The honest body is written in UTF-16, which JSON is not (RFC 8259 section 8.1)."""
    return response.with_body(response.body.decode("utf-8", "replace").encode("utf-16"))
