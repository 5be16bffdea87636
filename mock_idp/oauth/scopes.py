"""What a client asks for: the scopes and the audience of its access token."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from mock_idp.oauth.errors import OAuthError, invalid_request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_idp.issuer import Issuer
    from mock_idp.oauth.clients import Client

MAX_SCOPE: Final = 4096
MAX_AUDIENCE: Final = 2048
_SCOPE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+(?: +[\x21\x23-\x5b\x5d-\x7e]+)*")
"""RFC 6749 section 3.3."""
_ENTRA_DEFAULT: Final = "/.default"
"""How a client of Entra asks for an API and everything that it was given there; MSAL always does."""


def resolve(
    issuer: Issuer, client: Client, params: Mapping[str, str], *, default: tuple[str, ...] | None = None
) -> tuple[tuple[str, ...], str]:
    """Give scopes and audience of a request; `OAuthError` (invalid_scope, invalid_target) for malformed ones.

    The audience is `resource` (RFC 8707) or `audience` when the request names one, else that of a scope
    `API/.default`, the client's or the issuer's.
    """
    scopes = _scopes(params, issuer.persona.default_scopes if default is None else default)
    named = [scope.removesuffix(_ENTRA_DEFAULT) for scope in scopes if scope.endswith(_ENTRA_DEFAULT)]
    asked = params.get("resource") or params.get("audience") or next(iter(named), None)
    if asked is not None and (len(asked) > MAX_AUDIENCE or not asked.isprintable()):
        raise OAuthError("invalid_target", f"a resource is at most {MAX_AUDIENCE} printable characters")
    return scopes, asked or client.audience or issuer.audience


def _scopes(params: Mapping[str, str], default: tuple[str, ...]) -> tuple[str, ...]:
    text = params.get("scope")
    if text is None:
        return default
    if len(text) > MAX_SCOPE:
        raise invalid_request(f"scope has at most {MAX_SCOPE} characters")
    return _split(text)


@lru_cache(maxsize=64)
def _split(text: str) -> tuple[str, ...]:
    if not _SCOPE.fullmatch(text):
        raise OAuthError("invalid_scope", "a scope has a character that RFC 6749 section 3.3 does not allow")
    return tuple(dict.fromkeys(text.split()))
