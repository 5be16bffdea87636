"""The named ways for the IdP's HTTP side to misbehave: pure functions from the honest answer to a false one.

A fault is written as a name (`html_page`) or as a mapping of names to arguments (`{status: 503, retry_after:
30}`), whose members are applied in their order. A fault must keep to its sentence: a test of one fault must
not meet a second.
"""

# ruff: noqa: D401 - the first sentence of an entry says what is false, and is shown to people

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, TypeAlias

from mock_idp.http import Response

MAX_BODY = 64 * 1024 * 1024
"""The most bytes that an oversize answer has."""

Misbehave: TypeAlias = Callable[[Response, Any], Response]
FaultSpec: TypeAlias = str | Mapping[str, Any]


class FaultError(ValueError):
    """An unknown fault, or an argument that it does not take."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One entry of the registry."""

    name: str
    says: str
    rules: tuple[str, ...]
    apply: Misbehave


FAULTS: dict[str, Fault] = {}
"""All faults by name."""


def fault(name: str, *, rules: tuple[str, ...]) -> Callable[[Misbehave], Misbehave]:
    """Register a fault; the first line of its docstring is its sentence."""

    def register(function: Misbehave) -> Misbehave:
        FAULTS[name] = Fault(name, (function.__doc__ or "").split("\n")[0], rules, function)
        return function

    return register


def parse_fault(spec: FaultSpec) -> Callable[[Response], Response]:
    """Read a fault; `FaultError` for an unknown name (with the nearest) or a wrong argument."""
    parts = {spec: None} if isinstance(spec, str) else dict(spec)
    if not parts:
        raise FaultError("a fault needs a name")
    for name in parts:
        if name not in FAULTS:
            close = get_close_matches(name, FAULTS, n=1)
            hint = f"did you mean {close[0]!r}? " if close else ""
            raise FaultError(f"unknown fault {name!r}: {hint}there are {', '.join(FAULTS)}")

    def misbehave(response: Response) -> Response:
        for name, arg in parts.items():
            response = FAULTS[name].apply(response, arg)
        return response

    # A wrong argument has to be found when the fault is set, not when a client asks.
    misbehave(Response(200, (("content-type", "application/json"),), b'{"keys":[]}'))
    return misbehave


def _whole(arg: Any, least: int, most: int, what: str) -> int:
    if not isinstance(arg, int) or isinstance(arg, bool) or not least <= arg <= most:
        raise FaultError(f"{what} is a whole number from {least} to {most}, not {arg!r}")
    return arg


def _text(arg: Any, what: str) -> str:
    if not isinstance(arg, str) or not arg.isascii() or not arg.isprintable():
        raise FaultError(f"{what} is one line of ASCII text, not {arg!r}")
    return arg


@fault("status", rules=("KEY-027",))
def status(_response: Response, arg: Any) -> Response:
    """Another status and an error in JSON; the argument is the status."""
    code = _whole(arg, 200, 599, "status")
    return Response.of_json({"error": "fault", "status": code}, code)


@fault("retry_after", rules=("KEY-027",))
def retry_after(response: Response, arg: Any) -> Response:
    """The answer has a Retry-After; the argument is the number of seconds."""
    return response.with_header("retry-after", str(_whole(arg, 0, 10**9, "retry_after")))


@fault("html_page", rules=("KEY-028",))
def html_page(_response: Response, _arg: Any) -> Response:
    """A log-in page with status 200, as a captive portal sends it."""
    page = b"<!doctype html><title>Sign in</title><p>Please sign in to the network.</p>"
    return Response(200, (("content-type", "text/html; charset=utf-8"),), page)


@fault("truncated", rules=("KEY-028",))
def truncated(response: Response, _arg: Any) -> Response:
    """The honest body ends in its middle, and Content-Length agrees."""
    return response.with_body(response.body[: len(response.body) // 2])


@fault("not_json", rules=("KEY-028",))
def not_json(response: Response, _arg: Any) -> Response:
    """The body is no JSON, although its type says so."""
    return response.with_body(b"no keys today")


@fault("empty_object", rules=("KEY-028",))
def empty_object(response: Response, _arg: Any) -> Response:
    """The body is `{}`."""
    return response.with_body(b"{}")


@fault("empty_set", rules=("KEY-029",))
def empty_set(response: Response, _arg: Any) -> Response:
    """The body is a JWKS without keys."""
    return response.with_body(b'{"keys":[]}')


@fault("body", rules=("KEY-028", "KEY-018", "KEY-040"))
def body(response: Response, arg: Any) -> Response:
    """The body is the argument: text verbatim, or any other JSON value."""
    return response.with_body((arg if isinstance(arg, str) else json.dumps(arg)).encode())


@fault("content_type", rules=("KEY-033",))
def content_type(response: Response, arg: Any) -> Response:
    """The Content-Type is the argument."""
    return response.with_header("content-type", _text(arg, "content_type"))


@fault("cache_control", rules=("KEY-034",))
def cache_control(response: Response, arg: Any) -> Response:
    """The Cache-Control is the argument."""
    return response.with_header("cache-control", _text(arg, "cache_control"))


@fault("oversize", rules=("KEY-032",))
def oversize(response: Response, arg: Any) -> Response:
    """Whitespace follows the honest JSON object; the argument is the size in bytes (10 MB)."""
    size = _whole(10_000_000 if arg is None else arg, 1, MAX_BODY, "oversize")
    return response.with_body(response.body.ljust(size))
