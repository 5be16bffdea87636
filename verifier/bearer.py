"""From the headers of a request to exactly one Bearer token, and the answers of RFC 6750 where there is none.

Pure functions over bytes: no framework is known here. A token is never looked for anywhere but in the one
`Authorization` header, an answer never repeats anything that came in, and a request that spells its credential
in an odd way gets no second guess (HTTP-001, HTTP-021). Whatever came in, the answer is one of these (HTTP-005,
HTTP-025), and no request leaves anything for the next on its connection (OPS-004).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from verifier.errors import VerifierError

CredentialFault = Literal[
    "credential_missing", "credential_malformed", "credential_repeated", "credential_twice", "too_large"
]
"""Why a request has no usable credential, for the log."""

RawHeaders = Iterable[tuple[bytes, bytes]]
"""Names and values as they came in, in any case, one pair a line."""

# RFC 6750 section 2.1: credentials = "Bearer" 1*SP b64token. The scheme's case is free (RFC 9110 section 11.1), and
# white space that ends a header line is no part of its value (RFC 9110 section 5.5).
_SCHEME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]*")
_CREDENTIAL = re.compile(rb" +([A-Za-z0-9._~+/-]+=*)[ \t]*")
_JOINED = re.compile(rb",[ \t]*bearer(?:[ \t]|$)", re.IGNORECASE)
_TOKEN_FIELD = re.compile(rb"(?:^|&)access_token(?:=|&|$)")
_FORM = b"application/x-www-form-urlencoded"
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole HTTP answer, as constant bytes."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


class CredentialRefused(VerifierError):  # noqa: N818 - says what happened, as callers read it
    """A request carries no usable credential; `fault` is for the log, `answer` for the client."""

    def __init__(self, fault: CredentialFault) -> None:
        super().__init__(fault)
        self.fault: Final = fault

    @property
    def answer(self) -> Answer:
        """Return what the client is told."""
        return _ANSWERS[self.fault]


def bearer_token(headers: RawHeaders, query: bytes, max_bytes: int) -> bytes:
    """Return the token of a request, or raise CredentialRefused.

    `query` is the raw query string, without the question mark; `max_bytes` bounds the token (HTTP-014).
    """
    values = [value for name, value in headers if name.lower() == b"authorization"]
    if not values:
        raise CredentialRefused("credential_missing")  # HTTP-004, HTTP-008, HTTP-009, HTTP-022
    if len(values) > 1:  # HTTP-011, HTTP-012
        raise CredentialRefused("credential_repeated")
    value = values[0]
    scheme = _SCHEME.match(value)
    end = scheme.end() if scheme else 0
    if value[:end].lower() != b"bearer":  # HTTP-002, HTTP-003
        # Servers that join header lines by commas, as WSGI has it, must not hide a second credential.
        raise CredentialRefused("credential_repeated" if _JOINED.search(value) else "credential_missing")
    found = _CREDENTIAL.fullmatch(value, end)
    if not found:  # HTTP-006, HTTP-013, HTTP-015
        raise CredentialRefused("credential_malformed")
    if has_token_field(query):  # HTTP-010
        raise CredentialRefused("credential_twice")
    token = found[1]
    if len(token) > max_bytes:
        raise CredentialRefused("too_large")
    return token


def is_form(headers: RawHeaders) -> bool:
    """Tell whether a body is a form, in which RFC 6750 section 2.2 knows a second way to send a token."""
    return any(
        name.lower() == b"content-type" and value.partition(b";")[0].strip().lower() == _FORM
        for name, value in headers
    )


def has_token_field(form: bytes) -> bool:
    """Tell whether a query or form body has the field `access_token`, however its name is escaped (HTTP-010)."""
    if b"%" in form:
        form = _ESCAPE.sub(lambda found: _unescaped(found[1]), form)
    return _TOKEN_FIELD.search(form) is not None


def _unescaped(digits: bytes) -> bytes:
    # Letters and the underscore alone: an escaped & or = separates nothing.
    character = bytes.fromhex(digits.decode("ascii"))
    return character if character.isalpha() or character == b"_" else b"%"


def answer(status: int, body: bytes, *headers: tuple[bytes, bytes]) -> Answer:
    """Make an answer that no cache keeps (HTTP-019) and no browser guesses at."""
    fixed = (
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    )
    return Answer(status, (*fixed, *headers), body)


def _challenge(status: int, error: str = "", description: str = "") -> Answer:
    """Make an answer with a challenge (RFC 6750 section 3); the words are constants of this module (HTTP-016)."""
    attributes = ['realm="api"']
    if error:
        attributes += [f'error="{error}"', f'error_description="{description}"']
    body = f'{{"error":"{error or "unauthorized"}"}}'
    return answer(status, body.encode(), (b"www-authenticate", f"Bearer {', '.join(attributes)}".encode()))


UNAUTHENTICATED: Final = _challenge(401)
"""No credential: the challenge carries no error code (RFC 6750 section 3.1)."""
INVALID_TOKEN: Final = _challenge(401, "invalid_token", "The access token is not accepted")
"""One answer for every token that is not accepted, so that it tells nothing of users or keys (HTTP-017)."""
INVALID_REQUEST: Final = _challenge(
    400, "invalid_request", "Send exactly one token, in one Authorization header"
)
OLD_INTERFACE: Final = _challenge(401, "invalid_token", "Tokens are taken by /api/2.0/ and later alone")
NO_ACCESS: Final = _challenge(403, "insufficient_scope", "This user may not use the API")
"""The token is good and its user known, who may not use the API (HTTP-007, MAP-040)."""
NO_SCOPE: Final = _challenge(403, "insufficient_scope", "The access token lacks a scope that is required")
"""The token is good and was given for less than the API asks for (RFC 6750 section 3.1, CLM-030)."""
INSECURE: Final = answer(403, b'{"error":"https_required"}')
"""Neither redirected nor challenged: a client must not send its token this way again (HTTP-026)."""
TOO_LARGE: Final = answer(431, b'{"error":"header_too_large"}')

_ANSWERS: Final = {
    "credential_missing": UNAUTHENTICATED,
    "credential_malformed": INVALID_REQUEST,
    "credential_repeated": INVALID_REQUEST,
    "credential_twice": INVALID_REQUEST,
    "too_large": TOO_LARGE,
}
