"""Fetches one JWKS document over HTTPS, within bounds.

Must never leave the configured host, reach a private address, skip a TLS check, or send anything of another
context: no cookie, no credential, no proxy of the environment (ONB-024, KEY-030 to KEY-032, KEY-039).
"""

import io
import ipaddress
import queue
import re
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from http.client import HTTPException
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import SplitResult, urljoin, urlsplit

from verifier.errors import FetchError
from verifier.fetch_problems import ca_file_in_words, in_words
from verifier.policy import Redirects

if TYPE_CHECKING:
    from urllib3.connection import HTTPConnection
    from urllib3.response import BaseHTTPResponse

LOCAL_ONLY = "for tests on one machine: policy allow_local_jwks: true"
"""What lets a JWKS URL in that is http or leads to a private address."""

MAX_REDIRECTS = 3
"""Most redirects that one fetch follows, where it follows any (KEY-030)."""

_MAX_ADDRESSES = 4  # of one name, tried one after the other
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CHUNK = 65536  # bytes
_URL_TEXT = re.compile(r"[!-~]{1,2048}")
_HEADERS = {
    "Accept": "application/jwk-set+json, application/json",
    "Accept-Encoding": "gzip",
    "User-Agent": "touchstone-verifier",
}
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class FetchResult:
    """What the endpoint answered: the status, the headers by lower-case name, and the decoded body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


_NO_CONDITIONS: Mapping[str, str] = MappingProxyType({})


class Fetch(Protocol):
    """Gets the document at a URL, in at most `timeout_s` seconds and `max_bytes` bytes; raises FetchError.

    `ca_file` names a PEM file of the only authorities to trust; None trusts the system's. `conditions` are
    request headers that may be answered by 304 (KEY-035).
    """

    def __call__(
        self,
        url: str,
        *,
        ca_file: str | None,
        max_bytes: int,
        timeout_s: float,
        conditions: Mapping[str, str] = _NO_CONDITIONS,
    ) -> FetchResult:
        """Fetch once; the answer's headers have lower-case names."""


def check_url(url: str, *, allow_local: bool) -> SplitResult:
    """Judge a JWKS URL by its text (ONB-024); return its parts, or raise ValueError with the fault."""
    if not _URL_TEXT.fullmatch(url):
        raise ValueError("it holds characters that a URL has to escape, or is too long")
    parts = urlsplit(url)
    _ = parts.port  # raises ValueError where it is no number
    if parts.scheme != "https" and not (allow_local and parts.scheme == "http"):
        way_out = f" ({LOCAL_ONLY})" if parts.scheme == "http" else ""
        raise ValueError(f"it is no absolute https URL{way_out}")
    if not parts.hostname or "@" in parts.netloc or "#" in url:
        raise ValueError("it lacks a host, or holds user information or a fragment")
    literal = None if allow_local else _literal_address(parts.hostname)
    if literal:  # a name is looked up, and its addresses judged, at every fetch
        _check_address(literal)
    return parts


def is_local(url: str, timeout_s: float = 5) -> bool:
    """Tell whether a URL that can be fetched is one that only `allow_local_jwks` lets in; asks the name's address.

    False too for a name that is not found within the seconds given: nothing is fetched from it either.
    """
    try:
        check_url(url, allow_local=True)
    except ValueError:
        return False
    try:
        parts = check_url(url, allow_local=False)
        for entry in _look_up(parts.hostname or "", _port(parts), timeout_s):
            _check_address(str(entry[4][0]))
    except ValueError:
        return True
    except OSError:
        return False
    return False


class HttpFetch:
    """The `Fetch` over urllib3, one connection a fetch: no server keeps one open from hour to hour."""

    def __init__(self, *, allow_local: bool = False, redirects: Redirects = "refuse") -> None:
        self._allow_local, self._redirects = allow_local, redirects

    def __call__(
        self,
        url: str,
        *,
        ca_file: str | None,
        max_bytes: int,
        timeout_s: float,
        conditions: Mapping[str, str] = _NO_CONDITIONS,
    ) -> FetchResult:
        """Fetch once; see `Fetch`. The bounds hold for all redirects together."""
        from urllib3.exceptions import HTTPError

        deadline = time.monotonic() + timeout_s
        try:
            for _ in range(1 + MAX_REDIRECTS):
                answer = self._ask(url, ca_file, max_bytes, deadline, conditions)
                if self._redirects == "refuse" or answer.status not in _REDIRECTS:
                    return answer
                url = _next_hop(url, answer.headers.get("location", ""))
            raise ValueError("redirected too often")  # noqa: TRY301 - one end for all that goes wrong
        except (OSError, ValueError, HTTPException, HTTPError, zlib.error) as problem:
            raise FetchError(in_words(problem, url, ca_file)) from problem

    def _ask(
        self, url: str, ca_file: str | None, max_bytes: int, deadline: float, conditions: Mapping[str, str]
    ) -> FetchResult:
        parts = check_url(url, allow_local=self._allow_local)
        with closing(self._connection(parts, ca_file, deadline)) as connection:
            connection.connect()
            connection.sock = _BoundedSocket(connection.sock, deadline)
            # KEY-039: the path and the query go out as they were configured.
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            headers = {**_HEADERS, **conditions, "Host": parts.netloc}
            connection.request("GET", target, headers=headers, preload_content=False)
            return _read(connection.getresponse(), max_bytes)

    def _connection(self, parts: SplitResult, ca_file: str | None, deadline: float) -> "HTTPConnection":
        from urllib3.connection import HTTPConnection, HTTPSConnection

        host, port = parts.hostname or "", _port(parts)
        address = self._resolve(host, port, deadline)
        step_s = _left(deadline) / 2  # for the connection and for the handshake, which follow one another
        if parts.scheme == "http":
            return HTTPConnection(address, port, timeout=step_s)
        try:
            context = ssl.create_default_context(cafile=ca_file)
        except OSError as problem:
            raise FetchError(ca_file_in_words(problem, ca_file)) from problem
        context.minimum_version = ssl.TLSVersion.TLSv1_2  # KEY-031
        return HTTPSConnection(address, port, timeout=step_s, ssl_context=context, server_hostname=host)

    def _resolve(self, host: str, port: int, deadline: float | None = None) -> str:
        """Return the address to connect to: what was checked is what is asked, whatever DNS says next."""
        found = _look_up(host, port, None if deadline is None else _left(deadline))
        addresses = [str(entry[4][0]) for entry in found]
        if not self._allow_local:
            for address in addresses:
                _check_address(address)
        return addresses[0]


