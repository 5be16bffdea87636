"""What an operation of the admin API is: a method of an address, what it takes and what it gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec

from mock_idp.admin import bodies
from mock_idp.control import Control

Params: TypeAlias = Mapping[str, str]
Handler: TypeAlias = Callable[[Control, Params, Any], Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one address."""

    method: str
    template: str
    """The address below `API`, with its parameters in braces."""
    name: str
    says: str
    handler: Handler
    """Takes the control, the parameters, and the body or the query, read."""
    answers: Any = None
    """The type of what the handler gives; None for an answer without a body, or with a file."""
    status: int = 200
    body: type[msgspec.Struct] | None = None
    query: type[bodies.Body] | None = None
    file: str | None = None
    """The media type of the file whose bytes the handler gives, where it gives one."""
    max_body: int = bodies.MAX_BODY
    """Bytes of a request's body."""

    @property
    def needs_body(self) -> bool:
        """Whether the body cannot be left out."""
        return self.body is not None and any(f.required for f in msgspec.structs.fields(self.body))


def issuer_path(params: Params) -> str:
    """Give the path of the issuer that an address names."""
    # No path of an issuer ends with a slash, so that this one can stand for the root.
    path = "/" + params["issuer"]
    return "" if path == "//" else path
