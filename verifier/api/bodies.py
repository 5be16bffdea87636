"""The JSON of the admin API, in the words of the target protocol, to records and users and back.

A member that is null counts as one that is not there. A member that nobody knows is refused: most of them are
misspelt, and an integration without the member that was meant is another one.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

from verifier.certificates import CertificateFile
from verifier.compact import decode_json
from verifier.errors import VerifierError, quoted
from verifier.mapping import User
from verifier.onboarding import IntegrationRecord

MAX_ID_CHARS: Final = 2048
MAX_USERS: Final = 1_000_000

_RECORD: Final = frozenset(field.name for field in fields(IntegrationRecord))
_FILES: Final = frozenset({"certificates", "public_keys"})
_CERTIFICATE: Final = frozenset({"kid", "name", "pem", "pem_base64"})
_USER: Final = frozenset({"name", "external_id", "active", "claim", "enrolled", "api_access"})
_FLAGS: Final = {"active": True, "enrolled": False, "api_access": True}


class BodyError(VerifierError):
    """A body that is not what the operation takes; `field` is the path of what is wrong, where there is one."""

    def __init__(self, detail: str, field: str | None = None) -> None:
        super().__init__(f"{field}: {detail}" if field else detail)
        self.detail: Final = detail
        self.field: Final = field


def members(body: bytes, known: frozenset[str]) -> dict[str, Any]:
    """Read one JSON object in which only known members stand; BodyError."""
    try:
        document = decode_json(body)
    except ValueError as fault:
        raise BodyError(str(fault)) from None
    return known_members(document, known, "")


def known_members(document: object, known: frozenset[str], path: str) -> dict[str, Any]:
    """Return the members of an object that are not null; BodyError for what is no object or not known."""
    if not isinstance(document, dict):
        raise BodyError("a JSON object", path or None)
    found = {name: value for name, value in document.items() if value is not None}
    for name in found:
        if name not in known:
            raise BodyError(f"there is no member {quoted(name)}", path or None)
    return found


def integration_of(document: object) -> dict[str, Any]:
    """Return the members of an integration; BodyError. Their values are for onboarding to judge."""
    found = known_members(document, _RECORD, "integration")
    for form in _FILES:
        files = found.get(form, [])
        if not isinstance(files, list):
            raise BodyError("a list", f"integration.{form}")
        for number, file in enumerate(files):
            path = f"integration.{form}[{number}]"
            _content(known_members(file, _CERTIFICATE, path), path)
    return found


def record_of(document: Mapping[str, Any]) -> IntegrationRecord:
    """Make a record of an integration that `integration_of` has taken."""
    values = dict(document)
    for form in values.keys() & _FILES:
        values[form] = [
            CertificateFile(file.get("kid"), _content(file, form), file.get("name", ""))
            for file in values[form]
        ]
    return IntegrationRecord(**{"id": None, **values})


def users_of(document: object) -> tuple[User, ...]:
    """Read a list of users; BodyError. Left out, `active` and `api_access` are true, and the claim is `sub`."""
    if not isinstance(document, list) or len(document) > MAX_USERS:
        raise BodyError(f"a list of at most {MAX_USERS} users", "users")
    return tuple(_user(entry, number) for number, entry in enumerate(document))


def user_document(user: User) -> dict[str, Any]:
    """Return a user as the API writes it."""
    return {
        "name": user.name,
        "external_id": user.external_id,
        "active": user.active,
        "claim": user.claim,
        "enrolled": user.enrolled,
        "api_access": user.api_access,
    }


def _user(entry: object, number: int) -> User:
    path = f"users[{number}]"
    found = known_members(entry, _USER, path)
    if isinstance(entry, dict) and "external_id" not in entry:  # MAP-018: nobody is left without by a slip
        raise BodyError("external_id is missing: a text, or null for a user whom no token finds", path)
    name, external_id = found.get("name"), found.get("external_id")
    if not isinstance(name, str) or not name or not isinstance(external_id, str | None):
        raise BodyError("a user needs a name, and a text or null as external_id", path)
    if not all(_is_text(text) for text in (name, external_id or "")):
        raise BodyError("half a character", path)
    flags = {flag: found.get(flag, default) for flag, default in _FLAGS.items()}
    if not all(isinstance(value, bool) for value in flags.values()):
        raise BodyError(f"{', '.join(_FLAGS)} are true or false", path)
    claim = found.get("claim", "sub")
    if not isinstance(claim, str) or not claim or not _is_text(claim):
        raise BodyError("claim is the name of the claim that the external_id is of", path)
    return User(name, external_id, claim=claim, **flags)


def _content(file: Mapping[str, Any], path: str) -> bytes:
    pem, encoded = file.get("pem"), file.get("pem_base64")
    if (pem is None) == (encoded is None):
        raise BodyError("either pem or pem_base64", path)
    try:
        if isinstance(encoded, str):
            return binascii.a2b_base64(encoded.encode("ascii"), strict_mode=True)
        if isinstance(pem, str):
            return pem.encode()
    except ValueError:
        raise BodyError("pem_base64 is base64, and pem is text", path) from None
    raise BodyError("pem and pem_base64 are texts", path)


def _is_text(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def as_base64(content: bytes) -> str:
    """Return the content of a file as `pem_base64` has it."""
    return base64.b64encode(content).decode("ascii")
