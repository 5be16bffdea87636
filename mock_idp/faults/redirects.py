"""Faults that send the client elsewhere (RFC 9110 section 15.4)."""

# ruff: noqa: D401 - the first sentence of an entry says what is false, and is shown to people

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from mock_idp.faults.registry import FaultContext, FaultError, fault, members, text, whole
from mock_idp.http import Response

STATUSES = (301, 302, 303, 307, 308)
PRIVATE = "http://169.254.169.254/latest/meta-data/"
"""Where clouds answer their machines with secrets; nobody outside may be sent there."""
MAX_HOPS = 100
_OTHER_NAMES: Mapping[str, str] = {"127.0.0.1": "localhost", "localhost": "127.0.0.1"}


def _to(location: str, status: int = 302) -> Response:
    return Response(status, (("location", location), ("cache-control", "no-store")), b"")


@fault("redirect", rules=("KEY-030",), takes="a path or a URL, or {to, status}")
def redirect(_response: Response, arg: Any, _context: FaultContext) -> Response:
    """A redirect; the argument is a path of this server or a URL, or `{to: …, status: 307}`."""
    asked = members(arg, "redirect", "to", "status")
    to, status = text(asked.get("to"), "redirect"), asked.get("status", 302)
    if not to.startswith(("/", "http://", "https://")) or " " in to:
        raise FaultError(f"redirect goes to a path or to an http or https URL, not to {to!r}")
    if status not in STATUSES:
        raise FaultError(f"a redirect has status {', '.join(map(str, STATUSES))}, not {status!r}")
    return _to(to, status)


@fault("redirect_chain", rules=("KEY-030",), takes="how many redirects, 1 to 100")
def redirect_chain(response: Response, arg: Any, context: FaultContext) -> Response:
    """So many redirects (3), one after the other, and the honest answer at their end."""
    hops = whole(3 if arg is None else arg, 1, MAX_HOPS, "redirect_chain")
    asked = parse_qs(context.request.query).get("hop", ["0"])[-1]
    done = int(asked) if asked.isdecimal() and len(asked) <= 3 else 0
    return _to(f"{context.request.path}?hop={done + 1}") if done < hops else response


@fault("redirect_loop", rules=("KEY-030",))
def redirect_loop(_response: Response, _arg: Any, context: FaultContext) -> Response:
    """A redirect to the very same address, for ever."""
    return _to(context.request.path)


@fault("redirect_cross_origin", rules=("KEY-030", "KEY-039"))
def redirect_cross_origin(response: Response, _arg: Any, context: FaultContext) -> Response:
    """A redirect to the same path under another host name of this server, where the honest answer is."""
    if "crossed" in parse_qs(context.request.query):
        return response
    scheme, _, authority = context.base_url.partition("://")
    host, _, port = authority.rpartition(":")
    return _to(f"{scheme}://{_OTHER_NAMES.get(host, '127.0.0.1')}:{port}{context.request.path}?crossed=1")


@fault("redirect_private", rules=("KEY-030",))
def redirect_private(_response: Response, _arg: Any, _context: FaultContext) -> Response:
    """A redirect to the link-local address at which clouds hand out credentials."""
    return _to(PRIVATE)
