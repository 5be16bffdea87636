"""Why a fetch failed, in words for the person who named the URL.

Must never tell more than the kind of failure and what that person has sent: no address that a name led to, and
nothing of what the endpoint answered.
"""

import socket
import ssl
import zlib
from http.client import HTTPException, RemoteDisconnected
from typing import Final
from urllib.parse import urlsplit

from verifier.errors import quoted

_SHOWN_CHARS = 100
_OF_CERTIFICATES: Final = {
    10: "the certificate of {where} has expired",
    62: "the certificate of {where} is for another host name",
    64: "the certificate of {where} is for another address",
    **dict.fromkeys(
        (18, 19, 20, 21), "the certificate of {where} is by an authority that {whoever} not trust"
    ),
}
"""By OpenSSL's X509_V_ERR_*; the last four are a self-signed one, and one whose issuer is not at hand."""
_BY_TYPE: Final[tuple[tuple[type[Exception], str], ...]] = (
    (RemoteDisconnected, "{where} closed the connection without an answer"),
    (ConnectionRefusedError, "nobody listens at {where}"),
    (TimeoutError, "{where} did not answer in time"),
    (ConnectionError, "{where} broke the connection off"),
    (socket.gaierror, "the host name of {where} is not known"),
    (ssl.SSLError, "{where} makes no TLS connection"),
    (UnicodeError, "the host name of {where} is not known"),
    (zlib.error, "{where} answered with a damaged content coding"),
    (HTTPException, "{where} answered no HTTP"),
)


def in_words(problem: Exception, url: str, ca_file: str | None) -> str:
    """Say why `url` could not be fetched, `ca_file` being the only authorities to trust (None: the system's)."""
    from urllib3.exceptions import HTTPError, NewConnectionError
    from urllib3.exceptions import TimeoutError as LibraryTimeout

    where = _where(url)
    if isinstance(problem, NewConnectionError) and isinstance(problem.__cause__, OSError):
        problem = problem.__cause__
    if isinstance(problem, ssl.SSLCertVerificationError):
        whoever = "this machine does" if ca_file is None else "ca_file does"
        told = _OF_CERTIFICATES.get(problem.verify_code, "the certificate of {where} cannot be trusted")
        advice = ": name it in ca_file" if ca_file is None and "{whoever}" in told else ""
        return told.format(where=where, whoever=whoever) + advice
    if isinstance(problem, ValueError) and not isinstance(problem, UnicodeError | ssl.SSLError):
        return f"the JWKS is not taken: {problem}"  # a bound of the fetch, in its own words
    if isinstance(problem, LibraryTimeout):
        problem = TimeoutError()
    elif isinstance(problem, HTTPError):
        problem = ConnectionError()
    told = next((text for kind, text in _BY_TYPE if isinstance(problem, kind)), "{where} cannot be reached")
    return told.format(where=where)


def ca_file_in_words(problem: OSError, ca_file: str | None) -> str:
    """Say why the authorities to trust could not be read."""
    if ca_file is None:
        return "this machine has no authorities to trust: name one in ca_file"
    if isinstance(problem, ssl.SSLError):
        return f"ca_file {quoted(ca_file)}: no certificates in PEM"
    if isinstance(problem, FileNotFoundError):
        return f"ca_file {quoted(ca_file)}: no such file"
    return f"ca_file {quoted(ca_file)}: it cannot be read"


def _where(url: str) -> str:
    """Return host and port of a URL, as far as it has them; a URL that is fetched is printable ASCII."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return "the URL"
    host = parts.hostname or ""
    return f"{f'[{host}]' if ':' in host else host}:{port}"[:_SHOWN_CHARS]
