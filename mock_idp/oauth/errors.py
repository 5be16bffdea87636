"""The errors of OAuth 2.0, each an exception that knows how it is answered.

An endpoint raises one wherever it finds something wrong; nothing falls through to success.
"""

from __future__ import annotations

from typing import Final

from mock_idp.http import Response

NO_STORE: Final = (
    ("content-type", "application/json"),
    ("cache-control", "no-store"),
    ("pragma", "no-cache"),
)
"""RFC 6749 section 5.1: nothing on the way keeps an answer with tokens."""


class OAuthError(Exception):
    """A request that is refused: `error` is a code of RFC 6749, RFC 8628, RFC 8693 or OpenID Connect."""

    def __init__(
        self, error: str, description: str, *, status: int = 400, challenge: str | None = None
    ) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description
        self.status = status
        self.challenge = challenge
        """The `WWW-Authenticate` of a 401 or 403 (RFC 6749 section 5.2, RFC 6750 section 3)."""

    def response(self) -> Response:
        """Answer as RFC 6749 section 5.2 has it."""
        body = {"error": self.error, "error_description": self.description}
        answer = Response.of_json(body, self.status)
        headers = (*NO_STORE, *((("www-authenticate", self.challenge),) if self.challenge else ()))
        return Response(answer.status, headers, answer.body)


def invalid_request(description: str) -> OAuthError:
    """Refuse a request with a parameter that is missing, repeated or malformed."""
    return OAuthError("invalid_request", description)


def invalid_grant(description: str) -> OAuthError:
    """Refuse a code, token, password or assertion: wrong, expired, used up or another client's."""
    return OAuthError("invalid_grant", description)


def shown(text: str) -> str:
    """Give foreign text as it may stand in a description: short, and only the characters of RFC 6749 section 5.2."""
    kept = "".join(c if " " <= c <= "~" and c not in '"\\' else "?" for c in text[:80])
    return f"'{kept}'"
