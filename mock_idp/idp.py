"""The mock IdP as a whole: issuers by path, behind one function from request to answer.

It holds the faults that were set, the canaries, and the journal of requests. It must never open a socket
(that is `mock_idp.serve`), grow without bound, or take anything from a request but its method and path: the
issuer is what was configured, whatever the Host header says.
"""

import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import RLock
from typing import TypeAlias

from mock_idp.faults import FaultSpec, parse_fault
from mock_idp.http import Request, Response
from mock_idp.issuer import Issuer
from mock_idp.people import Directory

JOURNAL_LENGTH = 10_000
JOURNAL_PATH = 512
"""How many characters of a path the journal keeps."""
JOURNAL_TEXT = 1024
"""How many bytes of a request's body, and how many characters of its query, the journal keeps."""
MAX_CANARIES = 10_000
_CANARIES = "/canary/"
_ADMIN = "/_admin"
_READING = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One request that was answered."""

    when: float
    """Seconds since the epoch, by the IdP's clock."""
    method: str
    path: str
    status: int
    number: int = 0
    """Counts the requests from 1 and never repeats, so that a reader can ask for what is new."""
    query: str = ""
    body: bytes = b""
    answer_type: str = ""
    """The Content-Type of the answer, empty when it had none."""
    answer_bytes: int = 0


@dataclass(frozen=True, slots=True)
class FaultInForce:
    """A fault that was set, and what is left of it."""

    path: str
    endpoint: str
    fault: FaultSpec
    left: int | None
    """For how many requests more; None for all to come."""


@dataclass(frozen=True, slots=True)
class _Route:
    path: str
    issuer: Issuer
    endpoint: str


@dataclass(slots=True)
class _SetFault:
    spec: FaultSpec
    misbehave: Callable[[Response], Response]
    left: int | None


def _jwks(route: _Route, _base_url: str) -> Response:
    headers = (("content-type", "application/json"), ("cache-control", "public, max-age=300"))
    return Response(200, headers, route.issuer.jwks_bytes())


def _metadata(route: _Route, base_url: str) -> Response:
    where = base_url + route.path if base_url else None
    return Response.of_json(route.issuer.metadata(where))


_ENDPOINTS: Mapping[str, Callable[[_Route, str], Response]] = {"jwks": _jwks, "metadata": _metadata}
ENDPOINTS: tuple[str, ...] = tuple(_ENDPOINTS)
"""The names of the endpoints that faults and counts know."""
_Table: TypeAlias = Mapping[str, _Route]


def _paths(path: str, issuer: Issuer) -> _Table:
    places = {
        "jwks": {issuer.persona.jwks_path, "/jwks"},
        "metadata": {issuer.persona.metadata_path, "/.well-known/openid-configuration"},
    }
    return {path + place: _Route(path, issuer, name) for name, found in places.items() for place in found}


