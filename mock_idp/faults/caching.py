"""Faults of caching: headers that contradict the truth, and answers from the past."""

# ruff: noqa: D401 - the first sentence of an entry says what is false, and is shown to people

from typing import Any

from mock_idp.faults.registry import FaultContext, FaultError, fault, text, whole
from mock_idp.http import Response, etag


@fault("cache_control", rules=("KEY-034",), takes="the header's value")
def cache_control(response: Response, arg: Any, _context: FaultContext) -> Response:
    """The Cache-Control is the argument."""
    return response.with_header("cache-control", text(arg, "cache_control"))


@fault("no_store", rules=("KEY-034",))
def no_store(response: Response, _arg: Any, _context: FaultContext) -> Response:
    """The Cache-Control is `no-store`, and there is no ETag."""
    return response.without_header("etag").with_header("cache-control", "no-store")


@fault("max_age", rules=("KEY-034",), takes="seconds")
def max_age(response: Response, arg: Any, _context: FaultContext) -> Response:
    """The answer calls itself fresh for as many seconds as the argument says."""
    seconds = whole(arg, 0, 10**10, "max_age")
    return response.with_header("cache-control", f"public, max-age={seconds}")


@fault("age", rules=("KEY-034",), takes="seconds")
def age(response: Response, arg: Any, _context: FaultContext) -> Response:
    """The answer has an Age, as if it had lain in a shared cache for so many seconds (RFC 9111 section 5.1)."""
    return response.with_header("age", str(whole(arg, 0, 10**10, "age")))


@fault("no_cache_headers", rules=("KEY-034",))
def no_cache_headers(response: Response, _arg: Any, _context: FaultContext) -> Response:
    """The answer has neither Cache-Control nor ETag."""
    return response.without_header("etag").without_header("cache-control")


@fault("etag", rules=("KEY-035",), takes="the entity tag with its quotes")
def frozen_etag(response: Response, arg: Any, _context: FaultContext) -> Response:
    """The ETag is always the argument (`W/"same"`), so that whoever knows it gets a 304 after a change too."""
    tag = text('W/"same"' if arg is None else arg, "etag")
    if not tag.removeprefix("W/").startswith('"') or not tag.endswith('"'):
        raise FaultError(f"an entity tag stands in quotes, with W/ before them when it is weak: {tag!r}")
    return response.with_header("etag", tag)


@fault("not_modified", rules=("KEY-035",))
def not_modified(response: Response, _arg: Any, _context: FaultContext) -> Response:
    """A 304 without a body, whether or not the client has anything to keep."""
    kept = tuple(pair for pair in response.headers if not pair[0].startswith("content-"))
    return Response(304, kept, b"")


@fault("stale", rules=("KEY-025",))
def stale(response: Response, _arg: Any, context: FaultContext) -> Response:
    """The JWKS before its last change and the present one in turn, the old one first, as CDN edges answer."""
    if context.nth % 2:
        return response
    old = context.stale_jwks()
    return response.with_body(old).with_header("etag", etag(old))
