"""The mock IdP as a whole: issuers by path, behind one function from request to answer.

It holds the faults that were set, the canaries, and the journal of requests. It must never open a socket
(that is `mock_idp.serve`), grow without bound, or take anything from a request but its method and path: the
issuer is what was configured, whatever the Host header says.
"""

from __future__ import annotations

import re
import time
from collections import Counter, deque
from threading import RLock
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

import msgspec

from mock_idp.http import Response, conditional
from mock_idp.journal import JOURNAL_LENGTH, JournalEntry
from mock_idp.oauth import cors
from mock_idp.oauth.endpoint import Context
from mock_idp.oauth.endpoints import ENDPOINTS
from mock_idp.people import Directory

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mock_idp.faults import FaultSpec, Misbehaviour
    from mock_idp.http import Request
    from mock_idp.issuer import Issuer
    from mock_idp.oauth.endpoint import Endpoint

__all__ = ["ENDPOINTS", "FaultInForce", "JournalEntry", "MockIdP"]

MAX_CANARIES = 10_000
_CANARIES = "/canary/"
_ADMIN = "/_admin"
_BELOW_ADMIN = f"{_ADMIN}/"
_HEALTH = "/_health"
_OWN_PATH = re.compile(r"/(_admin|_health|canary)(/|$)")
_URL_PATH = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*")
"""What a path in a URL is spelled with (RFC 3986 section 3.3)."""


class FaultInForce(msgspec.Struct, frozen=True):
    """A fault that was set, and what is left of it."""

    path: str
    endpoint: str
    fault: FaultSpec
    left: int | None
    """For how many requests more; None for all to come."""


class _Route(msgspec.Struct, frozen=True):
    issuer: Issuer
    at: tuple[str, str]
    """The issuer's path and the endpoint's name: what is counted and what a fault is set for."""
    endpoint: Endpoint


class _SetFault(msgspec.Struct):
    spec: FaultSpec
    misbehave: Misbehaviour
    left: int | None
    met: int = 0


_Table: TypeAlias = "Mapping[str, _Route]"


def _paths(path: str, issuer: Issuer) -> _Table:
    """Where each endpoint of an issuer lies: its usual place, and the persona's.

    RFC 8414 section 3.1 puts the well-known part before the issuer's path; OpenID Connect Discovery puts it
    behind. Both documents are served in both forms.
    """
    routes: dict[str, _Route] = {}
    for name, endpoint in ENDPOINTS.items():
        route = _Route(issuer, (path, name), endpoint)
        routes[path + endpoint.path] = route
        routes[path + issuer.path(name, endpoint.path)] = route
        if endpoint.path.startswith("/.well-known/"):
            routes[endpoint.path + path] = route
    return routes


def _no_handler(endpoint: Endpoint, request: Request) -> Response:
    if endpoint.cors and cors.is_preflight(request):
        return cors.preflight(endpoint.methods, request)
    refused = Response.of_json({"error": "method_not_allowed"}, 405)
    return refused.with_header("allow", ", ".join(endpoint.methods))