def _next_hop(url: str, location: str) -> str:
    """Return where a redirect leads; ValueError unless scheme, host and port stay what they were.

    Names do not tell which hosts are one site, so that only the configured one is (KEY-030). What the new
    URL says, and the address that its host has by now, are judged like those of the first.
    """
    target = urljoin(url, location)
    old, new = ((parts.scheme, parts.hostname, _port(parts)) for parts in (urlsplit(url), urlsplit(target)))
    if not location or old != new:
        raise ValueError("redirected elsewhere")
    return target


def _port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


def _look_up(host: str, port: int, timeout_s: float | None) -> list[Any]:
    """Look a name up within the time; the resolver itself knows no deadline (KEY-032)."""
    if _literal_address(host) is not None:  # nothing is asked of a resolver, so nothing can keep us waiting
        return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    answers: queue.SimpleQueue[list[Any] | OSError | ValueError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
        except (OSError, ValueError) as problem:
            answers.put(problem)

    threading.Thread(target=ask, name="jwks-name", daemon=True).start()
    try:
        answer = answers.get(timeout=timeout_s)
    except queue.Empty:
        raise TimeoutError("the name was not found in time") from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _literal_address(host: str) -> str | None:
    """Return the address that a host spells, in any way that resolvers know (decimal, octal, short)."""
    with suppress(OSError):
        return socket.inet_ntoa(socket.inet_aton(host))
    with suppress(ValueError):
        return str(ipaddress.ip_address(host))
    return None


def _check_address(address: str) -> None:
    """Refuse what is not on the public internet (ONB-024, KEY-030); ValueError."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        translated = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF) if found in _NAT64 else None
        inner: _Address = found.ipv4_mapped or found.sixtofour or translated or found
    else:
        inner = found
    if not inner.is_global or inner.is_multicast:
        raise ValueError(f"it leads to an address that is not public ({LOCAL_ONLY})")


def _left(deadline: float) -> float:
    """Return the seconds up to a deadline; TimeoutError if there are none."""
    left_s = deadline - time.monotonic()
    if left_s <= 0:
        raise TimeoutError
    return left_s


class _BoundedSocket:
    """A connected socket whose every wait ends at one deadline, however slowly bytes drip in (KEY-032)."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock, self._deadline = sock, deadline

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def sendall(self, data: bytes) -> None:
        self.wait()
        self._sock.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_BoundedReader(self, self._sock.makefile("rb", buffering=0)))

    def wait(self) -> None:
        self._sock.settimeout(_left(self._deadline))


class _BoundedReader(io.RawIOBase):
    """The socket's own reader, which also keeps it open until the answer is read, behind the deadline."""

    def __init__(self, sock: _BoundedSocket, raw: socket.SocketIO) -> None:
        self._sock, self._raw = sock, raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.wait()
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


def _read(response: "BaseHTTPResponse", max_bytes: int) -> FetchResult:
    body = bytearray()
    while chunk := response.read(min(_CHUNK, max_bytes + 1 - len(body)), decode_content=False):
        body += chunk
        if len(body) > max_bytes:
            raise ValueError("too large")
    headers = {name.lower(): value for name, value in response.headers.itermerged()}
    coding = headers.get("content-encoding", "identity").lower()
    if coding not in _CODINGS:
        raise ValueError("unknown content coding")
    return FetchResult(response.status, headers, _CODINGS[coding](bytes(body), max_bytes))


def _gunzip(body: bytes, max_bytes: int) -> bytes:
    reader = zlib.decompressobj(wbits=31)
    decoded = reader.decompress(body, max_bytes + 1)
    if len(decoded) > max_bytes or not reader.eof:
        raise ValueError("too large, or cut off")
    return decoded


_CODINGS: Mapping[str, Callable[[bytes, int], bytes]] = {"identity": lambda body, _: body, "gzip": _gunzip}
