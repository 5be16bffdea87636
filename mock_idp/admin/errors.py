"""Refusals of the admin API, each with a status, a stable code and a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mock_idp.http import Response

if TYPE_CHECKING:
    from mock_idp.http import Headers


class ApiError(Exception):
    """A request that is refused."""

    def __init__(self, status: int, error: str, message: str, headers: Headers = ()) -> None:
        super().__init__(message)
        self.status = status
        self.error = error
        self.message = message
        self.headers = headers

    def response(self) -> Response:
        """Write the refusal as an answer."""
        answer = Response.of_json({"error": self.error, "message": self.message}, self.status)
        for name, value in self.headers:
            answer = answer.with_header(name, value)
        return answer