class MockIdP:
    """Any number of issuers, each under a path of its own. Thread-safe.

    `base_url` is where the server is reached (`http://127.0.0.1:1234`); a server fills it in when it starts,
    and the metadata names addresses below it. `browser_url` is where a browser reaches it, when that is
    another address than the one for services (a container's name). `people` can sign in at every issuer.
    """

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self.base_url = ""
        self.browser_url: str | None = None
        self.admin = False
        """Whether the paths below `/_admin` are answered by `mock_idp.admin`; whoever starts a server decides."""
        self.admin_token: str | None = None
        """What the admin API's callers have to show; None is for servers that only this machine can reach."""
        self.people = Directory()
        self._clock = clock
        self._answered = 0
        self._lock = RLock()
        self._issuers: dict[str, Issuer] = {}
        self._routes: dict[str, _Route] = {}
        self._places: dict[str, tuple[str, ...]] = {}
        self.reset()

    def reset(self) -> None:
        """Forget issuers, people, faults, canaries, counts and the journal; keep the clock and the base URL."""
        with self._lock:
            self.people.clear()
            self._issuers = {}
            self._routes = {}
            self._places = {}
            self._faults: dict[tuple[str, str], _SetFault] = {}
            self._canaries: Counter[str] = Counter()
            self._counts: Counter[tuple[str, str]] = Counter()
            self._journal: deque[JournalEntry] = deque(maxlen=JOURNAL_LENGTH)

    def add_issuer(self, path: str, issuer: Issuer) -> None:
        """Serve an issuer under a path (`/tenant-a`, or empty for the root) in place of the one before.

        `ValueError` when the path does not start with a slash, ends with one, holds what no URL does, belongs to
        the server itself (`/_admin`, `/_health`, `/canary`), or would shadow another issuer's endpoint.
        """
        if path and (not path.startswith("/") or path.endswith("/")):
            raise ValueError(f"a path starts with a slash and does not end with one: {path!r}")
        if not _URL_PATH.fullmatch(path):
            raise ValueError(f"a path is spelled as in a URL, percent-encoded where it has to be: {path!r}")
        if _OWN_PATH.match(path):
            raise ValueError(f"the path {path!r} belongs to the server itself")
        with self._lock:
            added = _paths(path, issuer)
            for place in added:
                taken = self._routes.get(place)
                if taken is not None and taken.at[0] != path:
                    raise ValueError(f"{place} would belong to two issuers: {taken.at[0]!r}, {path!r}")
            self._unroute(path)
            self._routes.update(added)
            self._places[path] = tuple(added)
            self._issuers[path] = issuer
            issuer.everywhere = self.people

    def remove_issuer(self, path: str) -> None:
        """Serve an issuer no longer; `ValueError` when there is none under the path."""
        with self._lock:
            self._known(path)
            self._unroute(path)
            del self._issuers[path]

    def _unroute(self, path: str) -> None:
        for place in self._places.pop(path, ()):
            del self._routes[place]

    def _known(self, path: str) -> None:
        if path not in self._issuers:
            root = ", which is the root (%2F in the admin API)" if "" in self._issuers else ""
            raise ValueError(
                f"no issuer under {path!r}: there are {', '.join(map(repr, sorted(self._issuers, reverse=True)))}{root}"
            )

    def issuer(self, path: str) -> Issuer:
        """Give the issuer under a path; `ValueError` when there is none."""
        with self._lock:
            self._known(path)
            return self._issuers[path]

    def handle(self, request: Request) -> Response:
        """Answer a request: the one door for every server.

        An unknown path is a 404, a wrong method a 405, both with an error in JSON; HEAD is answered as GET
        is, and the server leaves the body out.
        """
        if self.may_take_long(request):
            from mock_idp import admin  # only a server that has it on needs its imports

            return admin.respond(self, request)
        with self._lock:
            response = self._answer(request)
            self._answered += 1
            self._journal.append(JournalEntry.of(self._answered, self._clock(), request, response))
            return response

    def may_take_long(self, request: Request) -> bool:
        """Whether others should not have to wait until this is answered: the admin side makes RSA keys."""
        return self.admin and (request.path == _ADMIN or request.path.startswith(_BELOW_ADMIN))

    def _answer(self, request: Request) -> Response:
        route = self._routes.get(request.path)
        if route is not None:
            return self._endpoint_answer(route, request)
        if request.path == _HEALTH:
            return Response.of_json({"status": "ok"})
        if request.path.startswith(_CANARIES):
            return self._canary(request.path.removeprefix(_CANARIES))
        return Response.of_json({"error": "not_found"}, 404)

    def _endpoint_answer(self, route: _Route, request: Request) -> Response:
        endpoint = route.endpoint
        if request.method not in endpoint.methods:
            return _no_handler(endpoint, request)
        self._counts[route.at] += 1
        honest = endpoint.handler(route.issuer, request, self._context(route, request))
        answer = conditional(request, self._misbehaved(route, request, honest))
        return cors.allowed(answer) if endpoint.cors else answer

    def _context(self, route: _Route, request: Request) -> Context:
        path = route.at[0]
        inside = self.base_url + path if self.base_url else route.issuer.base_url
        if self.browser_url is None:
            return Context(inside, inside, self.people)
        browser_url = self.browser_url + path
        # The Host header only ever chooses between the two addresses that were configured.
        by_browser = request.header("host") == urlsplit(self.browser_url).netloc
        return Context(browser_url if by_browser else inside, browser_url, self.people)

    def _misbehaved(self, route: _Route, request: Request, honest: Response) -> Response:
        fault = self._faults.get(route.at)
        if fault is None:
            return honest
        if fault.left is not None:
            fault.left -= 1
            if fault.left == 0:
                del self._faults[route.at]
        from mock_idp.faults import FaultContext

        context = FaultContext(request, self.base_url, fault.met, route.issuer.stale_jwks_bytes)
        fault.met += 1
        return fault.misbehave(honest, context)

    def set_fault(self, path: str, endpoint: str, fault: FaultSpec, times: int | None = None) -> None:
        """Have an endpoint misbehave, for a number of requests or until `clear_faults`.

        Endpoints go by their names in `ENDPOINTS` (`jwks`, `metadata`, `token`, ...). A fault replaces the one
        that was there. `FaultError` for an unknown fault; `ValueError` for an unknown issuer or endpoint, or
        for `times` below one.
        """
        from mock_idp.faults import parse_fault  # many a server has no fault, and has to answer soon

        misbehave = parse_fault(fault)
        if times is not None and times < 1:
            raise ValueError(f"times is at least 1, not {times}")
        with self._lock:
            self._endpoint(path, endpoint)
            self._faults[path, endpoint] = _SetFault(fault, misbehave, times)

    def _endpoint(self, path: str, endpoint: str) -> None:
        self._known(path)
        if endpoint not in ENDPOINTS:
            raise ValueError(f"no endpoint {endpoint!r}: there are {', '.join(ENDPOINTS)}")

    def clear_faults(self) -> None:
        """Behave again, everywhere."""
        with self._lock:
            self._faults.clear()

    def clear_fault(self, path: str, endpoint: str) -> None:
        """Behave again at one endpoint; `ValueError` for an unknown issuer or endpoint."""
        with self._lock:
            self._endpoint(path, endpoint)
            self._faults.pop((path, endpoint), None)

    @property
    def faults(self) -> tuple[FaultInForce, ...]:
        """The faults in force."""
        with self._lock:
            return tuple(FaultInForce(*at, fault.spec, fault.left) for at, fault in self._faults.items())

    @property
    def issuers(self) -> Mapping[str, Issuer]:
        """The issuers by path, in the order in which they came."""
        with self._lock:
            return dict(self._issuers)

    def requests(self, path: str, endpoint: str) -> int:
        """How often an endpoint was asked, faults included; `ValueError` as in `set_fault`."""
        with self._lock:
            self._endpoint(path, endpoint)
            return self._counts[path, endpoint]

    @property
    def journal(self) -> tuple[JournalEntry, ...]:
        """The last requests, at most `JOURNAL_LENGTH`, oldest first."""
        with self._lock:
            return tuple(self._journal)

    def clear_journal(self) -> None:
        """Forget the journal and the counts."""
        with self._lock:
            self._journal.clear()
            self._counts.clear()

    def clear_canaries(self) -> None:
        """Take all traps away."""
        with self._lock:
            self._canaries.clear()

    @property
    def canaries(self) -> Mapping[str, int]:
        """The canaries by name, with how often each was asked."""
        with self._lock:
            return dict(self._canaries)

    def canary(self, name: str) -> str:
        """Set a trap and give its path: whoever asks it, by any method, is counted (SIG-021).

        `ValueError` for a name with other characters than letters, digits, `-` and `_`.
        """
        if not name or not name.isascii() or not name.replace("-", "").replace("_", "").isalnum():
            raise ValueError(f"a canary's name has letters, digits, - and _ only: {name!r}")
        with self._lock:
            if name not in self._canaries and len(self._canaries) >= MAX_CANARIES:
                raise ValueError(f"more than {MAX_CANARIES} canaries")
            self._canaries.setdefault(name, 0)
        return _CANARIES + name

    def canary_hits(self, name: str) -> int:
        """How often a canary was asked; `ValueError` when it was never set."""
        with self._lock:
            if name not in self._canaries:
                raise ValueError(f"no canary {name!r}")
            return self._canaries[name]

    def _canary(self, rest: str) -> Response:
        name = rest.partition("/")[0]
        if name not in self._canaries:
            return Response.of_json({"error": "not_found"}, 404)
        self._canaries[name] += 1
        return Response.of_json({"canary": name})
