"""How a credential travels: what a table says of an HTTP request, with the tokens in their places.

In every text of a request each character is one byte (U+0000 to U+00FF), so that whatever a table says reaches the
wire unchanged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import UNSET

from scenarios.tables.steps import WORD

if TYPE_CHECKING:
    import re
    from collections.abc import Mapping

    from scenarios.tables.model import SendSpec

PLAIN: Final = ("Authorization: Bearer {token}",)
"""The header lines of a request of which a table says nothing else (RFC 6750 section 2.1)."""


def request(spec: SendSpec, tokens: Mapping[str, str | bytes], cookies: Mapping[str, str]) -> dict[str, Any]:
    """Return the `request` of an `authenticate` message; `{path}` in it is the target's to fill."""

    def filled(text: str) -> str:
        return WORD.sub(token, text)

    def token(found: re.Match[str]) -> str:
        named = tokens.get(found[1])
        return found[0] if named is None else as_bytes(named).decode("latin-1")

    lines = [filled(line) for line in (PLAIN if spec.headers is UNSET else spec.headers)]
    if spec.cookies is not None and cookies:
        lines.append("Cookie: " + "; ".join(f"{name}={value}" for name, value in cookies.items()))
    made: dict[str, Any] = {"headers": lines, "connection": spec.connection}
    for name in ("method", "target", "body"):
        if (said := getattr(spec, name)) is not None:
            made[name] = filled(said)
    return made


def as_bytes(token: str | bytes) -> bytes:
    """Return a credential as bytes; half characters too, as a careless client would write them."""
    return token if isinstance(token, bytes) else token.encode("utf-8", "surrogatepass")
