"""Why an operation of the control was refused."""

from __future__ import annotations

from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Code(StrEnum):
    """Why an operation was refused."""

    NOT_FOUND = "not_found"
    """There is no issuer, key, person, fault or canary of this name."""
    CONFLICT = "conflict"
    """The operation does not fit what is there: a taken path, a move that the life of a key does not have."""
    INVALID = "invalid"
    """An argument that nothing could be done with."""


class ControlError(Exception):
    """An operation that was refused; nothing has changed."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@contextmanager
def refusing(code: Code) -> Iterator[None]:
    """Refuse with `code` what the package refuses: all of that is a `ValueError` with a sentence for people."""
    try:
        yield
    except ValueError as error:
        raise ControlError(code, str(error)) from error
