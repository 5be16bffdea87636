"""Who can sign in at an issuer, and what it knows of them beside who they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mock_idp.people import Account, Person

if TYPE_CHECKING:
    from mock_idp.issuer import Issuer
    from mock_idp.oauth.endpoint import Context

__all__ = ["DEFAULT_PEOPLE", "Account", "check_known", "find", "people"]

DEFAULT_PEOPLE: Final = tuple(Person.named(name) for name in ("ann", "ben", "cleo"))
"""Who can sign in where nobody was entered in a directory."""


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


def check_known(issuer: Issuer, name: str) -> None:
    """Raise `ValueError` when nobody who can sign in at a served issuer has this user name or e-mail address."""
    known = (*issuer.people, *issuer.everywhere) or DEFAULT_PEOPLE
    if not any(name in {person.username, person.email} for person in known):
        raise ValueError(f"nobody who could sign in has the user name {name!r}")
