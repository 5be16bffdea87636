"""What IdPs say of a person: their own ids for one, and the claims of OpenID's scopes.

Every id follows from the person and the IdP that gives it, so that it is the same on every request and on every run.
"""

import hashlib
import uuid
from functools import lru_cache
from typing import Any

from mock_idp.people import Person

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_DIGITS = "0123456789"


@lru_cache(maxsize=4096)
def guid(*parts: str) -> str:
    """Give the GUID that follows from the parts."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "\0".join(parts)))


def base62(length: int, *parts: str) -> str:
    """Give letters and digits (at most 40) that follow from the parts."""
    return _spelled(length, _BASE62, parts)


def digits(length: int, *parts: str) -> str:
    """Give digits (at most 70) that follow from the parts."""
    return _spelled(length, _DIGITS, parts)


@lru_cache(maxsize=4096)
def _spelled(length: int, alphabet: str, parts: tuple[str, ...]) -> str:
    number = int.from_bytes(hashlib.sha256("\0".join(parts).encode()).digest())
    spelled = ""
    for _ in range(length):
        number, place = divmod(number, len(alphabet))
        spelled += alphabet[place]
    return spelled


def names(person: Person) -> dict[str, str]:
    """Give `name`, `given_name` and, for a person who has one, `family_name` (OpenID Connect Core section 5.1)."""
    given, _, family = person.name.partition(" ")
    return {"name": person.name, "given_name": given, **({"family_name": family} if family else {})}


def verified_email(person: Person) -> dict[str, Any]:
    """Give `email` and `email_verified`, which is a boolean (CLM-031)."""
    return {"email": person.email, "email_verified": True}
