"""What is answered next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mock_idp.control.steered import Steered
from mock_idp.control.views import LineView

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mock_idp.issuer import Issuer
    from mock_idp.oauth.queued import QueuedError


class Line(Steered):
    """Lined up and dropped."""

    def line_up(
        self,
        path: str,
        *,
        users: Iterable[str] = (),
        codes: Iterable[str] = (),
        token_errors: Iterable[QueuedError] = (),
        authorization_errors: Iterable[QueuedError] = (),
    ) -> None:
        """Line up answers: who signs in next, the next codes, the next errors. Each is used once, in its order."""
        queue = self._issuer(path).queue
        queue.users.extend(users)
        queue.codes.extend(codes)
        queue.token_errors.extend(token_errors)
        queue.authorization_errors.extend(authorization_errors)

    def line(self, path: str) -> LineView:
        """Show what was lined up and is not used yet."""
        return line_view(self._issuer(path))

    def clear_line(self, path: str) -> None:
        """Drop what was lined up."""
        self._issuer(path).queue.clear()


def line_view(issuer: Issuer) -> LineView:
    """Show what is lined up at an issuer."""
    queue = issuer.queue
    return LineView(
        tuple(queue.users), tuple(queue.codes), tuple(queue.token_errors), tuple(queue.authorization_errors)
    )
