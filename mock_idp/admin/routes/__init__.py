"""The operations of the admin API as one table: requests are dispatched by it, and the OpenAPI document is made of it.

A handler must never do more than call `Control`: what an operation does is the same from Python.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mock_idp.admin.routes.issuers import ISSUERS
from mock_idp.admin.routes.keys import KEYS
from mock_idp.admin.routes.operation import Operation
from mock_idp.admin.routes.people import PEOPLE
from mock_idp.admin.routes.server import SERVER
from mock_idp.admin.routes.tokens import TOKENS

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["API", "OPERATIONS", "PARAMETERS", "Operation"]

API: Final = "/_admin/api"

PARAMETERS: Final[Mapping[str, str]] = {
    "issuer": "The issuer's path without its first slash, percent-encoded; `%2F` for the issuer at the root.",
    "kid": "The key's published kid, or its name in the key ring.",
    "endpoint": "The name of an endpoint, such as `jwks` or `metadata`.",
    "username": "A user name.",
    "client": "The id of a client, percent-encoded.",
    "canary": "The name of a canary.",
}
"""What may stand in braces in a template; each is one segment of the path."""

OPERATIONS: Final = (*ISSUERS, *KEYS, *PEOPLE, *TOKENS, *SERVER)
"""Every operation; addresses that are more special than others need not come first, because none overlap."""
