"""Who can sign in at an issuer, and what it knows of them beside who they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from mock_idp.people import Person

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_idp.issuer import Issuer
    from mock_idp.oauth.endpoint import Context

DEFAULT_PEOPLE: Final = tuple(Person.named(name) for name in ("ann", "ben", "cleo"))
"""Who can sign in where nobody was entered in a directory."""


class Account(msgspec.Struct, frozen=True):
    """What one issuer knows of a person."""

    claims: Mapping[str, Any] = msgspec.field(default_factory=dict)
    """Set on top of their tokens and of userinfo."""
    password: str | None = None
    """What the password grant has to send; without one, anything that is not empty."""


def people(issuer: Issuer, context: Context) -> tuple[Person, ...]:
    """List who can sign in: the issuer's own people and the server's, or else `DEFAULT_PEOPLE`."""
    known = {person.username: person for person in (*context.people, *issuer.people)}
    return tuple(known.values()) or DEFAULT_PEOPLE


def find(issuer: Issuer, context: Context, name: str) -> Person | None:
    """Give the person of a user name or an e-mail address, if they can sign in."""
    found = issuer.people.find(name) or context.people.find(name)
    if found is not None:
        return found
    return next((p for p in people(issuer, context) if name in {p.username, p.email}), None)
