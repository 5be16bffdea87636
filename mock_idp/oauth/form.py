"""The parameters of a request: `application/x-www-form-urlencoded`, strictly, within bounds.

RFC 6749 sections 3.1 and 3.2: a parameter without a value counts as left out, and none may be repeated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_to_bytes

from mock_idp.oauth.errors import invalid_request, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_idp.http import Request

MAX_FIELDS: Final = 64
MAX_FORM: Final = 128 * 1024
"""Bytes of a query or a form."""
_FORM_TYPE: Final = "application/x-www-form-urlencoded"
_REPEATABLE: Final = frozenset({"resource", "audience"})
"""RFC 8693 section 2.1 and RFC 8707 section 2: several may be named; the first one is taken."""


def query(request: Request) -> Mapping[str, str]:
    """Read the query; `OAuthError` (invalid_request) when it is malformed."""
    return parse(request.query)


def form(request: Request) -> Mapping[str, str]:
    """Read the body of a POST; `OAuthError` (invalid_request) for another content type or a malformed one."""
    kind = request.header("content-type") or ""
    if kind != _FORM_TYPE and kind.partition(";")[0].strip().lower() != _FORM_TYPE:
        raise invalid_request(f"the body has to be {_FORM_TYPE}")
    try:
        return parse(request.body.decode("ascii"))
    except UnicodeDecodeError:
        raise invalid_request("the form has bytes that are not percent-encoded") from None


def parse(text: str) -> dict[str, str]:
    """Read urlencoded pairs; `OAuthError` (invalid_request) for too many, a repeated one or bad UTF-8."""
    if not text:
        return {}
    if len(text) > MAX_FORM or text.count("&") >= MAX_FIELDS:
        raise invalid_request(f"at most {MAX_FIELDS} parameters in {MAX_FORM} bytes")
    found: dict[str, str] = {}
    encoded = "%" in text or "+" in text
    for pair in text.split("&"):
        raw_name, _, raw_value = pair.partition("=")
        name, value = (decoded(raw_name), decoded(raw_value)) if encoded else (raw_name, raw_value)
        if not value:
            continue
        if name in found:
            if name in _REPEATABLE:
                continue
            raise invalid_request(f"the parameter {shown(name)} is repeated")
        found[name] = value
    return found


def decoded(text: str) -> str:
    """Undo the encoding of one name or value; `OAuthError` (invalid_request) when it is not UTF-8."""
    if "+" in text:
        text = text.replace("+", " ")
    if "%" not in text:
        return text
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        raise invalid_request("a parameter is not UTF-8") from None


def needed(params: Mapping[str, str], name: str) -> str:
    """Give a parameter; `OAuthError` (invalid_request) when it was left out."""
    value = params.get(name)
    if value is None:
        raise invalid_request(f"the parameter '{name}' is missing")
    return value
