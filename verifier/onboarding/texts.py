"""Fields that hold a text: whether one was sent, and whether it is one that can stand in a token.

Must never change a text: it is taken as typed, code point for code point, or refused (ONB-002, ONB-026, ONB-027).
"""

import unicodedata
from typing import Final

from verifier.errors import OnboardingRefused, RefuseReason, quoted
from verifier.mapping import is_blank

MAX_VALUE_CHARS: Final = 2048
"""Longest Entity ID, issuer, audience or kid."""

QUOTES: Final = "\"'`\u2018\u2019\u201c\u201d\u00ab\u00bb"
"""What copying may leave around a text."""

# Control, format (zero-width among them), surrogate, line and paragraph separators.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def is_absent(value: object) -> bool:
    """Tell whether a field was left out; a blank text says no more than none."""
    return value is None or (isinstance(value, str) and is_blank(value))


def required(value: object, missing: RefuseReason, field: str) -> str:
    """Return a text that has to be sent; OnboardingRefused `missing` without it (ONB-001)."""
    if is_absent(value):
        raise OnboardingRefused(missing, f"{field}: it is mandatory", field)
    if not isinstance(value, str):
        raise OnboardingRefused(missing if field == "id" else "value_format", f"{field}: send a text", field)
    if len(value) > MAX_VALUE_CHARS or any(
        unicodedata.category(character) in ("Cc", "Cs") for character in value
    ):
        detail = f"{field}: send at most {MAX_VALUE_CHARS} characters, none of them for control"
        raise OnboardingRefused("value_format", detail, field)
    return value


def check_value(value: str, field: str) -> None:
    """Refuse an issuer or audience that no token can hold as it was typed (ONB-026)."""
    if len(value) > MAX_VALUE_CHARS or has_unseen(value) or value[0] in QUOTES or value[-1] in QUOTES:
        detail = (
            f"{field} {quoted(value)}: too long, or with quotes, outer space or unseen characters;"
            " send it exactly as it stands in your tokens"
        )
        raise OnboardingRefused("value_format", detail, field)


def has_unseen(value: str) -> bool:
    """Tell whether a text has outer white space or characters that nobody sees (ONB-026, ONB-038)."""
    if value != value.strip():
        return True
    if value.isascii() and value.isprintable():  # as nearly all are
        return False
    return any(unicodedata.category(character) in _UNSEEN for character in value)
