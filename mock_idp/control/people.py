"""Who can sign in: the people of the server, and those of one issuer alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from mock_idp.control.errors import Code, ControlError, refusing
from mock_idp.control.steered import Steered
from mock_idp.control.views import PersonView
from mock_idp.people import DOMAIN, Account, Person

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_idp.people import Directory


class PersonOptions(TypedDict, total=False):
    """What a person is; whatever is left out follows from the user name."""

    name: str | None
    domain: str
    claims: Mapping[str, Any]
    """Set on top of their tokens."""
    password: str | None
    """What the password grant has to send; by default anything that is not empty."""


class People(Steered):
    """Listed, added, changed, removed; `path` names an issuer, None the directory of the whole server."""

    def people(self, path: str | None = None) -> tuple[PersonView, ...]:
        """List the people of the directory, or of an issuer alone."""
        return people_views(self._directory(path))

    def add_person(
        self, username: str, *, path: str | None = None, **known: Unpack[PersonOptions]
    ) -> PersonView:
        """Take a person in; a user name that is taken is a conflict."""
        directory = self._directory(path)
        if directory.find(username) is not None:
            raise ControlError(Code.CONFLICT, f"the user name {username!r} is taken")
        return _put(directory, username, known)

    def put_person(
        self, username: str, *, path: str | None = None, **known: Unpack[PersonOptions]
    ) -> PersonView:
        """Take a person in, in place of whoever has the user name."""
        return _put(self._directory(path), username, known)

    def remove_person(self, username: str, *, path: str | None = None) -> None:
        """Forget a person."""
        with refusing(Code.NOT_FOUND):
            self._directory(path).remove(username)

    def _directory(self, path: str | None) -> Directory:
        return self._idp.people if path is None else self._issuer(path).people


def people_views(directory: Directory) -> tuple[PersonView, ...]:
    """Show the people of a directory."""
    return tuple(_person_view(directory, person) for person in directory)


def _person_view(directory: Directory, person: Person) -> PersonView:
    known = directory.accounts.get(person.username, Account())
    return PersonView(
        username=person.username,
        name=person.name,
        email=person.email,
        oid=person.oid,
        subject=person.subject,
        claims=dict(known.claims),
        password=known.password,
    )


def _put(directory: Directory, username: str, known: PersonOptions) -> PersonView:
    name, domain = known.get("name"), known.get("domain", DOMAIN)
    person = Person.of(name, username, domain) if name else Person.named(username, domain)
    with refusing(Code.CONFLICT):
        directory.add(person, Account(dict(known.get("claims", {})), known.get("password")))
    return _person_view(directory, person)