class MockIdP:
    """Any number of issuers, each under a path of its own. Thread-safe.

    `base_url` is where the server is reached (`http://127.0.0.1:1234`); a server fills it in when it starts,
    and the metadata names addresses below it.
    """

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self.base_url = ""
        self.admin = False
        """Whether the paths below `/_admin` are answered by `mock_idp.admin`; whoever starts a server decides."""
        self.admin_token: str | None = None
        """What the admin API's callers have to show; None is for servers that only this machine can reach."""
        self.people = Directory()
        self._clock = clock
        self._answered = 0
        self._lock = RLock()
        self._issuers: dict[str, Issuer] = {}
        self._routes: _Table = {}
        self.reset()

    def reset(self) -> None:
        """Forget issuers, people, faults, canaries, counts and the journal; keep the clock and the base URL."""
        with self._lock:
            self.people.clear()
            self._issuers = {}
            self._routes = {}
            self._faults: dict[tuple[str, str], _SetFault] = {}
            self._canaries: Counter[str] = Counter()
            self._counts: Counter[tuple[str, str]] = Counter()
            self._journal: deque[JournalEntry] = deque(maxlen=JOURNAL_LENGTH)

    def add_issuer(self, path: str, issuer: Issuer) -> None:
        """Serve an issuer under a path (`/tenant-a`, or empty for the root) in place of the one before.

        `ValueError` when the path does not start with a slash, ends with one, or would shadow another
        issuer's endpoint.
        """
        if path and (not path.startswith("/") or path.endswith("/")):
            raise ValueError(f"a path starts with a slash and does not end with one: {path!r}")
        with self._lock:
            self._route({**self._issuers, path: issuer})

    def remove_issuer(self, path: str) -> None:
        """Serve an issuer no longer; `ValueError` when there is none under the path."""
        with self._lock:
            self._known(path)
            self._route({at: issuer for at, issuer in self._issuers.items() if at != path})

    def _route(self, issuers: dict[str, Issuer]) -> None:
        routes: dict[str, _Route] = {}
        for path, issuer in issuers.items():
            for place, route in _paths(path, issuer).items():
                if place in routes:
                    raise ValueError(f"{place} would belong to two issuers: {routes[place].path!r}, {path!r}")
                routes[place] = route
        self._issuers, self._routes = issuers, routes

    def _known(self, path: str) -> None:
        if path not in self._issuers:
            raise ValueError(f"no issuer under {path!r}: there are {', '.join(map(repr, self._issuers))}")

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
        if self.admin and request.path.startswith(_ADMIN):
            from mock_idp import admin  # only a server that has it on needs its imports

            return admin.respond(self, request)
        with self._lock:
            response = self._answer(request)
            self._record(request, response)
            return response

    def _record(self, request: Request, response: Response) -> None:
        self._answered += 1
        entry = JournalEntry(
            when=self._clock(),
            method=request.method[:32],
            path=request.path[:JOURNAL_PATH],
            status=response.status,
            number=self._answered,
            query=request.query[:JOURNAL_TEXT],
            body=request.body[:JOURNAL_TEXT],
            answer_type=next((value for name, value in response.headers if name == "content-type"), ""),
            answer_bytes=len(response.body),
        )
        self._journal.append(entry)

    def _answer(self, request: Request) -> Response:
        if request.path.startswith(_CANARIES):
            return self._canary(request.path.removeprefix(_CANARIES))
        route = self._routes.get(request.path)
        if route is None:
            return Response.of_json({"error": "not_found"}, 404)
        if request.method not in _READING:
            return Response.of_json({"error": "method_not_allowed"}, 405).with_header(
                "allow", ", ".join(_READING)
            )
        self._counts[route.path, route.endpoint] += 1
        return self._misbehaved(route, _ENDPOINTS[route.endpoint](route, self.base_url))

    def _misbehaved(self, route: _Route, honest: Response) -> Response:
        where = (route.path, route.endpoint)
        fault = self._faults.get(where)
        if fault is None:
            return honest
        if fault.left is not None:
            fault.left -= 1
            if fault.left == 0:
                del self._faults[where]
        return fault.misbehave(honest)

    def set_fault(self, path: str, endpoint: str, fault: FaultSpec, times: int | None = None) -> None:
        """Have an endpoint (`jwks`, `metadata`) misbehave, for a number of requests or until `clear_faults`.

        A fault replaces the one that was there. `FaultError` for an unknown fault; `ValueError` for an
        unknown issuer or endpoint, or for `times` below one.
        """
        misbehave = parse_fault(fault)
        if times is not None and times < 1:
            raise ValueError(f"times is at least 1, not {times}")
        with self._lock:
            self._endpoint(path, endpoint)
            self._faults[path, endpoint] = _SetFault(fault, misbehave, times)

    def _endpoint(self, path: str, endpoint: str) -> None:
        self._known(path)
        if endpoint not in _ENDPOINTS:
            raise ValueError(f"no endpoint {endpoint!r}: there are {', '.join(_ENDPOINTS)}")

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
