"""`WWW-Authenticate`, read as strictly as RFC 9110 section 11 writes it; whatever is odd is a ValueError.

A lenient reader would see nothing where two readers see different challenges, which is what is looked for (HTTP-016).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TOKEN68: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*(?=[ \t]*(?:,|$))")
# RFC 9110 section 5.6.4: quoted-string without obs-text, which nobody has to understand.
_QUOTED: Final = re.compile(r'"((?:[\t \x21\x23-\x5b\x5d-\x7e]|\\[\t \x21-\x7e])*)"')
_EQUALS: Final = re.compile(r"[ \t]*=[ \t]*")
_COMMAS: Final = re.compile(r"[ \t]*(?:,[ \t]*)+")
_OF_ERRORS: Final = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]*")
"""RFC 6750 section 3: what may stand in `error` and `error_description`."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """One challenge: its scheme in lower case, and its parameters by their name in lower case."""

    scheme: str
    parameters: Mapping[str, str]


def challenges(values: Iterable[str]) -> list[Challenge]:
    """Return the challenges of all header lines. Raises `ValueError` that says what is wrong with them."""
    return [challenge for value in values for challenge in _Reader(value).all()]


class _Reader:
    """Reads one header value from the left."""

    def __init__(self, text: str) -> None:
        self._text = text.strip(" \t")
        self._at = 0

    def all(self) -> list[Challenge]:
        found: list[Challenge] = []
        if not self._text:
            raise ValueError("it is empty")
        while self._at < len(self._text):
            scheme = self._take(_TOKEN, "a scheme")
            parameters: dict[str, str] = {}
            if self._text[self._at : self._at + 1] == " ":
                self._at += len(self._text) - self._at - len(self._text[self._at :].lstrip(" "))
                parameters = self._parameters(scheme.lower())
            found.append(Challenge(scheme.lower(), parameters))
            if self._at < len(self._text) and not self._skip(_COMMAS):
                raise ValueError(f"something else than a comma follows the challenge {scheme}")
        return found

    def _parameters(self, scheme: str) -> dict[str, str]:
        parameters: dict[str, str] = {}
        if not self._starts_parameter() and self._skip(_TOKEN68):
            return parameters
        while self._starts_parameter():
            name = self._take(_TOKEN, "the name of a parameter").lower()
            self._take(_EQUALS, "=")
            if name in parameters:
                raise ValueError(f"the parameter {name} stands there twice")
            parameters[name] = self._value(scheme, name)
            before = self._at
            if self._skip(_COMMAS) and not self._starts_parameter():
                self._at = before  # the comma ends the challenge
                break
        return parameters

    def _value(self, scheme: str, name: str) -> str:
        quoted = _QUOTED.match(self._text, self._at)
        if quoted is None:
            if scheme == "bearer" and name in ("error", "error_description", "realm", "scope"):
                raise ValueError(f"the value of {name} is no quoted string")
            return self._take(_TOKEN, f"the value of {name}")
        self._at = quoted.end()
        value = re.sub(r"\\(.)", r"\1", quoted[1])
        if name in ("error", "error_description") and not _OF_ERRORS.fullmatch(value):
            raise ValueError(f"{name} has characters that RFC 6750 does not allow there")
        return value

    def _starts_parameter(self) -> bool:
        name = _TOKEN.match(self._text, self._at)
        return name is not None and bool(re.match(r"[ \t]*=(?!=*[ \t]*(?:,|$))", self._text[name.end() :]))

    def _take(self, pattern: re.Pattern[str], what: str) -> str:
        found = pattern.match(self._text, self._at)
        if found is None:
            raise ValueError(f"{what} is missing or written with a character that may not stand there")
        self._at = found.end()
        return found[0]

    def _skip(self, pattern: re.Pattern[str]) -> bool:
        found = pattern.match(self._text, self._at)
        if found is None:
            return False
        self._at = found.end()
        return True
